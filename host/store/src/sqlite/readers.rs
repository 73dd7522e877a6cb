//! Reading connections: a pool for the store, and for whoever only reads beside the process that holds the directory.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::connection::SqliteReader;
use super::known::Known;
use super::{DATABASE, migrate};
use crate::StoreError;
use crate::store::{Reads, Store};

/// Readers kept for the next read; more are opened under load and closed again.
const IDLE_READERS_MAX: usize = 8;

/// A pool of reading connections.
pub struct SqliteReaders {
    path: PathBuf,
    schema_version: u32,
    known: Arc<Known>,
    idle: Mutex<Vec<SqliteReader>>,
}

impl SqliteReaders {
    /// Readers of the database in `directory`, beside the process that holds it if one does. Nothing is locked, nothing is
    /// changed.
    ///
    /// # Errors
    /// There is no database, it is another program's, or its schema is not this release's.
    pub fn beside(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(DATABASE);
        let known = Arc::new(Known::new());
        let reader = SqliteReader::open(&path, Arc::clone(&known))?;
        migrate::must_be_newest(reader.connection())?;
        let schema_version = migrate::KNOWN;
        Ok(Self { path, schema_version, known, idle: Mutex::new(vec![reader]) })
    }

    pub(super) fn new(path: PathBuf, schema_version: u32, known: Arc<Known>) -> Self {
        Self { path, schema_version, known, idle: Mutex::new(Vec::new()) }
    }

    fn reader(&self) -> Result<SqliteReader, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| SqliteReader::open(&self.path, Arc::clone(&self.known)), Ok)
    }
}

impl Store for SqliteReaders {
    fn read<T, E: From<StoreError>>(&self, read: impl FnOnce(&dyn Reads) -> Result<T, E>) -> Result<T, E> {
        let reader = self.reader()?;
        let result = reader.consistently(read);
        if reader.is_stuck() {
            return result;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_READERS_MAX {
            idle.push(reader);
        }
        result
    }

    fn schema_version(&self) -> u32 {
        self.schema_version
    }
}
