//! Intents and counted amounts.

use ombud_core::caps::CapUsage;
use ombud_core::ids::MerchantId;
use ombud_core::money::{Intent, Payment};
use rusqlite::{Row, params};

use super::connection::{Database, SqliteWriter};
use super::known::KeyOf;
use super::ledger::{signed, unsigned};
use crate::StoreError;
use crate::money::{Count, IntentPart, ReadMoney, UsageOf, WriteMoney};

/// The customer's window, in milliseconds.
const CUSTOMER_WINDOW_MS: i64 = 24 * 60 * 60 * 1000;

impl<T: Database> ReadMoney for T {
    fn intent(&self, merchant: &MerchantId, key: &str, payment: Payment) -> Result<Vec<IntentPart>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        if !self.may_hold(KeyOf::Intent, merchant, &[key, payment.as_str()]) {
            return Ok(Vec::new());
        }
        let sql = "SELECT amount, seq, order_id, customer FROM intents LEFT JOIN entries USING (merchant_no, seq)
            WHERE merchant_no = ?1 AND key = ?2 AND payment = ?3 AND NOT cancelled ORDER BY seq";
        self.all("look for an intent", sql, params![merchant, key, payment.as_str()], |row| {
            Ok(IntentPart { amount: row.get(0)?, seq: unsigned(row, 1)?, order: row.get(2)?, customer: row.get(3)? })
        })
    }

    fn delayed_refunds(&self, merchant: &MerchantId, order: &str) -> Result<Vec<(String, IntentPart)>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        if !self.may_hold(KeyOf::CountedOrder, merchant, &[order]) {
            return Ok(Vec::new());
        }
        // Their keys are `ORDER/EPISODE`: from the slash to the character behind it.
        let sql = "SELECT amount, seq, order_id, customer, key FROM intents LEFT JOIN entries USING (merchant_no, seq)
            WHERE merchant_no = ?1 AND key > ?2 || '/' AND key < ?2 || '0' AND payment = 'refund' AND NOT cancelled AND order_id = ?2 ORDER BY seq";
        self.all("look for the refunds of an order's delays", sql, params![merchant, order], |row| {
            let part = IntentPart { amount: row.get(0)?, seq: unsigned(row, 1)?, order: row.get(2)?, customer: row.get(3)? };
            Ok((row.get(4)?, part))
        })
    }

    fn refunding_delays(&self, merchant: &MerchantId, order: &str) -> Result<Vec<u64>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        if !self.may_hold(KeyOf::CountedOrder, merchant, &[order]) {
            return Ok(Vec::new());
        }
        let sql = "SELECT DISTINCT c.seq FROM counted c JOIN entries e USING (merchant_no, seq)
            WHERE merchant_no = ?1 AND c.order_id = ?2 AND c.refund > 0 AND e.kind = 'delay' ORDER BY c.seq";
        self.all("look for the delays that refunded an order", sql, params![merchant, order], |row| unsigned(row, 0))
    }

    fn counted_day(&self, merchant: &MerchantId, order: &str, seq: u64, at_ms: i64) -> Result<Option<i32>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(None) };
        let sql = "SELECT day FROM counted WHERE merchant_no = ?1 AND order_id = ?2 AND seq = ?3 AND at_ms = ?4";
        self.one("look for the day of an amount", sql, params![merchant, order, signed(seq), at_ms], |row| row.get(0))
    }

    fn usage(&self, merchant: &MerchantId, of: &UsageOf<'_>) -> Result<CapUsage, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(CapUsage::default()) };
        let mut usage = CapUsage::default();
        if let Some(order) = of.order.filter(|order| self.may_hold(KeyOf::CountedOrder, merchant, &[order])) {
            let sql = "SELECT total(refund), total(goodwill) FROM counted WHERE merchant_no = ?1 AND order_id = ?2";
            (usage.order_refund, usage.order_goodwill) =
                self.one("sum up an order", sql, params![merchant, order], sums)?.unwrap_or_default();
        }
        let customers = of.customer.into_iter().chain(of.formerly);
        for customer in customers.filter(|customer| self.may_hold(KeyOf::CountedCustomer, merchant, &[customer])) {
            let sql = "SELECT total(refund), total(goodwill) FROM counted WHERE merchant_no = ?1 AND customer = ?2 AND at_ms > ?3";
            let since = of.at_ms.saturating_sub(CUSTOMER_WINDOW_MS);
            let (refund, goodwill) = self.one("sum up a customer", sql, params![merchant, customer, since], sums)?.unwrap_or_default();
            usage.customer_24h_refund += refund;
            usage.customer_24h_goodwill += goodwill;
        }
        let sql = "SELECT refund, goodwill FROM day_totals WHERE merchant_no = ?1 AND day = ?2";
        let day = self.one("read a day's total", sql, params![merchant, of.day], |row| Ok((row.get(0)?, row.get(1)?)))?;
        (usage.merchant_day_refund, usage.merchant_day_goodwill) = day.unwrap_or_default();
        Ok(usage)
    }
}

