//! What exports read: runs of a time, and rows as they are.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Made, merchant, open, submit};
use ombud_store::{ExportRow, Store as _, StoreError};
use rusqlite::Connection;

#[test]
fn a_run_has_all_records_of_a_time_and_no_more() {
    let data = tempfile::tempdir().unwrap();
    let opened = open(data.path(), &["m", "n"]);
    let m = merchant("m");
    // Not quite in the order of receipt: 10 30 20 50 40 60.
    for (at, received_at_ms) in [10, 30, 20, 50, 40, 60].into_iter().enumerate() {
        submit(&opened.writer, &m, &format!("e{at}"), Made { received_at_ms, ..Made::default() }).unwrap();
        submit(&opened.writer, &merchant("n"), &format!("e{at}"), Made { received_at_ms: 1, ..Made::default() }).unwrap();
    }
    for (from, to, run) in [
        (None, None, 0..6),
        (Some(20), Some(50), 1..5),
        (Some(20), Some(30), 1..3),
        (Some(41), Some(45), 3..5),
        (Some(11), Some(20), 1..1),
        (Some(20), None, 1..6),
        (None, Some(41), 0..5),
        (Some(61), Some(99), 6..6),
        (Some(0), Some(10), 0..0),
        (Some(61), None, 6..6),
        (None, Some(5), 0..0),
    ] {
        let found = opened.store.read(|reads| reads.received_in(&m, from, to)).unwrap();
        assert_eq!(found, run, "{from:?} {to:?}");
    }
    assert_eq!(opened.store.read(|reads| reads.received_in(&merchant("none"), None, None)).unwrap(), 0..0);
}

#[test]
fn rows_come_as_they_are() {
    let data = tempfile::tempdir().unwrap();
    let opened = open(data.path(), &["m"]);
    let m = merchant("m");
    for at in 0..5 {
        let made = Made { customer: Some("c".into()), ticket: Some("t".into()), ..Made::default() };
        submit(&opened.writer, &m, &format!("e{at}"), made).unwrap();
    }
    let whole = opened.store.read(|reads| reads.export_rows(&m, 0..5, 10)).unwrap();
    assert_eq!(whole.iter().map(|row| row.seq).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert!(whole.iter().all(|row| row.leaf.as_ref().is_some_and(|leaf| leaf.len() == 32) && row.customer.as_deref() == Some("c")));
    let damage = Connection::open(data.path().join("ombud.db")).unwrap();
    damage.execute("UPDATE entries SET leaf = x'00' WHERE seq = 1", []).unwrap();
    damage.execute("DELETE FROM records WHERE record_no = (SELECT record_no FROM entries WHERE seq = 2)", []).unwrap();
    damage.execute("DELETE FROM entries WHERE seq = 3", []).unwrap();
    let found = opened.store.read(|reads| reads.export_rows(&m, 0..5, 10)).unwrap();
    let lost = ExportRow { header: None, sealed: None, ..whole[2].clone() };
    let cut = ExportRow { leaf: Some(vec![0]), ..whole[1].clone() };
    assert_eq!(found, [whole[0].clone(), cut, lost, whole[4].clone()]);
    assert_eq!(opened.store.read(|reads| reads.export_rows(&m, 1..5, 2)).unwrap().len(), 2);
    assert!(opened.store.read(|reads| Ok::<_, StoreError>(reads.export_rows(&merchant("n"), 0..5, 10)?.is_empty())).unwrap());
}
