//! `ombud table`: decision tables from YAML or CSV to the settings of the `table` policy.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use ombud_table::{Compiled, Form};

use super::{EXIT_FINDINGS, EXIT_OK};

/// Arguments of `ombud table`.
#[derive(Args)]
pub(super) struct Table {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compile tables into settings of the policy `table`: one table for each kind.
    Compile(Compile),
}

#[derive(Args)]
#[command(after_help = "Exit codes: 0 compiled, 1 something is wrong with a table, 2 the command could not run.")]
struct Compile {
    /// Tables (`.yaml`, `.csv`), or a folder with a `table.yaml` or `table.csv`.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where the settings go; without it, to standard output.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Table {
    pub(super) fn run(self) -> Result<u8> {
        let Command::Compile(command) = self.command;
        let mut tables = Vec::new();
        for path in &command.files {
            match read(path)? {
                Ok(read) => tables.extend(read),
                Err(problems) => {
                    for problem in problems {
                        eprintln!("{}: {problem}", path.display());
                    }
                    return Ok(EXIT_FINDINGS);
                }
            }
        }
        let text = settings(&tables)?;
        match &command.out {
            Some(out) => std::fs::write(out, text).with_context(|| format!("cannot write `{}`", out.display()))?,
            None => print!("{text}"),
        }
        Ok(EXIT_OK)
    }
}

/// Files that a folder of a table policy may have its tables in.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    let named = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        (name.starts_with("table.") || name.starts_with("table-")) && Form::of(&name).is_some()
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(named).collect();
    files.sort();
    Ok(files)
}

/// Whether a path is a table, or a folder with one.
pub(super) fn is_table(path: &Path) -> bool {
    if path.is_dir() {
        return files_of(path).is_ok_and(|files| !files.is_empty());
    }
    path.file_name().is_some_and(|name| Form::of(&name.to_string_lossy()).is_some())
}

/// The tables of a file or folder; the inner error is what is wrong with them.
pub(super) fn read(path: &Path) -> Result<Result<Vec<Compiled>, Vec<ombud_table::Problem>>> {
    let files = if path.is_dir() { files_of(path)? } else { vec![path.to_path_buf()] };
    if files.is_empty() {
        bail!("`{}` holds no table: `table.yaml` or `table.csv`", path.display());
    }
    let mut tables = Vec::new();
    for file in &files {
        let form = file.file_name().and_then(|name| Form::of(&name.to_string_lossy()));
        let form = form.with_context(|| format!("`{}` is neither `.yaml` nor `.csv`", file.display()))?;
        let bytes = std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
        let text = String::from_utf8(bytes)
            .ok()
            .with_context(|| format!("`{}` is not in UTF-8: a spreadsheet writes it so when it is saved as `CSV UTF-8`", file.display()))?;
        match ombud_table::compile(&text, form) {
            Ok(compiled) => tables.push(compiled),
            Err(problems) => return Ok(Err(problems)),
        }
    }
    Ok(Ok(tables))
}

/// The settings' text of tables of different kinds.
pub(super) fn settings(tables: &[Compiled]) -> Result<String> {
    for (at, table) in tables.iter().enumerate() {
        if tables.iter().skip(at + 1).any(|other| other.kind == table.kind) {
            bail!("two tables of kind {}: settings have one for each kind", table.kind.as_str());
        }
    }
    Ok(format!("{:#}\n", ombud_table::settings(tables)))
}
