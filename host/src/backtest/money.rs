//! Money of a report: its sums, and row by row of each kind what is paid how, and when it falls due.

use ombud_core::impact::{BeforeAfter, ImpactReport, Money};
use ombud_core::kind::Kind;
use ombud_core::money::Amounts;

/// The money of a report.
pub(crate) struct Sums {
    /// What counts once in it.
    pub(crate) each: &'static str,
    /// The whole.
    pub(crate) total: BeforeAfter,
    /// By kind.
    pub(crate) kinds: Vec<(Kind, BeforeAfter)>,
}

/// The money of cases, or of decisions where there are more cases than are told apart.
pub(crate) fn sums(impact: &ImpactReport) -> Sums {
    let kinds = |lines: &mut dyn Iterator<Item = (Option<Kind>, BeforeAfter)>| -> Vec<(Kind, BeforeAfter)> {
        lines.filter_map(|(kind, money)| Some((kind?, money))).collect()
    };
    match impact.cases.split_first() {
        Some((whole, lines)) => {
            Sums { each: "each case once", total: whole.money, kinds: kinds(&mut lines.iter().map(|line| (line.kind, line.money))) }
        }
        None => Sums {
            each: "each decision",
            total: impact.total.money,
            kinds: kinds(&mut impact.kinds.iter().map(|line| (line.kind, line.money))),
        },
    }
}

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
pub(crate) fn money_rows(sums: &Sums) -> Vec<MoneyRow> {
    let mut rows = Vec::new();
    for (kind, money) in &sums.kinds {
        for (due, of_due) in PARTS {
            for (sort, of_sort) in SORTS {
                let (before, after) = (of_sort(of_due(&money.before)), of_sort(of_due(&money.after)));
                if before != 0 || after != 0 {
                    rows.push(MoneyRow { kind: kind.as_str(), sort, due, before, after });
                }
            }
        }
    }
    rows
}
