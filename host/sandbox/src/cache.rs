//! Compiled code on disk: what a component is and its code in one file for each digest, so that a plugin is loaded by its digest alone. Compiled
//! code is native code: a file is only loaded when its tag proves that this installation wrote it.
//!
//! The bytes that were checked are the bytes that run: they are read once, checked, and copied into memory of this process. Mapping the file instead
//! would share its pages with whoever can write to it after the check.

use std::path::{Path, PathBuf};

use wasmtime::component::Component;
use wasmtime::{Engine, Precompiled};

use crate::inspect::{INSPECTION_RULES, Inspection};
use crate::profile;

/// The secret that authenticates cached code.
#[derive(Clone)]
pub struct CodeKey(pub [u8; 32]);

/// Bytes of a file's tag, which stands first.
const TAG_BYTES: usize = 32;

/// The files.
pub(crate) struct CodeCache {
    folder: PathBuf,
    key: CodeKey,
    /// Engine version, configuration and rules of inspection: other code, or another reading of a component, is another file.
    suffix: String,
}

impl CodeCache {
    /// The files in `folder`, which is created, for `engine`.
    pub(crate) fn new(folder: PathBuf, key: CodeKey, engine: &Engine) -> std::io::Result<Self> {
        use std::hash::{Hash as _, Hasher as _};
        std::fs::create_dir_all(&folder)?;
        let mut compatibility = std::hash::DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut compatibility);
        INSPECTION_RULES.hash(&mut compatibility);
        let suffix = format!("{}-{:016x}.code", profile::WASMTIME_VERSION, compatibility.finish());
        Ok(Self { folder, key, suffix })
    }

    fn path(&self, digest: &[u8; 32]) -> PathBuf {
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(format!("{digest}-{}", self.suffix))
    }

    /// Whether there is a file for a component; it may yet be damaged.
    pub(crate) fn has(&self, digest: &[u8; 32]) -> bool {
        self.path(digest).is_file()
    }

    /// A component and its code. None where there is no file, or one that is damaged or foreign: then it is compiled again and the file replaced.
    pub(crate) fn read(&self, digest: &[u8; 32], engine: &Engine) -> Option<(Inspection, Component)> {
        let (inspection, file, at) = self.file(digest)?;
        Some((inspection, load_trusted(engine, file.get(at..)?)?))
    }

    /// The same without loading the code: the whole file, and where in it the code begins.
    pub(crate) fn file(&self, digest: &[u8; 32]) -> Option<(Inspection, Vec<u8>, usize)> {
        let path = self.path(digest);
        let file = std::fs::read(&path).ok()?;
        let (expected, content) = file.split_at_checked(TAG_BYTES)?;
        if self.tag(&path, content) != *expected {
            return None;
        }
        let (length, rest) = content.split_first_chunk::<4>()?;
        let (inspection, code) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        let inspection: Inspection = serde_json::from_slice(inspection).ok().filter(|found: &Inspection| found.digest == *digest)?;
        let at = file.len() - code.len();
        Some((inspection, file, at))
    }

    /// Keeps code. A cache that cannot be written costs time, never an answer.
    pub(crate) fn write(&self, inspection: &Inspection, code: &[u8]) {
        let path = self.path(&inspection.digest);
        let Ok(json) = serde_json::to_vec(inspection) else { return };
        let Ok(length) = u32::try_from(json.len()) else { return };
        let content = [length.to_le_bytes().as_slice(), &json, code].concat();
        let _ = write_atomically(&path, &[self.tag(&path, &content).as_slice(), &content].concat());
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
    let draft = path.with_extension(format!("{}-{:?}.draft", std::process::id(), std::thread::current().id()));
    std::fs::write(&draft, bytes)?;
    std::fs::rename(&draft, path)
}
