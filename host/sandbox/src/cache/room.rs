//! The bytes that the code cache may take: beyond them the files that were not used for longest go, but none that is in use. Whoever needs one again
//! compiles it again.
//!
//! A file's time says when it was used last, so that a restart forgets nothing and processes on the same folder agree. What is in use is what this
//! process has loaded: it was read once, long ago, and would be missed first.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use super::DRAFT;

/// How old a file's time may be before a use is noted: noting it writes to the disk.
const NOTED_EVERY: Duration = Duration::from_secs(60);

/// What the files take, and how many went so far to make room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CodeHeld {
    /// Bytes of all files, as far as this process knows.
    pub bytes: u64,
    /// Files that were removed.
    pub evictions: u64,
}

/// Held by whoever has the content of these files loaded.
pub(crate) type InUse = Vec<Arc<Used>>;

/// A file in use; when it is used no more, that was just now.
pub(crate) struct Used(PathBuf);

impl Drop for Used {
    fn drop(&mut self) {
        File::open(&self.0).iter().for_each(Room::used);
    }
}

/// The room of one folder.
pub(super) struct Room {
    folder: PathBuf,
    bytes_max: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: CodeHeld,
    /// Files by name.
    in_use: HashMap<OsString, Weak<Used>>,
}

impl Room {
    pub(super) fn new(folder: PathBuf, bytes_max: u64) -> Self {
        let bytes = files(&folder).iter().map(|(_, bytes, _)| bytes).sum();
        let state = Mutex::new(State { held: CodeHeld { bytes, evictions: 0 }, in_use: HashMap::new() });
        Self { folder, bytes_max, state }
    }

    /// Another bound, which holds from the next file on.
    pub(super) fn bound(&mut self, bytes_max: u64) {
        self.bytes_max = bytes_max;
    }

    pub(super) fn held(&self) -> CodeHeld {
        self.lock().held
    }

    /// These files are in use for as long as what is given back is held.
    pub(super) fn in_use(&self, paths: [&Path; 2]) -> InUse {
        let mut state = self.lock();
        let mut used = |path: &Path| {
            let known = state.in_use.entry(path.file_name()?.to_owned()).or_default();
            Some(known.upgrade().unwrap_or_else(|| {
                let used = Arc::new(Used(path.to_owned()));
                *known = Arc::downgrade(&used);
                used
            }))
        };
        paths.into_iter().filter_map(&mut used).collect()
    }

    /// A file was used just now.
    pub(super) fn used(file: &File) {
        let noted = file.metadata().and_then(|facts| facts.modified());
        if noted.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > NOTED_EVERY)) {
            // A folder that is only read keeps its times.
            let _ = file.set_modified(SystemTime::now());
        }
    }

    /// A file was written, in the place of one that had `replaced` bytes.
    pub(super) fn added(&self, bytes: u64, replaced: u64) {
        let mut state = self.lock();
        state.held.bytes = state.held.bytes.saturating_add(bytes).saturating_sub(replaced);
        if state.held.bytes > self.bytes_max {
            self.make(&mut state);
        }
    }

    /// Makes room, if there is too little.
    pub(super) fn make_room(&self) {
        self.make(&mut self.lock());
    }

    fn make(&self, state: &mut State) {
        // Counted anew: other processes write and remove as well, and two threads may have replaced the same file.
        let mut files = files(&self.folder);
        state.held.bytes = files.iter().map(|(_, bytes, _)| bytes).sum();
        state.in_use.retain(|_, token| token.strong_count() > 0);
        files.sort_unstable();
        for (_, bytes, path) in files {
            if state.held.bytes <= self.bytes_max {
                return;
            }
            let in_use = path.file_name().is_some_and(|name| state.in_use.contains_key(name));
            if !in_use && std::fs::remove_file(&path).is_ok() {
                state.held.bytes = state.held.bytes.saturating_sub(bytes);
                state.held.evictions += 1;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The whole files of a folder with their times and bytes.
fn files(folder: &Path) -> Vec<(SystemTime, u64, PathBuf)> {
    let whole = |path: PathBuf| {
        let facts = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let is_draft = path.extension().is_some_and(|ending| ending == DRAFT);
        (!is_draft).then(|| facts.modified().map(|at| (at, facts.len(), path)).ok()).flatten()
    };
    std::fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| whole(entry.path())).collect()
}
