//! Whether another version's answer is better for the consumer than the one of the version that the case was opened under
//! (domain model 4.0, rule 8; domain policies 5.6, 21). Where the two cannot be ordered the case keeps its own version's.

use ombud_rules::contract::blacklist::{BlacklistRuling, Outcome as Step};
use ombud_rules::contract::delay::Outcome as Delay;
use ombud_rules::contract::types::CustomerMeasure;

use crate::chain::not_worse;
use crate::disposition::{self, Disposition};
use crate::money::{self, Amounts, Due};
use crate::ruling::Ruling;

/// Whether `newer` is better for the consumer than `own`. Money that stands without a person is never less; more of it is better,
/// the same sooner is better, and with the same money the more favourable outcome is. What `own` proposes to a person must be
/// granted whole to be beaten.
pub fn better(own: &Ruling, newer: &Ruling) -> bool {
    match (own, newer) {
        (Ruling::Blacklist(own), Ruling::Blacklist(newer)) => severity(newer) < severity(own),
        // A reply is judged anew each time: there is no version to keep.
        (Ruling::Reply(_), _) | (_, Ruling::Reply(_)) => false,
        _ => favours(own, newer),
    }
}

fn favours(own: &Ruling, newer: &Ruling) -> bool {
    let (own_due, newer_due) = (money::due(own), money::due(newer));
    let (own_money, newer_money) = (money::amounts(own), money::amounts(newer));
    let covers = |more: &Amounts, less: &Amounts| more.refund >= less.refund && more.goodwill() >= less.goodwill();
    let exceeds = |more: &Amounts, less: &Amounts| covers(more, less) && (more.refund > less.refund || more.goodwill() > less.goodwill());
    let by_outcome = favour(newer) > favour(own);
    match (own_due == Due::Proposal, newer_due == Due::Proposal) {
        (false, false) => {
            let sooner = own_due == Due::Later && newer_due == Due::Now && newer_money.any();
            let later = own_due == Due::Now && newer_due == Due::Later && own_money.any();
            not_worse(own, newer).is_ok() && !later && (exceeds(&newer_money, &own_money) || sooner || by_outcome)
        }
        // What stands now is not given up for a proposal, unless nothing stands.
        (false, true) => !own_money.any() && by_outcome,
        (true, false) => covers(&newer_money, &own_money) && (newer_money.any() || by_outcome),
        (true, true) => {
            covers(&newer_money, &own_money) && (by_outcome || (favour(newer) == favour(own) && exceeds(&newer_money, &own_money)))
        }
    }
}

/// How favourable an outcome is, its money apart.
fn favour(ruling: &Ruling) -> u8 {
    if let Ruling::Delay(ruling) = ruling {
        return match ruling.outcome {
            Delay::None | Delay::CareOnly => 0,
            Delay::HumanReview | Delay::Escalate => 1,
            Delay::CompensateWithApproval => 2,
            Delay::Compensate => 3,
        };
    }
    match disposition::of(ruling) {
        Disposition::Deny | Disposition::Invalid | Disposition::Block => 0,
        Disposition::NeedInfo => 1,
        Disposition::NeedApproval | Disposition::HumanReview | Disposition::Escalate => 2,
        Disposition::AllowWithConditions => 3,
        Disposition::Allow => 4,
    }
}

/// How hard a step of a blacklist request falls on the customer: by the outcome, then by the measure, then by how long it lasts.
fn severity(ruling: &BlacklistRuling) -> (u8, CustomerMeasure, i64) {
    let step = match ruling.outcome {
        Step::Reject | Step::ReturnForEvidence | Step::Closed | Step::Invalid => 0,
        Step::Escalate => 1,
        Step::RecommendMark => 2,
        Step::RecommendRestrict | Step::ForwardToSupervisor | Step::ForwardToDeptHead => 3,
        Step::ExecuteDeferred => 4,
        Step::Execute => 5,
    };
    // A measure without an end is the longest; no measure has none.
    let until = if ruling.measure == CustomerMeasure::None { 0 } else { ruling.review_by.unwrap_or(i64::MAX) };
    (step, ruling.measure, until)
}

#[cfg(test)]
mod tests;
