//! What a witness is sent and answers (c2sp.org/tlog-witness, `add-checkpoint`).

use std::fmt;

use super::checkpoint::{Checkpoint, base64_of_hash, decimal, hash_of_base64};
use super::cosignature;
use super::key::VerifierKey;
use super::note::{Note, NoteError, Signature, parse_signatures};
use super::proof::{ProofError, verify_consistency};
use super::tree::empty_root;
use crate::Digest;

/// Consistency proof lines of one request.
pub const PROOF_LINES_MAX: usize = 63;
/// The type of the answer that states the witness's size.
pub const SIZE_MEDIA_TYPE: &str = "text/x.tlog.size";

/// The body of `POST add-checkpoint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size that the witness has cosigned last, 0 where it never did.
    pub old_size: u64,
    /// The consistency proof from there; empty where `old_size` is 0.
    pub proof: Vec<Digest>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
}

/// A request of this kind is not well formed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an add-checkpoint request: {0}")]
pub struct AddCheckpointError(&'static str);

impl AddCheckpoint {
    /// Reads a body, as a witness does.
    ///
    /// # Errors
    /// It is not one by the format.
    pub fn parse(body: &str) -> Result<Self, AddCheckpointError> {
        let (head, checkpoint) = body.split_once("\n\n").ok_or(AddCheckpointError("there is no empty line"))?;
        let mut lines = head.split('\n');
        let old_size = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(decimal);
        let old_size = old_size.ok_or(AddCheckpointError("its first line is not `old SIZE`"))?;
        let proof = lines.map(|line| hash_of_base64(line).ok_or(AddCheckpointError("a line of the proof is not a hash")));
        let proof = proof.take(PROOF_LINES_MAX + 1).collect::<Result<Vec<_>, _>>()?;
        if proof.len() > PROOF_LINES_MAX {
            return Err(AddCheckpointError("its proof is too long"));
        }
        Ok(Self { old_size, proof, checkpoint: checkpoint.to_owned() })
    }

    /// Checks the step from what the witness has seen (none: never anything) to the submitted checkpoint.
    ///
    /// # Errors
    /// The submitted tree does not begin with the seen one.
    pub fn check(&self, seen: Option<&Checkpoint>, submitted: &Checkpoint) -> Result<(), ProofError> {
        let (old_size, old_root) = seen.map_or((0, empty_root()), |seen| (seen.size, seen.root));
        verify_consistency(old_size, &old_root, submitted.size, &submitted.root, &self.proof)
    }
}

impl fmt::Display for AddCheckpoint {
    /// The request's body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", base64_of_hash(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// The signatures in a witness's answer that are good ones of this witness on this checkpoint. What others signed is left
/// out.
///
/// # Errors
/// The answer is not signature lines; a signature that names the witness is wrong; none is the witness's.
pub fn good_signatures(answer: &str, checkpoint: &Note, witness: &VerifierKey) -> Result<Vec<Signature>, NoteError> {
    let mut good = Vec::new();
    for signature in parse_signatures(answer)?.into_iter().filter(|signature| witness.is_named_by(signature)) {
        if cosignature::verify(witness, checkpoint.text(), &signature).is_none() {
            return Err(NoteError::Wrong { name: signature.name, id: signature.id });
        }
        good.push(signature);
    }
    if good.is_empty() { Err(NoteError::Unsigned(format!("`{}` ({:08x})", witness.name(), witness.id()))) } else { Ok(good) }
}
