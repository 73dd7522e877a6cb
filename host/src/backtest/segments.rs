//! By what decisions are told apart in a backtest.

use ombud_core::case::Case;
use ombud_core::impact::Dimension;
use ombud_ledger::DecisionEntry;
use ombud_rules::civil::{day_of, iso_date};
use ombud_rules::contract::delay::Tier;

use crate::replay::RecordedCase;

/// Letters of a month in an ISO date: `2026-11`.
const MONTH_LETTERS: usize = 7;

/// The segments of a recorded decision. `known` says whether the ledger knew the customer before; none where there is no
/// customer, or no longer; `tier` is the highest tier of delay that it awards.
pub fn segments(recorded: &RecordedCase<'_>, tier: Option<Tier>, received_at_ms: i64, known: Option<bool>) -> Vec<(Dimension, String)> {
    let entry: &DecisionEntry = recorded.entry;
    let date = iso_date(day_of(received_at_ms, recorded.context.tz_offset_min));
    let month = date.get(..MONTH_LETTERS).unwrap_or(&date).to_owned();
    let mut segments = Vec::with_capacity(6);
    segments.push((Dimension::Month, month));
    segments.push((Dimension::Outcome, entry.outcome.clone()));
    match &recorded.case {
        Case::AfterSale(case) => {
            let resolution = case.agreed_resolution.unwrap_or(case.request);
            segments.push((Dimension::Resolution, resolution.as_str().to_owned()));
        }
        Case::Delay(_) => segments.push((Dimension::DelayTier, tier.unwrap_or(Tier::None).as_str().to_owned())),
        Case::Blacklist(_) | Case::Reply(_) => {}
    }
    if let Some(known) = known {
        segments.push((Dimension::Customer, if known { "known" } else { "new" }.to_owned()));
    }
    if let Some(policy) = &entry.policy {
        segments.push((Dimension::Version, format!("{} {}", policy.name, policy.version)));
    }
    segments
}
