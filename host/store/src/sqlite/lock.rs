//! One process for one data directory.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::StoreError;

/// The file that is locked; it holds the process id of its holder.
const LOCK: &str = "ombud.lock";

/// A held data directory; given back when dropped, by the operating system even after a crash.
pub(super) struct DirectoryLock {
    directory: PathBuf,
    _file: File,
}

impl DirectoryLock {
    pub(super) fn take(directory: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Io { path: directory.to_owned(), source: Arc::new(source) };
        create(directory).map_err(failed)?;
        let path = directory.join(LOCK);
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // The holder writes its id just after it takes the lock; whoever looks in between does not see it.
                let pid = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                return Err(StoreError::Locked { directory: directory.to_owned(), pid });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(Self { directory: directory.to_owned(), _file: file })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }
}

/// Creates the directory for its owner only: it holds pseudonyms, ticket ids and wrapped keys.
fn create(directory: &Path) -> std::io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(directory)
}

/// Creates the database's file for its owner only, before SQLite opens it: its log files get the rights that it has.
///
/// The file that is returned must stay open as long as any connection: closing one descriptor of a file gives up all locks
/// that the process has on it, SQLite's among them.
pub(super) fn private(path: &Path) -> Result<File, StoreError> {
    let create = || {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        Ok(file)
    };
    create().map_err(|source| StoreError::Io { path: path.to_owned(), source: Arc::new(source) })
}
