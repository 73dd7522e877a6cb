//! The money of an act: what it may pay at all, and how it counts in the windows of the caps.

use ombud_core::caps::CURRENCY;
use ombud_core::case::Case;
use ombud_core::edition::Edition;
use ombud_core::ids::MerchantId;
use ombud_core::money::{self, Amounts, Intent};
use ombud_core::problem::Problem;
use ombud_rules::civil;
use ombud_rules::contract::delay::DelayCase;
use ombud_store::{Count, Group, IntentPart, Reads, StoreError};

use super::target::Target;
use crate::service::commit::Whose;
use crate::service::error::ServiceError;
use crate::service::snapshot::Tenant;
use crate::service::{history, project};

/// A person may pass CAP-11 to CAP-32, never CAP-01 to CAP-03 (domain policies 5.8).
pub(super) fn check_money(
    reads: &dyn Reads,
    tenant: &Tenant,
    target: &Target,
    cancelled: &[Part],
    amounts: &Amounts,
    delayed: impl Fn(u64) -> Result<Option<DelayCase>, StoreError>,
) -> Result<(), ServiceError> {
    if let Some(balance) =
        balance_now(reads, &tenant.config.id, &target.case, cancelled, delayed)?.filter(|balance| amounts.refund > *balance)
    {
        let problem =
            Problem::at("/amounts/refund", "is above what may still be refunded (CAP-01)").allowed(format!("at most {balance} fen"));
        return Err(ServiceError::Invalid(vec![problem]));
    }
    if amounts.any() && tenant.terms.currency != CURRENCY {
        return Err(ServiceError::Conflict(format!("the merchant settles in {}, only {CURRENCY} is paid (CAP-02)", tenant.terms.currency)));
    }
    Ok(())
}

/// A part of a payment that the decision or an act on it made and that stands.
pub(super) struct Part {
    /// What it is of, with the part's amount.
    pub(super) intent: Intent,
    /// The record that paid it.
    pub(super) seq: u64,
}

/// What the decision and the acts on it paid and did not take back: what merely restated another's payment is not theirs.
pub(super) fn paid_by(reads: &dyn Reads, merchant: &MerchantId, own: &[u64], target: &Target) -> Result<Vec<Part>, ServiceError> {
    let mut paid = Vec::new();
    for (key, payment) in target.keys() {
        let parts = reads.intent(merchant, &key, payment)?.into_iter().filter(|part| own.contains(&part.seq));
        paid.extend(
            parts.map(|part| Part { intent: Intent { key: key.clone(), payment, amount: part.amount, restates: false }, seq: part.seq }),
        );
    }
    Ok(paid)
}

/// What of the payments of an act is still to be made, beside what stands: each key is paid once (CAP-03), but what is stated
/// again for more than before is paid for the difference.
pub(super) fn open(
    reads: &dyn Reads,
    merchant: &MerchantId,
    whose: &Whose<'_>,
    own: &[Part],
    before: &[Intent],
    asked: Vec<Intent>,
) -> Result<Vec<Intent>, ServiceError> {
    let mut open = Vec::with_capacity(asked.len());
    for mut intent in asked {
        let same = |other: &Intent| other.key == intent.key && other.payment == intent.payment;
        let parts = reads.intent(merchant, &intent.key, intent.payment)?;
        let mine: Vec<&Part> = own.iter().filter(|part| same(&part.intent)).collect();
        let others: Vec<IntentPart> = parts.into_iter().filter(|part| mine.iter().all(|own| own.seq != part.seq)).collect();
        if mine.is_empty() && !others.is_empty() {
            let stated = if intent.restates { whose.stated(&others) } else { 0 };
            if stated == 0 {
                return Err(ServiceError::Conflict(format!("`{}` is paid already (CAP-03)", intent.name())));
            }
            intent.amount -= stated;
        } else if !mine.is_empty() {
            // What others paid below this part, or on top of it, stays theirs: the part moves as far as the statement does.
            let paid = mine.iter().fold(0, |sum: i64, part| sum.saturating_add(part.intent.amount));
            let stated = before.iter().find(|other| same(other)).map_or(paid, |before| before.amount);
            intent.amount = paid.saturating_add(intent.amount).saturating_sub(stated);
            intent.restates |= !others.is_empty();
        }
        if intent.amount > 0 {
            open.push(intent);
        }
    }
    Ok(open)
}

