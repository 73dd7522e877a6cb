//! The writer's job: inside one transaction it checks the event's identity, counts money, makes the decision final, and
//! appends the records. It writes only when nothing can go wrong any more.

use std::borrow::Cow;
use std::sync::Arc;

use ombud_core::caps::Restated;
use ombud_core::case::Case;
use ombud_core::decision::{At, Counted, Decision, Earlier};
use ombud_core::event::Event;
use ombud_core::money::{self, Intent};
use ombud_ledger::keys::DataKey;
use ombud_ledger::seal::{Of, seal};
use ombud_ledger::{Amounts, BodyKind, Caps, DecisionEntry, Digest, Engine, Entry, EventEntry, Fault, Header, id, leaf_hash};
use ombud_rules::civil;
use ombud_store::{EntryKind, EventSeen, Group, IntentPart, Listing, NewRecord, Reads, UsageOf};

use super::acts::NewAct;
use super::blacklist;
use super::error::ServiceError;
use super::owner::Owner;
use super::pending::{Item, Pending, Sealed};
use super::read;
use super::snapshot::Tenant;
use super::vault::Vault;
use super::wire::EventAnswer;
use super::{platform, project};

/// What became of a pending event.
pub enum Committed {
    /// Its records were appended, one for each decision.
    New(Vec<Appended>),
    /// It was known: these are its recorded decisions.
    Known(EventAnswer),
}

/// A decision on record.
pub struct Appended {
    /// Its place in the ledger.
    pub seq: u64,
    /// Its leaf.
    pub leaf: Digest,
    /// The decision, where it was made again in the transaction; none where it is the one that was ready.
    pub again: Option<Box<Sealed>>,
}

/// A record ready to be appended.
struct Ready<'a> {
    sealed: Cow<'a, Sealed>,
    header: Vec<u8>,
    leaf: Digest,
    seq: u64,
}

/// What an event is about, for counting.
pub struct About<'a> {
    /// The merchant.
    pub tenant: &'a Tenant,
    /// The event.
    pub event: &'a Event,
    /// The mark of a customer who was erased.
    pub formerly: Option<&'a str>,
    /// When the host received it, epoch milliseconds.
    pub received_at_ms: i64,
}

/// Commits a pending event in the current group.
pub fn commit(group: &mut dyn Group, pending: &Pending, vault: &Vault, engine: &Engine) -> Result<Committed, ServiceError> {
    let merchant = &pending.tenant.config.id;
    let key = &pending.event.envelope.key;
    if let Some(answer) = read::known(as_reads(group), vault, merchant, &pending.event, &pending.body_digest)? {
        return Ok(Committed::Known(answer));
    }
    // Somebody was erased since the event was judged: the key may be destroyed, and the customer nobody's any more.
    let epoch = vault.epoch();
    let now_owned = match pending.owner.epoch == epoch {
        true => None,
        false => Some(Owner::of(as_reads(group), vault, &pending.tenant, &pending.event, pending.owner.epoch)?),
    };
    let owner = now_owned.as_ref().unwrap_or(&pending.owner);
    // A customer's first records may race for the key: the one that is stored counts.
    let (data_key, wrapped) = match &owner.secret.wrapped {
        None => (owner.secret.key.clone(), None),
        Some(wrapped) => match vault.open(merchant, &owner.subject, as_reads(group))? {
            Some(key) => (key, None),
            None => (owner.secret.key.clone(), Some(wrapped)),
        },
    };
    let first = group.log_size(merchant)?;
    let event_entry = EventEntry {
        key: id::event_key(merchant, key),
        event_type: pending.event.envelope.event_type.as_str().to_owned(),
        time_ms: pending.event.envelope.time,
    };
    let mut ready = Vec::with_capacity(pending.items.len());
    for item in &pending.items {
        let next = make_ready(group, pending, item, &ready, owner, &data_key, &event_entry, engine)?;
        ready.push(next);
    }
    let event_only = if pending.items.is_empty() { Some(event_record(pending, first, &data_key, &event_entry)?) } else { None };

    // From here on only the database itself can fail, and then the whole group fails.
    if let Some(wrapped) = wrapped {
        vault.keep(group, merchant, &owner.subject, wrapped, pending.received_at_ms)?;
    }
    let records = ready.len().max(1);
    let seen = EventSeen { body: pending.body_digest, first_seq: first, records: u32::try_from(records).unwrap_or(u32::MAX) };
    group.insert_event(merchant, key, &seen)?;
    let on = project::Occasion {
        merchant,
        tz_offset_min: pending.tenant.config.tz_offset_min,
        by: &pending.by,
        event: &pending.event,
        received_at_ms: pending.received_at_ms,
    };
    if let Some((header, leaf, sealed)) = event_only {
        let listing = listing(pending, EntryKind::Event);
        group.append(&NewRecord { merchant, seq: first, header: &header, leaf, sealed: &sealed, listing })?;
        platform::event(group, &on, first)?;
        blacklist::flag(group, &on, first)?;
        return Ok(Committed::New(Vec::new()));
    }
    blacklist::flag(group, &on, first)?;
    let mut appended = Vec::with_capacity(ready.len());
    let mut acts = Vec::new();
    for (item, record) in pending.items.iter().zip(ready) {
        append(group, pending, item, &record)?;
        let sealed = &record.sealed;
        let made = project::Made {
            id: &item.id,
            case: &item.case,
            ruling: &sealed.decision.ruling,
            edition: pending.tenant.terms.edition,
            policy: item.policy().map(|policy| (policy.name.as_str(), policy.version.as_str())),
            paid: &sealed.paid,
            counts: &sealed.decision.caps.counted,
            seq: record.seq,
            leaf: record.leaf,
        };
        project::money(group, &on, &made)?;
        acts.extend(project::decision(group, &on, &made)?);
        let again = match record.sealed {
            Cow::Borrowed(_) => None,
            Cow::Owned(again) => Some(Box::new(again)),
        };
        appended.push(Appended { seq: record.seq, leaf: record.leaf, again });
    }
    platform::event(group, &on, first)?;
    for act in acts {
        let act = NewAct { subjects: vec![owner.subject.clone()], ..act };
        act.append(group, vault, merchant)?;
    }
    Ok(Committed::New(appended))
}

