//! Why a store refused or failed.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a store refused or failed. It can be cloned, for a failed commit answers every job of its group.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "data directory `{}` is in use by process {}: stop that process, or give it the command while it runs",
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
    #[error("data directory `{}`: {source}", path.display())]
    Io { path: PathBuf, source: Arc<std::io::Error> },
    #[error("{doing}: {source}")]
    Backend { doing: &'static str, source: Arc<dyn Error + Send + Sync> },
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
        Self::Backend { doing, source: Arc::new(source) }
    }
}
