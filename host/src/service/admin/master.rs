//! The master key: where it comes from, and whether it is the right one. How it is replaced is in `rotation`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use ombud_ledger::keys::MasterKey;
use ombud_store::{JobError, Reads, SqliteStore, Store, StoreError, Writer};

use super::files::{read_key, secret};
use super::rotation::Ongoing;
use crate::service::vault::Masters;

/// The key's file in the data directory.
pub(super) const FILE: &str = "master.key";
/// A new key that is about to take its place.
pub(super) const NEXT: &str = "master.key.next";
/// Under which the store notes the id of the key in force.
pub(in crate::service) const IN_FORCE: &str = "master-key";
/// Data keys that are looked at to tell whether a master key is the right one.
const SAMPLED_KEYS: usize = 32;
/// How many of them are one merchant's.
const SAMPLED_OF_A_MERCHANT: u32 = 8;

/// Where the master key comes from.
#[derive(Clone, Debug, Default)]
pub enum MasterKeyFrom {
    /// `master.key` in the data directory, drawn at the first start.
    #[default]
    Directory,
    /// A file: 32 bytes, or 64 hexadecimal digits.
    File(PathBuf),
    /// 64 hexadecimal digits, as an environment variable holds them.
    Hex(String),
}

/// The master key of an open store, if it is the one that the data keys are wrapped with; in a rotation also the other one. One
/// is drawn only where nothing is wrapped yet: a lost key is never replaced by another.
pub(in crate::service) fn master_key(store: &SqliteStore, from: &MasterKeyFrom) -> Result<Masters> {
    let directory = store.directory();
    if matches!(from, MasterKeyFrom::Directory) {
        settle(store, directory)?;
    }
    let wrapped = store.read(Wrapped::read)?;
    match present_master_key(directory, from)? {
        Some(key) => wrapped.masters(directory, from, key),
        None if wrapped.is_empty() => Ok(MasterKey::from_bytes(secret(&directory.join(FILE))?).into()),
        None => Err(lost(directory, from, &wrapped)),
    }
}

/// The master key of a store that is only read, if it is the one that the data keys are wrapped with.
///
/// # Errors
/// There is none, or it is another one.
pub(in crate::service) fn master_key_beside(store: &impl Store, directory: &Path, from: &MasterKeyFrom) -> Result<Masters> {
    let wrapped = store.read(Wrapped::read)?;
    let key = present_master_key(directory, from)?.with_context(|| format!("{} is not there ({REMEDY})", place(directory, from)))?;
    wrapped.masters(directory, from, key)
}

/// The master key that is given, whatever it opens; none where the directory has none.
///
/// # Errors
/// It cannot be read, or is no key.
pub(in crate::service) fn present_master_key(directory: &Path, from: &MasterKeyFrom) -> Result<Option<MasterKey>> {
    let bytes = match from {
        MasterKeyFrom::File(path) => read_key(path)?,
        MasterKeyFrom::Hex(digits) => hex_key(digits)?,
        MasterKeyFrom::Directory => match directory.join(FILE) {
            path if path.exists() => read_key(&path)?,
            _ => return Ok(None),
        },
    };
    Ok(Some(MasterKey::from_bytes(bytes)))
}

fn hex_key(digits: &str) -> Result<[u8; 32]> {
    if digits.trim().is_empty() {
        bail!("the environment's OMBUD_MASTER_KEY is empty: give 64 hexadecimal digits, or take the variable away");
    }
    let mut bytes = [0; 32];
    hex::decode_to_slice(digits.trim(), &mut bytes)
        .map_err(|_| anyhow!("the environment's OMBUD_MASTER_KEY is no master key: 64 hexadecimal digits"))?;
    Ok(bytes)
}

/// What a store says of its master key.
#[derive(Default)]
struct Wrapped {
    /// The id of the key in force, as it was noted.
    noted: Option<String>,
    /// The ids that some data keys name. One that is damaged names another than the rest.
    named: Vec<String>,
    /// A rotation that is under way.
    rotation: Option<Ongoing>,
}

impl Wrapped {
    fn read(reads: &dyn Reads) -> Result<Self, StoreError> {
        let noted = reads.value(IN_FORCE)?.and_then(|bytes| String::from_utf8(bytes).ok());
        let mut named = Vec::new();
        for row in reads.merchants()? {
            let keys = reads.wrapped_keys(&row.id, "", SAMPLED_OF_A_MERCHANT)?;
            named.extend(keys.iter().filter_map(|(_, wrapped)| MasterKey::id_of(wrapped)));
            if named.len() >= SAMPLED_KEYS {
                break;
            }
        }
        Ok(Self { noted, named, rotation: Ongoing::read(reads)? })
    }

    const fn is_empty(&self) -> bool {
        self.noted.is_none() && self.named.is_empty()
    }

