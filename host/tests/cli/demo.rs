//! The demonstration: every ticket as expected, again on its own data, keys of a fixed form.

use serde_json::Value;

use super::run::{Served, demo_data, folder, ombud, ombud_in};

#[test]
fn the_demo_shows_every_ticket_as_expected_and_replays_identically() {
    let ran = ombud(&["demo", "--once"]);
    ran.exits(0).says("all as expected").says("replays identical, byte for byte");
    for shown in [
        "GR-101",
        "amended",
        "CAP-01",
        "lowered",
        "approve-return-refund",
        "AS-305",
        "消费者权益保护法",
        "DC-020",
        "CAP-11",
        "BL-032",
        "pass-masked",
        "¥39.60",
    ] {
        ran.says(shown);
    }
    assert!(!ran.out.contains('\u{1b}'), "no colour where there is no terminal");
    for line in ran.out.lines() {
        assert!(console::measure_text_width(line) <= 100, "wider than 100 columns: {line}");
    }
}

#[test]
fn the_demo_runs_again_on_its_own_data() {
    let data = demo_data();
    let keys = std::fs::read(data.path().join("demo-keys.json")).unwrap();
    ombud_in(data.path(), &["demo", "--once", "--data", "DATA"]).exits(0).says("on record from an earlier run").says("all as expected");
    let json = ombud_in(data.path(), &["demo", "--once", "--data", "DATA", "--json"]).exits(0).json();
    let kinds = |kind: &str| {
        let tickets = json["tickets"].as_array().unwrap().iter();
        tickets.filter(|ticket| ticket["answer"]["decisions"].as_array().unwrap().iter().any(|one| one["kind"] == kind)).count()
    };
    assert!(["after-sale", "delay", "blacklist", "reply"].iter().all(|kind| kinds(kind) >= 3), "every kind is shown");
    assert_eq!((&json["as_expected"], &json["replays"]["replayed"]), (&true.into(), &json["replays"]["identical"]));
    assert_eq!(std::fs::read(data.path().join("demo-keys.json")).unwrap(), keys, "the keys still open the service and stay");
}

#[test]
fn the_demo_keys_have_the_fixed_form() {
    let data = demo_data();
    let keys: Value = serde_json::from_slice(&std::fs::read(data.path().join("demo-keys.json")).unwrap()).unwrap();
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&keys), ["merchants", "operator"]);
    assert_eq!(members(&keys["merchants"]), ["m-cosmetics", "m-electronics", "m-fresh"]);
    for merchant in members(&keys["merchants"]) {
        let roles = members(&keys["merchants"][&merchant]);
        assert_eq!(roles, ["agent", "auditor", "compliance", "department-head", "merchant-admin", "supervisor"]);
    }
}

#[test]
fn a_directory_with_other_events_under_the_demos_ids_is_named() {
    let data = folder();
    let served = Served::start(&["serve", "--data", &data.text(), "--listen", "127.0.0.1:0", "--demo"]);
    let keys: Value = serde_json::from_slice(&std::fs::read(data.path().join("demo-keys.json")).unwrap()).unwrap();
    let event = include_str!("../../src/demo/tickets/01-unopened-lipstick.json").replace("19900", "29900");
    served.post("/v1/merchants/m-cosmetics/events", keys["merchants"]["m-cosmetics"]["agent"].as_str().unwrap(), &event);
    assert_eq!(served.stop(), Some(0));
    ombud_in(data.path(), &["demo", "--once", "--data", "DATA"]).exits(2).complains("another body").complains("empty data directory");
}
