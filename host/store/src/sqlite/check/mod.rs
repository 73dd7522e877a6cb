//! The check of a whole store: every log recomputed from its records and compared with what is stored beside them. It reads
//! what it finds without trusting it: a damaged cell is a finding, and the check goes on.

mod blobs;
mod cells;
mod derived;
mod heads;
mod listing;
mod log;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use ombud_core::ids::MerchantId;
use ombud_ledger::Digest;
use rusqlite::Connection;

use self::cells::text;
pub use self::derived::{Gone, Rebuilt, Scratch};
use super::connection::SqliteReader;
use super::known::Known;
use super::{DATABASE, migrate};
use crate::StoreError;
use crate::check::{CheckReport, Checked, Place};
use crate::store::Reads;

/// A store opened for its check only: beside a running server too, and nothing in it is changed.
pub struct Inspection {
    reader: SqliteReader,
}

impl Inspection {
    /// Opens the database of a data directory for reading.
    ///
    /// # Errors
    /// There is none; its schema is another than this program's.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let reader = SqliteReader::open(&directory.join(DATABASE), Arc::new(Known::new()))?;
        migrate::must_be_newest(reader.connection())?;
        Ok(Self { reader })
    }

    /// Reads it as it is, on one snapshot.
    ///
    /// # Errors
    /// What `read` answers.
    pub fn read<T, E: From<StoreError>>(&self, read: impl FnOnce(&dyn Reads) -> Result<T, E>) -> Result<T, E> {
        self.reader.consistently(read)
    }

    /// The connection, for what is read as a whole.
    pub(super) fn connection(&self) -> &Connection {
        self.reader.connection()
    }

    /// Checks everything that is asked for, on one snapshot.
    pub fn check(&self, asked: &Checked<'_>) -> CheckReport {
        // Dropping the transaction ends it. Where none can begin, what is read says why.
        let _snapshot = self.reader.connection().unchecked_transaction().ok();
        check(self.reader.connection(), asked)
    }
}

/// What is known while a store is checked.
struct Check<'a> {
    db: &'a Connection,
    asked: &'a Checked<'a>,
    report: CheckReport,
    /// The numbers of the records' bytes that logs have.
    used: HashSet<i64>,
    /// The digests of components and settings that records name.
    named: HashSet<Digest>,
    /// The record that was written last of those that are signed, once that was asked for.
    signed_last: Option<Option<Written>>,
}

/// When and in which order a record was written.
#[derive(Clone, Copy, Debug)]
struct Written {
    record_no: i64,
    received_at_ms: i64,
}

/// Checks a database, within whatever transaction its connection is.
fn check(db: &Connection, asked: &Checked<'_>) -> CheckReport {
    let mut check = Check { db, asked, report: CheckReport::default(), used: HashSet::new(), named: HashSet::new(), signed_last: None };
    if let Err(error) = check.all() {
        check.report.found(None, Place::Database, format!("it cannot be read: {error}"));
    }
    check.report
}

