//! A decision read back from its body, in the contract's types.

use ombud_rules::contract::blacklist::BlacklistCase;
use ombud_rules::contract::types::Platform;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::caps::CapReview;
use crate::case::Case;
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
    /// The case, as it was put to the policy; none where it cannot be read.
    pub case: Option<Case>,
    /// The platform that the order was made on; none where the case cannot be read.
    pub platform: Option<Platform>,
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
            case: None,
            platform: None,
        })
    }

    /// The same with its case, and the platform that the case is of.
    #[must_use]
    pub fn on(self, platform: Option<Platform>, case: Option<Case>) -> Self {
        Self { case, platform, ..self }
    }

    /// The blacklist request that it is on; none for other kinds.
    pub const fn request(&self) -> Option<&BlacklistCase> {
        match &self.case {
            Some(Case::Blacklist(request)) => Some(request),
            _ => None,
        }
    }

    /// The place of the reason that decided.
    pub fn deciding(&self) -> Option<usize> {
        let decision = &self.decision;
        let heads = decision.reasons.iter().map(|reason| ReasonHead { rule: &reason.rule, by: reason.by, severity: reason.severity });
        deciding(decision.kind, decision.guardrail, decision.caps.result, heads)
    }
}
