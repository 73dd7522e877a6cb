//! Answers from records: the same bytes as when the decision was made.

use ombud_core::event::Event;
use ombud_core::history::RequestState;
use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::ruling::Ruling;
use ombud_ledger::keys::DataKey;
use ombud_ledger::seal::UnsealError;
use ombud_ledger::{BodyKind, Digest, Entry, Header, id, leaf_hash};
use ombud_rules::contract::blacklist::BlacklistCase;
use ombud_rules::contract::delay::DelayCase;
use ombud_store::{EventSeen, Reads, StoreError, StoredRecord};
use serde_json::value::RawValue;

use super::blacklist;
use super::error::ServiceError;
use super::vault::{self, SubjectId, Vault};
use super::wire::{EventAnswer, Verbatim};
use crate::bodies::CaseBodyBack;
use crate::replay::{Bodies, Damage, Record};

/// Acts on a blacklist request that are looked through for what they said: the newest.
const ACTS_MAX: u32 = 100;

/// A decision as it is answered: its id, its place in the ledger, and the recorded body.
pub fn answer(id: &str, seq: u64, leaf: &Digest, body: &str) -> String {
    let rest = body.strip_prefix('{').unwrap_or(body);
    format!("{{\"id\":\"{id}\",\"seq\":{seq},\"leaf\":\"{leaf}\",{rest}")
}

/// A record with its bodies opened.
pub struct Opened {
    /// The header.
    pub header: Header,
    /// The leaf.
    pub leaf: Digest,
    /// The bodies; empty where they were erased.
    pub bodies: Vec<(BodyKind, Vec<u8>)>,
    /// The subject's key is gone.
    pub erased: bool,
}

impl Opened {
    /// One body as text.
    pub fn body(&self, kind: BodyKind) -> Option<&str> {
        self.bodies.iter().find(|(own, _)| *own == kind).and_then(|(_, bytes)| std::str::from_utf8(bytes).ok())
    }
}

/// Opens a record, whose subjects come from its listing.
pub fn open(
    reads: &dyn Reads,
    vault: &Vault,
    merchant: &MerchantId,
    record: &StoredRecord,
    subjects: &[SubjectId],
) -> Result<Opened, ServiceError> {
    let leaf = leaf_hash(&record.header);
    let opened =
        |key: Option<&DataKey>| Record::open(merchant, record.seq, &record.header, &record.sealed, key, key.is_some(), Bodies::opened);
    let damaged = |damage: Damage| StoreError::Damaged(format!("record {} of `{merchant}`: {damage}", record.seq));
    for subject in subjects {
        let Some(key) = vault.open(merchant, subject, reads)? else { continue };
        match opened(Some(&key)) {
            Ok(Record { header, bodies: Bodies::Opened(bodies) }) => return Ok(Opened { header, leaf, bodies, erased: false }),
            Ok(_) | Err(Damage::Sealed(UnsealError::WrongKey)) => {}
            Err(damage) => return Err(damaged(damage).into()),
        }
    }
    let Record { header, .. } = opened(None).map_err(damaged)?;
    Ok(Opened { header, leaf, bodies: Vec::new(), erased: true })
}

/// The subjects under whose keys a record may be sealed, by its listing.
pub fn subjects_of(reads: &dyn Reads, merchant: &MerchantId, seq: u64) -> Result<Vec<SubjectId>, ServiceError> {
    let Some(entry) = reads.listed(merchant, seq)? else { return Ok(Vec::new()) };
    Ok(vault::subjects(entry.customer, entry.ticket).collect())
}

/// A record by its place, opened.
pub fn opened_at(reads: &dyn Reads, vault: &Vault, merchant: &MerchantId, seq: u64) -> Result<Option<Opened>, ServiceError> {
    let Some(record) = reads.record(merchant, seq)? else { return Ok(None) };
    let subjects = subjects_of(reads, merchant, seq)?;
    open(reads, vault, merchant, &record, &subjects).map(Some)
}

/// The recorded answer to an event, if it is known: the same event again gives the same decisions, another body under the
/// same id is a conflict.
pub fn known(
    reads: &dyn Reads,
    vault: &Vault,
    merchant: &MerchantId,
    event: &Event,
    body_digest: &Digest,
) -> Result<Option<EventAnswer>, ServiceError> {
    let key = &event.envelope.key;
    let Some(seen) = reads.event(merchant, key)? else { return Ok(None) };
    if seen.body != *body_digest {
        return Err(ServiceError::Conflict(format!(
            "event `{}` of source `{}` is on record with another body, or as another person's act: a new event needs a new id",
            key.id(),
            key.source()
        )));
    }
    event_again(reads, vault, merchant, key.id(), &seen).map(Some)
}

/// The recorded answer to an event that came before.
fn event_again(
    reads: &dyn Reads,
    vault: &Vault,
    merchant: &MerchantId,
    event_id: &str,
    seen: &EventSeen,
) -> Result<EventAnswer, ServiceError> {
    let mut decisions = Vec::new();
    for seq in (seen.first_seq..).take(seen.records as usize) {
        let missing = || ServiceError::Damaged(format!("record {seq} of `{merchant}` is missing"));
        let opened = opened_at(reads, vault, merchant, seq)?.ok_or_else(missing)?;
        if let Some(json) = recorded_answer(&opened) {
            decisions.push(Verbatim::new(json));
        }
    }
    Ok(EventAnswer { event: event_id.to_owned(), duplicate: true, decisions })
}

