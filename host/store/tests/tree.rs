//! The Merkle log: it grows with the records and with nothing else, and a database without one gets it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{Made, append, header, merchant, open, submit};
use ombud_ledger::log::{Frontier, Tile, TileLevel, proof};
use ombud_ledger::{Digest, leaf_hash};
use ombud_store::{CHECKPOINTS_KEPT, CheckpointRow, CosignatureRow, Filter, JobError, SqliteStore, Store, StoreError, log_hashes};
use rusqlite::Connection;

const DAY_MS: i64 = 86_400_000;

/// The tree of the leaves of made-up events.
fn tree(id: &str, events: std::ops::Range<u64>) -> Frontier {
    Frontier::of(events.map(|event| leaf_hash(&header(&merchant(id), &event.to_string()))))
}

fn fill(opened: &common::Opened, id: &'static str, events: std::ops::Range<u64>) {
    let job = move |group: &mut dyn ombud_store::Group| {
        events.clone().try_for_each(|event| append(group, &merchant(id), &event.to_string(), &Made::default()).map(|_| ()))
    };
    opened.writer.wait(job).unwrap();
}

#[test]
fn the_tree_grows_with_the_records() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a", "b"]);
    for (from, to) in [(0, 1), (1, 255), (255, 256), (256, 700), (700, 1500)] {
        fill(&opened, "a", from..to);
        let tree = tree("a", 0..to);
        assert_eq!(opened.store.read(|reads| reads.frontier(&merchant("a"))).unwrap(), tree);
        let root =
            opened.store.read(|reads| Ok::<_, StoreError>(proof::root(&log_hashes(reads, &merchant("a"), to), to).unwrap())).unwrap();
        assert_eq!(root, tree.root(), "{to} records");
        // What has grown is told once, with the tree as committed.
        assert_eq!(opened.store.grown(), [(merchant("a"), tree)].into());
        assert!(opened.store.grown().is_empty());
    }
    assert_eq!(opened.store.read(|reads| reads.frontier(&merchant("b"))).unwrap(), Frontier::new());
    assert_eq!(opened.store.read(|reads| reads.frontier(&merchant("nobody"))).unwrap(), Frontier::new());
    // It goes on where it was.
    drop(opened);
    let opened = open(directory.path(), &[]);
    assert!(opened.store.grown().is_empty());
    assert_eq!(opened.store.read(|reads| reads.unsigned()).unwrap(), [(merchant("a"), tree("a", 0..1500))]);
    fill(&opened, "a", 1500..1600);
    assert_eq!(opened.store.read(|reads| reads.frontier(&merchant("a"))).unwrap(), tree("a", 0..1600));
    let old = opened.store.read(|reads| {
        let a = merchant("a");
        let hashes = log_hashes(reads, &a, 1600);
        let proof = proof::prove_consistency(&hashes, 700, 1600).unwrap();
        Ok::<_, StoreError>(proof::verify_consistency(700, &tree("a", 0..700).root(), 1600, &tree("a", 0..1600).root(), &proof))
    });
    assert_eq!(old.unwrap(), Ok(()));
}

#[test]
fn tiles_are_as_wide_as_they_are_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a"]);
    fill(&opened, "a", 0..600);
    let read = |level, index, width| opened.store.read(|reads| reads.tile(&merchant("a"), Tile { level, index, width }));
    assert_eq!(read(TileLevel::Hashes(0), 2, 88).unwrap().len(), 88);
    assert_eq!(read(TileLevel::Hashes(1), 0, 2).unwrap()[1], tree_of_tile(256..512));
    for (level, index, width) in
        [(TileLevel::Hashes(0), 2, 89), (TileLevel::Hashes(1), 0, 3), (TileLevel::Hashes(2), 0, 1), (TileLevel::Entries, 0, 1)]
    {
        assert!(matches!(read(level, index, width), Err(StoreError::Damaged(_))), "{level:?} {index} {width}");
    }
    assert!(read(TileLevel::Hashes(0), u64::MAX, 1).is_err());
}

fn tree_of_tile(events: std::ops::Range<u64>) -> Digest {
    tree("a", events).root()
}

#[test]
fn what_is_rolled_back_leaves_no_leaf() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a"]);
    // Over the edge of a tile, so that a tile's row is rolled back as well.
    fill(&opened, "a", 0..250);
    let failed: Result<(), JobError<StoreError>> = opened.writer.wait(|group| {
        for event in 1000..1020 {
            append(group, &merchant("a"), &event.to_string(), &Made::default())?;
        }
        Err(StoreError::Cursor)
    });
    assert!(failed.is_err());
    assert_eq!(opened.store.grown(), [(merchant("a"), tree("a", 0..250))].into());
    assert_eq!(submit(&opened.writer, &merchant("a"), "250", Made::default()).unwrap(), 250);
    fill(&opened, "a", 251..300);
    assert_eq!(opened.store.read(|reads| reads.frontier(&merchant("a"))).unwrap(), tree("a", 0..300));
    let root = opened.store.read(|reads| Ok::<_, StoreError>(proof::root(&log_hashes(reads, &merchant("a"), 300), 300).unwrap()));
    assert_eq!(root.unwrap(), tree("a", 0..300).root());
}

