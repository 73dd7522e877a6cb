//! The command line as people and programs use it: the built binary, its output and its exit codes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod cli {
    mod audit;
    mod backtest;
    mod demo;
    mod diff;
    mod explain;
    mod limits;
    mod new;
    mod output;
    mod packages;
    mod privacy;
    mod rollout;
    pub mod run;
    mod signing;
    mod tables;
}

use serde_json::Value;

use cli::run::{self, Served, demo_data, folder, ombud, ombud_in, root};

#[test]
fn a_server_answers_replays_and_stops_when_told() {
    let data = folder();
    let served = Served::start(&["serve", "--data", &data.text(), "--listen", "127.0.0.1:0", "--demo"]);
    let keys: Value = serde_json::from_slice(&std::fs::read(data.path().join("demo-keys.json")).unwrap()).unwrap();
    let key = |role: &str| keys["merchants"]["m-cosmetics"][role].as_str().unwrap().to_owned();

    let event = std::fs::read_to_string(root().join("host/src/demo/tickets/01-unopened-lipstick.json")).unwrap();
    let answer = served.post("/v1/merchants/m-cosmetics/events", &key("agent"), &event);
    let decision = &answer["decisions"][0];
    assert_eq!(decision["outcome"], "approve-return-refund", "{answer}");
    assert!(decision["seq"].is_u64(), "{answer}");

    let id = decision["id"].as_str().unwrap();
    let remote = |key: &str, rest: &[&str]| {
        let mut arguments = vec!["replay", "--url", &served.url, "--key", key, "--merchant", "m-cosmetics", "--json"];
        arguments.extend(rest);
        ombud(&arguments)
    };
    assert_eq!(remote(&key("auditor"), &["--all"]).exits(0).json()["identical"], 1);
    assert_eq!(remote(&key("auditor"), &[id]).exits(0).json()["replayed"], 1);
    remote(&key("auditor"), &["--ticket", "t-none"]).exits(2).complains("no such ticket");
    remote(&key("auditor"), &["--from", "yesterday"]).exits(2).complains("RFC 3339");
    // The directory's owner reaches the server that holds it, and an operator replays every merchant.
    let owner = ombud_in(data.path(), &["replay", "--data", "DATA", "--all", "--json"]).exits(0).json();
    assert_eq!((&owner["identical"], owner["merchants"].as_array().unwrap().len()), (&1.into(), 3));
    remote(&key("agent"), &["--all"]).exits(2).complains("the role `agent` may not replay decisions");
    remote("ombud_none", &["--all"]).exits(2).complains("no valid API key");

    // One process for one directory.
    let second = ombud_in(data.path(), &["serve", "--data", "DATA", "--listen", "127.0.0.1:0"]);
    second.exits(2).complains("in use by process");
    assert_eq!(served.stop(), Some(0));
    ombud_in(data.path(), &["replay", "--data", "DATA", "--merchant", "m-cosmetics", id]).exits(0).says("1 identical");
}

#[test]
fn an_address_in_use_is_said_before_anything_is_done() {
    let data = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = ombud_in(data.path(), &["demo", "--data", "DATA/new", "--listen", &address]);
    ran.exits(2).complains("cannot listen on").complains("--listen");
    assert!(!data.path().join("new").exists());
}

#[test]
fn replays_of_a_directory_are_counted_and_chosen() {
    let data = demo_data();
    let replay = |rest: &[&str]| ombud_in(data.path(), &[&["replay", "--data", "DATA", "--merchant", "m-fresh"], rest].concat());
    let all = replay(&["--all", "--json"]).exits(0).json();
    assert_eq!(all["replayed"], all["identical"]);
    assert!(all["replayed"].as_u64().unwrap() >= 8, "{all}");
    assert_eq!(replay(&["--from", "2026-01-01T00:00:00Z", "--json"]).exits(0).json()["replayed"], all["replayed"]);
    assert_eq!(replay(&["--to", "2026-01-01T00:00:00Z", "--json"]).exits(0).json()["replayed"], 0);
    // Every merchant, and one ticket.
    let whole = ombud_in(data.path(), &["replay", "--data", "DATA", "--all", "--json"]).exits(0).json();
    let merchants = whole["merchants"].as_array().unwrap();
    assert_eq!(merchants.len(), 3);
    assert!(merchants.iter().any(|own| own["merchant"] == "m-fresh" && own["replayed"] == all["replayed"]), "{whole}");
    assert_eq!(whole["engines"].as_array().unwrap().len(), 1);
    let table = ombud_in(data.path(), &["replay", "--data", "DATA", "--all", "--threads", "1"]);
    table.exits(0).says("m-cosmetics").says("of them faults").says("0 diverged");
    let ticket = replay(&["--ticket", "t-f-2001", "--json"]).exits(0).json();
    assert!(ticket["replayed"].as_u64().unwrap() >= 1 && ticket["replayed"].as_u64() < all["replayed"].as_u64(), "{ticket}");
    replay(&["--ticket", "t-none", "--json"]).exits(2).complains("nothing of the ticket `t-none` is on record");
    ombud_in(data.path(), &["replay", "--data", "DATA", "00000000000000000000000000000000"]).exits(2).complains("--merchant");
    replay(&["--from", "yesterday"]).exits(2).complains("--from").complains("RFC 3339");
    replay(&["00000000000000000000000000000000"]).exits(2).complains("no decision");
    replay(&[]).exits(2).complains("--all");
    ombud_in(data.path(), &["replay", "--data", "DATA", "--merchant", "m-none", "--all"]).exits(2).complains("there are m-cosmetics");
    ombud_in(data.path(), &["replay", "--data", "DATA/none", "--merchant", "m", "--all"]).exits(2).complains("no data directory");
    assert!(!data.path().join("none").exists(), "a mistyped name creates nothing");
}

