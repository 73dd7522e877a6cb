//! Damage at random, thousands of times: one bit of a cell, records deleted, doubled and exchanged, one bit of the file, the
//! database set back. Whatever changes what the tables say is found.

use std::path::Path;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::fixture::Fixture;
use super::{CheckReport, check, checked};
use crate::check::{Checked, Place};

/// The tables that are checked whole: their keys, and their other columns. What is listed of ticket, customer and order, and
/// the keyed digest of an event, can only be checked by whoever opens the bodies.
const TABLES: [(&str, &[&str], &[&str]); 9] = [
    ("records", &["record_no"], &["header", "sealed"]),
    (
        "entries",
        &["merchant_no", "seq"],
        &[
            "record_no",
            "entry",
            "decision_id",
            "kind",
            "outcome",
            "policy",
            "version",
            "event_type",
            "event_at_ms",
            "received_at_ms",
            "leaf",
        ],
    ),
    ("logs", &["merchant_no"], &["size", "edge"]),
    ("tiles", &["merchant_no", "level", "tile"], &["hash"]),
    ("checkpoints", &["merchant_no", "size"], &["root", "note"]),
    ("cosignatures", &["merchant_no", "witness", "size"], &["line"]),
    ("events", &["merchant_no", "source_no", "event_id"], &["first_seq", "records"]),
    ("sources", &["source_no"], &["source"]),
    ("blobs", &["digest"], &["media", "bytes"]),
];

/// A seed of its own for each run, told where something goes undetected.
fn random() -> (u64, StdRng) {
    let seed = rand::random();
    (seed, StdRng::seed_from_u64(seed))
}

/// One row of a table by its key.
fn row(db: &Connection, table: &str, columns: &[&str], random: &mut impl Rng) -> Option<Vec<Value>> {
    let count: i64 = db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
    let at = (count > 0).then(|| random.random_range(0..count))?;
    let sql = format!("SELECT {} FROM {table} LIMIT 1 OFFSET {at}", columns.join(", "));
    Some(db.query_row(&sql, [], |row| (0..columns.len()).map(|at| row.get(at)).collect()).unwrap())
}

/// The value with one bit changed; none where it has none.
fn flipped(value: &Value, random: &mut impl Rng) -> Option<Value> {
    let flip = |bytes: &[u8], random: &mut dyn Rng| {
        let mut bytes = bytes.to_vec();
        let at = (!bytes.is_empty()).then(|| random.next_u64() as usize % (bytes.len() * 8))?;
        bytes[at / 8] ^= 1 << (at % 8);
        Some(bytes)
    };
    Some(match value {
        Value::Null => return None,
        Value::Integer(number) => Value::Integer(number ^ 1 << random.random_range(0..64)),
        Value::Real(_) => return None,
        // Bytes that are no UTF-8 reach a text column through a cast.
        Value::Text(text) => Value::Blob(flip(text.as_bytes(), random)?),
        Value::Blob(bytes) => Value::Blob(flip(bytes, random)?),
    })
}

/// Flips one bit of one cell; what was done, or none where the database itself refuses it (two rows with one key).
fn flip_cell(db: &Connection, random: &mut impl Rng) -> Option<String> {
    let (table, keys, others) = TABLES[random.random_range(0..TABLES.len())];
    let columns: Vec<&str> = keys.iter().chain(others).copied().collect();
    let old = row(db, table, &columns, random)?;
    let at = random.random_range(0..columns.len());
    let new = flipped(&old[at], random)?;
    let cast = if matches!(old[at], Value::Text(_)) { "CAST(?1 AS TEXT)" } else { "?1" };
    let wheres: Vec<String> = keys.iter().enumerate().map(|(at, key)| format!("{key} = ?{}", at + 2)).collect();
    let sql = format!("UPDATE {table} SET {} = {cast} WHERE {}", columns[at], wheres.join(" AND "));
    let changed = db.execute(&sql, params_from_iter([&new].into_iter().chain(&old[..keys.len()])));
    matches!(changed, Ok(1)).then(|| format!("{table}.{} of {:?}: {:?} became {new:?}", columns[at], &old[..keys.len()], old[at]))
}

/// Does damage in a savepoint, checks, and takes it back. The report where something was done.
fn damaged(fixture: &Fixture, damage: impl FnOnce(&Connection) -> Option<String>) -> Option<(String, CheckReport)> {
    fixture.db.execute_batch("SAVEPOINT damage").unwrap();
    let done = damage(&fixture.db).map(|what| (what, checked(fixture)));
    fixture.db.execute_batch("ROLLBACK TO damage; RELEASE damage").unwrap();
    done
}

