//! Sealed bodies: XChaCha20-Poly1305 under the subject's data key.
//!
//! # The format, version 2
//!
//! The bodies of one record are sealed together. The sealed part is nonce(24) ‖ ciphertext ‖ tag(16) of XChaCha20-Poly1305
//! (draft-irtf-cfrg-xchacha-03) under the 32 bytes of the data key. The header commits to its length and to its SHA-256, nonce and
//! tag included ([`Detached`]).
//!
//! The plaintext is a byte that says how the rest is packed, and the rest (`seal/pack.rs` has the numbers). Unpacked it is salt(32) ‖ bytes of
//! one body after the other, in the order of the header's list and with the lengths that stand there (which do not count the salt):
//! nothing before, between or behind them. It is at most 8 MiB. The commitment to a body is SHA-256(salt ‖ bytes) of what was unpacked.
//!
//! The associated data are, one after the other:
//!
//! | bytes | what |
//! | --- | --- |
//! | 16 | `ombud bodies v2` and a zero byte |
//! | 8 | length of the merchant's id, big-endian |
//! | so many | the merchant's id |
//! | 1 | 1 for a decision, 2 for an event without one, 3 for an act (the header's field 3 and one) |
//! | 16, 32 or 16 | the decision's id (field 9), the event's key (field 6) or the act's id (field 22) |
//! | 5 for each body | its kind in one byte, the length of its bytes in 4, big-endian: the header's list in its order |
//!
//! They bind merchant, record and the list of bodies, not the sequence number, so that bodies are sealed before the writer assigns it.
//!
//! A decision has the bodies event, case, ruling, decision, and review and beside where there are any; an event without a decision has the
//! event, an act the act. All of them are JSON in UTF-8. `tests/example.hex` has sealed bodies with their key and what they open to.
//!
//! They are packed because the bodies of a decision repeat each other and those of all other decisions, and packing them costs less than
//! sealing, hashing and storing what it spares.

mod pack;

use std::ops::Range;

use ombud_core::ids::{DecisionId, MerchantId};
use ombud_core::kind::Kind;
use rand::Rng;
use sha2::{Digest as _, Sha256};

use self::pack::Packing;
use crate::aead::{self, NONCE_BYTES, TAG_BYTES};
use crate::keys::{DataKey, random};
use crate::{BodyCommitment, BodyKind, Detached, Digest, Entry, Header, id};

/// Bytes of the salt before each body.
const SALT_BYTES: usize = 32;
/// Bytes that sealing adds to a record.
const RECORD_OVERHEAD_BYTES: usize = NONCE_BYTES + 1 + TAG_BYTES;
/// The largest sealed part of a record before it is packed, in bytes: bodies at the bounds of the wire with room for what
/// the host adds.
pub const SEALED_BYTES_MAX: usize = 8 << 20;

/// The record that bodies belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of<'a> {
    /// A decision, by its id; its kind says how the bodies are packed.
    Decision(&'a DecisionId, Kind),
    /// An event without a decision, by its key's digest ([`crate::id::event_key`]).
    Event(&'a Digest),
    /// An administrative act, by its id.
    Act(&'a [u8; 16]),
}

/// Bodies were not sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("the bodies have {bytes} bytes when sealed, at most {SEALED_BYTES_MAX} are allowed")]
    TooLarge { bytes: usize },
    #[error("the bodies are not in ascending order of their kinds")]
    Order,
    #[error("the cipher refused the bodies")]
    Cipher,
}

/// Sealed bodies did not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    #[error("the bodies are erased: their key was deleted")]
    Erased,
    #[error("the sealed bodies are damaged: they are not the bytes that the header commits to")]
    Damaged,
    #[error("the bodies are packed in a way (number {0}) that this release does not know: a later one opens them")]
    Packing(u8),
    #[error("the bodies do not open with this key: they were sealed with another one or for another record")]
    WrongKey,
    #[error("the {} body opens, but is not the plaintext that the header commits to", kind.as_str())]
    Forged { kind: BodyKind },
}

/// The bodies of a record as they were sealed, in one piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsealed {
    plain: Vec<u8>,
    places: Vec<(BodyKind, Range<usize>)>,
}

impl Unsealed {
    /// The body of a kind, if there is one.
    pub fn body(&self, kind: BodyKind) -> Option<&[u8]> {
        let (_, place) = self.places.iter().find(|(own, _)| *own == kind)?;
        self.plain.get(place.clone())
    }
}

/// Seals the bodies of one record, appends the sealed part to `out` and returns what the header commits to.
///
/// # Errors
/// Kinds that are not in ascending order; more than [`SEALED_BYTES_MAX`].
pub fn seal(
    key: &DataKey,
    merchant: &MerchantId,
    of: Of<'_>,
    bodies: &[(BodyKind, &[u8])],
    out: &mut Vec<u8>,
) -> Result<Detached, SealError> {
    if !bodies.is_sorted_by(|(one, _), (next, _)| one < next) {
        return Err(SealError::Order);
    }
    let bytes = RECORD_OVERHEAD_BYTES + bodies.iter().map(|(_, bytes)| bytes.len() + SALT_BYTES).sum::<usize>();
    if bytes > SEALED_BYTES_MAX {
        return Err(SealError::TooLarge { bytes });
    }
    let mut plain = Vec::with_capacity(bytes);
    let mut commitments = Vec::with_capacity(bodies.len());
    let mut salts = rand::rng();
    for (kind, bytes) in bodies {
        let mut salt = [0; SALT_BYTES];
        salts.fill_bytes(&mut salt);
        plain.extend_from_slice(&salt);
        plain.extend_from_slice(bytes);
        // The bound on the whole keeps each length far below 32 bits.
        let len = u32::try_from(bytes.len()).map_err(|_| SealError::TooLarge { bytes: bytes.len() })?;
        commitments.push(BodyCommitment { kind: *kind, len, plain: salted(&salt, bytes) });
    }
    let start = out.len();
    // A random nonce of 192 bits does not repeat under a key.
    let nonce: [u8; NONCE_BYTES] = random();
    out.extend_from_slice(&nonce);
    of.packing().pack(&plain, out);
    let buffer = out.get_mut(start + NONCE_BYTES..).ok_or(SealError::Cipher)?;
    let tag = aead::seal(key.bytes(), &nonce, &binding(merchant, of, &commitments), buffer).map_err(|_| SealError::Cipher)?;
    out.extend_from_slice(&tag);
    let sealed = out.get(start..).unwrap_or_default();
    let sealed_len = u32::try_from(sealed.len()).map_err(|_| SealError::TooLarge { bytes })?;
    Ok(Detached { sealed_len, sealed: Digest::of(sealed), bodies: commitments })
}

