//! The explanation for an auditor: everything the record holds about why, in an order in which it can be checked.

use ombud_rules::contract::types::Severity;
use serde::{Deserialize, Serialize};

use super::evaluated::EvaluatedLine;
use super::recorded::RecordedDecision;
use super::text::readable;
use super::{ActOf, sources};
use crate::caps::{CapLimits, CapMark, CapResult, CapUsage, PAID_BEFORE};
use crate::chain::{ReasonBy, ReviewResult};
use crate::decision::DecisionFault;
use crate::kind::Kind;
use crate::messages::Locale;
use crate::money::{Amounts, Due};
use crate::rollout::RolloutNote;

/// An explanation for an auditor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ForAuditor {
    /// The decision's id.
    pub decision: String,
    /// The language of the words.
    pub lang: String,
    /// Its place in the merchant's ledger.
    pub seq: u64,
    /// Its leaf hash, hex.
    pub leaf: String,
    /// The merchant.
    pub merchant: String,
    /// The kind.
    pub kind: Kind,
    /// The outcome that was decided.
    pub outcome: String,
    /// When its money falls due; none where the body was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Due>,
    /// Fen.
    pub amounts: Amounts,
    /// ISO 4217.
    pub currency: String,
    /// The zone of the case, minutes east of UTC: the text has its times in it.
    #[serde(default)]
    pub tz_offset_min: i32,
    /// The customer's key was erased: facts, reasons and messages are gone, what the ledger's header holds is left.
    pub erased: bool,
    /// Facts, customer and persons' words are not shown to who asked: they stand as `***`.
    pub masked: bool,
    /// The event that asked for it.
    pub event: EventLine,
    /// Every rule that matched, in the order policy, guardrail, caps.
    pub rules: Vec<RuleLine>,
    /// Every fact that a matched rule read, once.
    pub facts_read: Vec<FactLine>,
    /// The rules that each version looked at that ran, the policy's first; empty where the body was erased.
    pub evaluated: Vec<EvaluatedLine>,
    /// What policy and guardrail logged while they evaluated.
    pub trace: Vec<String>,
    /// The policy version that ruled, and what it ruled before guardrail and caps; none where no policy was bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyLine>,
    /// By what right that version answered, and what the other one said that ran; left out where the active version answered alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutNote>,
    /// What the guardrail did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guardrail: Option<CallLine>,
    /// What executed them.
    pub engine: EngineLine,
    /// What the caps knew and did; none where the body was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caps: Option<CapsLine>,
    /// What the ledger's header says of the caps, where the body was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caps_header: Option<CapsHeader>,
    /// Why a fallback stands, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<DecisionFault>,
    /// Deadlines, obligations and approvals that follow.
    pub follows: Vec<DueLine>,
    /// What the customer was told.
    pub messages: Vec<String>,
    /// What persons made of it, and of appeals against its measure, oldest first.
    pub overrides: Vec<ActLine>,
    /// What happened on the ticket, this decision among it, and what followed on its blacklist request, oldest first.
    pub timeline: Vec<TimelineLine>,
    /// Where more is.
    pub links: Links,
}

/// The event behind a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EventLine {
    /// CloudEvents `type`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// CloudEvents `id` and `source`; none where they were erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// See `id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// When it happened, RFC 3339: the decision's `now`.
    pub time: String,
    /// When it was received, RFC 3339.
    pub received_at: String,
    /// The ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The customer's pseudonymous reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
}

/// A rule that matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RuleLine {
    /// The rule.
    pub rule: String,
    /// Who gave it.
    pub by: ReasonBy,
    /// Whether it decided; the others joined.
    pub decided: bool,
    /// How grave.
    pub severity: Severity,
    /// What it read.
    pub facts: Vec<FactLine>,
    /// What it rests on.
    pub basis: Vec<String>,
}

/// A fact with the value it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FactLine {
    /// Its path in the case.
    pub path: String,
    /// As recorded.
    pub value: String,
    /// For people: times in the merchant's zone.
    pub shown: String,
}

