//! Restoring a backup: its files are compared with their digests, its store is checked, and each log is held against the last
//! checkpoint that was published of it, wherever that was kept. Nothing is overwritten: a directory that is replaced keeps
//! everything under another name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use ombud_core::ids::MerchantId;
use ombud_ledger::log::{Checkpoint, Note, VerifierKeys};
use ombud_store::{DirectoryLock, Inspection, Reads};

use super::copy::{beside, copy_checkpoints, copy_file, flush, parent};
use super::manifest::Manifest;
use super::staging::Staging;
use super::{DATABASE, MASTER_KEY, WEBHOOK_KEY};
use crate::service::MasterKeyFrom;
use crate::service::ledger::check::{Checks, check_copy};
use crate::service::ledger::keys::{KEY_FILE, LogKeys, VERIFIER_FILE, verifiers};
use crate::service::ledger::published::{FOLDER, Loss, Published, goes_on, is_published};
use crate::service::privacy::{Erasures, set_unknown, unknown_since};

/// How a directory is called that is not whole yet, behind the name that it gets.
const RESTORING: &str = "restoring";
/// How one is called that was replaced, behind the name that it had and before the time.
const REPLACED: &str = "replaced-";

/// What is restored, and what it is held against.
pub struct Restore<'a> {
    /// The backup.
    pub from: &'a Path,
    /// The data directory: not there, empty, or one that is replaced. It is held until it is.
    pub data: &'a Path,
    /// Published checkpoints that were kept elsewhere: files, folders of them, or data directories.
    pub published: &'a [PathBuf],
    /// Who was erased after the backup: data directories, or their files `erasures`. The directory that is replaced is looked at anyway.
    pub erasures_from: &'a [PathBuf],
    /// Go on although records that were published are lost.
    pub accept_loss: bool,
    /// Where the master key comes from, for the check.
    pub master_key: &'a MasterKeyFrom,
    /// When, epoch milliseconds: it is in the name that a replaced directory gets.
    pub at_ms: i64,
    /// Told from time to time how many records were checked.
    pub progress: &'a dyn Fn(u64),
}

/// A log that lost records which were published.
#[derive(Clone, Debug)]
pub struct Lost {
    /// Whose.
    pub merchant: MerchantId,
    /// What does not fit.
    pub loss: Loss,
}

/// What was restored.
pub struct Restored {
    /// What the backup says of itself.
    pub manifest: Manifest,
    /// What the check found: nothing.
    pub checks: Checks,
    /// Logs that were held against a published checkpoint.
    pub compared: u64,
    /// How many of them against one of each place that was asked for.
    pub published: Vec<(PathBuf, u64)>,
    /// Losses that were accepted; they are recorded when the directory is opened.
    pub lost: Vec<Lost>,
    /// Where the replaced directory is now.
    pub replaced: Option<PathBuf>,
    /// Since when nobody said who was erased, RFC 3339; none where somebody did.
    pub erasures_unknown_since: Option<String>,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("the backup is not what was written: {}", .0.join(", "))]
    Changed(Vec<String>),
    #[error("the backup is damaged")]
    Damaged(Box<Checks>),
    #[error("the backup lacks records that were published")]
    Lost(Vec<Lost>),
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Restores a backup, whole or not at all.
///
/// # Errors
/// [`RestoreError`]; the data directory is then as it was.
pub fn restore(restore: &Restore<'_>) -> Result<Restored, RestoreError> {
    let manifest = Manifest::read(restore.from)?;
    let differences = manifest.differences(restore.from)?;
    if !differences.is_empty() {
        return Err(RestoreError::Changed(differences));
    }
    // What was set aside is to be looked at as well.
    if let Some(newest) = set_aside(restore.data).last() {
        return Err(cut_off(restore.data, newest).into());
    }
    let staging = Staging::take(beside(restore.data, RESTORING)?)?;
    put_together(restore, staging.path(), manifest).inspect_err(|_| staging.remove())
}

fn put_together(restore: &Restore<'_>, staging: &Path, manifest: Manifest) -> Result<Restored, RestoreError> {
    let replaces = replaces(restore.data)?;
    // Until it is set aside: what a server answered meanwhile would be nowhere else.
    let _held = replaces.then(|| DirectoryLock::take(restore.data)).transpose().map_err(anyhow::Error::from)?;
    let Staged { checks, compared, published, lost, erasures_unknown_since } = stage(restore, staging, &manifest, replaces)?;
    let replaced = replaces.then(|| beside(restore.data, &format!("{REPLACED}{}", restore.at_ms))).transpose()?;
    put(staging, restore.data, replaced.as_deref())?;
    Ok(Restored { manifest, checks, compared, published, lost, replaced, erasures_unknown_since })
}

