//! Small files of the data directory, replaced whole: whoever reads one finds the old text or the new one.

use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// Who may read a file.
#[derive(Clone, Copy)]
pub(super) enum Readers {
    /// Its owner.
    Owner,
    /// Whoever may enter the folder.
    Anybody,
}

/// Replaces a file, and waits until it is on stable storage.
pub(super) fn replace(path: &Path, text: &str, readers: Readers) -> Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { bail!("`{}` is no file", path.display()) };
    replace_in(folder, name, text, readers)?;
    flush_folder(folder)
}

/// Replaces a file of a folder. It is the new one after a power failure too, once the folder was flushed as well.
pub(super) fn replace_in(folder: &Path, name: impl AsRef<OsStr>, text: &str, readers: Readers) -> Result<()> {
    let path = folder.join(name.as_ref());
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
        file.sync_all()?;
        std::fs::rename(&new, &path)
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}

/// Waits until the names in a folder are on stable storage.
pub(super) fn flush_folder(folder: &Path) -> Result<()> {
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).with_context(|| format!("cannot write `{}`", folder.display()))
}

/// The text of a file; none where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}