impl Of<'_> {
    const fn packing(self) -> Packing {
        match self {
            Of::Decision(_, kind) => Packing::After(kind),
            Of::Event(_) | Of::Act(_) => Packing::Block,
        }
    }
}

impl Header {
    /// What the record is of, as its bodies are bound to it.
    pub fn of(&self) -> Of<'_> {
        match &self.entry {
            Entry::Decision(decision) => Of::Decision(&decision.id, decision.kind),
            Entry::Event(event) => Of::Event(&event.key),
            Entry::Act(act) => Of::Act(&act.id),
        }
    }

    /// Opens the record's bodies, in the order of their kinds, and checks each against its commitment. `key` is none where
    /// it was erased.
    ///
    /// # Errors
    /// See [`UnsealError`]; damage is told apart from a wrong key by the digest of the sealed part.
    pub fn open(&self, key: Option<&DataKey>, sealed: &[u8]) -> Result<Vec<(BodyKind, Vec<u8>)>, UnsealError> {
        let unsealed = self.unseal(key, sealed)?;
        let commitments = self.detached.iter().flat_map(|detached| &detached.bodies);
        let forged = |body: &BodyCommitment| UnsealError::Forged { kind: body.kind };
        let bodies = commitments.zip(&unsealed.places).map(|(body, (_, place))| {
            let salted = unsealed.plain.get(place.start.saturating_sub(SALT_BYTES)..place.end).unwrap_or_default();
            let bytes = salted.get(SALT_BYTES..).unwrap_or_default();
            if Digest::of(salted) == body.plain { Ok((body.kind, bytes.to_vec())) } else { Err(forged(body)) }
        });
        bodies.collect()
    }

    /// Opens the record's bodies without hashing each once more: the sealed part is the one that the header commits to, and
    /// it opens as this record's under the subject's key.
    ///
    /// # Errors
    /// As [`Header::open`], but for [`UnsealError::Forged`].
    pub fn unseal(&self, key: Option<&DataKey>, sealed: &[u8]) -> Result<Unsealed, UnsealError> {
        self.intact(sealed)?;
        let Some(detached) = &self.detached else { return Ok(Unsealed::default()) };
        let key = key.ok_or(UnsealError::Erased)?;
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(UnsealError::Damaged)?;
        if rest.len() < TAG_BYTES {
            return Err(UnsealError::Damaged);
        }
        let mut opened = rest.to_vec();
        let associated = binding(&self.merchant, self.of(), &detached.bodies);
        let opened = aead::open(key.bytes(), nonce, &associated, &mut opened).map_err(|_| UnsealError::WrongKey)?;
        let bytes = detached.bodies.iter().map(|body| body.len as usize + SALT_BYTES).sum();
        let plain = pack::unpack(opened, bytes)?;
        let mut end = 0;
        let places = detached.bodies.iter().map(|body| {
            let start = end + SALT_BYTES;
            end = start + body.len as usize;
            (body.kind, start..end)
        });
        Ok(Unsealed { places: places.collect(), plain })
    }

    /// Checks the sealed part without its key: it is what the header commits to.
    ///
    /// # Errors
    /// [`UnsealError::Damaged`].
    pub fn intact(&self, sealed: &[u8]) -> Result<(), UnsealError> {
        let same = match &self.detached {
            Some(detached) => sealed.len() == detached.sealed_len as usize && Digest::of(sealed) == detached.sealed,
            None => sealed.is_empty(),
        };
        if same { Ok(()) } else { Err(UnsealError::Damaged) }
    }
}

fn salted(salt: &[u8; SALT_BYTES], bytes: &[u8]) -> Digest {
    let mut hash = Sha256::new_with_prefix(salt);
    hash.update(bytes);
    Digest(hash.finalize().into())
}

/// The associated data: merchant, record, and which bodies of which length follow.
fn binding(merchant: &MerchantId, of: Of<'_>, bodies: &[BodyCommitment]) -> Vec<u8> {
    let merchant = merchant.as_str().as_bytes();
    let mut binding = Vec::with_capacity(192);
    binding.extend(b"ombud bodies v2\0");
    binding.extend((merchant.len() as u64).to_be_bytes());
    binding.extend(merchant);
    match of {
        Of::Decision(decision, _) => {
            binding.push(1);
            binding.extend(id::decision_bytes(decision));
        }
        Of::Event(key) => {
            binding.push(2);
            binding.extend(key.0);
        }
        Of::Act(act) => {
            binding.push(3);
            binding.extend(act);
        }
    }
    for body in bodies {
        binding.push(body.kind as u8);
        binding.extend(body.len.to_be_bytes());
    }
    binding
}

#[cfg(test)]
mod tests;