/// A group reads like a reader.
pub(super) fn as_reads(group: &mut dyn Group) -> &dyn Reads {
    group
}

/// What is counted so far for a case: its windows, and which of the payments asked for are on record. Nothing where nothing
/// falls due now.
pub fn counted(reads: &dyn Reads, about: &About<'_>, case: &Case, asked: Option<&[Intent]>) -> Result<Counted, ServiceError> {
    let Some(asked) = asked else { return Ok(Counted::default()) };
    let merchant = &about.tenant.config.id;
    let usage = reads.usage(
        merchant,
        &UsageOf {
            order: money::order_id(case),
            customer: about.event.data.customer_ref.as_ref().map(|customer| customer.as_str()),
            formerly: about.formerly,
            at_ms: about.received_at_ms,
            day: civil::day_of(about.received_at_ms, about.tenant.config.tz_offset_min),
        },
    )?;
    let mut counted = Counted { usage, ..Counted::default() };
    let whose = Whose { order: money::order_id(case), customer: about.event.data.customer_ref.as_ref().map(|customer| customer.as_str()) };
    for intent in asked {
        let parts = platform::on_record(reads, merchant, whose.order, (&intent.key, intent.payment))?;
        if parts.is_empty() {
            continue;
        }
        counted.on_record.push(intent.name());
        if intent.restates {
            counted.restated.push(Restated { intent: intent.name(), amount: whose.stated(&parts) });
        }
    }
    Ok(counted)
}

/// Whose money a record is about.
pub struct Whose<'a> {
    /// The order.
    pub order: Option<&'a str>,
    /// The customer.
    pub customer: Option<&'a str>,
}

impl Whose<'_> {
    /// How much of an intent on record may be stated again: nothing if any of it is another order's or another customer's.
    pub fn stated(&self, parts: &[IntentPart]) -> i64 {
        if parts.iter().all(|part| self.is_of(part)) { parts.iter().fold(0, |sum, part| sum.saturating_add(part.amount)) } else { 0 }
    }

    /// A customer who was erased since is nobody else.
    fn is_of(&self, part: &IntentPart) -> bool {
        part.order.as_deref() == self.order && (part.customer.is_none() || part.customer.as_deref() == self.customer)
    }
}

