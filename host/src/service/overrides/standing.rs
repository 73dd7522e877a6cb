//! What stands before and after an act, and who may put it there.

use ombud_core::kind::Kind;
use ombud_core::money::{self, Amounts, Due};
use ombud_core::problem::Problem;
use ombud_core::ruling::Ruling;
use ombud_rules::contract::types::Role as ContractRole;
use ombud_rules::contract::{after_sale, blacklist};

use super::target::Target;
use crate::service::actor::{Principal, Role};
use crate::service::error::ServiceError;
use crate::service::project;
use crate::service::wire::{OverrideAction, OverrideRequest};

/// Everything that is proposed, in money.
const REFUND_ONLY: &str = after_sale::Outcome::ApproveRefundOnly.as_str();
/// Less than what is proposed: the rest of the goods stays claimable.
const PARTIAL_REFUND: &str = after_sale::Outcome::ApprovePartialRefund.as_str();
/// Where money falls due.
const PAYING: &str = "an outcome that pays: `approve-refund-only`, `approve-partial-refund`, `refund-now`, `compensate`; or, for a refund \
    that is promised, `approve-return-refund`, `intercept-then-refund`";

/// What stands before an act.
pub(super) struct Standing {
    /// The decision's own word, or the last act's.
    pub(super) outcome: String,
    pub(super) amounts: Amounts,
    /// In whose windows it was counted: when it was decided, or approved by a person; epoch milliseconds.
    pub(super) counted_at_ms: i64,
    pub(super) cancelled: bool,
    /// A person approved it, or put something else in its place.
    pub(super) acted_on: bool,
}

/// What stands after an act.
pub(super) struct After {
    pub(super) outcome: String,
    pub(super) amounts: Amounts,
    /// When these amounts fall due: it follows from the outcome, whoever gives it (domain policies 5.8).
    pub(super) due: Due,
}

impl Standing {
    pub(super) fn after(&self, target: &Target, request: &OverrideRequest, who: &Principal) -> Result<After, ServiceError> {
        if self.cancelled {
            return Err(ServiceError::Conflict("the decision was cancelled: a new event is needed".into()));
        }
        if target.ruling.kind() == Kind::Blacklist && !target.is_appeal() {
            let way = "a blacklist request is decided by its steps, and a measure in force on appeal: no act on the decision replaces them";
            return Err(ServiceError::Conflict(way.into()));
        }
        let distinct_from = target.ruling.notes().approvals.iter().flat_map(|approval| &approval.distinct_from);
        if distinct_from.into_iter().any(|earlier| earlier == who.actor.as_str()) {
            return Err(ServiceError::Forbidden { role: who.role.as_str(), what: "decide this as a person who had a part in it" });
        }
        if !may_decide(target.asked_role(), who.role) {
            return Err(ServiceError::Forbidden { role: who.role.as_str(), what: "decide this: the ruling asks for a higher role" });
        }
        if target.is_appeal() && request.action == OverrideAction::Amend && request.outcome.as_deref() != Some(project::APPEAL_GRANTED) {
            let problem = Problem::at("/outcome", "does not decide an appeal")
                .allowed("`amend` with outcome `closed` lifts the measure, `approve` lets it stand, `cancel` takes the appeal back");
            return Err(ServiceError::Invalid(vec![problem]));
        }
        if request.action != OverrideAction::Amend {
            let given = [("/amounts", request.amounts.is_some()), ("/outcome", request.outcome.is_some())];
            let problem =
                |place| Problem::at(place, "is given without `amend`, which alone puts something else in the place of what stands");
            let problems: Vec<Problem> = given.into_iter().filter(|(_, given)| *given).map(|(place, _)| problem(place)).collect();
            if !problems.is_empty() {
                return Err(ServiceError::Invalid(problems));
            }
        }
        match request.action {
            OverrideAction::Approve => self.approved(target),
            OverrideAction::Cancel => Ok(After { outcome: project::CANCELLED.into(), amounts: Amounts::default(), due: Due::Proposal }),
            OverrideAction::Amend => self.amended(target, request),
        }
    }

    /// What waits for a person becomes what it proposes.
    fn approved(&self, target: &Target) -> Result<After, ServiceError> {
        let outcome = if target.is_appeal() { Some(project::APPEAL_DISMISSED) } else { approved_outcome(&target.ruling) };
        match outcome {
            Some(outcome) if !self.acted_on => {
                Ok(After { due: money::due_of(target.ruling.kind(), outcome), outcome: outcome.to_owned(), amounts: self.amounts })
            }
            _ => Err(ServiceError::Conflict("nothing waits for approval here: use `amend` or `cancel`".into())),
        }
    }

