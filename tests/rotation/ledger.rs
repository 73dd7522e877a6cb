//! The keys of the ledger's checkpoints where they are lost, or not drawn yet.

use std::path::Path;
use std::time::Duration;

use ombud_tests::client::agent;
use ombud_tests::command::{demo_data, on, path};
use ombud_tests::process::{Process, command};

/// A server, stopped as an operator stops it.
fn served(data: &Path) {
    let process = Process::start(command(data));
    assert_eq!(process.call(&agent(), "GET", "/readyz").send().status, 200);
    process.terminate();
    assert!(process.ended(Duration::from_secs(30)).success());
}

fn text(data: &Path, name: &str) -> String {
    std::fs::read_to_string(data.join(name)).unwrap()
}

#[test]
fn a_lost_signing_key_is_replaced_under_the_same_name() {
    let folder = demo_data();
    let data = folder.path().join("data");
    served(&data);
    let before = text(&data, "ledger.vkey");
    std::fs::remove_file(data.join("ledger.key")).unwrap();
    // Nothing is signed with another key until somebody says so, and what checks is still shown.
    on(&data, &["serve", "--listen", "127.0.0.1:0"]).exits(2).complains("`ledger.key` is not").complains("ombud key rotate-ledger");
    assert!(!data.join("ledger.key").exists());
    let shown = on(&data, &["key", "ledger", "--json"]).exits(0).json();
    assert_eq!((&shown["verifier_keys"][0], &shown["signing"]), (&before.trim().into(), &serde_json::json!([])), "{shown}");
    let rotated = on(&data, &["key", "rotate-ledger", "--json"]).exits(0).json();
    assert_eq!((&rotated["operator"], rotated["signing"].as_array().unwrap().len()), (&shown["operator"], 1));
    assert_eq!(rotated["verifier_keys"][1], before.trim());
    let acts = on(&data, &["audit", "acts", "--json"]).exits(0).json();
    let recorded = |act: &&serde_json::Value| act["name"] == "ledger.key-rotated";
    assert_eq!(acts.as_array().unwrap().iter().filter(recorded).count(), 1, "{acts}");
    served(&data);
    // What only the old key signed verifies as well.
    on(&data, &["audit", "check"]).exits(0);
}

#[test]
fn a_lost_verifier_key_is_made_again_from_the_one_that_signs() {
    let folder = demo_data();
    let data = folder.path().join("data");
    served(&data);
    let before = text(&data, "ledger.vkey");
    std::fs::remove_file(data.join("ledger.vkey")).unwrap();
    let log = folder.path().join("log");
    let process = Process::logging(command(&data), std::fs::File::create(&log).unwrap());
    assert_eq!(process.call(&agent(), "GET", "/readyz").send().status, 200);
    process.terminate();
    assert!(process.ended(Duration::from_secs(30)).success());
    assert_eq!(text(&data, "ledger.vkey"), before);
    assert!(std::fs::read_to_string(log).unwrap().contains("was made again from `ledger.key`"));
    on(&data, &["audit", "check"]).exits(0);
}

#[test]
fn where_both_are_lost_none_is_drawn_anew() {
    let folder = demo_data();
    let data = folder.path().join("data");
    served(&data);
    let verifier = text(&data, "ledger.vkey");
    let lost = ["ledger.key", "ledger.vkey"];
    lost.iter().for_each(|name| std::fs::remove_file(data.join(name)).unwrap());
    for command in [&["key", "ledger"][..], &["key", "rotate-ledger"], &["serve", "--listen", "127.0.0.1:0"]] {
        on(&data, command).exits(2).complains("although checkpoints were published").complains("put them back from a backup");
        assert!(lost.iter().all(|name| !data.join(name).exists()), "{command:?}");
    }
    // Whoever checks has the verifier key.
    std::fs::write(data.join("ledger.vkey"), verifier).unwrap();
    on(&data, &["key", "rotate-ledger"]).exits(0);
    served(&data);
    on(&data, &["audit", "check"]).exits(0);
}

