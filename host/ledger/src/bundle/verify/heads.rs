//! Signed heads against the records of the run: checkpoints inside it, the one that was kept, and proofs of what lies elsewhere.

use std::io::Read;

use super::{Growth, Manifest, Part, Run, Step, Verifier, Witnessed};
use crate::log::note::Signature;
use crate::log::proof::{ProofError, verify_consistency};
use crate::log::{Checkpoint, CheckpointError, Cosignature, Note, NoteError, cosignature, empty_root};

/// Bits of a key's id that one damaged character of a signature's line changes at most: base64 has six in each. An id so near to that of a
/// known key is that key's, damaged.
const DAMAGED_BITS_MAX: u32 = 6;

impl<R: Read> Verifier<R> {
    /// A checkpoint inside the run.
    pub(super) fn published(&mut self, note: &str) -> Option<Step> {
        self.verified.counts.checkpoints += 1;
        let (checkpoint, unsigned) = match self.earlier(note) {
            Ok(earlier) => earlier,
            Err(error) => {
                self.problem(Part::Checkpoint, format!("the one {}: {error}", self.whereabouts()));
                return None;
            }
        };
        if checkpoint.size != self.run.next {
            self.problem(Part::Checkpoint, format!("one of {} records stands {}", checkpoint.size, self.whereabouts()));
            return None;
        }
        let fits = self.run.headers.as_ref().map(|tree| tree.root() == checkpoint.root);
        match (fits, unsigned) {
            (Some(true), None) => {
                self.verified.proofs += 1;
                self.run.proven_to = checkpoint.size;
                self.witnessed(note, checkpoint.size);
            }
            // The records themselves are held against the latest one, so that nobody need vouch for this one.
            (Some(true), Some(_)) => {
                self.verified.proofs += 1;
                self.verified.by_other_keys += 1;
                self.witnessed(note, checkpoint.size);
            }
            (_, Some(error)) => self.problem(Part::Checkpoint, format!("the one {}: {error}", self.whereabouts())),
            (Some(false), None) if !self.run.parted => {
                self.run.parted = true;
                let Run { proven_to, next, .. } = self.run;
                self.problem(
                    Part::Checkpoint,
                    format!(
                        "the signed root of {next} records is not that of these records: one of {proven_to} to {} was changed",
                        next - 1
                    ),
                );
            }
            (Some(false) | None, None) => {}
        }
        None
    }

