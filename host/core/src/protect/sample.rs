//! What one decision says of the versions that ran for it, just made or on record.

use serde::Deserialize;

use crate::caps::{CapResult, CapReview};
use crate::decision::{Decision, DecisionFault, PolicyRef};
use crate::disposition::Disposition;
use crate::fault::{FaultCode, FaultOf};
use crate::impact::Money;
use crate::money::{Amounts, Due};
use crate::rollout::RolloutNote;

/// One decision of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Why the policy gave no ruling, if it gave none.
    pub fault: Option<FaultCode>,
    /// Whether it is the first decision of its case, and the guardrail gave no fault. Of these approvals and money are compared, where the
    /// version answered: what follows is answered otherwise (what was granted is not granted again), and a version that is new has few of that
    /// and the one before it little else.
    pub is_first: bool,
    /// Whether the version approved it without a person, also where the host's caps then asked for one.
    pub approved: bool,
    /// What it costs without a person, in fen, also where the host's caps then asked for one.
    pub money: i64,
}

/// A version with what a decision says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard<'a> {
    /// The version.
    pub policy: &'a PolicyRef,
    /// What it came to.
    pub sample: Sample,
}

/// What of a recorded decision body says something of the versions that ran. Only that is read.
#[derive(Debug, Deserialize)]
pub struct Recorded {
    disposition: Disposition,
    due: Due,
    amounts: Amounts,
    policy: Option<PolicyRef>,
    #[serde(default)]
    rollout: Option<RolloutNote>,
    caps: CapReview,
    #[serde(default)]
    fault: Option<DecisionFault>,
}

impl Recorded {
    /// The versions that ran: the one whose ruling stands, and the one beside it, of which only its faults say something.
    pub fn heard(&self, is_first: bool) -> [Option<Heard<'_>>; 2] {
        let Self { disposition, due, amounts, policy, rollout, caps, fault } = self;
        both(policy.as_ref(), rollout.as_ref(), fault.as_ref(), &told(*disposition, *due, *amounts, caps, is_first))
    }
}

/// The versions that ran for a decision: the one whose ruling stands, and the one beside it, of which only its faults say something.
pub fn heard(decision: &Decision, is_first: bool) -> [Option<Heard<'_>>; 2] {
    let Decision { disposition, due, amounts, policy, rollout, caps, fault, .. } = decision;
    both(policy.as_ref(), rollout.as_ref(), fault.as_ref(), &told(*disposition, *due, *amounts, caps, is_first))
}

fn told(disposition: Disposition, due: Due, amounts: Amounts, caps: &CapReview, is_first: bool) -> Sample {
    let is_stopped_by_caps = caps.result == CapResult::Escalate;
    let money = Money::of(due, amounts, caps.counted, 0);
    Sample {
        fault: None,
        is_first,
        approved: matches!(disposition, Disposition::Allow | Disposition::AllowWithConditions) || is_stopped_by_caps,
        money: if is_stopped_by_caps { money.if_approved() } else { money.standing() },
    }
}

fn both<'a>(
    policy: Option<&'a PolicyRef>,
    rollout: Option<&'a RolloutNote>,
    fault: Option<&DecisionFault>,
    told: &Sample,
) -> [Option<Heard<'a>>; 2] {
    // Where any fault is, what stands is the kind's fallback, no answer of the version's.
    let is_first = told.is_first && fault.is_none();
    let own = policy.map(|policy| Heard { policy, sample: Sample { fault: own_fault(fault), is_first, ..*told } });
    let beside = rollout.and_then(|note| note.beside.as_ref()).map(|beside| Heard {
        policy: &beside.policy,
        sample: Sample { fault: own_fault(beside.fault.as_ref()), is_first: false, approved: false, money: 0 },
    });
    [own, beside]
}

/// A fault of the guardrail is not the version's: a ruling is held against the contract before it is reviewed, and the guardrail, which is the
/// operator's, is to bear whatever the contract lets through.
fn own_fault(fault: Option<&DecisionFault>) -> Option<FaultCode> {
    fault.filter(|fault| fault.of == FaultOf::Policy).map(|fault| fault.code)
}
