//! The folder in which a backup or a restore is put together, beside the place that it gets. One command at a time works in it: what another one is at work
//! on is never taken for left.

use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::copy::{parent, private_folder};

/// Its owner only: it holds what the data directory holds.
const MODE: u32 = 0o700;

/// The folder, held until this is dropped, also under the name that it gets.
pub(super) struct Staging {
    path: PathBuf,
    held: File,
}

impl Staging {
    /// Makes the folder, or takes over and empties the one that an interrupted command left.
    ///
    /// # Errors
    /// Another command works in it; the disk fails.
    pub(super) fn take(path: PathBuf) -> Result<Self> {
        private_folder(parent(&path))?;
        loop {
            let is_new = match DirBuilder::new().mode(MODE).create(&path) {
                Ok(()) => true,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
                Err(error) => return Err(error).with_context(|| format!("cannot create `{}`", path.display())),
            };
            if fs::symlink_metadata(&path).is_ok_and(|facts| !facts.is_dir()) {
                bail!("`{}` is in the way: move it away, or name another folder", path.display());
            }
            let held = match File::open(&path) {
                // Whoever had it has removed it, or given it its name.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                held => held.with_context(|| format!("cannot read `{}`", path.display()))?,
            };
            match held.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => bail!(
                    "another `ombud backup` or `ombud restore` is at work in `{}`: wait until it has ended, or name another folder",
                    path.display()
                ),
                // Where folders cannot be locked, only one command has made it.
                Err(TryLockError::Error(_)) if is_new => {}
                Err(TryLockError::Error(error)) => bail!(
                    "`{}` is there, and it cannot be told whether another `ombud backup` or `ombud restore` is at work in it ({error}): where none \
                     is, remove it",
                    path.display()
                ),
            }
            let staging = Self { path: path.clone(), held };
            if staging.stands() {
                if !is_new {
                    staging.empty().with_context(|| format!("cannot empty `{}`", path.display()))?;
                }
                return Ok(staging);
            }
        }
    }

    /// Where it is until it gets its name.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it, unless it has its name.
    pub(super) fn remove(&self) {
        if self.stands() {
            // The next command empties what stays.
            _ = fs::remove_dir_all(&self.path);
        }
    }

    /// Whether what is held is what stands under the name.
    fn stands(&self) -> bool {
        let id = |facts: fs::Metadata| (facts.dev(), facts.ino());
        let (named, held) = (fs::symlink_metadata(&self.path), self.held.metadata());
        named.is_ok_and(|named| held.is_ok_and(|held| id(named) == id(held)))
    }

    fn empty(&self) -> io::Result<()> {
        fs::set_permissions(&self.path, Permissions::from_mode(MODE))?;
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
        Ok(())
    }
}
