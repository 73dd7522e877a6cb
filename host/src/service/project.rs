//! What later cases need of a record, written in its transaction: after-sale cases of an order, grants, blacklist requests
//! and measures. Everything here can be computed again from the records.

use ombud_core::case::Case;
use ombud_core::edition::Edition;
use ombud_core::event::{Event, EventType};
use ombud_core::ids::{DecisionId, MerchantId};
use ombud_core::kind::Kind;
use ombud_core::money::{self, Amounts, Due, Intent, Payment};
use ombud_core::ruling::Ruling;
use ombud_ledger::Digest;
use ombud_rules::after_sale::{Account, Bill, requested};
use ombud_rules::civil;
use ombud_rules::contract::after_sale::{AfterSaleCase, AfterSaleRuling, Outcome, RequestKind};
use ombud_rules::contract::blacklist::Stage;
use ombud_rules::contract::delay::{CompForm, DelayCase, DelayRuling};
use ombud_store::{AfterSaleRow, CaseState, Count, GrantRow, Group, LineHistory};

use super::acts::{By, NewAct};
use super::error::ServiceError;
use super::{blacklist, platform, units};

/// What stands after a decision was taken back.
pub const CANCELLED: &str = "cancelled";

/// What stands after compliance found for the customer: the measure is lifted.
pub const APPEAL_GRANTED: &str = "closed";

/// What stands after compliance found against the customer: the measure stays in force until its end.
pub const APPEAL_DISMISSED: &str = "appeal-dismissed";

/// An event of a merchant, as it came or as it is read back from a record.
pub struct Occasion<'a> {
    /// Whose it is.
    pub merchant: &'a MerchantId,
    /// The merchant's zone, minutes east of UTC.
    pub tz_offset_min: i32,
    /// Who sent it.
    pub by: &'a By,
    /// The event.
    pub event: &'a Event,
    /// When the host received it, epoch milliseconds.
    pub received_at_ms: i64,
}

/// A decision on record.
pub struct Made<'a> {
    /// Its id.
    pub id: &'a DecisionId,
    /// Its facts.
    pub case: &'a Case,
    /// The ruling that stands.
    pub ruling: &'a Ruling,
    /// By which edition of the host's rules it was concluded.
    pub edition: Edition,
    /// Name and version of the policy; none where none was bound.
    pub policy: Option<(&'a str, &'a str)>,
    /// The payments that it stands for.
    pub paid: &'a [Intent],
    /// What it counts.
    pub counts: &'a Amounts,
    /// Its place in the ledger.
    pub seq: u64,
    /// Its leaf.
    pub leaf: Digest,
}

/// Pays and counts what a decision brings.
pub fn money(group: &mut dyn Group, on: &Occasion<'_>, made: &Made<'_>) -> Result<(), ServiceError> {
    for intent in made.paid {
        group.pay_intent(on.merchant, intent, made.seq)?;
    }
    if made.counts.any() {
        group.count(
            on.merchant,
            &Count {
                seq: made.seq,
                order: money::order_id(made.case).unwrap_or_default(),
                customer: on.event.data.customer_ref.as_ref().map(|customer| customer.as_str()),
                at_ms: on.received_at_ms,
                day: civil::day_of(on.received_at_ms, on.tz_offset_min),
                refund: made.counts.refund,
                goodwill: made.counts.goodwill(),
            },
        )?;
    }
    Ok(())
}

/// Projects a decision. Returns the acts of persons in it, which are recorded behind the event's decisions.
pub fn decision(group: &mut dyn Group, on: &Occasion<'_>, made: &Made<'_>) -> Result<Vec<NewAct>, ServiceError> {
    match (made.case, made.ruling) {
        (Case::AfterSale(case), Ruling::AfterSale(ruling)) => after_sale(group, on, made, case, ruling)?,
        (Case::Delay(case), Ruling::Delay(ruling)) if money::due(made.ruling) == Due::Now => grants(group, on, case, ruling, made.seq)?,
        (Case::Blacklist(case), Ruling::Blacklist(ruling)) => return blacklist::project(group, on, case, ruling, made),
        _ => {}
    }
    Ok(Vec::new())
}

