//! The record's header: the leaf of the merchant's log. No personal data: references to customers and tickets stand in the
//! sealed bodies only.
//!
//! # The format, version 1
//!
//! Deterministic CBOR (RFC 8949, section 4.2.1): one map whose keys are unsigned integers in ascending order, each once. Every
//! length is definite, every integer and length has its shortest form, there are no tags, no floats and nothing after the map.
//! At most 4 096 bytes. These bytes are the leaf: its hash is SHA-256(0x00 ‖ header) ([`crate::leaf_hash`]).
//!
//! In the table *uint* is an unsigned integer of 64 bits, *int* one of 64 bits with its sign (major types 0 and 1), *bytes n* a
//! byte string of exactly n bytes, *text n* a text string of at most n bytes of UTF-8, *ms* an *int* of milliseconds since
//! 1970-01-01 UTC. `D` stands in every decision, `E` in every event without a decision, `A` in every act, `D?` in some decisions,
//! `all?` in some of all; nowhere else is the field allowed.
//!
//! | key | value | in | what |
//! | --- | --- | --- | --- |
//! | 0 | uint | all | the format: 1. It says how to read the rest, so another one is another format, not damage |
//! | 1 | text 64 | all | merchant: ASCII letters, digits, `-`, `_`, `.`, the first a letter or digit |
//! | 2 | uint | all | sequence number: the leaf's index in the merchant's log, from 0 |
//! | 3 | uint | all | what the record is of: 0 a decision, 1 an event without a decision, 2 an act |
//! | 4 | ms | all | when the host received the event or act |
//! | 5 | bytes 16 | all? | W3C trace id of the request, where there was one |
//! | 6 | bytes 32 | D E | the event's key ([`crate::id::event_key`]) |
//! | 7 | text 256 | D E | CloudEvents `type` |
//! | 8 | ms | D E | CloudEvents `time` |
//! | 9 | bytes 16 | D | the decision's id ([`DecisionId::derive`]) |
//! | 10 | text | D | kind: `after-sale`, `delay`, `blacklist` or `reply` |
//! | 11 | text 256 | D? | the merchant's name of the policy. 11 to 14 stand together: where a policy is bound |
//! | 12 | text 256 | D? | its version's readable name |
//! | 13 | text 64 | D? | the contract it was built for, such as `ombud:policy@1.0.0`; empty where it has no component |
//! | 14 | call | D? | the policy's call |
//! | 15 | call | D? | the guardrail's call, where there was a ruling to review |
//! | 16 | bytes 32 | D | digest of the sandbox's profile |
//! | 17 | text 64 | D | wasmtime's version |
//! | 18 | array of 3 | D? | why a fallback stands: of (`policy` or `guardrail`), code (a text of [`FaultCode::ALL`]), the exhausted limit (text 64) or null |
//! | 19 | text 64 | D | outcome |
//! | 20 | array of 4 | D | refund, cash, coupon (each an int, minor units of the currency), currency (text: three capital letters) |
//! | 21 | array of 3 | D | caps: used (windows), limits (windows), array of at most 16 names of caps that were exceeded (text 16) |
//! | 22 | bytes 16 | A | the act's random id |
//! | 23 | text 256 | A | what was done, such as `rollout.activated` |
//! | 24 | text 256 | A | who did it: the label of the API key, or the host's own name |
//! | 25 | array of 3 | all? | commitments to the sealed bodies, where there are any (below) |
//! | 26 | array of 7 | D? | the version that ran beside and does not stand: its name (text 256), version (text 256), contract (text 64), component (bytes 32), settings (bytes 32), fuel (uint), the guardrail's call on its ruling or null |
//!
//! A *call* is an array of 3: SHA-256 of the component (bytes 32), SHA-256 of the settings' text (bytes 32), fuel used (uint).
//! *Windows* are an array of 6 ints, in fen: refunds and goodwill of the order, refunds and goodwill of the customer's last
//! 24 hours, refunds and goodwill of the merchant's day.
//!
//! Field 25 is: bytes of the sealed part (uint below 2^32), SHA-256 of the sealed part (bytes 32), array of at most 8 bodies. A
//! body is an array of 3: its kind (uint, by the numbers of [`BodyKind`]), the bytes of its plaintext (uint below 2^32), its
//! commitment (bytes 32). Kinds ascend, each once. What the commitment is of, and how the bodies lie in the sealed part, is told
//! in [`crate::seal`].
//!
//! Headers of each kind stand in `tests/example.hex` with what each byte means: record 2 is a decision with every field.

mod decode;
mod encode;
mod fields;
mod from_core;
#[cfg(test)]
mod tests;

use ombud_core::fault::{FaultCode, FaultOf};
use ombud_core::ids::{Currency, DecisionId, MerchantId};
use ombud_core::kind::Kind;

