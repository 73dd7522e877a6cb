//! Cosignatures of witnesses (c2sp.org/tlog-cosignature, `cosignature/v1`): a checkpoint seen at an instant.

use super::checkpoint::Checkpoint;
use super::key::{Algorithm, SigningKey, VerifierKey};
use super::note::{Note, Signature};

/// A witness's statement: at this time, this was the largest consistent checkpoint of the log that it had seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// The witness's name.
    pub witness: String,
    /// The id of its key: a witness is its name and its key.
    pub id: u32,
    /// Seconds since 1970-01-01.
    pub time_s: u64,
}

/// What a witness signs.
fn message(time_s: u64, checkpoint: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time_s}\n{checkpoint}").into_bytes()
}

/// A witness's signature of a checkpoint at an instant; none where the key is not a cosigner's.
pub fn sign(key: &SigningKey, time_s: u64, checkpoint: &Checkpoint) -> Option<Signature> {
    let verifier = key.verifier();
    let time_s = (verifier.algorithm() == Algorithm::CosignatureV1).then_some(time_s).filter(|time_s| *time_s <= i64::MAX as u64)?;
    let signature = key.sign(&message(time_s, &checkpoint.to_string()));
    let bytes = [&time_s.to_be_bytes()[..], &signature].concat();
    Some(Signature { name: verifier.name().to_string(), id: verifier.id(), bytes })
}

/// What a signature says, where it is this witness's and good.
pub fn verify(key: &VerifierKey, text: &str, signature: &Signature) -> Option<Cosignature> {
    let (time, bytes) = signature.bytes.split_first_chunk::<8>()?;
    let time_s = u64::from_be_bytes(*time);
    let named = key.algorithm() == Algorithm::CosignatureV1 && key.is_named_by(signature) && time_s <= i64::MAX as u64;
    let good = named && key.verifies(&message(time_s, text), bytes);
    good.then(|| Cosignature { witness: signature.name.clone(), id: key.id(), time_s })
}

/// The good cosignatures of these witnesses on a note; one each, in the order of the note.
pub fn of_note(note: &Note, witnesses: &[VerifierKey]) -> Vec<Cosignature> {
    let of = |signature: &Signature| witnesses.iter().find_map(|key| verify(key, note.text(), signature));
    note.signatures().iter().filter_map(of).collect()
}
