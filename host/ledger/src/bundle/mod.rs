//! Bundles: one file with a run of a merchant's records and everything that an auditor needs to check them without network
//! and database.
//!
//! # The format, version 2
//!
//! A CBOR sequence (RFC 8742). Every item is an embedded CBOR item, `24(h'…')`, so that the length of each is known before it
//! is read and damage in one does not hide the next. Inside stands an array whose first element is the item's number. The
//! encoding is deterministic (RFC 8949, section 4.2.1); other spellings of the same item are refused. The items in their
//! order:
//!
//! | number | item | elements |
//! | --- | --- | --- |
//! | 0 | manifest | `"ombud audit bundle"`, format, origin, merchant, window from and to (epoch milliseconds or null), first record, record after the last, size of the tree, masked, made at, made by |
//! | 1 | checkpoint | the latest signed checkpoint, verbatim: its size is the tree's |
//! | 2 | range | hashes of the complete subtrees to the left and to the right of the proven run ([`RangeProof`](crate::log::RangeProof)) |
//! | 3 | growth, any number | size of an earlier tree, consistency proof from it to the latest checkpoint, its checkpoint or null |
//! | 6 | neighbour | seq, leaf hash, header: the record before the first one, where there is one |
//! | 4 | blob | SHA-256, the component or settings that records after it name, or null where the store has them no more |
//! | 5 | record | seq, leaf hash, header, sealed bodies, data key (32 bytes; null where nothing is sealed; or 0 erased, 1 masked, 2 not to be had) |
//! | 1 | checkpoint | a checkpoint that was published when the log had the records so far, verbatim |
//! | 7 | trouble | what of the store could not be read when the bundle was made |
//! | 6 | neighbour | the record after the last one, where there is one |
//! | 8 | end | numbers of records, blobs, earlier checkpoints and troubles, SHA-256 of all bytes before this item, signed note |
//!
//! Blobs, records, checkpoints and troubles are mixed, records in the order of their sequence numbers. The *proven run* are
//! the records with the neighbours. A checkpoint inside it needs no consistency proof: the records themselves give its root. So
//! nobody need have its key either: where an older key signed it, the latest checkpoint's signature stands for both.
//!
//! Version 1 has the same items. The number changed when bodies came to be packed after dictionaries (`seal/pack.rs`), so that a
//! release that does not know these asks for a later one instead of taking the bodies for damaged.
//!
//! The note at the end ([`end_text`]) is signed by the operator's key under the name of the merchant's log, so that nobody
//! else can make a bundle or change what its manifest claims.
//!
//! A *full* bundle carries the data keys of its records' subjects and can be replayed; in a *masked* one they are left out,
//! and components and settings with them. The window's records are those that were received in it. Records stand in the log
//! in the order in which they became durable, which differs from that of their receipt by the time that requests are under
//! way. So the run is the shortest one before which all records were received before the window, and after which all were
//! received after it: it may hold a few records of moments beside the window. The neighbours are evidence of that; who wants
//! proof takes the whole log. A window that was over when the bundle was made has one after it, for the export is a record itself.

mod decode;
mod encode;
mod item;
mod open;
mod problem;
mod read;
mod verify;
mod write;

use std::ops::RangeInclusive;

pub use self::item::{Counts, End, Growth, Item, Key, Manifest, ManifestError, Neighbour, Record, Window, end_text};
pub use self::open::{Bodies, Opened};
pub use self::problem::{Part, Problem, Problems};
pub use self::read::{Broken, Reader};
pub use self::verify::{OpenError, Step, Trust, Verified, Verifier, Witnessed};
pub use self::write::Writer;

/// What every manifest begins with.
pub const MAGIC: &str = "ombud audit bundle";
/// The format that this version writes.
pub const FORMAT: u64 = 2;
/// The formats that it reads.
pub const FORMATS: RangeInclusive<u64> = 1..=FORMAT;
/// What a bundle's file name ends with.
pub const EXTENSION: &str = "ombud";
/// The type of a bundle over HTTP (RFC 8742).
pub const MEDIA_TYPE: &str = "application/cbor-seq";
/// Bytes of the largest item: a component at its bound, with room.
pub const ITEM_BYTES_MAX: usize = 64 << 20;
/// Components and settings of one bundle: a verifier notes each, to find those that stand twice.
pub const BLOBS_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests;
