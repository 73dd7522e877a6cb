//! The outcome after guardrails and caps, with its reasons: what the helpdesk gets and the record keeps. Pure: the same
//! judged case, usage and limits give the same decision, byte for byte.

mod counted;

use ombud_rules::contract::delay::Outcome;
use ombud_rules::contract::types::{Alert, Arg, Citation, Context, Fact, InstantMs, Message, Platform, Reason, Severity};
use serde::{Deserialize, Serialize};

use crate::call_limits::CallLimits;
use crate::caps::{self, CapLimits, CapResult, CapReview, Demand};
use crate::case::Case;
use crate::chain::{Judged, ReasonBy, ReviewResult};
use crate::disposition::{self, Disposition};
use crate::edition::Edition;
use crate::explain::sources;
use crate::fallback::{self, Fallbacks};
use crate::fault::{FaultCode, FaultOf};
use crate::kind::Kind;
use crate::messages::{self, Locale};
use crate::money::{self, Amounts, Due, Intent, Late, Payment};
use crate::rollout::RolloutNote;
use crate::ruling::Ruling;

pub use counted::{Counted, Earlier};

/// The policy version that ruled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PolicyRef {
    /// The merchant's name for the policy.
    pub name: String,
    /// The readable version.
    pub version: String,
    /// SHA-256 of the component, hex.
    pub component: String,
    /// SHA-256 of the settings, hex.
    pub settings: String,
}

/// One reason of the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DecisionReason {
    /// `AS-305`, `GR-101`, `CAP-21` …
    pub rule: String,
    /// Who gave it.
    pub by: ReasonBy,
    /// How grave.
    pub severity: Severity,
    /// What was read.
    pub facts: Vec<Fact>,
    /// Law or business rule.
    pub citations: Vec<Citation>,
}

/// A message to the customer, written out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DecisionMessage {
    /// The template's key.
    pub key: String,
    /// Simplified Chinese.
    pub zh_cn: String,
    /// English.
    pub en: String,
}

/// Why a fallback stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DecisionFault {
    /// Policy or guardrail.
    pub of: FaultOf,
    /// What happened.
    pub code: FaultCode,
    /// What its owner needs to mend it.
    pub detail: String,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Decision {
    /// The kind.
    pub kind: Kind,
    /// The outcome's wire name.
    pub outcome: String,
    /// What every helpdesk understands without knowing the kind.
    pub disposition: Disposition,
    /// Adverse and significant: the customer may ask for a person and an explanation (PIPL art. 24(3)).
    pub adverse: bool,
    /// When the amounts fall due.
    pub due: Due,
    /// Fen.
    pub amounts: Amounts,
    /// ISO 4217.
    pub currency: String,
    /// Every reason in the order policy, guardrail, caps.
    pub reasons: Vec<DecisionReason>,
    /// Messages to the customer.
    pub messages: Vec<DecisionMessage>,
    /// The ruling that stands.
    pub ruling: Ruling,
    /// The policy version; none where no policy is bound, or none may run.
    pub policy: Option<PolicyRef>,
    /// How that version came to answer; left out where it is the active one and answered alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutNote>,
    /// What the guardrail did.
    pub guardrail: ReviewResult,
    /// What the caps did.
    pub caps: CapReview,
    /// Why a fallback stands, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<DecisionFault>,
}

/// The host's own inputs of a decision, beside case and ruling; part of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The merchant's caps.
    pub caps: CapLimits,
    /// The merchant's settling currency.
    pub currency: String,
    /// The merchant's fallbacks.
    pub fallback: Fallbacks,
    /// What the calls of policy and guardrail may use; left out where it is what is built in.
    #[serde(default, skip_serializing_if = "CallLimits::are_default")]
    pub limits: CallLimits,
    /// By which edition of the host's rules it is concluded; left out where it is the first.
    #[serde(default, skip_serializing_if = "Edition::is_first")]
    pub edition: Edition,
}

/// On which platform a decision is made, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The order's platform, whose own rules are named to its customers.
    pub platform: Platform,
    /// Now.
    pub now: InstantMs,
}

impl From<&Context> for At {
    fn from(ctx: &Context) -> Self {
        Self { platform: ctx.platform, now: ctx.now }
    }
}

