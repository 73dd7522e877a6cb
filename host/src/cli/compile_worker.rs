//! `ombud compile-worker`: the process that compiles one component. Nobody calls it by hand; the other commands start it.

use std::path::PathBuf;

use clap::Args;
use ombud_sandbox::Compiler;

/// The command's name, as `clap` makes it.
const NAME: &str = "compile-worker";

/// Arguments of `ombud compile-worker`.
#[derive(Args)]
pub(super) struct CompileWorker {
    /// Processor time in seconds.
    cpu_s: u64,
    /// Address space for data, in bytes.
    data_bytes_max: u64,
    /// Bytes of the component.
    component_bytes: u64,
}

impl CompileWorker {
    /// Compiles standard input to standard output and ends the process.
    pub(super) fn run(self) -> ! {
        std::process::exit(ombud_sandbox::compile_worker(self.cpu_s, self.data_bytes_max, self.component_bytes))
    }
}

/// This program as the process that compiles.
pub(super) fn compiler() -> Compiler {
    Compiler::Worker { program: program(), arguments: vec![NAME.into()] }
}

/// This program, for processes of its own: the very file that runs, even if another one has taken its name since.
pub(super) fn program() -> PathBuf {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() { running } else { std::env::current_exe().unwrap_or_else(|_| "ombud".into()) }
}
