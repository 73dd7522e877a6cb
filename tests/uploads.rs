//! Policies that merchants upload: what passes the gate is a version, what does not leaves nothing but an act.

mod bound;
mod hostile;
mod pushed;
mod refused;
mod signed;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use ombud::service::Role;
use ombud_ledger::Digest;
use ombud_tests::command::{on, path, run};
use ombud_tests::events::event;
use ombud_tests::forge::Forge;
use ombud_tests::server::{Merchant, Server, shared};
use ombud_tests::uploads::{ended, failed_step, form, guest, policy, upload, upload_as, with_section};
use serde_json::{Value, json};

/// A program that runs a script of the shell.
fn script(folder: &Path, script: &str) -> PathBuf {
    let program = folder.join(format!("{}.sh", Digest::of(script.as_bytes())));
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).expect("a program");
    program
}

/// The names of the acts of a merchant, newest first.
pub(crate) fn acts(merchant: &Merchant<'_>) -> Vec<Value> {
    merchant.call(Role::Compliance, "GET", "/acts").send().ok()["acts"].as_array().expect("acts").clone()
}

#[test]
fn what_passes_the_gate_is_a_version_with_its_report() {
    let merchant = shared().merchant(json!({}));
    let bytes = policy("delay");
    let uploaded = ended(&merchant, &upload_as(&merchant, "our-delays", bytes.clone()).send());
    assert_eq!(uploaded.0, 201, "{}", uploaded.1);
    let page = merchant.call(Role::Agent, "GET", "/policies/our-delays/versions").send().ok();
    let version = &page["versions"][0];
    let settings = Digest::of(b"{}").to_string();
    assert_eq!(version["version"], format!("0.1.0+{}", &settings[..8]));
    assert_eq!((&version["state"], &version["kinds"]), (&json!("draft"), &json!(["delay"])));
    assert_eq!((&version["component"], &version["settings"]), (&json!(Digest::of(&bytes).to_string()), &json!(settings)));
    assert_eq!((&version["package"]["license"], &version["created_role"]), (&json!("Apache-2.0"), &json!("merchant-admin")));

    let path = format!("/policies/our-delays/versions/{}", version["version"].as_str().unwrap());
    let detail = merchant.call(Role::Auditor, "GET", &path).send().ok();
    let steps: Vec<&str> = detail["report"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(
        steps,
        [
            "structure",
            "imports",
            "contract",
            "metadata",
            "signature",
            "version",
            "compile",
            "link",
            "schema",
            "settings",
            "bounds",
            "cases",
            "repeat",
            "edges",
            "rules",
            "process"
        ]
    );
    assert!(detail["report"].as_array().unwrap().iter().all(|step| step["status"] == "passed"), "{detail}");
    assert_eq!((&detail["settings_text"], &detail["signature"]["status"]), (&json!("{}"), &json!("none")));
    assert_eq!(merchant.call(Role::Auditor, "GET", &format!("{path}/component")).send().bytes, bytes);
    let acts_now = acts(&merchant);
    assert_eq!((&acts_now[0]["name"], &acts_now[0]["body"]["look"]), (&json!("audit.viewed"), &json!("configuration")));
    assert_eq!((&acts_now[1]["name"], &acts_now[1]["body"]["policy"]), (&json!("policy.uploaded"), &json!("our-delays")));

    // The same again is the same version, and no act.
    let again = upload_as(&merchant, "our-delays", bytes).send();
    assert_eq!(again.ok()["version"], version["version"]);
    assert_eq!(acts(&merchant).iter().filter(|act| act["name"] == "policy.uploaded").count(), 1);
    let policies = merchant.call(Role::Agent, "GET", "/versions").send().ok();
    let ours = policies.as_array().unwrap().iter().find(|policy| policy["policy"] == "our-delays").unwrap();
    assert_eq!((&ours["versions"], &ours["newest"]["state"]), (&json!(1), &json!("draft")));
}

#[test]
fn who_uploads_a_version_again_mends_what_is_stored_of_it() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::on(data.path(), &ombud_tests::guests::root().join("policies"));
    let merchant = server.merchant(json!({}));
    // Other bytes than those of the operator's package.
    let component = with_section(&policy("delay"), "remark", b"ours");
    let upload = || {
        let parts: [(&str, &[u8]); 3] = [("component", &component), ("settings", b"{\"ship_upper_hours\": 47}"), ("name", b"mendable")];
        ended(&merchant, &form(&merchant, &parts).send())
    };
    let (status, detail) = upload();
    assert_eq!(status, 201, "{detail}");
    let step = |name: &str, body: &Value| {
        merchant.call(Role::MerchantAdmin, "POST", &format!("/policies/mendable/rollout/{name}")).json(body).send().ok()
    };
    step("activate", &json!({"version": detail["version"]}));
    let decide =
        |id: &str| merchant.call(Role::Agent, "POST", "/events").event(&event("delay.detected", id)).send().ok()["decisions"][0].clone();
    let first = decide("sound");
    assert_eq!((&first["policy"]["name"], &first["fault"]), (&json!("mendable"), &Value::Null), "{first}");

    let forge = Forge::on(data.path());
    forge.run(1, "UPDATE blobs SET bytes = zeroblob(7) WHERE CAST(bytes AS TEXT) = '{\"ship_upper_hours\": 47}'", []);
    forge.run(1, "DELETE FROM blobs WHERE digest = ?1", [Digest::of(&component).0]);
    // What a change reads anew.
    for name in ["pause", "resume"] {
        step(name, &json!({"reason": "a look"}));
    }
    let fault = &decide("damaged")["fault"]["code"];
    assert_eq!(fault, "not-loaded");
    let path = "/policies/mendable/versions";
    let other = json!({"settings": {"ship_upper_hours": 46}});
    let (status, refused) = ended(&merchant, &merchant.call(Role::MerchantAdmin, "POST", path).json(&other).send());
    assert!(status == 422 && failed_step(&refused).1.contains("upload the component itself once more"), "{refused}");
    let (status, again) = upload();
    assert_eq!((status, &again["version"]), (200, &detail["version"]), "{again}");
    assert_eq!(decide("mended")["fault"], Value::Null);
    let replay = format!("/decisions/{}/replay", first["id"].as_str().unwrap());
    assert_eq!(merchant.call(Role::Auditor, "POST", &replay).send().ok()["identical"], true);
    assert_eq!(acts(&merchant).iter().filter(|act| act["name"] == "policy.uploaded").count(), 1);
}

