//! A server as its operator starts it: what a start that fails leaves, what it warns of, and that its log is for programs.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use ombud_tests::command::{on, path};
use ombud_tests::events::event;
use ombud_tests::guests::root;
use ombud_tests::process::{Process, ombud};
use ombud_tests::server::wait_for;
use serde_json::{Value, json};

fn command(data: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(ombud());
    command.args(["serve", "--log-format", "json", "--data"]).arg(data).arg("--policies").arg(root().join("policies")).args(more);
    command
}

/// What a server said from its start to its end, which are lines of JSON and nothing else.
fn said(data: &Path, more: &[&str]) -> Vec<Value> {
    let logs = tempfile::tempdir().unwrap();
    let log = logs.path().join("log");
    let mut serve = command(data, more);
    serve.args(["--listen", "127.0.0.1:0"]);
    let process = Process::logging(serve, std::fs::File::create(&log).unwrap());
    assert_eq!(process.call(&ombud_tests::client::agent(), "GET", "/readyz").send().status, 200);
    process.terminate();
    assert!(process.ended(Duration::from_secs(30)).success());
    let text = std::fs::read_to_string(log).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn warned(lines: &[Value], of: &str) -> bool {
    lines.iter().any(|line| line["level"] == "WARN" && line["message"].as_str().is_some_and(|message| message.contains(of)))
}

#[test]
fn who_stops_a_server_that_has_just_begun_to_listen_is_heard() {
    let data = tempfile::tempdir().unwrap();
    for _ in 0..5 {
        let mut serve = command(data.path(), &[]);
        serve.args(["--listen", "127.0.0.1:0"]);
        let process = Process::logging(serve, tempfile::tempfile().unwrap());
        process.terminate();
        assert!(process.ended(Duration::from_secs(30)).success());
    }
}

#[test]
fn a_start_that_fails_fixes_no_name_and_one_without_a_name_warns() {
    let data = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let Output { status, stderr, .. } = command(data.path(), &["--listen", &address]).output().unwrap();
    let stderr = String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(&format!("cannot listen on {address}")), "{stderr}");
    assert!(!data.path().join("ledger.key").exists());

    let lines = said(data.path(), &["--operator", "ombud.example.com"]);
    assert!(!warned(&lines, "--operator") && warned(&lines, "nobody has a key yet"), "{lines:?}");
    assert!(lines.iter().any(|line| line["message"] == "listening" && line["address"].is_string()), "{lines:?}");

    let unnamed = tempfile::tempdir().unwrap();
    assert!(warned(&said(unnamed.path(), &[]), "signed as `ombud.local` from now on"));
    assert!(!warned(&said(unnamed.path(), &[]), "ombud.local"), "it is said once");
    let other = command(unnamed.path(), &["--operator", "ombud.example.com", "--listen", "127.0.0.1:0"]).output().unwrap();
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(said.contains("leave --operator out"), "{said}");
}