/// The answer of a decision's record; none for other records. An erased one keeps what the header holds.
pub fn recorded_answer(opened: &Opened) -> Option<String> {
    let Entry::Decision(entry) = &opened.header.entry else { return None };
    Some(match opened.body(BodyKind::Decision) {
        Some(body) => answer(entry.id.as_str(), opened.header.seq, &opened.leaf, body),
        None => {
            let erased = serde_json::json!({
                "id": entry.id.as_str(), "seq": opened.header.seq, "leaf": opened.leaf.to_string(), "kind": entry.kind,
                "outcome": entry.outcome, "erased": true,
                "amounts": {"refund": entry.amounts.refund, "cash": entry.amounts.cash, "coupon": entry.amounts.coupon},
            });
            erased.to_string()
        }
    })
}

/// The state of a blacklist request after the record at `seq`, with what its acts said.
pub fn request_state(reads: &dyn Reads, vault: &Vault, merchant: &MerchantId, seq: u64) -> Result<Option<RequestState>, ServiceError> {
    let Some((request_id, state)) = shown_state(reads, vault, merchant, seq)? else { return Ok(None) };
    // The last record may be one of the timer, and an act may say nothing of it: then the one before did.
    for at in std::iter::once(seq).chain(reads.blacklist_acts(merchant, &request_id, ACTS_MAX)?) {
        let Some(opened) = opened_at(reads, vault, merchant, at)? else { continue };
        if let Some(said) = opened.body(BodyKind::Event).and_then(open_after_sales) {
            return Ok(Some(RequestState { open_after_sales: Some(said), ..state }));
        }
    }
    Ok(Some(state))
}

/// A blacklist request's id, and its state after the record at `seq` as that record alone has it.
pub fn shown_state(
    reads: &dyn Reads,
    vault: &Vault,
    merchant: &MerchantId,
    seq: u64,
) -> Result<Option<(String, RequestState)>, ServiceError> {
    let Some(opened) = opened_at(reads, vault, merchant, seq)? else { return Ok(None) };
    let (Some(case), Some(decision)) = (opened.body(BodyKind::Case), opened.body(BodyKind::Decision)) else { return Ok(None) };
    let unreadable = |error: serde_json::Error| ServiceError::Internal(error.into());
    let body: CaseBodyBack = serde_json::from_str(case).map_err(unreadable)?;
    let case: BlacklistCase = serde_json::from_str(body.case.get()).map_err(unreadable)?;
    let ruling = ruling_of(decision, Kind::Blacklist)?;
    let customer = reads.listed(merchant, seq)?.and_then(|entry| entry.customer).unwrap_or_default();
    let Ruling::Blacklist(ruling) = ruling else { return Ok(None) };
    let state = blacklist::state_after(&case, &customer, ruling.outcome, ruling.measure);
    Ok(Some((case.request_id, state)))
}

/// How many open after-sales cases an event on a blacklist request says there are, if it says it.
fn open_after_sales(event: &str) -> Option<u32> {
    #[derive(serde::Deserialize)]
    struct Event {
        data: Data,
    }
    #[derive(serde::Deserialize)]
    struct Data {
        blacklist: Act,
    }
    #[derive(serde::Deserialize)]
    struct Act {
        open_after_sales: Option<u32>,
    }
    serde_json::from_str::<Event>(event).ok()?.data.blacklist.open_after_sales
}

/// The facts of a delay's decision at `seq`; none where they were erased, or it is of something else.
pub fn delay_case(reads: &dyn Reads, vault: &Vault, merchant: &MerchantId, seq: u64) -> Result<Option<DelayCase>, ServiceError> {
    let Some(opened) = opened_at(reads, vault, merchant, seq)? else { return Ok(None) };
    let is_delay = matches!(&opened.header.entry, Entry::Decision(entry) if entry.kind == Kind::Delay);
    let Some(case) = opened.body(BodyKind::Case).filter(|_| is_delay) else { return Ok(None) };
    let unreadable = |error: serde_json::Error| ServiceError::Internal(error.into());
    let body: CaseBodyBack = serde_json::from_str(case).map_err(unreadable)?;
    Ok(Some(serde_json::from_str(body.case.get()).map_err(unreadable)?))
}

/// The ruling inside a decision body.
pub fn ruling_of(decision_body: &str, kind: Kind) -> Result<Ruling, ServiceError> {
    #[derive(serde::Deserialize)]
    struct Part<'a> {
        #[serde(borrow)]
        ruling: &'a RawValue,
    }
    let unreadable = |error: serde_json::Error| ServiceError::Internal(error.into());
    let part: Part<'_> = serde_json::from_str(decision_body).map_err(unreadable)?;
    Ruling::from_json(kind, part.ruling.get().as_bytes()).map_err(unreadable)
}

/// The decision id of 16 stored bytes.
pub fn decision_id(bytes: &[u8; 16]) -> String {
    id::decision_id(bytes).map(|id| id.to_string()).unwrap_or_default()
}
