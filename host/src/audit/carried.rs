//! Components and settings that a bundle carries: so many bytes of them are kept until the end, and what is named and never comes is told.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use ombud_ledger::bundle::{Part, Problem, Problems};
use ombud_ledger::{Digest, Entry, Header};

use crate::replay::Blobs;

/// Bytes of components and settings that one bundle may carry: they are in memory until the end.
pub const CARRIED_BYTES_MAX: u64 = 1 << 30;
/// What each of them counts beyond its bytes: its digest and its place in memory.
pub const CARRIED_EACH_BYTES: u64 = 128;

/// Components and settings that are named and not carried, of which so many are told.
const WANTED_MAX: usize = 1_000;

/// Components and settings that the bundle has carried so far.
#[derive(Default)]
pub(super) struct Carried {
    /// By their digests; none of those of which it was told that they are missing or damaged.
    blobs: RwLock<HashMap<Digest, Option<Vec<u8>>>>,
    bytes: AtomicU64,
    bytes_max: u64,
    /// What records name that had not come when they were looked at: as what, and the first of these records.
    wanted: Mutex<BTreeMap<Digest, (&'static str, u64)>>,
}

impl Carried {
    /// None yet, and so many bytes at most.
    pub(super) fn up_to(bytes_max: u64) -> Self {
        Self { bytes_max, ..Self::default() }
    }

    /// Bytes that are kept at most.
    pub(super) const fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// Keeps a blob; false where there is no room for it.
    pub(super) fn keep(&self, digest: Digest, bytes: Vec<u8>) -> bool {
        let length = bytes.len() as u64 + CARRIED_EACH_BYTES;
        if self.bytes.load(Ordering::Relaxed).saturating_add(length) > self.bytes_max {
            self.is_told(digest);
            return false;
        }
        self.bytes.fetch_add(length, Ordering::Relaxed);
        self.blobs.write().unwrap_or_else(PoisonError::into_inner).insert(digest, Some(bytes));
        true
    }

    /// Notes what is not here and was told already.
    pub(super) fn is_told(&self, digest: Digest) {
        self.blobs.write().unwrap_or_else(PoisonError::into_inner).insert(digest, None);
    }

    /// Looks for the components and settings that a record names, whether it is run again or not.
    pub(super) fn named_by(&self, header: &Header) {
        let Entry::Decision(decision) = &header.entry else { return };
        let blobs = self.blobs.read().unwrap_or_else(PoisonError::into_inner);
        for call in decision.calls() {
            for (what, digest) in [("a component", call.component), ("settings", call.settings)] {
                if blobs.contains_key(&digest) {
                    continue;
                }
                let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
                if wanted.len() < WANTED_MAX || wanted.contains_key(&digest) {
                    let (_, first) = wanted.entry(digest).or_insert((what, header.seq));
                    *first = header.seq.min(*first);
                }
            }
        }
    }

    /// What was named and never came.
    pub(super) fn lacking(&self, problems: &mut Problems) {
        let blobs = self.blobs.read().unwrap_or_else(PoisonError::into_inner);
        for (digest, (what, seq)) in &*self.wanted.lock().unwrap_or_else(PoisonError::into_inner) {
            if !blobs.contains_key(digest) {
                problems.add(Problem::at(*seq, Part::Blob, format!("the bundle has no {digest}, {what} that it names")));
            }
        }
    }
}

impl Blobs for Carried {
    type Error = Infallible;

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.blobs.read().unwrap_or_else(PoisonError::into_inner).get(digest).cloned().flatten())
    }
}
