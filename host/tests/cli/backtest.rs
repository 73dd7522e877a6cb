//! `ombud backtest` on a data directory, beside its running server, and through it.

use serde_json::{Value, json};

use super::run::{Served, demo_data, folder, ombud, ombud_in, root};

const OF: [&str; 5] = ["backtest", "--data", "DATA", "--merchant", "m-cosmetics"];

#[test]
fn what_other_settings_would_have_paid_is_told_to_the_fen() {
    let data = demo_data();
    let settings = folder();
    let file = settings.write("settings.json", r#"{"ship_slight_value": 4500}"#);
    let page = settings.path().join("report.html");
    let run = |more: &[&str]| {
        let of_delay = ["--policy", "delay", "--settings", &file, "--last", "90d"];
        ombud_in(data.path(), &[&OF[..], &of_delay, more].concat())
    };
    // The demonstration's shop grants ¥25.00 where the default is ¥30.00.
    let ran = run(&["--html", page.to_str().unwrap()]);
    ran.exits(0).says("1 decision, ¥20.00 more is paid or promised").says("0 flips, 1 with the same outcome and other money");
    ran.says("¥25.00")
        .says("¥45.00")
        .says("+¥20.00")
        .says("t-c-1005")
        .says("DC-011")
        .says("delay-tier slight")
        .says("History facts are as recorded");
    assert!(!ran.out.contains('\u{1b}'), "no colour where there is no terminal");
    for line in ran.out.lines() {
        assert!(console::measure_text_width(line) <= 100, "wider than 100 columns: {line}");
    }
    let html = std::fs::read_to_string(page).unwrap();
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("¥45.00") && !html.contains("<script"));

    let report = run(&["--json"]).exits(0).json();
    let impact = &report["impact"];
    assert_eq!(
        (&impact["total"]["decisions"], &impact["total"]["flips"], &impact["total"]["money_only"]),
        (&json!(1), &json!(0), &json!(1))
    );
    let coupon = |side: &str| impact["total"]["money"][side]["paid"]["coupon"].as_i64().unwrap();
    assert_eq!((coupon("before"), coupon("after")), (2_500, 4_500));
    assert_eq!((&report["kinds"], &report["merchant"]), (&json!(["delay"]), &json!("m-cosmetics")));
    // One thread or many: the same report.
    let one = run(&["--json", "--threads", "1"]).exits(0).json();
    assert_eq!(one["impact"], report["impact"]);
}

#[test]
fn a_component_a_package_and_a_table_are_candidates() {
    let data = demo_data();
    let counts = |more: &[&str]| {
        let json = ombud_in(data.path(), &[&OF[..], &["--all", "--json"], more].concat()).exits(0).json();
        ["decisions", "flips"].map(|name| json["impact"]["total"][name].as_u64().unwrap())
    };
    // The package that is in force changes nothing: its settings are those of the folder, the shop has its own for delays.
    assert_eq!(counts(&["--policy", "policies/reply"]), counts(&["--policy", "reply"]));
    let [decisions, flips] = counts(&["--policy", "tests/policies/unfair"]);
    assert_eq!((decisions, flips), (7, 3));
    assert_eq!(counts(&["--policy", "tests/policies/unfair/unfair.wasm"]), [7, 3]);
    let bound = ombud_in(data.path(), &[&OF[..], &["--all", "--json", "--policy", "after-sale"]].concat()).exits(0).json();
    let component = bound["candidate"]["component"].as_str().unwrap();
    assert_eq!(counts(&["--policy", component])[0], 7);
    assert_eq!(ombud_in(data.path(), &[&OF[..], &["--all", "--policy", &"0".repeat(64)]].concat()).exits(2).out, "");
    // What waits for a person is not saved.
    let all = ombud_in(data.path(), &[&OF[..], &["--all", "--policy", "tests/policies/unfair"]].concat());
    all.exits(0).says("if every proposal is approved").says("if approved");
    // Those of one version that decided, by its name; and a decision table.
    assert_eq!(counts(&["--policy", "spendthrift", "--kind", "after-sale"])[0], 7);
    assert_eq!(counts(&["--policy", "plugins/table/examples/singles-day-delays", "--kind", "delay"])[0], 1);
    let none = ombud_in(data.path(), &[&OF[..], &["--policy", "reply", "--to", "2020-01-01", "--json"]].concat()).exits(0).json();
    assert_eq!((&none["impact"]["total"]["decisions"], &none["impact"]["segments"]), (&json!(0), &json!([])));
    ombud_in(data.path(), &[&OF[..], &["--policy", "reply", "--to", "2020-01-01"]].concat()).exits(0).says("0 decisions, the same money");
}