/// Two sign at most: who rotates again has ended the rotation before, which is on record as if it had been ended.
#[test]
fn a_rotation_ends_the_one_before_on_record() {
    let folder = demo_data();
    let data = folder.path().join("data");
    served(&data);
    let signing = || on(&data, &["key", "ledger", "--json"]).exits(0).json()["signing"].as_array().unwrap().clone();
    let first = signing();
    on(&data, &["key", "rotate-ledger"]).exits(0);
    let second = signing();
    assert_eq!(second[1..], first);
    on(&data, &["key", "rotate-ledger"]).exits(0);
    let third = signing();
    assert_eq!(third[1], second[0]);
    let acts = on(&data, &["audit", "acts", "--json"]).exits(0).json();
    // The newest comes first.
    let acts: Vec<_> =
        acts.as_array().unwrap().iter().rev().filter(|act| act["name"].as_str().unwrap().starts_with("ledger.key")).collect();
    let told: Vec<_> = acts.iter().map(|act| (act["name"].as_str().unwrap(), &act["body"]["key"])).collect();
    let expected = [("ledger.key-rotated", &second[0]), ("ledger.key-retired", &first[0]), ("ledger.key-rotated", &third[0])];
    assert_eq!(told, expected, "{acts:?}");
    served(&data);
    on(&data, &["audit", "check"]).exits(0);
}

/// What shows and what copies fixes no operator's name.
#[test]
fn before_the_first_start_no_command_draws_keys() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let data = at("data");
    on(&data, &["key", "create", "--role", "operator", "--label", "first"]).exits(0);
    let drawn = |data: &Path| data.join("ledger.key").exists() || data.join("ledger.vkey").exists();
    on(&data, &["key", "ledger"]).exits(2).complains("has no keys of the ledger yet").complains("--operator");
    on(&data, &["backup", "-o", path(&at("b"))]).exits(0);
    on(&at("restored"), &["restore", path(&at("b"))]).exits(0);
    assert!(!drawn(&data) && !drawn(&at("b")) && !drawn(&at("restored")));
    for data in [data, at("restored")] {
        let mut named = command(&data);
        named.args(["--operator", "ombud.example.com"]);
        let process = Process::start(named);
        assert_eq!(process.call(&agent(), "GET", "/readyz").send().status, 200);
        process.terminate();
        assert!(process.ended(Duration::from_secs(30)).success());
        assert!(text(&data, "ledger.vkey").starts_with("ombud.example.com+"));
    }
}

/// A change of the keys that is on record took place, also where the process ended before the files were in their place.
#[test]
fn a_change_that_was_cut_off_when_it_was_recorded_is_finished() {
    let folder = demo_data();
    let data = folder.path().join("data");
    served(&data);
    let names = ["ledger.key", "ledger.vkey"];
    let files = || names.map(|name| text(&data, name));
    let signing = || on(&data, &["key", "ledger", "--json"]).exits(0).json()["signing"].clone();
    // As it is left by a process that ended between the record and the files.
    let cut_off = |before: &[String; 2], after: &[String; 2]| {
        for ((name, before), after) in names.iter().zip(before).zip(after) {
            std::fs::write(data.join(name), before).unwrap();
            std::fs::write(data.join(format!("{name}.new")), after).unwrap();
        }
    };
    for command in ["rotate-ledger", "retire-ledger"] {
        let before = files();
        on(&data, &["key", command]).exits(0);
        let (after, signs) = (files(), signing());
        cut_off(&before, &after);
        assert_eq!((signing(), files()), (signs, after), "{command}");
        assert!(names.iter().all(|name| !data.join(format!("{name}.new")).exists()));
    }
    // What is not on record did not take place: a rotation and the end of one.
    let before = files();
    let other = tempfile::tempdir().unwrap();
    on(other.path(), &["key", "create", "--role", "operator", "--label", "first"]).exits(0);
    served(other.path());
    cut_off(&before, &names.map(|name| text(other.path(), name)));
    assert_eq!((signing(), files()).1, before);
    on(&data, &["key", "rotate-ledger"]).exits(0);
    let both = files();
    let one = both[0].lines().next().unwrap().to_owned();
    cut_off(&both, &[one, both[1].clone()]);
    assert_eq!(signing().as_array().unwrap().len(), 2);
    assert_eq!(files(), both);
    served(&data);
    on(&data, &["audit", "check"]).exits(0);
}
