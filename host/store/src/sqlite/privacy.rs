//! Erasure and legal holds.

use ombud_core::ids::MerchantId;
use ombud_ledger::keys::Subject;
use rusqlite::{Row, params};

use super::connection::{Database, SqliteWriter};
use super::known::KeyOf;
use super::ledger::unknown;
use crate::StoreError;
use crate::privacy::{Erased, Erasure, HoldRow, HoldScope, MARK, OWED_FROM_MS, ReadPrivacy, TICKETS, WritePrivacy};

/// Just behind every text that begins with [`MARK`].
const BEHIND_MARKS: &str = "erased;";

/// What retention looks at.
const QUIET: &str = "SELECT subject FROM subject_keys
    WHERE merchant_no = ?1 AND quiet_from_ms < ?2 AND wrapped IS NOT NULL ORDER BY quiet_from_ms LIMIT ?3";

impl<T: Database> ReadPrivacy for T {
    fn erased_at(&self, merchant: &MerchantId, mark: &str) -> Result<Option<i64>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(None) };
        let sql = "SELECT erased_at_ms FROM subject_keys WHERE merchant_no = ?1 AND subject = ?2 AND wrapped IS NULL";
        self.one("look for an erased customer", sql, params![merchant, mark], |row| row.get(0))
    }

    fn destroyed_keys(&self, merchant: &MerchantId) -> Result<Vec<String>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT subject FROM subject_keys WHERE merchant_no = ?1 AND wrapped IS NULL ORDER BY subject";
        self.all("read what was erased", sql, [merchant], |row| row.get(0))
    }

    fn with_erased(&self) -> Result<Vec<MerchantId>, StoreError> {
        let sql = "SELECT id FROM merchants m WHERE EXISTS
            (SELECT 1 FROM subject_keys s WHERE s.merchant_no = m.merchant_no AND subject >= ?1 AND subject < ?2) ORDER BY id";
        self.all("look for merchants with erased customers", sql, [MARK, BEHIND_MARKS], |row| {
            let id: String = row.get(0)?;
            MerchantId::new(id.as_str()).map_err(|_| unknown(0, &id))
        })
    }

    fn erased_marks(&self, merchant: &MerchantId) -> Result<Vec<(String, i64)>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT subject, erased_at_ms FROM subject_keys
            WHERE merchant_no = ?1 AND subject >= ?2 AND subject < ?3 AND subject <> ?4 AND erased_at_ms IS NOT NULL";
        self.all("read the marks of erased customers", sql, params![merchant, MARK, BEHIND_MARKS, TICKETS], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }

    fn quiet_subjects(&self, merchant: &MerchantId, before_ms: i64, subjects_max: u32) -> Result<Vec<String>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        self.all("look for quiet subjects", QUIET, params![merchant, before_ms, subjects_max], |row| row.get(0))
    }

    fn owed_tickets(&self, merchant: &MerchantId) -> Result<Vec<String>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT substr(subject, length('ticket:') + 1) FROM subject_keys
            WHERE merchant_no = ?1 AND quiet_from_ms = ?2 AND wrapped IS NOT NULL";
        self.all("look for tickets to be erased", sql, [merchant, OWED_FROM_MS], |row| row.get(0))
    }

    fn tickets_of(&self, merchant: &MerchantId, customer: &str) -> Result<Vec<String>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT DISTINCT ticket FROM entries INDEXED BY entries_by_customer
            WHERE merchant_no = ?1 AND customer = ?2 AND ticket IS NOT NULL ORDER BY ticket";
        self.all("look for a customer's tickets", sql, params![merchant, customer], |row| row.get(0))
    }

    fn customers_of(&self, merchant: &MerchantId, ticket: &str) -> Result<Vec<String>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT DISTINCT customer FROM entries INDEXED BY entries_by_ticket
            WHERE merchant_no = ?1 AND ticket = ?2 AND customer IS NOT NULL ORDER BY customer";
        self.all("look for a ticket's customers", sql, params![merchant, ticket], |row| row.get(0))
    }

    fn last_record_at(&self, merchant: &MerchantId, subject: Subject<'_>) -> Result<Option<i64>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(None) };
        let (column, value) = match subject {
            Subject::Customer(customer) => ("customer", customer),
            Subject::Ticket(ticket) => ("ticket", ticket),
            Subject::Merchant => return Ok(None),
        };
        let sql = format!(
            "SELECT received_at_ms FROM entries INDEXED BY entries_by_{column} WHERE merchant_no = ?1 AND {column} = ?2 ORDER BY seq DESC LIMIT 1"
        );
        self.one("look for a subject's newest record", &sql, params![merchant, value], |row| row.get(0))
    }

    fn has_open_request(&self, merchant: &MerchantId, customer: &str) -> Result<bool, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(false) };
        // An executed one is open as long as its measure is in force: another request's may have taken its place.
        let sql = "SELECT 1 FROM blacklist_requests r WHERE merchant_no = ?1 AND state = 'open' AND customer = ?2 AND (stage <> 'executed'
            OR EXISTS (SELECT 1 FROM measures m WHERE m.merchant_no = ?1 AND m.customer = ?2 AND m.request_id = r.request_id)) LIMIT 1";
        Ok(self.one("look for an open request", sql, params![merchant, customer], |_| Ok(()))?.is_some())
    }

    fn wrapped_keys(&self, merchant: &MerchantId, after: &str, keys_max: u32) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT subject, wrapped FROM subject_keys WHERE merchant_no = ?1 AND subject > ?2 AND wrapped IS NOT NULL
            ORDER BY subject LIMIT ?3";
        self.all("read wrapped keys", sql, params![merchant, after, keys_max], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    fn holds(&self, merchant: &MerchantId) -> Result<Vec<HoldRow>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT hold_id, scope, subject, set_by, set_at_ms FROM holds WHERE merchant_no = ?1 ORDER BY set_at_ms, hold_id";
        self.all("read holds", sql, [merchant], hold)
    }
}