    /// Whether the key is the right one: the note or any sampled data key names it. What names another is damaged itself, and is
    /// told where it is used.
    fn names(&self, id: &str) -> bool {
        self.noted.as_deref() == Some(id) || self.named.iter().any(|named| named == id)
    }

    /// The id that most data keys name.
    fn most(&self) -> Option<&str> {
        let count = |id: &str| self.named.iter().filter(|named| *named == id).count();
        let named = self.named.iter().map(String::as_str).max_by_key(|id| count(id));
        named.filter(|id| count(id) > 1).or(self.noted.as_deref()).or(named)
    }

    fn masters(&self, directory: &Path, from: &MasterKeyFrom, key: MasterKey) -> Result<Masters> {
        if let Some(masters) = self.rotation.as_ref().and_then(|rotation| rotation.masters(&key)) {
            return Ok(masters);
        }
        match self.most() {
            Some(wrapped_by) if !self.names(&key.id()) => Err(anyhow!(
                "{} is the master key `{}`, and the data keys in `{}` are wrapped with `{wrapped_by}`: nothing was changed; give that one \
                 ({REMEDY})",
                place(directory, from),
                key.id(),
                directory.display()
            )),
            _ => Ok(key.into()),
        }
    }
}

/// The master key that was given for a store which is checked, with the other one of a rotation that is under way. Data keys that
/// cannot be read are found by the check: they do not say which master key is the right one.
///
/// # Errors
/// It is another one than the data keys are wrapped with.
pub(in crate::service) fn fitting_masters(reads: &dyn Reads, directory: &Path, from: &MasterKeyFrom, key: MasterKey) -> Result<Masters> {
    Wrapped::read(reads).unwrap_or_default().masters(directory, from, key)
}

/// Whether this is noted as the key in force, or a rotation is under way.
pub(in crate::service) fn is_noted(reads: &dyn Reads, masters: &Masters) -> Result<bool, StoreError> {
    let noted = reads.value(IN_FORCE)?;
    Ok(masters.before.is_some() || noted.is_some_and(|noted| noted == masters.current.id().as_bytes()))
}

/// Notes which key is in force, where that is not noted.
pub(in crate::service) fn note_in_force(store: &SqliteStore, writer: &Writer, masters: &Masters) -> Result<()> {
    let id = masters.current.id();
    if masters.before.is_some() || store.read(|reads| reads.value(IN_FORCE))?.as_deref() == Some(id.as_bytes()) {
        return Ok(());
    }
    writer.wait(move |group| group.set_value(IN_FORCE, id.as_bytes())).map_err(|error| match error {
        JobError::Job(error) | JobError::Store(error) => error,
    })?;
    Ok(())
}

fn lost(directory: &Path, from: &MasterKeyFrom, wrapped: &Wrapped) -> anyhow::Error {
    anyhow!(
        "{} is not there, and the data keys in `{}` are wrapped with the master key `{}`: nothing was changed; put it back from a \
         copy ({REMEDY})",
        place(directory, from),
        directory.display(),
        wrapped.most().unwrap_or("unknown")
    )
}

/// How the right key is given.
const REMEDY: &str = "as `master.key` in the data directory, with --master-key FILE, or in OMBUD_MASTER_KEY";

/// Where a key comes from, in words.
fn place(directory: &Path, from: &MasterKeyFrom) -> String {
    match from {
        MasterKeyFrom::File(path) => format!("`{}`", path.display()),
        MasterKeyFrom::Hex(_) => "the environment's OMBUD_MASTER_KEY".to_owned(),
        MasterKeyFrom::Directory => format!("`{}`", directory.join(FILE).display()),
    }
}

/// Ends what an interrupted rotation left of files: the one of the key that opens the data keys stays. While keys are still being
/// wrapped anew both stay, for the rotation goes on.
fn settle(store: &SqliteStore, directory: &Path) -> Result<()> {
    let (file, next) = (directory.join(FILE), directory.join(NEXT));
    let wrapped = store.read(Wrapped::read)?;
    if !next.exists() || wrapped.rotation.is_some() {
        return Ok(());
    }
    // A file that was not written to its end was not used: the keys are wrapped after it is on stable storage.
    let is_named = |path: &Path| read_key(path).is_ok_and(|bytes| wrapped.names(&MasterKey::from_bytes(bytes).id()));
    if is_named(&next) && !is_named(&file) {
        replace(&next, &file)
    } else {
        std::fs::remove_file(&next).with_context(|| format!("cannot remove `{}`", next.display()))
    }
}

pub(super) fn replace(next: &Path, file: &Path) -> Result<()> {
    std::fs::rename(next, file).with_context(|| format!("cannot put `{}` in the place of `{}`", next.display(), file.display()))?;
    let directory = file.parent().context("a file stands in a folder")?;
    std::fs::File::open(directory).and_then(|folder| folder.sync_all()).context("cannot write the data directory")
}