/// The last pure step: caps, then the whole decision. Returns it with the intents that it pays.
pub fn conclude(
    case: &Case,
    judged: Judged,
    policy: Option<PolicyRef>,
    terms: &Terms,
    counted: &Counted,
    at: At,
) -> (Decision, Vec<Intent>) {
    let Judged { mut ruling, reasons, review, fault } = judged;
    let late = late(case, money::amounts(&ruling).refund, terms.edition, counted);
    let intents = named(case, &ruling, late.as_deref());
    let demand = Demand {
        due: money::due(&ruling),
        amounts: money::amounts(&ruling),
        balance: balance(case, terms.edition, counted),
        currency: terms.currency.clone(),
        already_paid: intents.iter().any(|intent| counted.restated(intent).is_none()),
        restated: match &late {
            Some(late) => late.iter().fold(0, |sum: i64, late| sum.saturating_add(late.stated)),
            None => intents.iter().filter_map(|intent| counted.restated(intent)).fold(0, i64::saturating_add),
        },
    };
    let mut caps = caps::check(&demand, &counted.usage, &terms.caps);
    caps.on_record.clone_from(&counted.on_record);
    caps.restated.clone_from(&counted.restated);
    caps.beside.clone_from(&counted.beside);
    let mut reasons: Vec<DecisionReason> = reasons.into_iter().map(|(by, reason)| decision_reason(by, reason)).collect();
    for mark in &caps.breaches {
        reasons.push(cap_reason(mark));
    }
    match caps.result {
        CapResult::Uphold => {}
        CapResult::Amend => lower_to_balance(&mut ruling, caps.refund, terms.edition, late.as_deref()),
        CapResult::Escalate => {
            if caps.refund < demand.amounts.refund {
                lower_to_balance(&mut ruling, caps.refund, terms.edition, late.as_deref());
            }
            let cap = caps.breaches.iter().find(|mark| mark.cap != caps::BALANCE);
            ruling = fallback::proposal(&ruling, cap.map(|mark| mark.cap.as_str()), at.now);
        }
    }
    if terms.edition >= Edition::Second {
        fallback::withhold(case, &mut ruling, terms.edition, at.now);
    }
    let due = money::due(&ruling);
    if let (Ruling::Delay(ruling), Due::Now) = (&mut ruling, due)
        && let Some(late) = self::late(case, ruling.total_refund_due, terms.edition, counted)
    {
        money::tell_late(ruling, &late);
    }
    let paid = paid(case, &ruling, counted, terms.edition);
    let decision = Decision {
        kind: case.kind(),
        outcome: ruling.outcome().to_owned(),
        disposition: disposition::of(&ruling),
        adverse: disposition::adverse(&ruling),
        due,
        amounts: money::amounts(&ruling),
        currency: terms.currency.clone(),
        messages: write_out(&ruling, &reasons, at.platform, terms.edition),
        reasons,
        policy,
        rollout: None,
        guardrail: review,
        caps,
        fault: fault.map(|(of, fault)| DecisionFault { of, code: fault.code, detail: fault.detail }),
        ruling,
    };
    (decision, paid)
}

/// A delay's late refunds with `total` fen spread over them, since the third edition; none for other cases and before.
fn late<'c>(case: &'c Case, total: i64, edition: Edition, counted: &Counted) -> Option<Vec<Late<'c>>> {
    let Case::Delay(case) = case else { return None };
    let on_record = |key: &str| {
        let name = Intent { key: key.to_owned(), payment: Payment::Refund, amount: 0, restates: true }.name();
        match counted.restated.iter().find(|own| own.intent == name) {
            // Another order's or another customer's: of that a person is asked (CAP-03), whatever the lines bear.
            Some(own) if own.amount == 0 => i64::MAX,
            Some(own) => own.amount,
            None => 0,
        }
    };
    (edition >= Edition::Third).then(|| money::spread_beside(case, &counted.beside, total, on_record))
}

