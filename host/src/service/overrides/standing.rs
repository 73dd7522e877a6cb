//! What stands before and after an act, and who may put it there.

use ombud_core::money::{Amounts, Due, Intent};
use ombud_core::problem::Problem;
use ombud_core::ruling::Ruling;
use ombud_rules::contract::blacklist;
use ombud_rules::contract::types::Role as ContractRole;

use super::target::Target;
use crate::service::actor::{Principal, Role};
use crate::service::error::ServiceError;
use crate::service::project;
use crate::service::wire::{OverrideAction, OverrideRequest};

/// What stands before an act.
pub(super) struct Standing {
    /// The decision's own word, or the last act's.
    pub(super) outcome: String,
    pub(super) amounts: Amounts,
    /// Whether its money counts.
    pub(super) counts: bool,
    /// In whose windows it was counted: when it was decided, or approved by a person; epoch milliseconds.
    pub(super) counted_at_ms: i64,
    pub(super) cancelled: bool,
    pub(super) approved: bool,
}

/// What stands after an act.
pub(super) struct After {
    pub(super) outcome: String,
    pub(super) amounts: Amounts,
}
impl Standing {
    /// Payments that count before the act.
    pub(super) fn paid(&self, target: &Target) -> Vec<Intent> {
        if self.counts { target.intents(&self.amounts) } else { Vec::new() }
    }

    pub(super) fn after(&self, target: &Target, request: &OverrideRequest, who: &Principal) -> Result<After, ServiceError> {
        if self.cancelled {
            return Err(ServiceError::Conflict("the decision was cancelled: a new event is needed".into()));
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
        let approved = || if target.is_appeal() { project::APPEAL_DISMISSED.to_owned() } else { approved_outcome(&target.ruling) };
        let proposal = || After { outcome: approved(), amounts: self.amounts };
        match request.action {
            OverrideAction::Approve if self.approved || target.due != Due::Proposal => {
                Err(ServiceError::Conflict("nothing waits for approval here: use `amend` or `cancel`".into()))
            }
            OverrideAction::Approve => Ok(proposal()),
            OverrideAction::Cancel => Ok(After { outcome: project::CANCELLED.into(), amounts: Amounts::default() }),
            OverrideAction::Amend => {
                let mut problems = Vec::new();
                let amounts = request.amounts.unwrap_or(self.amounts);
                for (name, fen) in [("refund", amounts.refund), ("cash", amounts.cash), ("coupon", amounts.coupon)] {
                    if !(0..=ombud_core::limits::MONEY_FEN_MAX).contains(&fen) {
                        problems.push(Problem::at(format!("/amounts/{name}"), "is out of bounds").allowed("0 to 10^12 fen"));
                    }
                }
                if request.amounts.is_none() && request.outcome.is_none() {
                    problems.push(Problem::at("", "amends nothing").allowed("`amounts`, `outcome` or both"));
                }
                let outcome = request.outcome.clone().unwrap_or_else(|| self.outcome.clone());
                if !is_outcome(&target.ruling, &outcome) {
                    problems.push(Problem::at("/outcome", format!("is no outcome of {}", target.ruling.kind())));
                }
                if problems.is_empty() { Ok(After { outcome, amounts }) } else { Err(ServiceError::Invalid(problems)) }
            }
        }
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

/// What a proposal becomes when it is approved.
fn approved_outcome(ruling: &Ruling) -> String {
    match ruling {
        Ruling::Delay(_) => "compensate".into(),
        Ruling::AfterSale(ruling) if ruling.refund > 0 => "approve-refund-only".into(),
        _ => format!("{}-approved", ruling.outcome()),
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
