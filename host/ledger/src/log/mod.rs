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
