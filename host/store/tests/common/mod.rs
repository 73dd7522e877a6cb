//! What the store's tests share: a store in a directory of its own, and made-up records.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ombud_core::ids::{DecisionId, EventKey, MerchantId};
use ombud_core::kind::Kind;
use ombud_ledger::{Digest, leaf_hash};
use ombud_store::{EntryKind, EventSeen, Group, JobError, Listing, MerchantRow, NewRecord, SqliteStore, StoreError, Writer, WriterLimits};

/// Longer than anything here takes.
pub const SECONDS: Duration = Duration::from_secs(60);

pub struct Opened {
    // Dropped in this order: the writer finishes before the store lets go of the directory.
    pub writer: Arc<Writer>,
    pub store: SqliteStore,
}

pub fn merchant(id: &str) -> MerchantId {
    MerchantId::new(id).unwrap()
}

/// Opens the store with these merchants.
pub fn open(directory: &Path, merchants: &[&str]) -> Opened {
    let (store, transactions) = SqliteStore::open(directory).unwrap();
    let writer = Writer::start(transactions, WriterLimits::default(), |_| ()).unwrap();
    for id in merchants {
        let row = MerchantRow { id: merchant(id), config: "{}".into(), created_at_ms: 1 };
        writer.wait(move |group| group.put_merchant(&row)).unwrap();
    }
    Opened { writer: Arc::new(writer), store }
}

/// One made-up decision; what is not set is none.
#[derive(Clone, Debug, Default)]
pub struct Made {
    pub ticket: Option<String>,
    pub customer: Option<String>,
    pub kind: Option<&'static str>,
    pub outcome: Option<&'static str>,
    pub policy: Option<&'static str>,
    pub version: Option<&'static str>,
    pub order: Option<String>,
    pub received_at_ms: i64,
}

pub fn header(merchant: &MerchantId, event: &str) -> Vec<u8> {
    format!("header of {event} of {merchant}").into_bytes()
}

/// Appends one decision on `event` as the next record; its sequence number.
pub fn append(group: &mut dyn Group, merchant: &MerchantId, event: &str, made: &Made) -> Result<u64, StoreError> {
    let key = EventKey::new("/test", event).unwrap();
    let decision = DecisionId::derive(merchant, &key, Kind::AfterSale);
    let seq = group.log_size(merchant)?;
    let header = header(merchant, event);
    let listing = Listing {
        entry: EntryKind::Decision,
        decision: Some(&decision),
        kind: made.kind,
        outcome: made.outcome,
        policy: made.policy,
        version: made.version,
        event_type: "aftersale.requested",
        ticket: made.ticket.as_deref(),
        customer: made.customer.as_deref(),
        order: made.order.as_deref(),
        event_at_ms: Some(made.received_at_ms),
        received_at_ms: made.received_at_ms,
    };
    group.append(&NewRecord { merchant, seq, header: &header, leaf: leaf_hash(&header), sealed: b"sealed", listing })?;
    group.insert_event(merchant, &key, &EventSeen { body: Digest::of(event.as_bytes()), first_seq: seq, records: 1 })?;
    Ok(seq)
}

/// The same through the writer.
pub fn submit(writer: &Writer, merchant: &MerchantId, event: &str, made: Made) -> Result<u64, JobError<StoreError>> {
    let (merchant, event) = (merchant.clone(), event.to_owned());
    writer.wait(move |group| append(group, &merchant, &event, &made))
}
