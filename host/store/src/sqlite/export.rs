//! Rows for exports, as they are.

use std::ops::Range;

use ombud_core::ids::MerchantId;
use rusqlite::types::{FromSql, ValueRef};
use rusqlite::{Row, params};

use super::connection::Database;
use super::ledger::{signed, unsigned};
use crate::StoreError;
use crate::export::{ExportRow, ReadExport};

impl<T: Database> ReadExport for T {
    fn received_in(&self, merchant: &MerchantId, from_ms: Option<i64>, to_ms: Option<i64>) -> Result<Range<u64>, StoreError> {
        let Some(number) = self.merchant_no(merchant)? else { return Ok(0..0) };
        let size = self.entries_of(number)?;
        let bound = |doing, sql, at_ms| self.one(doing, sql, params![number, at_ms], |row| unsigned(row, 0));
        let first = match from_ms {
            None => 0,
            Some(at_ms) => {
                let sql = "SELECT seq FROM entries WHERE merchant_no = ?1 AND received_at_ms >= ?2 ORDER BY seq LIMIT 1";
                bound("look for the first record of a time", sql, at_ms)?.unwrap_or(size)
            }
        };
        let end = match to_ms {
            None => size,
            Some(at_ms) => {
                let sql = "SELECT seq FROM entries WHERE merchant_no = ?1 AND received_at_ms < ?2 ORDER BY seq DESC LIMIT 1";
                bound("look for the last record of a time", sql, at_ms)?.map_or(0, |seq| seq.saturating_add(1))
            }
        };
        // What is before the first one was received before the time, so that it cannot lie behind the end.
        Ok(first..end.max(first))
    }

    fn export_rows(&self, merchant: &MerchantId, seqs: Range<u64>, count: u32) -> Result<Vec<ExportRow>, StoreError> {
        let Some(number) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT seq, leaf, header, sealed, customer, ticket FROM entries LEFT JOIN records USING (record_no)
            WHERE merchant_no = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY seq LIMIT ?4";
        self.all("read records for an export", sql, params![number, signed(seqs.start), signed(seqs.end), count], |row| {
            Ok(ExportRow {
                seq: unsigned(row, 0)?,
                leaf: as_it_is(row, 1)?,
                header: as_it_is(row, 2)?,
                sealed: as_it_is(row, 3)?,
                customer: as_it_is(row, 4)?,
                ticket: as_it_is(row, 5)?,
            })
        })
    }
}

/// A value, or none where another type stands there.
fn as_it_is<V: FromSql>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<V>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => None,
        value => V::column_result(value).ok(),
    })
}
