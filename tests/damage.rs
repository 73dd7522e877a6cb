//! Damage to a data directory, at random and by hand, and what `ombud audit check` says of it. Whatever changes what the tables
//! and files say is found; nothing that is whole is accused.

mod acts;
mod checkpoints;
mod derived;
mod erased;
mod moved;
mod pages;
mod tables;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use ombud::signature::SecretKey;
use ombud_ledger::log::VerifierKeys;
use ombud_tests::client::agent;
use ombud_tests::command::{copy_folder, demo_data, on};
use ombud_tests::events::event;
use ombud_tests::process::{Process, command, demo_keys};
use ombud_tests::random::Random;
use ombud_tests::server::wait_for;
use ombud_tests::witness::Witness;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use self::tables::{TABLES, contents, restore};

/// A merchant of the demonstration.
const MERCHANT: &str = "m-fresh";

/// A data directory with everything in it: the demonstration, checkpoints, cosignatures, and in one log a full tile if asked for.
struct Store {
    _folder: TempDir,
    data: PathBuf,
    db: Connection,
    /// Records that were erased, of [`ERASED_OF`].
    erased: Vec<i64>,
}

/// Customers who are erased, one with a payment, and whose merchant's they are.
const ERASED: [&str; 2] = ["c_3001", "c_3003"];
const ERASED_OF: &str = "m-electronics";

/// What only the bodies of a record say: nobody can tell whether it was changed once these are erased.
const UNSAID: [(&str, &[&str]); 5] = [
    ("entries", &["ticket", "order_id"]),
    ("events", &["body"]),
    ("intents", &["key"]),
    ("delay_grants", &["episode_id", "form"]),
    (
        "after_sale_cases",
        &[
            "after_sale_id",
            "state",
            "resolution",
            "attempts",
            "lines",
            "freight_refunded",
            "approved",
            "compensation",
            "reason",
            "policy",
            "version",
            "opened_at_ms",
        ],
    ),
];

impl Store {
    fn new(tiles: bool) -> Self {
        static SEEDS: [OnceLock<TempDir>; 2] = [OnceLock::new(), OnceLock::new()];
        Self::copy(SEEDS[usize::from(tiles)].get_or_init(|| seed(if tiles { 260 } else { 1 }, &[])))
    }

    /// One in which customers were erased.
    fn with_erased() -> Self {
        static SEED: OnceLock<TempDir> = OnceLock::new();
        Self::copy(SEED.get_or_init(|| seed(1, &ERASED)))
    }

