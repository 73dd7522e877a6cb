//! Checks a bundle from its first byte to its last: order, proofs, signatures, digests. The records come out one by one, so
//! that their bodies are opened and their components run again elsewhere, on many threads.

mod heads;

use std::collections::HashSet;
use std::io::Read;

use super::BLOBS_MAX;
use super::item::{Counts, End, Growth, Item, Manifest, Neighbour, Record, end_text};
use super::problem::{Part, Problem, Problems};
use super::read::{Broken, Found, Reader};
use crate::log::{Checkpoint, CheckpointError, Frontier, NOTE_BYTES_MAX, Note, NoteError, RangeProof, VerifierKey, VerifierKeys};
use crate::{Digest, Header, leaf_hash};

/// A file that cannot be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("it is no audit bundle: {0}")]
    NoBundle(String),
    #[error("{0}")]
    Broken(#[from] Broken),
    #[error("the bundle is of the log `{origin}`, the key is of `{key}`")]
    OtherKey { origin: String, key: String },
    #[error(
        "the checkpoint to compare with is not one of this log, or another of its keys than those given signed it (`ledger.vkey` has all there ever \
         were): {0}"
    )]
    Kept(CheckpointError),
}

/// What whoever checks a bundle has already.
#[derive(Clone, Copy, Debug)]
pub struct Trust<'a> {
    /// The operator's keys, or those of the merchant's log itself.
    pub keys: &'a VerifierKeys,
    /// A signed checkpoint of the log from earlier.
    pub kept: Option<&'a str>,
    /// Keys of witnesses.
    pub witnesses: &'a [VerifierKey],
}

/// The largest tree that a witness has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    pub witness: String,
    /// The id of the key that signed.
    pub id: u32,
    /// Leaves of the tree.
    pub size: u64,
    /// When, seconds since 1970-01-01.
    pub time_s: u64,
}

/// Something that the caller has to go on with.
#[derive(Debug)]
pub enum Step {
    /// A component or settings, which are what their digest says.
    Blob(Digest, Vec<u8>),
    /// One that was missing or damaged in the store, or is damaged here, which is named.
    NoBlob(Digest),
    /// A record in its place; see [`Record::open`].
    Record(Record),
}

/// What came of it, without what the caller found in the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub manifest: Manifest,
    /// The latest checkpoint, where it is one of the log's and signed by the keys.
    pub head: Option<Checkpoint>,
    /// The latest checkpoint's note, to be kept.
    pub head_note: String,
    /// Whether the newest of the keys signed it.
    pub by_newest_key: bool,
    /// What the known witnesses have signed of it and of the checkpoints inside the run that fit.
    pub witnessed: Vec<Witnessed>,
    /// What was found in the file.
    pub counts: Counts,
    /// Proofs that were checked and hold: the run's, and each consistency proof and checkpoint inside it.
    pub proofs: u64,
    /// Checkpoints before the latest that are signed with a key of the log's which was not given: an older one, say. What they are of is the
    /// beginning of the tree that the latest has.
    pub by_other_keys: u64,
    /// Neither the latest checkpoint nor the end is signed by the keys, so that they are probably another operator's.
    pub wrong_key: bool,
    pub problems: Problems,
}

/// A bundle being checked.
pub struct Verifier<R: Read> {
    reader: Reader<R>,
    /// The operator's keys under the name of the merchant's log.
    keys: VerifierKeys,
    kept: Option<Checkpoint>,
    kept_seen: bool,
    witnesses: Vec<VerifierKey>,
    verified: Verified,
    proof: Option<RangeProof>,
    run: Run,
    blobs: HashSet<Digest>,
    pub(super) blobs_max: usize,
    ended: bool,
    head_unsigned: bool,
    end_unsigned: bool,
}

/// The proven run, as far as it was read.
struct Run {
    /// The next sequence number.
    next: u64,
    /// The tree of the leaves that the headers give; none once the run has a gap.
    headers: Option<Frontier>,
    /// The tree of the leaf hashes as the store had them.
    leaves: Option<Frontier>,
    /// A checkpoint inside the run did not fit: those after it do not fit either.
    parted: bool,
    /// The first record after the last checkpoint that fits.
    proven_to: u64,
}

