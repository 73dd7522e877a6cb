//! Since when nobody knows who was erased: a directory that was restored without anybody who said so keeps that it does not know,
//! for it would bring back whoever was erased in between, and say of itself that it knows.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::service::Service;
use crate::service::ledger::replace_private;

/// The file in the data directory; it goes along into backups. It holds one line, the time of RFC 3339.
pub const UNKNOWN: &str = "erasures.unknown";

/// Since when the directory does not know who was erased; none where it knows.
///
/// # Errors
/// The file cannot be read.
pub fn unknown_since(data: &Path) -> Result<Option<String>> {
    let path = data.join(UNKNOWN);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        // Of a file alone there is no more than it says.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}

/// Writes down since when the directory does not know, or that it knows.
///
/// # Errors
/// The disk fails.
pub fn set_unknown(data: &Path, since: Option<&str>) -> Result<()> {
    let path = data.join(UNKNOWN);
    match since {
        Some(since) => replace_private(&path, &format!("{since}\n")),
        None => match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error).with_context(|| format!("cannot remove `{}`", path.display())),
            _ => Ok(()),
        },
    }
}

impl Service {
    /// Says at each start that nobody said who was erased, until somebody did.
    pub(super) fn tell_unknown_erasures(&self) -> Result<()> {
        let data = self.store.directory();
        if let Some(since) = unknown_since(data)? {
            tracing::error!(
                "nobody said who was erased after {since}, and this directory was restored from a backup of then: restore it with --erasures-from, or \
                 give these erasures again and remove `{}`",
                data.join(UNKNOWN).display()
            );
        }
        Ok(())
    }
}