    fn copy(seed: &TempDir) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(seed.path(), folder.path());
        let data = folder.path().join("data");
        let db = Connection::open(data.join("ombud.db")).unwrap();
        db.busy_timeout(Duration::from_secs(10)).unwrap();
        db.pragma_update(None, "synchronous", "OFF").unwrap();
        let erased = std::fs::read_to_string(folder.path().join("erased")).unwrap_or_default();
        let erased = erased.lines().map(|seq| seq.parse().unwrap()).collect();
        Self { _folder: folder, data, db, erased }
    }

    /// Whether nothing on record says what a cell has: the record that wrote it was erased, and said it alone.
    fn is_unsaid(&self, table: &str, column: &str, columns: &[&str], row: &[Value]) -> bool {
        let cell = |name: &str| columns.iter().position(|own| *own == name).map(|at| &row[at]);
        let number = |name: &str| if let Some(Value::Integer(number)) = cell(name) { *number } else { -1 };
        let of = ["seq", "last_seq", "first_seq"].map(number);
        // Who was erased several times is marked since the first time, which retention may have been.
        if (table, column) == ("subject_keys", "created_at_ms") {
            return matches!(cell("subject"), Some(Value::Text(subject)) if subject.starts_with("erased:"));
        }
        let sql = "SELECT 1 FROM merchants WHERE id = ?1 AND merchant_no = ?2";
        let is_erased = self.erased.iter().any(|seq| of.contains(seq))
            && self.db.prepare(sql).unwrap().exists((ERASED_OF, number("merchant_no"))).unwrap();
        is_erased && UNSAID.iter().any(|(own, columns)| *own == table && columns.contains(&column))
    }

    /// What is found, or nothing where all is well.
    fn findings(&self) -> Vec<String> {
        let ran = on(&self.data, &["audit", "check", "--json"]);
        if ran.code == 2 {
            // It cannot even be opened.
            return vec![ran.err];
        }
        let report = ran.json();
        let findings = report["findings"].as_array().unwrap().iter();
        let findings: Vec<String> =
            findings.map(|one| format!("{}: {}: {}", text(&one["merchant"]), text(&one["place"]), text(&one["problem"]))).collect();
        assert_eq!((ran.code, &report["well"]), (i32::from(!findings.is_empty()), &findings.is_empty().into()), "{report}");
        findings
    }

    /// One random row of a table.
    fn row(&self, table: &str, columns: &[&str], random: &mut Random) -> Option<Vec<Value>> {
        let count: i64 = self.db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        let at = (count > 0).then(|| random.below(usize::try_from(count).unwrap()))?;
        let sql = format!("SELECT {} FROM {table} LIMIT 1 OFFSET {at}", columns.join(", "));
        Some(self.db.query_row(&sql, [], |row| (0..columns.len()).map(|at| row.get(at)).collect()).unwrap())
    }

    /// Changes one bit of one cell; what was done, or none where the database itself refuses it (two rows with one key).
    fn flip(&self, random: &mut Random) -> Option<Flip> {
        let (table, keys, others) = TABLES[random.below(TABLES.len())];
        let columns: Vec<&'static str> = keys.iter().chain(others).copied().collect();
        let before = self.row(table, &columns, random)?;
        let at = random.below(columns.len());
        if self.is_unsaid(table, columns[at], &columns, &before) {
            return None;
        }
        let mut after = before.clone();
        after[at] = flipped(&before[at], random)?;
        let flip = Flip { table, keys, column: columns[at], at, before, after };
        self.set(&flip, &flip.before, &flip.after).then_some(flip)
    }

    /// Puts one cell in the place of another; whether it was.
    fn set(&self, flip: &Flip, from: &[Value], to: &[Value]) -> bool {
        // Bytes that are no UTF-8 reach a text column through a cast, and are found by one.
        let is_text = matches!(flip.before[flip.at], Value::Text(_));
        let cast = if is_text { "CAST(?1 AS TEXT)" } else { "?1" };
        let wheres: Vec<String> =
            (flip.keys.iter().enumerate()).map(|(at, key)| format!("CAST({key} AS BLOB) IS CAST(?{} AS BLOB)", at + 2)).collect();
        let sql = format!("UPDATE {} SET {} = {cast} WHERE {}", flip.table, flip.column, wheres.join(" AND "));
        matches!(self.db.execute(&sql, params_from_iter([&to[flip.at]].into_iter().chain(&from[..flip.keys.len()]))), Ok(1))
    }
}

/// One bit of one cell.
#[derive(Debug)]
struct Flip {
    table: &'static str,
    keys: &'static [&'static str],
    column: &'static str,
    /// Which of keys and columns it is.
    at: usize,
    /// The row before, as far as it is looked at.
    before: Vec<Value>,
    /// The row after.
    after: Vec<Value>,
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_default()
}

/// The value with one bit changed; none where it has none.
fn flipped(value: &Value, random: &mut Random) -> Option<Value> {
    Some(match value {
        Value::Null | Value::Real(_) => return None,
        Value::Integer(number) => Value::Integer(number ^ 1 << random.below(64)),
        Value::Text(text) if text.is_empty() => return None,
        Value::Blob(bytes) if bytes.is_empty() => return None,
        Value::Text(text) => {
            let mut bytes = text.clone().into_bytes();
            random.flip(&mut bytes);
            Value::Blob(bytes)
        }
        Value::Blob(bytes) => {
            let mut bytes = bytes.clone();
            random.flip(&mut bytes);
            Value::Blob(bytes)
        }
    })
}

