//! Small files of the data directory, replaced whole: whoever reads one finds the old text or the new one.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Who may read a file.
#[derive(Clone, Copy)]
pub(super) enum Readers {
    /// Its owner.
    Owner,
    /// Whoever may enter the folder.
    Anybody,
}

/// Replaces a file. `flush` waits until it is on the disk, for what cannot be made again.
pub(super) fn replace(path: &Path, text: &str, readers: Readers, flush: bool) -> Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let mode = match readers {
        Readers::Owner => 0o600,
        Readers::Anybody => 0o644,
    };
    let write = || {
        // What an interrupted write left has perhaps other rights.
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
        file.write_all(text.as_bytes())?;
        if flush {
            file.sync_all()?;
        }
        std::fs::rename(&new, path)?;
        match path.parent() {
            Some(folder) if flush => std::fs::File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}

/// The text of a file; none where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}
