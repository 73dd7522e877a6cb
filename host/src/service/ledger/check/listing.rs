//! How records are listed, and what their headers say in clear, against what their bodies say.

use std::collections::BTreeSet;

use ombud_core::ids::{DecisionId, MerchantId};
use ombud_core::money::{self, Amounts, Due};
use ombud_ledger::keys::DigestKey;
use ombud_ledger::{BodyKind, Entry, Header};
use ombud_store::{ListedEntry, Reads, StoreError};
use serde_json::Value;

use super::derived::Readable;
use crate::replay::{Record, RecordedCase, contradictions, event_of, of_case, of_decision};
use crate::service::acts::{BLACKLIST_STEP, SELF_AUDIT_DIVERGED, Told, told};
use crate::service::decide::{digest_of, is_persons_act};
use crate::service::owner;

/// Reads the bodies of a record.
///
/// # Errors
/// They are none that this version takes.
pub(super) fn read<'r>(record: &'r Record, listed: &'r ListedEntry) -> Result<Readable<'r>, String> {
    let event = event_of(record)?;
    let case = match &record.header.entry {
        Entry::Decision(entry) => Some(RecordedCase::read(entry, record).map_err(|damage| damage.to_string())?),
        Entry::Event(_) | Entry::Act(_) => None,
    };
    Ok(Readable { record, listed, event, case })
}

/// What is listed, or stands in the header, otherwise than the bodies say.
///
/// # Errors
/// The store cannot be read.
pub(super) fn differences(
    reads: &dyn Reads,
    merchant: &MerchantId,
    read: &Readable<'_>,
    digest_key: Option<&DigestKey>,
) -> Result<Vec<String>, StoreError> {
    let Readable { record, listed, event, case } = read;
    let mut differences = contradictions(record, event.as_ref());
    if let Entry::Decision(entry) = &record.header.entry {
        differences.extend(of_decision(record, entry));
    }
    if let (Some(event), Some(case)) = (event, case) {
        differences.extend(of_case(record, event, case));
    }
    if let Some(body) = record.body(BodyKind::Act) {
        differences.extend(differences_of_act(reads, merchant, body, read, digest_key)?);
        return Ok(differences);
    }
    let Some(event) = event else { return Ok(differences) };
    let data = &event.data;
    let order = match case {
        Some(case) => money::order_id(&case.case).map(str::to_owned),
        None => data.order.as_ref().map(|order| order.order_id.to_string()),
    };
    let customer = data.customer_ref.as_ref().map(ToString::to_string);
    let erased = match &customer {
        Some(customer) => is_taken_out(reads, merchant, read, customer, digest_key)?,
        None => false,
    };
    for (name, is, says) in [
        ("ticket", &listed.ticket, data.ticket_id.as_ref().map(ToString::to_string)),
        ("customer", &listed.customer, customer.filter(|_| !erased)),
        ("order", &listed.order, order),
    ] {
        if *is != says {
            differences.push(format!("its {name} is listed otherwise than its event has it"));
        }
    }
    if let Some(key) = digest_key {
        let actors = if is_persons_act(event) { actors(reads, merchant, record.header.seq) } else { vec![String::new()] };
        let is_of = |digest| actors.iter().any(|actor| digest_of(key, actor, event) == digest);
        match reads.event(merchant, &event.envelope.key) {
            Ok(Some(seen)) if !is_of(seen.body) => differences.push("the event index has another digest of its event".into()),
            // Where it is not there that is told already.
            Ok(_) => {}
            Err(error) => differences.push(format!("the event index cannot be read for its event: {error}")),
        }
    }
    Ok(differences)
}

/// What a person's act says that no act on its decision can say. `acted` are the decisions that were acted on before.
///
/// # Errors
/// The store cannot be read.
pub(super) fn differences_of_override(
    reads: &dyn Reads,
    merchant: &MerchantId,
    record: &Record,
    acted: &mut BTreeSet<DecisionId>,
) -> Result<Vec<&'static str>, StoreError> {
    let Some(Told::Override(Some(act))) = told(&record.header, record.body(BodyKind::Act)) else { return Ok(Vec::new()) };
    // Where it is not there that is told as payments are computed again.
    let Some(on) = reads.decision(merchant, &act.decision)? else { return Ok(Vec::new()) };
    let Ok(Header { entry: Entry::Decision(entry), .. }) = Header::decode(&on.header) else { return Ok(Vec::new()) };
    let waited = match money::due_of(entry.kind, &entry.outcome) {
        Due::Proposal => Amounts { refund: entry.amounts.refund, cash: entry.amounts.cash, coupon: entry.amounts.coupon },
        Due::Now | Due::Later => Amounts::default(),
    };
    Ok(act.problems(entry.kind, acted.insert(act.decision.clone()).then_some(waited)))
}

