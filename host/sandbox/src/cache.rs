//! Compiled code on disk, so that a plugin is loaded by its digest alone: a file for what each component is, and one for each code. Components that
//! differ in nothing but their own facts and cases have the same code. Compiled code is native code: a file is only loaded when its tag proves that
//! this installation wrote it.
//!
//! The bytes that were checked are the bytes that run: they are read once, checked, and copied into memory of this process. Mapping the file instead
//! would share its pages with whoever can write to it after the check.

mod room;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use wasmtime::component::Component;
use wasmtime::{Engine, Precompiled};

use crate::inspect::{INSPECTION_RULES, Inspection};
use crate::profile;
use room::Room;

pub use room::CodeHeld;
pub(crate) use room::InUse;

/// The secret that authenticates cached code.
#[derive(Clone)]
pub struct CodeKey(pub [u8; 32]);

/// Bytes of a file's tag, which stands first.
const TAG_BYTES: usize = 32;
/// The ending of a file that says what a component is.
const FACTS: &str = "facts";
/// The ending of a file of code.
const CODE: &str = "code";
/// The ending of a file that is being written.
const DRAFT: &str = "draft";

/// The files.
pub(crate) struct CodeCache {
    folder: PathBuf,
    key: CodeKey,
    /// Engine version, configuration and rules of inspection: other code, or another reading of a component, is another file.
    suffix: String,
    room: Room,
}

impl CodeCache {
    /// The files in `folder`, which is created, for `engine`, within a number of bytes.
    pub(crate) fn new(folder: PathBuf, key: CodeKey, engine: &Engine, bytes_max: u64) -> std::io::Result<Self> {
        use std::hash::{Hash as _, Hasher as _};
        std::fs::create_dir_all(&folder)?;
        remove_drafts(&folder);
        let mut compatibility = std::hash::DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut compatibility);
        INSPECTION_RULES.hash(&mut compatibility);
        let suffix = format!("{}-{:016x}", profile::WASMTIME_VERSION, compatibility.finish());
        let room = Room::new(folder.clone(), bytes_max);
        Ok(Self { folder, key, suffix, room })
    }

    /// Another bound on the files' bytes, which holds from the next file on.
    pub(crate) fn bound(&mut self, bytes_max: u64) {
        self.room.bound(bytes_max);
    }

    /// Removes what was not used for longest, if the files take too much.
    pub(crate) fn make_room(&self) {
        self.room.make_room();
    }

    /// What the files take.
    pub(crate) fn held(&self) -> CodeHeld {
        self.room.held()
    }

    /// The files of a component stay for as long as what is given back is held.
    pub(crate) fn in_use(&self, inspection: &Inspection) -> InUse {
        self.room.in_use([&self.path(&inspection.digest, FACTS), &self.path(&inspection.code, CODE)])
    }

    /// The file of what a component is, or of a code.
    fn path(&self, digest: &[u8; 32], what: &str) -> PathBuf {
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(format!("{digest}-{}.{what}", self.suffix))
    }

    /// Whether there is a file for a component and one for its code, which may yet be damaged.
    pub(crate) fn has(&self, digest: &[u8; 32]) -> bool {
        self.facts(digest).is_some_and(|facts| self.path(&facts.code, CODE).is_file())
    }

    /// What a component is.
    fn facts(&self, digest: &[u8; 32]) -> Option<Inspection> {
        let facts = self.checked(&self.path(digest, FACTS))?;
        serde_json::from_slice(facts.get(TAG_BYTES..)?).ok().filter(|found: &Inspection| found.digest == *digest)
    }

    /// A component and its code. None where a file is missing, damaged or foreign: then it is compiled again and the file replaced.
    pub(crate) fn read(&self, digest: &[u8; 32], engine: &Engine) -> Option<(Inspection, Component)> {
        let inspection = self.facts(digest)?;
        let component = self.code(&inspection.code, engine)?;
        Some((inspection, component))
    }

    /// A code, loaded.
    pub(crate) fn code(&self, digest: &[u8; 32], engine: &Engine) -> Option<Component> {
        load_trusted(engine, self.checked(&self.path(digest, CODE))?.get(TAG_BYTES..)?)
    }

    /// A code.
    pub(crate) fn code_bytes(&self, digest: &[u8; 32]) -> Option<Vec<u8>> {
        self.checked(&self.path(digest, CODE)).map(|mut file| file.split_off(TAG_BYTES))
    }

    /// Keeps what a component is, and its code where that is new. A cache that cannot be written costs time, never an answer.
    pub(crate) fn keep(&self, inspection: &Inspection, code: Option<&[u8]>) {
        // The newest ones stay, whatever they take.
        let _in_use = self.in_use(inspection);
        code.iter().for_each(|code| self.write(&self.path(&inspection.code, CODE), code));
        if let Ok(json) = serde_json::to_vec(inspection) {
            self.write(&self.path(&inspection.digest, FACTS), &json);
        }
    }

    /// A file whose tag fits.
    fn checked(&self, path: &Path) -> Option<Vec<u8>> {
        let mut opened = File::open(path).ok()?;
        let mut file = Vec::with_capacity(opened.metadata().map_or(0, |facts| usize::try_from(facts.len()).unwrap_or(0)));
        opened.read_to_end(&mut file).ok()?;
        let (expected, content) = file.split_at_checked(TAG_BYTES)?;
        if self.tag(path, content) != *expected {
            return None;
        }
        Room::used(&opened);
        Some(file)
    }

    fn write(&self, path: &Path, content: &[u8]) {
        let replaced = path.metadata().map_or(0, |facts| facts.len());
        if write_atomically(path, &[self.tag(path, content).as_slice(), content].concat()).is_ok() {
            self.room.added((TAG_BYTES + content.len()) as u64, replaced);
        }
    }

    /// Keyed hash over the file's name and its content.
    fn tag(&self, path: &Path, content: &[u8]) -> [u8; TAG_BYTES] {
        let mut mac = blake3::Hasher::new_keyed(&self.key.0);
        mac.update(path.file_name().map(|name| name.as_encoded_bytes()).unwrap_or_default());
        mac.update(b"\0");
        mac.update(content);
        *mac.finalize().as_bytes()
    }
}

