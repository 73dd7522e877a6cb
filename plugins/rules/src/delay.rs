//! What the delay policy and the guardrail share (domain policies 5.2 and 5.7): the clock, the excuse of force majeure, the refund that is
//! due, the money of a set of lines, shares and floors.

use crate::civil::HOUR_MS;
use crate::contract::delay::{Cause, DelayCase, DelayKind, Episode};
use crate::contract::types::{Bp, Fen, InstantMs, Tri};

/// From here on the buyer may leave the contract: three days of 24 h (民法典 563(3), GR-206).
const WAY_OUT_AFTER_MS: i64 = 72 * HOUR_MS;

/// Milliseconds by which the episode is or was late, (done or now) − due; not above 0 = in time. "Done" of shipping is the carrier's scan.
pub fn overdue_ms(episode: &Episode, now: InstantMs) -> i64 {
    episode.done.unwrap_or(now).saturating_sub(episode.due)
}

/// Whether the merchant blames the buyer, or a date the buyer agreed to (DC-002).
pub fn blames_buyer(episode: &Episode) -> bool {
    matches!(episode.cause, Cause::Buyer | Cause::AgreedExtension)
}

/// Force majeure that excuses: proven, notified, and it began no later than the due time (DC-003; 民法典 180, 590).
pub fn excused_by_force_majeure(episode: &Episode) -> bool {
    episode.cause == Cause::ForceMajeure
        && episode.cause_proven == Tri::Yes
        && episode.cause_notified_at.is_some()
        && episode.cause_began_at.is_some_and(|began| began <= episode.due)
}

/// What is still owed of an overdue refund, whatever its cause, in fen (消法 25, 53).
pub fn refund_due(episode: &Episode, now: InstantMs) -> Fen {
    if episode.kind == DelayKind::RefundProcessing && overdue_ms(episode, now) > 0 {
        episode.refund_owed.saturating_sub(episode.refund_paid).max(0)
    } else {
        0
    }
}

/// Σ [`refund_due`] of the case, in fen.
pub fn total_refund_due(facts: &DelayCase, now: InstantMs) -> Fen {
    facts.episodes.iter().fold(0, |sum: Fen, episode| sum.saturating_add(refund_due(episode, now)))
}

/// Whether the buyer must be offered to cancel for a full refund: not shipped for more than three days, and no refund of the same line is
/// under way (GR-206; 消法 53, 民法典 563(3)).
pub fn must_offer_cancel(facts: &DelayCase, episode: &Episode, now: InstantMs) -> bool {
    episode.kind == DelayKind::Shipping
        && episode.done.is_none()
        && overdue_ms(episode, now) > WAY_OUT_AFTER_MS
        && !blames_buyer(episode)
        && !facts.episodes.iter().any(|other| other.kind == DelayKind::RefundProcessing && share_line(&other.line_ids, &episode.line_ids))
}

/// Whether two lists of lines have one in common.
pub fn share_line(one: &[String], other: &[String]) -> bool {
    one.iter().any(|line| other.contains(line))
}

/// Goods money of some lines in fen, without freight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Money {
    /// What the buyer paid.
    pub paid: Fen,
    /// What of it was not refunded: the base of a percentage.
    pub left: Fen,
}

/// The money of the case's lines that `wanted` names; lines that the case does not have count nothing, a line named twice counts once.
pub fn money_of(facts: &DelayCase, wanted: impl Fn(&str) -> bool) -> Money {
    facts.lines.iter().filter(|line| wanted(&line.line_id)).fold(Money::default(), |sum, line| Money {
        paid: sum.paid.saturating_add(line.paid.max(0)),
        left: sum.left.saturating_add(line.paid.saturating_sub(line.refunded).max(0)),
    })
}

/// `amount × share` in basis points, half up to 1 fen; exact for every amount, nothing for one below zero.
pub fn share_of(amount: Fen, share: Bp) -> Fen {
    let (amount, share) = (amount.max(0), i64::from(share));
    let whole = (amount / 10_000).saturating_mul(share);
    whole.saturating_add(((amount % 10_000).saturating_mul(share) + 5_000) / 10_000)
}

/// A share of an amount, but never below `min` nor above `max` fen (DC-070, GR-205).
pub fn floor_of(amount: Fen, share: Bp, min: Fen, max: Fen) -> Fen {
    share_of(amount, share).max(min).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_round_half_up_and_never_overflow() {
        assert_eq!(share_of(19_995, 1_000), 2_000);
        assert_eq!(share_of(19_994, 1_000), 1_999);
        assert_eq!(share_of(4, 1_000), 0);
        assert_eq!(share_of(5, 1_000), 1);
        assert_eq!(share_of(-5, 1_000), 0);
        assert_eq!(share_of(Fen::MAX, 10_000), Fen::MAX);
        assert_eq!(share_of(Fen::MAX, Bp::MAX), Fen::MAX);
        assert_eq!(share_of(200 * 1_000_000_000_000, 10_000), 200 * 1_000_000_000_000);
    }

    #[test]
    fn a_floor_stays_between_its_ends() {
        assert_eq!(floor_of(20_000, 500, 300, 5_000), 1_000);
        assert_eq!(floor_of(1_000, 500, 300, 5_000), 300);
        assert_eq!(floor_of(2_000_000, 500, 300, 5_000), 5_000);
        assert_eq!(floor_of(20_000, 500, 400, 300), 300, "ends the wrong way round must not trap");
    }
}
