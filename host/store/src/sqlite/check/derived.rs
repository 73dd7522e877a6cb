//! What was written beside the records for later cases (payments, counters, cases, measures), against the same computed again
//! from the records.
//!
//! What an erased customer's records say cannot be computed again. Of such rows remains: that their record is there, was erased and
//! is one that writes such rows, that they name nobody who was not erased, that the amounts are those of its header, and that
//! payments and counters of an order agree. Rows that readable records give are as these give them, but for what followed from
//! an erased record in between, and for what the erasure of that very customer took out of them.
//!
//! In reading order: rows compared, when a row may differ (its customer, the rest, cases, requests), what can be said of erased records, and when
//! keys were made.

mod cases;
mod differ;
mod erased;
mod excuse;
mod keys;
mod person;
mod requests;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use rusqlite::{Connection, params};

use super::super::connection::{Database as _, SqliteWriter};
use super::super::ledger::signed;
use super::super::{DATABASE, SqliteStore};
use super::Inspection;
use crate::StoreError;
use crate::admin::{MerchantRow, WriteAdmin as _};
use crate::check::Finding;
use crate::listing::ListedEntry;
use crate::store::{Group, Reads, Transactions as _};

/// Beside what is computed again: the records that were erased (`wrote`: a decision's kind, or `override` of an act on one), those
/// that close cases, customers of readable records that do not list them any more, the acts that erased, and when cases had more
/// approved than was paid. They stand in the scratch database only.
const BESIDE: &str = "CREATE TABLE erased (
    merchant_no INTEGER NOT NULL, seq INTEGER NOT NULL, entry TEXT NOT NULL, wrote TEXT, order_id TEXT, closes INTEGER NOT NULL,
    refund_min INTEGER NOT NULL, refund_max INTEGER NOT NULL, goodwill INTEGER NOT NULL, PRIMARY KEY (merchant_no, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX erased_by_order ON erased (order_id, merchant_no) WHERE order_id IS NOT NULL;
CREATE INDEX erased_by_what_it_wrote ON erased (merchant_no, wrote, seq);
CREATE INDEX erased_closing ON erased (merchant_no, seq) WHERE closes;
CREATE TABLE closing (merchant_no INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (merchant_no, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE unlisted (
    merchant_no INTEGER NOT NULL, order_id TEXT NOT NULL, customer TEXT NOT NULL, PRIMARY KEY (merchant_no, order_id, customer)
) STRICT, WITHOUT ROWID;
CREATE TABLE erasures (
    merchant_no INTEGER NOT NULL, mark TEXT NOT NULL, at_ms INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (merchant_no, mark, at_ms)
) STRICT, WITHOUT ROWID;
CREATE TABLE promised (
    merchant_no INTEGER NOT NULL, order_id TEXT NOT NULL, after_sale_id TEXT NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (merchant_no, order_id, after_sale_id, seq)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER promised_first AFTER INSERT ON after_sale_cases
WHEN NEW.approved > NEW.freight_refunded + (SELECT total(value ->> 'refunded') FROM json_each(NEW.lines))
BEGIN INSERT OR IGNORE INTO promised VALUES (NEW.merchant_no, NEW.order_id, NEW.after_sale_id, NEW.last_seq); END;
CREATE TRIGGER promised_later AFTER UPDATE ON after_sale_cases
WHEN NEW.approved > NEW.freight_refunded + (SELECT total(value ->> 'refunded') FROM json_each(NEW.lines))
BEGIN INSERT OR IGNORE INTO promised VALUES (NEW.merchant_no, NEW.order_id, NEW.after_sale_id, NEW.last_seq); END;";

/// What stands for the kind of an erased act on a decision.
const OVERRIDE: &str = "override";

/// A store of its own for what is computed again.
pub struct Scratch {
    writer: SqliteWriter,
    _store: SqliteStore,
    path: PathBuf,
}

/// What the header of an erased record says that its rows must keep to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gone {
    /// The kind of a decision.
    pub kind: Option<Kind>,
    /// It is a person's act on a decision.
    pub is_override: bool,
    /// The event is one that closes a case.
    pub closes: bool,
    /// What a decision counts in refunds, in fen: from, to.
    pub refund: (i64, i64),
    /// What it counts in goodwill, in fen.
    pub goodwill: i64,
}

/// What of a log could be computed again.
#[derive(Clone, Copy, Debug)]
pub struct Rebuilt {
    /// The merchant's time zone was changed at some time: a person's act may count in the day before or after.
    pub zone_changed: bool,
}

impl Scratch {
    /// Makes one in an empty folder, whose owner takes it away.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn new(folder: &Path) -> Result<Self, StoreError> {
        let (store, writer) = SqliteStore::open(folder)?;
        let failed = |error| StoreError::backend("make a scratch database", error);
        let db = &writer.db().connection;
        // Nobody needs it after a crash.
        db.pragma_update(None, "synchronous", "OFF").map_err(failed)?;
        db.execute_batch(BESIDE).map_err(failed)?;
        Ok(Self { writer, _store: store, path: folder.join(DATABASE) })
    }

    /// What the rows are written with.
    pub fn group(&mut self) -> &mut dyn Group {
        self.writer.group()
    }

    /// Lists a record, by which payments find their order and customer.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn list(&mut self, merchant: &MerchantId, listed: &ListedEntry) -> Result<(), StoreError> {
        let merchant = self.writer.known_merchant(merchant)?;
        let sql = "INSERT INTO entries (merchant_no, seq, record_no, entry, event_type, customer, order_id, received_at_ms, leaf)
            VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, x'')";
        let ListedEntry { seq, entry, event_type, customer, order, received_at_ms, .. } = listed;
        let row = params![merchant, signed(*seq), entry.as_str(), event_type, customer, order, received_at_ms];
        self.writer.run("list a record again", sql, row).map(|_| ())
    }

    /// Notes a record that was erased.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn erased(&mut self, merchant: &MerchantId, listed: &ListedEntry, gone: &Gone) -> Result<(), StoreError> {
        let merchant = self.writer.known_merchant(merchant)?;
        let sql = "INSERT INTO erased (merchant_no, seq, entry, wrote, order_id, closes, refund_min, refund_max, goodwill)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let Gone { kind, is_override, closes, refund: (least, most), goodwill } = gone;
        let wrote = kind.map(Kind::as_str).or(is_override.then_some(OVERRIDE));
        let row = params![merchant, signed(listed.seq), listed.entry.as_str(), wrote, listed.order, closes, least, most, goodwill];
        self.writer.run("note an erased record", sql, row).map(|_| ())
    }

    /// Notes a readable record that closes cases.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn closing(&mut self, merchant: &MerchantId, seq: u64) -> Result<(), StoreError> {
        let merchant = self.writer.known_merchant(merchant)?;
        let sql = "INSERT OR IGNORE INTO closing (merchant_no, seq) VALUES (?1, ?2)";
        self.writer.run("note a record that closes cases", sql, params![merchant, signed(seq)]).map(|_| ())
    }

    /// Notes the customer of a readable record that does not list its customer any more.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn unlisted(&mut self, merchant: &MerchantId, order: &str, customer: &str) -> Result<(), StoreError> {
        let merchant = self.writer.known_merchant(merchant)?;
        let sql = "INSERT OR IGNORE INTO unlisted (merchant_no, order_id, customer) VALUES (?1, ?2, ?3)";
        self.writer.run("note a customer who is not listed", sql, params![merchant, order, customer]).map(|_| ())
    }

    /// Notes an act that erased a customer.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn erasure(&mut self, merchant: &MerchantId, mark: &str, at_ms: i64, seq: u64) -> Result<(), StoreError> {
        let merchant = self.writer.known_merchant(merchant)?;
        let sql = "INSERT OR REPLACE INTO erasures (merchant_no, mark, at_ms, seq) VALUES (?1, ?2, ?3, ?4)";
        self.writer.run("note an erasure", sql, params![merchant, mark, at_ms, signed(seq)]).map(|_| ())
    }

    /// Whether a record of the order was erased.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn has_erased(&self, merchant: &MerchantId, order: Option<&str>) -> Result<bool, StoreError> {
        let merchant = self.writer.known_merchant(merchant)?;
        let sql = "SELECT 1 FROM erased WHERE merchant_no = ?1 AND order_id = ?2 LIMIT 1";
        Ok(self.writer.one("look for erased records of an order", sql, params![merchant, order], |_| Ok(()))?.is_some())
    }

    /// Keeps what was written so far, so that no transaction grows without bound.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn turn(&mut self) -> Result<(), StoreError> {
        self.writer.commit()?;
        self.writer.begin()
    }
}

