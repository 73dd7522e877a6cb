//! When keys were made: a customer's with the customer's first record, a ticket's with one of the ticket's, the merchant's own with the
//! merchant.

use super::differ::Both;
use crate::check::{Finding, Place};

/// Keys that were made at another time. `?1` is the merchant.
const OTHERWISE: [(&str, &str); 3] = [
    (
        "it was made at another time than the customer's first record",
        "SELECT subject FROM main.subject_keys k WHERE merchant_no = ?1 AND subject >= 'customer:' AND subject < 'customer;' AND wrapped IS NOT NULL
         AND created_at_ms IS NOT (SELECT n.received_at_ms FROM main.entries n INDEXED BY entries_by_customer
           WHERE n.merchant_no = ?1 AND n.customer = substr(k.subject, length('customer:') + 1) ORDER BY n.seq LIMIT 1)",
    ),
    (
        "it was made at another time than any record of the ticket",
        "SELECT subject FROM main.subject_keys k WHERE merchant_no = ?1 AND subject >= 'ticket:' AND subject < 'ticket;' AND wrapped IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM main.entries n INDEXED BY entries_by_ticket
           WHERE n.merchant_no = ?1 AND n.ticket = substr(k.subject, length('ticket:') + 1) AND n.received_at_ms = k.created_at_ms)",
    ),
    (
        "it was made at another time than the merchant",
        "SELECT subject FROM main.subject_keys k WHERE merchant_no = ?1 AND subject = 'merchant' AND wrapped IS NOT NULL
         AND created_at_ms IS NOT (SELECT created_at_ms FROM main.merchants m WHERE m.merchant_no = ?1)",
    ),
];

impl Both<'_> {
    /// Keys against the records that they were made with.
    pub(super) fn key_times(&self) -> rusqlite::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for (problem, sql) in OTHERWISE {
            let mut query = self.db.prepare(sql)?;
            let mut rows = query.query([self.own])?;
            while let Some(row) = rows.next()? {
                let subject = String::from_utf8_lossy(row.get_ref(0)?.as_bytes().unwrap_or_default()).into_owned();
                let place = Place::Key(format!("`{subject}`"));
                findings.push(Finding { merchant: Some(self.merchant.to_owned()), place, problem: problem.to_owned() });
            }
        }
        Ok(findings)
    }
}
