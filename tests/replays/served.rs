//! A server on a data directory whose stored components and settings are damaged: it starts, answers, mends what it has the bytes of, and says
//! what it has not.

use std::process::Command;

use ombud::service::SelfAudit;
use ombud_tests::guests::root;
use ombud_tests::process;
use ombud_tests::server::{only, wait_for};
use serde_json::Value;

use super::*;

/// What `audit check` finds.
fn findings(data: &Path) -> Vec<String> {
    let output = Command::new(process::ombud()).args(["audit", "check", "--json", "--data"]).arg(data).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["findings"].as_array().unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn a_merchant_whose_settings_are_damaged_is_answered_by_the_fallback_until_they_are_put_again() {
    let data = altered(|_, _| {});
    let (_folder, policies) = policies_with(&[]);
    let server = Server::on(data.path(), &policies);
    let config = |settings: Value| {
        let delay = json!({"policy": "delay", "settings": settings});
        json!({"id": MERCHANT, "shop_id": "1", "platform": "douyin", "policies": {"delay": delay}})
    };
    let path = format!("/v1/merchants/{MERCHANT}");
    server.call("PUT", &path).key(&server.operator).json(&config(json!({"ship_upper_hours": 48}))).send().ok();
    server.stop();
    Forge::on(data.path()).run(
        1,
        "UPDATE blobs SET bytes = CAST('{\"ship_upper_hours\":49}' AS BLOB) WHERE CAST(bytes AS TEXT) = '{\"ship_upper_hours\":48}'",
        [],
    );

    let server = Server::on(data.path(), &policies);
    let agent = server.service.create_key_now(&Service::owner().unwrap(), Some(MERCHANT), Role::Agent, "another").unwrap().secret;
    let decide = |name: &str, id: &str| {
        let events = format!("{path}/events");
        only(&server.call("POST", &events).key(&agent).event(&event(name, id)).send().ok()).clone()
    };
    let late = decide("delay.detected", "damaged");
    assert_eq!((&late["fault"]["code"], &late["outcome"]), (&json!("not-loaded"), &json!("human-review")), "{late}");
    assert!(late["fault"]["detail"].as_str().unwrap().contains("not stored, or damaged"), "{late}");
    assert_eq!(decide("reply.drafted", "other-kinds")["fault"], Value::Null, "the merchant's other policies decide");
    server.call("PUT", &path).key(&server.operator).json(&config(json!({"ship_upper_hours": 48}))).send().ok();
    assert_eq!(decide("delay.detected", "mended")["fault"], Value::Null);
    server.stop();
    assert_eq!(findings(data.path()), Vec::<String>::new());
}

#[test]
fn a_damaged_component_of_the_operator_is_kept_anew_when_the_server_starts() {
    let data = altered(|forge, _| {
        let delay = Digest::of(&std::fs::read(root().join("policies/delay/delay.wasm")).unwrap()).0;
        forge.run(1, "UPDATE blobs SET bytes = zeroblob(100) WHERE digest = ?1", [delay]);
    });
    assert!(!findings(data.path()).is_empty());
    let (_folder, policies) = policies_with(&[]);
    let server = Server::on(data.path(), &policies);
    let report = report(&server.service, recorded().1.delay);
    assert!(report.identical, "{report:?}");
    server.stop();
    assert_eq!(findings(data.path()), Vec::<String>::new());
}

#[test]
fn an_alarm_that_was_seen_to_leaves_a_directory_that_is_well() {
    let flip = |forge: &Forge| forge.flip(MERCHANT, recorded().1.reply, "sealed", |bits| bits / 2);
    let data = altered(|forge, _| flip(forge));
    let service = service(data.path());
    let audit = SelfAudit::start(Arc::clone(&service), "100%".parse().unwrap()).unwrap();
    wait_for(|| !service.alarms().is_empty());
    drop((audit, service));
    flip(&Forge::on(data.path()));
    assert_eq!(findings(data.path()), Vec::<String>::new(), "the alarm stays on record, and is no fault of it");
}
