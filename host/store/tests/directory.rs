//! The data directory: one holder, schema versions, other programs' files.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{Made, SECONDS, merchant, open, submit};
use ombud_store::{DirectoryLock, SqliteStore, Store, StoreError};
use rusqlite::Connection;

const VERSION_1: &str = include_str!("../src/sqlite/migrations/0001.sql");

#[test]
fn a_second_holder_is_refused_with_the_firsts_process_id() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a"]);
    let Err(error) = SqliteStore::open(directory.path()) else { panic!("two holders") };
    assert!(matches!(error, StoreError::Locked { pid: Some(pid), .. } if pid == std::process::id()));
    let message = error.to_string();
    assert!(message.contains(&std::process::id().to_string()) && message.contains("stop that process"), "{message}");
    drop(opened);
    open(directory.path(), &[]);
}

/// A process that its holder was starting when it ended has the file for a moment still.
#[test]
fn what_an_ended_holder_left_is_waited_for_and_a_live_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    let left = |pid: u32| {
        let path = directory.path().join("ombud.lock");
        std::fs::write(&path, format!("{pid}\n")).unwrap();
        let file = std::fs::File::open(path).unwrap();
        file.lock().unwrap();
        file
    };
    let file = left(std::process::id());
    assert!(matches!(SqliteStore::open(directory.path()), Err(StoreError::Locked { .. })));
    drop(file);
    let file = left(ended.id());
    let released = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        drop(file);
    });
    assert!(SqliteStore::open(directory.path()).is_ok());
    released.join().unwrap();
    // Whoever holds it for good is told of, also where the id that stands there is an older one's.
    let _file = left(ended.id());
    assert!(matches!(SqliteStore::open(directory.path()), Err(StoreError::Locked { pid: Some(pid), .. }) if pid == ended.id()));
}

/// Whoever waited for a holder that set the directory aside has the one that has the name now, and not the other.
#[test]
fn a_directory_that_was_set_aside_meanwhile_is_not_the_one_that_is_taken() {
    let place = tempfile::tempdir().unwrap();
    let (directory, aside) = (place.path().join("data"), place.path().join("aside"));
    std::fs::create_dir(&directory).unwrap();
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    std::fs::write(directory.join("ombud.lock"), format!("{}\n", ended.id())).unwrap();
    let held = std::fs::File::open(directory.join("ombud.lock")).unwrap();
    held.lock().unwrap();
    let taken = std::thread::scope(|scope| {
        let taken = scope.spawn(|| DirectoryLock::take(&directory).unwrap());
        // It waits once it has the file, as this does.
        let lock = directory.join("ombud.lock");
        let is_it = |entry: &std::fs::DirEntry| std::fs::read_link(entry.path()).is_ok_and(|file| file == lock);
        while std::fs::read_dir("/proc/self/fd").unwrap().flatten().filter(is_it).count() < 2 {
            std::thread::yield_now();
        }
        std::fs::rename(&directory, &aside).unwrap();
        std::fs::create_dir(&directory).unwrap();
        drop(held);
        taken.join().unwrap()
    });
    assert!(matches!(DirectoryLock::take(&directory), Err(StoreError::Locked { .. })));
    assert!(DirectoryLock::take(&aside).is_ok());
    drop(taken);
    assert!(DirectoryLock::take(&directory).is_ok());
}

#[test]
fn the_writer_holds_the_directory_as_well() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a"]);
    drop(opened.store);
    assert!(matches!(SqliteStore::open(directory.path()), Err(StoreError::Locked { .. })));
    drop(opened.writer);
    assert!(SqliteStore::open(directory.path()).is_ok());
}

#[test]
fn an_empty_directory_gets_the_newest_schema() {
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("not/there/yet");
    let opened = open(&inner, &["a"]);
    assert_eq!(opened.store.schema_version(), 13);
    submit(&opened.writer, &merchant("a"), "1", Made::default()).unwrap();
    // The views are for people with the sqlite3 shell.
    let shell = Connection::open(inner.join("ombud.db")).unwrap();
    let row: (String, i64, String) =
        shell.query_row("SELECT merchant, seq, received_at FROM ledger", [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    assert_eq!(row, ("a".into(), 0, "1970-01-01T00:00:00.000Z".into()));
    for view in ["payments", "measures_in_force"] {
        shell.query_row(&format!("SELECT count(*) FROM {view}"), [], |row| row.get::<_, i64>(0)).unwrap();
    }
    let quick: String = shell.query_row("PRAGMA quick_check", [], |row| row.get(0)).unwrap();
    assert_eq!(quick, "ok");
}

#[test]
fn a_damaged_database_is_named_with_what_helps() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a"]);
    assert!(opened.store.empty_log().wait(SECONDS).unwrap());
    drop(opened);
    let path = directory.path().join("ombud.db");
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(10_000).unwrap();
    let Err(error) = SqliteStore::open(directory.path()) else { panic!("it opens") };
    assert!(matches!(&error, StoreError::Malformed { path: named, .. } if *named == path), "{error}");
    let message = error.to_string();
    assert!(message.contains(&format!("`ombud restore FOLDER --data {}`", directory.path().display())), "{message}");
    // Whoever has no business there is not told where it is.
    assert!(!error.without_place().to_string().contains(directory.path().to_str().unwrap()));
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_directory() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("data");
    let opened = open(&inner, &["a"]);
    submit(&opened.writer, &merchant("a"), "1", Made::default()).unwrap();
    let rights = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(rights(&inner), 0o700);
    for file in ["ombud.db", "ombud.db-wal"] {
        assert_eq!(rights(&inner.join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_version_1_database_keeps_its_rows() {
    let directory = tempfile::tempdir().unwrap();
    {
        let old = Connection::open(directory.path().join("ombud.db")).unwrap();
        old.execute_batch(VERSION_1).unwrap();
        old.pragma_update(None, "application_id", 0x4f6d_6264).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        old.execute_batch(
            "INSERT INTO merchants (id, config, created_at_ms) VALUES ('a', '{\"shop\":1}', 5);
             INSERT INTO records (header, sealed) VALUES (x'01', x'02');
             INSERT INTO entries (merchant_no, seq, record_no, entry, event_type, received_at_ms, leaf)
             VALUES (1, 0, 1, 'act', 'policy.activated', 6, zeroblob(32));",
        )
        .unwrap();
    }
    let opened = open(directory.path(), &[]);
    assert_eq!(opened.store.schema_version(), 13);
    assert_eq!(opened.store.read(|reads| reads.merchant(&merchant("a"))).unwrap().unwrap().config, "{\"shop\":1}");
    assert_eq!(opened.store.read(|reads| reads.record(&merchant("a"), 0)).unwrap().unwrap().header, [1]);
    assert_eq!(submit(&opened.writer, &merchant("a"), "1", Made::default()).unwrap(), 1);
}

#[test]
fn newer_and_foreign_databases_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ombud.db");
    let newest = open(directory.path(), &[]).store.schema_version();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let newer = SqliteStore::open(directory.path()).map(|_| ());
    assert!(matches!(newer, Err(StoreError::Newer { found: 99, known }) if known == newest), "{newer:?}");

    let directory = tempfile::tempdir().unwrap();
    Connection::open(directory.path().join("ombud.db")).unwrap().execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    let foreign = SqliteStore::open(directory.path()).map(|_| ());
    assert!(matches!(foreign, Err(StoreError::Foreign { .. })), "{foreign:?}");
}
