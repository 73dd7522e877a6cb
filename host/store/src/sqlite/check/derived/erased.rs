//! What can be said of rows whose records were erased, and of sums: they need no body.

use rusqlite::Row;

use super::differ::Both;
use crate::check::Finding;

/// Of erased decisions: what is listed in one table beside what their headers allow. `?1` is the merchant, `?2` the same among
/// what is computed again.
macro_rules! of_erased_decisions {
    ($table:literal, $refund:literal, $goodwill:literal, $and:literal) => {
        concat!(
            "SELECT e.seq FROM again.erased e LEFT JOIN
                (SELECT seq, sum(",
            $refund,
            ") AS refund, sum(",
            $goodwill,
            ") AS goodwill FROM main.",
            $table,
            " t WHERE merchant_no = ?1 GROUP BY seq) s USING (seq)
             WHERE e.merchant_no = ?2 AND e.entry = 'decision' AND (coalesce(s.goodwill, 0) <> e.goodwill",
            $and,
            ")"
        )
    };
}

/// The refund of an erased decision is within what its header says.
const OF_ERASED: [(&str, &str); 3] = [
    (
        "counted",
        of_erased_decisions!("counted", "refund", "goodwill", " OR coalesce(s.refund, 0) NOT BETWEEN e.refund_min AND e.refund_max"),
    ),
    (
        "intents",
        of_erased_decisions!(
            "intents",
            "CASE payment WHEN 'refund' THEN amount END",
            "CASE payment WHEN 'refund' THEN 0 ELSE amount END",
            " OR coalesce(s.refund, 0) NOT BETWEEN e.refund_min AND e.refund_max"
        ),
    ),
    ("delay_grants", of_erased_decisions!("delay_grants", "0", "value", "")),
];

/// Rows that erased records wrote, against how these are listed.
const AGAINST_LISTING: [(&str, &str, &str); 5] = [
    (
        "counted",
        "it counts for another order or at another time than its record",
        "SELECT t.order_id || ' ' || t.seq || ' ' || t.at_ms FROM main.counted t JOIN again.erased e ON e.merchant_no = ?2 AND e.seq = t.seq
         JOIN main.entries n ON n.merchant_no = ?1 AND n.seq = t.seq WHERE t.merchant_no = ?1
         AND (t.order_id IS NOT n.order_id OR (e.entry = 'decision' AND t.at_ms <> n.received_at_ms)
           OR abs(t.day - t.at_ms / 86400000) > 1 OR e.entry = 'event')",
    ),
    (
        "delay_grants",
        "it is of another order than its record",
        "SELECT t.order_id || ' ' || t.seq FROM main.delay_grants t JOIN again.erased e ON e.merchant_no = ?2 AND e.seq = t.seq
         JOIN main.entries n ON n.merchant_no = ?1 AND n.seq = t.seq WHERE t.merchant_no = ?1
         AND (t.order_id IS NOT n.order_id OR t.at_ms <> n.received_at_ms)",
    ),
    (
        "after_sale_cases",
        "it is another case, outcome or time than its record's",
        "SELECT t.order_id || ' ' || t.after_sale_id FROM main.after_sale_cases t JOIN again.erased e ON e.merchant_no = ?2 AND e.seq = t.last_seq
         JOIN main.entries n ON n.merchant_no = ?1 AND n.seq = t.last_seq WHERE t.merchant_no = ?1
         AND (t.updated_at_ms <> n.received_at_ms OR (e.entry <> 'event' AND NOT e.closes AND (t.outcome IS NOT n.outcome OR t.order_id IS NOT n.order_id)))",
    ),
    (
        "after_sale_cases",
        "a decision on a case of this order was erased, and no case is there that it can have written",
        "SELECT coalesce(e.order_id, '') FROM again.erased e WHERE e.merchant_no = ?2 AND e.wrote = 'after-sale' AND NOT EXISTS
           (SELECT 1 FROM main.after_sale_cases t WHERE t.merchant_no = ?1 AND t.order_id = e.order_id AND t.last_seq >= e.seq)",
    ),
    (
        "blacklist_requests",
        "the mark that stands for its customer is nobody's, or it is not closed",
        "SELECT t.request_id FROM main.blacklist_requests t WHERE t.merchant_no = ?1 AND ?2 = ?2 AND t.customer >= 'erased:' AND t.customer < 'erased;'
         AND (t.state <> 'closed' OR NOT EXISTS (SELECT 1 FROM main.subject_keys k WHERE k.merchant_no = ?1 AND k.subject = t.customer))",
    ),
];

/// Orders with an erased record: what is counted is what is paid and was not taken back.
const BALANCES: &str = "SELECT o.order_id FROM (SELECT DISTINCT order_id FROM again.erased WHERE merchant_no = ?2 AND order_id IS NOT NULL) o
    LEFT JOIN (SELECT order_id, sum(refund) AS refund, sum(goodwill) AS goodwill FROM main.counted WHERE merchant_no = ?1 GROUP BY order_id) c
      USING (order_id)
    LEFT JOIN (SELECT n.order_id, sum(CASE payment WHEN 'refund' THEN amount ELSE 0 END) AS refund,
        sum(CASE payment WHEN 'refund' THEN 0 ELSE amount END) AS goodwill
      FROM main.intents i JOIN main.entries n USING (merchant_no, seq) WHERE i.merchant_no = ?1 AND NOT i.cancelled GROUP BY n.order_id) p
      USING (order_id)
    WHERE coalesce(c.refund, 0) <> coalesce(p.refund, 0) OR coalesce(c.goodwill, 0) <> coalesce(p.goodwill, 0)";

/// Days whose sum is another than that of what is counted.
const DAYS: &str = "SELECT day FROM (SELECT day, sum(refund) AS refund, sum(goodwill) AS goodwill FROM main.counted WHERE merchant_no = ?1 AND ?2 = ?2 GROUP BY day
    EXCEPT SELECT day, refund, goodwill FROM main.day_totals WHERE merchant_no = ?1)
  UNION SELECT day FROM (SELECT day, refund, goodwill FROM main.day_totals WHERE merchant_no = ?1
    EXCEPT SELECT day, sum(refund), sum(goodwill) FROM main.counted WHERE merchant_no = ?1 GROUP BY day)";

impl Both<'_> {
    /// The sums of the merchant's days against what was counted in them.
    pub(super) fn day_totals(&self) -> rusqlite::Result<Vec<Finding>> {
        self.all("day_totals", DAYS, "the sum of the day is another than what is counted in it")
    }

    /// Rows whose records were erased.
    pub(super) fn erased_amounts(&self) -> rusqlite::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for (table, sql) in OF_ERASED {
            findings.extend(self.all(table, sql, "the amounts of the record, which was erased, are others than its header's")?);
        }
        for (table, problem, sql) in AGAINST_LISTING {
            findings.extend(self.all(table, sql, problem)?);
        }
        findings.extend(self.all("counted", BALANCES, "what is counted for the order is not what is paid for it")?);
        Ok(findings)
    }

    fn all(&self, table: &'static str, sql: &str, problem: &str) -> rusqlite::Result<Vec<Finding>> {
        let mut query = self.db.prepare(sql)?;
        let found = query.query_map([self.own, self.again], |row: &Row<'_>| {
            let cell = row.get_ref(0)?;
            let key = match cell {
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                other => String::from_utf8_lossy(other.as_bytes().unwrap_or_default()).into_owned(),
            };
            Ok(self.found(table, key, problem))
        })?;
        found.collect()
    }
}