/// Gives what is staged the name of the data directory, and the one that is there another one. Where it cannot have it, the old one has its name again.
fn put(staging: &Path, data: &Path, aside: Option<&Path>) -> Result<()> {
    let failed = |from: &Path, to: &Path| format!("cannot rename `{}` to `{}`", from.display(), to.display());
    if let Some(aside) = aside {
        fs::rename(data, aside)
            .with_context(|| failed(data, aside))
            .context("a directory that is a disk of its own cannot be replaced: restore into a folder within it that is not there yet")?;
    }
    if let Err(error) = fs::rename(staging, data) {
        if let Some(aside) = aside {
            fs::rename(aside, data).with_context(|| format!("{}, nor back ({error}): rename it yourself", failed(aside, data)))?;
        }
        return Err(error).with_context(|| failed(staging, data));
    }
    flush(parent(data))
}

/// Refuses a place whose data directory a restore that was cut off has set aside, or was about to make: whoever began anew there would not see what there was.
///
/// # Errors
/// It is such a place.
pub fn must_not_be_cut_off(data: &Path) -> Result<()> {
    if let Some(newest) = set_aside(data).last() {
        return Err(cut_off(data, newest));
    }
    match beside(data, RESTORING) {
        Ok(restoring) if !data.exists() && restoring.exists() => bail!(
            "`{}` is not there, but `{}` is: a restore into it is at work or was cut off; give `ombud restore` again, or remove what it left",
            data.display(),
            restoring.display()
        ),
        _ => Ok(()),
    }
}

/// What restores have set aside of a data directory that is not there, the newest last.
fn set_aside(data: &Path) -> Vec<PathBuf> {
    let Ok(prefix) = beside(data, REPLACED) else { return Vec::new() };
    if data.exists() {
        return Vec::new();
    }
    let named = |path: &PathBuf| path.as_os_str().as_encoded_bytes().starts_with(prefix.as_os_str().as_encoded_bytes());
    let mut aside: Vec<_> =
        fs::read_dir(parent(data)).into_iter().flatten().flatten().map(|entry| data.with_file_name(entry.file_name())).collect();
    aside.retain(named);
    aside.sort();
    aside
}

fn cut_off(data: &Path, newest: &Path) -> anyhow::Error {
    let restoring = beside(data, RESTORING).ok().filter(|restoring| restoring.exists());
    let restoring = restoring.map(|restoring| format!(" and `{}`", restoring.display())).unwrap_or_default();
    anyhow!(
        "`{}` is not there, but `{}`{restoring}: a restore was cut off, or the directory was taken away since. Rename `{1}` to `{0}` to go on with what \
         there was, and give `ombud restore` again if you want it; to begin anew, move it elsewhere",
        data.display(),
        newest.display()
    )
}

/// What is about to be given its name.
struct Staged {
    checks: Checks,
    compared: u64,
    published: Vec<(PathBuf, u64)>,
    lost: Vec<Lost>,
    erasures_unknown_since: Option<String>,
}

/// Whether there is a data directory that is replaced. What is none is refused.
fn replaces(data: &Path) -> Result<bool> {
    let names = match fs::read_dir(data) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<Vec<_>>>(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => Err(error),
    };
    let names = names.with_context(|| format!("cannot read `{}`", data.display()))?;
    let own = [DATABASE, VERIFIER_FILE, FOLDER];
    match names.is_empty() || names.iter().any(|name| own.iter().any(|own| name == own)) {
        true => Ok(!names.is_empty()),
        false => bail!("`{}` is neither empty nor a data directory: name another folder", data.display()),
    }
}

fn stage(restore: &Restore<'_>, staging: &Path, manifest: &Manifest, replaces: bool) -> Result<Staged, RestoreError> {
    copy_checkpoints(restore.from, staging)?;
    for name in manifest.files.keys().filter(|name| !name.contains('/')) {
        copy_file(&restore.from.join(name), &staging.join(name), if name == VERIFIER_FILE { 0o644 } else { 0o600 })?;
    }
    // The copy is compared as well: a disk that writes something else is noticed now.
    let differences = manifest.differences(staging)?;
    if !differences.is_empty() {
        return Err(RestoreError::Changed(differences));
    }
    let checks = check_copy(staging, restore.master_key, None, true, restore.progress)?;
    if !checks.report.is_well() {
        return Err(RestoreError::Damaged(Box::new(checks)));
    }
    if replaces {
        keep_keys(restore.data, staging)?;
    }
    for path in restore.published {
        keep_ledger_keys(path, staging)?;
    }
    let notes = Notes::of(restore, staging, replaces)?;
    let (compared, lost) = notes.compare(staging)?;
    if !lost.is_empty() && !restore.accept_loss {
        return Err(RestoreError::Lost(lost));
    }
    notes.put(staging)?;
    let erasures_unknown_since = keep_erasures(restore, staging, manifest, replaces)?;
    flush(staging)?;
    Ok(Staged { checks, compared, published: notes.asked, lost, erasures_unknown_since })
}

