//! Connections: how they are opened, what they remember, and the transaction of a group.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ombud_core::ids::MerchantId;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Params, Row};

use super::DATABASE;
use super::checkpoint::Checkpointer;
use super::known::{KeyOf, Known};
use super::ledger::unsigned;
use super::lock::DirectoryLock;
use super::tree::Log;
use crate::StoreError;
use crate::store::{Group, Reads, Transactions};
use crate::tree::Grown;

/// Statements kept prepared on each connection: more than there are.
const STATEMENTS_MAX: usize = 128;
/// The writer's page cache in KiB: the inner pages of every index, and the leaves of the last groups. Each commit walks over
/// all of it (SQLite looks for pages beyond the end of the database), so that more would cost more than it spares.
const WRITER_CACHE_KIB: i64 = 32 * 1024;
/// A reader's page cache in KiB.
const READER_CACHE_KIB: i64 = 8 * 1024;
/// To what the log's file is cut back after a burst, in bytes: well above its usual length. Cutting a file can take a tenth of
/// a second (a file system that tells the disk of free blocks does it then), and nobody's commit is to wait for it each time
/// that the log begins anew.
const LOG_BYTES: i64 = 128 << 20;
/// How long a connection waits for SQLite's own locks, which are held for moments.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection with the numbers of merchants it has met. Merchants are never removed nor renumbered.
pub(crate) struct Db {
    pub(super) connection: Connection,
    merchants: RefCell<HashMap<MerchantId, i64>>,
    known: Arc<Known>,
}

/// One reading connection.
pub struct SqliteReader {
    db: Db,
    /// A snapshot is held: it begins with the first query, for many a read needs none.
    reading: Cell<bool>,
}

/// The writing connection.
pub struct SqliteWriter {
    checkpointer: Checkpointer,
    db: Db,
    /// Trees are stored; false only for measuring what that costs.
    pub(super) trees: bool,
    /// The tree of each merchant met since the last rollback.
    pub(super) logs: HashMap<i64, Log>,
    /// The merchants whose tree has grown since the group began.
    pub(super) touched: Vec<i64>,
    /// Where the trees of durable groups are told.
    pub(super) grown: Grown,
    /// The numbers of event sources met since the last rollback.
    pub(super) sources: HashMap<String, i64>,
    writes: u64,
    /// What this group deletes is overwritten with zeros.
    overwriting: bool,
    /// A statement failed since the group began: whatever the job makes of it, the group must not be committed.
    failed: bool,
    /// Why the disk took a statement of this group not.
    unwritable: Option<StoreError>,
    /// Records appended since the group began.
    pub(super) appended: u64,
    // Closed after the connections.
    _database: Arc<File>,
    _lock: Arc<DirectoryLock>,
}

/// Everything that is read is read through this, so that writer and readers share each query.
pub(crate) trait Database {
    fn db(&self) -> &Db;

    /// The merchant's log, where this connection is the one that makes it grow.
    fn known_log(&self, _merchant: i64) -> Option<&Log> {
        None
    }

    /// Called before each query.
    fn begin_to_read(&self) -> rusqlite::Result<()> {
        Ok(())
    }

    /// Whether a row with this key may be there; false is certain, and spares the query.
    fn may_hold(&self, of: KeyOf, merchant: i64, parts: &[&str]) -> bool {
        self.db().known.may_hold(of, merchant, parts)
    }

    /// The merchant's number; none where it is not known.
    fn merchant_no(&self, merchant: &MerchantId) -> Result<Option<i64>, StoreError> {
        let db = self.db();
        if let Some(known) = db.merchants.borrow().get(merchant) {
            return Ok(Some(*known));
        }
        let found =
            self.one("find a merchant", "SELECT merchant_no FROM merchants WHERE id = ?1", [merchant.as_str()], |row| row.get(0))?;
        if let Some(number) = found {
            db.merchants.borrow_mut().insert(merchant.clone(), number);
        }
        Ok(found)
    }

    /// The number of the merchant's records.
    fn entries_of(&self, merchant: i64) -> Result<u64, StoreError> {
        let sql = "SELECT seq FROM entries WHERE merchant_no = ?1 ORDER BY seq DESC LIMIT 1";
        let last = self.one("read the log's size", sql, [merchant], |row| unsigned(row, 0))?;
        Ok(last.map_or(0, |seq| seq.saturating_add(1)))
    }

