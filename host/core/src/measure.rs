//! What a ruling on a blacklist request does to the measure in force against the customer.

use ombud_rules::contract::blacklist::{BlacklistCase, BlacklistRuling, Outcome, Stage, Verdict};
use ombud_rules::contract::types::CustomerMeasure;

/// What becomes of the measure in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// None was in force, and none is.
    Nothing,
    /// This one comes into force.
    Puts(CustomerMeasure),
    /// This one, which was in force, ends.
    Lifts(CustomerMeasure),
    /// This one stays in force as it was.
    Leaves(CustomerMeasure),
}

/// What a ruling does, while `in_force` is in force. A lesser measure changes nothing beside a graver one: that one keeps its own
/// request, on which it ends.
pub fn effect(case: &BlacklistCase, ruling: &BlacklistRuling, in_force: CustomerMeasure) -> Effect {
    let none = CustomerMeasure::None;
    let stays = if in_force == none { Effect::Nothing } else { Effect::Leaves(in_force) };
    // A recommendation is of no more than its name says, whatever is in force or the policy would like.
    let most = match ruling.outcome {
        Outcome::Execute | Outcome::ExecuteDeferred => CustomerMeasure::Blacklisted,
        Outcome::RecommendRestrict if is_approved(case) => CustomerMeasure::ServiceRestricted,
        Outcome::RecommendMark if is_approved(case) => CustomerMeasure::Marked,
        Outcome::Closed if ruling.measure == none && case.current_measure != none => return Effect::Lifts(case.current_measure),
        _ => return stays,
    };
    let measure = ruling.measure.min(most);
    if measure == none || measure < in_force { stays } else { Effect::Puts(measure) }
}

/// Whether a supervisor approved the request, and whoever decided after: what the lesser measures need (domain policies 5.3;
/// design, blacklist).
pub fn is_approved(case: &BlacklistCase) -> bool {
    let reviews: Vec<_> = case.steps.iter().filter(|step| matches!(step.stage, Stage::SupervisorReviewed | Stage::HeadReviewed)).collect();
    matches!(case.stage, Stage::SupervisorReviewed | Stage::HeadReviewed)
        && reviews.first().is_some_and(|step| step.stage == Stage::SupervisorReviewed)
        && reviews.iter().all(|step| step.verdict == Verdict::Approve)
}
