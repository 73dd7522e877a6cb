//! The last published checkpoint of each log, in files beside the database: a database that was set back is noticed, for it
//! has fewer records than were signed, or others.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use ombud_core::ids::MerchantId;
use ombud_ledger::log::{Checkpoint, VerifierKeys, proof};
use ombud_store::{Reads, StoreError, log_hashes};

use super::files::{BEFORE, flush_folder, read, take_turns};
use crate::service::admin::private_folder;

/// The folder in the data directory; one file for each merchant, named after it.
pub const FOLDER: &str = "checkpoints";
/// What the name of a file has that was set aside.
const LOST: &str = ".lost";

/// Why a log does not go on from where it was published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    #[error("its published checkpoint cannot be trusted: {0}")]
    Untrusted(String),
    #[error("{published} records were published, {records} are there: the database was set back")]
    Shorter { published: u64, records: u64 },
    #[error("the first {published} records are not those that were published")]
    Other { published: u64 },
}

/// The files of one data directory.
pub struct Published {
    folder: PathBuf,
}

impl Published {
    /// The files in this data directory.
    pub fn of(data: &Path) -> Self {
        Self { folder: data.join(FOLDER) }
    }

    /// Publishes signed checkpoints, and waits until they are on stable storage: a power failure must not take them back, for
    /// a database that was set back is noticed by them. The one before stays beside each.
    ///
    /// # Errors
    /// One of them cannot be published; the others are.
    pub fn put<'a>(&self, notes: impl IntoIterator<Item = (&'a MerchantId, &'a str)>) -> Result<()> {
        self.put_each(notes)?.pop().map_or(Ok(()), |(_, error)| Err(error))
    }

    /// The same; given back are those that cannot be published, with why.
    ///
    /// # Errors
    /// The folder cannot be made, or not be brought to stable storage.
    pub fn put_each<'a>(&self, notes: impl IntoIterator<Item = (&'a MerchantId, &'a str)>) -> Result<Vec<(MerchantId, anyhow::Error)>> {
        if !self.folder.is_dir() {
            private_folder(&self.folder).with_context(|| format!("cannot create `{}`", self.folder.display()))?;
        }
        let (mut put, mut failed) = (false, Vec::new());
        for (merchant, note) in notes {
            match take_turns(&self.folder.join(merchant.as_str()), note) {
                Ok(()) => put = true,
                Err(error) => failed.push((merchant.clone(), error)),
            }
        }
        if put {
            flush_folder(&self.folder)?;
        }
        Ok(failed)
    }

    /// The published note; none where nothing was published.
    pub fn get(&self, merchant: &MerchantId) -> Result<Option<String>> {
        read(&self.folder.join(merchant.as_str()))
    }

    /// The note before the published one; none where there is none. Beside a running server it may be half written.
    pub fn before(&self, merchant: &MerchantId) -> Result<Option<String>> {
        read(&self.folder.join(format!("{merchant}{BEFORE}")))
    }

    /// The merchants of which something was published.
    pub fn merchants(&self) -> Result<Vec<MerchantId>> {
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", self.folder.display())),
        };
        let names = entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<std::io::Result<Vec<_>>>();
        let names = names.with_context(|| format!("cannot read `{}`", self.folder.display()))?;
        let mut merchants: Vec<MerchantId> = names
            .iter()
            .filter_map(|name| name.to_str())
            .filter(|name| is_published(name))
            .filter_map(|name| MerchantId::new(name).ok())
            .collect();
        merchants.sort();
        Ok(merchants)
    }

    /// Sets a merchant's file aside, so that its log goes on from what is there.
    pub fn set_aside(&self, merchant: &MerchantId, at_ms: i64) -> Result<PathBuf> {
        let (from, to) = (self.folder.join(merchant.as_str()), self.folder.join(format!("{merchant}{LOST}-{at_ms}")));
        std::fs::rename(&from, &to).with_context(|| format!("cannot rename `{}`", from.display()))?;
        Ok(to)
    }

    /// Whether a merchant's log goes on from where it was published.
    pub fn check(&self, reads: &dyn Reads, merchant: &MerchantId, keys: Option<&VerifierKeys>) -> Result<Option<Loss>> {
        let Some(note) = self.get(merchant)? else { return Ok(None) };
        let Some(keys) = keys else { return Ok(Some(Loss::Untrusted("there is no key to check it with".to_owned()))) };
        let published = match Checkpoint::open(&note, keys.of_merchant(merchant).as_slice()) {
            Ok(published) => published,
            Err(error) => return Ok(Some(Loss::Untrusted(error.to_string()))),
        };
        Ok(goes_on(reads, merchant, &published)?)
    }
}

/// Whether a file of the folder is a log's last checkpoint: not the one before it, and none that was set aside.
pub fn is_published(name: &str) -> bool {
    stays(name) && !name.contains(LOST)
}

/// Whether a file of the folder stands as it is: it is neither the one that is written next nor the second name of a turn.
pub fn stays(name: &str) -> bool {
    !name.ends_with(".new") && !name.ends_with(BEFORE)
}

/// Whether a log begins with the one of a checkpoint.
pub fn goes_on(reads: &dyn Reads, merchant: &MerchantId, published: &Checkpoint) -> Result<Option<Loss>, StoreError> {
    let tree = reads.frontier(merchant)?;
    if tree.size() < published.size {
        return Ok(Some(Loss::Shorter { published: published.size, records: tree.size() }));
    }
    // Mostly nothing was appended since, and the tree's edge is there.
    let root = if tree.size() == published.size {
        tree.root()
    } else {
        let root = proof::root(&log_hashes(reads, merchant, published.size), published.size);
        root.map_err(|error| StoreError::Damaged(format!("the log of `{merchant}`: {error}")))?
    };
    Ok((root != published.root).then_some(Loss::Other { published: published.size }))
}
