//! The Merkle log's rows: each merchant's tree, its signed heads, and who else has signed them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ombud_core::ids::MerchantId;
use ombud_ledger::Digest;
use ombud_ledger::log::{Frontier, Tile, TileHashes, TileReader};

use crate::StoreError;
use crate::store::Reads;

/// Checkpoints kept of each merchant however old the others are; of the others the last of each day (UTC), by
/// the time of receipt of its last record.
pub const CHECKPOINTS_KEPT: u32 = 64;

/// A signed head of a merchant's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointRow {
    pub size: u64,
    pub root: Digest,
    /// The signed note, without cosignatures.
    pub note: String,
}

/// A witness's signature of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosignatureRow {
    /// The size of the checkpoint.
    pub size: u64,
    /// The witness's verifier key.
    pub witness: String,
    /// The signature's line, without its newline; it has its time.
    pub line: String,
}

/// Reading the tree. Unknown merchants have an empty one.
pub trait ReadTree {
    /// The right edge of the merchant's tree. It has as many leaves as the log has records.
    fn frontier(&self, merchant: &MerchantId) -> Result<Frontier, StoreError>;
    /// The hashes of a tile of level [`ombud_ledger::log::TileLevel::Hashes`], as many as it is wide.
    fn tile(&self, merchant: &MerchantId, tile: Tile) -> Result<Vec<Digest>, StoreError>;
    /// The newest checkpoint.
    fn checkpoint(&self, merchant: &MerchantId) -> Result<Option<CheckpointRow>, StoreError>;
    /// Up to `count` checkpoints of at least `size` leaves, the smallest first.
    fn checkpoints(&self, merchant: &MerchantId, size: u64, count: u32) -> Result<Vec<CheckpointRow>, StoreError>;
    /// The cosignatures of the checkpoint of this size, in the order of the witnesses' keys.
    fn cosignatures(&self, merchant: &MerchantId, size: u64) -> Result<Vec<CosignatureRow>, StoreError>;
    /// The largest size that a witness has signed, 0 where it has signed none that is kept.
    fn cosigned_size(&self, merchant: &MerchantId, witness: &str) -> Result<u64, StoreError>;
    /// The merchants whose log is larger than its newest checkpoint, with their trees.
    fn unsigned(&self) -> Result<Vec<(MerchantId, Frontier)>, StoreError>;
}

/// Writing the log's heads; the tree itself grows with [`crate::WriteLedger::append`].
pub trait WriteTree {
    /// Keeps a checkpoint, and lets go of older ones ([`CHECKPOINTS_KEPT`]). One of this size is a conflict.
    fn put_checkpoint(&mut self, merchant: &MerchantId, row: &CheckpointRow) -> Result<(), StoreError>;
    /// Replaces the note of a checkpoint with one that more keys have signed; false where the checkpoint is gone.
    fn sign_again(&mut self, merchant: &MerchantId, size: u64, note: &str) -> Result<bool, StoreError>;
    /// Keeps a witness's signature; a later one of the same checkpoint replaces it. False where the checkpoint is gone.
    fn put_cosignature(&mut self, merchant: &MerchantId, row: &CosignatureRow) -> Result<bool, StoreError>;
}

/// The tiles of a merchant's log.
pub struct LogTiles<'a> {
    reads: &'a dyn Reads,
    merchant: &'a MerchantId,
}

impl TileReader for LogTiles<'_> {
    type Error = StoreError;

    fn tile(&self, tile: Tile) -> Result<Vec<Digest>, StoreError> {
        self.reads.tile(self.merchant, tile)
    }
}

/// The hashes of a merchant's log of `size` leaves, for proofs ([`ombud_ledger::log::proof`]).
pub fn log_hashes<'a>(reads: &'a dyn Reads, merchant: &'a MerchantId, size: u64) -> TileHashes<LogTiles<'a>> {
    TileHashes::new(LogTiles { reads, merchant }, size)
}

/// The heads of logs that have grown since somebody asked, written by the writer after each commit.
#[derive(Clone, Default)]
pub(crate) struct Grown(Arc<Mutex<HashMap<MerchantId, Frontier>>>);

impl Grown {
    /// Notes a durable head.
    pub(crate) fn note(&self, merchant: &MerchantId, head: &Frontier) {
        let mut heads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match heads.get_mut(merchant) {
            Some(known) => known.clone_from(head),
            None => _ = heads.insert(merchant.clone(), head.clone()),
        }
    }

    /// What has grown since the last call.
    pub(crate) fn take(&self) -> HashMap<MerchantId, Frontier> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
