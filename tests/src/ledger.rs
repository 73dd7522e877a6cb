//! The ledger as an auditor sees it: the database, opened beside the running server.

use std::path::Path;

use ombud::service::MasterKeyFrom;
use ombud::service::ledger::check::check;
use ombud_core::ids::MerchantId;
use ombud_ledger::Header;
use rusqlite::{Connection, OpenFlags};

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place.
    pub seq: u64,
    /// `decision`, `event` or `act`.
    pub entry: String,
    /// The event's type or the act's name.
    pub event_type: String,
    /// The leaf hash, hex.
    pub leaf: String,
}

/// A merchant's records in their order.
pub fn read(data: &Path, merchant: &str) -> Vec<Entry> {
    let query =
        "SELECT seq, entry, event_type, leaf FROM ledger WHERE merchant = ?1 AND header_bytes > 0 AND sealed_bytes > 0 ORDER BY seq";
    let database = open(data);
    let mut statement = database.prepare(query).expect("the view `ledger`");
    let entries = statement.query_map([merchant], |row| {
        Ok(Entry { seq: row.get::<_, i64>(0)?.cast_unsigned(), entry: row.get(1)?, event_type: row.get(2)?, leaf: row.get(3)? })
    });
    entries.expect("the records").map(|entry| entry.expect("a record")).collect()
}

/// The header of a record.
pub fn header(data: &Path, merchant: &str, seq: u64) -> Header {
    let query = "SELECT header FROM entries JOIN merchants USING (merchant_no) JOIN records USING (record_no) WHERE id = ?1 AND seq = ?2";
    let bytes: Vec<u8> = open(data).query_row(query, (merchant, seq.cast_signed()), |row| row.get(0)).expect("a record");
    Header::decode(&bytes).expect("a header")
}

/// One number of the database.
pub fn count(data: &Path, query: &str) -> i64 {
    open(data).query_row(query, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{query}: {error}"))
}

/// Changes the database beside the server, as another version or another hand would have left it.
pub fn change(data: &Path, statement: &str) {
    let database = Connection::open(data.join("ombud.db")).expect("the database");
    database.busy_timeout(std::time::Duration::from_secs(10)).expect("a timeout");
    assert_eq!(database.execute(statement, []).expect("a statement"), 1, "{statement}");
}

/// Asserts that a merchant's records follow each other without a gap, and returns them.
#[track_caller]
pub fn gap_free(data: &Path, merchant: &str) -> Vec<Entry> {
    let entries = read(data, merchant);
    for (at, entry) in entries.iter().enumerate() {
        assert_eq!(entry.seq, at as u64, "a gap in the ledger of {merchant}");
    }
    entries
}

fn open(data: &Path) -> Connection {
    let path = data.join("ombud.db");
    let database =
        Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    database.busy_timeout(std::time::Duration::from_secs(10)).expect("a timeout");
    database
}

/// What `ombud audit check` finds in a merchant's log and in what stands beside it.
pub fn findings(data: &Path, merchant: &str) -> Vec<String> {
    let merchant = MerchantId::new(merchant).expect("an id");
    let checks = check(data, &MasterKeyFrom::Directory, Some(&merchant), true, &|_| ()).expect("it can be checked");
    let report = checks.report;
    assert_eq!((checks.derived, checks.not_derived), if report.is_well() { (1, 0) } else { (checks.derived, checks.not_derived) });
    report.findings.iter().map(ToString::to_string).collect()
}
