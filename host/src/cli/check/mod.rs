//! `ombud check`: what an upload is asked, by the same gate, and what the files around a component say of it.

mod coverage;
pub(super) mod files;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use ombud_core::upload_limits::UploadLimits;
use ombud_sandbox::{Limits, Sandbox};
use serde::Serialize;

use super::packages::Files;
use super::progress::Steps;
use super::{EXIT_FINDINGS, EXIT_OK, compile_worker, data, packages, screen, table};
use crate::gate::{self, Candidate, Gate, Status, Step};

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

/// A step, and what was found of tables, with whole cases.
#[derive(Clone, Debug, Serialize)]
struct Seen {
    #[serde(flatten)]
    step: Step,
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<ombud_table::Findings>,
}

impl From<Step> for Seen {
    fn from(step: Step) -> Self {
        Self { step, findings: None }
    }
}

/// A policy with its steps.
#[derive(Debug, Serialize)]
struct Checked {
    path: String,
    /// SHA-256 of the component, hex.
    component: String,
    passed: bool,
    steps: Vec<Seen>,
}

impl Check {
    pub(super) fn run(self) -> Result<u8> {
        let sandbox = data::sandbox_without_cache()?;
        let mut checked = Vec::new();
        for path in packages::expand(&self.paths)? {
            if !self.json {
                screen::heading(&path.display().to_string());
            }
            let show = |seen: &Seen| {
                if !self.json {
                    print(&seen.step);
                }
            };
            let (mut steps, ready) = if table::is_table(&path) { coverage::steps(&path)? } else { (Vec::new(), true) };
            steps.iter().for_each(show);
            // A table that does not compile has no settings to go on with.
            let files = if ready { Some(packages::read(&path)?) } else { None };
            if let Some(files) = &files {
                let step = files::step(files).into();
                show(&step);
                steps.push(step);
                steps.extend(pass(&sandbox, files, |step| show(&step.clone().into())).into_iter().map(Seen::from));
            }
            checked.push(Checked {
                path: path.display().to_string(),
                component: files.map_or_else(String::new, |files| hex::encode(ombud_sandbox::digest(&files.bytes))),
                passed: steps.iter().all(|seen| !matches!(seen.step.status, Status::Failed | Status::Skipped)),
                steps,
            });
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&checked)?);
        }
        Ok(if checked.iter().all(|policy| policy.passed) { EXIT_OK } else { EXIT_FINDINGS })
    }
}

/// Passes a policy through the gate; each step is shown when it is done.
fn pass(sandbox: &Sandbox, files: &Files, mut show: impl FnMut(&Step)) -> Vec<Step> {
    let (limits, upload, program) = (Limits::default().patient(), UploadLimits::default(), compile_worker::program());
    let gate = Gate { sandbox, program: &program, limits: &limits, upload: &upload };
    if let Some(step) = gate.read(&files.bytes) {
        show(&step);
        return vec![step];
    }
    let (mut steps, looked) = gate::look(sandbox, &files.bytes);
    steps.iter().for_each(&mut show);
    let Some(inspection) = looked else { return steps };
    let candidate = Candidate { component: &files.bytes, settings: files.settings(), beside: files.cases.as_deref() };
    let mut progress = Steps::default();
    let shown = steps.len();
    let (later, _) = gate.check(candidate, &inspection, |told| progress.tell(&told));
    drop(progress);
    steps.extend(later);
    steps.iter().skip(shown).for_each(show);
    steps
}

/// One step for people.
pub(super) fn print(step: &Step) {
    let (sign, style) = match step.status {
        Status::Passed => ("✓", screen::good()),
        Status::Warning => ("!", screen::warn()),
        Status::Failed => ("✗", screen::bad()),
        Status::Skipped => ("-", screen::dim()),
    };
    let took = if step.took_ms < 1_000 { String::new() } else { format!(" ({:.1} s)", step.took_ms as f64 / 1_000.0) };
    screen::signed(sign, &style, &step.name, &format!("{}{took}", step.text));
    for problem in &step.problems {
        screen::field_in("", problem, &screen::bad());
    }
}