impl<R: Read> Verifier<R> {
    /// Reads the manifest, the latest checkpoint and the proof of the run.
    ///
    /// # Errors
    /// It is no bundle, or of a log that is not the keys'; the kept checkpoint is not one of this log.
    pub fn open(input: R, trust: Trust<'_>) -> Result<Self, OpenError> {
        let Trust { keys, kept, witnesses } = trust;
        let mut reader = Reader::new(input);
        let manifest = match reader.next()?.map(|found| found.item) {
            Some(Ok(Item::Manifest(manifest))) => manifest,
            Some(Ok(_)) => return Err(OpenError::NoBundle("it does not begin with a manifest".to_owned())),
            Some(Err(why)) => return Err(OpenError::NoBundle(why)),
            None => return Err(OpenError::NoBundle("the file is empty".to_owned())),
        };
        let own = |keys: &VerifierKeys| keys.iter().all(|key| *key.name() == manifest.origin);
        let keys = if own(keys) { keys.clone() } else { keys.of_merchant(&manifest.merchant) };
        if !own(&keys) {
            let mut names: Vec<&str> = keys.iter().map(|key| key.name().as_str()).collect();
            names.dedup();
            return Err(OpenError::OtherKey { origin: manifest.origin.to_string(), key: names.join("`, `") });
        }
        let kept = kept.map(|note| Checkpoint::open(note, keys.as_slice())).transpose().map_err(OpenError::Kept)?;
        let run = Run { next: manifest.proven().start, headers: None, leaves: None, parted: false, proven_to: manifest.proven().start };
        let verified = Verified {
            manifest,
            head: None,
            head_note: String::new(),
            by_newest_key: false,
            witnessed: Vec::new(),
            counts: Counts::default(),
            proofs: 0,
            by_other_keys: 0,
            wrong_key: false,
            problems: Problems::default(),
        };
        let mut verifier = Self {
            reader,
            keys,
            kept,
            kept_seen: false,
            witnesses: witnesses.to_vec(),
            verified,
            proof: None,
            run,
            blobs: HashSet::new(),
            blobs_max: BLOBS_MAX,
            ended: false,
            head_unsigned: false,
            end_unsigned: false,
        };
        verifier.head();
        Ok(verifier)
    }

    /// The manifest, whose claims hold only if nothing is wrong in the end.
    pub const fn manifest(&self) -> &Manifest {
        &self.verified.manifest
    }

    /// Whether the latest checkpoint is one of the log's and signed by the keys. Without one nobody vouches for what is carried.
    pub const fn is_signed(&self) -> bool {
        self.verified.head.is_some()
    }

    /// Bytes of the file read so far.
    pub const fn offset(&self) -> u64 {
        self.reader.offset()
    }

    /// Goes on to the next blob or record; none at the end.
    pub fn step(&mut self) -> Option<Step> {
        while !self.ended {
            let step = match self.item()? {
                Item::Growth(growth) => self.growth(&growth),
                Item::Blob { digest, bytes } => self.blob(digest, bytes),
                Item::Record(record) => self.record(record),
                Item::Neighbour(neighbour) => self.neighbour(&neighbour),
                Item::Checkpoint(note) => self.published(&note),
                Item::Trouble(what) => {
                    self.verified.counts.troubles += 1;
                    self.problem(Part::Store, format!("{what} (said when the bundle was made)"));
                    None
                }
                Item::End(end) => self.end(&end),
                Item::Manifest(_) | Item::Range(_) => {
                    self.problem(Part::File, "an item stands twice that stands once at the beginning");
                    None
                }
            };
            if step.is_some() {
                return step;
            }
        }
        None
    }

    /// What came of it, once [`Verifier::step`] gives nothing more.
    pub fn finish(mut self) -> Verified {
        let proven = self.verified.manifest.proven();
        if self.run.next < proven.end {
            self.missing(self.run.next, proven.end);
        }
        self.range();
        self.kept();
        self.window();
        self.verified.wrong_key = self.head_unsigned && self.end_unsigned;
        self.verified
    }