fn after_sale(
    group: &mut dyn Group,
    on: &Occasion<'_>,
    made: &Made<'_>,
    case: &AfterSaleCase,
    ruling: &AfterSaleRuling,
) -> Result<(), ServiceError> {
    let merchant = on.merchant;
    let due = money::due(made.ruling);
    let order = &case.order.order_id;
    let known = group.after_sale_cases(merchant, order)?.into_iter().find(|row| row.after_sale_id == case.after_sale_id);
    let requests = matches!(on.event.envelope.event_type, EventType::AftersaleRequested | EventType::AftersaleModified);
    let before = known.as_ref();
    let paid = if due == Due::Now { ruling.refund } else { 0 };
    // A part paid for spoiled goods gives no unit back: what is left of it stays claimable (AS-003 looks at units and money).
    let given_up = ruling.outcome != Outcome::ApprovePartialRefund;
    let (lines, freight) = match before {
        // What the order does not have takes nothing of what was asked for before.
        Some(row) if is_refused(made, ruling) => (row.lines.clone(), 0),
        _ => refunded(case, before, paid, given_up, made.edition),
    };
    let promise = match due {
        Due::Later => Some(ruling.refund),
        Due::Proposal if waits(ruling.outcome) => None,
        Due::Now | Due::Proposal => Some(0),
    };
    let lines = promised(case, lines, promise, made.edition);
    let lines = units::decided(case, before, lines, ruling.outcome, made.edition);
    let row = AfterSaleRow {
        order: order.clone(),
        after_sale_id: case.after_sale_id.clone(),
        customer: Some(case.customer.customer_ref.clone()),
        state: match before {
            Some(row) if is_refused(made, ruling) => row.state,
            _ if is_over(ruling.outcome) => CaseState::Closed,
            _ => CaseState::Open,
        },
        outcome: made.ruling.outcome().to_owned(),
        resolution: resolution(ruling.outcome)
            .map(|kind| kind.as_str().to_owned())
            .or_else(|| before.and_then(|row| row.resolution.clone())),
        attempts: before.map_or(0, |row| row.attempts).saturating_add(u32::from(requests)),
        lines,
        freight_refunded: before.map_or(0, |row| row.freight_refunded).saturating_add(freight),
        approved: match due {
            Due::Now | Due::Later => ruling.refund,
            // What only asks or waits takes nothing back.
            Due::Proposal if waits(ruling.outcome) => before.map_or(0, |row| row.approved),
            Due::Proposal => 0,
        },
        compensation: before.map_or(0, |row| row.compensation),
        reason: Some(case.reason.as_str().to_owned()),
        policy: before.and_then(|row| row.policy.clone()).or_else(|| made.policy.map(|(name, _)| name.to_owned())),
        version: before.and_then(|row| row.version.clone()).or_else(|| made.policy.map(|(_, version)| version.to_owned())),
        opened_at_ms: before.map_or(on.received_at_ms, |row| row.opened_at_ms),
        updated_at_ms: on.received_at_ms,
        last_seq: made.seq,
    };
    group.put_after_sale_case(merchant, &row)?;
    Ok(())
}

/// Whether the event was refused as one that contradicts the order: then the case stays as it was.
fn is_refused(made: &Made<'_>, ruling: &AfterSaleRuling) -> bool {
    made.edition >= Edition::Second && ruling.outcome == Outcome::InvalidInput
}

/// The lines of the case with what this decision pays for each, and the freight in it; below zero for what is taken back. A unit for which
/// nothing was paid is held as long as it is asked for; in the first edition it was held for good.
pub fn refunded(
    case: &AfterSaleCase,
    before: Option<&AfterSaleRow>,
    paid: i64,
    given_up: bool,
    edition: Edition,
) -> (Vec<LineHistory>, i64) {
    let mut lines: Vec<LineHistory> = before.map(|row| row.lines.clone()).unwrap_or_default();
    let requested = requested(case).unwrap_or_default();
    let anew = given_up && edition >= Edition::Second && !requested.is_empty();
    if anew {
        let is_back = |known: &LineHistory| known.refunded > 0 || known.units_back() > 0;
        lines.retain(|known| is_back(known) || requested.iter().any(|line| line.line.line_id == known.line_id));
    }
    let bill = Bill::of(&case.order);
    let split = Account { order: &case.order, bill: &bill, lines: &requested }.split(paid.saturating_abs(), true);
    for (line, refunded) in requested.iter().zip(&split.lines) {
        let id = &line.line.line_id;
        let refunded = refunded * paid.signum();
        let qty = if given_up { line.units } else { 0 };
        match lines.iter_mut().find(|known| known.line_id == *id) {
            Some(known) => {
                known.qty = if anew && known.refunded == 0 { qty } else { known.qty.max(qty) };
                known.refunded = known.refunded.saturating_add(refunded).max(0);
            }
            None => lines.push(LineHistory {
                line_id: id.clone(),
                qty,
                refunded: refunded.max(0),
                due: None,
                by_platform: 0,
                confirmed: 0,
                back: None,
            }),
        }
    }
    (lines, split.freight * paid.signum())
}