/// Writes down who was erased since the backup: the first start of the restored directory erases them again. Where nobody knows
/// them all, that is written down as well: a directory that was restored so is no witness the next time. Gives back since when.
fn keep_erasures(restore: &Restore<'_>, staging: &Path, manifest: &Manifest, replaces: bool) -> Result<Option<String>> {
    let (mut all, mut known) = (Erasures::default(), false);
    // The backup, or who is asked, may itself not know it since an earlier time.
    let mut unknown = vec![unknown_since(staging)?];
    for path in restore.erasures_from {
        all.add(Erasures::of(path)?);
        let since = unknown_since(path)?;
        known |= since.is_none();
        unknown.push(since);
    }
    if replaces {
        match Erasures::of(restore.data) {
            Ok(replaced) => {
                all.add(replaced);
                let since = unknown_since(restore.data)?;
                known |= since.is_none();
                unknown.push(since);
            }
            // A file that cannot be read may have named others: it is known of these, and not that they are all. The directory may be damaged beyond
            // that: then it says nothing.
            Err(_) => all.add(Erasures::of_database(restore.data).unwrap_or_default()),
        }
    }
    // Those of the backup itself as well: a directory says so from the beginning.
    all.add(Erasures::of(staging)?);
    if all.count() > 0 {
        all.put(staging)?;
    }
    let since = unknown.into_iter().flatten().chain([manifest.made_at.clone()]).min().filter(|_| !known);
    set_unknown(staging, since.as_deref())?;
    Ok(since)
}

/// Keys of the replaced directory that are newer than those of the backup: those of a rotation since, and what the backup
/// was made without: its master key, and the secret of its webhooks.
fn keep_keys(data: &Path, staging: &Path) -> Result<()> {
    keep_ledger_keys(data, staging)?;
    for name in [MASTER_KEY, WEBHOOK_KEY] {
        if !staging.join(name).exists() && data.join(name).is_file() {
            copy_file(&data.join(name), &staging.join(name), 0o600)?;
        }
    }
    Ok(())
}

/// The ledger's keys of a directory, if it has those of the backup and newer ones: what was published since is signed with them, and the log
/// goes on with them.
fn keep_ledger_keys(data: &Path, staging: &Path) -> Result<()> {
    let known = verifiers(staging)?;
    // Files that cannot be read are no keys: those of the backup stay.
    if let Ok(Some(newer)) = LogKeys::read(data) {
        let has = |key| newer.verifiers().iter().any(|own| own == key);
        if known.as_ref().is_none_or(|known| known.iter().all(has)) {
            for (name, mode) in [(VERIFIER_FILE, 0o644), (KEY_FILE, 0o600)] {
                if staging.join(name).exists() {
                    fs::remove_file(staging.join(name)).with_context(|| format!("cannot write `{}`", staging.display()))?;
                }
                copy_file(&data.join(name), &staging.join(name), mode)?;
            }
        }
    }
    Ok(())
}

/// The checkpoints that were published, wherever they were kept.
struct Notes {
    keys: Option<VerifierKeys>,
    notes: Vec<(MerchantId, Checkpoint, String)>,
    /// How many logs each place that was asked for has one of.
    asked: Vec<(PathBuf, u64)>,
}

impl Notes {
    fn of(restore: &Restore<'_>, staging: &Path, replaces: bool) -> Result<Self> {
        let mut notes = Self { keys: verifiers(staging)?, notes: Vec::new(), asked: Vec::new() };
        notes.folder(&staging.join(FOLDER))?;
        if replaces {
            notes.folder(&restore.data.join(FOLDER))?;
        }
        for path in restore.published {
            let before = notes.notes.len();
            match path {
                path if path.join(FOLDER).is_dir() => notes.folder(&path.join(FOLDER))?,
                path if path.is_dir() => notes.folder(path)?,
                path => notes.file(path)?,
            }
            let logs: BTreeSet<_> = notes.notes.iter().skip(before).map(|(merchant, ..)| merchant).collect();
            // Whoever names a place wants it to be looked at: an empty one is a wrong one.
            if logs.is_empty() {
                bail!("`{}` holds no published checkpoint: name a checkpoint, a folder of them, or a data directory", path.display());
            }
            let logs = logs.len() as u64;
            notes.asked.push((path.clone(), logs));
        }
        Ok(notes)
    }