#[test]
fn a_store_that_was_tampered_with_diverges() {
    let data = demo_data();
    // Settings are bytes in the store: the ladder for spoiled fruit pays another share now.
    let changed = run::replace_in_files(data.path(), b"\"pay_bp\":4000", b"\"pay_bp\":5000");
    assert!(changed > 0, "the settings stand in the database");
    let ran = ombud_in(data.path(), &["replay", "--data", "DATA", "--merchant", "m-fresh", "--all", "--json"]);
    let tally = ran.exits(1).json();
    assert!(tally["diverged"].as_u64().unwrap() > 0, "{tally}");
    assert_eq!(tally["diverged"].as_u64().unwrap() + tally["identical"].as_u64().unwrap(), tally["replayed"].as_u64().unwrap());
    ombud_in(data.path(), &["replay", "--data", "DATA", "--merchant", "m-fresh", "--all"])
        .exits(1)
        .says("settings")
        .says("missing or damaged");
}

#[test]
fn merchants_and_keys_are_administered_on_a_directory() {
    let data = folder();
    let config = root().join("host/src/demo/merchants/m-fresh.json");
    let config = config.to_str().unwrap();
    ombud_in(data.path(), &["merchant", "list", "--data", "DATA"]).exits(2).complains("no data directory");
    ombud_in(data.path(), &["merchant", "put", config, "--data", "DATA"]).exits(0).says("after-sale").says("loaded");
    let view = ombud_in(data.path(), &["merchant", "show", "m-fresh", "--data", "DATA", "--json"]).exits(0).json();
    assert_eq!(view["config"]["platform"], "pinduoduo");
    assert_eq!(view["policies"].as_array().unwrap().len(), 4);
    ombud_in(data.path(), &["merchant", "list", "--data", "DATA"]).exits(0).says("m-fresh");
    ombud_in(data.path(), &["merchant", "show", "m-frsh", "--data", "DATA"]).exits(2).complains("there are m-fresh");

    let create = ["key", "create", "--data", "DATA", "--merchant", "m-fresh", "--role", "agent", "--label", "helpdesk"];
    let created = ombud_in(data.path(), &create);
    created.exits(0);
    assert!(created.out.starts_with("ombud_") && created.out.lines().count() == 1, "only the secret: {}", created.out);
    let list = || ombud_in(data.path(), &["key", "list", "--data", "DATA", "--merchant", "m-fresh", "--json"]).exits(0).json();
    let id = list()[0]["id"].as_str().unwrap().to_owned();
    assert!(list()[0]["revoked_at"].is_null() && !list().to_string().contains(created.out.trim()));
    ombud_in(data.path(), &["key", "revoke", &id, "--data", "DATA", "--merchant", "m-fresh"]).exits(0);
    assert!(list()[0]["revoked_at"].is_string());
    ombud_in(data.path(), &["key", "revoke", "k_none", "--data", "DATA"]).exits(2).complains("no key `k_none`");
    ombud_in(data.path(), &["key", "create", "--data", "DATA", "--role", "agent", "--label", "x"]).exits(2).complains("--merchant");
    ombud_in(data.path(), &["key", "create", "--data", "DATA", "--role", "boss", "--label", "x"]).exits(2).complains("department-head");
}

#[test]
fn acts_are_listed_as_a_table_and_as_json() {
    let data = folder();
    let config = root().join("host/src/demo/merchants/m-fresh.json");
    ombud_in(data.path(), &["merchant", "put", config.to_str().unwrap(), "--data", "DATA"]).exits(0);
    ombud_in(data.path(), &["key", "create", "--data", "DATA", "--merchant", "m-fresh", "--role", "agent", "--label", "li"]).exits(0);
    ombud_in(data.path(), &["key", "create", "--data", "DATA", "--role", "operator", "--label", "me"]).exits(0);
    let of = ["audit", "acts", "--data", "DATA"];
    let shop = |more: &[&str]| ombud_in(data.path(), &[&of[..], &["--merchant", "m-fresh"], more].concat());
    shop(&[]).exits(0).says("merchant.created").says("policy.bound").says("key.created").says("label li").says("operator");
    let acts = shop(&["--json"]).exits(0).json();
    assert_eq!(acts.as_array().unwrap().iter().filter(|act| act["name"] == "policy.bound").count(), 4);
    let newest = shop(&["--json", "--last", "1"]).exits(0).json();
    assert_eq!(newest, serde_json::json!([acts[0]]), "newest first");
    assert_eq!(shop(&["--json", "--act", "key.created"]).exits(0).json(), serde_json::json!([acts[0]]));
    shop(&["--from", "2001-01-01T00:00:00Z", "--to", "2001-01-02T00:00:00Z", "--json"]).exits(0).says("[]");
    ombud_in(data.path(), &of).exits(0).says("guardrail.bound").says("label me").says("ombud");
    ombud_in(data.path(), &[&of[..], &["--merchant", "m-x"]].concat()).exits(2).complains("there are m-fresh");
    ombud_in(data.path(), &[&of[..], &["--from", "yesterday"]].concat()).exits(2).complains("/from");
    ombud(&["audit", "acts", "--data", "no-such-folder"]).exits(2).complains("ombud serve");
}

