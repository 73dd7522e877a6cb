//! The ledger's rows: records, their place in the merchant's log, and the events seen.

use std::ops::Range;

use ombud_core::ids::{DecisionId, EventKey, MerchantId};
use ombud_core::kind::Kind;
use ombud_ledger::Digest;

use crate::StoreError;
use crate::listing::{Filter, ListedEntry, Page};

/// What a record is of, as the listing names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    Decision,
    Event,
    Act,
}

impl EntryKind {
    /// The name in the database and in listings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Event => "event",
            Self::Act => "act",
        }
    }

    /// The entry kind with this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Decision, Self::Event, Self::Act].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A record to be appended.
#[derive(Clone, Debug)]
pub struct NewRecord<'a> {
    pub merchant: &'a MerchantId,
    /// Must be the merchant's next: [`ReadLedger::log_size`].
    pub seq: u64,
    /// The header's bytes: the leaf.
    pub header: &'a [u8],
    /// [`ombud_ledger::leaf_hash`] of the header.
    pub leaf: Digest,
    /// The sealed bodies, empty where there are none.
    pub sealed: &'a [u8],
    pub listing: Listing<'a>,
}

/// By what a record is found. Nothing here is hashed: the header is what counts.
#[derive(Clone, Debug)]
pub struct Listing<'a> {
    pub entry: EntryKind,
    pub decision: Option<&'a DecisionId>,
    pub kind: Option<&'a str>,
    pub outcome: Option<&'a str>,
    pub policy: Option<&'a str>,
    pub version: Option<&'a str>,
    /// CloudEvents `type`, or the act.
    pub event_type: &'a str,
    pub ticket: Option<&'a str>,
    pub customer: Option<&'a str>,
    pub order: Option<&'a str>,
    /// CloudEvents `time`, epoch milliseconds.
    pub event_at_ms: Option<i64>,
    pub received_at_ms: i64,
}

/// A record as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    pub seq: u64,
    pub header: Vec<u8>,
    pub sealed: Vec<u8>,
}

/// Which decisions of a merchant are wanted; all of them, unless a member says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Their places in the log.
    pub seqs: Range<u64>,
    pub ticket: Option<String>,
    /// Of these kinds; none named is all.
    pub kinds: Vec<Kind>,
    /// By the policy's name, whatever its version.
    pub policy: Option<String>,
    /// Received at or after, epoch milliseconds.
    pub from_ms: Option<i64>,
    /// Received before, epoch milliseconds.
    pub to_ms: Option<i64>,
}

/// The record of a decision, with what its listing says of its subjects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRecord {
    pub seq: u64,
    /// None where its bytes are gone.
    pub record: Option<StoredRecord>,
    /// The decision's id as listed.
    pub decision: Option<[u8; 16]>,
    /// Its kind as listed.
    pub kind: Option<String>,
    /// When it was received as listed, epoch milliseconds.
    pub received_at_ms: i64,
    /// The leaf hash as listed; the log is built from these.
    pub leaf: Digest,
    /// None where the customer was erased, too.
    pub customer: Option<String>,
    pub ticket: Option<String>,
}

/// The header of a record, whatever it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedHeader {
    pub seq: u64,
    /// None where its bytes are gone.
    pub header: Option<Vec<u8>>,
    /// The leaf hash as listed.
    pub leaf: Digest,
    /// Whether it is listed as a decision.
    pub is_decision: bool,
}

/// How far a log goes by what says so. The two differ only where one of them is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The place behind the last record that is listed.
    pub listed: u64,
    /// Records that the log claims to have: those of its tree, or those that were signed, if these are more; as many as are listed, where there is
    /// no tree.
    pub claimed: u64,
}

impl Extent {
    /// Records that the log has and may be listed: places beyond are the other's damage.
    pub fn records(self) -> u64 {
        self.listed.min(self.claimed)
    }

    /// Places at the log's end that nothing is listed of.
    pub fn lost(self) -> Range<u64> {
        self.records()..self.claimed
    }

    /// Places behind the log's end up to the last that is listed.
    pub fn behind(self) -> Range<u64> {
        self.records()..self.listed
    }
}

/// What is known of an event that came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventSeen {
    /// Keyed digest of the body: [`ombud_ledger::id::body_digest`].
    pub body: Digest,
    /// Its first record; the others follow without a gap, for all decisions of an event commit together.
    pub first_seq: u64,
    /// How many records it has, at least one.
    pub records: u32,
}