/// What may still be refunded now: other cases of the order, and late refunds of its lines, may have been paid since the decision. `delayed`
/// reads the case of a delay's decision or of an act on one.
fn balance_now(
    reads: &dyn Reads,
    merchant: &MerchantId,
    case: &Case,
    cancelled: &[Part],
    delayed: impl Fn(u64) -> Result<Option<DelayCase>, StoreError>,
) -> Result<Option<i64>, ServiceError> {
    let facts = match case {
        Case::AfterSale(facts) => facts,
        Case::Delay(facts) => return delayed_balance(reads, merchant, facts, delayed).map(Some),
        Case::Blacklist(_) | Case::Reply(_) => return Ok(money::balance(case)),
    };
    let mut rows = reads.after_sale_cases(merchant, &facts.order.order_id)?;
    if let Some(own) = rows.iter_mut().find(|row| row.after_sale_id == facts.after_sale_id) {
        let refunds = cancelled.iter().filter(|part| part.intent.payment == money::Payment::Refund);
        let back = refunds.map(|part| part.intent.amount).sum::<i64>();
        let (lines, freight) = project::refunded(facts, Some(own), -back, false, Edition::First);
        own.lines = lines;
        own.freight_refunded = own.freight_refunded.saturating_add(freight).max(0);
    }
    let known = history::refunded_of_order(reads, merchant, (&facts.order.order_id, &rows), &[], delayed)?;
    let mut facts = facts.clone();
    for line in &mut facts.order.lines {
        let own = known.lines.iter().find(|own| own.line_id == line.line_id).map_or(0, |own| own.refunded);
        line.refunded = line.refunded.max(own);
    }
    facts.order.freight_refunded = facts.order.freight_refunded.max(known.freight_refunded);
    Ok(money::balance(&Case::AfterSale(facts)))
}

/// The same of a delay: what is left of its lines, and what its after-sales cases were paid, which it states again.
fn delayed_balance(
    reads: &dyn Reads,
    merchant: &MerchantId,
    facts: &DelayCase,
    delayed: impl Fn(u64) -> Result<Option<DelayCase>, StoreError>,
) -> Result<i64, ServiceError> {
    let cases = reads.after_sale_cases(merchant, &facts.order_id)?;
    let known = history::refunded_of_order(reads, merchant, (&facts.order_id, &cases), &facts.episodes, delayed)?.lines;
    let mut facts = facts.clone();
    for line in &mut facts.lines {
        let now = known.iter().find(|known| known.line_id == line.line_id).map_or(0, |known| known.refunded);
        line.refunded = line.refunded.max(now);
    }
    let mut stated = Vec::new();
    for intent in money::delay_refunds(&facts, i64::MAX) {
        let parts = reads.intent(merchant, &intent.key, intent.payment)?;
        stated.push((intent.key, parts.iter().fold(0, |sum: i64, part| sum.saturating_add(part.amount))));
    }
    let of = |intent: &Intent| stated.iter().find(|(key, _)| *key == intent.key).map_or(0, |(_, amount)| *amount);
    Ok(money::delayed_balance(&facts, of))
}

/// In which windows an act counts.
pub(super) struct Counting<'a> {
    /// Whose money it is.
    pub(super) whose: &'a Whose<'a>,
    /// The merchant's zone, minutes east of UTC.
    pub(super) tz_offset_min: i32,
    /// The act's place in the ledger.
    pub(super) seq: u64,
    /// What is paid now.
    pub(super) at_ms: i64,
    /// When that was counted which is taken back: another instant, for each has an entry of its own.
    pub(super) before_ms: i64,
}

/// Gives cancelled payments back to their windows and counts the new ones.
pub(super) fn settle(
    group: &mut dyn Group,
    merchant: &MerchantId,
    counting: &Counting<'_>,
    cancelled: &[Part],
    paid: &[Intent],
) -> Result<(), ServiceError> {
    let whose = counting.whose;
    let count = |group: &mut dyn Group, intents: &mut dyn Iterator<Item = &Intent>, sign: i64, at_ms: i64| {
        let (mut refund, mut goodwill) = (0_i64, 0_i64);
        for intent in intents {
            let sum = if intent.payment == money::Payment::Refund { &mut refund } else { &mut goodwill };
            *sum = sum.saturating_add(intent.amount);
        }
        if refund == 0 && goodwill == 0 {
            return Ok(());
        }
        group.count(
            merchant,
            &Count {
                seq: counting.seq,
                order: whose.order.unwrap_or_default(),
                customer: whose.customer,
                at_ms,
                day: civil::day_of(at_ms, counting.tz_offset_min),
                refund: refund * sign,
                goodwill: goodwill * sign,
            },
        )
    };
    for part in cancelled {
        group.cancel_intent(merchant, &part.intent.key, part.intent.payment, part.seq)?;
    }
    count(group, &mut cancelled.iter().map(|part| &part.intent), -1, counting.before_ms)?;
    for intent in paid {
        group.pay_intent(merchant, intent, counting.seq)?;
    }
    count(group, &mut paid.iter(), 1, counting.at_ms)?;
    Ok(())
}
