//! The merchant's log: an RFC 6962 Merkle tree over the headers, its proofs, and the C2SP formats in which others check it.
//!
//! | module | format | source |
//! | --- | --- | --- |
//! | [`tree`], [`proof`] | Merkle tree, inclusion, consistency and range proofs | RFC 6962, section 2.1; RFC 9162, section 2.1 |
//! | [`tile`] | tiles and entry bundles with their paths | c2sp.org/tlog-tiles |
//! | [`key`], [`note`] | verifier keys, signed notes | c2sp.org/signed-note |
//! | [`checkpoint`], [`cosignature`] | signed tree heads, witnesses | c2sp.org/tlog-checkpoint, c2sp.org/tlog-cosignature |
//! | [`witness`] | what a witness is sent and answers | c2sp.org/tlog-witness |
//! | [`receipt`] | proof that one record is in the log, for whoever has the operator's key | c2sp.org/tlog-proof |
//!
//! Each merchant has a log of its own with the origin `OPERATOR/MERCHANT`, signed with the operator's one key under that
//! name: whoever has the operator's verifier key derives every merchant's ([`VerifierKey::of_merchant`]).
//!
//! What of these formats a verifier of bundles and receipts needs, in short; base64 is that of RFC 4648, section 4, with padding:
//!
//! | what | bytes |
//! | --- | --- |
//! | leaf hash, node hash, root of no leaves | SHA-256(0x00 ‖ header), SHA-256(0x01 ‖ left ‖ right), SHA-256 of nothing |
//! | verifier key, one a line | `NAME+ID+KEY`: ID the key's id in 8 lower-case hexadecimal digits, KEY base64 of type(1) ‖ Ed25519 public key(32); type 1 signs notes, 4 cosigns |
//! | key's id | the first 4 bytes of SHA-256(NAME ‖ 0x0a ‖ type ‖ public key); a merchant's key has the operator's type and public key, and NAME is `OPERATOR/MERCHANT` |
//! | note | text that ends with a newline, a newline, signature lines with a newline each: em dash (U+2014), space, NAME, space, base64 of key's id(4) ‖ signature |
//! | signature of type 1 | Ed25519 of the note's text, 64 bytes |
//! | signature of type 4 | seconds since 1970 in 8 bytes, big-endian ‖ Ed25519 of `cosignature/v1\ntime SECONDS\n` and the text, 64 bytes |
//! | checkpoint's text | three lines, each with its newline: origin, size in decimal, base64 of the root |
//! | receipt | lines `c2sp.org/tlog-proof@v1`, `extra BASE64` of the header, `index N`, base64 of each hash of the inclusion proof; an empty line; the checkpoint with its signatures |

pub mod checkpoint;
pub mod cosignature;
pub mod key;
pub mod note;
pub mod proof;
pub mod receipt;
#[cfg(test)]
mod tests;
pub mod tile;
pub mod tree;
pub mod witness;

pub use self::checkpoint::{Checkpoint, CheckpointError};
pub use self::cosignature::Cosignature;
pub use self::key::{KeyName, LogKeyError, SigningKey, VerifierKey, VerifierKeys};
pub(crate) use self::note::NOTE_BYTES_MAX;
pub use self::note::{KeptNoteError, Note, NoteError, Signature};
pub use self::proof::{HashReader, ProofError, ProveError, RangeProof};
pub use self::receipt::{Receipt, ReceiptError};
pub use self::tile::{BundleError, Tile, TileHashes, TileLevel, TilePathError, TileReader};
pub use self::tree::{Frontier, FrontierError, FullTile, Subtree, cover, empty_root, node_hash};
