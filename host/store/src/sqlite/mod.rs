//! The embedded store: SQLite in one data directory, held by one process.
//!
//! One connection writes, a pool of connections reads. The database is in WAL mode with `synchronous=FULL`: a commit is on
//! stable storage when it returns. An auditor can open it with the `sqlite3` shell; the views `ledger`, `payments` and
//! `measures_in_force` are written for people.

mod admin;
mod check;
mod checkpoint;
mod connection;
mod copy;
mod export;
mod filling;
mod history;
mod known;
mod ledger;
mod lock;
mod migrate;
mod money;
mod privacy;
mod readers;
mod rollout;
mod tree;
mod versions;

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use ombud_core::ids::MerchantId;
use ombud_ledger::log::Frontier;

pub use self::check::{Gone, Inspection, Rebuilt, Scratch};
pub use self::checkpoint::Emptying;
use self::checkpoint::{Checkpointer, LogKeeper};
pub use self::connection::{SqliteReader, SqliteWriter};
use self::filling::Filling;
use self::known::Known;
pub use self::lock::DirectoryLock;
pub use self::readers::SqliteReaders;
use crate::store::{Reads, Store};
use crate::tree::Grown;
use crate::{StoreError, Transactions};

/// The database's file in the data directory.
pub(crate) const DATABASE: &str = "ombud.db";

/// The embedded store.
pub struct SqliteStore {
    readers: SqliteReaders,
    _filling: Filling,
    grown: Grown,
    log: LogKeeper,
    // Closed after the connections.
    _database: Arc<File>,
    lock: Arc<DirectoryLock>,
}

impl SqliteStore {
    /// Opens the store in `directory`, which is created where it does not exist, brings its schema up to date, and holds it
    /// until store and writer are dropped. Returns the store with its one writer, which [`crate::Writer`] takes.
    ///
    /// # Errors
    /// Another process holds the directory; the database is another program's or a newer release's; the disk fails.
    pub fn open(directory: &Path) -> Result<(Self, SqliteWriter), StoreError> {
        let lock = Arc::new(DirectoryLock::take(directory)?);
        let path = directory.join(DATABASE);
        let database = Arc::new(lock::private(&path)?);
        let mut writer = connection::open_writer(&path)?;
        let schema_version = migrate::migrate(&mut writer, &path)?;
        let known = Arc::new(Known::new());
        let filling = Filling::start(SqliteReader::open(&path, Arc::clone(&known))?, Arc::clone(&known))?;
        let checkpointer = Checkpointer::start(&path, Arc::clone(&database))?;
        let log = checkpointer.log();
        let (grown, database_kept, held) = (Grown::default(), Arc::clone(&database), Arc::clone(&lock));
        let writer = SqliteWriter::new(writer, Arc::clone(&known), grown.clone(), checkpointer, database_kept, held)?;
        let readers = SqliteReaders::new(path, schema_version, known);
        Ok((Self { readers, _filling: filling, grown, log, _database: database, lock }, writer))
    }

    /// The data directory.
    pub fn directory(&self) -> &Path {
        self.lock.directory()
    }

    /// The logs that have grown since the last call, each with its tree as the last commit left it. Those that grew before
    /// the store was opened are [`crate::ReadTree::unsigned`].
    pub fn grown(&self) -> HashMap<MerchantId, Frontier> {
        self.grown.take()
    }

    /// Has the write-ahead log moved into the database and cut to nothing, so that what a commit overwrote is nowhere any more.
    pub fn empty_log(&self) -> Emptying {
        self.log.cut()
    }

    /// The pool of readers.
    pub const fn readers(&self) -> &SqliteReaders {
        &self.readers
    }
}

impl Store for SqliteStore {
    fn read<T, E: From<StoreError>>(&self, read: impl FnOnce(&dyn Reads) -> Result<T, E>) -> Result<T, E> {
        self.readers.read(read)
    }

    fn schema_version(&self) -> u32 {
        self.readers.schema_version()
    }
}

/// The writer is what [`crate::Writer`] drives.
const _: fn() = || {
    fn drives<T: Transactions + 'static>() {}
    drives::<SqliteWriter>();
};

/// Microseconds of one lone durable commit of one row on the disk of `directory`, the median of fifty: the floor under
/// which no answer can be given.
///
/// # Errors
/// The database of the measurement cannot be written.
pub fn lone_commit_micros(directory: &Path) -> Result<f64, StoreError> {
    let path = directory.join("commit.probe");
    let failed = |error: rusqlite::Error| StoreError::backend("measure a commit", error);
    let connection = connection::open_writer(&path)?;
    connection.execute_batch("CREATE TABLE IF NOT EXISTS probe (row BLOB)").map_err(failed)?;
    let mut micros = Vec::with_capacity(50);
    for _ in 0..50 {
        let started = std::time::Instant::now();
        connection.execute("INSERT INTO probe (row) VALUES (zeroblob(3000))", []).map_err(failed)?;
        micros.push(started.elapsed().as_secs_f64() * 1e6);
    }
    drop(connection);
    for ending in ["", "-wal", "-shm"] {
        // What is left of a measurement hurts nobody.
        _ = std::fs::remove_file(directory.join(format!("commit.probe{ending}")));
    }
    micros.sort_by(f64::total_cmp);
    Ok(micros.get(25).copied().unwrap_or(0.0))
}