    /// The first row of a query, if there is one.
    fn one<T>(
        &self,
        doing: &'static str,
        sql: &str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let query = self.begin_to_read().and_then(|()| self.db().connection.prepare_cached(sql));
        let row = query.and_then(|mut query| query.query_row(parameters, read).optional());
        row.map_err(|error| self.db().failed(doing, error))
    }

    /// Every row of a query.
    fn all<T>(
        &self,
        doing: &'static str,
        sql: &str,
        parameters: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let query = self.begin_to_read().and_then(|()| self.db().connection.prepare_cached(sql));
        let rows = query.and_then(|mut query| query.query_map(parameters, read)?.collect());
        rows.map_err(|error| self.db().failed(doing, error))
    }
}

impl Database for SqliteReader {
    fn db(&self) -> &Db {
        &self.db
    }

    fn begin_to_read(&self) -> rusqlite::Result<()> {
        if !self.reading.get() {
            self.db.execute("BEGIN")?;
            self.reading.set(true);
        }
        Ok(())
    }
}

impl Database for SqliteWriter {
    fn db(&self) -> &Db {
        &self.db
    }

    fn known_log(&self, merchant: i64) -> Option<&Log> {
        self.logs.get(&merchant)
    }
}

impl Db {
    fn new(connection: Connection, known: Arc<Known>) -> rusqlite::Result<Self> {
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        // A plan must not hang on the values that are bound: SQLite would prepare many a statement again each time it is run.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(Self { connection, merchants: RefCell::new(HashMap::new()), known })
    }

    /// What came of a query, with the place of a database that is damaged.
    fn failed(&self, doing: &'static str, error: rusqlite::Error) -> StoreError {
        let path = self.connection.path().filter(|path| !path.is_empty()).unwrap_or(DATABASE);
        StoreError::backend_at(Path::new(path), doing, error)
    }

    /// Runs a statement without parameters and rows.
    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(|_| ())
    }
}

pub(super) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    let open = || {
        let db = Connection::open(path)?;
        db.busy_timeout(BUSY_TIMEOUT)?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        db.pragma_update(None, "temp_store", "MEMORY")?;
        // That is done beside the commits: see `checkpoint`.
        db.pragma_update(None, "wal_autocheckpoint", 0)?;
        db.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
        // What is deleted or replaced is overwritten wherever that writes no page more.
        db.pragma_update(None, "secure_delete", "FAST")?;
        Ok(db)
    };
    open().map_err(|error: rusqlite::Error| StoreError::unopened(path, "open the database", error))
}

impl SqliteReader {
    pub(super) fn open(path: &Path, known: Arc<Known>) -> Result<Self, StoreError> {
        let open = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
            Ok(connection)
        };
        open()
            .and_then(|connection| Ok(Self { db: Db::new(connection, known)?, reading: Cell::new(false) }))
            .map_err(|error: rusqlite::Error| StoreError::unread(path, error))
    }

    /// Runs `read` on one snapshot of the database: several queries see the same groups.
    pub(super) fn consistently<T, E: From<StoreError>>(&self, read: impl FnOnce(&dyn Reads) -> Result<T, E>) -> Result<T, E> {
        let _snapshot = Snapshot(self);
        read(self)
    }

    /// The connection, for what is read without a type of its own.
    pub(super) fn connection(&self) -> &Connection {
        &self.db.connection
    }

    /// Whether the last snapshot could not be ended: such a reader is thrown away.
    pub(super) fn is_stuck(&self) -> bool {
        self.reading.get()
    }
}

/// Ends a reader's snapshot when it is dropped, whatever the read came to.
struct Snapshot<'a>(&'a SqliteReader);

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        if self.0.reading.get() && self.0.db.execute("COMMIT").is_ok() {
            self.0.reading.set(false);
        }
    }
}

