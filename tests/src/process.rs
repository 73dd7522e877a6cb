//! The real `ombud` binary as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::Call;
use crate::guests::root;

/// How long a server may take to listen: its first start compiles every policy.
const START: Duration = Duration::from_secs(60);

/// The binary beside the test executable; built if it is not there or older than its sources.
pub fn ombud() -> &'static Path {
    static OMBUD: OnceLock<PathBuf> = OnceLock::new();
    OMBUD.get_or_init(|| {
        let own = std::env::current_exe().expect("a test executable");
        let profile = own.parent().and_then(Path::parent).expect("target/PROFILE/deps");
        let path = profile.join("ombud");
        let changed = |path: &Path| path.metadata().and_then(|facts| facts.modified()).ok();
        let newest =
            ["host", "plugins/rules"].iter().flat_map(|folder| sources(&root().join(folder))).filter_map(|path| changed(&path)).max();
        if changed(&path) <= newest {
            let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            build.args(["build", "--quiet", "-p", "ombud", "--bin", "ombud"]).current_dir(root());
            build.env("CARGO_TARGET_DIR", profile.parent().expect("target"));
            if profile.ends_with("release") {
                build.arg("--release");
            }
            assert!(build.status().expect("cargo runs").success(), "`ombud` is not built");
        }
        path
    })
}

/// Every Rust file below a folder.
pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .flat_map(|path| match path {
            path if path.is_dir() && !path.ends_with("target") => sources(&path),
            path if path.extension().is_some_and(|extension| extension == "rs") => vec![path],
            _ => Vec::new(),
        })
        .collect()
}

/// A server process. Dropped, it is killed.
pub struct Process {
    child: Mutex<Child>,
    /// `127.0.0.1:PORT`.
    pub address: String,
}

impl Process {
    /// Starts `ombud serve --demo` on a data directory and waits until it listens.
    pub fn serve(data: &Path) -> Self {
        Self::start(command(data))
    }

    /// Starts a command that serves, and waits until it listens. Its log goes nowhere.
    pub fn start(command: Command) -> Self {
        Self::logging(command, Stdio::null())
    }

    /// The same with a place for its log.
    pub fn logging(mut command: Command, log: impl Into<Stdio>) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("`ombud` starts");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let (told, address) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            // Read to the end: a server that cannot write its log would stop at a full pipe.
            for line in output.lines().map_while(Result::ok) {
                if let Some(address) = line.split("listening on http://").nth(1) {
                    _ = told.send(address.trim().to_owned());
                }
            }
        });
        let address = address.recv_timeout(START).expect("`ombud serve` prints where it listens");
        Self { child: Mutex::new(child), address }
    }

    /// A request without a key.
    pub fn call(&self, agent: &ureq::Agent, method: &str, path: &str) -> Call {
        Call::new(agent, method, format!("http://{}{path}", self.address))
    }

    /// SIGKILL: nothing is finished, nothing is flushed. Returns once the process is gone.
    pub fn kill(&self) {
        let mut child = self.child();
        child.kill().expect("it is killed");
        child.wait().expect("it has ended");
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child().id()
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        signal("-TERM", self.child().id());
    }

    /// Waits for its end.
    pub fn ended(&self, within: Duration) -> ExitStatus {
        let began = Instant::now();
        loop {
            match self.child().try_wait().expect("its status") {
                Some(status) => return status,
                None if began.elapsed() > within => panic!("`ombud` still runs after {within:?}"),
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = self.child();
        _ = child.kill();
        _ = child.wait();
    }
}

fn signal(name: &str, process: u32) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().expect("`kill` runs").success());
}

/// `ombud serve --demo` on a free port.
pub fn command(data: &Path) -> Command {
    let mut command = Command::new(ombud());
    command.args(["serve", "--demo", "--listen", "127.0.0.1:0", "--log-level", "warn", "--data"]).arg(data);
    command.arg("--policies").arg(root().join("policies"));
    command
}

/// The keys that `serve --demo` wrote.
pub fn demo_keys(data: &Path) -> Value {
    let path = data.join("demo-keys.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("demo-keys.json")
}