fn no_flip_goes_undetected(fixture: &Fixture, times: u32) {
    let (seed, mut random) = random();
    let mut done = 0;
    while done < times {
        let Some((what, report)) = damaged(fixture, |db| flip_cell(db, &mut random)) else { continue };
        assert!(!report.is_well(), "seed {seed}: undetected: {what}");
        done += 1;
    }
    assert!(checked(fixture).is_well());
}

#[test]
fn no_flipped_bit_goes_undetected() {
    no_flip_goes_undetected(&Fixture::new(24), 2_500);
}

#[test]
fn no_flipped_bit_of_a_log_with_tiles_goes_undetected() {
    no_flip_goes_undetected(&Fixture::new(260), 250);
}

/// A flipped bit of a record's own bytes is found at the record itself.
#[test]
fn a_flipped_bit_is_found_where_it_is() {
    let fixture = Fixture::new(24);
    let (seed, mut random) = random();
    for _ in 0..500 {
        let seq = random.random_range(0..24_i64);
        let column = ["header", "sealed"][random.random_range(0..2)];
        let damage = |db: &Connection| {
            let sql = format!("SELECT {column} FROM records JOIN entries USING (record_no) WHERE merchant_no = 1 AND seq = ?1");
            let old: Value = db.query_row(&sql, [seq], |row| row.get(0)).unwrap();
            let sql = format!(
                "UPDATE records SET {column} = ?2 WHERE record_no = (SELECT record_no FROM entries WHERE merchant_no = 1 AND seq = ?1)"
            );
            assert_eq!(db.execute(&sql, (seq, flipped(&old, &mut random).unwrap())).unwrap(), 1);
            Some(format!("{column} of record {seq}"))
        };
        let (what, report) = damaged(&fixture, damage).unwrap();
        let named =
            report.findings.iter().any(|found| found.merchant.as_deref() == Some("m-1") && found.place == Place::Record(seq as u64));
        assert!(named, "seed {seed}: {what}: {:#?}", report.findings);
    }
}

