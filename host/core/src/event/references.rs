//! What of an event's data does not belong together, where no policy could rule on it: the contract has no outcome for it, only an error of
//! the caller (`policy-error`, domain model 4.3). What the contract has an outcome for is the policy's to rule on (AS-001).

use std::collections::BTreeSet;

use ombud_rules::contract::delay::DelayCase;

use super::data::Data;
use crate::problem::Problem;

/// Every broken reference; `base` is the data's pointer in the posted body.
pub(super) fn broken(data: &Data, base: &str) -> Vec<Problem> {
    data.delay.as_ref().map_or_else(Vec::new, |delay| of_delay(delay, &format!("{base}/delay")))
}

fn of_delay(delay: &DelayCase, base: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    if delay.lines.is_empty() {
        problems.push(Problem::at(format!("{base}/lines"), "is empty").allowed("the lines that are late, at least one"));
    }
    let mut lines = BTreeSet::new();
    for (at, line) in delay.lines.iter().enumerate() {
        if !lines.insert(line.line_id.as_str()) {
            problems.push(Problem::at(format!("{base}/lines/{at}/line_id"), "is told twice").allowed("each line once"));
        }
    }
    let mut episodes = BTreeSet::new();
    for (at, episode) in delay.episodes.iter().enumerate() {
        if !episodes.insert(episode.episode_id.as_str()) {
            problems.push(Problem::at(format!("{base}/episodes/{at}/episode_id"), "is told twice").allowed("each episode once"));
        }
        let unknown = episode.line_ids.iter().enumerate().filter(|(_, id)| !lines.contains(id.as_str()));
        problems.extend(unknown.map(|(which, _)| {
            Problem::at(format!("{base}/episodes/{at}/line_ids/{which}"), "names a line that the delay does not have")
                .allowed("a `line_id` of the delay's `lines`")
        }));
    }
    problems
}