/// The demonstration, then events under a witness's eyes, and customers erased.
fn seed(events: usize, erased: &[&str]) -> TempDir {
    let folder = demo_data();
    let data = folder.path().join("data");
    let witness = Witness::start();
    let mut serve = command(&data);
    serve.args(["--witness", &witness.argument()]);
    let process = Process::start(serve);
    witness.trust(&std::fs::read_to_string(data.join("ledger.vkey")).unwrap().parse::<VerifierKeys>().unwrap());
    let keys = demo_keys(&data);
    let key_of = |role: &str| keys["merchants"][MERCHANT][role].as_str().unwrap();
    let (key, signing) = (key_of("agent"), SecretKey::draw().unwrap());
    for (role, path, body) in [
        ("merchant-admin", "signing-keys", json!({"public_key": signing.public().file(), "label": "dev"})),
        ("compliance", "holds", json!({"customer": "c_2001", "reason": "court"})),
    ] {
        let call = process.call(&agent(), "POST", &format!("/v1/merchants/{MERCHANT}/{path}")).key(key_of(role));
        assert_eq!(call.json(&body).send().status, 201);
    }
    for batch in (0..events).collect::<Vec<_>>().chunks(100) {
        let events: Vec<Json> = batch.iter().map(|number| event("ticket.created", &format!("e-{number}"))).collect();
        let call = process.call(&agent(), "POST", &format!("/v1/merchants/{MERCHANT}/events:batch")).key(key);
        let call = call.header("content-type", "application/cloudevents-batch+json").body(Json::from(events).to_string());
        assert_eq!(call.send().status, 200);
    }
    let mut records = Vec::new();
    for customer in erased {
        let db = Connection::open(data.join("ombud.db")).unwrap();
        let sql = "SELECT seq || char(10) FROM entries JOIN merchants USING (merchant_no) WHERE id = ?1 AND customer = ?2";
        let mut query = db.prepare(sql).unwrap();
        records.extend(query.query_map([ERASED_OF, customer], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap));
        let key = keys["merchants"][ERASED_OF]["merchant-admin"].as_str().unwrap();
        let call = process.call(&agent(), "POST", &format!("/v1/merchants/{ERASED_OF}/erasures")).key(key);
        assert_eq!(call.json(&json!({"customer": customer, "reason": "asked"})).send().status, 201);
    }
    std::fs::write(folder.path().join("erased"), records.concat()).unwrap();
    let count = |table: &str| ombud_tests::ledger::count(&data, &format!("SELECT count(*) FROM {table}"));
    wait_for(|| count("checkpoints") >= 4 && count("cosignatures") >= 4);
    process.terminate();
    assert!(process.ended(Duration::from_secs(30)).success());
    assert_eq!(count("tiles") > 0, events >= 256);
    folder
}

fn no_flip_goes_undetected(store: &Store, times: u32) {
    let mut random = Random::new();
    let mut done = 0;
    assert_eq!(store.findings(), [""; 0], "a directory that is whole is not accused");
    while done < times {
        let seed = random.0;
        let Some(flip) = store.flip(&mut random) else { continue };
        assert!(!store.findings().is_empty(), "seed {seed}: undetected: {flip:?}");
        assert!(store.set(&flip, &flip.after, &flip.before), "{flip:?}");
        done += 1;
    }
    assert_eq!(store.findings(), [""; 0], "every flip was taken back");
}

#[test]
fn no_flipped_bit_of_a_cell_goes_undetected() {
    no_flip_goes_undetected(&Store::new(false), 400);
}

#[test]
fn no_flipped_bit_of_a_cell_beside_full_tiles_goes_undetected() {
    no_flip_goes_undetected(&Store::new(true), 40);
}

/// One customer's erasure leaves everybody else's rows as checkable as they were.
#[test]
fn no_flipped_bit_of_a_cell_after_an_erasure_goes_undetected() {
    no_flip_goes_undetected(&Store::with_erased(), 250);
}