#[test]
fn a_candidate_that_faults_is_a_finding() {
    let data = demo_data();
    let made = folder();
    let broken = made.write("broken.wasm", "\0asm");
    ombud_in(data.path(), &[&OF[..], &["--all", "--policy", &broken]].concat()).exits(2).complains("`--policy`: is refused");
    // One that works until its fuel is used up.
    let greedy = made.write("greedy.json", r#"{"steps": 50, "block_bytes": 10000000, "frees": false}"#);
    let of_it = ["--all", "--policy", "tests/policies/hungry", "--settings", &greedy];
    let report = ombud_in(data.path(), &[&OF[..], &of_it, &["--json"]].concat()).exits(1).json();
    let impact = &report["impact"];
    assert_eq!(impact["faults"], json!([{"code": "fuel", "before": 0, "after": impact["total"]["decisions"]}]), "{report}");
    assert_eq!(impact["total"]["money"]["after"]["paid"], json!({"refund": 0, "cash": 0, "coupon": 0}));
    ombud_in(data.path(), &[&OF[..], &of_it].concat()).exits(1).says("faults").says("fuel").says("human-review");
}

#[test]
fn what_cannot_be_backtested_is_said_in_the_commands_own_words() {
    let data = demo_data();
    let made = folder();
    let list = made.write("list.json", "[]");
    let bad = made.write("bad.json", r#"{"ship_slight_value": -1, "colour": "red"}"#);
    let run = |more: &[&str]| ombud_in(data.path(), &[&OF[..], more].concat());
    run(&["--policy", "delay"]).exits(2).complains("--last");
    run(&["--policy", "nope", "--all"])
        .exits(2)
        .complains("`--policy`: `nope` is no version")
        .complains("delay@")
        .complains("spendthrift@");
    run(&["--policy", "delay@9", "--all"]).exits(2).complains("delay@9");
    run(&["--policy", "no-such.wasm", "--all"]).exits(2).complains("cannot read");
    run(&["--policy", "policies/guardrail", "--all"]).exits(2).complains("a guardrail has no backtest");
    run(&["--policy", "delay", "--kind", "reply", "--all"]).exits(2).complains("--kind").complains("allowed: delay");
    run(&["--policy", "delay", "--kind", "refunds", "--all"]).exits(2).complains("after-sale, delay, blacklist, reply");
    run(&["--policy", "delay", "--last", "90"]).exits(2).complains("--last").complains("90d");
    run(&["--policy", "delay", "--last", "9d", "--from", "2026-01-01"]).exits(2).complains("--from");
    run(&["--policy", "delay", "--from", "2026-02-01", "--to", "2026-01-01"]).exits(2).complains("`--to`: is before `from`");
    run(&["--policy", "delay", "--from", "yesterday"]).exits(2).complains("--from").complains("RFC 3339");
    run(&["--policy", "delay", "--all", "--settings", &list]).exits(2).complains("no JSON object");
    run(&["--policy", "delay", "--all", "--settings", &bad]).exits(2).complains("--settings/ship_slight_value").complains("colour");
    ombud(&["backtest", "--data", "no-such-folder", "--merchant", "m", "--policy", "delay", "--all"]).exits(2).complains("ombud serve");
    let other = ["backtest", "--data", "DATA", "--merchant", "m-nope", "--policy", "delay", "--all"];
    ombud_in(data.path(), &other).exits(2).complains("there are m-cosmetics");
    ombud(&["backtest", "--help"]).exits(0).says("Exit codes");
}

#[test]
fn a_backtest_runs_beside_a_server_and_through_it() {
    let data = demo_data();
    let served = Served::start(&["serve", "--data", data.path().to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    let keys: Value = serde_json::from_slice(&std::fs::read(data.path().join("demo-keys.json")).unwrap()).unwrap();
    let key = |role: &str| keys["merchants"]["m-cosmetics"][role].as_str().unwrap();
    let made = folder();
    let file = made.write("settings.json", r#"{"ship_slight_value": 4500}"#);
    let asked = ["--policy", "delay", "--settings", &file, "--all", "--json"];
    let beside = ombud_in(data.path(), &[&OF[..], &asked].concat()).exits(0).json();
    let remote = |role: &str, asked: &[&str]| {
        ombud(&[&["backtest", "--url", &served.url, "--key", key(role), "--merchant", "m-cosmetics"], asked].concat())
    };
    let through = remote("merchant-admin", &asked).exits(0).json();
    assert_eq!((&through["impact"], &through["candidate"]), (&beside["impact"], &beside["candidate"]));
    // A component that the server has, by its file; one that it has not.
    let package = root().join("policies/delay/delay.wasm");
    remote("auditor", &["--policy", package.to_str().unwrap(), "--all"]).exits(0).says("delay");
    remote("auditor", &["--policy", "tests/policies/hungry/hungry.wasm", "--all"]).exits(2).complains("component").complains("delay@");
    remote("agent", &asked).exits(2).complains("may not run backtests");
    remote("auditor", &["--policy", "delay", "--last", "90"]).exits(2).complains("--last");
    // Who asked the server is on record; whoever reads the directory beside it changes nothing.
    let acts = ["audit", "acts", "--data", "DATA", "--merchant", "m-cosmetics", "--act", "backtest.begun", "--json"];
    let acts = ombud_in(data.path(), &acts).exits(0).json();
    assert_eq!(
        acts.as_array().unwrap().iter().map(|act| act["body"]["role"].as_str().unwrap()).collect::<Vec<_>>(),
        ["auditor", "merchant-admin"]
    );
    assert_eq!(served.stop(), Some(0));
}
