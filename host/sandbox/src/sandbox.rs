//! The sandbox: one engine, one linker, one ticker; loads plugins from bytes or from the compiled-code cache.

mod trial;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::cache::{CodeCache, CodeHeld, CodeKey, load_trusted};
use crate::compile::Compiler;
use crate::inspect::{self, Inspection, Refused};
use crate::limits::LoadLimits;
use crate::plugin::Plugin;
use crate::profile;
use crate::store::{self, Guest};
use crate::text;
use crate::ticker::Ticker;

pub use trial::Code;

/// Why the sandbox cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The engine does not start on this machine.
    #[error("the WebAssembly engine does not start: {0}")]
    Engine(String),
    /// The ticker's thread does not start.
    #[error("the deadline's ticker does not start: {0}")]
    Ticker(#[from] std::io::Error),
    /// The folder of compiled code cannot be created.
    #[error("the folder of compiled code cannot be created: {0}")]
    Cache(std::io::Error),
}

/// Loads and links plugins.
pub struct Sandbox {
    engine: Engine,
    linker: Linker<Guest>,
    cache: Option<CodeCache>,
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
        text::link(&mut linker).map_err(unstarted)?;
        let ticker = Ticker::start(&engine)?;
        let (compiler, limits) = (Compiler::InProcess, LoadLimits::default());
        Ok(Self { engine, linker, cache: None, compiler, limits, compiling: Mutex::default(), _ticker: ticker })
    }

    /// The same that keeps compiled code in `folder`, authenticated with `key`.
    pub fn with_cache(self, folder: PathBuf, key: CodeKey) -> Result<Self, SandboxError> {
        let cache = CodeCache::new(folder, key, &self.engine, self.limits.code_cache_bytes_max).map_err(SandboxError::Cache)?;
        Ok(Self { cache: Some(cache), ..self })
    }

    /// The same with another compiler and other limits on what is loaded.
    pub fn with_compiler(self, compiler: Compiler, limits: LoadLimits) -> Self {
        let mut cache = self.cache;
        if let Some(cache) = &mut cache {
            cache.bound(limits.code_cache_bytes_max);
        }
        Self { compiler, limits, cache, ..self }
    }

    /// Removes compiled code that was not used for longest where the cache takes more than its limit; what is loaded stays.
    pub fn make_room(&self) {
        self.cache.iter().for_each(CodeCache::make_room);
    }

    /// What the compiled-code cache takes; nothing where there is none.
    pub fn code_held(&self) -> CodeHeld {
        self.cache.as_ref().map(CodeCache::held).unwrap_or_default()
    }

    /// What a component may be here.
    pub const fn limits(&self) -> &LoadLimits {
        &self.limits
    }

    /// Inspects, compiles (or takes from the cache) and links a component.
    pub fn load(&self, bytes: &[u8]) -> Result<Plugin, Refused> {
        let inspection = inspect::inspect(bytes, &self.limits)?;
        let component = self.component(bytes, &inspection)?;
        self.link(inspection, &component)
    }

    /// A plugin by its component's digest from the compiled-code cache alone: nothing is compiled, which takes some 0.5 ms for a policy in Rust.
    /// None where there is no cache, or no sound code for this engine in it, or where the component is no longer within the limits.
    pub fn compiled(&self, digest: &[u8; 32]) -> Option<Plugin> {
        let (inspection, component) = self.cache.as_ref()?.read(digest, &self.engine)?;
        if inspection.bytes > self.limits.component_bytes_max {
            return None;
        }
        self.link(inspection, &component).ok()
    }

    /// Whether the cache has a file for a component, sound or not.
    pub fn has_code(&self, digest: &[u8; 32]) -> bool {
        self.cache.as_ref().is_some_and(|cache| cache.has(digest))
    }

    fn link(&self, inspection: Inspection, component: &Component) -> Result<Plugin, Refused> {
        let pre = self.linker.instantiate_pre(component).map_err(|error| Refused::Contract(format!("{error:#}")))?;
        let in_use = self.cache.as_ref().map(|cache| cache.in_use(&inspection));
        Plugin::link(inspection, pre, in_use)
    }

    fn component(&self, bytes: &[u8], inspection: &Inspection) -> Result<Component, Refused> {
        let cached = || self.cache.as_ref()?.code(&inspection.code, &self.engine);
        let keep_facts = || self.cache.as_ref().map(|cache| cache.keep(inspection, None));
        if let Some(component) = cached() {
            keep_facts();
            return Ok(component);
        }
        let _one_at_a_time = self.compiling.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever was before may have compiled the same.
        if let Some(component) = cached() {
            keep_facts();
            return Ok(component);
        }
        let code = self.compiler.compile(&self.engine, bytes, &self.limits)?;
        let component = load_trusted(&self.engine, &code).ok_or_else(|| Refused::CompileCrash("it gave no code for this engine".into()))?;
        if let Some(cache) = &self.cache {
            cache.keep(inspection, Some(&code));
        }
        Ok(component)
    }
}
