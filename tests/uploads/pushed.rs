//! `ombud push` and `ombud key new`, through the built binary.

use ombud::service::Role;
use ombud_tests::command::{path, run};
use ombud_tests::guests::root;
use ombud_tests::server::{Merchant, shared};
use ombud_tests::uploads::{facts, guest, named};
use serde_json::json;

/// A default policy under a name of the merchant's.
const OURS: [&str; 3] = ["policies/delay", "--name", "ours"];

fn push(merchant: &Merchant<'_>, arguments: &[&str]) -> ombud_tests::command::Ran {
    let url = format!("http://{}", merchant.server.address);
    let server = ["--url", &url, "--api-key", merchant.key(Role::MerchantAdmin), "--merchant", &merchant.id];
    run(&[&["push"], arguments, &server].concat())
}

#[test]
fn a_package_a_component_and_a_table_are_pushed_and_signed() {
    let merchant = shared().merchant(json!({"signatures": "required"}));
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let key = file("my.key");
    push(&merchant, &OURS).exits(1).says("✗ signature").says("ombud key new FILE");
    run(&["key", "new", path(&key)]).exits(0).says("RW");
    run(&["key", "new", path(&key)]).exits(2).complains("cannot write");
    assert_eq!(std::fs::metadata(&key).map(|facts| std::os::unix::fs::PermissionsExt::mode(&facts.permissions()) & 0o777).unwrap(), 0o600);
    let public = std::fs::read_to_string(file("my.key.pub")).unwrap();
    let registered =
        merchant.call(Role::MerchantAdmin, "POST", "/signing-keys").json(&json!({"public_key": public, "label": "dev"})).send();
    let id = registered.with(201)["id"].as_str().unwrap().to_owned();

    let signed = ["--key", path(&key)];
    push(&merchant, &[&OURS[..], &["--note", "our first"], &signed].concat())
        .exits(0)
        .says("✓ process")
        .says("is uploaded: draft")
        .says(&id);
    push(&merchant, &[&OURS[..], &signed].concat()).exits(0).says("is there already");
    let settings = file("settings.json");
    std::fs::write(&settings, "{\"ship_upper_hours\": 48}\n").unwrap();
    let settings = ["--settings", path(&settings), "--json"];
    let pushed = push(&merchant, &[&OURS[..], &signed, &settings].concat()).exits(0).json();
    assert_eq!((&pushed["accepted"], &pushed["new"], &pushed["signature"]), (&json!(true), &json!(true), &json!("valid")));
    assert_eq!(pushed["report"].as_array().unwrap().len(), 16, "{pushed}");

    std::fs::write(file("bare.wasm"), guest("bare", "1")).unwrap();
    push(&merchant, &[&[path(&file("bare.wasm"))][..], &signed].concat()).exits(0).says("bare 1+44136fa3 is uploaded");
    push(&merchant, &[&["plugins/table/examples/singles-day-delays"][..], &signed].concat()).exits(0).says("singles-day-delays");
    let page = merchant.call(Role::Agent, "GET", "/policies/ours/versions").send().ok();
    assert_eq!(page["versions"].as_array().unwrap().len(), 2);
    assert_eq!(page["versions"][1]["note"], "our first");
}

#[test]
fn a_version_that_is_there_keeps_its_signature_or_that_it_has_none() {
    let merchant = shared().merchant(json!({}));
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["first.key", "second.key"].map(|name| {
        let key = folder.path().join(name);
        run(&["key", "new", path(&key)]).exits(0);
        let public = std::fs::read_to_string(folder.path().join(format!("{name}.pub"))).unwrap();
        merchant.call(Role::MerchantAdmin, "POST", "/signing-keys").json(&json!({"public_key": public, "label": name})).send().with(201);
        key
    });
    let pushed = |name: &str, key: &std::path::Path| push(&merchant, &["policies/reply", "--name", name, "--key", path(key)]);
    push(&merchant, &["policies/reply", "--name", "bare"]).exits(0).says("is uploaded");
    pushed("bare", &first).exits(0).says("is there already").complains("stays without a signature").complains("upload another version");
    pushed("own", &first).exits(0).says("is uploaded");
    assert!(!pushed("own", &first).exits(0).says("is there already").err.contains("signature"));
    pushed("own", &second).exits(0).says("is there already").complains("keeps the signature of");
}

