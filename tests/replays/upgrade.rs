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

/// A data directory as the release before has it, with a connection to its database.
fn of_the_release_before() -> (TempDir, rusqlite::Connection) {
    const BEFORE: &str = "DROP INDEX subject_keys_quiet; ALTER TABLE subject_keys DROP COLUMN quiet_from_ms; PRAGMA user_version = 11";
    let data = altered(|_, _| ());
    let database = rusqlite::Connection::open(data.path().join("ombud.db")).unwrap();
    database.execute_batch(BEFORE).unwrap();
    (data, database)
}

#[test]
fn a_database_of_the_release_before_is_read_beside_its_server_and_stays_as_it_is() {
    let (data, database) = of_the_release_before();
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
fn the_copy_of_a_database_is_its_owners_and_goes_however_the_command_ends() {
    let (data, database) = of_the_release_before();
    drop(database);
    let temporary = tempfile::tempdir().unwrap();
    let copies = || -> Vec<PathBuf> { std::fs::read_dir(temporary.path()).unwrap().map(|entry| entry.unwrap().path()).collect() };
    // Whoever made the files may write to them, says this mask; the master key, which is read after the copy was made, does not come.
    let key = data.path().join("late.key");
    assert!(Command::new("mkfifo").arg(&key).status().unwrap().success());
    let mut command = Command::new("sh");
    command.args(["-c", "umask 0; exec \"$0\" \"$@\""]).arg(process::ombud()).arg("upgrade-check").arg("--data").arg(data.path());
    command.env("TMPDIR", temporary.path()).env("OMBUD_MASTER_KEY_FILE", &key);
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-KILL", 137)] {
        let mut running = command.spawn().unwrap();
        let whole = |copy: &PathBuf| copy.join("ombud.db-shm").exists();
        let began = std::time::Instant::now();
        while !copies().iter().any(whole) {
            assert!(began.elapsed().as_secs() < 60 && running.try_wait().unwrap().is_none(), "{signal}: no copy");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        for copy in copies() {
            let mode = |path: &Path| std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions()) & 0o777;
            assert_eq!((mode(&copy), mode(&copy.join("ombud.db"))), (0o700, 0o600), "{signal}");
        }
        assert!(Command::new("kill").args([signal, &running.id().to_string()]).status().unwrap().success());
        let ended = running.wait().unwrap();
        let signalled = std::os::unix::process::ExitStatusExt::signal(&ended).map(|number| 128 + number);
        assert_eq!(ended.code().or(signalled), Some(code), "{signal}");
        assert_eq!(copies().len(), usize::from(signal == "-KILL"), "{signal}");
    }
    // What the last one had to leave goes with the next copy, which itself goes with an output that cannot be written.
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(process::ombud());
    command.arg("upgrade-check").arg("--data").arg(data.path()).env("TMPDIR", temporary.path());
    assert_eq!((command.stdout(full).status().unwrap().code(), copies().len()), (Some(2), 0));
    let nowhere = temporary.path().join("none");
    let output =
        Command::new(process::ombud()).args(["replay", "--all", "--data"]).arg(data.path()).env("TMPDIR", &nowhere).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("/none`: name a folder with room for it with TMPDIR"), "{said}");
}

#[test]
fn what_is_no_data_directory_is_refused_and_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = check(&folder.path().join("none"), &[]);
    assert!(code == 2 && said.contains("no data directory") && !folder.path().join("none").exists(), "{said}");
}
