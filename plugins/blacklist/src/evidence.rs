//! Which required evidence is missing, as the ruling names it.

use ombud_sdk::blacklist::BlacklistCase;
use ombud_sdk::rules::blacklist::{has, required_evidence};

/// The required kinds of which no item is there; alternatives joined by `|`.
pub fn missing_kinds(facts: &BlacklistCase) -> impl Iterator<Item = String> {
    let absent = required_evidence(facts.criterion).iter().filter(|kinds| !has(facts, kinds, false));
    absent.map(|kinds| kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join("|"))
}

/// Whether of every required kind an item is usable: timed and unbroken.
pub fn all_usable(facts: &BlacklistCase) -> bool {
    required_evidence(facts.criterion).iter().all(|kinds| has(facts, kinds, true))
}
