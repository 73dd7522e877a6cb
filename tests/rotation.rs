//! The master key is replaced beside the decisions, and whatever moment the process is killed at, the directory opens again.

mod ledger;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ombud::service::Role;
use ombud_ledger::keys::MasterKey;
use ombud_tests::client::agent;
use ombud_tests::command::{copy_folder, demo_data, on};
use ombud_tests::events::refund;
use ombud_tests::guests::root;
use ombud_tests::ledger::findings;
use ombud_tests::process::{Process, demo_keys};
use ombud_tests::random::Random;
use ombud_tests::server::{Server, wait_for};
use rusqlite::Connection;
use serde_json::{Value, json};

/// The master keys that data keys are wrapped with, with how many each.
fn wrapped_by(data: &Path) -> Vec<(String, i64)> {
    let database = Connection::open(data.join("ombud.db")).unwrap();
    database.busy_timeout(Duration::from_secs(10)).unwrap();
    let mut query = database
        .prepare("SELECT lower(hex(substr(wrapped, 1, 8))), count(*) FROM subject_keys WHERE wrapped IS NOT NULL GROUP BY 1")
        .unwrap();
    query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

fn key_of(data: &Path) -> [u8; 32] {
    std::fs::read(data.join("master.key")).unwrap().try_into().unwrap()
}

#[test]
fn the_master_key_is_replaced_under_load() {
    let server = Server::start(tempfile::tempdir().unwrap(), &root().join("policies"));
    let merchant = server.merchant(json!({}));
    let first = merchant.decide(&refund("first", "c_first", 1_000));
    for number in 0..450 {
        merchant.post(&refund(&format!("before-{number}"), &format!("c_before_{number}"), 100));
    }
    let old = key_of(&server.data);
    let master = |method: &str| server.call(method, "/v1/master-key");
    for role in [Role::MerchantAdmin, Role::Auditor] {
        assert_eq!(master("GET").key(merchant.key(role)).send().status, 403);
        assert_eq!(master("POST").key(merchant.key(role)).json(&json!({})).send().status, 403);
    }
    // Files are the owner's affair.
    let elsewhere = json!({"new_key_file": "/nowhere/key"});
    assert_eq!(master("POST").key(&server.operator).json(&elsewhere).send().status, 403);

    let (done, decided) = (AtomicBool::new(false), std::sync::atomic::AtomicU64::new(0));
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (merchant, done, decided) = (&merchant, &done, &decided);
            scope.spawn(move || {
                for number in 0.. {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    merchant.decide(&refund(&format!("load-{thread}-{number}"), &format!("c_{thread}_{}", number / 2), 100));
                    decided.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // Merchants come as well, whose keys are drawn in whatever group is under way.
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                server.merchant(json!({}));
            }
        });
        for _ in 0..2 {
            let begun = decided.load(Ordering::Relaxed);
            let view = master("POST").key(&server.operator).json(&json!({})).send().ok();
            let to = view["rotation"]["to"].clone();
            assert_eq!(view["key"], to, "{view}");
            let state = || master("GET").key(&server.operator).send().ok()["rotation"].clone();
            wait_for(|| state()["state"] != "running");
            let ended = state();
            assert_eq!((&ended["state"], &ended["damaged"]), (&json!("done"), &json!(0)), "{ended}");
            assert!(ended["keys"].as_u64() > Some(450), "{ended}");
            assert!(decided.load(Ordering::Relaxed) > begun, "decisions went on");
        }
        done.store(true, Ordering::Relaxed);
    });
    let now = MasterKey::from_bytes(key_of(&server.data)).id();
    let all = wrapped_by(&server.data);
    assert_eq!(all.iter().map(|(id, _)| id).collect::<Vec<_>>(), [&now], "{all:?}");
    assert!(!server.data.join("master.key.next").exists());
    let acts = server.call("GET", "/v1/acts?act=master-key.rotated").key(&server.operator).send().ok();
    assert_eq!((acts["acts"].as_array().unwrap().len(), &acts["acts"][0]["body"]["to"]), (2, &json!(now)), "{acts}");
    // What was sealed before opens, and everything is whole.
    let path = format!("/decisions/{}/replay", first["id"].as_str().unwrap());
    assert_eq!(merchant.call(Role::Auditor, "POST", &path).send().ok()["identical"], true);
    assert_eq!(findings(&server.data, &merchant.id), [""; 0]);
    // Neither the old key nor the note of the rotation is in the files any more.
    for file in ["ombud.db", "ombud.db-wal", "master.key"] {
        let bytes = std::fs::read(server.data.join(file)).unwrap_or_default();
        assert!(!bytes.windows(32).any(|window| window == old), "{file}");
        assert!(!bytes.windows(10).any(|window| window == b"new_by_old"), "{file}");
    }
}

