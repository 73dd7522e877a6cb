//! The money of an act: what it may pay at all, and how it counts in the windows of the caps.

use ombud_core::caps::CURRENCY;
use ombud_core::case::Case;
use ombud_core::ids::MerchantId;
use ombud_core::money::{self, Amounts, Intent};
use ombud_core::problem::Problem;
use ombud_rules::civil;
use ombud_store::{Count, Group, ListedEntry, Reads};

use super::target::Target;
use crate::service::error::ServiceError;
use crate::service::snapshot::Tenant;
use crate::service::{history, project};

/// A person may pass CAP-11 to CAP-32, never CAP-01 to CAP-03 (domain policies 5.8).
pub(super) fn check_money(
    reads: &dyn Reads,
    tenant: &Tenant,
    target: &Target,
    cancelled: &[Intent],
    paid: &[Intent],
    amounts: &Amounts,
) -> Result<(), ServiceError> {
    if let Some(balance) = balance_now(reads, &tenant.config.id, &target.case, cancelled)?.filter(|balance| amounts.refund > *balance) {
        let problem =
            Problem::at("/amounts/refund", "is above what may still be refunded (CAP-01)").allowed(format!("at most {balance} fen"));
        return Err(ServiceError::Invalid(vec![problem]));
    }
    if amounts.any() && tenant.terms.currency != CURRENCY {
        return Err(ServiceError::Conflict(format!("the merchant settles in {}, only {CURRENCY} is paid (CAP-02)", tenant.terms.currency)));
    }
    for intent in paid.iter().filter(|intent| !cancelled.iter().any(|own| own.key == intent.key && own.payment == intent.payment)) {
        let row = reads.intent(&tenant.config.id, &intent.key, intent.payment)?;
        if row.is_some_and(|row| !row.cancelled) && !intent.restates {
            return Err(ServiceError::Conflict(format!("`{}` is paid already (CAP-03)", intent.name())));
        }
    }
    Ok(())
}

/// What may still be refunded now: other cases of the order may have been paid since the decision.
fn balance_now(reads: &dyn Reads, merchant: &MerchantId, case: &Case, cancelled: &[Intent]) -> Result<Option<i64>, ServiceError> {
    let Case::AfterSale(facts) = case else { return Ok(money::balance(case)) };
    let mut rows = reads.after_sale_cases(merchant, &facts.order.order_id)?;
    if let Some(own) = rows.iter_mut().find(|row| row.after_sale_id == facts.after_sale_id) {
        let back = cancelled.iter().filter(|intent| intent.payment == money::Payment::Refund).map(|intent| intent.amount).sum::<i64>();
        let (lines, freight) = project::refunded(facts, Some(own), -back, false);
        own.lines = lines;
        own.freight_refunded = own.freight_refunded.saturating_add(freight).max(0);
    }
    let known = history::order_history(&rows.iter().collect::<Vec<_>>());
    let mut facts = facts.clone();
    for line in &mut facts.order.lines {
        let own = known.lines.iter().find(|own| own.line_id == line.line_id).map_or(0, |own| own.refunded);
        line.refunded = line.refunded.max(own);
    }
    facts.order.freight_refunded = facts.order.freight_refunded.max(known.freight_refunded);
    Ok(money::balance(&Case::AfterSale(facts)))
}

/// Those of the intents that were paid by the decision or an act on it: what merely restated another's payment is not its own.
pub(super) fn paid_by(reads: &dyn Reads, merchant: &MerchantId, own: &[u64], intents: Vec<Intent>) -> Result<Vec<Intent>, ServiceError> {
    let mut paid = Vec::with_capacity(intents.len());
    for intent in intents {
        if reads.intent(merchant, &intent.key, intent.payment)?.is_some_and(|row| !row.cancelled && own.contains(&row.seq)) {
            paid.push(intent);
        }
    }
    Ok(paid)
}

/// In which windows an act counts.
pub(super) struct Counting {
    /// The act's place in the ledger.
    pub(super) seq: u64,
    /// What is paid now.
    pub(super) at_ms: i64,
    /// When that was counted which is taken back: another instant, for each has an entry of its own.
    pub(super) before_ms: i64,
}

/// Gives cancelled payments back to their windows and counts the new ones, which it returns: what restates a payment on
/// record counts nothing.
pub(super) fn settle(
    group: &mut dyn Group,
    tenant: &Tenant,
    target: &Target,
    listed: &ListedEntry,
    counting: &Counting,
    cancelled: &[Intent],
    paid: Vec<Intent>,
) -> Result<Vec<Intent>, ServiceError> {
    let merchant = &tenant.config.id;
    let count = |group: &mut dyn Group, intents: &[Intent], sign: i64, at_ms: i64| {
        let sum = |refund: bool| {
            intents
                .iter()
                .filter(|intent| (intent.payment == money::Payment::Refund) == refund)
                .fold(0_i64, |sum, intent| sum.saturating_add(intent.amount))
        };
        let (refund, goodwill) = (sum(true), sum(false));
        if refund == 0 && goodwill == 0 {
            return Ok(());
        }
        group.count(
            merchant,
            &Count {
                seq: counting.seq,
                order: money::order_id(&target.case).unwrap_or_default(),
                customer: listed.customer.as_deref(),
                at_ms,
                day: civil::day_of(at_ms, tenant.config.tz_offset_min),
                refund: refund * sign,
                goodwill: goodwill * sign,
            },
        )
    };
    for intent in cancelled {
        group.cancel_intent(merchant, &intent.key, intent.payment)?;
    }
    count(group, cancelled, -1, counting.before_ms)?;
    let mut fresh = Vec::with_capacity(paid.len());
    for intent in paid {
        if group.intent(merchant, &intent.key, intent.payment)?.is_none_or(|row| row.cancelled) {
            group.pay_intent(merchant, &intent, counting.seq)?;
            fresh.push(intent);
        }
    }
    count(group, &fresh, 1, counting.at_ms)?;
    Ok(fresh)
}
