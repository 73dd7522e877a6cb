//! Records: their header, which is the leaf of the merchant's log, and their sealed bodies. Pure: no database, no files.
//!
//! A record is a header and the sealed bodies it names. The header is deterministic CBOR, holds no personal data and is
//! hashed as stored ([`Header`], [`leaf_hash`]). A body (event, case, ruling, review, decision) is encrypted under a key
//! per customer ([`seal`]), so that erasing the key erases the person while every hash stays valid. The headers of one
//! merchant are the leaves of a Merkle log, whose signed heads and proofs anybody can check ([`log`]). A run of records with
//! everything to check it goes into one file for auditors ([`bundle`]).
//!
//! Each format stands at the beginning of the module that writes it, in every byte, so that a verifier can be written from the
//! text alone; `tests/example.hex` has literal bytes of each.

mod aead;
pub mod bundle;
mod digest;
mod header;
pub mod id;
pub mod keys;
pub mod log;
pub mod seal;
mod unread;

pub use self::digest::{Digest, leaf_hash};
pub use self::header::{
    ActEntry, Amounts, BODIES_MAX, BesideCall, BodyCommitment, BodyKind, Call, Caps, DecisionEntry, Detached, Engine, Entry, EventEntry,
    FORMAT_VERSION, Fault, HEADER_BYTES_MAX, Header, HeaderError, PolicyCall, Stray, Windows,
};
