//! What was approved in the case that a drafted reply is about: the ticket's own decisions and acts on them. Once there is a
//! decision, the helpdesk's word on the amounts counts no longer (design, effective facts; RC-606).

use ombud_core::event::Event;
use ombud_core::history::ReplyHistory;
use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::money::Amounts;
use ombud_ledger::{Entry, Header};
use ombud_rules::contract::delay;
use ombud_rules::contract::types::{Fen, ReasonKind};
use ombud_store::{EntryKind, Filter, ListedEntry, Reads, StoreError};

/// Records of a ticket and kind that are looked at, newest first: more orders than a ticket is about.
const RECORDS_MAX: u32 = 100;

/// The history of a reply's ticket; `acted` reads the amounts of a person's act on a decision from its record.
pub(super) fn gather(
    reads: &(impl Reads + ?Sized),
    merchant: &MerchantId,
    event: &Event,
    acted: impl Fn(u64) -> Result<Option<Amounts>, StoreError>,
) -> Result<ReplyHistory, StoreError> {
    let Some(ticket) = &event.data.ticket_id else { return Ok(ReplyHistory::default()) };
    let of_ticket = |kind: Kind| {
        let filter = Filter { ticket: Some(ticket.to_string()), kind: Some(kind.as_str().to_owned()), ..Filter::default() };
        reads.list(merchant, &filter, None, RECORDS_MAX).map(|page| page.entries)
    };
    let (after_sales, delays) = (of_ticket(Kind::AfterSale)?, of_ticket(Kind::Delay)?);
    let mut history = ReplyHistory { decided: !after_sales.is_empty() || !delays.is_empty(), ..ReplyHistory::default() };
    let mut newest_case_at = i64::MIN;
    let mut refund: Option<Fen> = None;
    for order in orders(&after_sales) {
        for case in reads.after_sale_cases(merchant, order)? {
            // What was paid stays true, whatever was asked for in the case since.
            let paid = case.lines.iter().fold(case.freight_refunded, |sum, line| sum.saturating_add(line.refunded));
            refund = Some(refund.unwrap_or(0).saturating_add(case.approved.max(paid)));
            history.compensation = history.compensation.saturating_add(case.compensation);
            if case.updated_at_ms >= newest_case_at {
                newest_case_at = case.updated_at_ms;
                history.reason = case.reason.as_deref().and_then(ReasonKind::parse);
            }
        }
    }
    let mut due: Fen = 0;
    for order in orders(&delays) {
        let granted = reads.grants(merchant, order)?.iter().fold(0, |sum: Fen, grant| sum.saturating_add(grant.value));
        history.compensation = history.compensation.saturating_add(granted.max(0));
        due = due.saturating_add(refund_due(reads, merchant, &delays, order, &acted)?);
    }
    // A delayed refund restates what an after-sales case approved: the larger of both, not their sum.
    history.refund = if due > 0 { Some(refund.unwrap_or(0).max(due)) } else { refund };
    Ok(history)
}

/// The refund that the last word on an order's delays makes due.
fn refund_due(
    reads: &(impl Reads + ?Sized),
    merchant: &MerchantId,
    delays: &[ListedEntry],
    order: &str,
    acted: impl Fn(u64) -> Result<Option<Amounts>, StoreError>,
) -> Result<Fen, StoreError> {
    let Some(last) = delays.iter().find(|entry| entry.order.as_deref() == Some(order)) else { return Ok(0) };
    if last.entry == EntryKind::Act {
        return Ok(acted(last.seq)?.map_or(0, |amounts| amounts.refund));
    }
    let Some(record) = reads.record(merchant, last.seq)?.filter(|_| last.outcome.as_deref() == Some(delay::Outcome::Compensate.as_str()))
    else {
        return Ok(0);
    };
    let header = Header::decode(&record.header).map_err(|error| StoreError::Damaged(format!("record {}: {error}", record.seq)))?;
    Ok(if let Entry::Decision(entry) = header.entry { entry.amounts.refund } else { 0 })
}

/// The orders of these records, each once.
fn orders(entries: &[ListedEntry]) -> Vec<&str> {
    let mut orders: Vec<&str> = entries.iter().filter_map(|entry| entry.order.as_deref()).collect();
    orders.sort_unstable();
    orders.dedup();
    orders
}
