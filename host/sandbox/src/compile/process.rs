//! The parent's side of a worker: start it, feed it, watch what it takes, and end it where that is too much.

use std::ffi::OsString;
use std::io::{Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::exit;
use crate::inspect::Refused;
use crate::limits::LoadLimits;

/// How often a worker is looked at: what it takes beyond its memory limit before it is ended is what it can fill in this time.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Address space beyond the memory limit that the worker may have: allocators take more from the system than they use.
const DATA_BYTES_MORE: u64 = 1 << 30;

/// The signal by which the system ends a process at the limit of its processor time, of the same number on every system with `/proc`.
pub const SIGXCPU: i32 = 24;

/// Bytes of a message kept from a worker that refuses or fails.
const MESSAGE_BYTES_MAX: usize = 2_000;

/// How a worker ended.
enum Ended {
    Exited(ExitStatus),
    Refused(Refused),
}

/// Has a worker compile `component`.
pub(super) fn compile(program: &Path, arguments: &[OsString], component: &[u8], limits: &LoadLimits) -> Result<Vec<u8>, Refused> {
    let data_bytes_max = (limits.compile_memory_bytes_max as u64).saturating_add(DATA_BYTES_MORE);
    let mut worker = Command::new(program)
        .args(arguments)
        .args([limits.compile_cpu_s, data_bytes_max, component.len() as u64].map(|number| number.to_string()))
        // Nothing of this process is the worker's business.
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| Refused::CompileCrash(format!("`{}` cannot be started: {error}", program.display())))?;
    let (stdin, stdout) = (worker.stdin.take(), worker.stdout.take());
    std::thread::scope(|scope| {
        // A worker that ends early closes the pipe; how it ended says why. The pipe stays open here until the worker has ended, for when it is
        // closed on this side the worker ends by itself.
        let writer = scope.spawn(move || stdin.inspect(|mut stdin| drop(stdin.write_all(component))));
        let reader = scope.spawn(move || stdout.map(|stdout| read_at_most(stdout, limits.code_bytes_max)));
        let ended = watch(&mut worker, limits);
        drop(writer.join());
        let output = reader.join().ok().flatten();
        answer(ended, output, limits)
    })
}

/// At most `max` bytes and one more, which shows that there were too many. The pipe is closed then, which ends the writer.
fn read_at_most(from: impl Read, max: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(max as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Waits for the worker's end, which comes at the latest with a limit.
fn watch(worker: &mut Child, limits: &LoadLimits) -> Ended {
    let started = Instant::now();
    loop {
        match worker.try_wait() {
            Ok(Some(status)) => return Ended::Exited(status),
            Ok(None) => {}
            Err(error) => return end(worker, Refused::CompileCrash(error.to_string())),
        }
        if started.elapsed() >= Duration::from_secs(limits.compile_deadline_s) {
            return end(worker, Refused::CompileTime { limit: "compile_deadline_s", seconds: limits.compile_deadline_s });
        }
        if resident_bytes(worker.id()).is_some_and(|bytes| bytes > limits.compile_memory_bytes_max) {
            return end(worker, Refused::CompileMemory { max: limits.compile_memory_bytes_max });
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Ends a worker. One that is gone already is ended as well.
fn end(worker: &mut Child, why: Refused) -> Ended {
    let _ = worker.kill();
    let _ = worker.wait();
    Ended::Refused(why)
}

/// What the worker's end and its output mean.
fn answer(ended: Ended, output: Option<std::io::Result<Vec<u8>>>, limits: &LoadLimits) -> Result<Vec<u8>, Refused> {
    let status = match ended {
        Ended::Exited(status) => status,
        Ended::Refused(why) => return Err(why),
    };
    let crash = |detail: String| Refused::CompileCrash(detail);
    let output = output.ok_or_else(|| crash("its output was not read".into()))?;
    let output = output.map_err(|error| crash(format!("its output cannot be read: {error}")))?;
    if output.len() > limits.code_bytes_max {
        return Err(Refused::CodeTooLarge { max: limits.code_bytes_max });
    }
    let message = || String::from_utf8_lossy(output.get(..MESSAGE_BYTES_MAX).unwrap_or(&output)).into_owned();
    match (status.code(), status.signal()) {
        (Some(exit::COMPILED), _) => Ok(output),
        (Some(exit::REFUSED), _) => Err(Refused::Compile(message())),
        (Some(exit::FAILED), _) => Err(crash(message())),
        (_, Some(signal)) if signal == SIGXCPU => Err(Refused::CompileTime { limit: "compile_cpu_s", seconds: limits.compile_cpu_s }),
        _ => Err(crash(status.to_string())),
    }
}

/// Memory of a process that is in use, in bytes, where the system tells.
pub fn resident_bytes(process: u32) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?;
    kilobytes.parse::<usize>().ok()?.checked_mul(1024)
}
