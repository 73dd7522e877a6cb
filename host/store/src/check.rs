//! What a check of a store finds: each problem with its place, so that an auditor knows what to look at.

use std::fmt;

use ombud_core::ids::MerchantId;
use ombud_ledger::Digest;
use ombud_ledger::log::VerifierKeys;

/// Findings that are kept; the others are counted.
pub const FINDINGS_MAX: usize = 1000;

/// What is checked, and against what.
pub struct Checked<'a> {
    /// One merchant's log only; all logs and the stored bytes where none is named.
    pub merchant: Option<&'a MerchantId>,
    /// The operator's verifier keys; none where the data directory has none.
    pub keys: Option<&'a VerifierKeys>,
    /// The last published checkpoint of a log, from outside the database.
    pub published: &'a dyn Fn(&MerchantId) -> Option<Publication>,
    /// Told from time to time how many records were looked at.
    pub progress: &'a dyn Fn(u64),
}

/// A published checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The signed note.
    pub note: String,
    /// Whether it was published before the database was read: a server that runs publishes later ones meanwhile.
    pub before: bool,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    pub logs: u64,
    pub records: u64,
    pub tiles: u64,
    pub checkpoints: u64,
    pub cosignatures: u64,
    pub events: u64,
    /// Components and settings.
    pub blobs: u64,
    /// At most [`FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// Those beyond.
    pub more: u64,
}

/// One thing that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whose log; none for what belongs to no merchant.
    pub merchant: Option<String>,
    pub place: Place,
    /// What is wrong, in a sentence.
    pub problem: String,
}

/// Where something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The database as a whole.
    Database,
    /// A record, by its sequence number.
    Record(u64),
    /// A record's bytes that no log has, by their number in the table.
    Orphan(i64),
    /// The stored edge of the tree.
    Tree,
    /// A full tile.
    Tile { level: u8, tile: u64 },
    /// A checkpoint, by its size.
    Checkpoint(u64),
    /// A witness's signature of a checkpoint.
    Cosignature { size: u64, witness: String },
    /// The checkpoint published outside the database.
    Published,
    /// The index of events, by source and id.
    Event { source: String, id: String },
    /// Stored bytes, by their digest.
    Blob(String),
    /// The key of a customer, a ticket or the merchant.
    Key(String),
    /// The file beside the database that says who was erased.
    Erasures,
    /// A row beside the records, by its key: payments, counters, cases, measures.
    Row { table: &'static str, key: String },
}

impl Place {
    /// What is meant, for programs.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Record(_) => "record",
            Self::Orphan(_) => "orphan",
            Self::Tree => "tree",
            Self::Tile { .. } => "tile",
            Self::Checkpoint(_) => "checkpoint",
            Self::Cosignature { .. } => "cosignature",
            Self::Published => "published-checkpoint",
            Self::Event { .. } => "event",
            Self::Blob(_) => "blob",
            Self::Key(_) => "key",
            Self::Erasures => "erasures",
            Self::Row { .. } => "row",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database => f.write_str("database"),
            Self::Record(seq) => write!(f, "record {seq}"),
            Self::Orphan(number) => write!(f, "bytes number {number} of the records"),
            Self::Tree => f.write_str("tree"),
            Self::Tile { level, tile } => write!(f, "tile {tile} of level {level}"),
            Self::Checkpoint(size) => write!(f, "checkpoint at {size} records"),
            Self::Cosignature { size, witness } => write!(f, "cosignature of `{witness}` at {size} records"),
            Self::Published => f.write_str("published checkpoint"),
            Self::Event { source, id } => write!(f, "event `{id}` of source `{source}`"),
            Self::Blob(digest) => write!(f, "stored bytes {digest}"),
            Self::Key(subject) => write!(f, "key of {subject}"),
            Self::Erasures => f.write_str("file `erasures`"),
            Self::Row { table, key } => write!(f, "row `{key}` of `{table}`"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.merchant {
            Some(merchant) => write!(f, "{merchant}: {}: {}", self.place, self.problem),
            None => write!(f, "{}: {}", self.place, self.problem),
        }
    }
}

impl CheckReport {
    /// Adds a finding.
    pub fn found(&mut self, merchant: Option<&str>, place: Place, problem: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { merchant: merchant.map(str::to_owned), place, problem: problem.into() });
        } else {
            self.more += 1;
        }
    }

    /// Whether anything was found of a record.
    pub fn tells_of(&self, merchant: &str, seq: u64) -> bool {
        self.findings.iter().any(|found| found.place == Place::Record(seq) && found.merchant.as_deref() == Some(merchant))
    }

    /// Whether all is well.
    pub fn is_well(&self) -> bool {
        self.findings.is_empty()
    }

    /// A digest as a place.
    pub fn blob(digest: &Digest) -> Place {
        Place::Blob(digest.to_string())
    }
}