#[test]
fn a_kill_at_any_moment_leaves_a_directory_that_opens_with_either_key() {
    let folder = demo_data();
    let data = folder.path().join("data");
    let keys = demo_keys(&data);
    let (operator, key) = (keys["operator"].as_str().unwrap(), keys["merchants"]["m-fresh"]["agent"].as_str().unwrap());
    let mut process = Process::serve(&data);
    for batch in 0..3 {
        let events: Vec<Value> = (0..200).map(|number| refund(&format!("{batch}-{number}"), &format!("c_{batch}_{number}"), 100)).collect();
        let call = process.call(&agent(), "POST", "/v1/merchants/m-fresh/events:batch").key(key);
        let call = call.header("content-type", "application/cloudevents-batch+json").body(Value::from(events).to_string());
        assert_eq!(call.send().status, 200);
    }
    let (mut random, mut halfway) = (Random::new(), 0);
    // How long a rotation takes here is found out: whatever was over before its kill halves the time until the next one, and whatever had not
    // begun doubles it.
    let (mut round, mut within_us) = (0, 160_000);
    while round < 4 || halfway == 0 {
        assert!(round < 30, "no kill met a rotation under way");
        round += 1;
        let seed = random.0;
        let old = key_of(&data);
        let begun = process.call(&agent(), "POST", "/v1/master-key").key(operator).json(&json!({})).send();
        assert_eq!(begun.status, 200, "round {round}, seed {seed}: {}", begun.text());
        std::thread::sleep(Duration::from_micros(random.below(within_us) as u64));
        process.kill();
        _ = process.ended(Duration::from_secs(30));
        // A killed server leaves its socket.
        _ = std::fs::remove_file(data.join("ombud.sock"));
        let wrapped = wrapped_by(&data);
        if wrapped.len() == 1 && wrapped[0].0 != MasterKey::from_bytes(old).id() {
            within_us = (within_us / 2).max(1);
        } else if wrapped.len() == 1 {
            within_us = (within_us * 2).min(5_000_000);
        }
        if wrapped.len() == 2 {
            halfway += 1;
            // Either key opens everything; nothing is changed by looking.
            let next = std::fs::read(data.join("master.key.next")).unwrap();
            for given in [&old[..], &next] {
                let copy = tempfile::tempdir().unwrap();
                copy_folder(&data, copy.path());
                std::fs::write(copy.path().join("master.key"), given).unwrap();
                let report = on(copy.path(), &["audit", "check", "--json"]).json();
                let keys = report["findings"].as_array().unwrap().iter().filter(|one| one["problem"].as_str().unwrap().contains("key"));
                assert_eq!(keys.count(), 0, "seed {seed}: {report}");
            }
        }
        process = Process::serve(&data);
        let state = || process.call(&agent(), "GET", "/v1/master-key").key(operator).send().ok();
        wait_for(|| state()["rotation"]["state"] != "running");
        let now = MasterKey::from_bytes(key_of(&data)).id();
        let all = wrapped_by(&data);
        assert_eq!(all.iter().map(|(id, _)| id).collect::<Vec<_>>(), [&now], "round {round}, seed {seed}");
        assert_eq!(state()["key"], now.as_str());
    }
    process.terminate();
    assert!(process.ended(Duration::from_secs(30)).success());
    assert_eq!(findings(&data, "m-fresh"), [""; 0]);
}

/// Whichever data key is damaged, and wherever: it is named with its place, and the master key is not accused.
#[test]
fn a_damaged_data_key_is_no_wrong_master_key() {
    let folder = demo_data();
    let data = folder.path().join("data");
    on(&data, &["merchant", "list"]).exits(0);
    for (whose, merchant, said) in [
        ("subject = 'merchant'", "operator", "of the merchant `operator` is damaged"),
        ("subject = 'merchant'", "m-fresh", "of the merchant `m-fresh` is damaged"),
        ("subject LIKE 'customer:%'", "m-fresh", "of a customer of `m-fresh` is damaged"),
    ] {
        // In the id of the master key, in the nonce, in the key.
        for at in [0, 8, 40] {
            let copy = tempfile::tempdir().unwrap();
            copy_folder(&data, copy.path());
            let database = Connection::open(copy.path().join("ombud.db")).unwrap();
            let of = format!("merchant_no = (SELECT merchant_no FROM merchants WHERE id = '{merchant}') AND {whose}");
            let (subject, mut wrapped): (String, Vec<u8>) = database
                .query_row(&format!("SELECT subject, wrapped FROM subject_keys WHERE {of} LIMIT 1"), [], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .unwrap();
            wrapped[at] ^= 1;
            let sql = format!("UPDATE subject_keys SET wrapped = ?1 WHERE {of} AND subject = ?2");
            assert_eq!(database.execute(&sql, (wrapped, &subject)).unwrap(), 1);
            drop(database);
            let report = on(copy.path(), &["audit", "check", "--json"]).exits(1).json();
            let findings = report["findings"].as_array().unwrap();
            assert!(findings.iter().any(|one| one["problem"].as_str().unwrap().contains(said)), "{said}, byte {at}: {report}");
            // Without the operator's own log nothing can be recorded; everybody else goes on.
            let ran = on(copy.path(), &["merchant", "list"]);
            assert_eq!(ran.code, if merchant == "operator" { 2 } else { 0 }, "{}", ran.err);
            assert!(!ran.err.contains("is the master key"), "{}", ran.err);
        }
    }
}