/// As a release without the log left it.
fn without_trees(directory: &std::path::Path) -> Connection {
    let db = Connection::open(directory.join("ombud.db")).unwrap();
    db.execute_batch(
        "DROP VIEW heads; DROP INDEX subject_keys_quiet; ALTER TABLE subject_keys DROP COLUMN quiet_from_ms; DROP INDEX after_sale_cases_by_id; DROP TABLE logs; DROP TABLE tiles; DROP TABLE checkpoints; DROP TABLE holds; DROP TABLE cosignatures;
        DROP TABLE signing_keys; DROP TABLE rollouts; DROP TABLE shadow_results; DROP TABLE versions;
        CREATE TABLE versions (merchant_no INTEGER NOT NULL, policy TEXT NOT NULL, version TEXT NOT NULL, kind TEXT NOT NULL,
          component BLOB NOT NULL, settings BLOB NOT NULL, contract TEXT NOT NULL, state TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
          changed_at_ms INTEGER NOT NULL, PRIMARY KEY (merchant_no, policy, version)) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX versions_active ON versions (merchant_no, kind) WHERE state = 'active'",
    )
    .unwrap();
    db.pragma_update(None, "user_version", 4).unwrap();
    db
}

#[test]
fn records_from_before_the_log_get_their_tree() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a", "b", "c"]);
    fill(&opened, "a", 0..700);
    fill(&opened, "c", 0..3);
    drop(opened);
    drop(without_trees(directory.path()));
    let opened = open(directory.path(), &[]);
    for (id, count) in [("a", 700), ("b", 0), ("c", 3)] {
        let root =
            |reads: &dyn ombud_store::Reads| Ok::<_, StoreError>(proof::root(&log_hashes(reads, &merchant(id), count), count).unwrap());
        assert_eq!(opened.store.read(root).unwrap(), tree(id, 0..count).root());
        assert_eq!(opened.store.read(|reads| reads.frontier(&merchant(id))).unwrap(), tree(id, 0..count));
    }
    fill(&opened, "a", 700..800);
    assert_eq!(opened.store.read(|reads| reads.frontier(&merchant("a"))).unwrap(), tree("a", 0..800));
}

#[test]
fn records_with_a_gap_get_no_tree() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a"]);
    fill(&opened, "a", 0..10);
    drop(opened);
    without_trees(directory.path()).execute("DELETE FROM entries WHERE seq = 4", []).unwrap();
    let Err(error) = SqliteStore::open(directory.path()) else { panic!("a tree without record 4") };
    assert!(error.to_string().contains("record 4 "), "{error}");
}