use crate::Digest;

/// The format this version writes; the first field of every header.
pub const FORMAT_VERSION: u64 = 1;
/// The largest header in bytes: leaves stay small enough for proofs to be checked on a phone.
pub const HEADER_BYTES_MAX: usize = 4096;
/// Detached bodies of one record.
pub const BODIES_MAX: usize = 8;
/// Caps that one decision can exceed or near.
const BREACHES_MAX: usize = 16;

/// The header of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub merchant: MerchantId,
    /// Zero-based index of the leaf in the merchant's log.
    pub seq: u64,
    /// What the record is of.
    pub entry: Entry,
    /// When the host received the event or act, epoch milliseconds. It drives the cap windows.
    pub received_at_ms: i64,
    /// W3C trace id of the request, where there was one.
    pub trace_id: Option<[u8; 16]>,
    /// What the leaf commits to of the sealed bodies; none where the record has no bodies.
    pub detached: Option<Detached>,
}

/// What a record is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// One decision on an event.
    Decision(Box<DecisionEntry>),
    /// An event on which nothing was to be decided.
    Event(EventEntry),
    /// An administrative act: upload, activation, rollback, override, caps, erasure, auditor's look.
    Act(ActEntry),
}

/// The event that a record belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventEntry {
    /// Digest of (merchant, source, id): [`crate::id::event_key`]. Ids in clear may name an order, so they are sealed.
    pub key: Digest,
    /// CloudEvents `type`, at most 256 bytes.
    pub event_type: String,
    /// CloudEvents `time`, epoch milliseconds: `now` of the decision.
    pub time_ms: i64,
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionEntry {
    pub event: EventEntry,
    pub id: DecisionId,
    pub kind: Kind,
    /// The policy version that was called; none where no policy is bound.
    pub policy: Option<PolicyCall>,
    /// The guardrail's call; none where there was no ruling to review.
    pub guardrail: Option<Call>,
    /// The version that ran as well and whose ruling does not stand: the case was opened under one version, and a newer one came
    /// into force since.
    pub beside: Option<BesideCall>,
    pub engine: Engine,
    /// Why a fallback stands, if it does.
    pub fault: Option<Fault>,
    /// The decision's outcome, at most 64 bytes.
    pub outcome: String,
    pub amounts: Amounts,
    pub caps: Caps,
}

/// An administrative act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActEntry {
    /// Random id, to which the sealed body is bound.
    pub id: [u8; 16],
    /// What was done, e.g. `rollout.activated`, at most 256 bytes.
    pub act: String,
    /// The label of the API key, which names the person, or the host's own name, at most 256 bytes.
    pub actor: String,
}

/// A call of a merchant's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyCall {
    /// The merchant's name for the policy, at most 256 bytes.
    pub name: String,
    /// The readable name of its version, at most 256 bytes.
    pub version: String,
    /// The contract it was built for, e.g. `ombud:policy@1.0.0`, at most 64 bytes; empty where it has no component.
    pub contract: String,
    pub call: Call,
}

/// The calls of a version whose ruling does not stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BesideCall {
    pub policy: PolicyCall,
    /// The guardrail's call on its ruling; none where it gave none.
    pub guardrail: Option<Call>,
}

impl DecisionEntry {
    /// Every call that was made: of the policy and the guardrail, and of the version beside.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        let beside = self.beside.iter().flat_map(|beside| std::iter::once(&beside.policy.call).chain(&beside.guardrail));
        self.policy.iter().map(|policy| &policy.call).chain(&self.guardrail).chain(beside)
    }
}

/// One call of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// SHA-256 of the component.
    pub component: Digest,
    /// SHA-256 of its settings.
    pub settings: Digest,
    /// Fuel used.
    pub fuel: u64,
}

/// What executed the calls. Fuel is compared only within one engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    /// Hash of the engine's profile.
    pub profile: Digest,
    /// wasmtime's version, at most 64 bytes.
    pub wasmtime: String,
}

/// Why a policy or guardrail gave no ruling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub of: FaultOf,
    pub code: FaultCode,
    /// The limit that was exhausted, by its name in the settings, at most 64 bytes.
    pub limit: Option<String>,
}

/// The decision's amounts in minor units of its currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amounts {
    pub refund: i64,
    pub cash: i64,
    /// Coupons and samples at face value.
    pub coupon: i64,
    pub currency: Currency,
}

/// One amount in fen for each window of the caps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Windows {
    pub order_refund: i64,
    pub order_goodwill: i64,
    pub customer_24h_refund: i64,
    pub customer_24h_goodwill: i64,
    pub merchant_day_refund: i64,
    pub merchant_day_goodwill: i64,
}