impl Check<'_> {
    fn all(&mut self) -> rusqlite::Result<()> {
        if self.asked.merchant.is_none() {
            self.integrity()?;
            self.schema()?;
        }
        let merchants = self.merchants()?;
        for (number, id) in &merchants {
            if self.asked.merchant.is_some_and(|asked| asked.as_str() != id) {
                continue;
            }
            match MerchantId::new(id.as_str()) {
                Ok(merchant) => self.log_of(*number, &merchant),
                Err(error) => self.report.found(Some(id), Place::Database, format!("the merchant's id is damaged: {error}")),
            }
        }
        match self.asked.merchant {
            Some(asked) if !merchants.iter().any(|(_, id)| id == asked.as_str()) => {
                self.report.found(Some(asked.as_str()), Place::Database, "there is no such merchant");
            }
            Some(_) => {}
            None => {
                self.nothing_signed()?;
                self.strays()?;
                self.orphans()?;
            }
        }
        self.blobs()
    }

    /// The record of all logs that was written last of those that checkpoints sign.
    fn signed_last(&mut self) -> rusqlite::Result<Option<Written>> {
        let last = match self.signed_last {
            Some(last) => last,
            None => {
                let sql = "SELECT e.record_no, e.received_at_ms FROM checkpoints c
                    JOIN entries e ON e.merchant_no = c.merchant_no AND e.seq = c.size - 1 ORDER BY e.record_no DESC LIMIT 1";
                let mut query = self.db.prepare(sql)?;
                query.query_map([], heads::written)?.next().transpose()?.flatten()
            }
        };
        self.signed_last = Some(last);
        Ok(last)
    }

    /// Keys that sign are there, and nothing is signed.
    fn nothing_signed(&mut self) -> rusqlite::Result<()> {
        let span = "SELECT max(received_at_ms) - min(received_at_ms) FROM entries WHERE typeof(received_at_ms) = 'integer'";
        let span: Option<i64> = self.db.query_row(span, [], |row| row.get(0))?;
        let signed: i64 = self.db.query_row("SELECT count(*) FROM checkpoints", [], |row| row.get(0))?;
        if self.asked.keys.is_some() && signed == 0 && span.is_some_and(|span| span > heads::UNSIGNED_MS_MAX) {
            let problem = "there are keys that sign checkpoints, and no log has one: they were removed, or no server has run for a second since the \
                           keys were drawn. Hold the logs against checkpoints that are kept elsewhere";
            self.report.found(None, Place::Database, problem);
        }
        Ok(())
    }

    /// Checks one log; what breaks it off is a finding, and the others are checked nevertheless.
    fn log_of(&mut self, number: i64, merchant: &MerchantId) {
        self.report.logs += 1;
        if let Err(error) = self.log(number, merchant) {
            self.report.found(Some(merchant.as_str()), Place::Database, format!("the log cannot be read: {error}"));
        }
    }

    fn merchants(&self) -> rusqlite::Result<Vec<(i64, String)>> {
        let mut query = self.db.prepare("SELECT merchant_no, id FROM merchants ORDER BY id")?;
        query.query_map([], |row| Ok((row.get(0)?, text(row, 1)?.unwrap_or_default())))?.collect()
    }

    /// SQLite's own check of pages and indexes.
    fn integrity(&mut self) -> rusqlite::Result<()> {
        let mut query = self.db.prepare("PRAGMA integrity_check(20)")?;
        let lines = query.query_map([], |row| text(row, 0))?.collect::<rusqlite::Result<Vec<_>>>()?;
        for line in lines.into_iter().flatten().filter(|line| line != "ok") {
            self.report.found(None, Place::Database, line);
        }
        Ok(())
    }

    /// Rows of logs, and beside records, that no merchant has.
    fn strays(&mut self) -> rusqlite::Result<()> {
        let of_logs = ["entries", "events", "logs", "tiles", "checkpoints", "cosignatures", "day_totals"];
        let of_owners = ["subject_keys", "holds", "api_keys", "versions", "signing_keys", "rollouts", "shadow_results"];
        for table in of_logs.into_iter().chain(of_owners).chain(derived::tables()) {
            // An operator's key has no merchant.
            let sql = format!(
                "SELECT count(*) FROM {table} WHERE merchant_no IS NOT NULL AND merchant_no NOT IN (SELECT merchant_no FROM merchants)"
            );
            let strays: i64 = self.db.query_row(&sql, [], |row| row.get(0))?;
            if strays > 0 {
                self.report.found(None, Place::Database, format!("{strays} rows of `{table}` belong to no merchant"));
            }
        }
        Ok(())
    }

    /// Bytes of records that no log has.
    fn orphans(&mut self) -> rusqlite::Result<()> {
        let mut query = self.db.prepare("SELECT record_no FROM records")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            if !self.used.contains(&number) {
                self.report.found(None, Place::Orphan(number), "no log has them");
            }
        }
        Ok(())
    }
}