/// The lines with what of a refund that falls due later each of them was promised; without one, what they were promised before stands.
fn promised(case: &AfterSaleCase, mut lines: Vec<LineHistory>, refund: Option<i64>, edition: Edition) -> Vec<LineHistory> {
    if edition < Edition::Third {
        return lines;
    }
    lines.iter_mut().for_each(|line| line.due = Some(if refund.is_none() { line.due.unwrap_or(0) } else { 0 }));
    let Some(refund) = refund.filter(|refund| *refund > 0) else { return lines };
    let requested = requested(case).unwrap_or_default();
    let bill = Bill::of(&case.order);
    let split = Account { order: &case.order, bill: &bill, lines: &requested }.split(refund, true);
    for (line, due) in requested.iter().zip(split.lines) {
        if let Some(known) = lines.iter_mut().find(|known| known.line_id == line.line.line_id) {
            known.due = Some(known.due.unwrap_or(0).saturating_add(due));
        }
    }
    lines
}

/// A person's act on a decision, as far as later cases are concerned.
pub struct Act<'a> {
    /// Whom the decision is about.
    pub customer: &'a str,
    /// What stands now.
    pub outcome: &'a str,
    /// The amounts that stand now.
    pub amounts: &'a Amounts,
    /// Payments that are taken back.
    pub cancelled: &'a [Intent],
    /// Payments that count now.
    pub paid: &'a [Intent],
    /// When, epoch milliseconds.
    pub at_ms: i64,
    /// The act's place in the ledger.
    pub seq: u64,
    /// By which edition of the host's rules the decision was concluded.
    pub edition: Edition,
}

/// Projects an act: what a person approved is refunded or granted for later cases, what a person took back is not.
pub fn act(group: &mut dyn Group, merchant: &MerchantId, case: &Case, ruling: &Ruling, act: &Act<'_>) -> Result<(), ServiceError> {
    match (case, ruling) {
        (Case::AfterSale(case), _) => {
            let rows = group.after_sale_cases(merchant, &case.order.order_id)?;
            let Some(mut row) = rows.into_iter().find(|row| row.after_sale_id == case.after_sale_id) else { return Ok(()) };
            let stood = Outcome::parse(&row.outcome);
            for (intents, sign) in [(act.cancelled, -1), (act.paid, 1)] {
                let refund = intents.iter().filter(|intent| intent.payment == Payment::Refund).map(|intent| intent.amount).sum::<i64>();
                let given_up = sign > 0 && Outcome::parse(act.outcome) != Some(Outcome::ApprovePartialRefund);
                // A person decides on money, not on units.
                let (lines, freight) = refunded(case, Some(&row), refund * sign, given_up, Edition::First);
                row.lines = lines;
                row.freight_refunded = row.freight_refunded.saturating_add(freight).max(0);
            }
            match Outcome::parse(act.outcome) {
                Some(outcome) => {
                    row.state = if is_over(outcome) { CaseState::Closed } else { CaseState::Open };
                    row.resolution = resolution(outcome).map(|kind| kind.as_str().to_owned()).or(row.resolution);
                }
                // Taken back: nothing is approved, and nothing is under way that would stand in the way of a new case.
                None if act.outcome == CANCELLED => (row.state, row.resolution) = (CaseState::Closed, None),
                None => {}
            }
            let later = if money::due_of(Kind::AfterSale, act.outcome) == Due::Later { act.amounts.refund } else { 0 };
            row.lines = promised(case, row.lines, Some(later), act.edition);
            let is_taken_back = act.cancelled.iter().any(|intent| intent.payment == Payment::Refund);
            units::acted(case, &mut row.lines, (stood, is_taken_back), Outcome::parse(act.outcome), act.edition);
            row.approved = act.amounts.refund;
            row.compensation = if act.edition >= Edition::Third {
                // What other decisions on the case gave stands.
                row.compensation.saturating_sub(goodwill(act.cancelled)).max(0).saturating_add(goodwill(act.paid))
            } else {
                act.amounts.goodwill()
            };
            row.outcome = act.outcome.to_owned();
            row.last_seq = act.seq;
            row.updated_at_ms = act.at_ms;
            if act.edition >= Edition::Fourth {
                platform::keep_confirmed(group, merchant, &mut row)?;
            }
            group.put_after_sale_case(merchant, &row)?;
        }
        (Case::Delay(case), Ruling::Delay(ruling)) => {
            for (intents, sign) in [(act.cancelled, -1), (act.paid, 1)] {
                for intent in intents.iter().filter(|intent| intent.payment != Payment::Refund) {
                    let Some(episode) = intent.key.strip_prefix(case.order_id.as_str()).and_then(|key| key.strip_prefix('/')) else {
                        continue;
                    };
                    let is_paid = |form: &CompForm| Payment::of(*form) == Some(intent.payment);
                    let mut own = ruling.awards.iter().filter(|award| award.episode_id == episode).map(|award| award.form);
                    // An episode may have awards of several forms.
                    let own = if act.edition >= Edition::Third { own.find(is_paid) } else { own.next().filter(is_paid) };
                    let form = own.unwrap_or(match intent.payment {
                        Payment::Coupon => CompForm::Coupon,
                        Payment::Cash | Payment::Refund => CompForm::CashRefund,
                    });
                    // What is taken back is a grant below zero: the sum of an episode's grants is what stands.
                    group.insert_grant(
                        merchant,
                        &GrantRow {
                            order: case.order_id.clone(),
                            episode_id: episode.to_owned(),
                            form: form.as_str().to_owned(),
                            value: intent.amount * sign,
                            at_ms: act.at_ms,
                            seq: act.seq,
                        },
                    )?;
                }
            }
        }
        // An appeal is decided by a person alone (BL-043): the policy only asks for one.
        (Case::Blacklist(case), _) if case.stage == Stage::Appealed => {
            let Some((mut row, _)) = group.blacklist_request(merchant, &case.request_id)? else { return Ok(()) };
            let granted = act.outcome == APPEAL_GRANTED;
            // What another request put in force in the meantime is not what was appealed against.
            let in_force = group.measure(merchant, act.customer)?.is_some_and(|measure| measure.request_id == case.request_id);
            if granted && in_force {
                group.lift_measure(merchant, act.customer)?;
            }
            let over = granted || !in_force;
            let stage = if over { Stage::Archived } else { Stage::Executed };
            row.state = if over { CaseState::Closed } else { CaseState::Open };
            row.stage = stage.as_str().to_owned();
            row.updated_at_ms = act.at_ms;
            group.put_blacklist_request(merchant, &row)?;
        }
        _ => {}
    }
    Ok(())
}