    /// The latest checkpoint and the proof of the run.
    fn head(&mut self) {
        if let Some(Item::Checkpoint(note)) = self.item() {
            match Checkpoint::open(&note, self.keys.as_slice()) {
                Ok(head) if head.size == self.verified.manifest.tree_size => {
                    self.witnessed(&note, head.size);
                    let newest = self.keys.as_slice().get(..1).unwrap_or_default();
                    self.verified.by_newest_key = Checkpoint::open(&note, newest).is_ok();
                    self.verified.head = Some(head);
                }
                Ok(head) => {
                    let claimed = self.verified.manifest.tree_size;
                    self.problem(Part::Checkpoint, format!("the latest one has size {}, the manifest says {claimed}", head.size));
                }
                Err(error) => {
                    self.head_unsigned = matches!(error, CheckpointError::Note(NoteError::Unsigned(_)));
                    self.problem(Part::Checkpoint, format!("the latest one: {error}"));
                }
            }
            // Longer ones are none, and are not for keeping.
            if note.len() <= NOTE_BYTES_MAX {
                self.verified.head_note = note;
            }
        } else {
            self.problem(Part::Checkpoint, "the latest one is not where it belongs");
        }
        let Some(Item::Range(proof)) = self.item() else {
            return self.problem(Part::RangeProof, "it is not where it belongs");
        };
        match proof.start(self.run.next) {
            Ok(frontier) => {
                self.run.headers = Some(frontier.clone());
                self.run.leaves = Some(frontier);
                self.at_kept();
            }
            Err(error) => self.problem(Part::RangeProof, error),
        }
        self.proof = Some(proof);
    }

    /// The next sound item; what is unsound is a problem.
    fn item(&mut self) -> Option<Item> {
        loop {
            match self.reader.next() {
                Ok(Some(Found { item: Ok(item), .. })) => return Some(item),
                Ok(Some(Found { offset, item: Err(why) })) => {
                    self.problem(Part::File, format!("the item at byte {offset}, {}: {why}", self.whereabouts()));
                }
                Ok(None) => {
                    self.ended = true;
                    self.problem(Part::End, format!("the file ends {} and has no end item: it is cut off", self.whereabouts()));
                    return None;
                }
                Err(broken) => {
                    self.ended = true;
                    self.problem(Part::File, format!("at byte {}, {}: {broken}", self.reader.offset(), self.whereabouts()));
                    return None;
                }
            }
        }
    }

    fn whereabouts(&self) -> String {
        match self.run.next {
            next if next == self.verified.manifest.proven().start => "before the first record".to_owned(),
            next => format!("after record {}", next - 1),
        }
    }

    fn blob(&mut self, digest: Digest, bytes: Option<Vec<u8>>) -> Option<Step> {
        self.verified.counts.blobs += 1;
        if self.blobs.len() >= self.blobs_max && !self.blobs.contains(&digest) {
            self.problem(Part::Blob, format!("{digest} is beyond the {} components and settings that a bundle may carry", self.blobs_max));
            return None;
        }
        if !self.blobs.insert(digest) {
            self.problem(Part::Blob, format!("{digest} stands twice"));
            return None;
        }
        match bytes {
            None => self.problem(Part::Blob, format!("{digest} was missing or damaged in the store when the bundle was made")),
            Some(bytes) if Digest::of(&bytes) == digest => return Some(Step::Blob(digest, bytes)),
            Some(bytes) => self.problem(Part::Blob, format!("{digest} is damaged: these bytes have the digest {}", Digest::of(&bytes))),
        }
        Some(Step::NoBlob(digest))
    }

    fn record(&mut self, record: Record) -> Option<Step> {
        self.verified.counts.records += 1;
        if !self.verified.manifest.records.contains(&record.seq) {
            self.at(record.seq, Part::Sequence, "it is none of the records that the manifest names");
            return None;
        }
        self.leaf(record.seq, record.leaf, &record.header).then_some(Step::Record(record))
    }

