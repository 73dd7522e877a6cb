//! Runs the built binary in the repository's root, and keeps temporary folders.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// What a run gave.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs a command.
pub fn ombud(arguments: &[&str]) -> Ran {
    ran(&mut command(arguments))
}

fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs a command in a folder, knowing nothing of this machine but that folder.
pub fn ombud_alone(folder: &Path, arguments: &[&str]) -> Ran {
    ran(Command::new(env!("CARGO_BIN_EXE_ombud")).args(arguments).current_dir(folder).env_clear())
}

/// Runs a command with one more variable in its environment.
pub fn ombud_with(name: &str, value: &str, arguments: &[&str]) -> Ran {
    ran(command(arguments).env(name, value))
}

/// Runs a command; `DATA` in its arguments stands for a folder.
pub fn ombud_in(data: &Path, arguments: &[&str]) -> Ran {
    let arguments: Vec<String> = arguments.iter().map(|argument| argument.replace("DATA", data.to_str().unwrap())).collect();
    ombud(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A command as it will be run.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ombud"));
    command
        .args(arguments)
        .current_dir(root())
        .env_remove("OMBUD_MASTER_KEY")
        .env_remove("OMBUD_MASTER_KEY_FILE")
        .env_remove("OMBUD_KEY")
        .env_remove("OMBUD_POLICIES");
    command
}

impl Ran {
    pub fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.out, self.err);
        self
    }

    pub fn says(&self, text: &str) -> &Self {
        assert!(self.out.contains(text), "no `{text}` in\n{}\n{}", self.out, self.err);
        self
    }

    pub fn complains(&self, text: &str) -> &Self {
        assert!(self.err.contains(text), "no `{text}` in\n{}\n{}", self.err, self.out);
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}:\n{}\n{}", self.out, self.err))
    }
}

/// A temporary folder.
pub struct Folder(TempDir);

pub fn folder() -> Folder {
    Folder(tempfile::tempdir().unwrap())
}

impl Folder {
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn text(&self) -> String {
        self.path().to_str().unwrap().to_owned()
    }

    /// Writes a file; its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// A copy of a data directory in which the demonstration has run.
pub fn demo_data() -> Folder {
    static SEED: OnceLock<Folder> = OnceLock::new();
    let seed = SEED.get_or_init(|| {
        let data = folder();
        ombud_in(data.path(), &["demo", "--once", "--data", "DATA"]).exits(0);
        data
    });
    let copy = folder();
    copy_into(seed.path(), copy.path());
    copy
}

pub fn copy_into(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_into(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Replaces bytes in every file of a folder; how often.
pub fn replace_in_files(folder: &Path, from: &[u8], to: &[u8]) -> usize {
    assert_eq!(from.len(), to.len());
    let mut replaced = 0;
    for path in std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).filter(|path| path.is_file()) {
        let mut bytes = std::fs::read(&path).unwrap();
        let places: Vec<usize> = bytes.windows(from.len()).enumerate().filter(|(_, part)| *part == from).map(|(at, _)| at).collect();
        for at in &places {
            bytes[*at..at + to.len()].copy_from_slice(to);
        }
        if !places.is_empty() {
            replaced += places.len();
            std::fs::write(&path, bytes).unwrap();
        }
    }
    replaced
}

/// A server that runs until it is stopped or dropped.
pub struct Served {
    child: Child,
    pub url: String,
}

impl Served {
    /// Starts a command that serves, and waits until it says where.
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = child.stdout.take().unwrap();
        let said = BufReader::new(out).lines().map_while(Result::ok).find_map(|line| line.strip_prefix("listening on ").map(str::to_owned));
        let served = Self { child, url: said.unwrap_or_default() };
        assert!(!served.url.is_empty(), "the server ended before it listened");
        served
    }

    /// Posts an event.
    pub fn post(&self, path: &str, key: &str, body: &str) -> Value {
        let mut answer = ureq::post(&format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/cloudevents+json")
            .send(body)
            .unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }

    /// Sends SIGTERM; the exit code.
    pub fn stop(mut self) -> Option<i32> {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
