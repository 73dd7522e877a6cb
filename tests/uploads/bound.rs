//! What a merchant's configuration binds, and what is rolled out, passes what an upload passes: schema, room, signatures.

use ombud::service::{Options, Role};
use ombud::signature::SecretKey;
use ombud_core::call_limits::OperatorLimits;
use ombud_tests::client::{Reply, pointers};
use ombud_tests::guests::root;
use ombud_tests::server::{Merchant, Server, shared};
use ombud_tests::uploads::{ended, form, guest, with_section};
use serde_json::{Value, json};

use super::signed::{push, register, statement};
use crate::evaluated::delay_table;

/// A server of an operator who asks for so much of uploads.
fn server(data: &tempfile::TempDir, upload: Value) -> Server {
    let limits = Some(OperatorLimits::parse(json!({ "upload": upload }).to_string().as_bytes()).unwrap());
    Server::with(data.path(), Options { policies: Some(root().join("policies")), limits, ..Options::default() })
}

/// Puts the merchant's configuration as it is, with what it binds to delays.
fn bind(merchant: &Merchant<'_>, role: Role, choice: &Value) -> Reply {
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].take();
    config["policies"] = json!({ "delay": choice });
    let path = format!("/v1/merchants/{}", merchant.id);
    let key = if role == Role::Operator { &merchant.server.operator } else { merchant.key(role) };
    merchant.server.call("PUT", &path).key(key).json(&config).send()
}

fn settings(hours: u32) -> Value {
    json!({"policy": "delay", "settings": {"ship_upper_hours": hours}})
}

/// What is bound to delays: the policy and its version.
fn bound(merchant: &Merchant<'_>) -> (String, String) {
    let policies = merchant.call(Role::Agent, "GET", "/policies").send().ok();
    let own = policies.as_array().unwrap().iter().find(|policy| policy["kind"] == "delay").unwrap();
    (own["name"].as_str().unwrap().to_owned(), own["version"].as_str().unwrap().to_owned())
}

#[track_caller]
fn refused(reply: &Reply, says: &str) {
    let document = reply.problem(422);
    assert!(document.to_string().contains(says), "no {says:?} in {document}");
    assert!(pointers(&document).iter().all(|pointer| pointer.starts_with("/policies/delay")), "{document}");
}

#[test]
fn a_configuration_binds_nothing_unsigned_where_signatures_are_required() {
    let data = tempfile::tempdir().unwrap();
    let server = server(&data, json!({"signatures": "required"}));
    let merchant = server.merchant(json!({}));
    let first = bound(&merchant);
    refused(&bind(&merchant, Role::MerchantAdmin, &settings(39)), "signed policies only");
    refused(&bind(&merchant, Role::Operator, &settings(39)), "signed policies only");
    refused(&bind(&merchant, Role::MerchantAdmin, &json!({"policy": "table", "settings": delay_table()})), "signed policies only");
    assert_eq!(bound(&merchant), first, "nothing was changed");

    // What is signed is bound by its name, and the operator's own package with its own settings always may be.
    let (key, component) = (SecretKey::draw().unwrap(), guest("signed", "1"));
    let id = register(&merchant, &key, "dev")["id"].as_str().unwrap().to_owned();
    let (status, detail) = push(&merchant, &component, "{}", &key.sign(&component, &statement(&merchant, &component, "{}")));
    assert_eq!(status, 201, "{detail}");
    let signed = json!({"policy": "signed", "version": detail["version"]});
    bind(&merchant, Role::MerchantAdmin, &signed).ok();
    assert_eq!(bound(&merchant).0, "signed");
    bind(&merchant, Role::MerchantAdmin, &json!({"policy": "delay"})).ok();
    assert_eq!(bound(&merchant), first);

    // What its key no longer vouches for is not bound again; where it answers, it goes on.
    bind(&merchant, Role::MerchantAdmin, &signed).ok();
    assert_eq!(merchant.call(Role::MerchantAdmin, "DELETE", &format!("/signing-keys/{id}")).send().status, 204);
    bind(&merchant, Role::MerchantAdmin, &signed).ok();
    let plan = &merchant.call(Role::Agent, "GET", "/policies/signed/rollout").send().ok()["kinds"][0];
    assert!(plan["active"]["unsigned"].as_str().unwrap().contains("was revoked"), "{plan}");
    bind(&merchant, Role::MerchantAdmin, &json!({"policy": "delay"})).ok();
    refused(&bind(&merchant, Role::MerchantAdmin, &signed), "was revoked");

    // A merchant that is made has no key yet: what the operator gives it then has the operator's word, once.
    let made = server.merchant(json!({"policies": {"delay": settings(39)}}));
    assert_eq!(bound(&made).0, "delay");
    bind(&made, Role::MerchantAdmin, &settings(39)).ok();
    refused(&bind(&made, Role::MerchantAdmin, &settings(38)), "signed policies only");
}

