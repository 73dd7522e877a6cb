//! The master key: where it comes from, whether it is the right one, and how it is replaced without touching a record.
//!
//! In the data directory, replacing it cannot be one step: the database and the key's file are two things. The new key is
//! written beside the old one first, then every data key is wrapped anew in one transaction, then the file takes the old
//! one's place. A start that finds both files takes the one that opens the data keys.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use ombud_core::ids::MerchantId;
use ombud_ledger::keys::{KeyError, MasterKey};
use ombud_store::{Group, JobError, Reads, SqliteStore, Store, StoreError, Writer, WriterLimits};
use serde::{Deserialize, Serialize};

use super::files::{draw, read_key, secret, write_key};
use crate::service::actor::Principal;
use crate::service::acts::{By, NewAct, What, log_of};
use crate::service::vault::{SubjectId, Vault};

/// The key's file in the data directory.
const FILE: &str = "master.key";
/// A new key that is about to take its place.
const NEXT: &str = "master.key.next";
/// Keys wrapped anew between two looks into the database.
const KEYS_OF_A_PAGE: u32 = 1_000;

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

/// What a rotation did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotated {
    /// The id of the key that was replaced.
    pub from: String,
    /// The id of the key in force.
    pub to: String,
    /// Data keys that were wrapped anew.
    pub keys: u64,
}

/// The master key of an open store, if it is the one that the data keys are wrapped with. One is drawn only where nothing is
/// wrapped yet: a lost key is never replaced by another.
pub(in crate::service) fn master_key(store: &SqliteStore, from: &MasterKeyFrom) -> Result<MasterKey> {
    let directory = store.directory();
    if matches!(from, MasterKeyFrom::Directory) {
        settle(store, directory)?;
    }
    let any = store.read(any_key)?;
    match present_master_key(directory, from)? {
        Some(key) => fits(directory, from, any, &key).map(|()| key),
        None => match any {
            Some(any) => Err(lost(directory, from, &any)),
            None => secret(&directory.join(FILE)).map(MasterKey::from_bytes),
        },
    }
}

/// The master key of a store that is only read, if it is the one that the data keys are wrapped with.
///
/// # Errors
/// There is none, or it is another one.
pub(in crate::service) fn master_key_beside(store: &impl Store, directory: &Path, from: &MasterKeyFrom) -> Result<MasterKey> {
    let any = store.read(any_key)?;
    let key = present_master_key(directory, from)?.with_context(|| format!("{} is not there ({REMEDY})", place(directory, from)))?;
    fits(directory, from, any, &key).map(|()| key)
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
    let mut bytes = [0; 32];
    hex::decode_to_slice(digits.trim(), &mut bytes)
        .map_err(|_| anyhow!("the environment's OMBUD_MASTER_KEY is no master key: 64 hexadecimal digits"))?;
    Ok(bytes)
}

/// A data key: whose it is, and its wrapped form.
type AnyKey = (MerchantId, SubjectId, Vec<u8>);

/// Whether the key opens the data keys; all of them are wrapped with the same one.
fn fits(directory: &Path, from: &MasterKeyFrom, any: Option<AnyKey>, key: &MasterKey) -> Result<()> {
    let Some((merchant, subject, wrapped)) = any else { return Ok(()) };
    match key.unwrap(&wrapped, &merchant, subject.as_subject()) {
        // A damaged key is that subject's affair.
        Ok(_) | Err(KeyError::Damaged) => Ok(()),
        Err(KeyError::OtherMaster { wrapped_by, given }) => Err(anyhow!(
            "{} is the master key `{given}`, and the data keys in `{}` are wrapped with `{wrapped_by}`: nothing was changed; give that one \
             ({REMEDY})",
            place(directory, from),
            directory.display()
        )),
    }
}

