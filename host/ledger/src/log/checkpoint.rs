//! Checkpoints (c2sp.org/tlog-checkpoint): origin, size and root of a log, as a signed note.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::key::{KeyName, SigningKey, VerifierKey};
use super::note::{Note, NoteError};
use crate::Digest;

/// The head of a log's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's origin, `OPERATOR/MERCHANT`; its key has the same name.
    pub origin: KeyName,
    /// The number of leaves.
    pub size: u64,
    /// The root of the tree of these leaves.
    pub root: Digest,
}

/// A checkpoint is not one, not this log's, or not signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error("{0}")]
    Note(#[from] NoteError),
    #[error("the checkpoint is malformed: {0}")]
    Malformed(&'static str),
    #[error("the checkpoint is of the log `{found}`, not of `{expected}`")]
    Origin { expected: String, found: String },
}

impl Checkpoint {
    /// Reads the text of a note.
    ///
    /// # Errors
    /// It is not three lines: origin, size, root. Lines beyond these are refused: these logs write none, and no witness
    /// checks them.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let malformed = CheckpointError::Malformed;
        let mut lines = text.strip_suffix('\n').ok_or(malformed("it does not end with a newline"))?.split('\n');
        let origin = lines.next().and_then(|line| KeyName::new(line).ok()).ok_or(malformed("its first line is not an origin"))?;
        let size = lines.next().and_then(decimal).ok_or(malformed("its second line is not a size"))?;
        let root = lines.next().and_then(hash_of_base64).ok_or(malformed("its third line is not a root hash"))?;
        if lines.next().is_some() {
            return Err(malformed("it has more than three lines"));
        }
        Ok(Self { origin, size, root })
    }

    /// Signs with each of the keys, the newest first.
    ///
    /// # Errors
    /// None in practice: origins have no control characters.
    pub fn sign(&self, keys: &[SigningKey]) -> Result<Note, NoteError> {
        let mut note = Note::new(self.to_string())?;
        keys.iter().for_each(|key| note.sign(key));
        Ok(note)
    }

    /// Reads a signed checkpoint of the log that these keys sign: one of them must have signed it, none may be contradicted,
    /// and its origin must be their name.
    ///
    /// # Errors
    /// It is not a note, not a checkpoint, another log's or not signed by these keys.
    pub fn open(note: &str, keys: &[VerifierKey]) -> Result<Self, CheckpointError> {
        let note = Note::parse(note)?;
        let signed = note.verify(keys)?;
        let checkpoint = Self::parse(note.text())?;
        match signed.iter().find(|key| *key.name() != checkpoint.origin) {
            None => Ok(checkpoint),
            Some(key) => Err(CheckpointError::Origin { expected: key.name().to_string(), found: checkpoint.origin.to_string() }),
        }
    }
}

impl fmt::Display for Checkpoint {
    /// The note's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, base64_of_hash(&self.root))
    }
}

/// A hash as checkpoints, proofs and receipts write it.
pub fn base64_of_hash(hash: &Digest) -> String {
    STANDARD.encode(hash.0)
}

/// The hash of 44 characters of base64; none where they are anything else.
pub fn hash_of_base64(text: &str) -> Option<Digest> {
    STANDARD.decode(text).ok()?.try_into().ok().map(Digest)
}

/// A decimal number without sign and leading zeroes.
pub(super) fn decimal(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().filter(|number| number.to_string() == text)
}
