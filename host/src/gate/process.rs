//! The parent's side of a process that checks: start it, feed it, listen to it, and end it where it takes too much.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use ombud_core::upload_limits::UploadLimits;
use ombud_sandbox::{SIGXCPU, resident_bytes};

use super::worker::{SAID, Said, Task};

/// How often a process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Bytes of everything that a process says.
const SAID_BYTES_MAX: u64 = 64 << 20;
/// The hidden command that checks.
const COMMAND: &str = "check-worker";

/// Has a process check a policy. `parts` are the bytes that follow the task; `hear` is called for each thing that it says. At a moment it is too late,
/// and what is said then.
///
/// # Errors
/// Why there is no whole answer, in words for the policy's author.
pub(super) fn check(
    program: &Path,
    task: &Task,
    parts: &[&[u8]],
    (until, late): (Instant, &str),
    limits: &UploadLimits,
    mut hear: impl FnMut(Said),
) -> Result<(), String> {
    let mut child = Command::new(program)
        .arg(COMMAND)
        // Nothing of this process is the other's business.
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("`{}` cannot be started: {error}", program.display()))?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let head = serde_json::to_vec(task).map_err(|error| error.to_string())?;
    std::thread::scope(|scope| {
        // A process that ends early closes the pipe; how it ended says why. The pipe stays open until then, for when it is closed on this side the
        // process ends by itself.
        let writer = scope.spawn(move || {
            stdin.inspect(|mut stdin| {
                let written = stdin.write_all(&head).and_then(|()| stdin.write_all(b"\n"));
                _ = written.and_then(|()| parts.iter().try_for_each(|part| stdin.write_all(part))).and_then(|()| stdin.flush());
            })
        });
        let (tell, told) = mpsc::channel();
        let reader = scope.spawn(move || {
            let lines = stdout.map(|stdout| BufReader::new(stdout.take(SAID_BYTES_MAX)).split(b'\n'));
            for line in lines.into_iter().flatten().map_while(Result::ok) {
                let Ok(said) = serde_json::from_slice::<Said>(&line) else { break };
                if tell.send(said).is_err() {
                    break;
                }
            }
        });
        let mut failed = None;
        let stopped = listen(&mut child, &told, (until, late), limits, |said| match said {
            Said::Failed(why) => failed = Some(why),
            said => hear(said),
        });
        drop(told);
        // Ended or not, it is gone after this.
        _ = child.kill();
        let status = child.wait();
        drop(writer.join());
        _ = reader.join();
        match (stopped, failed, status) {
            (Err(why), _, _) | (Ok(true), Some(why), _) => Err(why),
            (Ok(_), _, Ok(status)) if status.code() == Some(SAID) => Ok(()),
            (_, Some(why), _) => Err(why),
            (_, None, Ok(status)) if status.signal() == Some(SIGXCPU) => Err(format!(
                "reading it took more than read_cpu_s ({} s) of processor time: it is made of too many parts that hang on each other",
                limits.read_cpu_s
            )),
            (_, None, Ok(status)) => Err(format!(
                "the process that checks ended by itself ({status}): something in the policy is too deep or too large to be read"
            )),
            (_, None, Err(error)) => Err(error.to_string()),
        }
    })
}

/// Hears everything that is said until the end, which comes at the latest with a limit. Whether the process closed its output.
fn listen(
    child: &mut Child,
    told: &mpsc::Receiver<Said>,
    (until, late): (Instant, &str),
    limits: &UploadLimits,
    mut hear: impl FnMut(Said),
) -> Result<bool, String> {
    loop {
        match told.recv_timeout(LOOK_EVERY) {
            Ok(said) => hear(said),
            Err(RecvTimeoutError::Disconnected) => {
                // Its output is closed: it ends now, or is ended.
                for _ in 0..100 {
                    if matches!(child.try_wait(), Ok(Some(_))) {
                        break;
                    }
                    std::thread::sleep(LOOK_EVERY);
                }
                return Ok(true);
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if Instant::now() >= until {
            return Err(late.to_owned());
        }
        if resident_bytes(child.id()).is_some_and(|bytes| bytes > limits.check_memory_bytes_max) {
            return Err(format!("checking it took more than check_memory_bytes_max ({} bytes)", limits.check_memory_bytes_max));
        }
    }
}
