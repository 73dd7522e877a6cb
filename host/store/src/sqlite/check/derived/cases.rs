//! After-sale cases beside erased records: of one case some records may be readable and others not.

use rusqlite::params;
use rusqlite::types::Value;

use super::differ::{Both, Differing};
use super::person::{Erased, is_nobody};

/// What a decision takes over from the decisions before it.
const CARRIED: [&str; 9] =
    ["resolution", "attempts", "lines", "freight_refunded", "approved", "compensation", "policy", "version", "opened_at_ms"];
/// What an event that closes a case writes.
const CLOSED: [&str; 5] = ["state", "lines", "approved", "updated_at_ms", "last_seq"];

impl Both<'_> {
    pub(super) fn is_case_excused(
        &self,
        row: &Differing<'_>,
        given: Option<&Differing<'_>>,
        erased: Option<&Erased>,
    ) -> rusqlite::Result<bool> {
        let order = row.cell("order_id");
        let sql = "SELECT 1 FROM again.erased WHERE merchant_no = ?1 AND order_id = ?2 AND wrote IN ('after-sale', 'override')";
        let beside = self.any(sql, params![self.again, order])?;
        if !self.is_customer_excused(row, given, beside)? {
            return Ok(false);
        }
        let Some(given) = given else {
            // Erased records made it; a readable event may have closed it since.
            return Ok(beside
                && match erased {
                    Some(erased) => erased.may_write_case(order),
                    None => self.closes(row.seq())?,
                });
        };
        let differs: Vec<&str> = row.differs_from(given).into_iter().filter(|column| *column != "customer").collect();
        let only = |columns: &[&str]| differs.iter().all(|column| columns.contains(column));
        if differs.is_empty() {
            return Ok(true);
        }
        let (last, last_given) = (row.seq(), given.seq());
        if last == last_given {
            let is_act = self.entry(last)?.as_deref() == Some("act");
            if only(&["lines", "approved"]) && self.was_ended_by_erased(given)? {
                return Ok(true);
            }
            let before =
                "SELECT 1 FROM again.erased WHERE merchant_no = ?1 AND order_id = ?2 AND wrote IN ('after-sale', 'override') AND seq < ?3";
            return Ok(self.any(before, params![self.again, order, last])?
                && if self.closes(last)? {
                    !differs.contains(&"state") && !differs.contains(&"updated_at_ms")
                } else {
                    differs.iter().all(|column| CARRIED.contains(column) || (is_act && *column == "reason"))
                });
        }
        let is_later = number(last) > number(last_given);
        match erased {
            // A readable decision or act on the case would have written it after that.
            Some(erased) if is_later || self.closes(last_given)? => {
                Ok(if beside { erased.may_write_case(order) } else { erased.closes && only(&CLOSED) })
            }
            Some(_) => Ok(false),
            // An event closes a case of the customer whom it names; whose it was by then may hang on erased records.
            None if self.closes(if is_later { last } else { last_given })? => {
                Ok(beside || (row.cell("customer") != given.cell("customer") && only(&CLOSED)))
            }
            // What an act pays may hang on erased records, and then it is not computed again.
            None => Ok(beside && is_later && self.entry(last)?.as_deref() == Some("act")),
        }
    }

    /// Whether a case may have the customer that it has: the one that is given, nobody if that one was erased, or whoever an erased
    /// record named.
    fn is_customer_excused(&self, row: &Differing<'_>, given: Option<&Differing<'_>>, beside: bool) -> rusqlite::Result<bool> {
        let (is, order) = (row.cell("customer"), row.cell("order_id"));
        if given.is_some_and(|given| given.cell("customer") == is) {
            return Ok(true);
        }
        if !is_nobody(is) {
            return Ok(beside && self.departed(is)?.is_some());
        }
        let Some(given) = given else { return Ok(beside) };
        if let Some(departed) = self.departed(given.cell("customer"))? {
            let first = "SELECT min(seq) FROM again.entries WHERE merchant_no = ?1 AND order_id = ?2 AND entry = 'decision'";
            let first: Value = self.db.prepare_cached(first)?.query_row(params![self.again, order], |row| row.get(0))?;
            if self.is_before(&first, &departed)? {
                return Ok(true);
            }
        }
        // Or an erased decision wrote it after the last readable one.
        let last = given.seq();
        let is_decision = self.entry(last)?.as_deref() == Some("decision") && !self.closes(last)?;
        let since = if is_decision { number(last) } else { -1 };
        let sql = "SELECT 1 FROM again.erased WHERE merchant_no = ?1 AND order_id = ?2 AND wrote = 'after-sale' AND seq > ?3";
        self.any(sql, params![self.again, order, since])
    }

    /// Whether an erased event may have ended a case before its last record: which one it names stands in its body alone. It pays or
    /// gives up what was approved and not paid, and changes nothing of what is written later where there was no such thing.
    fn was_ended_by_erased(&self, given: &Differing<'_>) -> rusqlite::Result<bool> {
        let sql = "SELECT 1 FROM again.promised p JOIN again.erased e ON e.merchant_no = p.merchant_no AND e.closes AND e.seq > p.seq
            WHERE p.merchant_no = ?1 AND p.order_id = ?2 AND p.after_sale_id = ?3 AND e.seq < ?4";
        self.any(sql, params![self.again, given.cell("order_id"), given.cell("after_sale_id"), given.seq()])
    }

    /// Whether a readable record closes cases.
    fn closes(&self, seq: &Value) -> rusqlite::Result<bool> {
        self.any("SELECT 1 FROM again.closing WHERE merchant_no = ?1 AND seq = ?2", params![self.again, seq])
    }

    /// What a readable record is.
    fn entry(&self, seq: &Value) -> rusqlite::Result<Option<String>> {
        let mut query = self.db.prepare_cached("SELECT entry FROM main.entries WHERE merchant_no = ?1 AND seq = ?2")?;
        let mut rows = query.query(params![self.own, seq])?;
        rows.next()?.map(|row| row.get(0)).transpose()
    }
}

/// A sequence number.
pub(super) const fn number(cell: &Value) -> i64 {
    match cell {
        Value::Integer(number) => *number,
        _ => -1,
    }
}