    /// A checkpoint before the latest; with why its signature cannot be checked, where another key of the log's name than those given has
    /// signed it. That is only taken under a latest one that is signed by them: it must be the tree's beginning.
    fn earlier(&self, note: &str) -> Result<(Checkpoint, Option<CheckpointError>), CheckpointError> {
        match Checkpoint::open(note, self.keys.as_slice()) {
            Ok(checkpoint) => Ok((checkpoint, None)),
            Err(error @ CheckpointError::Note(NoteError::Unsigned(_))) if self.verified.head.is_some() => match self.by_another_key(note) {
                Some(checkpoint) => Ok((checkpoint, Some(error))),
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// A checkpoint of this log under a signature that names a key of the log, and none that was given.
    fn by_another_key(&self, note: &str) -> Option<Checkpoint> {
        let origin = &self.verified.manifest.origin;
        let note = Note::parse(note).ok()?;
        let is_given = |id: u32| self.keys.iter().any(|key| (key.id() ^ id).count_ones() <= DAMAGED_BITS_MAX);
        let by_another = |signature: &Signature| signature.name == origin.as_str() && !is_given(signature.id);
        let checkpoint = Checkpoint::parse(note.text()).ok().filter(|checkpoint| checkpoint.origin == *origin)?;
        note.signatures().iter().any(by_another).then_some(checkpoint)
    }

    /// Remembers who else has signed a checkpoint.
    pub(super) fn witnessed(&mut self, note: &str, size: u64) {
        let cosigned = Note::parse(note).map(|note| cosignature::of_note(&note, &self.witnesses)).unwrap_or_default();
        for Cosignature { witness, id, time_s } in cosigned {
            let witnessed = Witnessed { witness, id, size, time_s };
            match self.verified.witnessed.iter_mut().find(|known| (&known.witness, known.id) == (&witnessed.witness, witnessed.id)) {
                Some(known) if known.size < size => *known = witnessed,
                Some(_) => {}
                None => self.verified.witnessed.push(witnessed),
            }
        }
    }

    pub(super) fn growth(&mut self, growth: &Growth) -> Option<Step> {
        if self.run.next > self.verified.manifest.proven().start {
            self.problem(Part::ConsistencyProof, "it stands among the records");
        }
        if let Some(note) = &growth.checkpoint {
            match self.earlier(note) {
                Ok((earlier, unsigned)) if earlier.size == growth.old_size => match self.grown_from(&earlier, growth) {
                    Ok(()) => {
                        self.verified.by_other_keys += u64::from(unsigned.is_some());
                        self.witnessed(note, earlier.size);
                    }
                    Err(error) => self.problem(Part::ConsistencyProof, format!("from {} records: {error}", growth.old_size)),
                },
                Ok((earlier, _)) => {
                    let what = format!("it is from {} records, its checkpoint is of {}", growth.old_size, earlier.size);
                    self.problem(Part::ConsistencyProof, what);
                }
                Err(error) => self.problem(Part::Checkpoint, format!("the one of {} records: {error}", growth.old_size)),
            }
        }
        let kept = self.kept.clone().filter(|kept| kept.size == growth.old_size)?;
        self.kept_seen = true;
        if let Err(error) = self.grown_from(&kept, growth) {
            self.problem(Part::KeptCheckpoint, format!("the log is not the one that you have a checkpoint of: {error}"));
        }
        None
    }

    /// Checks that the log has grown from an earlier checkpoint.
    fn grown_from(&mut self, earlier: &Checkpoint, growth: &Growth) -> Result<(), ProofError> {
        // Without a latest checkpoint, which is named, there is nothing to have grown to.
        let Some(head) = &self.verified.head else { return Ok(()) };
        verify_consistency(earlier.size, &earlier.root, head.size, &head.root, &growth.proof)?;
        self.verified.proofs += 1;
        Ok(())
    }

    /// Compares with the kept checkpoint where the run has its size.
    pub(super) fn at_kept(&mut self) {
        let (Some(kept), Some(tree)) = (&self.kept, &self.run.headers) else { return };
        if kept.size != tree.size() || self.kept_seen {
            return;
        }
        self.kept_seen = true;
        if kept.root == tree.root() {
            self.verified.proofs += 1;
        } else {
            let what = format!("the log is not the one that you have a checkpoint of: its first {} records have another root", kept.size);
            self.problem(Part::KeptCheckpoint, what);
        }
    }

    /// What is left to say about the kept checkpoint.
    pub(super) fn kept(&mut self) {
        let (Some(kept), Some(head)) = (&self.kept, &self.verified.head) else { return };
        let what = match kept.size.cmp(&head.size) {
            std::cmp::Ordering::Greater => {
                format!("the log was rolled back: you have a checkpoint of {} records, the latest one here is of {}", kept.size, head.size)
            }
            std::cmp::Ordering::Equal if kept.root != head.root => {
                format!("the log is not the one that you have a checkpoint of: there are two of {} records with different roots", kept.size)
            }
            std::cmp::Ordering::Equal => return,
            std::cmp::Ordering::Less if self.kept_seen => return,
            std::cmp::Ordering::Less if kept.size == 0 && kept.root == empty_root() => return,
            std::cmp::Ordering::Less => {
                format!("no proof leads from your checkpoint of {} records to the latest one: export again with `--checkpoint`", kept.size)
            }
        };
        self.problem(Part::KeptCheckpoint, what);
    }

    /// The records are the run that the latest checkpoint has.
    pub(super) fn range(&mut self) {
        let (Some(proof), Some(head)) = (&self.proof, &self.verified.head) else { return };
        let Run { headers, leaves, .. } = &mut self.run;
        // With a gap, which is named, there is no tree to compare.
        let (Some(headers), Some(leaves)) = (headers.take(), leaves.take()) else { return };
        if headers.size() != self.verified.manifest.proven().end {
            return;
        }
        let Err(error) = proof.finish(headers, head.size, &head.root) else {
            self.verified.proofs += 1;
            return;
        };
        let what = match proof.finish(leaves, head.size, &head.root) {
            Ok(()) => "the leaf hashes lead to the signed root, the headers do not: those named were changed".to_owned(),
            Err(_) => format!("the records do not lead to the signed root: {error}"),
        };
        self.problem(Part::RangeProof, what);
    }

    /// A window that was over when the bundle was made ends before a record that is not in it: the export is one itself.
    pub(super) fn window(&mut self) {
        let Manifest { window, records, tree_size, made_at_ms, .. } = &self.verified.manifest;
        if records.end == *tree_size && window.to_ms.is_some_and(|to| to <= *made_at_ms) {
            let what = format!(
                "it was over when the bundle was made, and no record of the {tree_size} that are signed stands behind it: \
                 later records of the window may have been left out"
            );
            self.problem(Part::Window, what);
        }
    }
}