fn lost(directory: &Path, from: &MasterKeyFrom, (_, _, wrapped): &AnyKey) -> anyhow::Error {
    anyhow!(
        "{} is not there, and the data keys in `{}` are wrapped with the master key `{}`: nothing was changed; put it back from a \
         copy ({REMEDY})",
        place(directory, from),
        directory.display(),
        MasterKey::id_of(wrapped).unwrap_or_else(|| "unknown".to_owned())
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

/// Some data key; none where there is none yet.
fn any_key(reads: &dyn Reads) -> Result<Option<AnyKey>, StoreError> {
    for row in reads.merchants()? {
        let keys = reads.wrapped_keys(&row.id, "", 1)?;
        if let Some((subject, wrapped)) = keys.into_iter().find_map(|(text, wrapped)| Some((SubjectId::parse(&text)?, wrapped))) {
            return Ok(Some((row.id, subject, wrapped)));
        }
    }
    Ok(None)
}

/// Ends what an interrupted rotation left: the file of the key that opens the data keys stays.
fn settle(store: &SqliteStore, directory: &Path) -> Result<()> {
    let (file, next) = (directory.join(FILE), directory.join(NEXT));
    if !next.exists() {
        return Ok(());
    }
    // A file that was not written to its end was not used: the keys are wrapped after it is on stable storage.
    let opens = |path: &Path, any: &AnyKey| {
        read_key(path)
            .is_ok_and(|bytes| fits(directory, &MasterKeyFrom::Directory, Some(any.clone()), &MasterKey::from_bytes(bytes)).is_ok())
    };
    let is_in_force = store.read(any_key)?.is_some_and(|any| opens(&next, &any) && !opens(&file, &any));
    if is_in_force {
        replace(&next, &file)
    } else {
        std::fs::remove_file(&next).with_context(|| format!("cannot remove `{}`", next.display()))
    }
}

fn replace(next: &Path, file: &Path) -> Result<()> {
    std::fs::rename(next, file).with_context(|| format!("cannot put `{}` in the place of `{}`", next.display(), file.display()))?;
    let directory = file.parent().context("a file stands in a folder")?;
    std::fs::File::open(directory).and_then(|folder| folder.sync_all()).context("cannot write the data directory")
}

/// Wraps every data key of a directory anew. Nobody else may hold the directory. `into` is the file of the new key, drawn if it
/// is not there; none replaces the key in the data directory.
pub fn rotate(data: &Path, from: &MasterKeyFrom, into: Option<&Path>, who: &Principal) -> Result<Rotated> {
    let opened = SqliteStore::open(data).context("the master key is replaced while no server has the data directory: stop it first");
    let (store, transactions) = opened?;
    let old = master_key(&store, from)?;
    let (file, next) = (data.join(FILE), data.join(NEXT));
    let new = match into {
        Some(path) if path.exists() => read_key(path)?,
        Some(path) => draw(|bytes| write_key(path, hex::encode(bytes).as_bytes()))?,
        None if matches!(from, MasterKeyFrom::Directory) => draw(|bytes| write_key(&next, bytes))?,
        None => bail!("the master key is not the data directory's own: name the file of the new one with --new-master-key"),
    };
    let new = MasterKey::from_bytes(new);
    if new.id() == old.id() {
        bail!("the new master key is the old one");
    }
    let (from_id, to_id) = (old.id(), new.id());
    let writer = Writer::start(transactions, WriterLimits::default(), |_| ())?;
    let by = By::from(who);
    let (told_from, told_to) = (from_id.clone(), to_id.clone());
    let keys = writer.wait(move |group| rewrap(group, &old, &new, &by, &told_from, &told_to));
    let keys = keys.map_err(|error| match error {
        JobError::Job(error) => anyhow!("nothing was changed: {error:#}"),
        JobError::Store(error) => anyhow!("nothing was changed: {error}"),
    })?;
    drop(writer);
    match (from, into) {
        (MasterKeyFrom::Directory, None) => replace(&next, &file)?,
        // The old key opens nothing any more.
        (MasterKeyFrom::Directory, Some(_)) => {
            std::fs::remove_file(&file).with_context(|| format!("cannot remove `{}`", file.display()))?
        }
        _ => {}
    }
    store.empty_log()?;
    Ok(Rotated { from: from_id, to: to_id, keys })
}

fn rewrap(group: &mut dyn Group, old: &MasterKey, new: &MasterKey, by: &By, from: &str, to: &str) -> Result<u64> {
    let mut count = 0;
    let merchants: Vec<MerchantId> = group.merchants()?.into_iter().map(|row| row.id).collect();
    for merchant in &merchants {
        let mut after = String::new();
        loop {
            let keys = group.wrapped_keys(merchant, &after, KEYS_OF_A_PAGE)?;
            let Some((last, _)) = keys.last() else { break };
            after.clone_from(last);
            for (text, wrapped) in keys {
                let subject = SubjectId::parse(&text).with_context(|| format!("`{merchant}`: `{text}` is no subject"))?;
                let subject = subject.as_subject();
                let key = old.unwrap(&wrapped, merchant, subject).map_err(|error| anyhow!("the key of `{merchant}` {subject}: {error}"))?;
                group.rewrap_key(merchant, &text, &new.wrap(&key, merchant, subject)?)?;
                count += 1;
            }
        }
    }
    let what = What::MasterKeyRotated { from: from.to_owned(), to: to.to_owned(), keys: count };
    let vault = Vault::new(new.clone(), []);
    NewAct::new(by.clone(), what).append(group, &vault, &log_of(None)?)?;
    Ok(count)
}