/// A component's call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CallLine {
    /// What the guardrail did; none where the body was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<ReviewResult>,
    /// SHA-256 of the component, hex.
    pub component: Option<String>,
    /// SHA-256 of the settings, hex.
    pub settings: Option<String>,
    /// Fuel used.
    pub fuel: u64,
}

/// The policy's call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PolicyLine {
    /// The merchant's name for it.
    pub name: String,
    /// The readable version.
    pub version: String,
    /// The contract it was built for.
    pub contract: String,
    /// SHA-256 of the component, hex.
    pub component: String,
    /// SHA-256 of the settings, hex.
    pub settings: String,
    /// Fuel used.
    pub fuel: u64,
    /// What it ruled before guardrail and caps; none where it gave no ruling or the body was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ruled: Option<String>,
}

/// What executed the calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EngineLine {
    /// Hash of the engine's profile, hex.
    pub profile: String,
    /// wasmtime's version.
    pub wasmtime: String,
}

/// The caps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CapsLine {
    /// What followed.
    pub result: CapResult,
    /// Every cap exceeded.
    pub breaches: Vec<CapMark>,
    /// Caps nearly used up.
    pub warnings: Vec<CapMark>,
    /// Fen counted before.
    pub used: CapUsage,
    /// The caps in force.
    pub limits: CapLimits,
    /// Fen that this decision counts.
    pub counted: Amounts,
}

/// The caps as the header of a record holds them, which no erasure takes away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CapsHeader {
    /// Every cap exceeded, as `CAP-11`.
    pub breaches: Vec<String>,
    /// Fen counted before, by window.
    pub used: CapUsage,
    /// The caps in force in fen, by window.
    pub limits: CapUsage,
}

/// Something that follows from a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DueLine {
    /// `deadline`, `obligation` or `approval`.
    pub what: String,
    /// Which.
    pub name: String,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// By when, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A person's act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ActLine {
    /// Its place in the ledger.
    pub seq: u64,
    /// Its leaf hash, hex.
    pub leaf: String,
    /// When, RFC 3339.
    pub at: String,
    /// What was done.
    pub act: ActOf,
    /// Who, by the id of the key.
    pub actor: String,
    /// In which role.
    pub role: String,
    /// Why, in that person's words.
    pub reason: String,
    /// What stands since.
    pub outcome: String,
    /// Fen that stand since.
    pub amounts: Amounts,
    /// The decision that it is on, where that is another one of the same blacklist request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
}

/// Something that happened on the ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TimelineLine {
    /// When it was recorded, RFC 3339.
    pub at: String,
    /// Its place in the ledger.
    pub seq: u64,
    /// `event`, `decision` or `act`.
    pub what: String,
    /// The event's or act's type.
    pub name: String,
    /// The outcome, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The decision's id, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// It is the decision that is explained.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub this: bool,
}

/// Paths of the interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Links {
    /// The decision with its event and facts.
    pub decision: String,
    /// Running it again (POST).
    pub replay: String,
    /// Every decision of the ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}

/// The rules of a decision, and every fact that they read, once.
pub fn rules(recorded: &RecordedDecision, tz_offset_min: i32, locale: Locale) -> (Vec<RuleLine>, Vec<FactLine>) {
    let deciding = recorded.deciding();
    let mut read: Vec<FactLine> = Vec::new();
    let mut lines = Vec::new();
    for (at, reason) in recorded.decision.reasons.iter().enumerate() {
        let facts: Vec<FactLine> = reason
            .facts
            .iter()
            .map(|fact| FactLine {
                path: fact.path.clone(),
                value: fact.value.clone(),
                // What was paid before is counted in payments, not in fen.
                shown: if reason.rule == PAID_BEFORE { fact.value.clone() } else { readable(&fact.path, &fact.value, tz_offset_min) },
            })
            .collect();
        for fact in &facts {
            if !read.contains(fact) {
                read.push(fact.clone());
            }
        }
        lines.push(RuleLine {
            rule: reason.rule.clone(),
            by: reason.by,
            decided: Some(at) == deciding,
            severity: reason.severity,
            facts,
            basis: reason.citations.iter().map(|citation| sources::any(citation, locale)).collect(),
        });
    }
    (lines, read)
}
