//! Writes items: the one spelling of each.

use std::convert::Infallible;

use minicbor::Encoder;
use minicbor::encode::Error;

use super::MAGIC;
use super::item::{Counts, End, Growth, Item, Key, Manifest};
use crate::Digest;
use crate::log::RangeProof;

pub(super) const MANIFEST: u64 = 0;
pub(super) const CHECKPOINT: u64 = 1;
pub(super) const RANGE: u64 = 2;
pub(super) const GROWTH: u64 = 3;
pub(super) const BLOB: u64 = 4;
pub(super) const RECORD: u64 = 5;
pub(super) const NEIGHBOUR: u64 = 6;
pub(super) const TROUBLE: u64 = 7;
pub(super) const END: u64 = 8;

/// Instead of a data key.
pub(super) const KEY_ERASED: u64 = 0;
pub(super) const KEY_MASKED: u64 = 1;
pub(super) const KEY_MISSING: u64 = 2;

/// An encoder appends to a buffer, which cannot fail.
type Written = Result<(), Error<Infallible>>;
type Out<'b> = Encoder<&'b mut Vec<u8>>;

/// An item to be written, with what is large in it borrowed.
pub(super) enum Piece<'a> {
    Manifest(&'a Manifest),
    Checkpoint(&'a str),
    Range(&'a RangeProof),
    Growth(&'a Growth),
    Blob { digest: &'a Digest, bytes: Option<&'a [u8]> },
    Record { seq: u64, leaf: &'a Digest, header: &'a [u8], sealed: &'a [u8], key: &'a Key },
    Neighbour { seq: u64, leaf: &'a Digest, header: &'a [u8] },
    Trouble(&'a str),
    End(&'a End),
}

impl Item {
    /// The item as it is written.
    pub(super) fn piece(&self) -> Piece<'_> {
        match self {
            Self::Manifest(manifest) => Piece::Manifest(manifest),
            Self::Checkpoint(note) => Piece::Checkpoint(note),
            Self::Range(proof) => Piece::Range(proof),
            Self::Growth(growth) => Piece::Growth(growth),
            Self::Blob { digest, bytes } => Piece::Blob { digest, bytes: bytes.as_deref() },
            Self::Record(record) => {
                Piece::Record { seq: record.seq, leaf: &record.leaf, header: &record.header, sealed: &record.sealed, key: &record.key }
            }
            Self::Neighbour(neighbour) => Piece::Neighbour { seq: neighbour.seq, leaf: &neighbour.leaf, header: &neighbour.header },
            Self::Trouble(text) => Piece::Trouble(text),
            Self::End(end) => Piece::End(end),
        }
    }
}

impl Piece<'_> {
    /// Appends the embedded item's bytes, without its frame.
    pub(super) fn write(&self, into: &mut Vec<u8>) {
        // A buffer takes everything.
        _ = self.encode(&mut Encoder::new(into));
    }

    fn encode(&self, out: &mut Out<'_>) -> Written {
        match self {
            Piece::Manifest(manifest) => manifest_into(out, manifest)?,
            Piece::Checkpoint(note) => _ = out.array(2)?.u64(CHECKPOINT)?.str(note)?,
            Piece::Range(proof) => {
                out.array(3)?.u64(RANGE)?;
                hashes(out, &proof.left)?;
                hashes(out, &proof.right)?;
            }
            Piece::Growth(growth) => {
                out.array(4)?.u64(GROWTH)?.u64(growth.old_size)?;
                hashes(out, &growth.proof)?;
                match &growth.checkpoint {
                    Some(note) => out.str(note)?,
                    None => out.null()?,
                };
            }
            Piece::Blob { digest, bytes } => {
                out.array(3)?.u64(BLOB)?.bytes(&digest.0)?;
                match bytes {
                    Some(bytes) => out.bytes(bytes)?,
                    None => out.null()?,
                };
            }
            Piece::Record { seq, leaf, header, sealed, key } => {
                out.array(6)?.u64(RECORD)?.u64(*seq)?.bytes(&leaf.0)?.bytes(header)?.bytes(sealed)?;
                match key {
                    Key::Data(key) => out.bytes(key.bytes())?,
                    Key::None => out.null()?,
                    Key::Erased => out.u64(KEY_ERASED)?,
                    Key::Masked => out.u64(KEY_MASKED)?,
                    Key::Missing => out.u64(KEY_MISSING)?,
                };
            }
            Piece::Neighbour { seq, leaf, header } => _ = out.array(4)?.u64(NEIGHBOUR)?.u64(*seq)?.bytes(&leaf.0)?.bytes(header)?,
            Piece::Trouble(text) => _ = out.array(2)?.u64(TROUBLE)?.str(text)?,
            Piece::End(end) => {
                let Counts { records, blobs, checkpoints, troubles } = end.counts;
                out.array(7)?.u64(END)?.u64(records)?.u64(blobs)?.u64(checkpoints)?.u64(troubles)?;
                out.bytes(&end.digest.0)?.str(&end.note)?;
            }
        }
        Ok(())
    }
}

fn manifest_into(out: &mut Out<'_>, manifest: &Manifest) -> Written {
    out.array(13)?.u64(MANIFEST)?.str(MAGIC)?.u64(manifest.format)?;
    out.str(manifest.origin.as_str())?.str(manifest.merchant.as_str())?;
    for end in [manifest.window.from_ms, manifest.window.to_ms] {
        match end {
            Some(ms) => out.i64(ms)?,
            None => out.null()?,
        };
    }
    out.u64(manifest.records.start)?.u64(manifest.records.end)?.u64(manifest.tree_size)?;
    out.bool(manifest.masked)?.i64(manifest.made_at_ms)?.str(&manifest.made_by)?;
    Ok(())
}

fn hashes(out: &mut Out<'_>, hashes: &[Digest]) -> Written {
    out.array(hashes.len() as u64)?;
    hashes.iter().try_for_each(|hash| out.bytes(&hash.0).map(|_| ()))
}

/// Appends an item with its frame: tag 24 and a byte string.
pub(super) fn framed(piece: &Piece<'_>, into: &mut Vec<u8>) {
    let mut inner = Vec::new();
    piece.write(&mut inner);
    let mut out = Encoder::new(into);
    _ = out.tag(minicbor::data::IanaTag::Cbor).and_then(|out| out.bytes(&inner).map(|_| ()));
}
