//! From a component's bytes to code for this engine, in a process of its own with limits on everything it may take.
//!
//! Compiling is the one thing done with a component that no fuel and no memory limit of a guest bounds.

mod process;
mod worker;

use std::ffi::OsString;
use std::path::PathBuf;

use wasmtime::Engine;

use crate::inspect::Refused;
use crate::limits::LoadLimits;

pub use process::{SIGXCPU, resident_bytes};
pub use worker::{compile_worker, limit_processor_time};

/// Who compiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compiler {
    /// The calling thread, without limits: for components that are trusted, as those of tests are.
    InProcess,
    /// A process for each component. `program` with `arguments` runs [`compile_worker`]; two limits and the size are appended as further arguments.
    Worker {
        /// The executable.
        program: PathBuf,
        /// What precedes the limits.
        arguments: Vec<OsString>,
    },
}

impl Compiler {
    /// Compiles a component for `engine`. What comes back is native code and only as trustworthy as the compiler.
    pub(crate) fn compile(&self, engine: &Engine, component: &[u8], limits: &LoadLimits) -> Result<Vec<u8>, Refused> {
        match self {
            Self::InProcess => engine.precompile_component(component).map_err(|error| Refused::Compile(format!("{error:#}"))),
            Self::Worker { program, arguments } => process::compile(program, arguments, component, limits),
        }
    }
}

/// What a worker says by its exit code; anything else is a crash.
mod exit {
    /// Standard output is the code.
    pub(super) const COMPILED: i32 = 0;
    /// Standard output says why the compiler refuses the component.
    pub(super) const REFUSED: i32 = 3;
    /// Standard output says why the worker could not work.
    pub(super) const FAILED: i32 = 4;
}