/// Records deleted, doubled and exchanged with everything that belongs to them, by somebody who knows the tables.
#[test]
fn no_record_is_deleted_doubled_or_exchanged_unnoticed() {
    let fixture = Fixture::new(24);
    let (seed, mut random) = random();
    for round in 0..900 {
        let (a, b) = (random.random_range(0..24_i64), random.random_range(0..24_i64));
        let damage = |db: &Connection| {
            let record = |seq: i64| format!("(SELECT record_no FROM entries WHERE merchant_no = 1 AND seq = {seq})");
            let sql = match round % 6 {
                // Deleted with its bytes and its place in the event index.
                0 => format!(
                    "DELETE FROM records WHERE record_no = {}; DELETE FROM entries WHERE merchant_no = 1 AND seq = {a};
                     DELETE FROM events WHERE merchant_no = 1 AND first_seq = {a}",
                    record(a)
                ),
                // Deleted, and those behind it moved up.
                1 => format!(
                    "DELETE FROM records WHERE record_no = {}; DELETE FROM entries WHERE merchant_no = 1 AND seq = {a};
                     DELETE FROM events WHERE merchant_no = 1 AND first_seq = {a};
                     UPDATE entries SET seq = -seq WHERE merchant_no = 1 AND seq > {a};
                     UPDATE entries SET seq = -seq - 1 WHERE merchant_no = 1 AND seq < 0;
                     UPDATE events SET first_seq = first_seq - 1 WHERE merchant_no = 1 AND first_seq > {a}; UPDATE logs SET size = size - 1",
                    record(a)
                ),
                // The last ones deleted, and the stored size with them.
                2 => format!(
                    "DELETE FROM records WHERE record_no IN (SELECT record_no FROM entries WHERE merchant_no = 1 AND seq >= {a});
                     DELETE FROM entries WHERE merchant_no = 1 AND seq >= {a};
                     DELETE FROM events WHERE merchant_no = 1 AND first_seq >= {a}; UPDATE logs SET size = {a} WHERE merchant_no = 1;
                     DELETE FROM checkpoints WHERE merchant_no = 1 AND size > {a}; DELETE FROM cosignatures WHERE merchant_no = 1 AND size > {a}"
                ),
                // Doubled at the end.
                3 => format!(
                    "INSERT INTO records (header, sealed) SELECT header, sealed FROM records WHERE record_no = {};
                     INSERT INTO entries SELECT merchant_no, 24, last_insert_rowid(), entry, NULL, kind, outcome, policy, version, event_type,
                       ticket, customer, order_id, event_at_ms, received_at_ms, leaf FROM entries WHERE merchant_no = 1 AND seq = {a};
                     UPDATE logs SET size = 25 WHERE merchant_no = 1",
                    record(a)
                ),
                // Exchanged: their bytes, or their places.
                4 if a != b => format!(
                    "CREATE TEMP TABLE two AS SELECT * FROM records WHERE record_no IN ({0}, {1});
                     UPDATE records SET header = (SELECT header FROM two WHERE record_no <> records.record_no),
                       sealed = (SELECT sealed FROM two WHERE record_no <> records.record_no) WHERE record_no IN ({0}, {1});
                     DROP TABLE two",
                    record(a),
                    record(b)
                ),
                5 if a != b => format!(
                    "UPDATE entries SET seq = -1 WHERE merchant_no = 1 AND seq = {a}; UPDATE entries SET seq = {a} WHERE merchant_no = 1 AND seq = {b};
                     UPDATE entries SET seq = {b} WHERE merchant_no = 1 AND seq = -1"
                ),
                _ => return None,
            };
            db.execute_batch(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
            Some(sql)
        };
        if let Some((what, report)) = damaged(&fixture, damage) {
            assert!(!report.is_well(), "seed {seed}: undetected: {what}");
        }
    }
}

/// Everything that the checked tables say.
fn contents(path: &Path) -> rusqlite::Result<Vec<String>> {
    let db = Connection::open(path)?;
    let mut contents = Vec::new();
    for (table, keys, others) in TABLES {
        let columns: Vec<&str> = keys.iter().chain(others).copied().collect();
        let mut query = db.prepare(&format!("SELECT {} FROM {table} ORDER BY {}", columns.join(", "), keys.join(", ")))?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let cells = (0..columns.len())
                .map(|at| row.get_ref(at).map(|cell: ValueRef<'_>| format!("{cell:?}")))
                .collect::<Result<Vec<_>, _>>()?;
            contents.push(format!("{table} {}", cells.join(" ")));
        }
    }
    Ok(contents)
}

/// One bit of the database's file: what the tables say is the same as before, or the check says that it is not.
#[test]
fn no_flipped_bit_of_the_file_changes_a_table_unnoticed() {
    let fixture = Fixture::new(24);
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.db");
    fixture.db.execute("VACUUM INTO ?1", [whole.to_str().unwrap()]).unwrap();
    let bytes = std::fs::read(&whole).unwrap();
    let good = contents(&whole).unwrap();
    let (seed, mut random) = random();
    let (mut found, mut harmless) = (0, 0);
    for _ in 0..600 {
        let mut damaged = bytes.clone();
        let bit = random.random_range(0..bytes.len() * 8);
        damaged[bit / 8] ^= 1 << (bit % 8);
        let path = folder.path().join("damaged.db");
        std::fs::write(&path, &damaged).unwrap();
        let published = |merchant: &ombud_core::ids::MerchantId| {
            fixture.published.get(merchant).cloned().map(|note| crate::Publication { note, before: true })
        };
        let asked = Checked { merchant: None, keys: Some(&fixture.keys), published: &published, progress: &|_| () };
        let is_well = Connection::open(&path).is_ok_and(|db| check(&db, &asked).is_well());
        if is_well {
            assert_eq!(contents(&path).ok().as_ref(), Some(&good), "seed {seed}: undetected: bit {bit} of the file");
            harmless += 1;
        } else {
            found += 1;
        }
    }
    assert!(found > 30, "{found} found, {harmless} harmless");
}

/// A table without rows is read by nobody: its definition is checked by itself.
#[test]
fn a_changed_definition_is_found_though_nothing_reads_it() {
    let fixture = Fixture::new(24);
    let changes = [
        ("ALTER TABLE tiles RENAME COLUMN hash TO hasj", "the schema lacks column `hash` of `tiles`"),
        ("DROP INDEX entries_by_ticket", "of index `entries_by_ticket`"),
        ("DROP TABLE cosignatures", "the schema lacks table `cosignatures`"),
        ("CREATE TABLE more (a TEXT)", "the schema has table `more`"),
    ];
    for (sql, expected) in changes {
        let damage = |db: &Connection| db.execute_batch(sql).ok().map(|()| sql.to_owned());
        let (what, report) = damaged(&fixture, damage).unwrap();
        assert!(report.findings.iter().any(|found| found.problem.contains(expected)), "{what}: {:#?}", report.findings);
    }
}

/// The database as it was before, whole and consistent in itself: only what was published tells.
#[test]
fn a_database_that_was_set_back_is_told_by_what_was_published() {
    let (before, after) = (Fixture::new(20), Fixture::new(24));
    let published = |merchant: &ombud_core::ids::MerchantId| {
        after.published.get(merchant).cloned().map(|note| crate::Publication { note, before: true })
    };
    let report = check(&before.db, &Checked { merchant: None, keys: Some(&after.keys), published: &published, progress: &|_| () });
    assert!(
        report.findings.iter().any(|found| found.place == Place::Published && found.problem.contains("set back")),
        "{:#?}",
        report.findings
    );
}
