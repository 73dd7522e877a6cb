//! The money of an act: what it may pay at all, and how it counts in the windows of the caps.

use ombud_core::caps::CURRENCY;
use ombud_core::case::Case;
use ombud_core::edition::Edition;
use ombud_core::ids::MerchantId;
use ombud_core::money::{self, Amounts, Intent, Late, Short};
use ombud_core::problem::Problem;
use ombud_rules::civil;
use ombud_rules::contract::delay::DelayCase;
use ombud_store::{Count, Group, IntentPart, Reads, StoreError};

use super::target::Target;
use crate::service::commit::Whose;
use crate::service::error::ServiceError;
use crate::service::snapshot::Tenant;
use crate::service::{history, platform, project};

/// A person may pass CAP-11 to CAP-32, never CAP-01 to CAP-03 (domain policies 5.8).
pub(super) fn check_money(
    reads: &dyn Reads,
    tenant: &Tenant,
    target: &Target,
    cancelled: &[Part],
    amounts: &Amounts,
    delayed: impl Fn(u64) -> Result<Option<DelayCase>, StoreError>,
) -> Result<(), ServiceError> {
    if let Some(now) = balance_now(reads, &tenant.config.id, &target.case, cancelled, delayed)?.filter(|now| amounts.refund > now.balance) {
        let problem = above("is above what may still be refunded (CAP-01)", &now.short);
        return Err(ServiceError::Invalid(vec![problem.allowed(format!("at most {} fen", now.balance))]));
    }
    if amounts.any() && tenant.terms.currency != CURRENCY {
        return Err(ServiceError::Conflict(format!("the merchant settles in {}, only {CURRENCY} is paid (CAP-02)", tenant.terms.currency)));
    }
    Ok(())
}

/// Lines that a refusal names at most.
const SHORT_MAX: usize = 8;

/// The refund is above what some lines bear.
fn above(what: &str, short: &[Short]) -> Problem {
    let mut lines: Vec<String> = short.iter().take(SHORT_MAX).map(Short::to_string).collect();
    if short.len() > SHORT_MAX {
        lines.push(format!("and so of {} more lines", short.len() - SHORT_MAX));
    }
    let lines = if lines.is_empty() { String::new() } else { format!(": {}", lines.join("; ")) };
    Problem::at("/amounts/refund", format!("{what}{lines}"))
}

/// What may still be refunded now, in fen.
struct Now {
    balance: i64,
    /// The lines of late refunds that do not bear all of what is owed.
    short: Vec<Short>,
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
        let parts = platform::on_record(reads, merchant, whose.order, (&intent.key, intent.payment))?;
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
) -> Result<Option<Now>, ServiceError> {
    let of = |balance: i64| Now { balance, short: Vec::new() };
    let facts = match case {
        Case::AfterSale(facts) => facts,
        Case::Delay(facts) => {
            let late = late(reads, merchant, facts, cancelled, delayed)?;
            let all = |late: &Late<'_>| late.stated.saturating_add(late.new);
            let balance = money::spread(&late.facts, i64::MAX, late.on_record()).iter().map(all).fold(0, i64::saturating_add);
            return Ok(Some(Now { balance, short: money::short_lines(&late.facts, late.on_record()) }));
        }
        Case::Blacklist(_) | Case::Reply(_) => return Ok(money::balance(case).map(of)),
    };
    let mut rows = reads.after_sale_cases(merchant, &facts.order.order_id)?;
    if let Some(own) = rows.iter_mut().find(|row| row.after_sale_id == facts.after_sale_id) {
        let refunds = cancelled.iter().filter(|part| part.intent.payment == money::Payment::Refund);
        let back = refunds.map(|part| part.intent.amount).sum::<i64>();
        let (lines, freight) = project::refunded(facts, Some(own), -back, false, Edition::First);
        own.lines = lines;
        own.freight_refunded = own.freight_refunded.saturating_add(freight).max(0);
    }
    let known = history::refunded_of_order(reads, merchant, (&facts.order.order_id, &rows), &history::Sold::from(&facts.order), delayed)?;
    let mut facts = facts.clone();
    for line in &mut facts.order.lines {
        let own = known.lines.iter().find(|own| own.line_id == line.line_id).map_or(0, |own| own.refunded);
        line.refunded = line.refunded.max(own);
    }
    facts.order.freight_refunded = facts.order.freight_refunded.max(known.freight_refunded);
    Ok(money::balance(&Case::AfterSale(facts)).map(of))
}

/// The late refunds of a delay as they stand now, but for what is taken back.
struct LateNow {
    /// The case, its lines with what was refunded of them by now.
    facts: DelayCase,
    /// What is on record of each late refund.
    on_record: Vec<(String, i64)>,
}

impl LateNow {
    fn on_record(&self) -> impl Fn(&str) -> i64 {
        |key| self.on_record.iter().find(|(own, _)| own == key).map_or(0, |(_, amount)| *amount)
    }
}