/// What the caps knew and said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// Counted in each window before this decision.
    pub used: Windows,
    /// The limits in force.
    pub limits: Windows,
    /// Every cap exceeded, e.g. `CAP-21`; at most 16 of at most 16 bytes.
    pub breaches: Vec<String>,
}

/// Which body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum BodyKind {
    /// The CloudEvent as received.
    Event = 1,
    /// The typed facts put to the policy.
    Case = 2,
    /// What the policy said.
    Ruling = 3,
    /// What the guardrail said.
    Review = 4,
    /// The decision with its reasons.
    Decision = 5,
    /// What an administrative act did.
    Act = 6,
    /// What the version said whose ruling does not stand, and the guardrail of it.
    Beside = 7,
}

impl BodyKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 7] = [Self::Event, Self::Case, Self::Ruling, Self::Review, Self::Decision, Self::Act, Self::Beside];

    /// The name in errors and exports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Case => "case",
            Self::Ruling => "ruling",
            Self::Review => "review",
            Self::Decision => "decision",
            Self::Act => "act",
            Self::Beside => "beside",
        }
    }
}

/// What the leaf commits to of the record's sealed bodies, which are sealed together and stored beside the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detached {
    /// Bytes of the sealed part: nonce, ciphertext and tag.
    pub sealed_len: u32,
    /// SHA-256 of the sealed part: shows damage without the key.
    pub sealed: Digest,
    /// One for each body, in ascending order of their kinds, which is their order inside the sealed part.
    pub bodies: Vec<BodyCommitment>,
}

/// What the leaf commits to of one body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyCommitment {
    pub kind: BodyKind,
    /// Bytes of the plaintext, without its salt.
    pub len: u32,
    /// SHA-256(32-byte sealed salt ‖ plaintext): shows that an opened body is the recorded one, each body for itself. The
    /// salt keeps an erased body from being guessed.
    pub plain: Digest,
}

/// A body that a record of its kind does not have: nobody reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has the body `{}`, which a record of its header has not", .0.as_str())]
pub struct Stray(pub BodyKind);

/// Why a header cannot be written or read. Fields are named as in [`Header`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    #[error("header field `{field}` has {bytes} bytes, at most {max} are allowed")]
    TooLong { field: &'static str, bytes: usize, max: usize },
    #[error("header field `{field}` has {count} items, at most {max} are allowed")]
    TooMany { field: &'static str, count: usize, max: usize },
    #[error("header of {bytes} bytes is larger than {HEADER_BYTES_MAX}")]
    TooLarge { bytes: usize },
    #[error("header format {0} is not known to this version, which reads format {FORMAT_VERSION}")]
    Format(u64),
    #[error("header field `{field}` is missing")]
    Missing { field: &'static str },
    #[error("header field `{field}` does not belong into an entry of this kind")]
    Unexpected { field: &'static str },
    #[error("header has a field with the unknown key {0}")]
    UnknownKey(u64),
    #[error("header field `{field}` is malformed: {detail}")]
    Malformed { field: &'static str, detail: String },
    #[error("header is not in its canonical encoding at field `{field}`")]
    NotCanonical { field: &'static str },
    #[error("header is followed by {0} bytes")]
    Trailing(usize),
}

impl Header {
    /// The header's bytes: the leaf.
    ///
    /// # Errors
    /// A field beyond its bound, bodies out of order, or more than [`HEADER_BYTES_MAX`] bytes in all.
    pub fn encode(&self) -> Result<Vec<u8>, HeaderError> {
        encode::header(self)
    }

    /// A body of the record that its header does not imply, if there is one: an act has the act, an event without a decision the event, a decision
    /// event, case, ruling and decision, a review where the guardrail was called, and what the version beside said where one ran.
    pub fn stray(&self) -> Option<Stray> {
        let implied = |kind: BodyKind| match (&self.entry, kind) {
            (Entry::Act(_), BodyKind::Act) | (Entry::Event(_), BodyKind::Event) => true,
            (Entry::Decision(_), BodyKind::Event | BodyKind::Case | BodyKind::Ruling | BodyKind::Decision) => true,
            (Entry::Decision(entry), BodyKind::Review) => entry.guardrail.is_some(),
            (Entry::Decision(entry), BodyKind::Beside) => entry.beside.is_some(),
            _ => false,
        };
        let bodies = self.detached.iter().flat_map(|detached| &detached.bodies);
        bodies.map(|body| body.kind).find(|kind| !implied(*kind)).map(Stray)
    }

    /// Reads a header, and nothing but a header that [`Header::encode`] would write.
    ///
    /// # Errors
    /// Unknown, missing or repeated fields, values out of bounds, other encodings of the same value, trailing bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        decode::header(bytes)
    }
}