#[test]
fn a_directory_is_administered_while_a_server_holds_it() {
    // Once under a path that is longer than a socket's may be.
    for folder_name in ["d", &"d".repeat(150)] {
        let parent = folder();
        let data = parent.path().join(folder_name);
        let served = Served::start(&["serve", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
        let socket = std::fs::metadata(data.join("ombud.sock")).unwrap();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&socket.permissions()) & 0o777, 0o600);

        let config = root().join("host/src/demo/merchants/m-fresh.json");
        ombud_in(&data, &["merchant", "put", config.to_str().unwrap(), "--data", "DATA"]).exits(0).says("loaded");
        ombud_in(&data, &["merchant", "show", "m-frsh", "--data", "DATA"]).exits(2).complains("there are m-fresh");
        let bad = parent.write("bad.json", r#"{"id": "m-x", "platform": "none", "shop_id": ""}"#);
        ombud_in(&data, &["merchant", "put", &bad, "--data", "DATA"]).exits(2).complains("/platform").complains("/shop_id");

        let create = ["key", "create", "--data", "DATA", "--merchant", "m-fresh", "--role", "agent", "--label", "helpdesk"];
        let secret = ombud_in(&data, &create).exits(0).out.trim().to_owned();
        let event = std::fs::read_to_string(root().join("host/src/demo/tickets/09-spoiled-peaches.json")).unwrap();
        let answer = served.post("/v1/merchants/m-fresh/events", &secret, &event);
        assert!(answer["decisions"][0]["seq"].is_u64(), "the key works at once: {answer}");

        let list = ombud_in(&data, &["key", "list", "--data", "DATA", "--merchant", "m-fresh", "--json"]).exits(0).json();
        let id = list[0]["id"].as_str().unwrap();
        ombud_in(&data, &["key", "revoke", id, "--data", "DATA", "--merchant", "m-fresh"]).exits(0);
        ombud_in(&data, &["key", "revoke", id, "--data", "DATA", "--merchant", "m-fresh"]).exits(2).complains("no key");
        ombud_in(&data, &["key", "create", "--data", "DATA", "--role", "operator", "--label", "me"]).exits(0);
        assert_eq!(served.stop(), Some(0));
        assert!(!data.join("ombud.sock").exists());
        ombud_in(&data, &["merchant", "list", "--data", "DATA"]).exits(0).says("m-fresh");
    }
}

#[test]
fn what_a_killed_server_leaves_stands_in_nobodys_way() {
    let data = folder();
    let served = Served::start(&["serve", "--data", &data.text(), "--listen", "127.0.0.1:0", "--demo"]);
    drop(served);
    assert!(data.path().join("ombud.sock").exists(), "a killed process removes nothing");
    ombud_in(data.path(), &["merchant", "list", "--data", "DATA"]).exits(0).says("m-fresh");
    let served = Served::start(&["serve", "--data", &data.text(), "--listen", "127.0.0.1:0"]);
    ombud_in(data.path(), &["merchant", "list", "--data", "DATA"]).exits(0).says("m-fresh");
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn a_merchant_with_settings_out_of_bounds_is_refused_by_path() {
    let data = folder();
    let mut config: Value = serde_json::from_str(include_str!("../src/demo/merchants/m-fresh.json")).unwrap();
    config["policies"]["after-sale"]["settings"]["spoiled_report_hours"] = 7.into();
    let file = data.write("bad.json", &config.to_string());
    let ran = ombud_in(data.path(), &["merchant", "put", &file, "--data", "DATA/d"]);
    ran.exits(2).complains("/policies/after-sale/settings/spoiled_report_hours").complains("between 24 and 168");
    ombud(&["decide", "host/src/demo/tickets/09-spoiled-peaches.json", "--merchant", &file]).exits(2).complains("spoiled_report_hours");
}

#[test]
fn every_command_explains_itself() {
    ombud(&["--help"]).exits(0).says("Exit codes");
    for command in ["demo", "decide", "replay", "key", "merchant", "check", "test"] {
        ombud(&[command, "--help"]).exits(0).says("Exit codes");
    }
    ombud(&["no-such-command"]).exits(2);
    ombud(&["serve"]).exits(2).complains("--data");
}