/// Two sums of fen. `total` is a double, which is exact far beyond any sum of money here (2⁵³ fen), and never overflows.
fn sums(row: &Row<'_>) -> rusqlite::Result<(i64, i64)> {
    let (refund, goodwill): (f64, f64) = (row.get(0)?, row.get(1)?);
    Ok((refund as i64, goodwill as i64))
}

impl WriteMoney for SqliteWriter {
    fn pay_intent(&mut self, merchant: &MerchantId, intent: &Intent, seq: u64) -> Result<(), StoreError> {
        let merchant = self.known_merchant(merchant)?;
        self.now_known(KeyOf::Intent, merchant, &[&intent.key, intent.payment.as_str()]);
        let sql = "INSERT INTO intents (merchant_no, key, payment, seq, amount) SELECT ?1, ?2, ?3, ?4, ?5
            WHERE ?6 OR NOT EXISTS (SELECT 1 FROM intents WHERE merchant_no = ?1 AND key = ?2 AND payment = ?3 AND NOT cancelled)
            ON CONFLICT DO NOTHING";
        let row = params![merchant, intent.key, intent.payment.as_str(), signed(seq), intent.amount, intent.restates];
        self.insert("the paid intent", sql, row)
    }

    fn cancel_intent(&mut self, merchant: &MerchantId, key: &str, payment: Payment, seq: u64) -> Result<bool, StoreError> {
        let merchant = self.known_merchant(merchant)?;
        let sql = "UPDATE intents SET cancelled = 1
            WHERE merchant_no = ?1 AND key = ?2 AND payment = ?3 AND seq = ?4 AND NOT cancelled";
        Ok(self.run("cancel an intent", sql, params![merchant, key, payment.as_str(), signed(seq)])? > 0)
    }

    fn count(&mut self, merchant: &MerchantId, count: &Count<'_>) -> Result<(), StoreError> {
        let merchant = self.known_merchant(merchant)?;
        self.now_known(KeyOf::CountedOrder, merchant, &[count.order]);
        if let Some(customer) = count.customer {
            self.now_known(KeyOf::CountedCustomer, merchant, &[customer]);
        }
        let sql = "INSERT INTO counted (merchant_no, seq, order_id, customer, at_ms, day, refund, goodwill)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING";
        let row = params![merchant, signed(count.seq), count.order, count.customer, count.at_ms, count.day, count.refund, count.goodwill];
        self.insert("the record's count", sql, row)?;
        let sql = "INSERT INTO day_totals (merchant_no, day, refund, goodwill) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET refund = refund + excluded.refund, goodwill = goodwill + excluded.goodwill";
        self.run("count a day's total", sql, params![merchant, count.day, count.refund, count.goodwill])?;
        Ok(())
    }
}
