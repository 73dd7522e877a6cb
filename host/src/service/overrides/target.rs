//! The decision that is acted on, and what stood of it before.

use ombud_core::case::Case;
use ombud_core::edition::Edition;
use ombud_core::kind::Kind;
use ombud_core::money::{self, Amounts, Intent, Payment};
use ombud_core::ruling::Ruling;
use ombud_ledger::{BodyKind, Entry};
use ombud_rules::contract::blacklist;
use ombud_rules::contract::delay::DelayCase;
use ombud_rules::contract::types::Role as ContractRole;

use super::Act;
use super::standing::Standing;
use crate::bodies::CaseBodyBack;
use crate::service::error::ServiceError;
use crate::service::read::{self, Opened};
use crate::service::wire::OverrideAction;

/// Goodwill of a person, in prices of the goods.
const GOODWILL_TIMES: i64 = 10;
/// Goodwill that a person may grant whatever the goods cost: ¥1,000, in fen.
const GOODWILL_FLOOR_FEN: i64 = 100_000;

/// The decision that is acted on.
pub(super) struct Target {
    pub(super) case: Case,
    pub(super) ruling: Ruling,
    pub(super) received_at_ms: i64,
    /// By which edition of the host's rules it was concluded.
    pub(super) edition: Edition,
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
        Ok(Self { case, ruling, received_at_ms: opened.header.received_at_ms, edition: facts.terms.edition })
    }

    /// The delay whose late refunds are paid as they are spread: since the third edition.
    pub(super) fn spread(&self) -> Option<&DelayCase> {
        if let Case::Delay(case) = &self.case { Some(case).filter(|_| self.edition >= Edition::Third) } else { None }
    }

    pub(super) fn standing(&self, acts: &[Act]) -> Standing {
        let own = Standing {
            outcome: self.ruling.outcome().to_owned(),
            amounts: money::amounts(&self.ruling),
            counted_at_ms: self.received_at_ms,
            cancelled: false,
            acted_on: false,
        };
        acts.iter().fold(own, |before, act| Standing {
            outcome: act.outcome.clone(),
            amounts: act.amounts,
            // Each has an instant of its own, as it was counted; before the fourth edition it was given back at the one of its record.
            counted_at_ms: if self.edition >= Edition::Fourth { act.at_ms.max(before.counted_at_ms + 1) } else { act.at_ms },
            cancelled: act.action == OverrideAction::Cancel,
            acted_on: act.action != OverrideAction::Cancel,
        })
    }

    /// The payments of these amounts: each award keeps its episode, and what is added goes to the first.
    pub(super) fn intents(&self, amounts: &Amounts) -> Vec<Intent> {
        let mut intents = Vec::new();
        if let Case::Delay(case) = &self.case {
            intents.extend(money::delay_refunds(case, amounts.refund));
        } else if amounts.refund > 0 {
            intents.extend(self.payment(Payment::Refund, amounts.refund));
        }
        for (payment, amount) in [(Payment::Cash, amounts.cash), (Payment::Coupon, amounts.coupon)] {
            let mut left = amount;
            let mut spread = Vec::new();
            for own in money::intents(&self.case, &self.ruling).into_iter().filter(|own| own.payment == payment) {
                let amount = own.amount.min(left);
                left -= amount;
                spread.push(Intent { amount, ..own });
            }
            match spread.first_mut() {
                Some(first) => first.amount = first.amount.saturating_add(left),
                None => spread.extend(self.payment(payment, left)),
            }
            intents.extend(spread.into_iter().filter(|intent| intent.amount > 0));
        }
        intents
    }

    /// Every key under which the decision or an act on it may have paid something.
    pub(super) fn keys(&self) -> Vec<(String, Payment)> {
        let own = money::intents(&self.case, &self.ruling).into_iter();
        let refunds = if let Case::Delay(case) = &self.case { money::delay_refunds(case, i64::MAX) } else { Vec::new() };
        let first = [Payment::Refund, Payment::Cash, Payment::Coupon].into_iter().filter_map(|payment| self.payment(payment, 0));
        let mut keys: Vec<_> = own.chain(refunds).chain(first).map(|intent| (intent.key, intent.payment)).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// A payment of the case, or of its first episode.
    fn payment(&self, payment: Payment, amount: i64) -> Option<Intent> {
        let key = match &self.case {
            Case::AfterSale(case) => case.after_sale_id.clone(),
            Case::Delay(case) => format!("{}/{}", case.order_id, case.episodes.first()?.episode_id),
            Case::Blacklist(_) | Case::Reply(_) => return None,
        };
        Some(Intent { key, payment, amount, restates: false })
    }

    /// What persons may add in goodwill at most, in fen: what the law gives where it gives most, ten times the price and at
    /// least ¥1,000 (食品安全法 art. 148). None where a kind moves no money.
    pub(super) fn goodwill_max(&self) -> Option<i64> {
        let paid: Vec<i64> = match &self.case {
            Case::AfterSale(case) => {
                case.order.lines.iter().map(|line| line.paid.unwrap_or_else(|| line.unit_price.saturating_mul(line.qty.into()))).collect()
            }
            Case::Delay(case) => case.lines.iter().map(|line| line.paid).collect(),
            Case::Blacklist(_) | Case::Reply(_) => return None,
        };
        let paid = paid.into_iter().fold(0_i64, i64::saturating_add);
        Some(paid.saturating_mul(GOODWILL_TIMES).max(GOODWILL_FLOOR_FEN))
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
