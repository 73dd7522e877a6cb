//! The sandbox: one engine, one linker, one ticker; loads plugins from bytes or from the compiled-code cache.

use std::path::{Path, PathBuf};

use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Precompiled};

use crate::inspect::{self, Inspection, Refused};
use crate::limits::Limits;
use crate::plugin::Plugin;
use crate::profile;
use crate::store::{self, Guest};
use crate::ticker::Ticker;

/// Why the sandbox cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The engine does not start on this machine.
    #[error("the WebAssembly engine does not start: {0}")]
    Engine(String),
    /// The ticker's thread does not start.
    #[error("the deadline's ticker does not start: {0}")]
    Ticker(#[from] std::io::Error),
}

/// The secret that authenticates cached code: compiled code is native code, so a file in the cache is only loaded when its
/// tag proves that this installation wrote it.
#[derive(Clone)]
pub struct CodeKey(pub [u8; 32]);

/// Loads and links plugins.
pub struct Sandbox {
    engine: Engine,
    linker: Linker<Guest>,
    cache: Option<(PathBuf, CodeKey)>,
    _ticker: Ticker,
}

impl Sandbox {
    /// A sandbox without a compiled-code cache.
    pub fn new() -> Result<Self, SandboxError> {
        let engine = profile::run_engine().map_err(|error| SandboxError::Engine(format!("{error:#}")))?;
        let mut linker = Linker::new(&engine);
        store::link_log(&mut linker).map_err(|error| SandboxError::Engine(format!("{error:#}")))?;
        let ticker = Ticker::start(&engine)?;
        Ok(Self { engine, linker, cache: None, _ticker: ticker })
    }

    /// A sandbox that keeps compiled code in `folder`, authenticated with `key`.
    pub fn with_cache(folder: PathBuf, key: CodeKey) -> Result<Self, SandboxError> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { cache: Some((folder, key)), ..Self::new()? })
    }

    /// Inspects, compiles (or takes from the cache) and links a component.
    pub fn load(&self, bytes: &[u8], limits: &Limits) -> Result<Plugin, Refused> {
        let inspection = inspect::inspect(bytes, limits)?;
        let component = self.component(bytes, &inspection)?;
        let pre = self.linker.instantiate_pre(&component).map_err(|error| Refused::Contract(format!("{error:#}")))?;
        Plugin::link(inspection, pre)
    }

    fn component(&self, bytes: &[u8], inspection: &Inspection) -> Result<Component, Refused> {
        let compile = || Component::from_binary(&self.engine, bytes).map_err(|error| Refused::Compile(format!("{error:#}")));
        let Some((folder, key)) = &self.cache else { return compile() };
        let path = folder.join(self.cache_name(&inspection.digest));
        if let Some(component) = self.cached(&path, key) {
            return Ok(component);
        }
        let component = compile()?;
        // A cache that cannot be written costs time, never an answer.
        if let Ok(code) = component.serialize() {
            let _ = write_atomically(&path, &[tag(key, &path, &code).as_slice(), &code].concat());
        }
        Ok(component)
    }

    /// Digest, engine version and configuration: other code is another file.
    fn cache_name(&self, digest: &[u8; 32]) -> String {
        use std::hash::{Hash, Hasher};
        let mut compatibility = std::hash::DefaultHasher::new();
        self.engine.precompile_compatibility_hash().hash(&mut compatibility);
        format!("{}-{}-{:016x}.code", hex(digest), profile::WASMTIME_VERSION, compatibility.finish())
    }

    fn cached(&self, path: &Path, key: &CodeKey) -> Option<Component> {
        let file = std::fs::read(path).ok()?;
        let (expected, code) = file.split_at_checked(TAG_BYTES)?;
        if tag(key, path, code) != *expected || Engine::detect_precompiled(code) != Some(Precompiled::Component) {
            // Damaged or foreign: it is compiled again and the file replaced.
            return None;
        }
        load_authenticated(&self.engine, code)
    }
}

/// Maps code whose tag has just been checked.
#[expect(unsafe_code, reason = "deserialising native code is safe only because its tag proves that this installation compiled it")]
fn load_authenticated(engine: &Engine, code: &[u8]) -> Option<Component> {
    // SAFETY: `cached` has verified a keyed hash over these very bytes, the file's name and so the engine's version and
    // configuration; wasmtime itself refuses code of another engine configuration.
    unsafe { Component::deserialize(engine, code) }.ok()
}

const TAG_BYTES: usize = 32;

/// Keyed hash over the file's name and the code.
fn tag(key: &CodeKey, path: &Path, code: &[u8]) -> [u8; TAG_BYTES] {
    let mut mac = blake3::Hasher::new_keyed(&key.0);
    mac.update(path.file_name().map(|name| name.as_encoded_bytes()).unwrap_or_default());
    mac.update(b"\0");
    mac.update(code);
    *mac.finalize().as_bytes()
}

fn write_atomically(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    std::fs::write(&draft, bytes)?;
    std::fs::rename(&draft, path)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