impl SqliteWriter {
    pub(super) fn new(
        connection: Connection,
        known: Arc<Known>,
        grown: Grown,
        checkpointer: Checkpointer,
        database: Arc<File>,
        lock: Arc<DirectoryLock>,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            checkpointer,
            db: Db::new(connection, known).map_err(|error| StoreError::backend("open the writer", error))?,
            trees: true,
            logs: HashMap::new(),
            touched: Vec::new(),
            grown,
            sources: HashMap::new(),
            writes: 0,
            overwriting: false,
            failed: false,
            unwritable: None,
            appended: 0,
            _database: database,
            _lock: lock,
        })
    }

    /// Stores no trees and tells of none, so that nothing is signed: for measuring what the logs cost. What is left is the hash
    /// of each record, which its answer carries, and the tree's edge in memory, which counts them. A directory that was
    /// written so takes no more records afterwards, for its logs do not fit their trees.
    #[must_use]
    pub fn without_trees(mut self) -> Self {
        self.trees = false;
        self
    }

    /// The merchant's number; a merchant that is not known cannot be written for.
    pub(super) fn known_merchant(&self, merchant: &MerchantId) -> Result<i64, StoreError> {
        self.merchant_no(merchant)?.ok_or_else(|| StoreError::NoMerchant(merchant.to_string()))
    }

    /// Runs one writing statement; the number of rows it changed.
    pub(super) fn run(&mut self, doing: &'static str, sql: &str, parameters: impl Params) -> Result<usize, StoreError> {
        let changed = self.db.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(parameters));
        let changed = changed.map_err(|error| {
            self.failed = true;
            let error = StoreError::written(doing, error);
            if matches!(error, StoreError::Unwritable { .. }) {
                self.unwritable = Some(error.clone());
            }
            error
        })?;
        self.writes += changed as u64;
        Ok(changed)
    }

    /// Runs a statement that inserts one row unless its key is there (`ON CONFLICT DO NOTHING`).
    pub(super) fn insert(&mut self, what: &str, sql: &str, parameters: impl Params) -> Result<(), StoreError> {
        match self.run("insert a row", sql, parameters)? {
            0 => Err(StoreError::Conflict(what.to_owned())),
            _ => Ok(()),
        }
    }

    /// Notes the key of a row that is about to be written.
    pub(super) fn now_known(&self, of: KeyOf, merchant: i64, parts: &[&str]) {
        self.db.known.add(of, merchant, parts);
    }

    /// From here to the end of the group, what is deleted or replaced is overwritten with zeros, pages that become free included.
    pub(super) fn overwrite(&mut self) -> Result<(), StoreError> {
        self.overwriting = true;
        self.execute_pragma("PRAGMA secure_delete = ON")
    }

    fn execute_pragma(&self, sql: &str) -> Result<(), StoreError> {
        self.db.connection.execute_batch(sql).map_err(|error| StoreError::backend("set how a group is written", error))
    }

    fn execute(&self, doing: &'static str, sql: &str) -> Result<(), StoreError> {
        self.db.execute(sql).map_err(|error| StoreError::written(doing, error))
    }
}

impl Transactions for SqliteWriter {
    fn begin(&mut self) -> Result<(), StoreError> {
        (self.writes, self.failed, self.unwritable, self.appended) = (0, false, None, 0);
        if std::mem::take(&mut self.overwriting) {
            self.execute_pragma("PRAGMA secure_delete = FAST")?;
        }
        self.execute("begin a group", "BEGIN IMMEDIATE")
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        if self.failed {
            return Err(StoreError::Aborted("a write failed"));
        }
        self.keep_trees()?;
        self.execute("commit a group", "COMMIT")?;
        self.tell_grown();
        Ok(())
    }

    fn rollback(&mut self) {
        // What was remembered may come from the group that is dropped.
        self.logs.clear();
        self.touched.clear();
        self.sources.clear();
        self.db.merchants.borrow_mut().clear();
        // Some failures have ended the transaction already; then there is nothing to roll back.
        if !self.db.connection.is_autocommit() {
            _ = self.execute("roll a group back", "ROLLBACK");
        }
    }

    fn writes(&self) -> u64 {
        self.writes
    }

    fn unwritable(&mut self) -> Option<StoreError> {
        self.unwritable.take()
    }

    fn appended(&self) -> u64 {
        self.appended
    }

    fn between_groups(&mut self) {
        self.checkpointer.look(&self.db.connection);
    }

    fn group(&mut self) -> &mut dyn Group {
        self
    }
}
