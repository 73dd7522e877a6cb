//! What the platform says of after-sales cases by itself: that it closed, refused or refunded one (domain model 4.1, `aftersale.closed`,
//! `.refused`, `.refunded`). What it refunded is paid, whoever decided it: the same case pays it no second time, and its lines bear that much less.

use ombud_core::event::{Event, EventType};
use ombud_core::ids::{CustomerRef, MerchantId};
use ombud_core::money::Payment;
use ombud_rules::after_sale::largest_remainder;
use ombud_store::{AfterSaleRow, CaseState, Group, IntentPart, Reads, StoreError};

use super::error::ServiceError;
use super::project::Occasion;
use super::units;

/// Whether the platform closed, refused or refunded a case.
pub const fn closes(event_type: EventType) -> bool {
    matches!(event_type, EventType::AftersaleClosed | EventType::AftersaleRefused | EventType::AftersaleRefunded)
}

/// The after-sales case that the platform closed, refused or refunded.
pub fn closed(event: &Event) -> Option<&str> {
    let named = event.data.note.as_ref().and_then(|note| note.get("after_sale_id")).and_then(serde_json::Value::as_str);
    named.filter(|_| closes(event.envelope.event_type))
}

/// Projects what an event says of a case beside what is decided on it: one that the platform closed, refused or refunded is
/// closed here as well. The event names the case alone; of a customer whom it names as well it must be that customer's.
pub fn event(group: &mut dyn Group, on: &Occasion<'_>, seq: u64) -> Result<(), ServiceError> {
    let data = &on.event.data;
    let Some(after_sale_id) = closed(on.event) else { return Ok(()) };
    let merchant = on.merchant;
    for mut row in group.after_sale_cases_named(merchant, after_sale_id)? {
        let of = |customer: &CustomerRef| row.customer.as_deref().is_none_or(|own| own == customer.as_str());
        if !data.customer_ref.as_ref().is_none_or(of) {
            continue;
        }
        row.state = CaseState::Closed;
        let told = row.lines.iter().fold(row.freight_refunded, |sum, line| sum.saturating_add(line.refunded));
        if on.event.envelope.event_type != EventType::AftersaleRefunded {
            // What was promised and not paid is not to come any more.
            row.approved = row.approved.min(told);
        } else if pays(&row) {
            let told_by_event = stated(on.event).unwrap_or(row.approved);
            let new = told_by_event.saturating_sub(on_record_of(group, merchant, &row)?).max(0);
            refunded(&mut row, new, true);
            if counts_units(&row) {
                if told.saturating_add(new) >= row.approved {
                    units::paid_by_platform(&mut row.lines);
                }
                if let Some(first) = row.lines.first_mut() {
                    first.confirmed = first.confirmed.max(told_by_event);
                }
            }
        } else {
            let new = row.approved.saturating_sub(told).max(0);
            refunded(&mut row, new, false);
        }
        row.last_seq = seq;
        row.updated_at_ms = on.received_at_ms;
        group.put_after_sale_case(merchant, &row)?;
    }
    Ok(())
}

/// Whether what the platform refunds of a case is a payment on record: of one that was decided since the third edition of the host's rules. Before,
/// only what had been approved was taken for refunded.
fn pays(row: &AfterSaleRow) -> bool {
    row.lines.iter().any(|line| line.due.is_some())
}

/// Whether the units that it took are counted by themselves: since the fourth edition of the host's rules.
fn counts_units(row: &AfterSaleRow) -> bool {
    row.lines.iter().any(|line| line.back.is_some())
}

/// The amount that the event states, in fen.
fn stated(event: &Event) -> Option<i64> {
    event.data.note.as_ref().and_then(|note| note.get("amount")).and_then(serde_json::Value::as_i64)
}

/// What of a case's refund is on record: what decisions, persons and late refunds paid of it, and the platform beside them.
fn on_record_of(group: &dyn Group, merchant: &MerchantId, row: &AfterSaleRow) -> Result<i64, StoreError> {
    let parts = group.intent(merchant, &row.after_sale_id, Payment::Refund)?;
    Ok(parts.iter().fold(by_platform(row), |sum: i64, part| sum.saturating_add(part.amount)))
}

/// What the platform said that it refunded stays paid, though a person has taken back the decision that paid it.
pub fn keep_confirmed(group: &dyn Group, merchant: &MerchantId, row: &mut AfterSaleRow) -> Result<(), StoreError> {
    let confirmed = row.lines.iter().fold(0, |sum: i64, line| sum.saturating_add(line.confirmed));
    if confirmed > 0 {
        let gone = confirmed.saturating_sub(on_record_of(group, merchant, row)?).max(0);
        refunded(row, gone, true);
    }
    Ok(())
}

fn by_platform(row: &AfterSaleRow) -> i64 {
    row.lines.iter().fold(0, |sum: i64, line| sum.saturating_add(line.by_platform))
}

/// What is on record of a payment, what the platform paid of it among it (CAP-03): it is listed with the case alone, for no decision and no person
/// paid it. `order` is whose payment it is.
pub fn on_record(
    reads: &(impl Reads + ?Sized),
    merchant: &MerchantId,
    order: Option<&str>,
    (key, payment): (&str, Payment),
) -> Result<Vec<IntentPart>, StoreError> {
    let mut parts = reads.intent(merchant, key, payment)?;
    if let (Payment::Refund, Some(order)) = (payment, order) {
        let rows = reads.after_sale_cases(merchant, order)?;
        let paid =
            rows.into_iter().filter(|row| row.after_sale_id == key).map(|row| (by_platform(&row), row)).filter(|(paid, _)| *paid > 0);
        // No record paid it that an act could take back.
        parts.extend(paid.map(|(amount, row)| IntentPart { amount, seq: u64::MAX, order: Some(row.order), customer: row.customer }));
    }
    Ok(parts)
}

/// Books a refund on the lines that it was promised for, and on the freight beside them; where that is not known, by their units; where no unit
/// is given up, evenly. Since it `pays`, it is told apart from what decisions paid.
fn refunded(row: &mut AfterSaleRow, amount: i64, pays: bool) {
    let due = row.lines.iter().fold(0, |sum: i64, line| sum.saturating_add(line.due.unwrap_or(0)));
    let mut weights: Vec<i64> = row.lines.iter().map(|line| if due > 0 { line.due.unwrap_or(0) } else { line.qty.into() }).collect();
    weights.push(if due > 0 { row.approved.saturating_sub(due).max(0) } else { 0 });
    if pays && weights.iter().all(|weight| *weight == 0) {
        weights = row.lines.iter().map(|_| 1).chain([0]).collect();
    }
    let shares = largest_remainder(amount, &weights);
    let freight = shares.last().copied().unwrap_or(0);
    for (line, share) in row.lines.iter_mut().zip(&shares) {
        line.refunded = line.refunded.saturating_add(*share);
        line.by_platform = line.by_platform.saturating_add(if pays { *share } else { 0 });
    }
    if let Some(first) = row.lines.first_mut().filter(|_| pays) {
        first.by_platform = first.by_platform.saturating_add(freight);
    }
    row.freight_refunded = row.freight_refunded.saturating_add(freight);
}