/// Whether a record lists no customer because the one that it names was erased after it: the erasure of somebody else takes nobody out.
fn is_taken_out(
    reads: &dyn Reads,
    merchant: &MerchantId,
    read: &Readable<'_>,
    customer: &str,
    digest_key: Option<&DigestKey>,
) -> Result<bool, StoreError> {
    let (None, Some(key)) = (&read.listed.customer, digest_key) else { return Ok(false) };
    let erased_at = reads.erased_at(merchant, &owner::mark_by(key, customer))?;
    Ok(erased_at.is_some_and(|at_ms| at_ms >= read.record.header.received_at_ms))
}

/// What an act is listed by otherwise than the decision that it is on; an act on no decision is listed by its name alone.
fn differences_of_act(
    reads: &dyn Reads,
    merchant: &MerchantId,
    body: &str,
    read: &Readable<'_>,
    digest_key: Option<&DigestKey>,
) -> Result<Vec<String>, StoreError> {
    let listed = read.listed;
    // What cannot be read is told already.
    let Ok(body) = serde_json::from_str::<Value>(body) else { return Ok(Vec::new()) };
    let named = |name: &str| body.get(name).and_then(Value::as_str);
    // An alarm names the decision that diverges and is no act on it: it is no part of the ticket's or the customer's listing.
    let is_alarm = named("act") == Some(SELF_AUDIT_DIVERGED);
    let of = named("decision").filter(|_| !is_alarm).and_then(|id| DecisionId::new(id).ok());
    let on =
        of.and_then(|id| reads.decision(merchant, &id).ok().flatten()).and_then(|record| reads.listed(merchant, record.seq).ok().flatten());
    let on = on.as_ref();
    let outcome = on.and_then(|on| named("outcome").map(str::to_owned).or_else(|| on.outcome.clone()));
    let held = |scope: &str| named("subject").filter(|_| named("scope") == Some(scope)).map(str::to_owned);
    let held_ticket = held("ticket");
    // A hold is listed by whom or what it holds; that of a ticket also by one of its customers, whose key opened it, and that of a
    // customer who was erased before by one of the customer's tickets.
    let of_ticket = || listed.customer.clone().filter(|_| held_ticket.is_some());
    let of_customer = || listed.ticket.clone().filter(|_| held("customer").is_some());
    let mut held_customer = held("customer");
    if let Some(customer) = &held_customer
        && is_taken_out(reads, merchant, read, customer, digest_key)?
    {
        held_customer = None;
    }
    let says = [
        ("kind", &listed.kind, on.and_then(|on| on.kind.clone())),
        ("outcome", &listed.outcome, outcome),
        ("ticket", &listed.ticket, on.and_then(|on| on.ticket.clone()).or_else(|| held_ticket.clone()).or_else(of_customer)),
        ("customer", &listed.customer, on.and_then(|on| on.customer.clone()).or(held_customer).or_else(of_ticket)),
        ("order", &listed.order, on.and_then(|on| on.order.clone())),
    ];
    let differ = says.into_iter().filter(|(_, is, says)| **is != *says);
    Ok(differ.map(|(name, ..)| format!("its {name} is listed otherwise than that of what it is on")).collect())
}

/// Who may have sent a person's act: whoever's act stands behind the record; where it was invalid and none does, any person who
/// has or had a key.
fn actors(reads: &dyn Reads, merchant: &MerchantId, seq: u64) -> Vec<String> {
    let behind = reads.record(merchant, seq + 1).ok().flatten().and_then(|record| Header::decode(&record.header).ok());
    if let Some(Entry::Act(act)) = behind.map(|header| header.entry)
        && act.act == BLACKLIST_STEP
    {
        return vec![act.actor];
    }
    let keys = [Some(merchant), None].into_iter().flat_map(|of| reads.api_keys(of).unwrap_or_default());
    keys.map(|key| key.actor).collect()
}
