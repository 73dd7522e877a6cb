//! An event judged and waiting for the writer: everything that does not depend on the sequence number or the counters.

use std::sync::Arc;

use ombud_core::case::Case;
use ombud_core::chain::Judged;
use ombud_core::decision::{Counted, Decision, PolicyRef, Terms, conclude};
use ombud_core::event::Event;
use ombud_core::ids::DecisionId;
use ombud_core::kind::Kind;
use ombud_core::money::Intent;
use ombud_ledger::{Call, Digest, PolicyCall};
use ombud_rules::contract::types::Context;
use serde::{Deserialize, Serialize};

use super::snapshot::Tenant;
use super::vault::{SubjectId, SubjectSecret};
use crate::judge::{Bound, Outcome, Phases};

/// An event with its judged cases.
pub struct Pending {
    /// The merchant.
    pub tenant: Arc<Tenant>,
    /// The event.
    pub event: Event,
    /// The event in structured mode: the event body.
    pub event_body: Vec<u8>,
    /// By which a redelivery is recognised.
    pub body_digest: Digest,
    /// When the host received it, epoch milliseconds.
    pub received_at_ms: i64,
    /// W3C trace id.
    pub trace_id: Option<[u8; 16]>,
    /// Under whose key the bodies are sealed.
    pub subject: SubjectId,
    /// That key.
    pub secret: SubjectSecret,
    /// One for each kind that decides.
    pub items: Vec<Item>,
}

/// One judged case.
pub struct Item {
    /// The decision's id.
    pub id: DecisionId,
    /// The kind.
    pub kind: Kind,
    /// The facts put to the policy.
    pub case: Case,
    /// The ruling that stands before the caps.
    pub judged: Judged,
    /// The version that ruled.
    pub policy: Option<PolicyRef>,
    /// How the header names the policy's call.
    pub policy_call: Option<PolicyCall>,
    /// How the header names the guardrail's call.
    pub guardrail_call: Option<Call>,
    /// The case body.
    pub case_body: Vec<u8>,
    /// The ruling body.
    pub ruling_body: Vec<u8>,
    /// The review body; empty where the guardrail was not asked.
    pub review_body: Vec<u8>,
    /// Where the time went.
    pub phases: Phases,
}

/// The case body: with it, the component and the settings a decision can be made again without any database.
#[derive(Debug, Serialize)]
pub struct CaseBody<'a> {
    /// The context.
    pub context: &'a Context,
    /// The case.
    pub case: &'a Case,
    /// The merchant's terms.
    pub terms: &'a Terms,
    /// Bytes of the event, which scale the fuel.
    pub event_bytes: usize,
}

/// The case body as it is read back.
#[derive(Debug, Deserialize)]
pub struct CaseBodyBack {
    /// The context.
    pub context: Context,
    /// The case, read by its kind.
    pub case: Box<serde_json::value::RawValue>,
    /// The merchant's terms.
    pub terms: Terms,
    /// Bytes of the event.
    pub event_bytes: usize,
}

/// The body of a ruling or review: the answer or the fault, and what the guest logged.
#[derive(Debug, Serialize)]
pub struct AnswerBody<'a, T: Serialize> {
    /// The answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<&'a T>,
    /// The fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<&'a ombud_core::fault::Fault>,
    /// Log lines.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub log: &'a [ombud_sandbox::LogLine],
}

/// The body of an answer.
pub fn answer_body<T: Serialize>(answer: &Result<T, ombud_core::fault::Fault>, log: &[ombud_sandbox::LogLine]) -> Vec<u8> {
    let body = AnswerBody { answer: answer.as_ref().ok(), fault: answer.as_ref().err(), log };
    // Contract types hold strings, integers and lists of them: writing them cannot fail.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// How a header names a call.
pub fn call_of(bound: &Bound, fuel: u64) -> Call {
    Call { component: bound.component, settings: bound.settings_digest, fuel }
}

impl Item {
    /// Puts together what a judged case leaves for the writer.
    pub fn new(
        id: DecisionId,
        ctx: &Context,
        case: Case,
        terms: &Terms,
        event_bytes: usize,
        policy: Option<&Bound>,
        guardrail: &Bound,
        outcome: Outcome,
    ) -> Self {
        let case_body = serde_json::to_vec(&CaseBody { context: ctx, case: &case, terms, event_bytes }).unwrap_or_default();
        let Outcome { policy: ruled, review, judged, policy_fuel, guardrail_fuel, log, phases } = outcome;
        Self {
            id,
            kind: case.kind(),
            policy: policy.map(Bound::reference),
            policy_call: policy.map(|bound| PolicyCall {
                name: bound.name.clone(),
                version: bound.version.clone(),
                contract: ombud_sandbox::CONTRACT.to_owned(),
                call: call_of(bound, policy_fuel),
            }),
            guardrail_call: review.is_some().then(|| call_of(guardrail, guardrail_fuel)),
            case_body,
            ruling_body: answer_body(&ruled, &log),
            review_body: review.as_ref().map(|review| answer_body(review, &[])).unwrap_or_default(),
            judged,
            case,
            phases,
        }
    }

    /// The decision under what is counted so far, and the intents it pays.
    pub fn conclude(&self, terms: &Terms, counted: &Counted, now: i64) -> (Decision, Vec<Intent>) {
        conclude(&self.case, self.judged.clone(), self.policy.clone(), terms, counted, now)
    }
}
