//! Whether the disk takes what is written: said once when it stops, and once when it goes on, not with every request.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use ombud_store::StoreError;

/// What the writer's groups say of the data directory's disk.
pub(super) struct Disk {
    data: PathBuf,
    /// Whether `stopped` has a value, for the groups that are committed.
    is_stopped: AtomicBool,
    stopped: Mutex<Option<Stopped>>,
}

/// The disk takes nothing.
struct Stopped {
    since: Instant,
    why: String,
}

impl Disk {
    /// Of this data directory; it is taken to be writable until a group shows something else.
    pub(super) fn of(data: &Path) -> Self {
        Self { data: data.to_path_buf(), is_stopped: AtomicBool::new(false), stopped: Mutex::default() }
    }

    /// Notes what became of a group.
    pub(super) fn seen(&self, group: Result<(), &StoreError>) {
        match group {
            Ok(()) if self.is_stopped() => self.goes_on(),
            Err(StoreError::Unwritable { source, .. }) if !self.is_stopped() => self.stops(&source),
            // A group that fails for another reason says nothing about the disk.
            Ok(()) | Err(_) => {}
        }
    }

    /// Whether the last group that says something of the disk could not be written.
    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// Why nothing can be written, and what to do; none where the disk takes what comes.
    pub(super) fn why(&self) -> Option<String> {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        stopped.as_ref().map(|stopped| {
            format!(
                "the data directory `{}` cannot be written ({}): make room on its disk, or make it writable; the server then goes on by itself",
                self.data.display(),
                stopped.why
            )
        })
    }

    fn stops(&self, why: &dyn std::fmt::Display) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = Some(Stopped { since: Instant::now(), why: why.to_string() });
        self.is_stopped.store(true, Ordering::Relaxed);
        let why = self.why().unwrap_or_default();
        tracing::error!(why, "nothing is recorded any more, and whoever asks for it is answered 503");
    }

    fn goes_on(&self) {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.is_stopped.store(false, Ordering::Relaxed);
        let seconds = stopped.map_or(0, |stopped| stopped.since.elapsed().as_secs());
        tracing::warn!(seconds, data = %self.data.display(), "the data directory can be written again, and is");
    }
}
