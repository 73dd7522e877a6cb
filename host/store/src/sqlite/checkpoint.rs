//! Moves the write-ahead log into the database, beside the writer: a commit never waits for more than the last few pages.
//!
//! SQLite would do it inside a commit, which then takes as long as copying and flushing the whole log. Here a thread of its
//! own copies and flushes while the writer goes on, a slice at a time: the disk has one queue, and a commit waits behind
//! whatever was put into it before. Where the log is long enough, the writer itself moves what was added meanwhile, and with
//! that the log begins anew. Copying twice is harmless, and so is a crash in between: the log is valid until it begins anew.
//!
//! What was erased is in the log until that is cut to nothing. The same thread does it when it is asked to, and tries again until
//! it is done, since a reader of an older state keeps it from being done. Who asked may be gone by then, a process that was killed
//! too: so each start asks for it.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode};

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
/// How long a try to cut the log waits for the group under way, and then keeps the next one waiting for readers of older states.
const CUT_WAIT: Duration = Duration::from_millis(100);
/// The pause after the first try to cut the log that failed; each further one doubles it.
const CUT_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two tries.
const CUT_PAUSE_MAX: Duration = Duration::from_secs(5);

/// The number under which a start asks for the log to be cut.
const START: u64 = 1;

/// See the module.
pub(super) struct Checkpointer {
    log: LogKeeper,
    thread: Option<JoinHandle<()>>,
    /// Pages of the log when it was looked at last.
    pages: i32,
    /// Pages of the log before which nothing is tried again.
    not_before: i32,
}

/// What the thread is to do, shared with those who ask.
#[derive(Clone)]
pub(super) struct LogKeeper(Arc<(Mutex<Work>, Condvar)>);

#[derive(Default)]
struct Work {
    /// The log is to be moved, or is being moved.
    moving: bool,
    /// It is being cut: the writer lets it.
    cutting: bool,
    /// How often it was asked to be cut.
    asked: u64,
    /// The last time of these that is done.
    cut: u64,
    /// Why the last try failed, other than for somebody who reads.
    problem: Option<StoreError>,
    /// The writer is gone.
    ended: bool,
}

/// The write-ahead log is to be cut to nothing: whoever asked for it can wait for it.
pub struct Emptying {
    number: u64,
    log: LogKeeper,
}

impl Emptying {
    /// Whether it is done, after some time at the latest. Where it is not, it will be: once nobody reads an older state, or with the next start.
    ///
    /// # Errors
    /// The database cannot be written; it is tried again.
    pub fn wait(&self, time: Duration) -> Result<bool, StoreError> {
        self.log.wait_until_cut(self.number, time)
    }
}

impl LogKeeper {
    fn work(&self) -> MutexGuard<'_, Work> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn told(&self) {
        self.0.1.notify_all();
    }

    fn wait<'a>(&self, work: MutexGuard<'a, Work>) -> MutexGuard<'a, Work> {
        self.0.1.wait(work).unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for<'a>(&self, work: MutexGuard<'a, Work>, time: Duration) -> MutexGuard<'a, Work> {
        self.0.1.wait_timeout(work, time).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Asks for the log to be cut.
    pub(super) fn cut(&self) -> Emptying {
        let mut work = self.work();
        work.asked += 1;
        work.problem = None;
        self.told();
        Emptying { number: work.asked, log: self.clone() }
    }

    fn wait_until_cut(&self, number: u64, wait: Duration) -> Result<bool, StoreError> {
        let until = Instant::now() + wait;
        let mut work = self.work();
        while work.cut < number && !work.ended {
            if let Some(problem) = work.problem.take() {
                return Err(problem);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            work = self.wait_for(work, left);
        }
        Ok(work.cut >= number)
    }

    /// What the thread does until the writer is gone.
    fn keep(&self, connection: &Connection, database: &File) {
        // Whoever asks once more need not wait for the next try. For the start's own asking nobody waits, and the first reader of a large database
        // is a long one.
        let (mut pause, mut next, mut tried) = (CUT_PAUSE_MAX, Instant::now(), START);
        let mut work = self.work();
        loop {
            let owed = work.asked > work.cut;
            let to_wait = if work.asked > tried { Duration::ZERO } else { next.saturating_duration_since(Instant::now()) };
            let cuts = owed && to_wait.is_zero();
            if work.ended {
                return;
            }
            if !work.moving && !cuts {
                work = if owed { self.wait_for(work, to_wait) } else { self.wait(work) };
                continue;
            }
            if work.asked > tried {
                (pause, tried) = (CUT_PAUSE, work.asked);
            }
            work.moving = true;
            drop(work);
            // What fails here has lost nothing: the log keeps what it has, and the writer comes to it.
            if let Ok(_pages) = passive(connection) {
                _ = database.sync_data();
            }
            work = self.work();
            if cuts {
                work = self.try_to_cut(work, connection, tried);
                next = Instant::now() + pause;
                pause = (pause * 2).min(CUT_PAUSE_MAX);
            }
            work.moving = false;
            self.told();
        }
    }

    fn try_to_cut<'a>(&'a self, mut work: MutexGuard<'a, Work>, connection: &Connection, asked: u64) -> MutexGuard<'a, Work> {
        work.cutting = true;
        drop(work);
        let tried = truncate(connection);
        work = self.work();
        work.cutting = false;
        match tried {
            Ok(true) => (work.cut, work.problem) = (asked, None),
            Ok(false) => {}
            Err(error) => work.failed(error),
        }
        work
    }
}

