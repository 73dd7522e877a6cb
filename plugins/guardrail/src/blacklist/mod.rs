//! Rulings on blacklist requests under review (domain policies 5.7): who acted, on what evidence, against what conduct, for how long.

mod fields;
mod outcome;
#[cfg(test)]
mod tests;

use ombud_sdk::blacklist::{BlacklistCase, BlacklistRuling, Outcome};
use ombud_sdk::{Context, Review};

/// What an outcome row wants.
enum Effect {
    /// A person decides.
    Escalate,
    /// This outcome in place of the ruling's.
    Amend(outcome::Instead),
}

/// Reviews a ruling on a blacklist request.
pub fn review(ctx: &Context, facts: &BlacklistCase, ruling: &BlacklistRuling) -> Review<BlacklistRuling> {
    if ruling.outcome == Outcome::Escalate {
        return Review::Uphold;
    }
    let mut amended = ruling.clone();
    let mut reasons = Vec::new();
    if let Some((rule, read, effect)) = outcome::row(ctx, facts, ruling) {
        let reason = rule.reason(read);
        match effect {
            Effect::Escalate => return Review::Escalate(vec![reason]),
            Effect::Amend(instead) => {
                amended = outcome::amended(facts, ruling, instead, ctx);
                reasons.push(reason);
            }
        }
    }
    reasons.extend(fields::after_sale_open(facts, &mut amended));
    reasons.extend(fields::end_and_notice(ctx, facts, &mut amended));
    if reasons.is_empty() {
        return Review::Uphold;
    }
    amended.notes.reasons.extend(reasons.iter().cloned());
    Review::Amend { ruling: amended, reasons }
}

/// execute and execute-deferred.
fn executes(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Execute | Outcome::ExecuteDeferred)
}
