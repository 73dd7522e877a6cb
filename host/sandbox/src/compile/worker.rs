//! The side of the worker: a process that reads one component, compiles it and ends.

use std::io::{Read, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rlimit::Resource;

use super::exit;
use crate::profile;

/// Reads a component of `component_bytes` from standard input, writes code to standard output and gives the process's exit code. First it limits
/// itself to `cpu_s` seconds of processor time and `data_bytes_max` bytes of address space for data.
///
/// The process ends by SIGXCPU at the limit, and when standard input is closed: then its parent is gone. Memory in use and wall-clock time are
/// watched by the parent.
pub fn compile_worker(cpu_s: u64, data_bytes_max: u64, component_bytes: u64) -> i32 {
    let (code, output) = match catch_unwind(AssertUnwindSafe(|| compile(cpu_s, data_bytes_max, component_bytes))) {
        Ok(answer) => answer,
        Err(_) => (exit::FAILED, b"the compiler panicked".to_vec()),
    };
    // Without a reader there is nobody to tell.
    let mut out = std::io::stdout().lock();
    match out.write_all(&output).and_then(|()| out.flush()) {
        Ok(()) => code,
        Err(_) => exit::FAILED,
    }
}

fn compile(cpu_s: u64, data_bytes_max: u64, component_bytes: u64) -> (i32, Vec<u8>) {
    let failed = |what: &str, error: &dyn std::fmt::Display| (exit::FAILED, format!("{what}: {error}").into_bytes());
    if let Err(error) = limit(cpu_s, data_bytes_max) {
        return failed("the limits cannot be set", &error);
    }
    let mut component = Vec::new();
    match std::io::stdin().lock().take(component_bytes).read_to_end(&mut component) {
        Ok(read) if read as u64 == component_bytes => {}
        Ok(read) => return failed("the component is cut short", &format!("{read} of {component_bytes} bytes")),
        Err(error) => return failed("the component cannot be read", &error),
    }
    if let Err(error) = end_with_parent() {
        return failed("no thread can be started", &error);
    }
    let engine = match profile::compile_engine() {
        Ok(engine) => engine,
        Err(error) => return failed("the engine does not start", &format!("{error:#}")),
    };
    match engine.precompile_component(&component) {
        Ok(code) => (exit::COMPILED, code),
        Err(error) => (exit::REFUSED, format!("{error:#}").into_bytes()),
    }
}

/// Sets what the system enforces by itself.
fn limit(cpu_s: u64, data_bytes_max: u64) -> std::io::Result<()> {
    limit_processor_time(cpu_s)?;
    Resource::DATA.set(data_bytes_max, data_bytes_max)?;
    // It writes to no file but its output, and leaves none behind when it crashes.
    Resource::FSIZE.set(0, 0)?;
    Resource::CORE.set(0, 0)
}

/// Has the system end this process by SIGXCPU once it has used so many seconds of processor time, however long it waited for it.
///
/// # Errors
/// The system refuses, for there is a lower limit already.
pub fn limit_processor_time(cpu_s: u64) -> std::io::Result<()> {
    // At the first limit the process is told by the signal, which ends it; at the second it is killed.
    Resource::CPU.set(cpu_s, cpu_s.saturating_add(1))
}

/// A worker without its parent works for nobody: the parent holds standard input open for as long as it waits.
fn end_with_parent() -> std::io::Result<()> {
    let wait = || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        std::process::exit(exit::FAILED);
    };
    std::thread::Builder::new().name("parent".into()).spawn(wait).map(drop)
}