/// The payments that a ruling names: its refunds as they are spread, where they are.
fn named(case: &Case, ruling: &Ruling, late: Option<&[Late<'_>]>) -> Vec<Intent> {
    let mut intents = money::intents(case, ruling);
    if let Some(late) = late {
        intents.retain(|intent| intent.payment != Payment::Refund);
        let whole: Vec<Late<'_>> = late.iter().map(|late| Late { new: late.new.saturating_add(late.stated), ..late.clone() }).collect();
        intents.extend(money::new_payments(&whole));
    }
    intents
}

/// What may still be refunded (CAP-01). In the first edition a delayed refund was held against nothing but itself.
fn balance(case: &Case, edition: Edition, counted: &Counted) -> Option<i64> {
    if let Some(late) = late(case, i64::MAX, edition, counted) {
        return Some(late.iter().fold(0, |sum: i64, late| sum.saturating_add(late.stated).saturating_add(late.new)));
    }
    match case {
        Case::Delay(case) if edition >= Edition::Second => {
            Some(money::delayed_balance(case, |intent| counted.restated(intent).unwrap_or(0)))
        }
        case => money::balance(case),
    }
}

/// The payments that a ruling which stands makes itself: what merely states again what is on record is not among them.
pub fn paid(case: &Case, ruling: &Ruling, counted: &Counted, edition: Edition) -> Vec<Intent> {
    if money::due(ruling) != Due::Now {
        return Vec::new();
    }
    let mut paid = money::intents(case, ruling);
    if let Some(late) = late(case, money::amounts(ruling).refund, edition, counted) {
        paid.retain(|intent| intent.payment != Payment::Refund);
        paid.extend(money::new_payments(&late));
        paid.sort();
        return paid;
    }
    for intent in &mut paid {
        intent.amount -= counted.restated(intent).unwrap_or(0);
    }
    paid.retain(|intent| intent.amount > 0);
    paid
}

/// What exceeds the balance is taken off, and somebody looks how a policy came to pay it (CAP-01).
fn lower_to_balance(ruling: &mut Ruling, refund: i64, edition: Edition, late: Option<&[Late<'_>]>) {
    money::lower_refund(ruling, refund, edition, late.unwrap_or_default());
    let nothing = edition >= Edition::Second && !money::amounts(ruling).any();
    if let Ruling::Delay(ruling) = ruling
        && nothing
        && ruling.outcome == Outcome::Compensate
    {
        // Nobody is compensated with nothing.
        ruling.outcome = Outcome::None;
    }
    let alert = Alert { code: "cap-balance".into(), severity: Severity::High, rule: caps::BALANCE.into() };
    ruling.notes_mut().alerts.push(alert);
}

fn decision_reason(by: ReasonBy, reason: Reason) -> DecisionReason {
    DecisionReason { rule: reason.rule, by, severity: reason.severity, facts: reason.facts, citations: reason.citations }
}

fn cap_reason(mark: &caps::CapMark) -> DecisionReason {
    let fact = |path: &str, value: i64| Fact { path: path.to_owned(), value: value.to_string() };
    DecisionReason {
        rule: mark.cap.clone(),
        by: ReasonBy::Host,
        severity: Severity::High,
        facts: vec![fact("caps.used", mark.used), fact("caps.asked", mark.asked), fact("caps.limit", mark.limit)],
        citations: vec![Citation { source: "ombud money caps".into(), locator: mark.cap.clone() }],
    }
}

/// Messages that a template knows, in both languages. A policy's own key has no text here: it stays in the ruling.
fn write_out(ruling: &Ruling, reasons: &[DecisionReason], platform: Platform, edition: Edition) -> Vec<DecisionMessage> {
    let written = |message: &Message| {
        let rule = message.key.strip_prefix(messages::EXPLANATION).filter(|_| edition >= Edition::Third);
        let reason = rule.and_then(|rule| reasons.iter().find(|reason| reason.rule.eq_ignore_ascii_case(rule)));
        let text = |locale: Locale| match reason {
            Some(reason) => messages::render(&based(message, reason, platform, locale), locale.tag()),
            None => messages::render(message, locale.tag()),
        };
        Some(DecisionMessage { key: message.key.clone(), zh_cn: text(Locale::ZhCn)?, en: text(Locale::En)? })
    };
    ruling.notes().messages.iter().filter_map(written).collect()
}

/// A message on the basis of a rule with what that rule cites, as it applies to customers of this platform; where that is nothing public, it is
/// the shop's own.
fn based(message: &Message, reason: &DecisionReason, platform: Platform, locale: Locale) -> Message {
    let public: Vec<String> = reason.citations.iter().filter_map(|citation| sources::public(citation, Some(platform), locale)).collect();
    let between = if locale == Locale::ZhCn { "、" } else { "; " };
    let value = if public.is_empty() { sources::own(locale).to_owned() } else { public.join(between) };
    Message { args: vec![Arg { key: "rule".into(), value }], ..message.clone() }
}

#[cfg(test)]
mod tests;
