//! Making a backup. What was published is copied first and the database after it: a log in a backup is never behind its own
//! published checkpoint.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use ombud_store::{Inspection, StoreError};

use super::manifest::{MANIFEST, Manifest};
use super::staging::Staging;
use super::{MASTER_KEY, WEBHOOK_KEY};
use crate::service::MasterKeyFrom;
use crate::service::ledger::check::{Checks, check_copy};
use crate::service::ledger::keys::{KEY_FILE, LogKeys, VERIFIER_FILE};
use crate::service::ledger::published::{self, Published};
use crate::service::privacy::UNKNOWN;
use crate::temporary::Passing;

/// What is to be copied, and where to.
pub struct Backup<'a> {
    /// The data directory. Its server may be running.
    pub data: &'a Path,
    /// The folder of the backup, which must not be there or be empty.
    pub to: &'a Path,
    /// Leave the master key of the directory out.
    pub without_master_key: bool,
    /// Where the master key comes from, for the check.
    pub master_key: &'a MasterKeyFrom,
    /// When, RFC 3339.
    pub made_at: String,
    /// Told from time to time how many records were checked.
    pub progress: &'a dyn Fn(u64),
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The copy is whole, but what it is a copy of is damaged.
    #[error("the data directory is damaged, its copy is kept in `{}`", kept.display())]
    Damaged { checks: Box<Checks>, kept: PathBuf },
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Copies a data directory and checks the copy. What stands under the name of the backup is whole: until the check has passed
/// the copy has another name, and keeps it where the check finds damage.
///
/// # Errors
/// [`BackupError`].
pub fn back_up(backup: &Backup<'_>) -> Result<(Manifest, Checks), BackupError> {
    let path = beside(backup.to, "unfinished")?;
    // It holds the master key: nobody looks for it who stopped the command.
    let (_passing, staging) = Passing::of(&path, || Staging::take(path.clone()))?;
    let (manifest, checks) = copied(backup, staging.path()).inspect_err(|_| staging.remove())?;
    if !checks.report.is_well() {
        let kept = beside(backup.to, "damaged")?;
        remove(&kept)?;
        rename(staging.path(), &kept)?;
        return Err(BackupError::Damaged { checks: Box::new(checks), kept });
    }
    rename(staging.path(), backup.to)?;
    Ok((manifest, checks))
}

/// The copy, and what its check found.
fn copied(backup: &Backup<'_>, staging: &Path) -> Result<(Manifest, Checks)> {
    // Not earlier: another command may have had the folder.
    must_be_free(backup.to)?;
    let manifest = copy(backup, staging)?;
    Ok((manifest, check_copy(staging, backup.master_key, None, true, backup.progress)?))
}

fn copy(backup: &Backup<'_>, staging: &Path) -> Result<Manifest> {
    let data = backup.data;
    copy_checkpoints(data, staging)?;
    Inspection::open(data)?.copy_into(staging)?;
    complete_checkpoints(data, staging)?;
    // Keys only grow in number while a copy is made, and those of a rotation in between are no hindrance.
    for (name, mode) in [(VERIFIER_FILE, 0o644), (KEY_FILE, 0o600), (WEBHOOK_KEY, 0o600), (MASTER_KEY, 0o600), (UNKNOWN, 0o600)] {
        let wanted = name != MASTER_KEY || !backup.without_master_key;
        if wanted && data.join(name).exists() {
            copy_file(&data.join(name), &staging.join(name), mode)?;
        }
    }
    let operator = LogKeys::read(staging)?.map(|keys| keys.operator().to_string());
    let manifest = Manifest::of(staging, backup.made_at.clone(), operator, logs(staging)?)?;
    let mut text = serde_json::to_vec_pretty(&manifest)?;
    text.push(b'\n');
    write(&staging.join(MANIFEST), &text, 0o644)?;
    flush(staging)?;
    Ok(manifest)
}

/// Copies what was published.
pub(super) fn copy_checkpoints(from: &Path, to: &Path) -> Result<()> {
    let (checkpoints, copied) = (from.join(published::FOLDER), to.join(published::FOLDER));
    private_folder(&copied)?;
    if checkpoints.is_dir() {
        let entries = fs::read_dir(&checkpoints).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        for entry in entries.with_context(|| format!("cannot read `{}`", checkpoints.display()))? {
            // What a server is just writing has its own name until it is whole.
            if published::stays(&entry.file_name().to_string_lossy()) {
                copy_file(&entry.path(), &copied.join(entry.file_name()), 0o644)?;
            }
        }
    }
    flush(&copied)
}

/// A log that was signed for the first time after the files were copied has a published checkpoint by now: the copy gets the
/// one of its own database, which is not newer.
fn complete_checkpoints(data: &Path, staging: &Path) -> Result<()> {
    let (published, copied) = (Published::of(data), Published::of(staging));
    for merchant in published.merchants()? {
        if copied.get(&merchant)?.is_none() {
            let newest = Inspection::open(staging)?.read(|reads| reads.checkpoint(&merchant))?;
            copied.put(newest.iter().map(|row| (&merchant, row.note.as_str())))?;
        }
    }
    Ok(())
}

/// How many records each log has.
fn logs(staging: &Path) -> Result<BTreeMap<String, u64>> {
    let inspection = Inspection::open(staging)?;
    let logs = inspection.read(|reads| {
        let merchants = reads.merchants()?.into_iter();
        merchants.map(|row| Ok((row.id.to_string(), reads.log_size(&row.id)?))).collect::<Result<_, StoreError>>()
    })?;
    Ok(logs)
}

/// Refuses a folder that holds something.
///
/// # Errors
/// It does, or it cannot be read.
pub fn must_be_free(folder: &Path) -> Result<()> {
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => bail!("`{}` is not empty: name a folder that is not there yet", folder.display()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", folder.display())),
    }
}

/// A folder's name with an ending, on the same disk.
pub(super) fn beside(folder: &Path, ending: &str) -> Result<PathBuf> {
    let name = folder.file_name().with_context(|| format!("`{}` is no name of a folder", folder.display()))?;
    let mut name = name.to_owned();
    name.push(format!(".{ending}"));
    Ok(folder.with_file_name(name))
}

/// Removes a folder, if it is there.
fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove `{}`", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Gives a folder its name, for good.
fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("cannot rename `{}` to `{}`", from.display(), to.display()))?;
    flush(parent(to))
}

/// The folder in which a path is.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates a folder that only its owner enters.
pub(super) fn private_folder(path: &Path) -> Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).with_context(|| format!("cannot create `{}`", path.display()))
}

/// Waits until the names in a folder are on stable storage.
pub(super) fn flush(folder: &Path) -> Result<()> {
    fs::File::open(folder).and_then(|folder| folder.sync_all()).with_context(|| format!("cannot write `{}`", folder.display()))
}

/// Copies a file, and waits until it is on stable storage.
pub(super) fn copy_file(from: &Path, to: &Path, mode: u32) -> Result<()> {
    let copy = || {
        let mut source = fs::File::open(from)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(to)?;
        io::copy(&mut source, &mut file)?;
        file.sync_all()
    };
    copy().with_context(|| format!("cannot copy `{}` to `{}`", from.display(), to.display()))
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}
