//! Why a store refused or failed.

use std::error::Error;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{ErrorCode, ffi};

use crate::sqlite::DATABASE;

/// Why a store refused or failed. It can be cloned, for a failed commit answers every job of its group.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "data directory `{}` is in use by process {}: stop that process; where it is a server that begins, wait until it listens, then it takes commands",
        directory.display(),
        pid.map_or_else(|| "(unknown)".to_owned(), |pid| pid.to_string())
    )]
    Locked { directory: PathBuf, pid: Option<u32> },
    #[error("`{}` holds another program's database: choose an empty data directory", path.display())]
    Foreign { path: PathBuf },
    #[error("the database has schema version {found}, this program knows versions up to {known}: run a newer release")]
    Newer { found: u32, known: u32 },
    #[error("the database has schema version {found}, this program needs {known}: start the server once, it brings the schema up to date")]
    Older { found: u32, known: u32 },
    #[error("data directory `{}`: {source}{}", path.display(), remedy(source))]
    Io { path: PathBuf, source: Arc<std::io::Error> },
    /// SQLite keeps what readers share beside the database, also where nobody writes to it.
    #[error(
        "`{}` cannot be read ({source}): SQLite has to make files beside it, so give the command as who may write there, or copy the directory to where you may",
        path.display()
    )]
    NoRoomBeside { path: PathBuf, source: Arc<dyn Error + Send + Sync> },
    /// The disk takes nothing as a database is opened, which is written to for that.
    #[error("`{}` cannot be opened ({why}): make room on the disk of `{}`, or make it writable", path.display(), folder(path))]
    NoRoomToOpen { path: PathBuf, why: Arc<dyn Error + Send + Sync> },
    #[error("{doing}: {source}")]
    Backend { doing: &'static str, source: Arc<dyn Error + Send + Sync> },
    /// A page of the database makes no sense.
    #[error(
        "`{}` is damaged ({doing}: {source}): `ombud audit check --data {1}` says what is, `ombud restore FOLDER --data {1}` puts a backup in its place",
        path.display(), folder(path)
    )]
    Malformed { path: PathBuf, doing: &'static str, source: Arc<dyn Error + Send + Sync> },
    /// The disk takes nothing: it is full, failing or read-only. Nothing of what was to be written is there; it may be tried again.
    #[error("{doing}: {source}")]
    Unwritable { doing: &'static str, source: Arc<dyn Error + Send + Sync> },
    #[error("the database is damaged: {0}")]
    Damaged(String),
    #[error("merchant `{0}` is not known")]
    NoMerchant(String),
    #[error("record {given} of merchant `{merchant}` does not follow: the next one is {next}")]
    Sequence { merchant: String, given: u64, next: u64 },
    #[error("{0} is stored already")]
    Conflict(String),
    #[error("the cursor is not one of this list: start again without it")]
    Cursor,
    #[error("the write queue is full: try again in a moment")]
    Busy,
    #[error("the store is closed")]
    Closed,
    /// Nothing may be written, and why.
    #[error("{0}")]
    Refused(Arc<str>),
    #[error("nothing was written: {0}")]
    Aborted(&'static str),
}

impl StoreError {
    pub(crate) fn backend(doing: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self::backend_at(Path::new(DATABASE), doing, source)
    }

    /// The same of a database whose place is known.
    pub(crate) fn backend_at(path: &Path, doing: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        let code = (&source as &(dyn Error + 'static)).downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
        let source = Arc::new(source);
        match code {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Malformed { path: path.to_path_buf(), doing, source },
            _ => Self::Backend { doing, source },
        }
    }

    /// The same without the place, for whoever has no business there.
    #[must_use]
    pub fn without_place(self) -> Self {
        match self {
            Self::Malformed { doing, source, .. } => Self::Malformed { path: DATABASE.into(), doing, source },
            Self::NoRoomToOpen { why, .. } => Self::NoRoomToOpen { path: DATABASE.into(), why },
            other => other,
        }
    }

    /// Why a database that is there cannot be opened for reading.
    pub(crate) fn unread(path: &Path, source: rusqlite::Error) -> Self {
        match source.sqlite_error_code() {
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly) if path.exists() => {
                Self::NoRoomBeside { path: path.to_path_buf(), source: Arc::new(source) }
            }
            _ => Self::backend_at(path, "open a reader", source),
        }
    }

    /// Why a database cannot be opened for writing.
    pub(crate) fn unopened(path: &Path, doing: &'static str, source: rusqlite::Error) -> Self {
        if takes_nothing(&source) {
            Self::NoRoomToOpen { path: path.to_path_buf(), why: Arc::new(source) }
        } else {
            Self::backend_at(path, doing, source)
        }
    }

    /// What came of a statement that writes, told apart from a disk that takes nothing.
    pub(crate) fn written(doing: &'static str, source: rusqlite::Error) -> Self {
        if takes_nothing(&source) { Self::Unwritable { doing, source: Arc::new(source) } } else { Self::backend(doing, source) }
    }
}

/// The data directory of a database, in words.
fn folder(path: &Path) -> String {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).map_or_else(|| "DIR".to_owned(), |folder| folder.display().to_string())
}

/// What to do about an error of the file system, where that is clear.
fn remedy(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => ": it has to belong to the user who runs this, who may write to it",
        ErrorKind::ReadOnlyFilesystem => ": it has to be where files can be written",
        ErrorKind::StorageFull => ": make room on its disk",
        _ => "",
    }
}

/// Whether the disk took nothing. Other failures (a read that fails, a page that makes no sense) are damage, which nobody mends by waiting.
fn takes_nothing(error: &rusqlite::Error) -> bool {
    let Some(error) = error.sqlite_error() else { return false };
    match error.code {
        ErrorCode::DiskFull | ErrorCode::ReadOnly => true,
        ErrorCode::SystemIoFailure => matches!(
            error.extended_code,
            ffi::SQLITE_IOERR_WRITE
                | ffi::SQLITE_IOERR_FSYNC
                | ffi::SQLITE_IOERR_DIR_FSYNC
                | ffi::SQLITE_IOERR_TRUNCATE
                | ffi::SQLITE_IOERR_SHMSIZE
        ),
        _ => false,
    }
}