impl WritePrivacy for SqliteWriter {
    fn erase_customer(&mut self, merchant: &MerchantId, erasure: &Erasure<'_>) -> Result<Erased, StoreError> {
        let number = self.known_merchant(merchant)?;
        let customer = erasure.customer;
        self.overwrite()?;
        let sql = "DELETE FROM subject_keys WHERE merchant_no = ?1 AND subject = ?2";
        let mut keys = self.run("destroy a customer's key", sql, params![number, Subject::Customer(customer).to_string()])?;
        let sql = "INSERT INTO subject_keys (merchant_no, subject, wrapped, created_at_ms, erased_at_ms) VALUES (?1, ?2, NULL, ?3, ?3)
            ON CONFLICT DO UPDATE SET erased_at_ms = excluded.erased_at_ms";
        self.run("mark a customer as erased", sql, params![number, erasure.mark, erasure.at_ms])?;
        // The customer's orders lead to the cases, so that they need no index of their own.
        let sql = "UPDATE after_sale_cases SET customer = NULL WHERE merchant_no = ?1 AND customer = ?2 AND order_id IN
            (SELECT order_id FROM entries INDEXED BY entries_by_customer WHERE merchant_no = ?1 AND customer = ?2 AND order_id IS NOT NULL)";
        self.run("take a customer out of the cases", sql, params![number, customer])?;
        self.now_known(KeyOf::CountedCustomer, number, &[erasure.mark]);
        let sql = "UPDATE counted SET customer = CASE WHEN at_ms >= ?4 THEN ?3 ELSE NULL END WHERE merchant_no = ?1 AND customer = ?2";
        self.run("take a customer out of the counters", sql, params![number, customer, erasure.mark, erasure.counted_since_ms])?;
        let sql =
            "UPDATE blacklist_requests SET customer = ?3, state = 'closed', stage = 'archived' WHERE merchant_no = ?1 AND customer = ?2";
        let requests = self.run("take a customer out of the requests", sql, params![number, customer, erasure.mark])?;
        let measures = "DELETE FROM measures WHERE merchant_no = ?1 AND customer = ?2";
        let measure = self.run("end an erased customer's measure", measures, params![number, customer])? > 0;
        let sql = "DELETE FROM incidents WHERE merchant_no = ?1 AND customer = ?2";
        let incidents = self.run("take an erased customer's incidents away", sql, params![number, customer])?;
        let sql = "UPDATE entries INDEXED BY entries_by_customer SET customer = NULL WHERE merchant_no = ?1 AND customer = ?2";
        let records = self.run("take a customer out of the listings", sql, params![number, customer])?;
        for ticket in erasure.tickets {
            keys += usize::from(self.erase_ticket(merchant, ticket, erasure.at_ms)?);
        }
        Ok(Erased { keys, records, measure, requests, incidents })
    }

