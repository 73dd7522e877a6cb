//! A server on a data directory whose stored components and settings are damaged: it starts, answers, mends what it has the bytes of, and says
//! what it has not.

use std::process::Command;

use ombud::service::ledger::check::check;
use ombud::service::{MasterKeyFrom, SelfAudit};
use ombud_tests::guests::root;
use ombud_tests::process;
use ombud_tests::server::{only, wait_for};
use serde_json::Value;

use super::*;
use crate::rollout::protection::webhook;

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
fn a_replay_beside_a_server_is_of_what_is_on_record_and_not_of_what_is_in_memory() {
    for (what, cause) in [("delay.wasm", Divergence::ComponentMissing), ("{}", Divergence::Settings)] {
        let data = altered(|_, _| {});
        let service = service(data.path());
        assert!(report(&service, recorded().1.delay).identical);
        let bytes = std::fs::read(root().join("policies/delay").join(what)).unwrap_or_else(|_| what.into());
        Forge::on(data.path()).run(1, "DELETE FROM blobs WHERE digest = ?1", [Digest::of(&bytes).0]);
        // Stored bytes that were looked at are believed for a few seconds.
        wait_for(|| !report(&service, recorded().1.delay).identical);
        assert_eq!(report(&service, recorded().1.delay).divergence, Some(cause));
    }
}

/// What is signed and published while the check reads is no loss.
#[test]
fn a_check_beside_a_server_that_publishes_meanwhile_accuses_nobody() {
    let data = tempfile::tempdir().unwrap();
    let (_folder, policies) = policies_with(&[]);
    let server = Server::on(data.path(), &policies);
    let post = |merchant: &str, agent: &str, name: &str, events: usize| {
        let events: Vec<Value> = (0..events).map(|number| event("ticket.created", &format!("{name}-{number}"))).collect();
        let call = server.call("POST", &format!("/v1/merchants/{merchant}/events:batch")).key(agent);
        assert_eq!(
            call.header("content-type", "application/cloudevents-batch+json").body(Value::from(events).to_string()).send().status,
            200
        );
    };
    // The check says how far it is after so many records of the first; then the second goes on.
    let [long, short] = ["m-long", "m-short"].map(|id| {
        let config = json!({"id": id, "shop_id": "1", "platform": "douyin"});
        server.call("PUT", &format!("/v1/merchants/{id}")).key(&server.operator).json(&config).send().ok();
        server.service.create_key_now(&Service::owner().unwrap(), Some(id), Role::Agent, "agent").unwrap().secret
    });
    (0..5).for_each(|batch| post("m-long", &long, &format!("l{batch}"), 900));
    post("m-short", &short, "before", 2);
    server.service.sign_now().unwrap();
    let went_on = std::cell::Cell::new(0);
    let progress = |_| {
        went_on.set(went_on.get() + 1);
        post("m-short", &short, &format!("meanwhile-{}", went_on.get()), 3);
        server.service.sign_now().unwrap();
    };
    let checks = check(data.path(), &MasterKeyFrom::default(), None, false, &progress).unwrap();
    assert!(went_on.get() > 0);
    assert!(checks.report.is_well(), "{:?}", checks.report);
    server.stop();
}

#[test]
fn an_alarm_goes_to_the_operators_webhook_without_a_fact() {
    let data = altered(|forge, places| {
        forge.rewrite(MERCHANT, places.after_sale, |_, bodies| bodies.replace(BodyKind::Ruling, "approve-refund-only", "human-review"));
    });
    let (url, seen) = webhook();
    let service = Service::open(data.path(), Options { policies: None, webhook: Some(url), ..Options::default() }).unwrap();
    let audit = SelfAudit::start(Arc::clone(&service), "100%".parse().unwrap()).unwrap();
    wait_for(|| !seen.lock().unwrap().is_empty());
    drop(audit);
    let request = seen.lock().unwrap()[0].clone();
    let event: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((&event["type"], &event["subject"]), (&json!("ombud.self-audit.diverged"), &json!(MERCHANT)));
    assert_eq!((&event["data"]["cause"], &event["data"]["seq"]), (&json!("guest"), &json!(recorded().1.after_sale)));
    assert!(request.contains("webhook-signature") && !request.contains("human-review") && !request.contains("c_altered"), "{request}");
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