#[test]
fn secrets_that_others_may_read_are_warned_of() {
    let data = tempfile::tempdir().unwrap();
    let name = ["--operator", "ombud.example.com"];
    assert!(!warned(&said(data.path(), &name), "chmod"), "as it is made, all is its owner's");
    let key = data.path().join("master.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    let remedy = format!("`chmod 600 {}`", key.display());
    assert!(warned(&said(data.path(), &name), &remedy));
}

#[test]
fn a_merchants_key_that_is_revoked_without_its_merchant_says_how() {
    let data = tempfile::tempdir().unwrap();
    on(data.path(), &["key", "create", "--role", "operator", "--label", "me"]).exits(0);
    on(data.path(), &["key", "revoke", "k_000000000000"]).exits(2).complains("of the operator").complains("--merchant M");
}

#[test]
fn a_clock_in_doubt_is_told_of_and_erases_nothing_at_once() {
    let data = tempfile::tempdir().unwrap();
    let demo = ["--demo", "--operator", "ombud.example.com"];
    said(data.path(), &demo);
    let config = data.path().join("m.json");
    std::fs::write(&config, json!({"id": "m-kept", "shop_id": "1", "platform": "own-site", "retention_days": 1}).to_string()).unwrap();
    let policies = root().join("policies");
    on(data.path(), &["merchant", "put", path(&config), "--policies", path(&policies)]).exits(0);
    let made = on(data.path(), &["key", "create", "--merchant", "m-kept", "--role", "agent", "--label", "a", "--json"]).json();
    let process = Process::start({
        let mut serve = command(data.path(), &demo);
        serve.args(["--listen", "127.0.0.1:0"]);
        serve
    });
    let call = process.call(&ombud_tests::client::agent(), "POST", "/v1/merchants/m-kept/events").key(made["secret"].as_str().unwrap());
    call.event(&event("delay.detected", "1")).send().ok();
    process.terminate();
    assert!(process.ended(Duration::from_secs(30)).success());
    let run = |sql: &str| rusqlite::Connection::open(data.path().join("ombud.db")).unwrap().execute_batch(sql).unwrap();
    let moved = |days: i64| {
        let of = |table: &str, column: &str| run(&format!("UPDATE {table} SET {column} = {column} + {days} * 86400000"));
        of("entries", "received_at_ms");
        of("subject_keys", "quiet_from_ms");
    };
    let applied = || on(data.path(), &["audit", "acts", "--merchant", "m-kept"]).out.contains("retention.applied");

    moved(2);
    let behind = said(data.path(), &demo);
    assert!(warned(&behind, "before the newest record") && !warned(&behind, "retention"), "{behind:?}");
    moved(-12);
    let leapt = said(data.path(), &demo);
    assert!(warned(&leapt, "retention, which erases for good, waits for an hour"), "{leapt:?}");
    assert!(!applied());
    // Where something was recorded lately the clock is right, and what is due goes at the start.
    run(
        "UPDATE entries SET received_at_ms = received_at_ms + 10 * 86400000 WHERE merchant_no = (SELECT merchant_no FROM merchants WHERE id = 'm-cosmetics')",
    );
    let process = Process::start({
        let mut serve = command(data.path(), &demo);
        serve.args(["--listen", "127.0.0.1:0"]);
        serve
    });
    wait_for(applied);
    drop(process);
}

#[test]
fn what_keeps_a_server_from_starting_is_said_with_what_helps() {
    let data = tempfile::tempdir().unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    // Names are not looked up.
    on(data.path(), &["serve", "--listen", "localhost:7391"]).exits(2).complains("such as 127.0.0.1:8787");
    // No backup has the key of the compiled code, and it may go at any time.
    std::fs::write(data.path().join("code.key"), "short").unwrap();
    on(data.path(), &serve).exits(2).complains("code.key` does not hold 32 bytes: delete it");
    std::fs::remove_file(data.path().join("code.key")).unwrap();
    said(data.path(), &[]);
    // Whoever sets it wants no key in the data directory.
    let new = tempfile::tempdir().unwrap();
    for (name, says) in [("OMBUD_MASTER_KEY", "OMBUD_MASTER_KEY is empty"), ("OMBUD_MASTER_KEY_FILE", "OMBUD_MASTER_KEY_FILE is empty")] {
        let output = command(new.path(), &["--listen", "127.0.0.1:0"]).env(name, "").output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && stderr.contains(says), "{stderr}");
        assert!(!new.path().join("master.key").exists(), "{name}");
    }
}

#[test]
fn a_refused_start_without_its_database_leaves_no_empty_one() {
    let folder = ombud_tests::command::demo_data();
    let data = folder.path().join("data");
    said(&data, &["--demo"]);
    for ending in ["", "-wal", "-shm"] {
        _ = std::fs::remove_file(data.join(format!("ombud.db{ending}")));
    }
    for _ in 0..2 {
        on(&data, &["serve", "--listen", "127.0.0.1:0"]).exits(2).complains("the database was set back");
        assert!(!data.join("ombud.db").exists());
    }
}

#[test]
fn a_start_warns_where_the_operators_packages_are_beyond_what_may_be_loaded() {
    let data = tempfile::tempdir().unwrap();
    let limits = data.path().join("limits.toml");
    std::fs::write(&limits, "[load]\nloaded_bytes_max = 1048576\n").unwrap();
    let within = data.path().join("within");
    assert!(!warned(&said(&within, &[]), "loaded_bytes_max"));
    assert!(warned(&said(&within, &["--limits", path(&limits)]), "loaded_bytes_max"));
}
