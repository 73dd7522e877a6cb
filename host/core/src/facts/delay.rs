//! The delay case.

use ombud_rules::contract::delay::{DelayCase, DelayKind, DelayLine, Granted};
use ombud_rules::contract::types::{Attribute, Fen};

use super::either;
use crate::history::History;
use crate::money::{EPISODE_AFTER_SALE, after_sale_of};
use crate::problem::Problem;

/// The case of an event with the host's own refunds and grants.
pub(super) fn case(input: &DelayCase, history: &History) -> DelayCase {
    let line = |line: &DelayLine| {
        let own = history.delay.lines.iter().find(|known| known.line_id == line.line_id).map_or(0, |known| known.refunded);
        DelayLine { refunded: line.refunded.max(own), ..line.clone() }
    };
    DelayCase {
        order_id: input.order_id.clone(),
        lines: input.lines.iter().map(line).collect(),
        episodes: input.episodes.clone(),
        already: union(&input.already, &history.delay.grants),
        demanded: input.demanded,
        extortion_flag: either(input.extortion_flag, history.customer.extortion),
        attributes: input.attributes.iter().cloned().chain(named(input, history)).collect(),
    }
}

/// Names the after-sales case of each late refund that goes by the case's id, as the event may do itself.
fn named(input: &DelayCase, history: &History) -> Vec<Attribute> {
    let late = input.episodes.iter().filter(|episode| episode.kind == DelayKind::RefundProcessing).map(|episode| &episode.episode_id);
    let unnamed = late.filter(|episode| history.delay.own_cases.contains(episode) && after_sale_of(input, episode).is_none());
    unnamed.map(|episode| Attribute { key: format!("{EPISODE_AFTER_SALE}{episode}"), value: episode.clone() }).collect()
}

/// Where an event names an after-sales case of another order or customer: its refund is not this order's.
pub(super) fn foreign_cases(input: &DelayCase, history: &History, data: &str) -> Vec<Problem> {
    let foreign =
        |attribute: &Attribute| attribute.key.starts_with(EPISODE_AFTER_SALE) && history.delay.foreign_cases.contains(&attribute.value);
    let attributes = input.attributes.iter().enumerate().filter(|(_, attribute)| foreign(attribute));
    let problem = |(at, _): (usize, &Attribute)| {
        Problem::at(format!("{data}/delay/attributes/{at}/value"), "is an after-sales case of another order or customer")
            .allowed("a case of this order and customer, or no such attribute")
    };
    attributes.map(problem).collect()
}

/// What both know of grants. The same grant may be reported by the helpdesk and stand in the host's records, so that for
/// one episode, form and payer the larger sum counts, not both.
fn union(event: &[Granted], own: &[Granted]) -> Vec<Granted> {
    let same = |one: &Granted, other: &Granted| {
        one.episode_id == other.episode_id && one.form == other.form && one.by_platform == other.by_platform
    };
    let sum = |grants: &[Granted], grant: &Granted| -> Fen {
        grants.iter().filter(|other| same(grant, other)).fold(0, |sum, other| sum.saturating_add(other.value))
    };
    let mut union = event.to_vec();
    for (at, grant) in own.iter().enumerate() {
        if own.iter().take(at).any(|earlier| same(earlier, grant)) {
            continue;
        }
        let beyond = sum(own, grant).saturating_sub(sum(event, grant));
        if beyond > 0 {
            union.push(Granted { value: beyond, ..grant.clone() });
        }
    }
    union
}
