//! `ombud upgrade-check`, as it is run before a new binary serves.

use std::process::Command;

use ombud_tests::process::{self, Process};
use serde_json::Value;

use super::*;

/// Exit code and output.
fn check(data: &Path, rest: &[&str]) -> (i32, String) {
    let output = Command::new(process::ombud()).arg("upgrade-check").arg("--data").arg(data).args(rest).output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.code().unwrap(), said)
}

fn check_json(data: &Path, rest: &[&str]) -> (i32, Value) {
    let (code, said) = check(data, &[rest, &["--json"]].concat());
    (code, serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}")))
}

/// The line of a policy.
#[track_caller]
fn policy<'a>(json: &'a Value, name: &str) -> &'a Value {
    json["policies"].as_array().unwrap().iter().find(|own| own["policy"] == name).unwrap_or_else(|| panic!("no {name} in {json}"))
}

#[test]
fn every_active_policy_is_run_again_and_the_latest_decisions_only() {
    let data = altered(|_, _| ());
    let (code, json) = check_json(data.path(), &[]);
    assert_eq!((code, &json["diverged"], &json["replayed"]), (0, &json!(0), &json!(3)), "{json}");
    assert_eq!(json["policies"].as_array().unwrap().len(), 4, "one for each kind: {json}");
    // `trap` decides delays now; what others decided before is not its own.
    for (name, replayed) in [("after-sale", 1), ("trap", 1), ("reply", 1), ("blacklist", 0)] {
        let own = policy(&json, name);
        assert_eq!((&own["replayed"], &own["loads"]), (&json!(replayed), &json!(true)), "{json}");
    }
    assert!(json["engine"]["wasmtime"].is_string() && json["last"] == 1_000, "{json}");
    let (code, said) = check(data.path(), &[]);
    assert_eq!(code, 0);
    assert!(said.contains("4 active policies checked, 3 decisions replayed, 3 identical, 0 diverged"), "{said}");
    // With a server on the directory: it is only read.
    let server = Process::serve(data.path());
    let (code, json) = check_json(data.path(), &["--last", "1"]);
    assert_eq!((code, &json["last"], json["policies"].as_array().unwrap().len() > 4), (0, &json!(1), true), "{json}");
    drop(server);
}

#[test]
fn a_decision_that_this_engine_makes_otherwise_is_a_finding() {
    let data = altered(|forge, places| {
        forge.rewrite(MERCHANT, places.after_sale, |entry, bodies| {
            entry.engine.wasmtime = "47.0.0".into();
            bodies.replace(BodyKind::Ruling, "approve-refund-only", "human-review");
        });
    });
    let (code, json) = check_json(data.path(), &[]);
    assert_eq!((code, &json["diverged"], &json["divergences"]["engine"]), (1, &json!(1), &json!(1)), "{json}");
    assert_eq!(policy(&json, "after-sale")["diverged"], 1);
    assert_eq!(policy(&json, "reply")["diverged"], 0);
    assert_eq!(json["diverging"][0]["seq"], recorded().1.after_sale);
    let (code, said) = check(data.path(), &[]);
    assert!(code == 1 && said.contains("rules otherwise under this engine") && said.contains("1 diverged"), "{said}");
}

#[test]
fn an_active_component_that_does_not_load_is_a_finding() {
    let data = altered(|forge, _| {
        let trap = Digest::of(&guests::component("trap", "delay-policy")).0;
        forge.run(
            1,
            "UPDATE blobs SET bytes = CAST(substr(bytes, 1, 200) || x'ff' || substr(bytes, 202) AS BLOB) WHERE digest = ?1",
            [trap],
        );
    });
    let (code, json) = check_json(data.path(), &[]);
    assert_eq!((code, &policy(&json, "trap")["loads"], &policy(&json, "reply")["loads"]), (1, &json!(false), &json!(true)), "{json}");
    let (code, said) = check(data.path(), &[]);
    assert!(code == 1 && said.contains("trap of merchant m-replays for delay: the component is missing or damaged"), "{said}");
}

#[test]
fn a_database_of_the_release_before_is_read_beside_its_server_and_stays_as_it_is() {
    const BEFORE: &str = "DROP INDEX subject_keys_quiet; ALTER TABLE subject_keys DROP COLUMN quiet_from_ms; PRAGMA user_version = 11";
    let data = altered(|_, _| ());
    let database = rusqlite::Connection::open(data.path().join("ombud.db")).unwrap();
    database.execute_batch(BEFORE).unwrap();
    // As a server of that release does.
    let held = std::fs::File::create(data.path().join("ombud.lock")).unwrap();
    held.lock().unwrap();
    for (command, replayed) in [(&["upgrade-check"][..], "3 identical"), (&["replay", "--all"], "5 identical")] {
        let output = Command::new(process::ombud()).args(command).arg("--data").arg(data.path()).output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        assert!(output.status.success() && said.contains(replayed), "{command:?}: {said}");
        let version: u32 = database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(version, 11, "{command:?}: the release before could not go on");
    }
}

#[test]
fn what_is_no_data_directory_is_refused_and_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = check(&folder.path().join("none"), &[]);
    assert!(code == 2 && said.contains("no data directory") && !folder.path().join("none").exists(), "{said}");
}