    fn neighbour(&mut self, neighbour: &Neighbour) -> Option<Step> {
        let manifest = &self.verified.manifest;
        if !manifest.proven().contains(&neighbour.seq) || manifest.records.contains(&neighbour.seq) {
            self.at(neighbour.seq, Part::Window, "it is no neighbour of the records");
            return None;
        }
        if !self.leaf(neighbour.seq, neighbour.leaf, &neighbour.header) {
            return None;
        }
        match place(&neighbour.header, &self.verified.manifest, neighbour.seq) {
            Err(problem) => self.verified.problems.add(problem),
            Ok(header) => {
                let Manifest { window, records, .. } = &self.verified.manifest;
                let (at_ms, before) = (header.received_at_ms, neighbour.seq < records.start);
                let outside =
                    if before { window.from_ms.is_some_and(|from| at_ms < from) } else { window.to_ms.is_some_and(|to| at_ms >= to) };
                if !outside {
                    let side = if before { "before" } else { "after" };
                    self.at(neighbour.seq, Part::Window, format!("it stands {side} the records, and was not received {side} the window"));
                }
            }
        }
        None
    }

    /// Puts the next leaf on the run; false where it is not the next.
    fn leaf(&mut self, seq: u64, leaf: Digest, header: &[u8]) -> bool {
        if seq < self.run.next {
            self.at(seq, Part::Sequence, format!("it stands after record {}: twice, or at another's place", self.run.next - 1));
            return false;
        }
        if seq > self.run.next {
            self.missing(self.run.next, seq);
            // The tree cannot be followed over a gap.
            (self.run.headers, self.run.leaves) = (None, None);
        }
        let found = leaf_hash(header);
        if found != leaf {
            self.at(seq, Part::Leaf, format!("the header has the leaf hash {found}, the store had {leaf}: one of them was changed"));
        }
        for (tree, leaf) in [(&mut self.run.headers, found), (&mut self.run.leaves, leaf)] {
            if let Some(tree) = tree {
                tree.append(leaf);
            }
        }
        self.run.next = seq + 1;
        self.at_kept();
        true
    }

    fn end(&mut self, end: &End) -> Option<Step> {
        self.ended = true;
        let digest = self.reader.digest();
        if end.digest != digest {
            self.problem(Part::End, format!("the bytes of the file have the digest {digest}, the end item says {}", end.digest));
        }
        if end.counts != self.verified.counts {
            let found = self.verified.counts;
            self.problem(Part::End, format!("it counts {}; found were {found}", end.counts));
        }
        let text = end_text(self.verified.manifest.format, &self.verified.manifest.origin, &end.digest);
        let note = Note::parse(&end.note).and_then(|note| note.verify(self.keys.as_slice()).map(|_| note.text() == text));
        match note {
            Ok(true) => {}
            Ok(false) => self.problem(Part::End, "its signed text is of another bundle"),
            Err(error) => {
                self.end_unsigned = matches!(error, NoteError::Unsigned(_));
                self.problem(Part::End, error);
            }
        }
        match self.reader.next() {
            Ok(None) => {}
            _ => self.problem(Part::File, "something follows the end"),
        }
        None
    }

    fn missing(&mut self, from: u64, to: u64) {
        let what = match to - from {
            1 => "it is missing".to_owned(),
            more => format!("it is missing, and with it all up to record {}: {more} in all", to - 1),
        };
        self.at(from, Part::Sequence, what);
    }

    fn problem(&mut self, part: Part, what: impl std::fmt::Display) {
        self.verified.problems.add(Problem::of(part, what));
    }

    fn at(&mut self, seq: u64, part: Part, what: impl std::fmt::Display) {
        self.verified.problems.add(Problem::at(seq, part, what));
    }
}

/// A header that is the record's.
pub(super) fn place(header: &[u8], manifest: &Manifest, seq: u64) -> Result<Header, Problem> {
    let header = Header::decode(header).map_err(|error| Problem::at(seq, Part::Header, error))?;
    if header.merchant != manifest.merchant || header.seq != seq {
        return Err(Problem::at(seq, Part::Header, format!("it is that of record {} of `{}`", header.seq, header.merchant)));
    }
    Ok(header)
}