/// Reading the ledger. Unknown merchants have an empty one.
pub trait ReadLedger {
    /// Records of the merchant, which is the next sequence number.
    fn log_size(&self, merchant: &MerchantId) -> Result<u64, StoreError>;
    /// The record at a place; one that is listed and whose bytes are gone is damage.
    fn record(&self, merchant: &MerchantId, seq: u64) -> Result<Option<StoredRecord>, StoreError>;
    /// Places of the log that nothing is listed at, up to `count` runs of them: they are damage.
    fn missing(&self, merchant: &MerchantId, seqs: Range<u64>, count: usize) -> Result<Vec<Range<u64>>, StoreError>;
    /// Logs of merchants that the database does not name: they are damage.
    fn nameless_logs(&self) -> Result<u64, StoreError>;
    /// How far the log goes: by its tree and what was signed of it, and by what is listed.
    fn extent(&self, merchant: &MerchantId) -> Result<Extent, StoreError>;
    /// The first place from `from` on that something is listed at: whoever goes through a log passes a gap at once, however wide it is said
    /// to be.
    fn listed_from(&self, merchant: &MerchantId, from: u64) -> Result<Option<u64>, StoreError>;
    /// Records that the log says it has: more than [`Self::log_size`] where the last ones are listed no more.
    fn claimed_size(&self, merchant: &MerchantId) -> Result<u64, StoreError>;
    /// Up to `count` records from `from` whose bytes are there, for the check, which looks for the others in its own way.
    fn records(&self, merchant: &MerchantId, from: u64, count: u32) -> Result<Vec<StoredRecord>, StoreError>;
    /// Up to `count` headers from `from`, for entry bundles.
    fn headers(&self, merchant: &MerchantId, from: u64, count: u32) -> Result<Vec<Vec<u8>>, StoreError>;
    /// Up to `count` decisions that are wanted, oldest first: with their subjects, because they are to be opened. Those whose bytes are
    /// gone are among them.
    fn decisions(&self, merchant: &MerchantId, wanted: &Wanted, count: u32) -> Result<Vec<DecisionRecord>, StoreError>;
    /// The headers that [`Self::decisions`] leaves out for what their listing says: that they are of no decision, or of another time. The listing is
    /// signed by nobody: whoever replays looks whether it is so.
    fn left_out(&self, merchant: &MerchantId, wanted: &Wanted) -> Result<Vec<ListedHeader>, StoreError>;
    /// Up to `count` headers from `from` on.
    fn headers_from(&self, merchant: &MerchantId, from: u64, count: u32) -> Result<Vec<ListedHeader>, StoreError>;
    /// Up to `count` headers before `end`, the last one first.
    fn headers_before(&self, merchant: &MerchantId, end: u64, count: u32) -> Result<Vec<ListedHeader>, StoreError>;
    /// Up to `count` leaf hashes from `from`, for the tree.
    fn leaves(&self, merchant: &MerchantId, from: u64, count: u32) -> Result<Vec<Digest>, StoreError>;
    /// The first place at which a customer is on record; none where it never was, or was erased.
    fn first_of_customer(&self, merchant: &MerchantId, customer: &str) -> Result<Option<u64>, StoreError>;
    /// The newest decision of a policy, of this version if one is named.
    fn decision_of_policy(&self, merchant: &MerchantId, policy: &str, version: Option<&str>) -> Result<Option<StoredRecord>, StoreError>;
    /// The place of a decision; another merchant's is not found.
    fn place(&self, merchant: &MerchantId, id: &DecisionId) -> Result<Option<u64>, StoreError>;
    /// The record of a decision; another merchant's is not found, one whose bytes are gone is damage.
    fn decision(&self, merchant: &MerchantId, id: &DecisionId) -> Result<Option<StoredRecord>, StoreError>;
    /// How a record is listed: by whom its bodies are sealed, what its outcome was.
    fn listed(&self, merchant: &MerchantId, seq: u64) -> Result<Option<ListedEntry>, StoreError>;
    /// Whether this event was seen before.
    fn event(&self, merchant: &MerchantId, event: &EventKey) -> Result<Option<EventSeen>, StoreError>;
    /// Entries that fit the filter, newest first. `cursor` is a [`Page::next`] of the same merchant and filter.
    fn list(&self, merchant: &MerchantId, filter: &Filter, cursor: Option<&str>, entries_max: u32) -> Result<Page, StoreError>;
    /// The places of the acts of this name that were recorded at this moment, epoch milliseconds: looked for where the log was then,
    /// however much came after.
    fn acts_at(&self, merchant: &MerchantId, act: &str, at_ms: i64) -> Result<Vec<u64>, StoreError>;
}

/// Writing the ledger.
pub trait WriteLedger {
    /// Appends a record. A sequence number that is not the next one is refused before anything is written.
    fn append(&mut self, record: &NewRecord<'_>) -> Result<(), StoreError>;
    /// Remembers an event. The same event twice is a conflict.
    fn insert_event(&mut self, merchant: &MerchantId, event: &EventKey, seen: &EventSeen) -> Result<(), StoreError>;
}
