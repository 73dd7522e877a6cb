//! The decision that is acted on, and what stood of it before.

use ombud_core::case::Case;
use ombud_core::kind::Kind;
use ombud_core::money::{self, Amounts, Due, Intent};
use ombud_core::ruling::Ruling;
use ombud_ledger::{BodyKind, Entry};
use ombud_rules::contract::blacklist;
use ombud_rules::contract::types::Role as ContractRole;

use super::Act;
use super::standing::Standing;
use crate::bodies::CaseBodyBack;
use crate::service::error::ServiceError;
use crate::service::read::{self, Opened};
use crate::service::wire::OverrideAction;

/// The decision that is acted on.
pub(super) struct Target {
    pub(super) case: Case,
    pub(super) ruling: Ruling,
    pub(super) due: Due,
    pub(super) received_at_ms: i64,
}
impl Target {
    pub(super) fn read(opened: &Opened) -> Result<Self, ServiceError> {
        let Entry::Decision(entry) = &opened.header.entry else { return Err(ServiceError::NotFound("decision")) };
        let (Some(facts), Some(decision)) = (opened.body(BodyKind::Case), opened.body(BodyKind::Decision)) else {
            return Err(ServiceError::Conflict("the customer was erased: nothing more is decided on this record".into()));
        };
        let unreadable = |error: serde_json::Error| ServiceError::Internal(error.into());
        let facts: CaseBodyBack = serde_json::from_str(facts).map_err(unreadable)?;
        let json = facts.case.get();
        let case = match entry.kind {
            Kind::AfterSale => Case::AfterSale(serde_json::from_str(json).map_err(unreadable)?),
            Kind::Delay => Case::Delay(serde_json::from_str(json).map_err(unreadable)?),
            Kind::Blacklist => Case::Blacklist(serde_json::from_str(json).map_err(unreadable)?),
            Kind::Reply => Case::Reply(serde_json::from_str(json).map_err(unreadable)?),
        };
        let ruling = read::ruling_of(decision, entry.kind)?;
        Ok(Self { due: money::due(&ruling), case, ruling, received_at_ms: opened.header.received_at_ms })
    }

    pub(super) fn standing(&self, acts: &[Act]) -> Standing {
        let own = Standing {
            outcome: self.ruling.outcome().to_owned(),
            amounts: money::amounts(&self.ruling),
            counts: self.due == Due::Now,
            counted_at_ms: self.received_at_ms,
            cancelled: false,
            approved: false,
        };
        acts.iter().fold(own, |_, act| Standing {
            outcome: act.outcome.clone(),
            amounts: act.amounts,
            counts: act.action != OverrideAction::Cancel,
            counted_at_ms: act.at_ms,
            cancelled: act.action == OverrideAction::Cancel,
            approved: act.action != OverrideAction::Cancel,
        })
    }

    /// The payments of these amounts.
    pub(super) fn intents(&self, amounts: &Amounts) -> Vec<Intent> {
        let (prefix, refund_key) = match &self.case {
            Case::AfterSale(case) => (case.after_sale_id.clone(), case.after_sale_id.clone()),
            Case::Delay(case) => {
                let first = case.episodes.first().map(|episode| episode.episode_id.as_str()).unwrap_or_default();
                let refund = money::intents(&self.case, &self.ruling).into_iter().find(|intent| intent.payment == money::Payment::Refund);
                (format!("{}/{first}", case.order_id), refund.map_or_else(|| format!("{}/{first}", case.order_id), |intent| intent.key))
            }
            Case::Blacklist(_) | Case::Reply(_) => return Vec::new(),
        };
        // The proposal's own payments where the amounts are the proposal's: each keeps its episode.
        if *amounts == money::amounts(&self.ruling) {
            return money::intents(&self.case, &self.ruling);
        }
        [
            (refund_key, money::Payment::Refund, amounts.refund),
            (prefix.clone(), money::Payment::Cash, amounts.cash),
            (prefix, money::Payment::Coupon, amounts.coupon),
        ]
        .into_iter()
        .filter(|(_, _, amount)| *amount > 0)
        .map(|(key, payment, amount)| Intent { key, payment, amount, restates: false })
        .collect()
    }

    /// Whether it is a customer's appeal against a measure.
    pub(super) fn is_appeal(&self) -> bool {
        matches!(&self.case, Case::Blacklist(case) if case.stage == blacklist::Stage::Appealed)
    }

    /// The highest role that the ruling asks for.
    pub(super) fn asked_role(&self) -> Option<ContractRole> {
        let rank = |role: &ContractRole| match role {
            ContractRole::Compliance => 3,
            ContractRole::DeptHead => 2,
            _ => 1,
        };
        self.ruling.notes().approvals.iter().map(|approval| approval.role).max_by_key(rank)
    }
}
