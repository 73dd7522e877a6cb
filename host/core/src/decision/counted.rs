//! What the ledger, and the event's earlier decisions, had counted and paid when a decision was made.

use crate::caps::{CapUsage, LineRefund, Restated};
use crate::case::Case;
use crate::money::{self, Amounts, Intent};

/// An earlier decision of the same event.
#[derive(Clone, Copy, Debug)]
pub struct Earlier<'a> {
    /// Its case.
    pub case: &'a Case,
    /// What it counts.
    pub counts: &'a Amounts,
    /// The payments it stands for.
    pub paid: &'a [Intent],
    /// Whether the event names a customer, in whose windows it counts.
    pub of_customer: bool,
}

/// What the ledger knew when the decision was made: the only input of [`conclude`](super::conclude) that the case does not hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Amounts used in each window.
    pub usage: CapUsage,
    /// Intents of this decision that are on record ([`Intent::name`]).
    pub on_record: Vec<String>,
    /// How much of each may be stated again.
    pub restated: Vec<Restated>,
    /// What earlier decisions of the same event refund of the order's lines.
    pub beside: Vec<LineRefund>,
}

impl Counted {
    /// Whether an intent is on record.
    pub(super) fn holds(&self, intent: &Intent) -> bool {
        self.on_record.contains(&intent.name())
    }

    /// What of an intent merely states again what is on record, in fen; none where it may not: that is a payment made twice.
    pub(super) fn restated(&self, intent: &Intent) -> Option<i64> {
        if !self.holds(intent) {
            return Some(0);
        }
        let name = intent.name();
        // A record from before amounts were kept names the intent alone.
        let amount = self.restated.iter().find(|own| own.intent == name).map_or(intent.amount, |own| own.amount);
        (intent.restates && amount > 0).then(|| amount.min(intent.amount))
    }

    /// Adds what an earlier decision of the same event counts and pays: it is appended in the same transaction, but not yet. `asked` are the
    /// payments that the decision on `case` asks for.
    pub fn add(&mut self, case: &Case, asked: &[Intent], earlier: &Earlier<'_>) {
        let (refund, goodwill) = (earlier.counts.refund, earlier.counts.goodwill());
        let same_order = money::order_id(earlier.case) == money::order_id(case);
        let usage = &mut self.usage;
        let mut windows = vec![(&mut usage.merchant_day_refund, &mut usage.merchant_day_goodwill)];
        if earlier.of_customer {
            windows.push((&mut usage.customer_24h_refund, &mut usage.customer_24h_goodwill));
        }
        if same_order {
            windows.push((&mut usage.order_refund, &mut usage.order_goodwill));
        }
        for (refunds, goodwills) in windows {
            (*refunds, *goodwills) = (refunds.saturating_add(refund), goodwills.saturating_add(goodwill));
        }
        // The case was there before: what its lines bear has become less since.
        if same_order {
            self.beside.extend(money::line_refunds(earlier.case, earlier.paid));
        }
        for intent in asked {
            let Some(paid) = earlier.paid.iter().find(|paid| paid.name() == intent.name()) else { continue };
            if !self.on_record.contains(&intent.name()) {
                self.on_record.push(intent.name());
            }
            if !intent.restates {
                continue;
            }
            match self.restated.iter_mut().find(|own| own.intent == intent.name()) {
                // Another order's: of the whole intent nothing may be stated again.
                Some(own) if !same_order => own.amount = 0,
                Some(own) if own.amount > 0 => own.amount = own.amount.saturating_add(paid.amount),
                Some(_) => {}
                None => self.restated.push(Restated { intent: intent.name(), amount: if same_order { paid.amount } else { 0 } }),
            }
        }
    }
}
