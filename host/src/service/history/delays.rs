//! What an order's delays paid before. Money and grants are listed by episode; of which lines an episode was is in its record.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ombud_core::ids::MerchantId;
use ombud_core::money::{LinePart, episode_of, late_keys};
use ombud_rules::contract::delay::{CompForm, DelayCase, DelayLine, Granted};
use ombud_store::{IntentPart, Reads, StoreError};

/// What an order's delays refunded. They go by episodes of the order's own, or by the after-sales case that they name: what that case paid itself is
/// not among them.
pub(super) struct Refunds {
    /// Key and part.
    parts: Vec<(String, IntentPart)>,
    /// The cases of the records that paid them; what was erased is of no line any more.
    cases: BTreeMap<u64, Option<DelayCase>>,
}

impl Refunds {
    /// Reads them. `delayed` reads the case of a record.
    pub(super) fn read(
        reads: &(impl Reads + ?Sized),
        merchant: &MerchantId,
        order: &str,
        delayed: impl Fn(u64) -> Result<Option<DelayCase>, StoreError>,
    ) -> Result<Self, StoreError> {
        let mut parts = reads.delayed_refunds(merchant, order)?;
        // Each record is opened once, whatever it paid.
        let mut cases: BTreeMap<u64, Option<DelayCase>> = BTreeMap::new();
        for seq in reads.refunding_delays(merchant, order)? {
            let Some(case) = cases.entry(seq).or_insert(delayed(seq)?) else { continue };
            for late in late_keys(case).into_iter().filter(|late| episode_of(order, &late.key).is_none()) {
                let own = reads.intent(merchant, &late.key, late.payment)?.into_iter().filter(|part| part.seq == seq);
                parts.extend(own.map(|part| (late.key.clone(), part)));
            }
        }
        for (_, part) in &parts {
            if let Entry::Vacant(place) = cases.entry(part.seq) {
                place.insert(delayed(part.seq)?);
            }
        }
        Ok(Self { parts, cases })
    }

    /// Of which lines they are.
    pub(super) fn line_parts(&self) -> impl Iterator<Item = LinePart<'_>> {
        let case = |seq: u64| self.cases.get(&seq)?.as_ref();
        self.parts.iter().filter_map(move |(key, part)| Some(LinePart::late(case(part.seq)?, key, part.amount)))
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
