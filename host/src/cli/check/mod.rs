//! `ombud check`: what an upload would be asked, and more: contract, limits, metadata, settings, cases, repeatability.

mod bounds;
mod coverage;
mod edges;
mod steps;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use ombud_sandbox::Limits;
use serde::Serialize;

use super::{EXIT_FINDINGS, EXIT_OK, data, packages, screen, table};

/// Arguments of `ombud check`.
#[derive(Args)]
#[command(after_help = "Exit codes: 0 nothing found (warnings do not count), 1 at least one step failed, 2 the command could not run.")]
pub(super) struct Check {
    /// Components (`.wasm`), policies' folders, or folders of policies.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Passed,
    Warning,
    Failed,
    /// A step before it failed.
    Skipped,
}

/// One step.
#[derive(Clone, Debug, Serialize)]
struct Step {
    name: &'static str,
    status: Status,
    /// What was seen.
    text: String,
    /// What is wrong, and what to do.
    problems: Vec<String>,
    /// What was found of tables, with whole cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<ombud_table::Findings>,
}

/// A policy with its steps.
#[derive(Debug, Serialize)]
struct Checked {
    path: String,
    /// SHA-256 of the component, hex.
    component: String,
    passed: bool,
    steps: Vec<Step>,
}

impl Step {
    fn passed(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, status: Status::Passed, text: text.into(), problems: Vec::new(), findings: None }
    }

    fn warning(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, status: Status::Warning, text: text.into(), problems: Vec::new(), findings: None }
    }

    fn failed(name: &'static str, text: impl Into<String>, problems: Vec<String>) -> Self {
        Self { name, status: Status::Failed, text: text.into(), problems, findings: None }
    }

    /// Passed if there are no problems.
    fn of(name: &'static str, text: impl Into<String>, problems: Vec<String>) -> Self {
        if problems.is_empty() { Self::passed(name, text) } else { Self::failed(name, text, problems) }
    }
}

impl Check {
    pub(super) fn run(self) -> Result<u8> {
        let sandbox = data::sandbox_without_cache()?;
        let limits = Limits::default().patient();
        let mut checked = Vec::new();
        for path in packages::expand(&self.paths)? {
            let (mut steps, ready) = if table::is_table(&path) { coverage::steps(&path)? } else { (Vec::new(), true) };
            // A table that does not compile has no settings to go on with.
            let files = if ready { Some(packages::read(&path)?) } else { None };
            if let Some(files) = &files {
                steps.extend(steps::all(files, &sandbox, &limits));
            }
            let policy = Checked {
                path: path.display().to_string(),
                component: files.map_or_else(String::new, |files| hex::encode(ombud_sandbox::digest(&files.bytes))),
                passed: steps.iter().all(|step| !matches!(step.status, Status::Failed | Status::Skipped)),
                steps,
            };
            if !self.json {
                print(&policy);
            }
            checked.push(policy);
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&checked)?);
        }
        Ok(if checked.iter().all(|policy| policy.passed) { EXIT_OK } else { EXIT_FINDINGS })
    }
}

fn print(policy: &Checked) {
    screen::heading(&policy.path);
    for step in &policy.steps {
        let (sign, style) = match step.status {
            Status::Passed => ("✓", screen::good()),
            Status::Warning => ("!", screen::warn()),
            Status::Failed => ("✗", screen::bad()),
            Status::Skipped => ("-", screen::dim()),
        };
        screen::signed(sign, &style, step.name, &step.text);
        for problem in &step.problems {
            screen::field_in("", problem, &screen::bad());
        }
    }
}
