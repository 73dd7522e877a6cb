//! What stands when no ruling does: the kind's fallback, and a ruling turned into a proposal to a person.

use ombud_rules::civil::HOUR_MS;
use ombud_rules::contract::after_sale::{self, AfterSaleRuling, Payer};
use ombud_rules::contract::blacklist::{self, BlacklistRuling};
use ombud_rules::contract::delay::{self, DelayRuling};
use ombud_rules::contract::reply::{ReplyRuling, Verdict};
use ombud_rules::contract::types::{ApprovalRequest, Arg, CustomerMeasure, Fact, InstantMs, Message, Notes, Reason, Role, Severity};
use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::edition::Edition;
use crate::fault::Fault;
use crate::measure::{Effect, effect};
use crate::money;
use crate::ruling::Ruling;

/// Hours within which a person answers; the SLA of an escalation (domain policies 5.5, SL-010).
const PERSON_HOURS: i64 = 24;

/// The rule id under which the host gives its fallback.
const FALLBACK_RULE: &str = "HOST-FALLBACK";

/// A merchant's fallbacks: only outcomes that wait for a person and refuse nobody anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fallbacks {
    /// `human-review` (default) or `escalate`.
    pub after_sale: PersonFallback,
    /// `human-review` (default) or `escalate`.
    pub delay: PersonFallback,
    /// `hold-for-evidence` (default) or `block`.
    pub reply: ReplyFallback,
}

/// To whom a ruling falls back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PersonFallback {
    /// The queue of human review.
    #[default]
    HumanReview,
    /// A supervisor at once.
    Escalate,
}

/// What happens to a draft that could not be checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReplyFallback {
    /// Held until a person looks.
    #[default]
    HoldForEvidence,
    /// Not to be sent.
    Block,
}

impl Default for Fallbacks {
    fn default() -> Self {
        Self { after_sale: PersonFallback::HumanReview, delay: PersonFallback::HumanReview, reply: ReplyFallback::HoldForEvidence }
    }
}

/// The fallback's ruling for a case, naming the fault.
pub fn ruling(case: &Case, fallbacks: &Fallbacks, fault: &Fault, now: InstantMs) -> Ruling {
    let reason = Reason {
        rule: FALLBACK_RULE.into(),
        severity: Severity::High,
        facts: vec![Fact { path: "fault".into(), value: fault.code.as_str().into() }],
        citations: Vec::new(),
    };
    let mut notes = Notes { reasons: vec![reason], ..Notes::empty() };
    notes.approvals.push(ask(Role::Supervisor, FALLBACK_RULE, now));
    match case {
        Case::AfterSale(_) => {
            notes.messages.push(human_review());
            let outcome = match fallbacks.after_sale {
                PersonFallback::HumanReview => after_sale::Outcome::HumanReview,
                PersonFallback::Escalate => after_sale::Outcome::Escalate,
            };
            Ruling::AfterSale(AfterSaleRuling {
                outcome,
                options: Vec::new(),
                refund: 0,
                breakdown: Vec::new(),
                return_freight: Payer::NotApplicable,
                window_deadline: None,
                refund_deadline: None,
                statutory_exposure: None,
                missing_evidence: Vec::new(),
                notes,
            })
        }
        Case::Delay(_) => {
            notes.messages.push(human_review());
            let outcome = match fallbacks.delay {
                PersonFallback::HumanReview => delay::Outcome::HumanReview,
                PersonFallback::Escalate => delay::Outcome::Escalate,
            };
            Ruling::Delay(DelayRuling {
                outcome,
                processing_order: Vec::new(),
                awards: Vec::new(),
                total_cash: 0,
                total_coupon: 0,
                total_refund_due: 0,
                notes,
            })
        }
        Case::Blacklist(case) => Ruling::Blacklist(BlacklistRuling {
            outcome: blacklist::Outcome::Escalate,
            measure: case.current_measure,
            next_role: Some(Role::Supervisor),
            missing: Vec::new(),
            review_by: case.review_by,
            counted_incidents: 0,
            notes,
        }),
        Case::Reply(case) => Ruling::Reply(ReplyRuling {
            verdict: match fallbacks.reply {
                ReplyFallback::HoldForEvidence => Verdict::HoldForEvidence,
                ReplyFallback::Block => Verdict::Block,
            },
            findings: Vec::new(),
            masked_text: case.text.clone(),
            notes,
        }),
    }
}

