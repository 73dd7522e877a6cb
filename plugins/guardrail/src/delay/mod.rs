//! Rulings on delays under review (domain policies 5.7): first the rows that ask for a person, then those that add what is missing.

mod fields;
mod outcome;
#[cfg(test)]
mod tests;

use ombud_sdk::delay::{DelayCase, DelayRuling, Episode, Outcome};
use ombud_sdk::rules::delay::share_line;
use ombud_sdk::rules::notes::fact;
use ombud_sdk::{Context, Fact, Reason, Review};

use crate::settings::Settings;

/// Reviews a ruling on delays.
pub fn review(settings: &Settings, ctx: &Context, facts: &DelayCase, ruling: &DelayRuling) -> Review<DelayRuling> {
    if matches!(ruling.outcome, Outcome::HumanReview | Outcome::Escalate) {
        return Review::Uphold;
    }
    if let Some(reason) = outcome::row(ctx, facts, ruling) {
        return Review::Escalate(vec![reason]);
    }
    let mut amended = ruling.clone();
    let mut reasons: Vec<Reason> = Vec::new();
    reasons.extend(fields::refund_due(ctx, facts, &mut amended));
    reasons.extend(fields::platform_floor(settings, ctx, facts, &mut amended));
    reasons.extend(fields::way_out(ctx, facts, &mut amended));
    if reasons.is_empty() {
        return Review::Uphold;
    }
    amended.notes.reasons.extend(reasons.iter().cloned());
    Review::Amend { ruling: amended, reasons }
}

/// Whether the ruling gives something for the episode, or says by which award of the same lines it is suppressed. An entry that gives nothing
/// and names nobody is no award.
fn awarded(facts: &DelayCase, ruling: &DelayRuling, episode: &Episode) -> bool {
    let gives = |award: &ombud_sdk::delay::Award| award.tier != ombud_sdk::delay::Tier::None || award.value > 0;
    let given_for = |id: &str| ruling.awards.iter().any(|award| award.episode_id == id && gives(award));
    let shares_lines =
        |id: &str| facts.episodes.iter().any(|other| other.episode_id == id && share_line(&other.line_ids, &episode.line_ids));
    ruling
        .awards
        .iter()
        .filter(|award| award.episode_id == episode.episode_id)
        .any(|award| gives(award) || award.suppressed_by.as_deref().is_some_and(|by| given_for(by) && shares_lines(by)))
}

/// Facts of an episode by their paths in the case.
fn facts_of<const N: usize>(index: usize, fields: [(&str, String); N]) -> Vec<Fact> {
    fields.into_iter().map(|(field, value)| fact(["episodes[", &index.to_string(), "].", field].concat(), value)).collect()
}
