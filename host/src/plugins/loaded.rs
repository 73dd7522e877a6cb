//! The plugins in memory, within a number of bytes: beyond it the one that was not used for longest goes. Who uses it at that moment keeps it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use ombud_ledger::Digest;
use ombud_sandbox::Plugin;

/// The plugins in memory.
pub(super) struct Loaded {
    bytes_max: usize,
    entries: RwLock<Entries>,
    /// Counts uses: the larger number was later.
    clock: AtomicU64,
}

#[derive(Default)]
struct Entries {
    by_digest: HashMap<Digest, Entry>,
    bytes: usize,
    evictions: u64,
}

struct Entry {
    plugin: Plugin,
    bytes: usize,
    pinned: bool,
    /// The clock at its last use.
    used: AtomicU64,
}

impl Loaded {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, entries: RwLock::default(), clock: AtomicU64::new(0) }
    }

    /// A plugin that is loaded; it has been used now.
    pub(super) fn get(&self, digest: &Digest) -> Option<Plugin> {
        let entries = self.read();
        let entry = entries.by_digest.get(digest)?;
        entry.used.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        Some(entry.plugin.clone())
    }

    pub(super) fn has(&self, digest: &Digest) -> bool {
        self.read().by_digest.contains_key(digest)
    }

    /// Plugins, bytes, and how many were evicted so far.
    pub(super) fn held(&self) -> (usize, usize, u64) {
        let entries = self.read();
        (entries.by_digest.len(), entries.bytes, entries.evictions)
    }

    /// Takes a plugin in and makes room for it. The newest one stays even where it alone is beyond the limit, and so does what is pinned. Gives back
    /// the one that is shared from now on: whoever was first with the same component had another copy of its code.
    pub(super) fn put(&self, digest: Digest, plugin: Plugin, pinned: bool) -> Plugin {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let used = self.clock.fetch_add(1, Ordering::Relaxed);
        if let Some(entry) = entries.by_digest.get_mut(&digest) {
            entry.pinned |= pinned;
            return entry.plugin.clone();
        }
        let bytes = plugin.resident_bytes();
        entries.bytes = entries.bytes.saturating_add(bytes);
        entries.by_digest.insert(digest, Entry { plugin: plugin.clone(), bytes, pinned, used: AtomicU64::new(used) });
        while entries.bytes > self.bytes_max {
            let idle = entries.by_digest.iter().filter(|(own, entry)| !entry.pinned && **own != digest);
            let Some(longest) = idle.min_by_key(|(_, entry)| entry.used.load(Ordering::Relaxed)).map(|(own, _)| *own) else { break };
            if let Some(entry) = entries.by_digest.remove(&longest) {
                entries.bytes = entries.bytes.saturating_sub(entry.bytes);
                entries.evictions += 1;
            }
        }
        plugin
    }

    fn read(&self) -> RwLockReadGuard<'_, Entries> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }
}
