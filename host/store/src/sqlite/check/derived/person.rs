//! Customers who were erased and records that were: whom a row may name no more, and whom it must.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, params};

use super::OVERRIDE;
use super::differ::Both;
use crate::privacy::MARK;

/// A customer who was erased; later records may name them again.
pub(super) struct Departed {
    /// What stands for them.
    pub(super) mark: String,
    /// When they were erased last, epoch milliseconds.
    at_ms: i64,
    /// The act that did; none where retention did, whose acts name nobody.
    seq: Option<i64>,
}

/// What is known of a record that was erased.
pub(super) struct Erased {
    pub(super) entry: String,
    /// A decision's kind, or [`OVERRIDE`].
    pub(super) wrote: Option<String>,
    /// As it is listed.
    order: Value,
    pub(super) closes: bool,
}

impl Erased {
    /// Whether it is a decision of a kind.
    pub(super) fn decides(&self, kind: &str) -> bool {
        self.wrote.as_deref() == Some(kind)
    }

    /// Whether it may have paid something.
    pub(super) fn may_pay(&self) -> bool {
        ["after-sale", "delay", OVERRIDE].into_iter().any(|kind| self.decides(kind))
    }

    /// Whether it may have written a case of an order.
    pub(super) fn may_write_case(&self, order: &Value) -> bool {
        self.closes || (["after-sale", OVERRIDE].into_iter().any(|kind| self.decides(kind)) && self.order == *order)
    }
}

/// Whether a cell names no customer at all.
pub(super) fn is_nobody(customer: &Value) -> bool {
    match customer {
        Value::Null => true,
        Value::Text(customer) => customer.is_empty(),
        _ => false,
    }
}

impl Both<'_> {
    /// A record, where it was erased.
    pub(super) fn erased(&self, seq: &Value) -> rusqlite::Result<Option<Erased>> {
        let sql = "SELECT entry, wrote, order_id, closes FROM again.erased WHERE merchant_no = ?1 AND seq = ?2";
        let mut query = self.db.prepare_cached(sql)?;
        let found = query.query_row(params![self.again, seq], |row| {
            Ok(Erased { entry: row.get(0)?, wrote: row.get(1)?, order: row.get(2)?, closes: row.get(3)? })
        });
        found.optional()
    }

    /// The customer of a cell, where they were erased at some time.
    pub(super) fn departed(&self, customer: &Value) -> rusqlite::Result<Option<Departed>> {
        let Value::Text(customer) = customer else { return Ok(None) };
        let Some(mark) = (self.mark)(customer) else { return Ok(None) };
        let sql = "SELECT k.erased_at_ms, e.seq FROM main.subject_keys k
            LEFT JOIN again.erasures e ON e.merchant_no = ?2 AND e.mark = k.subject AND e.at_ms = k.erased_at_ms
            WHERE k.merchant_no = ?1 AND k.subject = ?3 AND k.wrapped IS NULL AND k.erased_at_ms IS NOT NULL";
        let mut query = self.db.prepare_cached(sql)?;
        let found = query.query_row(params![self.own, self.again, mark], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(found.optional()?.map(|(at_ms, seq)| Departed { mark, at_ms, seq }))
    }

    /// The customer of a cell, where they were erased after a record.
    pub(super) fn departed_since(&self, customer: &Value, seq: &Value) -> rusqlite::Result<Option<Departed>> {
        match self.departed(customer)? {
            Some(departed) if self.is_before(seq, &departed)? => Ok(Some(departed)),
            _ => Ok(None),
        }
    }

    /// Whether a record is from before the last erasure of a customer.
    pub(super) fn is_before(&self, seq: &Value, departed: &Departed) -> rusqlite::Result<bool> {
        if let (Some(erased), Value::Integer(seq)) = (departed.seq, seq) {
            return Ok(*seq < erased);
        }
        let sql = "SELECT 1 FROM main.entries WHERE merchant_no = ?1 AND seq = ?2 AND received_at_ms <= ?3";
        self.any(sql, params![self.own, seq, departed.at_ms])
    }

    /// Whether a cell names nobody but customers who were erased, by their marks or, where the record of somebody who came back went
    /// with a ticket, as they were.
    pub(super) fn names_departed_only(&self, customer: &Value) -> rusqlite::Result<bool> {
        Ok(is_nobody(customer) || self.is_mark(customer)? || self.departed(customer)?.is_some())
    }

    fn is_mark(&self, customer: &Value) -> rusqlite::Result<bool> {
        let Value::Text(mark) = customer else { return Ok(false) };
        let sql = "SELECT 1 FROM main.subject_keys WHERE merchant_no = ?1 AND subject = ?2 AND wrapped IS NULL";
        Ok(mark.starts_with(MARK) && self.any(sql, params![self.own, mark])?)
    }
}