#[test]
fn what_is_refused_and_what_cannot_be_pushed() {
    let merchant = shared().merchant(json!({}));
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        path(&file).to_owned()
    };
    let traps = named(&ombud_tests::guests::component("trap", "delay-policy"), &facts("traps", "1"));
    let trap = file("trap.wasm", &traps);
    push(&merchant, &[&trap]).exits(1).says("✗ edges").says("divide by zero").says("refused: edges");
    let refused = push(&merchant, &[&trap, "--json"]).exits(1).json();
    assert_eq!((&refused["accepted"], &refused["version"]), (&json!(false), &serde_json::Value::Null));
    // What `check` refuses of a folder is not sent: the server would see the component alone.
    let stale = folder.path().join("stale");
    std::fs::create_dir(&stale).unwrap();
    std::fs::copy(root().join("policies/delay/policy.toml"), stale.join("policy.toml")).unwrap();
    std::fs::copy(root().join("policies/reply/reply.wasm"), stale.join("delay.wasm")).unwrap();
    push(&merchant, &[path(&stale)]).exits(1).says("✗ component").says("names another component").says("nothing was sent");
    let refused = push(&merchant, &[path(&stale), "--json"]).exits(1).json();
    assert_eq!((&refused["accepted"], &refused["report"][0]["name"]), (&json!(false), &json!("component")));
    push(&merchant, &["no-such-file.wasm"]).exits(2).complains("cannot read");
    push(&merchant, &["\u{1b}[2J.wasm"]).exits(2).complains("\\u001b[2J.wasm");
    push(&merchant, &[&trap, "--name", "../x"]).exits(2).complains("/name");
    push(&merchant, &[&trap, "--key", &trap]).exits(2).complains("cannot read");
    let none = file("none.key", b"untrusted comment: x\nRW\n");
    push(&merchant, &[&trap, "--key", &none]).exits(2).complains("no secret key of minisign");
    run(&["push", &trap]).exits(2).complains("--data");
    let url = format!("http://{}", merchant.server.address);
    run(&["push", &trap, "--url", &url, "--api-key", merchant.key(Role::Agent), "--merchant", &merchant.id])
        .exits(2)
        .complains("may not upload");
    run(&["push", &trap, "--url", &url, "--api-key", merchant.key(Role::MerchantAdmin)]).exits(2).complains("--merchant");

    // The same steps with the same results as `check`, which has no version and no signature to look at.
    let report = |ran: serde_json::Value| {
        let mut steps = ran.as_array().unwrap().clone();
        steps.retain(|step| !["component", "signature", "version"].contains(&step["name"].as_str().unwrap()));
        steps.iter_mut().for_each(|step| step["took_ms"] = 0.into());
        steps
    };
    let checked = run(&["check", "policies/reply", "--json"]).exits(0).json()[0]["steps"].take();
    let pushed = push(&merchant, &["policies/reply", "--name", "our-replies", "--json"]).exits(0).json()["report"].take();
    assert_eq!(report(checked), report(pushed));
}

#[test]
fn a_data_directory_is_pushed_to_without_a_server() {
    let data = tempfile::tempdir().unwrap();
    let directory = path(&data.path().join("d")).to_owned();
    let config = data.path().join("m.json");
    std::fs::write(&config, json!({"id": "m-own", "shop_id": "1", "platform": "own-site"}).to_string()).unwrap();
    run(&["merchant", "put", path(&config), "--data", &directory]).exits(0);
    run(&["push", "policies/delay", "--name", "ours", "--data", &directory]).exits(0).says("is uploaded");
    let again = ["push", "policies/delay", "--name", "ours", "--note", "again", "--data", &directory];
    run(&again).exits(0).says("is there already").complains("keeps its own note");
    run(&["push", "policies/delay", "--data", &directory, "--merchant", "m-other"]).exits(2).complains("no merchant `m-other`");
    run(&["audit", "acts", "--data", &directory, "--merchant", "m-own"]).exits(0).says("policy.uploaded");
    run(&["audit", "check", "--data", &directory]).exits(0);
}
