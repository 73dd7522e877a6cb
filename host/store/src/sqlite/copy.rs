//! Copies of the whole database, made beside a running server: one snapshot, and nothing of what was deleted before.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::check::Inspection;
use super::connection::{SqliteReader, open_writer};
use super::known::Known;
use super::readers::SqliteReaders;
use super::{DATABASE, lock, migrate};
use crate::StoreError;

impl Inspection {
    /// Copies the database into a directory that has none, and waits until it is on stable storage. Readers and the writer of a
    /// running server go on; what they commit meanwhile is not in the copy.
    ///
    /// # Errors
    /// The directory has a database already; the database cannot be read, or the copy cannot be written.
    pub fn copy_into(&self, directory: &Path) -> Result<(), StoreError> {
        copy(self.connection(), directory)
    }
}

impl SqliteReaders {
    /// Readers of a copy in the directory `into`, which is brought to this release's schema; what is copied stays as it is, for a server of an
    /// older release that goes on with it.
    ///
    /// # Errors
    /// As of [`Inspection::copy_into`]; the copy is another program's or a newer release's.
    pub fn of_copy(directory: &Path, into: &Path) -> Result<Self, StoreError> {
        copy(SqliteReader::open(&directory.join(DATABASE), Arc::new(Known::new()))?.connection(), into)?;
        let path = into.join(DATABASE);
        migrate::migrate(&mut open_writer(&path)?, &path)?;
        Self::beside(into)
    }
}

fn copy(from: &Connection, directory: &Path) -> Result<(), StoreError> {
    let path = directory.join(DATABASE);
    let failed = |source: std::io::Error| StoreError::Io { path: path.clone(), source: Arc::new(source) };
    if path.exists() {
        return Err(failed(std::io::ErrorKind::AlreadyExists.into()));
    }
    // For its owner only. SQLite takes an empty file for none.
    drop(lock::private(&path)?);
    vacuum_into(from, &path)
        .map_err(|error| StoreError::backend_at(Path::new(from.path().unwrap_or(DATABASE)), "copy the database", error))?;
    OpenOptions::new().write(true).open(&path).and_then(|file| file.sync_all()).map_err(failed)
}

/// `VACUUM INTO` copies row by row: what was deleted stays behind, in free pages that the copy does not have.
fn vacuum_into(from: &Connection, path: &Path) -> rusqlite::Result<()> {
    let path = path.to_str().ok_or_else(|| rusqlite::Error::InvalidPath(path.to_path_buf()))?;
    from.execute("VACUUM INTO ?1", [path]).map(|_| ())
}