/// Loads code that this installation compiled: its tag has just been checked, or its compiler has just given it.
#[expect(unsafe_code, reason = "deserialising native code is safe only because this installation compiled it")]
pub(crate) fn load_trusted(engine: &Engine, code: &[u8]) -> Option<Component> {
    if Engine::detect_precompiled(code) != Some(Precompiled::Component) {
        return None;
    }
    // SAFETY: the code comes from the compiler that this program was told to use, over a pipe that nobody else holds, or from a file with a
    // keyed hash over these very bytes, the file's name and so the engine's version and configuration. wasmtime itself refuses code of another
    // version or configuration.
    unsafe { Component::deserialize(engine, code) }.ok()
}

fn write_atomically(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // Two threads may write the same file at the same moment.
    let draft = path.with_extension(format!("{}-{:?}.{DRAFT}", std::process::id(), std::thread::current().id()));
    let written = std::fs::write(&draft, bytes).and_then(|()| std::fs::rename(&draft, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&draft);
    }
    written
}

/// Removes what processes that were killed while they wrote have left behind. A draft is written within moments: an old one is nobody's.
fn remove_drafts(folder: &Path) {
    const OLD: Duration = Duration::from_secs(60);
    let is_old = |path: &Path| path.metadata().and_then(|facts| facts.modified()).is_ok_and(|at| at.elapsed().is_ok_and(|age| age > OLD));
    for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|ending| ending == DRAFT) && is_old(&path) {
            let _ = std::fs::remove_file(path);
        }
    }
}
