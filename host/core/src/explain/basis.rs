//! What a customer is told that a decision rests on: the law of what stands, and of nothing that a person overturned.

use ombud_rules::contract::types::Citation;

use super::later::Became;
use super::outcomes::Told;
use super::recorded::RecordedDecision;
use super::{ActOf, PersonAct, sources};
use crate::chain::ReasonBy;
use crate::decision::DecisionReason;
use crate::kind::Kind;
use crate::messages::Locale;
use crate::money::{Due, due_of};

/// The regulation on blackmail of merchants (消法实施条例 49(2)). Who is cited it reads that a crime is suspected.
const BLACKMAIL: (&str, &str) = ("消费者权益保护法实施条例", "第49条");

/// The fact that somebody suspects extortion. A rule that read it says so by being named.
const SUSPICION: &str = "extortion-flag";

/// What a customer may do, whatever measure is in force (消法 24, 25, 48): named where a measure leaves it untouched, and no ground of one.
const UNTOUCHED: (&str, [&str; 3]) = ("消费者权益保护法", ["第24条", "第25条", "第48条"]);

/// What stands rests on a person's review where a person changed it, else on the sources of the rule that decided, then on those of the others;
/// internal ones are left out.
pub(super) fn of(
    recorded: &RecordedDecision,
    told: Told<'_>,
    last: Option<&PersonAct>,
    ended: Option<Became>,
    locale: Locale,
) -> Vec<String> {
    if last.is_some_and(|act| is_changed(recorded, act)) || ended == Some(Became::Granted) {
        return vec![
            match locale {
                Locale::ZhCn => "人工复核（您可要求说明理由）",
                Locale::En => "a person's review of your case (you may ask for the reasons)",
            }
            .to_owned(),
        ];
    }
    let deciding = recorded.deciding();
    let reasons = &recorded.decision.reasons;
    let public = |reason: &DecisionReason| -> Vec<String> {
        let told = reason.citations.iter().filter(|own| may_be_told(recorded.decision.kind, reason, own));
        told.filter_map(|own| sources::public(own, recorded.platform, locale)).collect()
    };
    let first = deciding.and_then(|at| reasons.get(at));
    let others = reasons.iter().enumerate().filter(|(at, _)| Some(*at) != deciding).map(|(_, reason)| reason);
    let mut basis: Vec<String> = Vec::new();
    for cited in first.into_iter().chain(others).flat_map(public) {
        if !basis.contains(&cited) {
            basis.push(cited);
        }
    }
    // What the shop's own rule decided rests on no law that others of the rules name; and no law cited here restricts anybody by itself.
    let own = first.is_some_and(|reason| reason.by == ReasonBy::Policy && public(reason).is_empty());
    if own || basis.is_empty() || told.restricts(recorded.decision.kind) {
        basis.insert(0, sources::own(locale).to_owned());
    }
    basis
}

/// Whether something else stands since a person's act than what was decided or proposed. An appeal that was taken back changed nothing.
fn is_changed(recorded: &RecordedDecision, act: &PersonAct) -> bool {
    let decision = &recorded.decision;
    let same = act.amounts == decision.amounts;
    match act.act {
        ActOf::Approve => false,
        ActOf::Cancel => decision.kind != Kind::Blacklist,
        ActOf::Amend if act.outcome == decision.outcome => !same,
        // Exactly what was proposed is no other thing than its approval.
        ActOf::Amend => !(same && act.amounts.any() && decision.due == Due::Proposal && due_of(decision.kind, &act.outcome) == Due::Now),
    }
}

/// Whether a source of a reason may be told as what a decision rests on.
fn may_be_told(kind: Kind, reason: &DecisionReason, citation: &Citation) -> bool {
    let begins = |place: &&str| citation.locator.starts_with(*place);
    if kind == Kind::Blacklist {
        return citation.source != UNTOUCHED.0 || !UNTOUCHED.1.iter().any(begins);
    }
    // A suspicion that nobody confirmed is nothing that was decided about the customer.
    let suspects = reason.facts.iter().any(|fact| fact.path.rsplit('.').next() == Some(SUSPICION));
    !suspects && (citation.source != BLACKMAIL.0 || !begins(&BLACKMAIL.1))
}