#[test]
fn nothing_is_appended_to_a_log_that_does_not_fit_its_tree() {
    for (damage, why) in [
        ("DELETE FROM entries WHERE seq = 9", "has 9 records, its tree has 10"),
        ("UPDATE logs SET size = 9", "has 10 records, its tree has 9"),
        ("UPDATE logs SET size = 11", "is not one of 11 records"),
        ("UPDATE logs SET edge = x'00'", "is not one of 10 records"),
        ("DELETE FROM logs", "has 10 records, its tree has 0"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let opened = open(directory.path(), &["a"]);
        fill(&opened, "a", 0..10);
        drop(opened);
        Connection::open(directory.path().join("ombud.db")).unwrap().execute(damage, []).unwrap();
        let opened = open(directory.path(), &[]);
        let error = submit(&opened.writer, &merchant("a"), "10", Made::default()).unwrap_err();
        assert!(error.to_string().contains(why), "{damage}: {error}");
    }
}

/// Whatever number stands at a record, what goes through the log takes no more steps than it has records.
#[test]
fn a_gap_is_passed_at_once_however_wide_it_is() {
    for (seq, tree) in [(1_000_000_000_000, None), (1_000_000_000_000, Some(1 << 62)), (i64::MAX, None), (i64::MAX, Some(i64::MAX))] {
        let directory = tempfile::tempdir().unwrap();
        let opened = open(directory.path(), &["a"]);
        fill(&opened, "a", 0..10);
        drop(opened);
        let db = Connection::open(directory.path().join("ombud.db")).unwrap();
        db.execute("UPDATE entries SET seq = ?1 WHERE seq = 4", [seq]).unwrap();
        tree.map(|size: i64| db.execute("UPDATE logs SET size = ?1", [size]).unwrap());
        drop(db);
        let (opened, a) = (open(directory.path(), &[]), merchant("a"));
        let (seq, tree) = (seq.cast_unsigned(), tree.map_or(10, i64::cast_unsigned));
        let extent = opened.store.read(|reads| reads.extent(&a)).unwrap();
        assert_eq!((extent.listed, extent.claimed), (seq + 1, tree));
        assert_eq!(extent.records(), tree.min(seq + 1));
        assert_eq!((extent.lost(), extent.behind()), (extent.records()..tree, extent.records()..seq + 1));
        let next = |from| opened.store.read(|reads| reads.listed_from(&a, from)).unwrap();
        assert_eq!((next(4), next(10), next(seq)), (Some(5), Some(seq), Some(seq)));
        assert_eq!(opened.store.read(|reads| reads.missing(&a, 0..10, 9)).unwrap(), vec![4_u64..5]);
        // A list of what nothing fits has no more pages than there is something to look through.
        let (none, mut cursor, mut pages) = (Filter { kind: Some("none".into()), ..Filter::default() }, None, 0);
        loop {
            let page = opened.store.read(|reads| reads.list(&a, &none, cursor.as_deref(), 10)).unwrap();
            (cursor, pages) = (page.next, pages + 1);
            if cursor.is_none() {
                break;
            }
            assert!(pages < 4);
        }
    }
}

fn checkpoint(size: u64) -> CheckpointRow {
    CheckpointRow { size, root: Digest::of(&size.to_be_bytes()), note: format!("note {size}") }
}

#[test]
fn the_newest_checkpoints_and_one_a_day_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a", "b"]);
    let put = |row: CheckpointRow| opened.writer.wait(move |group| group.put_checkpoint(&merchant("a"), &row));
    // Three days of a hundred records each, signed one by one.
    for size in 1..=300_u64 {
        let received_at_ms = (size as i64 - 1) / 100 * DAY_MS + size as i64;
        submit(&opened.writer, &merchant("a"), &size.to_string(), Made { received_at_ms, ..Made::default() }).unwrap();
        put(checkpoint(size)).unwrap();
    }
    let sizes: Vec<u64> =
        opened.store.read(|reads| reads.checkpoints(&merchant("a"), 0, 1000)).unwrap().iter().map(|row| row.size).collect();
    let newest = 300 - u64::from(CHECKPOINTS_KEPT) + 1;
    assert_eq!(sizes, [100, 200].into_iter().chain(newest..=300).collect::<Vec<_>>());
    assert_eq!(opened.store.read(|reads| reads.checkpoint(&merchant("a"))).unwrap(), Some(checkpoint(300)));
    assert_eq!(opened.store.read(|reads| reads.checkpoints(&merchant("a"), 101, 1)).unwrap()[0].size, 200);
    assert_eq!(opened.store.read(|reads| reads.checkpoint(&merchant("b"))).unwrap(), None);
    let again = put(checkpoint(300));
    assert!(matches!(again, Err(JobError::Job(StoreError::Conflict(_)))), "{again:?}");
}

#[test]
fn cosignatures_belong_to_a_checkpoint() {
    let directory = tempfile::tempdir().unwrap();
    let opened = open(directory.path(), &["a"]);
    let put = |size, witness: &'static str, line: &str| {
        let row = CosignatureRow { size, witness: witness.into(), line: line.into() };
        opened.writer.wait(move |group| group.put_cosignature(&merchant("a"), &row)).unwrap()
    };
    opened.writer.wait(|group| group.put_checkpoint(&merchant("a"), &checkpoint(7))).unwrap();
    assert!(!put(6, "w1", "x"));
    assert!(put(7, "w2", "x") && put(7, "w1", "y") && put(7, "w1", "z"));
    let lines = opened.store.read(|reads| reads.cosignatures(&merchant("a"), 7)).unwrap();
    assert_eq!(lines.iter().map(|row| row.line.as_str()).collect::<Vec<_>>(), ["z", "x"]);
    let size = |witness: &str| opened.store.read(|reads| reads.cosigned_size(&merchant("a"), witness)).unwrap();
    assert_eq!([size("w1"), size("w3")], [7, 0]);
    // A signed log is no longer unsigned.
    fill(&opened, "a", 0..7);
    assert!(opened.store.read(|reads| reads.unsigned()).unwrap().is_empty());
    fill(&opened, "a", 7..8);
    assert_eq!(opened.store.read(|reads| reads.unsigned()).unwrap().len(), 1);
}
