//! Policies without a server: one event decided, components checked step by step, golden cases run.

use super::run::{folder, ombud, root};

#[test]
fn one_event_is_decided_without_a_server() {
    let event = "host/src/demo/tickets/09-spoiled-peaches.json";
    ombud(&["decide", event]).exits(0).says("approve-partial-refund").says("¥29.70").says("AS-311");
    let shop = ombud(&["decide", event, "--merchant", "host/src/demo/merchants/m-fresh.json", "--json"]).exits(0).json();
    assert_eq!(shop["decisions"][0]["amounts"]["refund"], 3960, "the shop's own ladder pays more");
    assert_eq!(shop["event"], "demo-09-spoiled-peaches");
    assert!(shop["runs"][0]["policy_fuel"].as_u64().unwrap() > 0);

    let data = folder();
    let bad = data.write(
        "event.json",
        r#"{"specversion":"1.0","id":"x","source":"/s","type":"reply.drafted","time":"now","data":{"reply":{"text":7}}}"#,
    );
    ombud(&["decide", &bad]).exits(2).complains("`/time`").complains("/data/ticket_id").complains("/data/reply/text");
    ombud(&["decide", "no-such-file.json"]).exits(2).complains("cannot read");
    ombud(&["decide", event, "--policies", "no-such-folder"]).exits(2).complains("--policies");
    ombud(&["decide", "tests/events/ticket.created.json"]).exits(0).says("only be recorded");
}

