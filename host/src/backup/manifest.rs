//! What a backup says of itself: its files with their digests, and how far each log goes.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use ombud_ledger::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The manifest's file in a backup.
pub const MANIFEST: &str = "backup.json";
/// The format of backups that this version writes and reads.
const FORMAT: u32 = 1;
/// Bytes of a manifest: a line for each merchant.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;
/// Bytes read at once.
const BUFFER_BYTES: usize = 1 << 18;

/// One file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, hex.
    pub sha256: String,
}

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Of which version the format is.
    pub format: u32,
    /// When it was begun, RFC 3339.
    pub made_at: String,
    /// By which program.
    pub made_by: String,
    /// The operator whose logs these are; none before the first start of a server.
    pub operator: Option<String>,
    /// Whether the master key is in it: without one, no text of a customer can be read.
    pub master_key: bool,
    /// Records of each log.
    pub logs: BTreeMap<String, u64>,
    /// The files by their paths within the backup.
    pub files: BTreeMap<String, File>,
}

impl Manifest {
    /// The manifest of a folder with these files.
    pub(super) fn of(folder: &Path, made_at: String, operator: Option<String>, logs: BTreeMap<String, u64>) -> Result<Self> {
        let files: BTreeMap<String, File> =
            names(folder)?.into_iter().map(|name| Ok((name.clone(), digest(&folder.join(&name))?))).collect::<Result<_>>()?;
        let made_by = concat!("ombud ", env!("CARGO_PKG_VERSION")).to_owned();
        Ok(Self { format: FORMAT, made_at, made_by, operator, master_key: files.contains_key(super::MASTER_KEY), logs, files })
    }

    /// The manifest in a backup.
    ///
    /// # Errors
    /// There is none, or it is of another format.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let mut text = String::new();
        let file = fs::File::open(&path).with_context(|| format!("`{}` is no backup: cannot read `{MANIFEST}`", folder.display()))?;
        file.take(MANIFEST_BYTES_MAX).read_to_string(&mut text).with_context(|| format!("cannot read `{}`", path.display()))?;
        let manifest: Self = serde_json::from_str(&text).with_context(|| format!("`{}` is damaged", path.display()))?;
        anyhow::ensure!(manifest.format == FORMAT, "`{}` has format {}, this version reads {FORMAT}", path.display(), manifest.format);
        Ok(manifest)
    }

    /// The digest of the database's file.
    pub fn database(&self) -> Option<Digest> {
        let mut digest = Digest([0; 32]);
        hex::decode_to_slice(&self.files.get(super::DATABASE)?.sha256, &mut digest.0).ok()?;
        Some(digest)
    }

    /// In what a folder differs from what the manifest says of it.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(super) fn differences(&self, folder: &Path) -> Result<Vec<String>> {
        let mut differences = Vec::new();
        for (name, file) in &self.files {
            let path = folder.join(name);
            // A name that leads elsewhere is none that this program wrote.
            if Path::new(name).components().any(|part| !matches!(part, std::path::Component::Normal(_))) {
                differences.push(format!("`{name}` is no path within a backup"));
            } else if !path.is_file() {
                differences.push(format!("`{name}` is missing"));
            } else if digest(&path)? != *file {
                differences.push(format!("`{name}` is not the file that was backed up: its digest is another"));
            }
        }
        let unknown = names(folder)?.into_iter().filter(|name| name != MANIFEST && !self.files.contains_key(name));
        differences.extend(unknown.map(|name| format!("`{name}` does not belong to the backup")));
        Ok(differences)
    }
}

/// The files of a folder and of those within it, as paths from it, in order.
fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(within) = folders.pop() {
        let at = folder.join(&within);
        let entries = fs::read_dir(&at).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        for entry in entries.with_context(|| format!("cannot read `{}`", at.display()))? {
            let path = within.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else {
                names.push(path.to_str().with_context(|| format!("`{}` is no name of a file in a backup", path.display()))?.to_owned());
            }
        }
    }
    names.sort();
    Ok(names)
}

fn digest(path: &Path) -> Result<File> {
    let read = || {
        let mut file = fs::File::open(path)?;
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok::<_, io::Error>(File { bytes, sha256: Digest(hash.finalize().into()).to_string() }),
                length => {
                    hash.update(buffer.get(..length).unwrap_or_default());
                    bytes += length as u64;
                }
            }
        }
    };
    read().with_context(|| format!("cannot read `{}`", path.display()))
}
