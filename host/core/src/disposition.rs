//! What the host derives from an outcome (domain model 4.4): the disposition that every helpdesk understands without
//! knowing the kind, and whether the outcome is adverse and significant (4.0, rule 7).

use ombud_rules::contract::{after_sale, blacklist, delay, reply};
use serde::{Deserialize, Serialize};

use crate::ruling::Ruling;

/// What the helpdesk does next, the same words for every kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Disposition {
    /// Go on.
    Allow,
    /// Go on, and do what the obligations say.
    AllowWithConditions,
    /// Ask for what is missing.
    NeedInfo,
    /// A person must approve first.
    NeedApproval,
    /// No.
    Deny,
    /// Do not send this reply.
    Block,
    /// A person decides.
    HumanReview,
    /// A supervisor decides, now.
    Escalate,
    /// The request contradicts itself.
    Invalid,
}

impl Disposition {
    /// Every disposition.
    pub const ALL: [Self; 9] = [
        Self::Allow,
        Self::AllowWithConditions,
        Self::NeedInfo,
        Self::NeedApproval,
        Self::Deny,
        Self::Block,
        Self::HumanReview,
        Self::Escalate,
        Self::Invalid,
    ];

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::AllowWithConditions => "allow-with-conditions",
            Self::NeedInfo => "need-info",
            Self::NeedApproval => "need-approval",
            Self::Deny => "deny",
            Self::Block => "block",
            Self::HumanReview => "human-review",
            Self::Escalate => "escalate",
            Self::Invalid => "invalid",
        }
    }
}

impl std::fmt::Display for Disposition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The disposition of a ruling.
pub fn of(ruling: &Ruling) -> Disposition {
    match ruling {
        Ruling::AfterSale(ruling) => after_sale(ruling.outcome, !ruling.notes.obligations.is_empty()),
        Ruling::Delay(ruling) => delay(ruling.outcome),
        Ruling::Blacklist(ruling) => blacklist(ruling.outcome),
        Ruling::Reply(ruling) => reply(ruling.verdict),
    }
}

/// Whether the ruling is adverse to the customer and significant: it then needs a reason and a message that names it and
/// offers review by a person (4.0, rule 7; PIPL 24(3)).
pub const fn adverse(ruling: &Ruling) -> bool {
    match ruling {
        Ruling::AfterSale(ruling) => {
            use after_sale::Outcome::{InvalidInput, Reject, RejectDuplicate, RejectWithAlternative};
            matches!(ruling.outcome, Reject | RejectWithAlternative | RejectDuplicate | InvalidInput)
        }
        Ruling::Blacklist(ruling) => {
            use blacklist::Outcome::{Execute, ExecuteDeferred, RecommendRestrict};
            matches!(ruling.outcome, RecommendRestrict | Execute | ExecuteDeferred)
        }
        Ruling::Delay(_) | Ruling::Reply(_) => false,
    }
}

const fn after_sale(outcome: after_sale::Outcome, obligations: bool) -> Disposition {
    use after_sale::Outcome as O;
    match outcome {
        O::ApproveRefundOnly
        | O::ApproveReturnRefund
        | O::ApproveExchange
        | O::ApproveRepair
        | O::ApproveResend
        | O::ApprovePartialRefund
        | O::RefundNow => {
            if obligations {
                Disposition::AllowWithConditions
            } else {
                Disposition::Allow
            }
        }
        O::OfferOptions | O::InterceptThenRefund | O::Investigate => Disposition::AllowWithConditions,
        O::NeedEvidence => Disposition::NeedInfo,
        O::Reject | O::RejectWithAlternative | O::RejectDuplicate => Disposition::Deny,
        O::HumanReview => Disposition::HumanReview,
        O::Escalate => Disposition::Escalate,
        O::InvalidInput => Disposition::Invalid,
    }
}

const fn delay(outcome: delay::Outcome) -> Disposition {
    use delay::Outcome as O;
    match outcome {
        O::None | O::CareOnly | O::Compensate => Disposition::Allow,
        O::CompensateWithApproval => Disposition::NeedApproval,
        O::HumanReview => Disposition::HumanReview,
        O::Escalate => Disposition::Escalate,
    }
}

const fn blacklist(outcome: blacklist::Outcome) -> Disposition {
    use blacklist::Outcome as O;
    match outcome {
        O::Reject | O::Closed => Disposition::Deny,
        O::ReturnForEvidence => Disposition::NeedInfo,
        O::RecommendMark | O::RecommendRestrict | O::ForwardToSupervisor | O::ForwardToDeptHead => Disposition::NeedApproval,
        O::Execute | O::ExecuteDeferred => Disposition::AllowWithConditions,
        O::Invalid => Disposition::Invalid,
        O::Escalate => Disposition::Escalate,
    }
}

const fn reply(verdict: reply::Verdict) -> Disposition {
    use reply::Verdict as V;
    match verdict {
        V::Pass => Disposition::Allow,
        V::PassWithWarnings | V::PassMasked => Disposition::AllowWithConditions,
        V::HoldForEvidence => Disposition::NeedInfo,
        V::Block => Disposition::Block,
    }
}

#[cfg(test)]
mod tests;
