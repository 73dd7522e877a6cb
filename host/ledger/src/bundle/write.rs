//! Writes a bundle as it is made, holding one item at a time.

use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

use super::encode::{Piece, framed};
use super::item::{Counts, End, Growth, Key, Manifest, end_text};
use crate::Digest;
use crate::log::{KeyName, Note, RangeProof, SigningKey};

/// Writes a bundle. The caller keeps the order of items, which the reader checks.
pub struct Writer<W: Write> {
    out: W,
    hash: Sha256,
    format: u64,
    origin: KeyName,
    counts: Counts,
    buffer: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Begins with what the bundle claims, the latest checkpoint and the proof of the run.
    ///
    /// # Errors
    /// The output's, for this and every other function here; a manifest that contradicts itself.
    pub fn begin(out: W, manifest: &Manifest, checkpoint: &str, proof: &RangeProof) -> io::Result<Self> {
        manifest.check().map_err(io::Error::other)?;
        let Manifest { format, origin, .. } = manifest.clone();
        let mut writer = Self { out, hash: Sha256::new(), format, origin, counts: Counts::default(), buffer: Vec::new() };
        writer.item(&Piece::Manifest(manifest))?;
        writer.item(&Piece::Checkpoint(checkpoint))?;
        writer.item(&Piece::Range(proof))?;
        Ok(writer)
    }

    /// Adds the proof that the log has only grown since an earlier tree.
    pub fn growth(&mut self, growth: &Growth) -> io::Result<()> {
        self.item(&Piece::Growth(growth))
    }

    /// Adds the record beside the run.
    pub fn neighbour(&mut self, seq: u64, leaf: &Digest, header: &[u8]) -> io::Result<()> {
        self.item(&Piece::Neighbour { seq, leaf, header })
    }

    /// Adds a component or settings, before the first record that names them; none where the store has them no more.
    pub fn blob(&mut self, digest: &Digest, bytes: Option<&[u8]>) -> io::Result<()> {
        self.counts.blobs += 1;
        self.item(&Piece::Blob { digest, bytes })
    }

    /// Adds a record.
    pub fn record(&mut self, seq: u64, leaf: &Digest, header: &[u8], sealed: &[u8], key: &Key) -> io::Result<()> {
        self.counts.records += 1;
        self.item(&Piece::Record { seq, leaf, header, sealed, key })
    }

    /// Adds a checkpoint that was published when the log had the records so far.
    pub fn checkpoint(&mut self, note: &str) -> io::Result<()> {
        self.counts.checkpoints += 1;
        self.item(&Piece::Checkpoint(note))
    }

    /// Says what of the store could not be read.
    pub fn trouble(&mut self, what: &str) -> io::Result<()> {
        self.counts.troubles += 1;
        self.item(&Piece::Trouble(what))
    }

    /// Ends the bundle, signed by the operator's keys under the name of the merchant's log; the output, flushed.
    pub fn finish(mut self, keys: &[SigningKey]) -> io::Result<W> {
        let digest = Digest(self.hash.finalize_reset().into());
        let mut note = Note::new(end_text(self.format, &self.origin, &digest)).map_err(io::Error::other)?;
        keys.iter().for_each(|key| note.sign(key));
        let end = End { counts: self.counts, digest, note: note.to_string() };
        self.item(&Piece::End(&end))?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn item(&mut self, piece: &Piece<'_>) -> io::Result<()> {
        self.buffer.clear();
        framed(piece, &mut self.buffer);
        self.hash.update(&self.buffer);
        self.out.write_all(&self.buffer)
    }
}
