//! Files and folders for a moment. What they hold is kept from others elsewhere, so they are their owner's only, and they go with the process however it
//! ends: with their value, at a signal, before an exit. What a process leaves that is killed goes when the next folder is made.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

/// How the folders are called.
const PREFIX: &str = "ombud-copy-";
/// The file in a folder that its process holds locked.
const HELD: &str = "held";
/// Its owner only.
const MODE: u32 = 0o700;
/// How often it is tried to remove a folder in which somebody still makes files, and the pause between.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// What is there now.
static THERE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A folder in the one for temporary files (`TMPDIR`).
#[derive(Debug)]
pub(crate) struct Folder {
    folder: TempDir,
    _passing: Passing,
    _held: File,
}

impl Folder {
    /// Makes one, and removes those that killed processes of the same user have left.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn new() -> io::Result<Self> {
        Self::within(&std::env::temp_dir())
    }

    fn within(parent: &Path) -> io::Result<Self> {
        // Whatever the user's mask is: SQLite trusts whoever may write into its folder.
        let folder = tempfile::Builder::new().prefix(PREFIX).permissions(Permissions::from_mode(MODE)).tempdir_in(parent)?;
        let passing = Passing::new(folder.path());
        let mut held = File::create(folder.path().join(HELD))?;
        // Where files cannot be locked nobody takes it for left.
        _ = held.lock();
        held.write_all(HELD.as_bytes())?;
        sweep(parent, &fs::metadata(folder.path())?);
        Ok(Self { folder, _passing: passing, _held: held })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A path that is removed if a signal ends the process before this value's end.
#[derive(Debug)]
pub(crate) struct Passing(PathBuf);

impl Passing {
    pub(crate) fn new(path: &Path) -> Self {
        at_signals();
        there().insert(path.to_owned());
        Self(path.to_owned())
    }

    /// The same of what is made there: a signal that comes meanwhile waits until it is made, and finds it.
    pub(crate) fn of<T, E>(path: &Path, make: impl FnOnce() -> Result<T, E>) -> Result<(Self, T), E> {
        at_signals();
        let mut there = there();
        let made = make()?;
        there.insert(path.to_owned());
        Ok((Self(path.to_owned()), made))
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        there().remove(&self.0);
    }
}

/// Removes what is there, for a process that ends now.
pub(crate) fn remove_all() {
    for path in there().iter() {
        for _ in 0..TRIES {
            let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            if removed.is_ok() || !path.exists() {
                break;
            }
            std::thread::sleep(PAUSE);
        }
    }
}

fn there() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    THERE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes folders that nobody holds any more. Only this user's own are looked into: others may lay what they like into a folder for all.
fn sweep(parent: &Path, own: &Metadata) {
    let named = |entry: &fs::DirEntry| entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
    for entry in fs::read_dir(parent).into_iter().flatten().flatten().filter(named) {
        let is_own = |found: Metadata| found.is_dir() && found.uid() == own.uid() && found.mode() & 0o777 == MODE;
        let path = entry.path();
        // Who has made the file and not yet locked it has not written it either.
        let is_left = |held: File| held.try_lock().is_ok() && held.metadata().is_ok_and(|held| held.len() > 0);
        if fs::symlink_metadata(&path).is_ok_and(is_own) && File::open(path.join(HELD)).is_ok_and(is_left) {
            // Another process may be about to do the same.
            _ = fs::remove_dir_all(&path);
        }
    }
}

/// Has signals that end the process remove what is there first. Commands only: a server has its own way to end.
fn at_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let (ready, waits) = sync_channel(1);
        // Without it a signal leaves what the next process removes.
        if std::thread::Builder::new().name("signals".into()).spawn(move || watch(ready)).is_ok() {
            _ = waits.recv();
        }
    });
}

fn watch(ready: SyncSender<()>) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    let ended = runtime.block_on(async {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt()).ok()?, signal(SignalKind::terminate()).ok()?);
        _ = ready.send(());
        Some(tokio::select! {
            _ = interrupt.recv() => SignalKind::interrupt(),
            _ = terminate.recv() => SignalKind::terminate(),
        })
    });
    if let Some(ended) = ended {
        remove_all();
        // As a shell has it of a process that a signal ended.
        std::process::exit(128 + ended.as_raw_value());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_its_owners_and_goes_with_its_value_or_with_the_next_one() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::within(parent.path()).unwrap();
        let path = folder.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, MODE);
        // What a killed process left, what one is at work on, and what is somebody else's.
        let lay = |name: &str, mode: u32, held: Option<&str>| {
            let path = parent.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            held.iter().for_each(|held| fs::write(path.join(HELD), held).unwrap());
            path
        };
        let left = lay("ombud-copy-left", MODE, Some(HELD));
        fs::write(left.join("ombud.db"), "records").unwrap();
        let others = [
            lay("ombud-copy-open", 0o755, Some(HELD)),
            lay("ombud-copy-new", MODE, Some("")),
            lay("ombud-copy-bare", MODE, None),
            lay("another", MODE, Some(HELD)),
        ];
        let link = parent.path().join("ombud-copy-link");
        std::os::unix::fs::symlink(parent.path().join("another"), &link).unwrap();
        let next = Folder::within(parent.path()).unwrap();
        assert!(!left.exists() && path.exists() && next.path().exists() && link.exists());
        assert!(others.iter().all(|other| other.exists()));
        drop((folder, next));
        assert!(!path.exists());
    }
}
