//! What stands in a bundle. Its bytes are told in the folder's `mod.rs`.

use std::fmt;
use std::ops::Range;

use ombud_core::ids::MerchantId;

use crate::Digest;
use crate::keys::DataKey;
use crate::log::{KeyName, RangeProof};

use super::MAGIC;

/// What the bundle claims to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The bundle's format.
    pub format: u64,
    /// The log: `OPERATOR/MERCHANT`.
    pub origin: KeyName,
    /// Whose log.
    pub merchant: MerchantId,
    /// Which records were asked for.
    pub window: Window,
    /// The records that it carries, by their sequence numbers.
    pub records: Range<u64>,
    /// Leaves of the tree that the records are proved in: the latest checkpoint's size.
    pub tree_size: u64,
    /// Whether the keys were left out.
    pub masked: bool,
    /// When it was made, epoch milliseconds.
    pub made_at_ms: i64,
    /// What made it, at most 256 bytes.
    pub made_by: String,
}

/// A span of times of receipt, epoch milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first moment; none from the log's beginning.
    pub from_ms: Option<i64>,
    /// The first moment after it; none up to the latest checkpoint.
    pub to_ms: Option<i64>,
}

/// A manifest contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    #[error("the origin `{origin}` is not that of a log of merchant `{merchant}`")]
    Origin { origin: String, merchant: String },
    #[error("records {from} to {to} are not a run of a tree of {size}")]
    Records { from: u64, to: u64, size: u64 },
    #[error("the window is open at its {0}, and the records are not up to that end of the log")]
    Window(&'static str),
    #[error("the window ends before it begins")]
    Backwards,
    #[error("`made by` is longer than 256 bytes")]
    MadeBy,
}

/// A record with everything to check it.
#[derive(Debug, PartialEq, Eq)]
pub struct Record {
    pub seq: u64,
    /// The leaf hash as the store had it: it tells which of many records was changed.
    pub leaf: Digest,
    /// The header's bytes.
    pub header: Vec<u8>,
    /// The sealed bodies; empty where there are none.
    pub sealed: Vec<u8>,
    pub key: Key,
}

/// The key of a record's bodies.
#[derive(Debug)]
pub enum Key {
    /// The data key of the record's subject.
    Data(DataKey),
    /// Nothing is sealed.
    None,
    /// It was erased: the bodies cannot be opened by anybody.
    Erased,
    /// It was left out, for the bundle is masked.
    Masked,
    /// The store should have it, and has it not or damaged.
    Missing,
}

/// A record beside the run: evidence that the window is over there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    pub seq: u64,
    pub leaf: Digest,
    /// The header's bytes.
    pub header: Vec<u8>,
}

/// That the log has only grown since an earlier tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Leaves of the earlier tree.
    pub old_size: u64,
    /// The consistency proof to the latest checkpoint.
    pub proof: Vec<Digest>,
    /// The earlier checkpoint, for those who have signed it; none where whoever asked for the proof has it.
    pub checkpoint: Option<String>,
}

/// How many items of each kind there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub records: u64,
    pub blobs: u64,
    /// Published checkpoints inside the run, without the latest.
    pub checkpoints: u64,
    pub troubles: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { records, blobs, checkpoints, troubles } = self;
        write!(f, "records: {records}, components and settings: {blobs}, earlier checkpoints: {checkpoints}, troubles: {troubles}")
    }
}

/// The last item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    pub counts: Counts,
    /// SHA-256 of all bytes before this item.
    pub digest: Digest,
    /// The signed note over [`end_text`].
    pub note: String,
}

/// One item.
#[derive(Debug, PartialEq, Eq)]
pub enum Item {
    Manifest(Manifest),
    /// A signed checkpoint, verbatim.
    Checkpoint(String),
    Range(RangeProof),
    Growth(Growth),
    /// A component or settings; none where the store has them no more, or damaged.
    Blob {
        digest: Digest,
        bytes: Option<Vec<u8>>,
    },
    Record(Record),
    Neighbour(Neighbour),
    Trouble(String),
    End(End),
}

/// The text that the operator signs: three lines, each with its newline: `ombud audit bundle FORMAT` with the format in decimal, the log's
/// origin, and SHA-256 of everything before the end in 64 lower-case hexadecimal digits. Its first line is no origin, so that it cannot be
/// taken for a checkpoint.
pub fn end_text(format: u64, origin: &KeyName, digest: &Digest) -> String {
    format!("{MAGIC} {format}\n{origin}\n{digest}\n")
}

impl Manifest {
    /// Refuses claims that cannot be true together.
    pub(super) fn check(&self) -> Result<(), ManifestError> {
        let Range { start: from, end: to } = self.records;
        if self.origin.as_str().strip_suffix(self.merchant.as_str()).is_none_or(|operator| operator.len() < 2 || !operator.ends_with('/')) {
            return Err(ManifestError::Origin { origin: self.origin.to_string(), merchant: self.merchant.to_string() });
        }
        if from > to || to > self.tree_size {
            return Err(ManifestError::Records { from, to, size: self.tree_size });
        }
        if self.window.from_ms.is_none() && from > 0 {
            return Err(ManifestError::Window("beginning"));
        }
        if self.window.to_ms.is_none() && to < self.tree_size {
            return Err(ManifestError::Window("end"));
        }
        if self.window.from_ms.zip(self.window.to_ms).is_some_and(|(from, to)| from > to) {
            return Err(ManifestError::Backwards);
        }
        if self.made_by.len() > 256 {
            return Err(ManifestError::MadeBy);
        }
        Ok(())
    }

    /// The proven run: the records with their neighbours.
    pub fn proven(&self) -> Range<u64> {
        self.records.start.saturating_sub(1)..self.tree_size.min(self.records.end.saturating_add(1))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Data(one), Self::Data(other)) => one.bytes() == other.bytes(),
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }
}

impl Eq for Key {}
