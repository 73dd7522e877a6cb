//! Bundles: one file with a run of a merchant's records and everything that an auditor needs to check them without network
//! and database.
//!
//! # The format, version 2
//!
//! A CBOR sequence (RFC 8742). Every item is an embedded CBOR item, `24(h'…')`: the two bytes `d8 18`, the head of a byte string in
//! its shortest form, and so many bytes (at most 64 MiB). So the length of each is known before it is read and damage in one does not hide the
//! next. Inside stands an array whose first element is the item's number. The encoding is deterministic (RFC 8949, section 4.2.1):
//! definite lengths, shortest integers, nothing behind the array; other spellings of the same item are refused.
//!
//! The elements behind the number, where *uint* is an unsigned integer of 64 bits, *ms* one with its sign, milliseconds since 1970-01-01 UTC,
//! *digest* a byte string of 32 bytes, *hashes* an array of at most 64 digests, *note* a text string of at most 1 MiB with at most 64 signatures:
//!
//! | number | item | elements |
//! | --- | --- | --- |
//! | 0 | manifest | text `ombud audit bundle`; uint: the format, 2; text: origin; text: merchant; ms or null: the window's first moment; ms or null: the first moment after it; uint: first record; uint: the record after the last; uint: size of the tree; bool: masked; ms: made at; text of at most 256 bytes: made by |
//! | 1 | checkpoint | note: a signed checkpoint, verbatim |
//! | 2 | range | hashes: the complete subtrees to the left of the proven run; hashes: those to its right |
//! | 3 | growth | uint: size of an earlier tree; hashes: consistency proof (RFC 6962, section 2.1.2) from it to the latest checkpoint; note or null: its checkpoint |
//! | 4 | blob | digest; byte string or null: the component or settings with this SHA-256, null where the store has them no more |
//! | 5 | record | uint: sequence number; digest: leaf hash as the store had it; byte string: header; byte string: sealed bodies, empty where there are none; key |
//! | 6 | neighbour | uint: sequence number; digest: leaf hash as the store had it; byte string: header |
//! | 7 | trouble | text: what of the store could not be read when the bundle was made |
//! | 8 | end | uint: records; uint: blobs; uint: checkpoints without the latest; uint: troubles; digest: SHA-256 of all bytes before this item's frame; note: the signed end |
//!
//! A record's *key* is a byte string of 32 bytes, the data key as it is ([`crate::keys`]); or null, where nothing is sealed; or a uint: 0 the key was
//! erased, 1 it was left out because the bundle is masked, 2 the store should have it and has it not, or damaged. Header, leaf and sealed
//! bodies are described in [`crate::Header`]'s module (`header/mod.rs`) and [`crate::seal`], checkpoints, notes and hashes in [`crate::log`].
//!
//! The items in their order:
//!
//! 1. The manifest.
//! 2. The latest checkpoint. Its size is the tree's, its origin the manifest's.
//! 3. The range.
//! 4. Any number of growths: from a size that the auditor named (without its checkpoint), and from the newest checkpoint behind the run
//!    that a witness has signed.
//! 5. The neighbour before the first record, where there is one.
//! 6. Records in the order of their sequence numbers, each once, and each blob once before the first record that names it in a call.
//! 7. The neighbour behind the last record, where there is one.
//! 8. The end, and nothing after it.
//!
//! A checkpoint stands behind the record or neighbour with which the log had its size, and before the next one. Troubles stand anywhere between range and end.
//!
//! Of the manifest holds: the origin is `OPERATOR/MERCHANT`, neither of them empty; first record ≤ record after the last ≤ size of the tree;
//! a window without a first moment begins with record 0, one without a moment after it ends with the tree; a window does not end before it begins.
//!
//! The *proven run* are the records with their neighbours: from the record before the first (or 0) to before the second after the last (or the
//! tree's size). To its left lie the complete subtrees of RFC 6962 into which the records before it fall, one for each bit that is set in
//! their number, the largest first; to its right those of the records from there to the tree's size, each the largest that begins at a multiple of its own size
//! and fits. Hashes stand from left to right ([`RangeProof`](crate::log::RangeProof), [`cover`](crate::log::cover)). Left hashes, the run's leaves and right hashes together give the root of the
//! latest checkpoint. A checkpoint inside the run needs no consistency proof: the records themselves give its root. So
//! nobody need have its key either: where an older key signed it, the latest checkpoint's signature stands for both.
//!
//! Version 1 has the same items. The number changed when bodies came to be packed after dictionaries (`seal/pack.rs`), so that a
//! release that does not know these asks for a later one instead of taking the bodies for damaged.
//!
//! The note at the end is signed by the operator's key under the name of the merchant's log, so that nobody
//! else can make a bundle or change what its manifest claims. Its text ([`end_text`]) has three lines, each with its newline: `ombud audit bundle`, a space and
//! the format in decimal; the origin; the digest of the end in 64 lower-case hexadecimal digits. So a bundle of format 2 ends with a note like this one:
//!
//! ```text
//! ombud audit bundle 2
//! ombud.example.com/m-1
//! 2b7a…64 digits…
//!
//! — ombud.example.com/m-1 …base64 of the key's id (4 bytes) and the signature (64)…
//! ```
//!
//! A *full* bundle carries the data keys of its records' subjects and can be replayed. In a *masked* one there are no blobs, and 1 stands for the key of
//! every record that has sealed bodies, erased or not; headers, sealed bodies and all else are the same. The window's records are those that were received in it. Records stand in the log
//! in the order in which they became durable, which differs from that of their receipt by the time that requests are under
//! way. So the run is the shortest one before which all records were received before the window, and after which all were
//! received after it: it may hold a few records of moments beside the window. The neighbours are evidence of that; who wants
//! proof takes the whole log. A window that was over when the bundle was made has one after it, for the export is a record itself.
//! The one before was received before the window's first moment, the one after at its end or later.
//!
//! `tests/example.hex` is a bundle of a whole log, `tests/masked.hex` a masked one of a window with its neighbours, each byte for byte with
//! what it means.

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
