//! Money of a report, row by row: of each kind what is paid how, and when it falls due.

use ombud_core::impact::{ImpactReport, Money};
use ombud_core::money::Amounts;

/// One sort of money of one kind, on both sides.
pub(crate) struct MoneyRow {
    /// The kind's wire name.
    pub(crate) kind: &'static str,
    /// Refund, cash or coupon.
    pub(crate) sort: &'static str,
    /// Paid, promised or proposed.
    pub(crate) due: &'static str,
    /// As recorded, fen.
    pub(crate) before: i64,
    /// Under the candidate, fen.
    pub(crate) after: i64,
}

/// How money falls due, as a part of [`Money`].
type Part = (&'static str, fn(&Money) -> &Amounts);

const PARTS: [Part; 3] = [("paid", |money| &money.paid), ("promised", |money| &money.promised), ("proposed", |money| &money.proposed)];

/// What is paid, as a part of [`Amounts`].
type Sort = (&'static str, fn(&Amounts) -> i64);

const SORTS: [Sort; 3] = [("refund", |amounts| amounts.refund), ("cash", |amounts| amounts.cash), ("coupon", |amounts| amounts.coupon)];

/// Every row with money on either side.
pub(crate) fn money_rows(impact: &ImpactReport) -> Vec<MoneyRow> {
    let mut rows = Vec::new();
    for line in &impact.kinds {
        for (due, of_due) in PARTS {
            for (sort, of_sort) in SORTS {
                let (before, after) = (of_sort(of_due(&line.money.before)), of_sort(of_due(&line.money.after)));
                if before != 0 || after != 0 {
                    rows.push(MoneyRow { kind: line.kind.map_or("", |kind| kind.as_str()), sort, due, before, after });
                }
            }
        }
    }
    rows
}
