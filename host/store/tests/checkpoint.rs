//! The write-ahead log is moved into the database beside the writer, and stays bounded.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::time::Instant;

use common::{Opened, merchant, open};
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
    let value = vec![u8::try_from(number % 251).unwrap(); 1 << 20];
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