#[test]
fn an_uploaded_version_decides_after_a_restart_and_is_replayed() {
    let data = tempfile::tempdir().unwrap();
    let policies = ombud_tests::guests::root().join("policies");
    let mut kept = None;
    for start in 0..2 {
        let server = Server::on(data.path(), &policies);
        if start == 0 {
            let merchant = server.merchant(json!({}));
            let parts: [(&str, &[u8]); 3] =
                [("component", &policy("delay")), ("settings", b"{\"ship_upper_hours\": 48}"), ("name", b"our-delays")];
            let (status, detail) = ended(&merchant, &form(&merchant, &parts).send());
            assert_eq!(status, 201, "{detail}");
            let version = merchant.call(Role::Agent, "GET", "/policies/our-delays/versions").send().ok()["versions"][0]["version"].clone();
            let bound = json!({"id": merchant.id, "shop_id": "10437917", "platform": "douyin",
                "policies": {"delay": {"policy": "our-delays", "version": version}}});
            merchant.call(Role::MerchantAdmin, "PUT", "").json(&bound).send().ok();
            kept = Some((merchant.id.clone(), merchant.key(Role::Agent).to_owned(), merchant.key(Role::Auditor).to_owned(), version));
        }
        let (id, agent, auditor, version) = kept.clone().unwrap();
        let event = event("delay.detected", &format!("restart-{start}"));
        let decided = server.call("POST", &format!("/v1/merchants/{id}/events")).key(&agent).event(&event).send().ok();
        let decision = &decided["decisions"][0];
        assert_eq!((&decision["policy"]["name"], &decision["policy"]["version"]), (&json!("our-delays"), &version), "{decision}");
        assert_eq!(decision["fault"], Value::Null);
        let replay = format!("/v1/merchants/{id}/decisions/{}/replay", decision["id"].as_str().unwrap());
        let replayed = server.call("POST", &replay).key(&auditor).send().ok();
        assert_eq!(replayed["identical"], true, "{replayed}");
    }
    // Whoever has the export needs neither server nor store to run it again.
    let (id, ..) = kept.unwrap();
    let (bundle, key) = (data.path().join("e.ombud"), data.path().join("ledger.vkey"));
    on(data.path(), &["audit", "export", "--merchant", &id, "-o", path(&bundle)]).exits(0);
    run(&["audit", "verify", path(&bundle), "--key", path(&key)]).exits(0);
    on(data.path(), &["audit", "check"]).exits(0);
    // A version whose component is lost is found, whether it decides or not.
    let database = rusqlite::Connection::open(data.path().join("ombud.db")).unwrap();
    database.execute("DELETE FROM blobs WHERE digest = (SELECT component FROM versions)", []).unwrap();
    on(data.path(), &["audit", "check"]).exits(1).says("records or versions name them");
}

#[test]
fn other_settings_are_another_version_and_the_same_ones_are_not() {
    let merchant = shared().merchant(json!({}));
    let first = ended(&merchant, &upload(&merchant, guest("slow", "1")).send());
    assert_eq!(first.0, 201, "{}", first.1);
    let change = |settings: Value| {
        let reply =
            merchant.call(Role::MerchantAdmin, "POST", "/policies/slow/versions").json(&json!({"settings": settings, "note": "why"}));
        ended(&merchant, &reply.send())
    };
    let (status, second) = change(json!({"a": 1}));
    assert_eq!(status, 201, "{second}");
    assert_eq!(change(json!({"a": 1})).0, 200);
    assert_eq!(change(json!({})).0, 200, "those of the first");
    // Paged, newest first.
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = merchant.call(Role::Agent, "GET", &format!("/policies/slow/versions?limit=1{cursor}")).send().ok();
        seen.extend(page["versions"].as_array().unwrap().iter().map(|version| version["note"].clone()));
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", next.replace('+', "%2B")),
            None => break,
        }
    }
    assert_eq!(seen, [json!("why"), Value::Null]);
    merchant.call(Role::Agent, "GET", "/policies/slow/versions?cursor=x").send().problem(422);
    merchant.call(Role::Agent, "GET", "/policies/fast/versions").send().problem(404);
    let unknown = json!({"settings": {}, "version": "9"});
    merchant.call(Role::MerchantAdmin, "POST", "/policies/slow/versions").json(&unknown).send().problem(404);
    let text = json!({"settings": "text"});
    merchant.call(Role::MerchantAdmin, "POST", "/policies/slow/versions").json(&text).send().problem(422);
}
