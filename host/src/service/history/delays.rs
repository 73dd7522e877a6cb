//! What an order's delays paid before. Money and grants are listed by episode; of which lines an episode was is in its record.

use ombud_core::history::LineHistory;
use ombud_core::ids::MerchantId;
use ombud_core::money::episode_of;
use ombud_rules::after_sale::largest_remainder;
use ombud_rules::contract::delay::{CompForm, DelayCase, DelayLine, Granted};
use ombud_store::{Reads, StoreError};

/// Refunds by the order's own episodes, which no after-sales case has.
pub(super) struct Delays(Vec<(String, Vec<LineHistory>)>);

impl Delays {
    /// Reads them; `delayed` reads the case of a record. What was erased is of no line any more.
    pub(super) fn read(
        reads: &(impl Reads + ?Sized),
        merchant: &MerchantId,
        order: &str,
        delayed: impl Fn(u64) -> Result<Option<DelayCase>, StoreError>,
    ) -> Result<Self, StoreError> {
        let mut refunds = Vec::new();
        for (key, part) in reads.delayed_refunds(merchant, order)? {
            let (Some(episode), Some(case)) = (episode_of(order, &key), delayed(part.seq)?) else { continue };
            let lines: Vec<&DelayLine> = case.lines.iter().filter(|line| is_about(&case, episode, &line.line_id)).collect();
            let shares = largest_remainder(part.amount, &lines.iter().map(|line| line.paid.max(0)).collect::<Vec<i64>>());
            let line = |(line, refunded): (&&DelayLine, i64)| LineHistory { line_id: line.line_id.clone(), refunded, qty_returned: 0 };
            refunds.push((episode.to_owned(), lines.iter().zip(shares).map(line).collect()));
        }
        Ok(Self(refunds))
    }

    /// What the episodes that are asked for refunded, by line; a line may stand there several times.
    pub(super) fn refunded(&self, of: impl Fn(&str) -> bool) -> Vec<LineHistory> {
        self.0.iter().filter(|(episode, _)| of(episode)).flat_map(|(_, lines)| lines).cloned().collect()
    }
}

/// What was granted for the order's delays. A grant of an episode that the event does not have stands under one of the same lines which it
/// does have: a delay that is told again under another name is compensated once (DC-060).
pub(super) fn grants(
    reads: &(impl Reads + ?Sized),
    merchant: &MerchantId,
    delay: &DelayCase,
    delayed: impl Fn(u64) -> Result<Option<DelayCase>, StoreError>,
) -> Result<Vec<Granted>, StoreError> {
    let mut grants = Vec::new();
    for row in reads.grants(merchant, &delay.order_id)? {
        let Some(form) = CompForm::parse(&row.form) else { continue };
        let at_hand = delay.episodes.iter().any(|episode| episode.episode_id == row.episode_id);
        let same_lines = match at_hand {
            true => None,
            false => delayed(row.seq)?.and_then(|before| of_same_lines(delay, &before, &row.episode_id)),
        };
        let episode_id = same_lines.unwrap_or(&row.episode_id).to_owned();
        grants.push(Granted { episode_id, form, value: row.value, by_platform: false });
    }
    Ok(grants)
}

/// The first episode at hand that is about a line which the earlier one was about.
fn of_same_lines<'d>(delay: &'d DelayCase, before: &DelayCase, episode: &str) -> Option<&'d str> {
    let was_about = |line: &&DelayLine| is_about(before, episode, &line.line_id);
    let lines: Vec<&str> = before.lines.iter().filter(was_about).map(|line| line.line_id.as_str()).collect();
    let same = |own: &str| lines.iter().any(|line| is_about(delay, own, line));
    delay.episodes.iter().map(|own| own.episode_id.as_str()).find(|own| same(own))
}

/// Whether an episode of a case is about a line; one that names none is about all of them.
fn is_about(case: &DelayCase, episode: &str, line_id: &str) -> bool {
    let named = case.episodes.iter().find(|own| own.episode_id == episode).map(|own| &own.line_ids);
    named.is_some_and(|named| named.is_empty() || named.iter().any(|named| named == line_id))
}
