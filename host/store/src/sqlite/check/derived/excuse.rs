//! When a row may be another than the records give: because of records that were erased, or of its own customer's erasure. The
//! erasure of somebody else excuses nothing.

use ombud_core::money::Payment;
use rusqlite::params;
use rusqlite::types::Value;

use super::differ::{Both, Differing};
use super::person::{Erased, is_nobody};

impl Both<'_> {
    /// Whether a row that is there may differ from what is given, or be there without.
    pub(super) fn is_excused(&self, row: &Differing<'_>, given: Option<&Differing<'_>>) -> rusqlite::Result<bool> {
        let erased = self.erased(row.seq())?;
        let erased = erased.as_ref();
        match row.table.name {
            "after_sale_cases" => self.is_case_excused(row, given, erased),
            "blacklist_requests" => self.is_request_excused(row, given, erased),
            "blacklist_steps" => self.is_step_excused(row, erased),
            "incidents" | "measures" => self.is_of_departed(row, given, erased),
            _ => self.is_money_excused(row, given, erased),
        }
    }

    /// Whether a row that is given, and under whose key nothing is there, may be gone.
    pub(super) fn may_be_gone(&self, given: &Differing<'_>) -> rusqlite::Result<bool> {
        match given.table.name {
            "after_sale_cases" | "blacklist_requests" => Ok(false),
            "blacklist_steps" => self.may_step_be_gone(given),
            "incidents" | "measures" => self.is_changed_since(given),
            _ => self.is_of_act_beside_erased(given),
        }
    }

    /// Payments, counters and grants. The amounts of erased records are looked at elsewhere.
    fn is_money_excused(&self, row: &Differing<'_>, given: Option<&Differing<'_>>, erased: Option<&Erased>) -> rusqlite::Result<bool> {
        let is_counter = row.table.name == "counted";
        if let Some(erased) = erased {
            let is_possible = row.table.name != "intents" || is_payment(row);
            return Ok(erased.may_pay() && is_possible && (!is_counter || self.names_departed_only(row.cell("customer"))?));
        }
        let beside = self.is_of_act_beside_erased(row)?;
        if !is_counter {
            return Ok(beside);
        }
        let Some(given) = given else { return Ok(beside && self.is_listed_customer(row)?) };
        for column in row.differs_from(given) {
            let excused = match column {
                "customer" => self.is_taken_out(row, given)?,
                // The zone of a person's act is the merchant's of then, which nobody wrote down.
                "day" if self.rebuilt.zone_changed => beside || is_next_day(row, given),
                _ => beside,
            };
            if !excused {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a row is of a person's act on an order of which a record was erased: what the act paid may hang on it.
    fn is_of_act_beside_erased(&self, row: &Differing<'_>) -> rusqlite::Result<bool> {
        let sql = "SELECT 1 FROM main.entries n JOIN again.erased e ON e.merchant_no = ?2 AND e.order_id = n.order_id
            WHERE n.merchant_no = ?1 AND n.seq = ?3 AND n.entry = 'act' AND e.wrote IN ('after-sale', 'delay', 'override')";
        self.any(sql, params![self.own, self.again, row.seq()])
    }

    /// Whether the customer of a counter is the one that its record lists, or was erased.
    fn is_listed_customer(&self, row: &Differing<'_>) -> rusqlite::Result<bool> {
        let customer = row.cell("customer");
        let sql = "SELECT 1 FROM main.entries WHERE merchant_no = ?1 AND seq = ?2 AND customer IS ?3";
        Ok(self.any(sql, params![self.own, row.seq(), customer])? || self.names_departed_only(customer)?)
    }

    /// Whether the customer of a counter was taken out of it by their own erasure: the window of the caps keeps the mark.
    fn is_taken_out(&self, row: &Differing<'_>, given: &Differing<'_>) -> rusqlite::Result<bool> {
        let is = row.cell("customer");
        let fits = |mark: String| *is == Value::Null || *is == Value::Text(mark);
        if !is_nobody(given.cell("customer")) {
            return Ok(self.departed_since(given.cell("customer"), row.seq())?.is_some_and(|departed| fits(departed.mark)));
        }
        // An act names whom its decision lists, which is nobody any more.
        let mut query = self.db.prepare_cached("SELECT customer FROM again.unlisted WHERE merchant_no = ?1 AND order_id = ?2")?;
        let customers = query.query_map(params![self.again, row.cell("order_id")], |row| row.get(0))?;
        for customer in customers.collect::<rusqlite::Result<Vec<Value>>>()? {
            if self.departed_since(&customer, row.seq())?.is_some_and(|departed| fits(departed.mark)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Incidents and measures: they go with their customer. Whoever was not erased has all of them.
    fn is_of_departed(&self, row: &Differing<'_>, given: Option<&Differing<'_>>, erased: Option<&Erased>) -> rusqlite::Result<bool> {
        match (erased, given) {
            (Some(erased), _) => {
                let writes = if row.table.name == "measures" { erased.decides("blacklist") } else { erased.entry != "act" };
                Ok(writes && self.departed(row.cell("customer"))?.is_some())
            }
            (None, Some(given)) => self.is_changed_since(given),
            (None, None) => Ok(false),
        }
    }

    /// Whether the customer of a row that is given was erased after its record, or came back and a later record that bears on it was
    /// erased with a ticket.
    fn is_changed_since(&self, given: &Differing<'_>) -> rusqlite::Result<bool> {
        let Some(departed) = self.departed(given.cell("customer"))? else { return Ok(false) };
        let later = "SELECT 1 FROM again.erased WHERE merchant_no = ?1 AND wrote IN ('blacklist', 'override') AND seq > ?2";
        Ok(self.is_before(given.seq(), &departed)? || self.any(later, params![self.again, given.seq()])?)
    }
}

/// Whether a row can be a payment at all.
fn is_payment(row: &Differing<'_>) -> bool {
    let payments = [Payment::Refund, Payment::Cash, Payment::Coupon];
    payments.iter().any(|payment| *row.cell("payment") == Value::Text(payment.as_str().to_owned()))
        && matches!((row.cell("amount"), row.cell("cancelled")), (Value::Integer(1..), Value::Integer(0 | 1)))
}

fn is_next_day(row: &Differing<'_>, given: &Differing<'_>) -> bool {
    match (row.cell("day"), given.cell("day")) {
        (Value::Integer(is), Value::Integer(given)) => is.abs_diff(*given) <= 1,
        _ => false,
    }
}
