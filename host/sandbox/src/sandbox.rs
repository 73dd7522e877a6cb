//! The sandbox: one engine, one linker, one ticker; loads plugins from bytes or from the compiled-code cache.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Precompiled};

use crate::compile::Compiler;
use crate::inspect::{self, Inspection, Refused};
use crate::limits::LoadLimits;
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
    compiler: Compiler,
    limits: LoadLimits,
    /// Held while a component is compiled: one at a time, so that those who decide keep the machine.
    compiling: Mutex<()>,
    _ticker: Ticker,
}

impl Sandbox {
    /// A sandbox that compiles in the calling thread, under the default limits and without a compiled-code cache.
    pub fn new() -> Result<Self, SandboxError> {
        let unstarted = |error: wasmtime::Error| SandboxError::Engine(format!("{error:#}"));
        let engine = profile::run_engine().map_err(unstarted)?;
        let mut linker = Linker::new(&engine);
        store::link_log(&mut linker).map_err(unstarted)?;
        let ticker = Ticker::start(&engine)?;
        let (compiler, limits) = (Compiler::InProcess, LoadLimits::default());
        Ok(Self { engine, linker, cache: None, compiler, limits, compiling: Mutex::default(), _ticker: ticker })
    }

    /// The same that keeps compiled code in `folder`, authenticated with `key`.
    pub fn with_cache(self, folder: PathBuf, key: CodeKey) -> Result<Self, SandboxError> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { cache: Some((folder, key)), ..self })
    }

    /// The same with another compiler and other limits on what is loaded.
    pub fn with_compiler(self, compiler: Compiler, limits: LoadLimits) -> Self {
        Self { compiler, limits, ..self }
    }

    /// What a component may be here.
    pub const fn limits(&self) -> &LoadLimits {
        &self.limits
    }

    /// Inspects, compiles (or takes from the cache) and links a component.
    pub fn load(&self, bytes: &[u8]) -> Result<Plugin, Refused> {
        let inspection = inspect::inspect(bytes, &self.limits)?;
        let component = self.component(bytes, &inspection)?;
        let pre = self.linker.instantiate_pre(&component).map_err(|error| Refused::Contract(format!("{error:#}")))?;
        Plugin::link(inspection, pre)
    }

    fn component(&self, bytes: &[u8], inspection: &Inspection) -> Result<Component, Refused> {
        let cache = self.cache.as_ref().map(|(folder, key)| (folder.join(self.cache_name(&inspection.digest)), key));
        let cached = || cache.as_ref().and_then(|(path, key)| self.cached(path, key));
        if let Some(component) = cached() {
            return Ok(component);
        }
        let _one_at_a_time = self.compiling.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever was before may have compiled the same.
        if let Some(component) = cached() {
            return Ok(component);
        }
        let code = self.compiler.compile(&self.engine, bytes, &self.limits)?;
        let component = load_trusted(&self.engine, &code).ok_or_else(|| Refused::CompileCrash("it gave no code for this engine".into()))?;
        // A cache that cannot be written costs time, never an answer.
        if let Some((path, key)) = &cache {
            let _ = write_atomically(path, &[tag(key, path, &code).as_slice(), &code].concat());
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
        // Damaged or foreign: it is compiled again and the file replaced.
        if tag(key, path, code) == *expected { load_trusted(&self.engine, code) } else { None }
    }
}

/// Maps code that this installation compiled: its tag has just been checked, or its compiler has just given it.
#[expect(unsafe_code, reason = "deserialising native code is safe only because this installation compiled it")]
fn load_trusted(engine: &Engine, code: &[u8]) -> Option<Component> {
    if Engine::detect_precompiled(code) != Some(Precompiled::Component) {
        return None;
    }
    // SAFETY: the code comes from the compiler that this program was told to use, over a pipe that nobody else holds, or from a file with a
    // keyed hash over these very bytes, the file's name and so the engine's version and configuration. wasmtime itself refuses code of another
    // version or configuration.
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
