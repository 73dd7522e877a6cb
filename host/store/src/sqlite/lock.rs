//! One process for one data directory.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::StoreError;

/// The file that is locked; it holds the process id of its holder.
const LOCK: &str = "ombud.lock";

/// How long a directory is waited for whose holder is gone: a process that it was just starting has its files until it runs its own program.
const LEFT_MAX: Duration = Duration::from_secs(2);

/// How often it is tried then.
const TRY_EVERY: Duration = Duration::from_millis(5);

/// A held data directory; given back when dropped, by the operating system even after a crash.
pub struct DirectoryLock {
    directory: PathBuf,
    _file: File,
}

impl DirectoryLock {
    /// Takes the directory, which is created where it does not exist.
    ///
    /// # Errors
    /// Another process holds it; the disk fails.
    pub fn take(directory: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Io { path: directory.to_owned(), source: Arc::new(source) };
        create(directory).map_err(failed)?;
        let path = directory.join(LOCK);
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(source)) => return Err(failed(source)),
                Err(TryLockError::WouldBlock) => {}
            }
            let pid = holder(&mut file);
            if started.elapsed() >= LEFT_MAX || !pid.is_some_and(is_gone) {
                return Err(StoreError::Locked { directory: directory.to_owned(), pid });
            }
            std::thread::sleep(TRY_EVERY);
        }
        // Whoever held it may have set it aside, with this file: then another directory has its name.
        if !stands(&file, &path) {
            return Self::take(directory);
        }
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(Self { directory: directory.to_owned(), _file: file })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }
}

/// The process that holds the file. It writes its id just after it takes the lock; whoever looks in between does not see it.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().and_then(|()| file.read_to_string(&mut text)).ok().and_then(|_| text.trim().parse().ok())
}

/// Whether a process has ended. Where the system does not tell of processes, none has.
fn is_gone(pid: u32) -> bool {
    let processes = Path::new("/proc");
    processes.join("self").exists() && !processes.join(pid.to_string()).exists()
}

/// Whether the file is the one that has this name.
fn stands(file: &File, path: &Path) -> bool {
    let id = |facts: fs::Metadata| (facts.dev(), facts.ino());
    file.metadata().is_ok_and(|own| fs::metadata(path).is_ok_and(|named| id(own) == id(named)))
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
