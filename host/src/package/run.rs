//! Runs the tools of other languages: found or named, and what they say shown when they fail.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// Runs a tool to its end; what it says is shown only if it fails.
pub fn run(command: &mut Command, what: &str) -> Result<String> {
    let out = command.output().with_context(|| format!("{what}: cannot start {}", command.get_program().to_string_lossy()))?;
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    if !out.status.success() {
        bail!("{what}:\n{}{}", said, String::from_utf8_lossy(&out.stderr));
    }
    Ok(said)
}

/// A program on the path.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The absolute form of a folder that is there.
pub fn absolute(folder: &Path) -> Result<PathBuf> {
    folder.canonicalize().with_context(|| format!("cannot read `{}`", folder.display()))
}