#[expect(clippy::too_many_arguments, reason = "a record is made of these parts")]
fn make_ready<'a>(
    group: &mut dyn Group,
    pending: &'a Pending,
    item: &'a Item,
    earlier: &[Ready<'_>],
    owner: &Owner,
    key: &Arc<DataKey>,
    event: &EventEntry,
    engine: &Engine,
) -> Result<Ready<'a>, ServiceError> {
    let merchant = &pending.tenant.config.id;
    let seq = group.log_size(merchant)? + earlier.len() as u64;
    let about = About {
        tenant: &pending.tenant,
        event: &pending.event,
        formerly: owner.formerly.as_deref(),
        received_at_ms: pending.received_at_ms,
    };
    let mut counted = counted(as_reads(group), &about, &item.case, item.asked.as_deref())?;
    let before = pending.items.iter().zip(earlier.iter().map(|record| record.sealed.as_ref()));
    count_earlier(&mut counted, &pending.event, (&item.case, item.asked.as_deref()), before);
    let sealed = if counted == item.ready.counted && Arc::ptr_eq(key, &pending.owner.secret.key) {
        Cow::Borrowed(&item.ready)
    } else {
        let at = At { platform: pending.tenant.config.platform, now: pending.event.now() };
        let again = item.again(merchant, &pending.tenant.terms, counted, at, key, &pending.event_body);
        Cow::Owned(again.map_err(internal)?)
    };
    let header = Header {
        merchant: merchant.clone(),
        seq,
        entry: Entry::Decision(Box::new(entry(pending, item, &sealed.decision, event, engine))),
        received_at_ms: pending.received_at_ms,
        trace_id: pending.trace_id,
        detached: Some(sealed.detached.clone()),
    }
    .encode()
    .map_err(internal)?;
    Ok(Ready { leaf: leaf_hash(&header), header, sealed, seq })
}

/// Adds what the earlier decisions of the same event count and pay.
pub fn count_earlier<'e>(
    counted: &mut Counted,
    event: &Event,
    (case, asked): (&Case, Option<&[Intent]>),
    earlier: impl Iterator<Item = (&'e Item, &'e Sealed)>,
) {
    let Some(asked) = asked else { return };
    let of_customer = event.data.customer_ref.is_some();
    for (item, sealed) in earlier {
        counted.add(case, asked, &Earlier { case: &item.case, counts: &sealed.decision.caps.counted, paid: &sealed.paid, of_customer });
    }
}

fn entry(pending: &Pending, item: &Item, decision: &Decision, event: &EventEntry, engine: &Engine) -> DecisionEntry {
    DecisionEntry {
        event: event.clone(),
        id: item.id.clone(),
        kind: item.kind,
        policy: item.policy_call.clone(),
        guardrail: item.guardrail_call,
        beside: item.beside_call.clone(),
        engine: engine.clone(),
        fault: decision.fault.as_ref().map(|fault| Fault { of: fault.of, code: fault.code, limit: None }),
        outcome: decision.outcome.clone(),
        amounts: Amounts {
            refund: decision.amounts.refund,
            cash: decision.amounts.cash,
            coupon: decision.amounts.coupon,
            currency: pending.tenant.config.currency.clone(),
        },
        caps: Caps::from(&decision.caps),
    }
}

fn event_record(pending: &Pending, seq: u64, key: &DataKey, event: &EventEntry) -> Result<(Vec<u8>, Digest, Vec<u8>), ServiceError> {
    let mut sealed = Vec::new();
    let bodies: [(BodyKind, &[u8]); 1] = [(BodyKind::Event, &pending.event_body)];
    let detached = seal(key, &pending.tenant.config.id, Of::Event(&event.key), &bodies, &mut sealed).map_err(internal)?;
    let header = Header {
        merchant: pending.tenant.config.id.clone(),
        seq,
        entry: Entry::Event(event.clone()),
        received_at_ms: pending.received_at_ms,
        trace_id: pending.trace_id,
        detached: Some(detached),
    }
    .encode()
    .map_err(internal)?;
    Ok((header.clone(), leaf_hash(&header), sealed))
}

fn listing(pending: &Pending, entry: EntryKind) -> Listing<'_> {
    let data = &pending.event.data;
    Listing {
        entry,
        decision: None,
        kind: None,
        outcome: None,
        policy: None,
        version: None,
        event_type: pending.event.envelope.event_type.as_str(),
        ticket: data.ticket_id.as_ref().map(|ticket| ticket.as_str()),
        customer: data.customer_ref.as_ref().map(|customer| customer.as_str()),
        order: data.order.as_ref().map(|order| order.order_id.as_str()),
        event_at_ms: Some(pending.event.envelope.time),
        received_at_ms: pending.received_at_ms,
    }
}

fn append(group: &mut dyn Group, pending: &Pending, item: &Item, record: &Ready<'_>) -> Result<(), ServiceError> {
    let merchant = &pending.tenant.config.id;
    let listing = Listing {
        decision: Some(&item.id),
        kind: Some(item.kind.as_str()),
        outcome: Some(&record.sealed.decision.outcome),
        policy: item.policy().map(|policy| policy.name.as_str()),
        version: item.policy().map(|policy| policy.version.as_str()),
        order: money::order_id(&item.case),
        ..listing(pending, EntryKind::Decision)
    };
    group.append(&NewRecord {
        merchant,
        seq: record.seq,
        header: &record.header,
        leaf: record.leaf,
        sealed: &record.sealed.bytes,
        listing,
    })?;
    Ok(())
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> ServiceError {
    ServiceError::Internal(anyhow::Error::new(error))
}
