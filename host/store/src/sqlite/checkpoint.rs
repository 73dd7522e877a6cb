//! Moves the write-ahead log into the database, beside the writer: a commit never waits for more than the last few pages.
//!
//! SQLite would do it inside a commit, which then takes as long as copying and flushing the whole log. Here a thread of its
//! own copies and flushes while the writer goes on, a slice at a time: the disk has one queue, and a commit waits behind
//! whatever was put into it before. Where the log is long enough, the writer itself moves what was added meanwhile, and with
//! that the log begins anew. Copying twice is harmless, and so is a crash in between: the log is valid until it begins anew.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;

use super::connection;
use crate::StoreError;

/// Pages that are moved and flushed together: 512 KiB, a millisecond or two of the disk, for so long a commit may have to wait. More
/// would move a page that several groups changed less often: 2048 spare 8 µs of a decision's 245, and its slowest answers take half as
/// long again.
const SLICE_PAGES: i32 = 128;
/// Pages of the log after which it shall begin anew: 64 MiB.
const CHECKPOINT_PAGES: i32 = 16 * 1024;
/// Pages that the writer moves itself, between two groups, so that the log begins anew: 2 MiB, several slices, for while one is moved others
/// are added.
const FINISH_PAGES: i32 = 4 * SLICE_PAGES;
/// Pages of the log at which the writer waits until it is moved, however long that takes: 256 MiB. It bounds the file and
/// the time of a start after a crash where the disk is slower than the decisions.
const LOG_PAGES_MAX: i32 = 4 * CHECKPOINT_PAGES;

/// See the module.
pub(super) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    busy: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    /// Pages of the log when it was looked at last.
    pages: i32,
    /// Pages of the log before which nothing is tried again.
    not_before: i32,
}

impl Checkpointer {
    /// Starts the thread. `database` is the open file of the database, to be flushed.
    ///
    /// # Errors
    /// The database cannot be opened once more; the operating system gives no thread.
    pub(super) fn start(path: &Path, database: Arc<File>) -> Result<Self, StoreError> {
        let connection = connection::open_writer(path)?;
        let (wake, woken) = sync_channel(1);
        let busy = Arc::new(AtomicBool::new(false));
        let copying = Arc::clone(&busy);
        let copy = move || {
            while let Ok(()) = woken.recv() {
                // What fails here has lost nothing: the log keeps what it has, and the writer comes to it.
                if let Ok(_pages) = passive(&connection) {
                    _ = database.sync_data();
                }
                copying.store(false, Ordering::Release);
            }
        };
        let thread = std::thread::Builder::new().name("ombud-checkpoint".to_owned()).spawn(copy);
        let thread = thread.map_err(|error| StoreError::backend("start the checkpoints", error))?;
        Ok(Self { wake: Some(wake), busy, thread: Some(thread), pages: 0, not_before: 0 })
    }

    /// Looks at the log between two groups of the writer, whose connection it is.
    pub(super) fn look(&mut self, writer: &Connection) {
        let Ok((pages, moved)) = writer.wal_checkpoint_v2(None::<&str>, CheckpointMode::NOOP) else { return };
        if pages < self.pages {
            // It began anew.
            self.not_before = 0;
        }
        self.pages = pages;
        let left = pages - moved;
        let due = left >= SLICE_PAGES || pages >= CHECKPOINT_PAGES;
        let (moving, waits) = (self.busy.load(Ordering::Acquire), pages >= LOG_PAGES_MAX);
        if !due || pages < self.not_before || (moving && !waits) {
            return;
        }
        // A long read keeps them from being moved: it is not tried after every group.
        self.not_before = pages + SLICE_PAGES;
        let begins_anew = pages >= CHECKPOINT_PAGES && left <= FINISH_PAGES;
        match &self.wake {
            Some(wake) if !begins_anew && !waits => {
                self.busy.store(true, Ordering::Release);
                _ = wake.try_send(());
            }
            _ => self.finish(writer),
        }
    }

    /// Moves the rest. Afterwards the next group begins the log anew, unless somebody still reads an older state of it.
    fn finish(&self, writer: &Connection) {
        while self.busy.load(Ordering::Acquire) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        _ = passive(writer);
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

/// Moves what nobody reads any more, without waiting for anybody.
fn passive(connection: &Connection) -> rusqlite::Result<(i32, i32)> {
    connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE)
}
