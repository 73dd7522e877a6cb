//! Backups: a copy of a data directory beside its running server, which is checked before it counts as one, and a restored
//! directory that is held against what was published of it. Neither needs the service.
//!
//! A backup is a folder like a data directory: the database on one snapshot, the ledger's keys, the secret that signs what is sent
//! to `--webhook`, the master key unless it is left out, the published checkpoints, since when it is not known who was erased, where that is so,
//! and `backup.json` with the digest of each file. What can be made again is not in it: compiled code, its key, the lock and the socket.

mod copy;
mod manifest;
mod restore;
mod staging;

pub use self::copy::{Backup, BackupError, back_up, must_be_free};
pub use self::manifest::{File, MANIFEST, Manifest};
pub use self::restore::{Lost, Restore, RestoreError, Restored, must_not_be_cut_off, restore};

/// The database's file.
const DATABASE: &str = "ombud.db";
/// The master key's file.
pub const MASTER_KEY: &str = "master.key";
/// The secret that signs what is sent to `--webhook`: receivers have it too, and take what is signed otherwise for forged.
pub const WEBHOOK_KEY: &str = "webhook.key";
