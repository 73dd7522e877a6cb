//! What was written beside the records for later cases (payments, counters, cases, measures), against the same computed again
//! from the records.
//!
//! What an erased customer's records say cannot be computed again. Of such rows remains: that their record is there and was
//! erased, that the amounts are those of its header, and that payments and counters of an order agree.

mod differ;
mod erased;

use std::path::{Path, PathBuf};

use ombud_core::ids::MerchantId;
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

/// Records that were erased, for the comparison. It stands in the scratch database only.
const ERASED: &str = "CREATE TABLE erased (
    merchant_no INTEGER NOT NULL, seq INTEGER NOT NULL, entry TEXT NOT NULL, order_id TEXT, closes INTEGER NOT NULL,
    refund_min INTEGER NOT NULL, refund_max INTEGER NOT NULL, goodwill INTEGER NOT NULL, PRIMARY KEY (merchant_no, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX erased_by_order ON erased (order_id, merchant_no) WHERE order_id IS NOT NULL;";

/// A store of its own for what is computed again.
pub struct Scratch {
    writer: SqliteWriter,
    _store: SqliteStore,
    path: PathBuf,
}

/// What the header of an erased record says that its rows must keep to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gone {
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
        db.execute_batch(ERASED).map_err(failed)?;
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
        let sql = "INSERT INTO erased (merchant_no, seq, entry, order_id, closes, refund_min, refund_max, goodwill)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let Gone { closes, refund: (least, most), goodwill } = gone;
        let row = params![merchant, signed(listed.seq), listed.entry.as_str(), listed.order, closes, least, most, goodwill];
        self.writer.run("note an erased record", sql, row).map(|_| ())
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
    /// are there, on one snapshot. `rebuild` answers none where it could not read every record.
    ///
    /// # Errors
    /// What `rebuild` answers; the stores cannot be read.
    pub fn derived<E: From<StoreError>>(
        &self,
        row: &MerchantRow,
        scratch: &mut Scratch,
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
                Some(rebuilt) => Ok(Some(compare(db, row, rebuilt).map_err(failed)?)),
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

fn compare(db: &Connection, row: &MerchantRow, rebuilt: Rebuilt) -> rusqlite::Result<Vec<Finding>> {
    let number =
        |of: &str| db.query_row(&format!("SELECT merchant_no FROM {of}.merchants WHERE id = ?1"), [row.id.as_str()], |row| row.get(0));
    let both = differ::Both { db, merchant: row.id.as_str(), own: number("main")?, again: number("again")?, rebuilt };
    let mut findings = both.rows()?;
    findings.extend(both.day_totals()?);
    findings.extend(both.erased_amounts()?);
    Ok(findings)
}