fn goodwill(intents: &[Intent]) -> i64 {
    let given = intents.iter().filter(|intent| intent.payment != Payment::Refund);
    given.fold(0, |sum, intent| sum.saturating_add(intent.amount))
}

/// Nothing more is to come in the case: it was refused, or everything was paid or sent.
const fn is_over(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Reject
            | Outcome::RejectWithAlternative
            | Outcome::RejectDuplicate
            | Outcome::InvalidInput
            | Outcome::ApproveRefundOnly
            | Outcome::ApprovePartialRefund
            | Outcome::RefundNow
    )
}

/// The case goes on, and what was approved in it before stands until there is another word.
const fn waits(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::NeedEvidence | Outcome::Investigate | Outcome::HumanReview | Outcome::Escalate | Outcome::InvalidInput)
}

const fn resolution(outcome: Outcome) -> Option<RequestKind> {
    match outcome {
        Outcome::ApproveReturnRefund => Some(RequestKind::ReturnRefund),
        Outcome::ApproveExchange => Some(RequestKind::Exchange),
        Outcome::ApproveRepair => Some(RequestKind::Repair),
        Outcome::ApproveResend => Some(RequestKind::Resend),
        Outcome::ApproveRefundOnly | Outcome::ApprovePartialRefund => Some(RequestKind::RefundOnly),
        _ => None,
    }
}

/// Compensation paid by a delay ruling.
fn grants(group: &mut dyn Group, on: &Occasion<'_>, case: &DelayCase, ruling: &DelayRuling, seq: u64) -> Result<(), ServiceError> {
    for award in ruling.awards.iter().filter(|award| award.value > 0 && award.form != CompForm::None) {
        group.insert_grant(
            on.merchant,
            &GrantRow {
                order: case.order_id.clone(),
                episode_id: award.episode_id.clone(),
                form: award.form.as_str().to_owned(),
                value: award.value,
                at_ms: on.received_at_ms,
                seq,
            },
        )?;
    }
    Ok(())
}
