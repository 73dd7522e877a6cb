//! What an order's delays paid before. Money and grants are listed by episode; of which lines an episode was is in its record.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ombud_core::ids::MerchantId;
use ombud_core::money::{LinePart, episode_of, late_keys};
use ombud_rules::after_sale::largest_remainder;
use ombud_rules::contract::delay::{CompForm, DelayCase, DelayLine, Episode, Granted};
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

    /// What they paid of an after-sales case, in fen.
    pub(super) fn of(&self, after_sale_id: &str) -> i64 {
        let own = self.parts.iter().filter(|(key, _)| key == after_sale_id);
        own.fold(0, |sum: i64, (_, part)| sum.saturating_add(part.amount))
    }

    /// Of which lines they are.
    pub(super) fn line_parts(&self) -> impl Iterator<Item = LinePart<'_>> {
        let case = |seq: u64| self.cases.get(&seq)?.as_ref();
        self.parts.iter().filter_map(move |(key, part)| Some(LinePart::late(case(part.seq)?, key, part.amount)))
    }
}

/// What was granted for the order's delays. A grant is of the lines of its episode, by what they cost: a delay that is told again under another name,
/// or in parts, is compensated once (DC-060).
pub(super) fn grants(
    reads: &(impl Reads + ?Sized),
    merchant: &MerchantId,
    delay: &DelayCase,
    delayed: impl Fn(u64) -> Result<Option<DelayCase>, StoreError>,
) -> Result<Vec<Granted>, StoreError> {
    let mut grants = Vec::new();
    for row in reads.grants(merchant, &delay.order_id)? {
        let Some(form) = CompForm::parse(&row.form) else { continue };
        let shares = match delayed(row.seq)? {
            Some(before) => shares(delay, &before, &row.episode_id, row.value),
            None => vec![(row.episode_id.as_str(), row.value)],
        };
        let granted = |(episode, value): (&str, i64)| Granted { episode_id: episode.to_owned(), form, value, by_platform: false };
        grants.extend(shares.into_iter().map(granted));
    }
    Ok(grants)
}

/// What of a grant each episode at hand has, and which stays with the grant's own where no other of its kind is about its lines.
fn shares<'e>(delay: &'e DelayCase, before: &DelayCase, episode: &'e str, value: i64) -> Vec<(&'e str, i64)> {
    let kind = before.episodes.iter().find(|own| own.episode_id == episode).map(|own| own.kind);
    let at_hand = || delay.episodes.iter().filter(|own| Some(own.kind) == kind);
    let own = delay.episodes.iter().map(|own| own.episode_id.as_str()).find(|own| *own == episode);
    let mut costs: Vec<(&str, i64)> = Vec::new();
    let mut elsewhere = 0;
    for line in before.lines.iter().filter(|line| is_about(before, episode, &line.line_id)) {
        let about = |own: &&Episode| is_about(delay, &own.episode_id, &line.line_id);
        let same = at_hand().filter(|at_hand| at_hand.episode_id == episode).find(about);
        match same.or_else(|| at_hand().find(about)).map(|own| own.episode_id.as_str()) {
            Some(own) => match costs.iter_mut().find(|(known, _)| *known == own) {
                Some((_, cost)) => *cost += line.paid.max(0),
                None => costs.push((own, line.paid.max(0))),
            },
            None => elsewhere += line.paid.max(0),
        }
    }
    // Of lines that are not at hand it stays where the rest is.
    let rest = own.or_else(|| costs.first().map(|(own, _)| *own)).or_else(|| of_same_lines(delay, before, episode)).unwrap_or(episode);
    match costs.iter_mut().find(|(known, _)| *known == rest) {
        Some((_, cost)) => *cost += elsewhere,
        None => costs.push((rest, elsewhere)),
    }
    let weights: Vec<i64> = costs.iter().map(|(_, cost)| *cost).collect();
    if weights.iter().all(|weight| *weight == 0) {
        return vec![(rest, value)];
    }
    let shares = largest_remainder(value.saturating_abs(), &weights);
    costs.iter().zip(shares).map(|((own, _), share)| (*own, share * value.signum())).filter(|(_, share)| *share != 0).collect()
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
