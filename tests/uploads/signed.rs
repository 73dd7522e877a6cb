//! Signatures: who must sign, whose signature is good, for what, and for how long.

use ombud::service::uploads::{Component, NewUpload};
use ombud::service::{Options, Role};
use ombud::signature::{SecretKey, Statement};
use ombud_core::call_limits::OperatorLimits;
use ombud_ledger::Digest;
use ombud_tests::command::path;
use ombud_tests::guests::root;
use ombud_tests::server::{Merchant, Server, shared, wait_for};
use ombud_tests::uploads::{ended, failed_step, form, guest, upload, with_section};
use serde_json::{Value, json};

use super::acts;

pub(super) fn register(merchant: &Merchant<'_>, key: &SecretKey, label: &str) -> Value {
    let body = json!({"public_key": key.public().file(), "label": label});
    merchant.call(Role::MerchantAdmin, "POST", "/signing-keys").json(&body).send().with(201)
}

pub(super) fn statement(merchant: &Merchant<'_>, component: &[u8], settings: &str) -> Statement {
    let digest = Digest::of(settings.as_bytes()).to_string();
    Statement {
        merchant: merchant.id.clone(),
        policy: "signed".into(),
        version: format!("1+{}", &digest[..8]),
        component: Digest::of(component).to_string(),
        settings: digest,
    }
}

/// Uploads a policy `signed` 1 with a signature: the status, and the document.
pub(super) fn push(merchant: &Merchant<'_>, component: &[u8], settings: &str, signature: &str) -> (u16, Value) {
    let parts: [(&str, &[u8]); 3] = [("component", component), ("settings", settings.as_bytes()), ("signature", signature.as_bytes())];
    ended(merchant, &form(merchant, &parts).send())
}

#[track_caller]
fn refused(answer: &(u16, Value), says: &str) {
    assert_eq!(answer.0, 422, "{}", answer.1);
    let (step, problems) = failed_step(&answer.1);
    assert_eq!(step, "signature", "{problems}");
    assert!(problems.contains(says), "no {says:?} in {problems}");
}

