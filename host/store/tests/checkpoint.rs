//! The write-ahead log is moved into the database beside the writer, and stays bounded.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{Opened, SECONDS, merchant, open};
use ombud_store::{Store, StoreError};

/// Bytes after which the log is moved, and at which the writer waits for it (`sqlite/checkpoint.rs`).
const MOVED: u64 = 64 << 20;
const BYTES_MAX: u64 = 4 * MOVED;
/// To what its file is cut back (`sqlite/connection.rs`).
const KEPT: u64 = 2 * MOVED;

fn log_bytes(directory: &Path) -> u64 {
    std::fs::metadata(directory.join("ombud.db-wal")).unwrap().len()
}

/// Writes a value of a mebibyte in a group of its own.
fn write(opened: &Opened, number: usize) {
    write_bytes(opened, number, 1 << 20);
}

fn write_bytes(opened: &Opened, number: usize, bytes: usize) {
    let value = vec![u8::try_from(number % 251).unwrap(); bytes];
    opened.writer.wait(move |group| group.set_value(&format!("v{}", number % 40), &value)).unwrap();
}

#[test]
fn the_log_begins_anew_however_much_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a"]);
    for number in 0..48 {
        write(&opened, number);
    }
    let before = log_bytes(directory.path());
    assert!(before < MOVED, "{before}");
    let started = Instant::now();
    for number in 48..400 {
        write(&opened, number);
    }
    let after = log_bytes(directory.path());
    assert!(after < BYTES_MAX + (8 << 20), "400 MiB were written in {:?}, the log has {after} bytes", started.elapsed());
    // All of it can be read.
    let last = opened.store.read(|reads| reads.value("v39")).unwrap().unwrap();
    assert_eq!(last.first(), Some(&u8::try_from(399 % 251).unwrap()));
}

#[test]
fn a_long_read_keeps_its_state_and_the_log_begins_anew_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a"]);
    write(&opened, 0);
    opened
        .store
        .read(|reads| {
            let first = reads.value("v0")?.unwrap();
            for number in 1..200 {
                write(&opened, number);
            }
            assert_eq!(reads.value("v0")?.unwrap(), first, "the read sees one state");
            assert!(log_bytes(directory.path()) > 190 << 20, "what is read must stay in the log");
            Ok::<_, StoreError>(())
        })
        .unwrap();
    // The log is cut back once it begins anew: when it is as large as it may be at the latest, for then the writer waits for it.
    let mut number = 200;
    while log_bytes(directory.path()) > KEPT {
        assert!(number < 200 + 2 * 256, "the log has {} bytes", log_bytes(directory.path()));
        write(&opened, number);
        number += 1;
    }
    assert_eq!(opened.store.read(|reads| reads.log_size(&merchant("a"))).unwrap(), 0);
}

/// Readers, the writer and the thread that moves pages come and go, and whoever asks for the log to be cut has it cut.
#[test]
fn the_log_is_cut_beside_readers_and_writes() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a"]);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _done = Sets(&done);
        scope.spawn(|| {
            for number in (0..).take_while(|_| !done.load(Ordering::Relaxed)) {
                write_bytes(&opened, number, 1 << 14);
            }
        });
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                _ = opened.store.read(|reads| reads.value("v0")).unwrap();
            }
        });
        for number in 0..50 {
            let secret = format!("a secret of round {number}");
            let value = secret.clone().into_bytes();
            opened.writer.wait(move |group| group.set_value("secret", &value)).unwrap();
            opened.writer.wait(|group| group.set_value("secret", &[])).unwrap();
            assert!(opened.store.empty_log().wait(SECONDS).unwrap(), "{number}");
            for file in ["ombud.db", "ombud.db-wal"] {
                let bytes = std::fs::read(directory.path().join(file)).unwrap();
                assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{number}: {file}");
            }
        }
    });
}

/// Set when it is dropped, by a panic too.
struct Sets<'a>(&'a AtomicBool);

impl Drop for Sets<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn wait_until_cut(directory: &Path) {
    let until = Instant::now() + SECONDS;
    while log_bytes(directory) > 0 {
        assert!(Instant::now() < until, "the log has {} bytes", log_bytes(directory));
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_log_that_a_reader_holds_is_cut_once_it_lets_go() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a"]);
    assert!(opened.store.empty_log().wait(SECONDS).unwrap());
    write(&opened, 0);
    opened
        .store
        .read(|reads| {
            let first = reads.value("v0")?.unwrap();
            write(&opened, 40);
            assert!(!opened.store.empty_log().wait(Duration::from_millis(300))?, "somebody reads what was before");
            assert_eq!(reads.value("v0")?.unwrap(), first);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    // Nobody asks once more.
    wait_until_cut(directory.path());
}

#[test]
fn what_a_killed_process_left_in_the_log_leaves_it_with_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a"]);
    assert!(opened.store.empty_log().wait(SECONDS).unwrap());
    write(&opened, 0);
    let killed = tempfile::tempdir().unwrap();
    for file in ["ombud.db", "ombud.db-wal"] {
        std::fs::copy(directory.path().join(file), killed.path().join(file)).unwrap();
    }
    assert!(log_bytes(killed.path()) > 1 << 20);
    let opened = open(killed.path(), &[]);
    wait_until_cut(killed.path());
    assert_eq!(opened.store.read(|reads| reads.value("v0")).unwrap().unwrap().len(), 1 << 20);
}
