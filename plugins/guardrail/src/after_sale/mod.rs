//! After-sale rulings under review (domain policies 5.7): statutory values, never the merchant's.
//!
//! First the outcome rows, for each requested line the first that fits; then, unless that asks for a person, the field rows. A row
//! that fits some lines only, or lines that would be amended differently, ask for a person: one ruling answers all lines.

mod amend;
mod fields;
mod outcome;
mod right;
mod table;
#[cfg(test)]
mod tests;

use ombud_rules::after_sale::{Account, Bill, Requested, Row, already_settled, duplicate, input_is_broken, requested};
use ombud_rules::contract::after_sale::{AfterSaleCase, AfterSaleRuling, Outcome};
use ombud_rules::contract::types::{Context, Reason};
use ombud_rules::review::Review;

use amend::Amendment;
use table::{GR_001, GR_110};

/// A ruling beside the facts it was made on.
struct Look<'a> {
    ctx: &'a Context,
    case: &'a AfterSaleCase,
    ruling: &'a AfterSaleRuling,
    lines: &'a [Requested<'a>],
    bill: &'a Bill,
}

/// What an outcome row wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// A person decides.
    Escalate,
    /// Another ruling.
    Amend(Amendment),
}

/// Reviews a ruling: upholds it, replaces it with a better one for the buyer, or asks for a person.
pub fn review(ctx: &Context, case: &AfterSaleCase, ruling: &AfterSaleRuling) -> Review<AfterSaleRuling> {
    if matches!(ruling.outcome, Outcome::HumanReview | Outcome::Escalate) {
        return Review::Uphold;
    }
    let lines = requested(case).unwrap_or_default();
    let bill = Bill::of(&case.order);
    let look = Look { ctx, case, ruling, lines: &lines, bill: &bill };
    let named_so = matches!(ruling.outcome, Outcome::RejectDuplicate | Outcome::InvalidInput);
    if input_is_broken(case) || (look.denies() && look.settled_elsewhere()) {
        // The facts give no right to judge by, and what is open or settled elsewhere may be denied under any name: nothing is ever
        // amended into a payment here. Under another name than its own the refusal still has to say why.
        let unexplained = look.denies() && !named_so && ruling.notes.reasons.is_empty();
        return if unexplained { look.escalate(&[&GR_001]) } else { Review::Uphold };
    }
    if named_so {
        return look.escalate(&[&GR_110]);
    }
    match look.outcome_rows() {
        Verdict::Escalate(rows) => look.escalate(&rows),
        Verdict::Nothing if look.denies() && ruling.notes.reasons.is_empty() => look.escalate(&[&GR_001]),
        Verdict::Nothing => fields::review(&look, ruling.clone(), Vec::new()),
        Verdict::Amend(amendment, rows) => {
            let amended = amend::ruling(&look, amendment, &rows);
            fields::review(&look, amended, rows)
        }
    }
}

/// What the outcome rows say of all lines together.
enum Verdict {
    Nothing,
    Escalate(Vec<&'static Row>),
    Amend(Amendment, Vec<&'static Row>),
}

impl<'a> Look<'a> {
    /// reject, reject-with-alternative, reject-duplicate, invalid-input.
    const fn denies(&self) -> bool {
        matches!(self.ruling.outcome, Outcome::Reject | Outcome::RejectWithAlternative | Outcome::RejectDuplicate | Outcome::InvalidInput)
    }

    /// AS-002 or AS-003 holds.
    fn settled_elsewhere(&self) -> bool {
        duplicate(self.case) || self.lines.iter().all(|line| already_settled(line, self.bill.paid_of(line.index)))
    }

    fn outcome_rows(&self) -> Verdict {
        let found: Vec<_> = self.lines.iter().map(|line| outcome::row(self, line)).collect();
        let mut rows: Vec<&'static Row> = Vec::new();
        for (row, _) in found.iter().flatten() {
            if rows.iter().all(|known| known.id != row.id) {
                rows.push(row);
            }
        }
        match found.first() {
            _ if rows.is_empty() => Verdict::Nothing,
            Some(Some((_, Effect::Amend(amendment))))
                if found.iter().all(|other| matches!(other, Some((_, effect)) if *effect == Effect::Amend(*amendment))) =>
            {
                Verdict::Amend(*amendment, rows)
            }
            _ => Verdict::Escalate(rows),
        }
    }

    fn account(&self) -> Account<'a> {
        Account { order: &self.case.order, bill: self.bill, lines: self.lines }
    }

    fn reason(&self, row: &Row) -> Reason {
        row.reason(self.ctx, self.case, self.lines)
    }

    fn escalate(&self, rows: &[&'static Row]) -> Review<AfterSaleRuling> {
        Review::Escalate(rows.iter().map(|row| self.reason(row)).collect())
    }
}