/// Records deleted, exchanged and doubled with everything that belongs to them, by somebody who knows the tables.
#[test]
fn records_deleted_exchanged_or_doubled_are_found() {
    let store = Store::new(false);
    let mut random = Random::new();
    let of = "merchant_no = (SELECT merchant_no FROM merchants WHERE id = 'm-fresh')";
    let size: i64 = store.db.query_row(&format!("SELECT count(*) FROM entries WHERE {of}"), [], |row| row.get(0)).unwrap();
    store.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let database = store.data.join("ombud.db");
    let good = std::fs::read(&database).unwrap();
    for round in 0..30 {
        let seed = random.0;
        let (a, b) = (random.below(size as usize), random.below(size as usize));
        let record = |seq: usize| format!("(SELECT record_no FROM entries WHERE {of} AND seq = {seq})");
        let delete = format!(
            "DELETE FROM records WHERE record_no = {}; DELETE FROM entries WHERE {of} AND seq = {a}; DELETE FROM events WHERE {of} AND first_seq = {a};",
            record(a)
        );
        let (damage, at) = match round % 5 {
            // Where the last one is gone, the tree says that the last ones are missing.
            0 => (delete, (a + 1 < size as usize).then_some(a)),
            // And those behind it moved up.
            1 => (
                format!(
                    "{delete} UPDATE entries SET seq = -seq WHERE {of} AND seq > {a}; UPDATE entries SET seq = -seq - 1 WHERE {of} AND seq < 0;
                     UPDATE events SET first_seq = first_seq - 1 WHERE {of} AND first_seq > {a}; UPDATE logs SET size = size - 1 WHERE {of}"
                ),
                None,
            ),
            // The last ones, with everything that was signed of them in the database.
            2 => (
                format!(
                    "DELETE FROM records WHERE record_no IN (SELECT record_no FROM entries WHERE {of} AND seq >= {a});
                     DELETE FROM entries WHERE {of} AND seq >= {a}; DELETE FROM events WHERE {of} AND first_seq >= {a};
                     UPDATE logs SET size = {a} WHERE {of}; DELETE FROM checkpoints WHERE {of} AND size > {a}; DELETE FROM cosignatures WHERE {of} AND size > {a}"
                ),
                None,
            ),
            3 => (
                format!(
                    "INSERT INTO records (header, sealed) SELECT header, sealed FROM records WHERE record_no = {};
                     INSERT INTO entries SELECT merchant_no, {size}, last_insert_rowid(), entry, NULL, kind, outcome, policy, version, event_type,
                       ticket, customer, order_id, event_at_ms, received_at_ms, leaf FROM entries WHERE {of} AND seq = {a};
                     UPDATE logs SET size = size + 1 WHERE {of}",
                    record(a)
                ),
                Some(usize::try_from(size).unwrap()),
            ),
            _ if a != b => (
                format!(
                    "UPDATE entries SET seq = -1 WHERE {of} AND seq = {a}; UPDATE entries SET seq = {a} WHERE {of} AND seq = {b};
                     UPDATE entries SET seq = {b} WHERE {of} AND seq = -1"
                ),
                Some(a),
            ),
            _ => continue,
        };
        store.db.execute_batch(&damage).unwrap_or_else(|error| panic!("{damage}: {error}"));
        let findings = store.findings();
        assert!(!findings.is_empty(), "seed {seed}: undetected: {damage}");
        if let Some(at) = at {
            assert!(
                findings.iter().any(|found| found.starts_with(&format!("m-fresh: record {at}: "))),
                "seed {seed}: {damage}: {findings:#?}"
            );
        }
        store.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        restore(&store.db, &good, &store.data);
    }
    assert_eq!(store.findings(), [""; 0]);
}

/// One bit of the database's file: what the tables say is the same as before, or the check says that it is not.
#[test]
fn no_flipped_bit_of_the_file_changes_a_table_unnoticed() {
    let store = Store::new(false);
    let whole = store.data.join("whole.db");
    store.db.execute("VACUUM INTO ?1", [whole.to_str().unwrap()]).unwrap();
    let (bytes, good) = (std::fs::read(&whole).unwrap(), contents(&whole).unwrap());
    std::fs::remove_file(&whole).unwrap();
    let Store { _folder, data, db, erased } = store;
    db.close().unwrap();
    let store = Store { _folder, db: Connection::open_in_memory().unwrap(), data, erased };
    let database = store.data.join("ombud.db");
    let mut random = Random::new();
    let mut found = 0;
    for _ in 0..100 {
        let seed = random.0;
        let mut damaged = bytes.clone();
        random.flip(&mut damaged);
        for rest in ["ombud.db-wal", "ombud.db-shm"] {
            _ = std::fs::remove_file(store.data.join(rest));
        }
        std::fs::write(&database, &damaged).unwrap();
        if store.findings().is_empty() {
            assert_eq!(contents(&database).ok().as_ref(), Some(&good), "seed {seed}: undetected");
        } else {
            found += 1;
        }
    }
    assert!(found > 8, "{found} found");
}
