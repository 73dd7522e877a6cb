//! Whether the facts of a case belong together. What does not is an error of the caller, not something a merchant meets in the field.

use ombud_sdk::delay::DelayCase;
use ombud_sdk::{ErrorCode, Fen, PolicyError};

/// Refuses a case with an amount below zero, a line or episode told twice, or an episode of a line that the case does not have: any ruling on
/// it would rest on a guess about money.
pub fn check(facts: &DelayCase) -> Result<(), PolicyError> {
    for (index, line) in facts.lines.iter().enumerate() {
        amount("lines", index, "paid", line.paid)?;
        amount("lines", index, "refunded", line.refunded)?;
        if facts.lines.iter().take(index).any(|earlier| earlier.line_id == line.line_id) {
            return bad("lines", index, "line-id", "this line is told twice");
        }
    }
    for (index, episode) in facts.episodes.iter().enumerate() {
        amount("episodes", index, "refund-owed", episode.refund_owed)?;
        amount("episodes", index, "refund-paid", episode.refund_paid)?;
        if facts.episodes.iter().take(index).any(|earlier| earlier.episode_id == episode.episode_id) {
            return bad("episodes", index, "episode-id", "this episode is told twice");
        }
        if !episode.line_ids.iter().all(|id| facts.lines.iter().any(|line| line.line_id == *id)) {
            return bad("episodes", index, "line-ids", "the case does not have all of these lines");
        }
    }
    facts.already.iter().enumerate().try_for_each(|(index, granted)| amount("already", index, "value", granted.value))
}

fn amount(list: &str, index: usize, field: &str, fen: Fen) -> Result<(), PolicyError> {
    if fen < 0 { bad(list, index, field, "an amount below zero") } else { Ok(()) }
}

fn bad(list: &str, index: usize, field: &str, detail: &str) -> Result<(), PolicyError> {
    let path = [list, "[", &index.to_string(), "].", field].concat();
    Err(PolicyError { code: ErrorCode::BadFacts, path, detail: detail.to_owned() })
}
