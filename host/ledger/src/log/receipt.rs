//! Receipts (c2sp.org/tlog-proof): that one record is in its merchant's log, checked with nothing but the operator's key.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::{Checkpoint, CheckpointError, base64_of_hash, decimal, hash_of_base64};
use super::cosignature::{self, Cosignature};
use super::key::VerifierKey;
use super::note::Note;
use super::proof::{PROOF_HASHES_MAX, ProofError, verify_inclusion};
use crate::{Digest, leaf_hash};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
/// Bytes of the extra data: a header, with room.
pub const EXTRA_BYTES_MAX: usize = 16 << 10;
/// What a receipt's file name ends with.
pub const EXTENSION: &str = "tlog-proof";
/// The type of a receipt over HTTP.
pub const MEDIA_TYPE: &str = "text/plain; charset=utf-8";

/// That a record is leaf `index` of the log whose checkpoint this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The record's header, so that the receipt can be checked and read by itself. The format calls it extra data that must
    /// not be trusted; here it is what is proved.
    pub header: Option<Vec<u8>>,
    /// The leaf's index: the record's sequence number.
    pub index: u64,
    /// From the leaf's sibling up to the root's child.
    pub proof: Vec<Digest>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
}

/// A receipt does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    #[error("the receipt is malformed: {0}")]
    Malformed(&'static str),
    #[error("the receipt's checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    #[error("the receipt's proof: {0}")]
    Proof(#[from] ProofError),
    #[error("the receipt has no header, and none was given")]
    NoHeader,
    #[error("the receipt is of another record than the one given")]
    OtherRecord,
}

/// What a good receipt shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The record's header, as in the log.
    pub header: Vec<u8>,
    /// The record's sequence number.
    pub index: u64,
    /// The log's head that the receipt was made with.
    pub checkpoint: Checkpoint,
    /// The known witnesses that have seen this head.
    pub cosignatures: Vec<Cosignature>,
}

impl Receipt {
    /// Reads a receipt.
    ///
    /// # Errors
    /// It is not one by the format.
    pub fn parse(text: &str) -> Result<Self, ReceiptError> {
        let malformed = ReceiptError::Malformed;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(malformed("there is no empty line before the checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(malformed("its first line is not `c2sp.org/tlog-proof@v1`"));
        }
        let extra = lines.next_if(|line| line.starts_with("extra ")).and_then(|line| line.strip_prefix("extra "));
        let header = extra.map(|text| STANDARD.decode(text).ok().filter(|bytes| bytes.len() <= EXTRA_BYTES_MAX));
        let header = header.map(|bytes| bytes.ok_or(malformed("its extra data is not base64 of a header"))).transpose()?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal);
        let index = index.ok_or(malformed("there is no line `index NUMBER`"))?;
        let proof = lines.map(|line| hash_of_base64(line).ok_or(malformed("a line of the proof is not a hash")));
        let proof = proof.take(PROOF_HASHES_MAX + 1).collect::<Result<Vec<_>, _>>()?;
        if proof.len() > PROOF_HASHES_MAX {
            return Err(malformed("its proof is too long"));
        }
        Ok(Self { header, index, proof, checkpoint: checkpoint.to_owned() })
    }

    /// Checks the receipt with the log's keys ([`super::VerifierKeys::of_merchant`]): signature, origin, inclusion. `header`
    /// is the record that is to be proved; without it the receipt's own is taken. Of witnesses that are known, the good
    /// cosignatures are named.
    ///
    /// # Errors
    /// Whatever does not hold.
    pub fn verify(&self, header: Option<&[u8]>, keys: &[VerifierKey], witnesses: &[VerifierKey]) -> Result<Shown, ReceiptError> {
        let header = match (header, &self.header) {
            (Some(given), Some(own)) if given != own.as_slice() => return Err(ReceiptError::OtherRecord),
            (Some(given), _) => given,
            (None, own) => own.as_deref().ok_or(ReceiptError::NoHeader)?,
        };
        let checkpoint = Checkpoint::open(&self.checkpoint, keys)?;
        verify_inclusion(&leaf_hash(header), self.index, checkpoint.size, &checkpoint.root, &self.proof)?;
        let note = Note::parse(&self.checkpoint).map_err(CheckpointError::Note)?;
        let cosignatures = cosignature::of_note(&note, witnesses);
        Ok(Shown { header: header.to_vec(), index: self.index, checkpoint, cosignatures })
    }
}

impl fmt::Display for Receipt {
    /// The receipt's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        if let Some(header) = &self.header {
            writeln!(f, "extra {}", STANDARD.encode(header))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", base64_of_hash(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}
