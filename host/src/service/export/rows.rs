//! The body of a bundle: records in their order, with the components, settings and checkpoints that belong to them.

use std::collections::HashSet;
use std::io::{self, Write};

use ombud_ledger::bundle::{Manifest, Writer};
use ombud_ledger::log::{Frontier, FullTile, Tile, TileLevel};
use ombud_ledger::{Call, Digest, Entry, Header};
use ombud_store::{CheckpointRow, ExportRow, Reads, Store as _, StoreError};

use super::Export;
use super::keys::key_of;
use crate::service::ledger::cosigned;

/// Records read at once.
const PAGE_RECORDS: u32 = 256;
/// Checkpoints read at once.
const PAGE_CHECKPOINTS: u32 = 64;

/// Writes all that stands between the head and the end of the bundle.
pub(super) fn write<W: Write>(export: &Export, writer: &mut Writer<W>) -> io::Result<()> {
    let Manifest { merchant, masked, .. } = &export.manifest;
    let proven = export.manifest.proven();
    // Beyond what is stored there is nothing to look for.
    let proven = proven.start..proven.end.min(export.stored);
    let mut body = Body {
        export,
        writer,
        blobs: HashSet::new(),
        checkpoints: Checkpoints { next: proven.start + 1, waiting: Vec::new(), all_read: false },
        // Without a proof there is no tree to compare with.
        tree: export.proof.start(proven.start).ok(),
        masked: *masked,
    };
    let mut next = proven.start;
    while next < proven.end {
        let store = &export.service.store;
        // The whole page on one snapshot: an erasure comes before it or after it.
        let done: Result<io::Result<u64>, StoreError> = store.read(|reads| {
            let rows = match reads.export_rows(merchant, next..proven.end, PAGE_RECORDS) {
                Ok(rows) => rows,
                Err(_) => return Ok(body.one_by_one(reads, next..proven.end.min(next + u64::from(PAGE_RECORDS)))),
            };
            let end = rows.last().filter(|_| rows.len() == PAGE_RECORDS as usize).map_or(proven.end, |last| last.seq + 1);
            Ok(body.page(reads, rows).map(|()| end))
        });
        next = done.map_err(io::Error::other)??;
    }
    Ok(())
}

struct Body<'a, W: Write> {
    export: &'a Export,
    writer: &'a mut Writer<W>,
    /// Components and settings that were written.
    blobs: HashSet<Digest>,
    checkpoints: Checkpoints,
    /// The tree of the leaves so far; none after a gap.
    tree: Option<Frontier>,
    masked: bool,
}

/// The published checkpoints, read as they are needed.
struct Checkpoints {
    /// The smallest size that was not read yet.
    next: u64,
    /// The largest first.
    waiting: Vec<CheckpointRow>,
    all_read: bool,
}

impl<W: Write> Body<'_, W> {
    fn page(&mut self, reads: &dyn Reads, rows: Vec<ExportRow>) -> io::Result<()> {
        rows.into_iter().try_for_each(|row| self.row(reads, row))
    }

    /// Reads a page that cannot be read at once row by row, and says which cannot be read.
    fn one_by_one(&mut self, reads: &dyn Reads, seqs: std::ops::Range<u64>) -> io::Result<u64> {
        for seq in seqs.clone() {
            match reads.export_rows(&self.export.manifest.merchant, seq..seq + 1, 1) {
                Ok(rows) => self.page(reads, rows)?,
                Err(error) => self.writer.trouble(&format!("record {seq} cannot be read: {error}"))?,
            }
        }
        Ok(seqs.end)
    }

    fn row(&mut self, reads: &dyn Reads, row: ExportRow) -> io::Result<()> {
        let (manifest, seq) = (&self.export.manifest, row.seq);
        let Some(bytes) = row.header.as_deref() else {
            self.tree = None;
            return self.writer.trouble(&format!("record {seq} has no header in the store"));
        };
        // What is no hash is exported as one that fits nothing.
        let leaf = row.leaf.as_deref().and_then(|leaf| leaf.try_into().ok()).map_or(Digest([0; 32]), Digest);
        if manifest.records.contains(&seq) {
            let header = Header::decode(bytes).ok();
            if let Some(header) = header.as_ref().filter(|_| !self.masked) {
                self.blobs_of(reads, header)?;
            }
            let key = key_of(reads, &self.export.service.vault, manifest, &row, header.as_ref());
            self.writer.record(seq, &leaf, bytes, row.sealed.as_deref().unwrap_or_default(), &key)?;
        } else {
            self.writer.neighbour(seq, &leaf, bytes)?;
        }
        self.tiles(reads, seq, leaf)?;
        self.published(reads, seq)
    }

    /// Writes the components and settings that a record names, where they were not written yet.
    fn blobs_of(&mut self, reads: &dyn Reads, header: &Header) -> io::Result<()> {
        let Entry::Decision(decision) = &header.entry else { return Ok(()) };
        for Call { component, settings, .. } in decision.calls().copied() {
            for digest in [component, settings] {
                if self.blobs.insert(digest) {
                    // What is damaged is as good as missing, and is said to be either.
                    let bytes = reads.blob(&digest).ok().flatten();
                    self.writer.blob(&digest, bytes.as_deref())?;
                }
            }
        }
        Ok(())
    }

    /// Compares the hashes of tiles that the store has with those that follow from the leaves.
    fn tiles(&mut self, reads: &dyn Reads, seq: u64, leaf: Digest) -> io::Result<()> {
        let Some(tree) = self.tree.as_mut().filter(|tree| tree.size() == seq) else {
            self.tree = None;
            return Ok(());
        };
        for FullTile { level, index, hash } in tree.append(leaf) {
            let width = u16::try_from(index % 256 + 1).unwrap_or(u16::MAX);
            let above = Tile { level: TileLevel::Hashes(level + 1), index: index / 256, width };
            let stored = reads.tile(&self.export.manifest.merchant, above).ok().and_then(|hashes| hashes.last().copied());
            if stored != Some(hash) {
                self.writer.trouble(&format!("the hash of tile {index} of level {level} in the store is not that of its records"))?;
            }
        }
        Ok(())
    }

    /// Writes the checkpoints that were published with the records so far, without the latest.
    fn published(&mut self, reads: &dyn Reads, seq: u64) -> io::Result<()> {
        let manifest = &self.export.manifest;
        loop {
            if self.checkpoints.waiting.is_empty() && !self.checkpoints.all_read {
                match reads.checkpoints(&manifest.merchant, self.checkpoints.next, PAGE_CHECKPOINTS) {
                    Ok(mut rows) => {
                        self.checkpoints.all_read = rows.len() < PAGE_CHECKPOINTS as usize;
                        self.checkpoints.next = rows.last().map_or(u64::MAX, |last| last.size.saturating_add(1));
                        rows.reverse();
                        self.checkpoints.waiting = rows;
                    }
                    Err(error) => {
                        self.checkpoints.all_read = true;
                        self.writer
                            .trouble(&format!("checkpoints of {} records and more cannot be read: {error}", self.checkpoints.next))?;
                    }
                }
            }
            let due = |row: &mut CheckpointRow| row.size <= seq + 1 && row.size < manifest.tree_size;
            match self.checkpoints.waiting.pop_if(due) {
                Some(row) => {
                    // Who else has signed it goes along.
                    let note = cosigned(reads, &manifest.merchant, &row).unwrap_or_else(|_| row.note.clone());
                    self.writer.checkpoint(&note)?;
                }
                None => return Ok(()),
            }
        }
    }
}