fn late(
    reads: &dyn Reads,
    merchant: &MerchantId,
    facts: &DelayCase,
    cancelled: &[Part],
    delayed: impl Fn(u64) -> Result<Option<DelayCase>, StoreError>,
) -> Result<LateNow, ServiceError> {
    let is_taken_back = |seq: u64| cancelled.iter().any(|part| part.seq == seq);
    let others = |seq: u64| if is_taken_back(seq) { Ok(None) } else { delayed(seq) };
    let cases = reads.after_sale_cases(merchant, &facts.order_id)?;
    let known = history::refunded_of_order(reads, merchant, (&facts.order_id, &cases), &history::Sold::from(facts), others)?.lines;
    let mut facts = facts.clone();
    for line in &mut facts.lines {
        let now = known.iter().find(|known| known.line_id == line.line_id).map_or(0, |known| known.refunded);
        line.refunded = line.refunded.max(now);
    }
    let mut on_record = Vec::new();
    for intent in money::late_keys(&facts) {
        let parts = platform::on_record(reads, merchant, Some(&facts.order_id), (&intent.key, intent.payment))?;
        let amount = parts.iter().filter(|part| !is_taken_back(part.seq)).fold(0, |sum: i64, part| sum.saturating_add(part.amount));
        on_record.push((intent.key, amount));
    }
    Ok(LateNow { facts, on_record })
}

/// Refuses payments of a delay beyond what its lines bear beside everything on record, each line what it cost: a sum may be within what may be
/// refunded and be spread otherwise, over decisions of earlier editions.
pub(super) fn must_be_left(
    reads: &dyn Reads,
    merchant: &MerchantId,
    case: &Case,
    cancelled: &[Part],
    paid: &[Intent],
    delayed: impl Fn(u64) -> Result<Option<DelayCase>, StoreError>,
) -> Result<(), ServiceError> {
    let Case::Delay(facts) = case else { return Ok(()) };
    let refunds = paid.iter().filter(|intent| intent.payment == money::Payment::Refund);
    let new = refunds.fold(0, |sum: i64, intent| sum.saturating_add(intent.amount));
    if new == 0 {
        return Ok(());
    }
    let late = late(reads, merchant, facts, cancelled, delayed)?;
    let spread = money::spread(&late.facts, i64::MAX, late.on_record());
    let bears = spread.iter().fold(0, |sum: i64, late| sum.saturating_add(late.new));
    let short = match money::bear(&late.facts, paid) {
        Ok(()) if new <= bears => return Ok(()),
        Ok(()) => money::short_lines(&late.facts, late.on_record()),
        Err(short) => short,
    };
    let problem = above("pays more than what is left of the lines that it is about (CAP-01)", &short)
        .allowed(format!("so much that at most {bears} fen of it are not on record yet, and of each line no more than is left"));
    Err(ServiceError::Invalid(vec![problem]))
}

/// What of a delay's late refunds is still to be paid: `refund` fen, of which what others paid under the same names is stated again first, the rest
/// as far as each line bears it now.
pub(super) fn open_late(
    reads: &dyn Reads,
    merchant: &MerchantId,
    whose: &Whose<'_>,
    own: &[Part],
    (facts, refund): (&DelayCase, i64),
    delayed: impl Fn(u64) -> Result<Option<DelayCase>, StoreError>,
) -> Result<Vec<Intent>, ServiceError> {
    if refund == 0 {
        return Ok(Vec::new());
    }
    let mut on_record = Vec::new();
    for intent in money::late_keys(facts) {
        let parts = platform::on_record(reads, merchant, whose.order, (&intent.key, intent.payment))?;
        let others: Vec<IntentPart> = parts.into_iter().filter(|part| own.iter().all(|own| own.seq != part.seq)).collect();
        on_record.push((whose.stated(&others), !others.is_empty(), intent));
    }
    let of = |key: &str| on_record.iter().find(|(.., intent)| intent.key == key).map_or(0, |(stated, ..)| *stated);
    // What is another order's or another customer's is paid already, and nothing of it is stated again.
    let is_foreign = |intent: &&Intent| on_record.iter().any(|(stated, known, own)| own.key == intent.key && *known && *stated == 0);
    if let Some(intent) = money::new_payments(&money::spread_bounded(facts, refund, of)).iter().find(is_foreign) {
        return Err(ServiceError::Conflict(format!("`{}` is paid already (CAP-03)", intent.name())));
    }
    let late = late(reads, merchant, facts, own, delayed)?;
    money::pay(&late.facts, refund, of)
        .map_err(|short| ServiceError::Invalid(vec![above("pays more than what is left of the lines that it is about (CAP-01)", &short)]))
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
    let day_of = |at_ms: i64| civil::day_of(at_ms, counting.tz_offset_min);
    let count = |group: &mut dyn Group, intents: &mut dyn Iterator<Item = &Intent>, sign: i64, at_ms: i64, day: i32| {
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
                day,
                refund: refund * sign,
                goodwill: goodwill * sign,
            },
        )
    };
    for part in cancelled {
        group.cancel_intent(merchant, &part.intent.key, part.intent.payment, part.seq)?;
    }
    // To the day on which it was counted: the merchant may have moved to another zone since.
    let mut day = None;
    for part in cancelled {
        day = day.or(group.counted_day(merchant, whose.order.unwrap_or_default(), part.seq, counting.before_ms)?);
    }
    let day = day.unwrap_or_else(|| day_of(counting.before_ms));
    count(group, &mut cancelled.iter().map(|part| &part.intent), -1, counting.before_ms, day)?;
    for intent in paid {
        group.pay_intent(merchant, intent, counting.seq)?;
    }
    count(group, &mut paid.iter(), 1, counting.at_ms, day_of(counting.at_ms))?;
    Ok(())
}
