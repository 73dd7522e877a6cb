//! Commands of the built binary, and data directories to give them on.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::guests::root;
use crate::process::ombud;

/// What a command gave.
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

/// Runs a command in the repository's root.
pub fn run(arguments: &[&str]) -> Ran {
    let mut command = Command::new(ombud());
    command.args(arguments).current_dir(root()).env_remove("OMBUD_KEY").env_remove("OMBUD_POLICIES").stdin(Stdio::null());
    let output = command.output().expect("`ombud` runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs a command on a data directory.
pub fn on(data: &Path, arguments: &[&str]) -> Ran {
    run(&[arguments, &["--data", path(data)]].concat())
}

/// A path as an argument.
pub fn path(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}

impl Ran {
    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.out, self.err);
        self
    }

    /// Asserts that something is told.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.out.contains(text), "no `{text}` in\n{}\n{}", self.out, self.err);
        self
    }

    /// Asserts what standard error has.
    #[track_caller]
    pub fn complains(&self, text: &str) -> &Self {
        assert!(self.err.contains(text), "no `{text}` in\n{}\n{}", self.err, self.out);
        self
    }

    /// The output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}:\n{}\n{}", self.out, self.err))
    }
}

/// A copy of a data directory in which the demonstration has run, in a folder of its own.
pub fn demo_data() -> TempDir {
    static SEED: OnceLock<TempDir> = OnceLock::new();
    let folder = || tempfile::tempdir().expect("a temporary folder");
    let seed = SEED.get_or_init(|| {
        let seed = folder();
        run(&["demo", "--once", "--data", path(&seed.path().join("data"))]).exits(0);
        seed
    });
    let copy = folder();
    copy_folder(seed.path(), copy.path());
    copy
}

/// Copies what is in a folder into another one.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a file");
        }
    }
}
