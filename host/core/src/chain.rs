//! From a policy's answer to the ruling that stands: fault → fallback, then the guardrail's review. Pure.
//!
//! The truth table, first line that fits:
//!
//! | policy | guardrail | the ruling that stands |
//! | --- | --- | --- |
//! | fault or bad ruling | – | the kind's fallback |
//! | ruling | fault | the kind's fallback, never the merchant's ruling |
//! | ruling | amends for the worse | the kind's fallback: a bad ruling of the guardrail |
//! | ruling | escalate | the ruling as a proposal to a person |
//! | ruling | amend | the amended ruling |
//! | ruling | uphold | the ruling |

use ombud_rules::contract::reply::Verdict;
use ombud_rules::contract::types::Reason;
use ombud_rules::review::Review;
use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::fallback::{self, Fallbacks};
use crate::fault::{Fault, FaultCode, FaultOf};
use crate::money;
use crate::ruling::{Ruling, RulingReview};
use crate::ruling_check;

/// What the guardrail did, for the answer and the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewResult {
    /// Not asked, because the policy gave no ruling.
    Skipped,
    /// The ruling stood.
    Uphold,
    /// The ruling was replaced.
    Amend,
    /// A person decides.
    Escalate,
    /// The guardrail gave no answer.
    Fault,
}

/// Where a reason comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonBy {
    /// The merchant's policy.
    Policy,
    /// The platform's guardrail.
    Guardrail,
    /// The host: a cap or a fault.
    Host,
}

/// A case judged by policy and guardrail, before the caps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The ruling that stands.
    pub ruling: Ruling,
    /// Every reason, with its author, the policy's first.
    pub reasons: Vec<(ReasonBy, Reason)>,
    /// What the guardrail did.
    pub review: ReviewResult,
    /// Why a fallback stands, if it does.
    pub fault: Option<(FaultOf, Fault)>,
}

/// Judges a case. `review` is called with the policy's ruling if there is one.
pub fn judge(
    case: &Case,
    policy: &Result<Ruling, Fault>,
    review: Option<&Result<RulingReview, Fault>>,
    fallbacks: &Fallbacks,
    now: i64,
) -> Judged {
    let fall_back = |of: FaultOf, fault: Fault, result: ReviewResult| {
        let ruling = fallback::ruling(case, fallbacks, &fault, now);
        let reasons = ruling.notes().reasons.iter().map(|reason| (ReasonBy::Host, reason.clone())).collect();
        Judged { ruling, reasons, review: result, fault: Some((of, fault)) }
    };
    let ruling = match accepted(case, policy) {
        Ok(ruling) => ruling,
        Err(fault) => return fall_back(FaultOf::Policy, fault, ReviewResult::Skipped),
    };
    let by_policy: Vec<(ReasonBy, Reason)> = ruling.notes().reasons.iter().map(|reason| (ReasonBy::Policy, reason.clone())).collect();
    let by_guardrail = |reasons: &[Reason]| reasons.iter().map(|reason| (ReasonBy::Guardrail, reason.clone())).collect::<Vec<_>>();
    let judged = match review {
        None => {
            let fault = Fault::new(FaultCode::NotLoaded, "no guardrail answered");
            return fall_back(FaultOf::Guardrail, fault, ReviewResult::Fault);
        }
        Some(Err(fault)) => return fall_back(FaultOf::Guardrail, fault.clone(), ReviewResult::Fault),
        Some(Ok(Review::Uphold)) => Judged { ruling: ruling.clone(), reasons: by_policy, review: ReviewResult::Uphold, fault: None },
        Some(Ok(Review::Amend { ruling: amended, reasons })) => {
            if let Err(fault) = ruling_check::check(case, amended).and_then(|()| not_worse(ruling, amended)) {
                return fall_back(FaultOf::Guardrail, fault, ReviewResult::Fault);
            }
            Judged {
                ruling: amended.clone(),
                reasons: [by_policy, by_guardrail(reasons)].concat(),
                review: ReviewResult::Amend,
                fault: None,
            }
        }
        Some(Ok(Review::Escalate(reasons))) => Judged {
            ruling: fallback::proposal(ruling, reasons.first().map(|reason| reason.rule.as_str()), now),
            reasons: [by_policy, by_guardrail(reasons)].concat(),
            review: ReviewResult::Escalate,
            fault: None,
        },
    };
    // The host sends no adverse answer that names no reason and offers no person (domain model 4.0, rule 7).
    if let Err(fault) = ruling_check::explained(&judged.ruling) {
        let of = if judged.review == ReviewResult::Amend { FaultOf::Guardrail } else { FaultOf::Policy };
        return fall_back(of, fault, judged.review);
    }
    judged
}

/// The policy's ruling, if it keeps the contract.
pub fn accepted<'a>(case: &Case, policy: &'a Result<Ruling, Fault>) -> Result<&'a Ruling, Fault> {
    let ruling = policy.as_ref().map_err(Clone::clone)?;
    ruling_check::check(case, ruling)?;
    Ok(ruling)
}

/// A guardrail only moves towards the consumer: it never lowers money due and never loosens a reply.
pub(crate) fn not_worse(ruling: &Ruling, amended: &Ruling) -> Result<(), Fault> {
    let bad = |what: &str| Err(Fault::new(FaultCode::BadRuling, format!("the amendment {what}")));
    if money::due(ruling) != money::Due::Proposal {
        let (before, after) = (money::amounts(ruling), money::amounts(amended));
        if after.refund < before.refund || after.goodwill() < before.goodwill() {
            return bad("lowers money that was due");
        }
        // A part paid at once may become the whole once the goods are back (GR-101, 108, 119), but never a mere proposal.
        if money::due(ruling) == money::Due::Now && money::due(amended) == money::Due::Proposal {
            return bad("takes back money that was due");
        }
    }
    if let (Ruling::Reply(before), Ruling::Reply(after)) = (ruling, amended)
        && strictness(after.verdict) < strictness(before.verdict)
    {
        return bad("loosens the reply's verdict");
    }
    Ok(())
}

const fn strictness(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass => 0,
        Verdict::PassWithWarnings => 1,
        Verdict::PassMasked => 2,
        Verdict::HoldForEvidence => 3,
        Verdict::Block => 4,
    }
}