    /// Every checkpoint of a folder, but those that were set aside and those that were not written to their end.
    fn folder(&mut self, folder: &Path) -> Result<()> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.and_then(Iterator::collect::<io::Result<Vec<_>>>),
        };
        let entries = entries.with_context(|| format!("cannot read `{}`", folder.display()))?;
        let files = entries.iter().filter(|entry| entry.path().is_file() && is_published(&entry.file_name().to_string_lossy()));
        files.map(fs::DirEntry::path).try_for_each(|path| self.file(&path))
    }

    /// A signed checkpoint: its origin says whose it is.
    fn file(&mut self, path: &Path) -> Result<()> {
        let named = || format!("`{}`", path.display());
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", named()))?;
        let note = Note::parse(&text).with_context(|| format!("{} is no checkpoint", named()))?;
        let claimed = Checkpoint::parse(note.text()).with_context(|| format!("{} is no checkpoint", named()))?;
        let keys = self.keys.as_ref().context("the backup has no keys of the ledger: there is nothing to check a checkpoint with")?;
        let (_, merchant) = claimed.origin.as_str().rsplit_once('/').with_context(|| format!("{} is of no merchant's log", named()))?;
        let merchant = MerchantId::new(merchant).map_err(|error| anyhow!("{}: {error}", named()))?;
        let checkpoint = Checkpoint::open(&text, keys.of_merchant(&merchant).as_slice())
            .with_context(|| {
                format!(
                    "{}: a published checkpoint cannot be trusted with the keys of the backup; if the ledger's key was rotated since, name with \
                     --published the data directory that has the newer `{KEY_FILE}` and `{VERIFIER_FILE}`",
                    named()
                )
            })?;
        self.notes.push((merchant, checkpoint, text));
        Ok(())
    }

    /// How many logs there are, and which of them do not go on from where they were published.
    fn compare(&self, staging: &Path) -> Result<(u64, Vec<Lost>)> {
        let inspection = Inspection::open(staging)?;
        let (mut compared, mut lost) = (BTreeSet::new(), BTreeMap::new());
        for (merchant, checkpoint, _) in &self.notes {
            compared.insert(merchant);
            if let Some(loss) = inspection.read(|reads: &dyn Reads| goes_on(reads, merchant, checkpoint))? {
                // The largest loss says most.
                let known = lost.entry(merchant.clone()).or_insert((checkpoint.size, loss.clone()));
                if known.0 < checkpoint.size {
                    *known = (checkpoint.size, loss);
                }
            }
        }
        Ok((compared.len() as u64, lost.into_iter().map(|(merchant, (_, loss))| Lost { merchant, loss }).collect()))
    }

    /// Writes down the newest one of each log: a log that does not go on from it is noticed at every start.
    fn put(&self, staging: &Path) -> Result<()> {
        let mut newest = BTreeMap::new();
        for (merchant, checkpoint, note) in &self.notes {
            let known = newest.entry(merchant).or_insert((checkpoint.size, note.as_str()));
            if known.0 < checkpoint.size {
                *known = (checkpoint.size, note);
            }
        }
        Published::of(staging).put(newest.into_iter().map(|(merchant, (_, note))| (merchant, note)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_whose_place_cannot_be_taken_has_its_name_again() {
        let folder = tempfile::tempdir().unwrap();
        let [data, aside, staging] = ["data", "data.replaced-1", "data.restoring"].map(|name| folder.path().join(name));
        fs::create_dir(&data).unwrap();
        fs::write(data.join("records"), "old").unwrap();
        let error = put(&staging, &data, Some(&aside)).unwrap_err();
        assert!(error.to_string().starts_with("cannot rename `"), "{error}");
        assert_eq!((fs::read_to_string(data.join("records")).unwrap().as_str(), aside.exists()), ("old", false));
        fs::create_dir(&staging).unwrap();
        put(&staging, &data, Some(&aside)).unwrap();
        assert!(aside.join("records").exists() && !data.join("records").exists() && !staging.exists());
    }
}