impl Work {
    /// That somebody else moves pages or writes at this moment is no failure.
    fn failed(&mut self, error: rusqlite::Error) {
        if !matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) {
            self.problem = Some(StoreError::backend("empty the write-ahead log", error));
        }
    }
}

impl Checkpointer {
    /// Starts the thread. `database` is the open file of the database, to be flushed.
    ///
    /// # Errors
    /// The database cannot be opened once more; the operating system gives no thread.
    pub(super) fn start(path: &Path, database: Arc<File>) -> Result<Self, StoreError> {
        let connection = connection::open_writer(path)?;
        connection.busy_timeout(CUT_WAIT).map_err(|error| StoreError::backend("start the checkpoints", error))?;
        // What an earlier process did not come to is done first.
        let log = LogKeeper(Arc::new((Mutex::new(Work { asked: START, ..Work::default() }), Condvar::new())));
        let keeper = log.clone();
        let thread = std::thread::Builder::new().name("ombud-checkpoint".to_owned()).spawn(move || keeper.keep(&connection, &database));
        let thread = thread.map_err(|error| StoreError::backend("start the checkpoints", error))?;
        Ok(Self { log, thread: Some(thread), pages: 0, not_before: 0 })
    }

    /// To ask for the log to be cut.
    pub(super) fn log(&self) -> LogKeeper {
        self.log.clone()
    }

    /// Looks at the log between two groups of the writer, whose connection it is.
    pub(super) fn look(&mut self, writer: &Connection) {
        let mut work = self.log.work();
        while work.cutting {
            work = self.log.wait(work);
        }
        let moving = work.moving;
        drop(work);
        let Ok((pages, moved)) = writer.wal_checkpoint_v2(None::<&str>, CheckpointMode::NOOP) else { return };
        if pages < self.pages {
            // It began anew.
            self.not_before = 0;
        }
        self.pages = pages;
        let left = pages - moved;
        let due = left >= SLICE_PAGES || pages >= CHECKPOINT_PAGES;
        let waits = pages >= LOG_PAGES_MAX;
        if !due || pages < self.not_before || (moving && !waits) {
            return;
        }
        // A long read keeps them from being moved: it is not tried after every group.
        self.not_before = pages + SLICE_PAGES;
        let begins_anew = pages >= CHECKPOINT_PAGES && left <= FINISH_PAGES;
        if begins_anew || waits {
            return self.finish(writer);
        }
        self.log.work().moving = true;
        self.log.told();
    }

    /// Moves the rest. Afterwards the next group begins the log anew, unless somebody still reads an older state of it.
    fn finish(&self, writer: &Connection) {
        let mut work = self.log.work();
        while work.moving {
            work = self.log.wait(work);
        }
        drop(work);
        _ = passive(writer);
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.log.work().ended = true;
        self.log.told();
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

/// Moves what nobody reads any more, without waiting for anybody.
fn passive(connection: &Connection) -> rusqlite::Result<(i32, i32)> {
    connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE)
}

/// Moves everything and cuts the log to nothing; false where somebody reads an older state, or moves pages at this moment.
fn truncate(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).map(|busy| busy == 0)
}