    fn erase_ticket(&mut self, merchant: &MerchantId, ticket: &str, at_ms: i64) -> Result<bool, StoreError> {
        let merchant = self.known_merchant(merchant)?;
        self.overwrite()?;
        let sql = "DELETE FROM subject_keys WHERE merchant_no = ?1 AND subject = ?2";
        let destroyed = self.run("destroy a ticket's key", sql, params![merchant, Subject::Ticket(ticket).to_string()])? > 0;
        if destroyed {
            let sql = "INSERT INTO subject_keys (merchant_no, subject, wrapped, created_at_ms, erased_at_ms) VALUES (?1, ?2, NULL, ?3, ?3)
                ON CONFLICT DO UPDATE SET erased_at_ms = excluded.erased_at_ms";
            self.run("mark that tickets were erased", sql, params![merchant, TICKETS, at_ms])?;
        }
        // Later records of customers who were erased before are the ticket's: they list nobody any more. A record that lists a
        // customer always has a key.
        let sql = "UPDATE entries INDEXED BY entries_by_ticket SET customer = NULL
            WHERE merchant_no = ?1 AND ticket = ?2 AND customer IS NOT NULL AND NOT EXISTS
            (SELECT 1 FROM subject_keys k WHERE k.merchant_no = ?1 AND k.subject = 'customer:' || customer)";
        self.run("take erased customers out of a ticket's listings", sql, params![merchant, ticket])?;
        Ok(destroyed)
    }

    fn look_again(&mut self, merchant: &MerchantId, subject: &str, from_ms: i64) -> Result<(), StoreError> {
        let merchant = self.known_merchant(merchant)?;
        let sql = "UPDATE subject_keys SET quiet_from_ms = ?3 WHERE merchant_no = ?1 AND subject = ?2";
        self.run("note when to look again", sql, params![merchant, subject, from_ms]).map(|_| ())
    }

    fn owe_ticket(&mut self, merchant: &MerchantId, ticket: &str) -> Result<bool, StoreError> {
        let merchant = self.known_merchant(merchant)?;
        let sql = "UPDATE subject_keys SET quiet_from_ms = ?3 WHERE merchant_no = ?1 AND subject = ?2 AND wrapped IS NOT NULL";
        Ok(self.run("note a ticket to be erased", sql, params![merchant, Subject::Ticket(ticket).to_string(), OWED_FROM_MS])? > 0)
    }

    fn forget_marks(&mut self, merchant: &MerchantId, before_ms: i64) -> Result<usize, StoreError> {
        let merchant = self.known_merchant(merchant)?;
        let sql = "UPDATE counted SET customer = NULL WHERE merchant_no = ?1 AND customer >= ?2 AND customer < ?3 AND at_ms < ?4";
        self.run("take marks out of the counters", sql, params![merchant, MARK, BEHIND_MARKS, before_ms])
    }

    fn rewrap_key(&mut self, merchant: &MerchantId, subject: &str, wrapped: &[u8]) -> Result<bool, StoreError> {
        let merchant = self.known_merchant(merchant)?;
        self.overwrite()?;
        let sql = "UPDATE subject_keys SET wrapped = ?3 WHERE merchant_no = ?1 AND subject = ?2 AND wrapped IS NOT NULL";
        Ok(self.run("wrap a key anew", sql, params![merchant, subject, wrapped])? > 0)
    }

    fn insert_hold(&mut self, merchant: &MerchantId, row: &HoldRow) -> Result<(), StoreError> {
        let merchant = self.known_merchant(merchant)?;
        let sql = "INSERT INTO holds (merchant_no, hold_id, scope, subject, set_by, set_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT DO NOTHING";
        self.insert("the hold", sql, params![merchant, row.hold_id, row.scope.as_str(), row.subject, row.set_by, row.set_at_ms])
    }

    fn lift_hold(&mut self, merchant: &MerchantId, hold_id: &str) -> Result<bool, StoreError> {
        let merchant = self.known_merchant(merchant)?;
        self.overwrite()?;
        Ok(self.run("lift a hold", "DELETE FROM holds WHERE merchant_no = ?1 AND hold_id = ?2", params![merchant, hold_id])? > 0)
    }
}

fn hold(row: &Row<'_>) -> rusqlite::Result<HoldRow> {
    let scope: String = row.get(1)?;
    Ok(HoldRow {
        hold_id: row.get(0)?,
        scope: HoldScope::parse(&scope).ok_or_else(|| unknown(1, &scope))?,
        subject: row.get(2)?,
        set_by: row.get(3)?,
        set_at_ms: row.get(4)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::SqliteStore;

    /// What is due is found by its index, whatever else there is, and in its order. The index need not cover the query: each row that is
    /// found is erased or written at once.
    #[test]
    fn retention_reads_what_is_due_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (_store, writer) = SqliteStore::open(folder.path()).unwrap();
        let db = &writer.db().connection;
        let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {QUIET}")).unwrap();
        let steps: Vec<String> = plan.query_map([1, 2, 3], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
        assert_eq!(steps, ["SEARCH subject_keys USING INDEX subject_keys_quiet (merchant_no=? AND quiet_from_ms<?)"]);
    }
}