#[test]
fn what_must_be_signed_is_taken_signed_only() {
    let merchant = shared().merchant(json!({"signatures": "required"}));
    let component = guest("signed", "1");
    refused(&ended(&merchant, &upload(&merchant, component.clone()).send()), "signed policies only");
    let key = SecretKey::draw().unwrap();
    let sign = |component: &[u8], settings: &str| key.sign(component, &statement(&merchant, component, settings));
    let good = sign(&component, "{}");
    refused(&push(&merchant, &component, "{}", &good), "is not registered");
    let view = register(&merchant, &key, "dev");
    assert_eq!((&view["id"], &view["label"]), (&json!(key.public().id()), &json!("dev")));

    refused(&push(&merchant, &component, "{}", "RW nothing"), "no signature of minisign");
    // Of other bytes, for other settings, of another merchant, and by a key that only has the id.
    let other = with_section(&component, "padding", b"!");
    refused(&push(&merchant, &component, "{}", &sign(&other, "{}")), "not by this key, or over another component");
    refused(&push(&merchant, &component, r#"{"a": 1}"#, &good), "is for version");
    let neighbour = shared().merchant(json!({}));
    register(&neighbour, &key, "dev");
    refused(&push(&neighbour, &component, "{}", &good), "is for merchant");
    let stranger = SecretKey::draw().unwrap();
    let forged = stranger.sign(&component, &statement(&merchant, &component, "{}"));
    refused(&push(&merchant, &component, "{}", &forged), "is not registered");
    merchant.call(Role::Agent, "GET", "/policies/signed/versions").send().problem(404);

    let (status, detail) = push(&merchant, &component, "{}", &good);
    assert_eq!(status, 201, "{detail}");
    assert_eq!((&detail["signing_key"], &detail["signature"]["status"]), (&view["id"], &json!("valid")));
    assert_eq!(detail["signature"]["text"], good);
    assert_eq!(acts(&merchant)[0]["body"]["signing_key"], view["id"]);
    // Other settings are signed as well.
    let path = "/policies/signed/versions";
    let unsigned = json!({"settings": {"a": 1}});
    let change = |body: &Value| ended(&merchant, &merchant.call(Role::MerchantAdmin, "POST", path).json(body).send());
    refused(&change(&unsigned), "signed policies only");
    let signed = json!({"settings": {"a": 1}, "signature": sign(&component, r#"{"a":1}"#)});
    assert_eq!(change(&signed).0, 201);
}

#[test]
fn a_revoked_key_signs_nothing_more_and_what_it_signed_says_so() {
    let merchant = shared().merchant(json!({}));
    let key = SecretKey::draw().unwrap();
    let id = register(&merchant, &key, "dev")["id"].as_str().unwrap().to_owned();
    let component = guest("signed", "1");
    let sign = |settings: &str| key.sign(&component, &statement(&merchant, &component, settings));
    let (status, detail) = push(&merchant, &component, "{}", &sign("{}"));
    assert_eq!((status, &detail["signature"]["status"]), (201, &json!("valid")));
    // Not signed is taken here, wrongly signed is not.
    let (status, unsigned) = ended(&merchant, &form(&merchant, &[("component", &component), ("settings", b"{\"b\": 1}")]).send());
    assert_eq!((status, &unsigned["signature"]["status"]), (201, &json!("none")));

    let neighbour = shared().merchant(json!({}));
    neighbour.call(Role::MerchantAdmin, "DELETE", &format!("/signing-keys/{id}")).send().problem(404);
    merchant.call(Role::Compliance, "DELETE", &format!("/signing-keys/{id}")).send().problem(403);
    assert_eq!(merchant.call(Role::MerchantAdmin, "DELETE", &format!("/signing-keys/{id}")).send().status, 204);
    merchant.call(Role::MerchantAdmin, "DELETE", &format!("/signing-keys/{id}")).send().problem(404);
    assert_eq!(acts(&merchant)[0]["name"], "signing-key.revoked");
    let listed = merchant.call(Role::Auditor, "GET", "/signing-keys").send().ok();
    assert!(listed[0]["revoked_at"].is_string(), "{listed}");
    refused(&push(&merchant, &component, r#"{"a": 1}"#, &sign(r#"{"a": 1}"#)), "was revoked");
    let path = format!("/policies/signed/versions/{}", detail["version"].as_str().unwrap());
    assert_eq!(merchant.call(Role::Auditor, "GET", &path).send().ok()["signature"]["status"], "revoked");
    // Revoked is revoked.
    let again = json!({"public_key": key.public().text(), "label": "dev"});
    merchant.call(Role::MerchantAdmin, "POST", "/signing-keys").json(&again).send().problem(409);
    let none = json!({"public_key": "RWQ", "label": "dev"});
    merchant.call(Role::MerchantAdmin, "POST", "/signing-keys").json(&none).send().problem(422);
}

#[test]
fn what_is_revoked_or_required_while_an_upload_is_checked_holds_for_it() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // The process that reads is the first one; the one that checks waits until it is told to.
    let (go, was_read) = (folder.path().join("go"), folder.path().join("read"));
    let waits = format!("while [ ! -e {} ]; do /usr/bin/sleep 0.05; done", path(&go));
    let script = format!(
        "if [ -e {read} ]; then {waits}; fi; : > {read}; exec {} \"$@\"",
        path(ombud_tests::process::ombud()),
        read = path(&was_read)
    );
    let program = super::script(folder.path(), &script);
    let policies = Some(root().join("policies"));
    let server = Server::with(data.path(), Options { policies, program: Some(program), ..Options::default() });
    let merchant = server.merchant(json!({}));
    let key = SecretKey::draw().unwrap();
    let id = register(&merchant, &key, "dev")["id"].as_str().unwrap().to_owned();
    let component = guest("signed", "1");
    let signature = key.sign(&component, &statement(&merchant, &component, "{}"));
    let parts: [(&str, &[u8]); 2] = [("component", &component), ("signature", signature.as_bytes())];
    let signed = form(&merchant, &parts).header("prefer", "respond-async").send();
    let location = signed.headers["location"].to_str().unwrap().to_owned();
    let view = || server.call("GET", &location).key(merchant.key(Role::MerchantAdmin)).send().ok();
    wait_for(|| view()["report"].as_array().unwrap().iter().any(|step| step["name"] == "signature"));
    assert_eq!(merchant.call(Role::MerchantAdmin, "DELETE", &format!("/signing-keys/{id}")).send().status, 204);
    std::fs::write(&go, "").unwrap();
    refused(&ended(&merchant, &signed), "was revoked");
    merchant.call(Role::Agent, "GET", "/policies/signed/versions").send().problem(404);
    assert_eq!(acts(&merchant)[0]["body"]["step"], "signature");

    std::fs::remove_file(&go).unwrap();
    std::fs::remove_file(&was_read).unwrap();
    let unsigned = upload(&merchant, component.clone()).header("prefer", "respond-async").send();
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].clone();
    config["signatures"] = json!("required");
    merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().ok();
    std::fs::write(&go, "").unwrap();
    refused(&ended(&merchant, &unsigned), "signed policies only");
}

#[test]
fn what_was_uploaded_with_a_key_that_is_revoked_meanwhile_is_no_version() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // As above: the process that checks waits until it is told to.
    let (go, was_read) = (folder.path().join("go"), folder.path().join("read"));
    let waits = format!("while [ ! -e {} ]; do /usr/bin/sleep 0.05; done", path(&go));
    let script = format!(
        "if [ -e {read} ]; then {waits}; fi; : > {read}; exec {} \"$@\"",
        path(ombud_tests::process::ombud()),
        read = path(&was_read)
    );
    let program = super::script(folder.path(), &script);
    let policies = Some(root().join("policies"));
    let server = Server::with(data.path(), Options { policies, program: Some(program), ..Options::default() });
    let merchant = server.merchant(json!({}));
    let new = json!({"role": "merchant-admin", "label": "li"});
    let created = merchant.call(Role::MerchantAdmin, "POST", "/keys").json(&new).send().with(201);
    let call = server.call("POST", &format!("/v1/merchants/{}/policies", merchant.id)).key(created["secret"].as_str().unwrap());
    let begun = call.header("content-type", "application/wasm").header("prefer", "respond-async").body(guest("late", "1")).send();
    let location = begun.headers["location"].to_str().unwrap().to_owned();
    let view = || server.call("GET", &location).key(merchant.key(Role::MerchantAdmin)).send().ok();
    wait_for(|| view()["report"].as_array().unwrap().iter().any(|step| step["name"] == "signature"));
    merchant.call(Role::MerchantAdmin, "DELETE", &format!("/keys/{}", created["id"].as_str().unwrap())).send();
    std::fs::write(&go, "").unwrap();
    let (status, document) = ended(&merchant, &begun);
    assert_eq!((status, &document["state"]), (401, &json!("failed")), "{document}");
    assert!(document["problem"].as_str().unwrap().contains("was revoked"), "{document}");
    merchant.call(Role::Agent, "GET", "/policies/late/versions").send().problem(404);
    assert_eq!(acts(&merchant)[0]["name"], "key.revoked");
}

/// What breaks the thread of an upload: it panics when it is let go.
struct Breaks;

impl Drop for Breaks {
    fn drop(&mut self) {
        panic!("broken for a test");
    }
}

#[test]
fn an_upload_whose_thread_breaks_ends_and_leaves_its_place() {
    let server = shared();
    let merchant = server.merchant(json!({}));
    let who = server.service.authenticate(merchant.key(Role::MerchantAdmin)).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    // One more than may be under way.
    for _ in 0..3 {
        let component = Component::Bytes(b"no component".to_vec());
        let new = NewUpload { component, settings: None, name: None, note: None, signature: None, held: Box::new(Breaks) };
        let upload = runtime.block_on(async { server.service.upload(&who, &merchant.id, new) }).unwrap();
        wait_for(|| upload.view().status == Some(500));
    }
}

#[test]
fn the_operator_may_require_signatures_of_all() {
    let data = tempfile::tempdir().unwrap();
    let limits = Some(OperatorLimits::parse(json!({"upload": {"signatures": "required"}}).to_string().as_bytes()).unwrap());
    let server = Server::with(data.path(), Options { policies: Some(root().join("policies")), limits, ..Options::default() });
    let merchant = server.merchant(json!({"signatures": "optional"}));
    let component = guest("signed", "1");
    refused(&ended(&merchant, &upload(&merchant, component.clone()).send()), "signed policies only");
    let key = SecretKey::draw().unwrap();
    register(&merchant, &key, "dev");
    let signature = key.sign(&component, &statement(&merchant, &component, "{}"));
    let (status, detail) = push(&merchant, &component, "{}", &signature);
    assert_eq!(status, 201, "{detail}");
    // What was stored is looked at again each time: other bytes under the same name show.
    let version = detail["version"].as_str().unwrap();
    let database = rusqlite::Connection::open(data.path().join("ombud.db")).unwrap();
    database
        .execute("UPDATE versions SET signature = replace(signature, 'merchant:', 'merchant:x') WHERE version = ?1", [version])
        .unwrap();
    let path = format!("/policies/signed/versions/{version}");
    let shown = merchant.call(Role::Auditor, "GET", &path).send().ok();
    assert_eq!(shown["signature"]["status"], "invalid", "{shown}");
}
