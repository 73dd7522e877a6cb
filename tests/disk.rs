//! A disk that takes nothing: whoever asks comes again later, the operator is told once and where, and the server goes on by itself.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ombud_tests::client::agent;
use ombud_tests::command::{Ran, demo_data, on, path};
use ombud_tests::events::event;
use ombud_tests::process::{Process, command, demo_keys, ombud};
use ombud_tests::server::wait_for;

/// A server: it is told of a file's size limit by an error, as it is of a full disk.
fn server(data: &Path, log: &Path) -> Process {
    Process::logging(command(data), std::fs::File::create(log).unwrap())
}

/// A command whose files have at most so many bytes.
fn limited(bytes: &str, arguments: &[&str]) -> Ran {
    let output = Command::new("prlimit").arg(format!("--fsize={bytes}")).arg(ombud()).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

/// From now on a file of the process has at most so many bytes: less than one page of the database, or as many as it likes.
fn files_have(process: &Process, bytes: &str) {
    let set = Command::new("prlimit").args([&format!("--fsize={bytes}:unlimited"), "--pid", &process.id().to_string()]).status();
    assert!(set.expect("`prlimit` runs").success());
}

#[test]
fn nothing_is_taken_while_the_disk_takes_nothing_and_it_goes_on_by_itself() {
    let (data, logs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = logs.path().join("log");
    let process = server(data.path(), &log);
    let (keys, agent) = (demo_keys(data.path()), agent());
    let operator = keys["operator"].as_str().unwrap();
    let send = |id: &str| {
        let route = "/v1/merchants/m-cosmetics/events";
        process
            .call(&agent, "POST", route)
            .key(keys["merchants"]["m-cosmetics"]["agent"].as_str().unwrap())
            .event(&event("delay.detected", id))
            .send()
    };
    let ready = || process.call(&agent, "GET", "/readyz").key(operator).send();
    assert!(!send("before").decisions().is_empty());

    files_have(&process, "4096");
    for at in 0..20 {
        let refused = send(&format!("meanwhile-{at}"));
        let problem = refused.problem(503);
        assert!(problem["detail"].as_str().unwrap().contains("nothing can be recorded"), "{problem}");
        assert!(refused.headers.contains_key("retry-after"));
    }
    let unready = ready();
    assert_eq!(unready.status, 503);
    assert_eq!(unready.headers["retry-after"], "1");
    let place = data.path().display().to_string();
    let reason = unready.json()["reasons"][0].as_str().unwrap().to_owned();
    assert!(reason.contains(&place) && reason.contains("make room"), "{reason}");
    assert_eq!(process.call(&agent, "GET", "/readyz").send().json()["reasons"], serde_json::json!([]), "nobody else is told where");
    let metrics = process.call(&agent, "GET", "/metrics").key(operator).send().text();
    let failed = metrics.lines().find_map(|line| line.strip_prefix("ombud_commit_groups_failed_total ")).unwrap();
    assert!(failed.parse::<f64>().unwrap() >= 20.0, "{failed}");

    // A key is no other matter: where the files have room and the database has none, it is not changed without an act.
    let key = std::fs::read_to_string(data.path().join("ledger.key")).unwrap();
    let refused = process.call(&agent, "POST", "/v1/ledger/keys").key(operator).send().problem(503);
    assert!(refused["detail"].as_str().unwrap().contains("nothing can be recorded"), "{refused}");
    assert_eq!(std::fs::read_to_string(data.path().join("ledger.key")).unwrap(), key);
    // Files beside the database neither, and what was begun leaves nothing.
    files_have(&process, "64");
    let files = || -> Vec<String> {
        let names = std::fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("ledger.")).collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    };
    let before = files();
    let known = std::fs::read_to_string(data.path().join("ledger.vkey")).unwrap();
    let refused = process.call(&agent, "POST", "/v1/ledger/keys").key(operator).send().problem(503);
    assert!(refused["detail"].as_str().unwrap().contains("nothing can be recorded"), "{refused}");
    assert_eq!((files(), std::fs::read_to_string(data.path().join("ledger.vkey")).unwrap()), (before, known));
    // A policy is not to blame.
    let address = format!("http://{}", process.address);
    let admin = keys["merchants"]["m-cosmetics"]["merchant-admin"].as_str().unwrap();
    let folder = ombud_tests::guests::root().join("tests/policies/unfair");
    let pushed = Command::new(ombud())
        .args(["push", path(&folder), "--url", &address, "--api-key", admin, "--merchant", "m-cosmetics", "--name", "full"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&pushed.stderr).into_owned();
    assert_eq!(pushed.status.code(), Some(2), "{said}");
    assert!(said.contains("nothing can be recorded") && !said.contains("refused"), "{said}");

    // Nobody sends anything to a server that is not ready: it looks for itself.
    files_have(&process, "unlimited");
    wait_for(|| ready().status == 200);
    let taken = send("meanwhile-0").ok();
    assert_eq!(taken["duplicate"], false, "{taken}");
    process.terminate();
    assert!(process.ended(Duration::from_secs(30)).success());
    let log = std::fs::read_to_string(log).unwrap();
    assert_eq!(log.matches("nothing is recorded any more").count(), 1, "{log}");
    assert!(log.contains(&place) && log.contains("can be written again"), "{log}");
    assert!(!log.contains("internal error"), "{log}");
    on(data.path(), &["audit", "check"]).exits(0);
}

#[test]
fn where_nothing_can_be_written_beside_a_database_a_command_says_what_to_do() {
    let folder = demo_data();
    let data = folder.path().join("data");
    on(&data, &["audit", "check"]).exits(0);
    // A file that SQLite cannot make: as on a disk for reading only, and also for who may write everywhere.
    let log = data.join("ombud.db-wal");
    _ = std::fs::remove_file(&log);
    std::fs::create_dir(&log).unwrap();
    for arguments in [&["audit", "check"][..], &["replay", "--all"], &["upgrade-check"]] {
        on(&data, arguments).exits(2).complains(&data.join("ombud.db").display().to_string()).complains("copy the directory");
    }
    std::fs::remove_dir(&log).unwrap();
    on(&data, &["replay", "--all"]).exits(0);
}

#[test]
fn a_directory_on_a_full_disk_is_named_with_what_helps() {
    let folder = demo_data();
    let data = folder.path().join("data");
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["key", "list"]] {
        let ran = limited("4096", &[arguments, &["--data", path(&data)]].concat());
        ran.exits(2).complains(&format!("make room on the disk of `{}`", data.display()));
    }
    on(&data, &["audit", "check"]).exits(0);
}

/// A key is in its file whole, or there is no file: half a one would be taken for a key that is none, for ever.
#[test]
fn a_key_for_which_there_is_no_room_leaves_no_file() {
    let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let process = server(data.path(), &other.path().join("log"));
    let key = other.path().join("new.key");
    let rotate = ["key", "rotate-master", "--new-master-key", path(&key)];
    files_have(&process, "16");
    on(data.path(), &rotate).exits(2).complains(&format!("cannot write `{}`", key.display())).complains("nothing was changed");
    let names = || std::fs::read_dir(other.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(names(), ["log"]);
    files_have(&process, "unlimited");
    on(data.path(), &rotate).exits(0);
    assert_eq!(std::fs::read(&key).unwrap().len(), 64);
    // One that an earlier release left so.
    let empty = other.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    on(data.path(), &["key", "rotate-master", "--new-master-key", path(&empty)]).exits(2).complains("is empty");
}

/// Half a line would be the beginning of the next one, and no start could read that.
#[test]
fn an_erasure_that_cannot_be_noted_leaves_no_half_line() {
    let folder = demo_data();
    let (data, kept) = (folder.path().join("data"), folder.path().join("data/erasures"));
    let database = rusqlite::Connection::open(data.join("ombud.db")).unwrap();
    let sql = "SELECT DISTINCT id, customer FROM entries JOIN merchants USING (merchant_no) WHERE customer IS NOT NULL ORDER BY 1, 2";
    let customers: Vec<(String, String)> =
        database.prepare(sql).unwrap().query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    drop(database);
    let erase = |at: usize| {
        let (merchant, customer) = &customers[at];
        on(&data, &["audit", "erase", "--merchant", merchant, "--customer", customer]).exits(0);
    };
    erase(0);
    // Longer than any other file of the directory, so that only this one finds no room.
    let padded = std::fs::read_to_string(&kept).unwrap().replacen(' ', &" ".repeat(16 << 20), 1);
    std::fs::write(&kept, &padded).unwrap();
    let process = server(&data, &folder.path().join("log"));
    files_have(&process, &(padded.len() + 20).to_string());
    erase(1);
    assert!(std::fs::read_to_string(&kept).unwrap() == padded, "nothing of it is there");
    files_have(&process, "unlimited");
    erase(2);
    process.terminate();
    assert!(process.ended(Duration::from_secs(30)).success());
    assert!(std::fs::read_to_string(folder.path().join("log")).unwrap().contains("an erasure could not be noted"));
    on(&data, &["key", "list"]).exits(0);
    assert_eq!(std::fs::read_to_string(&kept).unwrap().lines().count(), 3, "the start has made up for it");
    on(&data, &["audit", "check"]).exits(0);
}