#[test]
fn policies_are_checked_step_by_step() {
    let checked = ombud(&["check", "policies/delay", "--json"]).exits(0).json();
    let steps: Vec<&str> = checked[0]["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(
        steps,
        [
            "component",
            "structure",
            "imports",
            "contract",
            "metadata",
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
    assert!(checked[0]["steps"].as_array().unwrap().iter().all(|step| step["status"] == "passed"), "{checked}");

    let package = folder();
    for file in ["delay.wasm", "policy.toml"] {
        std::fs::copy(root().join("policies/delay").join(file), package.path().join(file)).unwrap();
    }
    package.write("settings.json", r#"{"auto_max": -1, "colour": "red"}"#);
    let ran = ombud(&["check", &package.text()]);
    ran.exits(1).says("✗ settings").says("`/auto_max`").says("colour");
    ombud(&["test", &package.text()]).exits(1).says("refuses its settings.json").says("/auto_max");
    // Of two members with one name a reader takes either.
    package.write("settings.json", r#"{"ship_upper_hours": 48, "ship_upper_hours": 36}"#);
    ombud(&["check", &package.text()]).exits(1).says("✗ settings").says("`/ship_upper_hours`: stands more than once");
    std::fs::remove_file(package.path().join("settings.json")).unwrap();

    let component = package.path().join("delay.wasm");
    let mut bytes = std::fs::read(&component).unwrap();
    bytes.truncate(bytes.len() / 2);
    std::fs::write(&component, bytes).unwrap();
    ombud(&["check", &package.text()]).exits(1).says("✗ component").says("names another component").says("✗ structure");
    std::fs::write(&component, b"\0asm\x01\0\0\0").unwrap();
    ombud(&["check", component.to_str().unwrap()]).exits(1).says("core module");
    ombud(&["check", "no-such-folder"]).exits(2).complains("cannot read");
}

/// The cases in the component run: a file beside it that says otherwise is no longer passed over, and neither is another component.
#[test]
fn a_folder_whose_files_do_not_fit_together_is_refused() {
    let package = folder();
    for file in ["delay.wasm", "policy.toml", "cases.yaml"] {
        std::fs::copy(root().join("policies/delay").join(file), package.path().join(file)).unwrap();
    }
    let cases = std::fs::read_to_string(package.path().join("cases.yaml")).unwrap();
    ombud(&["test", &package.text()]).exits(0);
    for other in [cases.replacen("kind: delay", "kind: reply", 1), "cases: [".to_owned(), String::new()] {
        let file = package.write("cases.yaml", &other);
        ombud(&["check", &package.text()]).exits(1).says("✗ component").says("`cases.yaml` is not the one the component carries");
        ombud(&["test", &package.text()]).exits(2).complains("`cases.yaml` is not the one the component carries");
        // Named, they are the ones that run.
        package.write("named.yaml", &cases);
        ombud(&["test", &package.text(), "--cases", &file.replace("cases.yaml", "named.yaml")]).exits(0);
    }
    // As YAML they may be written otherwise.
    package.write("cases.yaml", &format!("# ours\n{cases}"));
    ombud(&["test", &package.text()]).exits(0);

    std::fs::copy(root().join("policies/reply/reply.wasm"), package.path().join("delay.wasm")).unwrap();
    ombud(&["test", &package.text()]).exits(2).complains("`policy.toml` names another component");
    ombud(&["diff", &package.text(), "policies/reply"]).exits(2).complains("`policy.toml` names another component");
    std::fs::remove_file(package.path().join("delay.wasm")).unwrap();
    ombud(&["test", &package.text()]).exits(2).complains("it is not there").complains("ombud build");
    ombud(&["check", "no-such-file.wasm"]).exits(2).complains("cannot read `no-such-file.wasm`").complains("ombud build");
}

#[test]
fn cases_run_through_the_built_components() {
    let golden = "tests/cases/golden.yaml";
    let report = ombud(&["test", "policies", "--cases", golden, "--json"]).exits(0).json();
    assert_eq!((report["passed"].as_u64(), report["failed"].as_u64(), report["skipped"].as_u64()), (Some(264), Some(0), Some(7)));

    // What an examiner derived from the tables alone.
    let examined = [
        ("after-sale", 255),
        ("delay", 81),
        ("blacklist", 52),
        ("reply", 131),
        ("guardrail-caps", 136),
        ("random-after-sale", 80),
        ("random-delay", 90),
        ("random-reply", 150),
        ("random-guardrail-after-sale", 40),
    ];
    for (file, cases) in examined {
        let report = ombud(&["test", "policies", "--cases", &format!("tests/cases/examined/{file}.yaml"), "--json"]).exits(0).json();
        assert_eq!((report["passed"].as_u64(), report["skipped"].as_u64()), (Some(cases), Some(0)), "{file}: {report}");
    }

    let cases = std::fs::read_to_string(root().join(golden)).unwrap();
    let data = folder();
    let wrong = data.write(
        "wrong.yaml",
        &cases.replacen("refund: 19900, return-freight: buyer, window", "refund: 19901, return-freight: buyer, window", 1),
    );
    let report = ombud(&["test", "policies/after-sale", "--cases", &wrong, "--json"]).exits(1).json();
    assert_eq!(report["failed"], 1);
    let failure = &report["failures"][0];
    assert_eq!(
        (failure["id"].as_str(), failure["expected"].as_str(), failure["got"].as_str()),
        (Some("AS-G01"), Some("19901"), Some("19900")),
        "{failure}"
    );
    ombud(&["test", "policies/after-sale", "--cases", &wrong]).exits(1).says("AS-G01");
    // What differs is written as a file of cases has it.
    let other = "cases:\n- {id: R, kind: reply, title: t, given: {text: 您好}, expect: {verdict: hold-for-evidence, spans: [[X-1, 0, 1]], rules: [X-1]}}\n";
    let report = ombud(&["test", "policies/reply", "--cases", &data.write("other.yaml", other), "--json"]).exits(1).json();
    let failures = report["failures"].as_array().unwrap();
    let of =
        |field: &str| failures.iter().find(|failure| failure["field"] == field).map(|one| (one["expected"].clone(), one["got"].clone()));
    assert_eq!(of("verdict"), Some(("hold-for-evidence".into(), "pass".into())));
    assert_eq!(of("spans"), Some(("at least [[X-1, 0, 1]]".into(), "[]".into())));
    assert_eq!(of("rules"), Some(("[X-1]".into(), "[]".into())));
    ombud(&["test", "policies/after-sale", "--cases", "no-such-file"]).exits(2).complains("cannot read");
}