    /// What a person puts in the place of what stands. The outcome says whether and when money falls due.
    fn amended(&self, target: &Target, request: &OverrideRequest) -> Result<After, ServiceError> {
        let kind = target.ruling.kind();
        let mut problems = Vec::new();
        if request.amounts.is_none() && request.outcome.is_none() {
            problems.push(Problem::at("", "amends nothing").allowed("`amounts`, `outcome` or both"));
        }
        // Amounts alone on a proposal approve it with these.
        let proposed = || if self.acted_on { None } else { approved_outcome(&target.ruling) };
        let alone = request.amounts.as_ref().filter(|amounts| amounts.any()).and_then(|amounts| {
            let less = amounts.refund < self.amounts.refund;
            proposed().map(|outcome| if outcome == REFUND_ONLY && less { PARTIAL_REFUND } else { outcome })
        });
        let outcome = request.outcome.clone().unwrap_or_else(|| alone.unwrap_or(&self.outcome).to_owned());
        if !is_outcome(&target.ruling, &outcome) {
            problems.push(Problem::at("/outcome", format!("is no outcome of {kind}")));
        }
        let due = money::due_of(kind, &outcome);
        let kept = match due {
            Due::Now => self.amounts,
            Due::Later => Amounts { refund: self.amounts.refund, ..Amounts::default() },
            Due::Proposal => Amounts::default(),
        };
        let amounts = request.amounts.unwrap_or(kept);
        for (name, fen) in [("refund", amounts.refund), ("cash", amounts.cash), ("coupon", amounts.coupon)] {
            let place = || format!("/amounts/{name}");
            if !(0..=ombud_core::limits::MONEY_FEN_MAX).contains(&fen) {
                problems.push(Problem::at(place(), "is out of bounds").allowed("0 to 10^12 fen"));
            } else if fen > 0 && (due == Due::Proposal || (due == Due::Later && name != "refund")) {
                let problem = Problem::at(place(), format!("does not fall due with `{outcome}`"));
                problems.push(problem.allowed(if matches!(kind, Kind::AfterSale | Kind::Delay) {
                    PAYING
                } else {
                    "0: decisions of this kind move no money"
                }));
            }
        }
        if problems.is_empty() && due == Due::Now && !amounts.any() {
            let problem = Problem::at("/amounts", format!("are nothing, and `{outcome}` pays"));
            problems.push(problem.allowed("what is paid; `cancel`, or another outcome, where nothing is"));
        }
        let goodwill_max = target.goodwill_max().unwrap_or(0);
        if problems.is_empty() && amounts.goodwill() > goodwill_max {
            let place = if amounts.cash > goodwill_max { "/amounts/cash" } else { "/amounts/coupon" };
            let problem = Problem::at(place, "makes more goodwill than a person may grant (CAP-12)");
            problems.push(problem.allowed(format!("at most {goodwill_max} fen in all: ten times what the goods cost, at least 100000")));
        }
        if problems.is_empty() { Ok(After { outcome, amounts, due }) } else { Err(ServiceError::Invalid(problems)) }
    }
}

/// Whether a role may decide what asks for another.
fn may_decide(asked: Option<ContractRole>, own: Role) -> bool {
    match asked {
        Some(ContractRole::Compliance) => own == Role::Compliance,
        Some(ContractRole::DeptHead) => own == Role::DepartmentHead,
        _ => true,
    }
}

/// What a proposal becomes when it is approved (domain policies 5.8); none where nothing is proposed.
fn approved_outcome(ruling: &Ruling) -> Option<&'static str> {
    use ombud_rules::contract::{after_sale::Outcome as A, delay::Outcome as D, reply::Verdict as V};
    match ruling {
        Ruling::AfterSale(ruling) => {
            (matches!(ruling.outcome, A::HumanReview | A::Escalate | A::OfferOptions) && ruling.refund > 0).then_some(REFUND_ONLY)
        }
        Ruling::Delay(ruling) => {
            let waits = matches!(ruling.outcome, D::HumanReview | D::Escalate | D::CompensateWithApproval);
            let proposed = ruling.total_refund_due > 0 || ruling.total_cash > 0 || ruling.total_coupon > 0;
            (waits && proposed).then(|| D::Compensate.as_str())
        }
        Ruling::Reply(ruling) => (ruling.verdict == V::HoldForEvidence).then(|| V::Pass.as_str()),
        Ruling::Blacklist(_) => None,
    }
}

fn is_outcome(ruling: &Ruling, outcome: &str) -> bool {
    use ombud_rules::contract::{after_sale, delay, reply};
    match ruling {
        Ruling::AfterSale(_) => after_sale::Outcome::parse(outcome).is_some(),
        Ruling::Delay(_) => delay::Outcome::parse(outcome).is_some(),
        Ruling::Blacklist(_) => blacklist::Outcome::parse(outcome).is_some(),
        Ruling::Reply(_) => reply::Verdict::parse(outcome).is_some(),
    }
}
