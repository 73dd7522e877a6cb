//! A decision read back from its body, in the contract's types.

use ombud_rules::contract::blacklist::BlacklistCase;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::caps::CapReview;
use crate::chain::ReviewResult;
use crate::deciding::{ReasonHead, deciding};
use crate::decision::{Decision, DecisionFault, DecisionMessage, DecisionReason, PolicyRef};
use crate::disposition::Disposition;
use crate::kind::Kind;
use crate::money::{Amounts, Due};
use crate::rollout::RolloutNote;
use crate::ruling::Ruling;

/// A decision as its record has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedDecision {
    /// The decision.
    pub decision: Decision,
    /// The blacklist request that it is on, as it was put to the policy; none for other kinds.
    pub request: Option<BlacklistCase>,
}

#[derive(Deserialize)]
struct Body<'a> {
    kind: Kind,
    outcome: String,
    disposition: Disposition,
    adverse: bool,
    due: Due,
    amounts: Amounts,
    currency: String,
    reasons: Vec<DecisionReason>,
    messages: Vec<DecisionMessage>,
    #[serde(borrow)]
    ruling: &'a RawValue,
    policy: Option<PolicyRef>,
    #[serde(default)]
    rollout: Option<RolloutNote>,
    guardrail: ReviewResult,
    caps: CapReview,
    #[serde(default)]
    fault: Option<DecisionFault>,
}

impl RecordedDecision {
    /// Reads a decision body.
    ///
    /// # Errors
    /// It is not what this version writes.
    pub fn read(body: &str) -> serde_json::Result<Self> {
        let body: Body<'_> = serde_json::from_str(body)?;
        let ruling = Ruling::from_json(body.kind, body.ruling.get().as_bytes())?;
        Ok(Self {
            decision: Decision {
                kind: body.kind,
                outcome: body.outcome,
                disposition: body.disposition,
                adverse: body.adverse,
                due: body.due,
                amounts: body.amounts,
                currency: body.currency,
                reasons: body.reasons,
                messages: body.messages,
                ruling,
                policy: body.policy,
                rollout: body.rollout,
                guardrail: body.guardrail,
                caps: body.caps,
                fault: body.fault,
            },
            request: None,
        })
    }

    /// The same with the blacklist request that it is on.
    #[must_use]
    pub fn on(self, request: Option<BlacklistCase>) -> Self {
        Self { request, ..self }
    }

    /// The place of the reason that decided.
    pub fn deciding(&self) -> Option<usize> {
        let decision = &self.decision;
        let heads = decision.reasons.iter().map(|reason| ReasonHead { rule: &reason.rule, by: reason.by, severity: reason.severity });
        deciding(decision.kind, decision.guardrail, decision.caps.result, heads)
    }
}