#[test]
fn what_is_not_signed_is_placed_nowhere_where_signatures_are_required() {
    let merchant = shared().merchant(json!({}));
    let (key, component) = (SecretKey::draw().unwrap(), guest("signed", "1"));
    let id = register(&merchant, &key, "dev")["id"].as_str().unwrap().to_owned();
    let (status, unsigned) = ended(&merchant, &form(&merchant, &[("component", &component), ("settings", b"{\"b\": 1}")]).send());
    assert_eq!(status, 201, "{unsigned}");
    let (status, signed) = push(&merchant, &component, "{}", &key.sign(&component, &statement(&merchant, &component, "{}")));
    assert_eq!(status, 201, "{signed}");
    let step = |name: &str, more: Value, version: &Value| {
        let mut body = json!({ "version": version });
        body.as_object_mut().unwrap().append(&mut more.as_object().unwrap().clone());
        merchant.call(Role::MerchantAdmin, "POST", &format!("/policies/signed/rollout/{name}")).json(&body).send()
    };
    let steps = [
        ("shadow", json!({})),
        ("canary", json!({"share_bp": 500})),
        ("windows", json!({"from": "2036-11-11", "to": "2036-11-11"})),
        ("activate", json!({})),
    ];
    let default = bound(&merchant);
    // As it was taken: unsigned, it answers.
    step("activate", json!({}), &unsigned["version"]).ok();
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].take();
    config["signatures"] = json!("required");
    merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().ok();
    assert_eq!(bound(&merchant).0, "signed", "it goes on");
    let shown = merchant.call(Role::Agent, "GET", "/rollout").send().ok();
    assert!(shown.to_string().contains("it is not signed"), "{shown}");
    // The way back to what the operator packed is open, and nothing leads here again but a signature.
    let back = json!({"version": default.1, "kind": "delay"});
    merchant.call(Role::MerchantAdmin, "POST", "/policies/delay/rollout/activate").json(&back).send().ok();
    for (name, more) in &steps {
        let document = step(name, more.clone(), &unsigned["version"]).problem(409);
        let detail = document["detail"].as_str().unwrap();
        assert!(detail.contains("it is not signed") && detail.contains("`ombud push --key FILE`"), "{name}: {document}");
    }
    let back = json!({"to": unsigned["version"], "to_policy": "signed", "kind": "delay", "reason": "why not"});
    merchant.call(Role::MerchantAdmin, "POST", "/policies/delay/rollout/rollback").json(&back).send().problem(409);
    step("shadow", json!({}), &signed["version"]).ok();
    step("shadow", json!({"on": false}), &signed["version"]).ok();
    assert_eq!(merchant.call(Role::MerchantAdmin, "DELETE", &format!("/signing-keys/{id}")).send().status, 204);
    for (name, more) in &steps {
        let document = step(name, more.clone(), &signed["version"]).problem(409);
        assert!(document["detail"].as_str().unwrap().contains("was revoked"), "{name}: {document}");
    }
    assert_eq!(bound(&merchant), default);
}

#[test]
fn settings_of_a_configuration_are_as_their_schema_has_them() {
    let merchant = shared().merchant(json!({}));
    let choice = |source: &Value| {
        let mut settings = delay_table();
        settings["delay"]["source"] = source.clone();
        json!({"policy": "table", "settings": settings})
    };
    let most = 128 << 10;
    for wrong in [json!(7), json!("x".repeat(most + 1))] {
        let reply = bind(&merchant, Role::MerchantAdmin, &choice(&wrong));
        refused(&reply, "schema: ");
        assert_eq!(pointers(&reply.json()), ["/policies/delay/settings/delay/source"]);
        assert!(reply.text().len() < 4_000, "what was sent is not sent back");
    }
    bind(&merchant, Role::MerchantAdmin, &choice(&json!("x".repeat(most)))).ok();
}

#[test]
fn settings_of_a_configuration_are_as_large_as_those_of_an_upload() {
    let data = tempfile::tempdir().unwrap();
    let server = server(&data, json!({"settings_bytes_max": 1_024}));
    let merchant = server.merchant(json!({}));
    let table = json!({"policy": "table", "settings": delay_table()});
    refused(&bind(&merchant, Role::MerchantAdmin, &table), "settings_bytes_max, 1024 bytes");
}

#[test]
fn settings_of_a_configuration_take_of_the_merchants_room() {
    const MAX: usize = 1 << 20;
    let data = tempfile::tempdir().unwrap();
    let server = server(&data, json!({"stored_bytes_max": MAX}));
    let merchant = server.merchant(json!({}));
    // What is bound has settings of 23 bytes; those of 2 bytes are there already.
    let left = 23;
    let padded = |bytes: usize| with_section(&guest("stored", "1"), "padding", &vec![7; bytes]);
    let over = padded(MAX).len() - MAX;
    let component = padded(MAX - over - 2 - left);
    assert_eq!(component.len(), MAX - 2 - left);
    assert_eq!(ended(&merchant, &form(&merchant, &[("component", &component)]).send()).0, 201);
    bind(&merchant, Role::MerchantAdmin, &settings(39)).ok();
    refused(&bind(&merchant, Role::MerchantAdmin, &settings(38)), "stored_bytes_max (1048576)");
    // What is there takes nothing more.
    bind(&merchant, Role::MerchantAdmin, &json!({"policy": "delay"})).ok();
    bind(&merchant, Role::MerchantAdmin, &settings(39)).ok();
}