/// Obligations that hand out money: whoever works them off would pay what a person has yet to decide.
const PAYING: &[&str] = &["refund-now", "refund-after-receipt", "pay-cash", "pay-solatium", "issue-coupon", "apology-gift"];

/// A ruling that a person must decide because of `rule`: the amounts and deadlines stay as a proposal, nothing is paid, and what the
/// merchant wanted to tell the customer is not sent.
pub fn proposal(ruling: &Ruling, rule: Option<&str>, now: InstantMs) -> Ruling {
    let mut proposal = ruling.clone();
    match &mut proposal {
        Ruling::AfterSale(ruling) => ruling.outcome = after_sale::Outcome::Escalate,
        Ruling::Delay(ruling) => ruling.outcome = delay::Outcome::Escalate,
        Ruling::Blacklist(ruling) => {
            ruling.outcome = blacklist::Outcome::Escalate;
            ruling.next_role.get_or_insert(Role::Compliance);
        }
        Ruling::Reply(ruling) => {
            if !matches!(ruling.verdict, Verdict::Block) {
                ruling.verdict = Verdict::HoldForEvidence;
            }
        }
    }
    let to_customer = matches!(proposal, Ruling::AfterSale(_) | Ruling::Delay(_));
    let own = proposal.notes().reasons.first().map(|reason| reason.rule.clone());
    let rule = rule.map(str::to_owned).or(own).unwrap_or_else(|| FALLBACK_RULE.to_owned());
    let notes = proposal.notes_mut();
    notes.obligations.retain(|obligation| !PAYING.contains(&obligation.action.as_str()));
    notes.messages.clear();
    if to_customer {
        notes.messages.push(human_review());
    }
    if notes.approvals.is_empty() {
        notes.approvals.push(ask(Role::Supervisor, &rule, now));
    }
    proposal
}

/// Takes from a ruling with money that waits for a person what would pay or promise it before that person has decided: the amounts stay, as
/// a proposal to the person. What a customer is to choose from is no promise. And since the third edition from a blacklist request what tells
/// the customer of a measure that nobody has imposed; a restriction that a supervisor's approval puts in force is told since the fourth. What waits for a
/// person has one who is asked, and a customer who knows of it, since the fourth as well, whatever its policy forgot.
pub fn withhold(case: &Case, ruling: &mut Ruling, edition: Edition, now: InstantMs) {
    if let (Case::Blacklist(case), Ruling::Blacklist(ruling)) = (case, &mut *ruling)
        && edition >= Edition::Third
        && !matches!(ruling.outcome, blacklist::Outcome::Execute | blacklist::Outcome::ExecuteDeferred)
        && !(edition >= Edition::Fourth && effect(case, ruling, case.current_measure) == Effect::Puts(CustomerMeasure::ServiceRestricted))
    {
        ruling.notes.messages.clear();
    }
    let waits = match ruling {
        Ruling::AfterSale(ruling) => matches!(ruling.outcome, after_sale::Outcome::HumanReview | after_sale::Outcome::Escalate),
        Ruling::Delay(ruling) => {
            matches!(ruling.outcome, delay::Outcome::CompensateWithApproval | delay::Outcome::HumanReview | delay::Outcome::Escalate)
        }
        Ruling::Blacklist(_) | Ruling::Reply(_) => false,
    };
    if !waits {
        return;
    }
    let pays = money::amounts(ruling).any();
    let own = ruling.notes().reasons.first().map_or(FALLBACK_RULE, |reason| reason.rule.as_str()).to_owned();
    let notes = ruling.notes_mut();
    if pays {
        notes.obligations.retain(|obligation| !PAYING.contains(&obligation.action.as_str()));
        notes.messages = vec![human_review()];
    }
    if edition >= Edition::Fourth {
        // Whatever waits is waited for by somebody, and the customer knows it.
        if notes.approvals.is_empty() {
            notes.approvals.push(ask(Role::Supervisor, &own, now));
        }
        if notes.messages.is_empty() {
            notes.messages.push(human_review());
        }
    }
}

fn ask(role: Role, rule: &str, now: InstantMs) -> ApprovalRequest {
    ApprovalRequest { role, rule: rule.to_owned(), due: Some(now.saturating_add(PERSON_HOURS * HOUR_MS)), distinct_from: Vec::new() }
}

fn human_review() -> Message {
    let hours = Arg { key: "hours".into(), value: PERSON_HOURS.to_string() };
    Message { key: "as.human_review".into(), locale: "zh-CN".into(), args: vec![hours] }
}
