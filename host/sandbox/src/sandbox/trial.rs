//! Components on trial: compiled and linked without leaving anything behind, and kept only once they have passed.

use std::sync::PoisonError;

use super::Sandbox;
use crate::cache::load_trusted;
use crate::inspect::{self, Inspection, Refused};
use crate::plugin::Plugin;

/// Compiled code that is in no cache.
#[derive(Clone)]
pub struct Code(Vec<u8>);

impl Code {
    /// Code that another process of this program got from [`Sandbox::compile`] and hands over through a pipe that nobody else holds. Code from
    /// anywhere else must never get here: it is native code and runs with the rights of this process.
    pub fn from_parent(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The code, to be handed to another process of this program.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Sandbox {
    /// What a component is, if it is one that could be loaded here.
    pub fn inspect(&self, bytes: &[u8]) -> Result<Inspection, Refused> {
        inspect::inspect(bytes, &self.limits)
    }

    /// Compiles a component, at most for so many seconds, and keeps nothing of it; what is kept already is not compiled again.
    pub fn compile(&self, bytes: &[u8], deadline_s: u64) -> Result<Code, Refused> {
        let digest = inspect::code_digest(bytes)?;
        if let Some(code) = self.cache.as_ref().and_then(|cache| cache.code_bytes(&digest)) {
            return Ok(Code(code));
        }
        let _one_at_a_time = self.compiling.lock().unwrap_or_else(PoisonError::into_inner);
        let mut limits = self.limits.clone();
        limits.compile_deadline_s = limits.compile_deadline_s.min(deadline_s);
        self.compiler.compile(&self.engine, bytes, &limits).map(Code)
    }

    /// Links a component with its code.
    pub fn load_with(&self, inspection: Inspection, code: &Code) -> Result<Plugin, Refused> {
        let component =
            load_trusted(&self.engine, &code.0).ok_or_else(|| Refused::CompileCrash("it gave no code for this engine".into()))?;
        self.link(inspection, &component)
    }

    /// Keeps a component's code for when it is loaded. A cache that cannot be written costs time, never an answer.
    pub fn keep(&self, inspection: &Inspection, code: &Code) {
        if let Some(cache) = &self.cache {
            cache.keep(inspection, Some(&code.0));
        }
    }
}