impl Inspection {
    /// Lets `rebuild` read a merchant's records and write their rows again into `scratch`, and compares these with the ones that
    /// are there, on one snapshot. `rebuild` answers none where it could not read every record; `mark` is what stands for a customer
    /// once erased, where the merchant's key is there.
    ///
    /// # Errors
    /// What `rebuild` answers; the stores cannot be read.
    pub fn derived<E: From<StoreError>>(
        &self,
        row: &MerchantRow,
        scratch: &mut Scratch,
        mark: &dyn Fn(&str) -> Option<String>,
        rebuild: impl FnOnce(&dyn Reads, &mut Scratch) -> Result<Option<Rebuilt>, E>,
    ) -> Result<Option<Vec<Finding>>, E> {
        let failed = |error| StoreError::backend("compare the rows beside the records", error);
        let db = self.connection();
        let path = scratch.path.to_str().ok_or_else(|| failed(rusqlite::Error::InvalidPath(scratch.path.clone())))?;
        db.execute("ATTACH ?1 AS again", [path]).map_err(failed)?;
        let compared = self.read(|reads| {
            // The snapshot begins with the first query.
            reads.log_size(&row.id)?;
            scratch.writer.begin()?;
            scratch.writer.put_merchant(row)?;
            let rebuilt = rebuild(reads, scratch);
            match &rebuilt {
                Ok(_) => scratch.writer.commit()?,
                Err(_) => scratch.writer.rollback(),
            }
            match rebuilt? {
                None => Ok(None),
                Some(rebuilt) => Ok(Some(compare(db, row, rebuilt, mark).map_err(failed)?)),
            }
        });
        db.execute_batch("DETACH again").map_err(failed)?;
        compared
    }
}

/// The tables beside the records.
pub(super) fn tables() -> impl Iterator<Item = &'static str> {
    differ::TABLES.iter().map(|table| table.name)
}

fn compare(db: &Connection, row: &MerchantRow, rebuilt: Rebuilt, mark: &dyn Fn(&str) -> Option<String>) -> rusqlite::Result<Vec<Finding>> {
    let number =
        |of: &str| db.query_row(&format!("SELECT merchant_no FROM {of}.merchants WHERE id = ?1"), [row.id.as_str()], |row| row.get(0));
    let both = differ::Both { db, merchant: row.id.as_str(), own: number("main")?, again: number("again")?, rebuilt, mark };
    let mut findings = both.rows()?;
    findings.extend(both.day_totals()?);
    findings.extend(both.erased_amounts()?);
    findings.extend(both.key_times()?);
    Ok(findings)
}
