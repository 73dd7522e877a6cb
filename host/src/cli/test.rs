//! `ombud test`: cases against policies, through the built components.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use ombud_core::golden::{self, GoldenCase};
use ombud_sandbox::{Limits, Plugin, SettingsProblem};
use serde::Serialize;

use super::check::files;
use super::progress::Progress;
use super::{EXIT_FINDINGS, EXIT_OK, data, packages, screen};
use crate::cases::{self, Report};

/// Arguments of `ombud test`.
#[derive(Args)]
#[command(after_help = "Exit codes: 0 every case passed, 1 a case differs or a policy refuses its settings, 2 the command could not run.")]
pub(super) struct Test {
    /// Policies: a component (`.wasm`), a policy's folder, or a folder of policies.
    #[arg(required = true, value_name = "POLICY")]
    policies: Vec<PathBuf>,
    /// A file of cases; without it, the cases that each policy carries.
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Output<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// Settings that a policy refused; its cases were not run.
    settings_problems: &'a [RefusedSettings],
    elapsed_ms: u64,
}

/// A policy that refuses the settings of its folder.
#[derive(Serialize)]
struct RefusedSettings {
    policy: String,
    problems: Vec<SettingsProblem>,
}

/// Policies with their settings, and the cases put to them.
type PoliciesAndCases = (Vec<(Plugin, String)>, Vec<GoldenCase>);

impl Test {
    pub(super) fn run(self) -> Result<u8> {
        let sandbox = data::sandbox()?;
        let limits = Limits::default().patient();
        let loading = Progress::waiting("compiling the policies");
        let mut plugins = Vec::new();
        let mut beside = Vec::new();
        let mut refused = Vec::new();
        for path in packages::expand(&self.policies)? {
            let files = packages::read(&path)?;
            if self.cases.is_none() {
                // Whoever changed them means them, and others would run.
                packages::fits(&files, files::package(&files).into_iter().chain(files::cases(&files)))?;
            }
            let (plugin, settings, cases) = packages::load_files(&sandbox, files)?;
            let policy = path.display().to_string();
            match plugin.check_settings(&settings, &limits).result {
                Ok(Ok(())) => {
                    plugins.push((plugin, settings));
                    beside.push(cases);
                }
                Ok(Err(problems)) => refused.push(RefusedSettings { policy, problems }),
                Err(fault) => bail!("`{policy}` gave no answer about its settings: {fault}"),
            }
        }
        drop(loading);

        let runs = self.runs(&plugins, &beside)?;
        let progress = Progress::new(runs.iter().map(|(_, cases)| cases.len() as u64).sum(), "cases");
        let mut report = Report::default();
        for (plugins, cases) in &runs {
            let part = cases::run(plugins, cases, &limits, || progress.step());
            report.passed += part.passed;
            report.failed += part.failed;
            report.skipped += part.skipped;
            report.failures.extend(part.failures);
        }
        let elapsed_ms = u64::try_from(progress.elapsed().as_millis()).unwrap_or(u64::MAX);
        drop(progress);

        if self.json {
            println!("{}", serde_json::to_string_pretty(&Output { report: &report, settings_problems: &refused, elapsed_ms })?);
        } else {
            print(&report, &refused, elapsed_ms);
        }
        if report.passed + report.failed == 0 && refused.is_empty() {
            bail!("no case ran: the named policies have none of the cases' kinds");
        }
        Ok(if report.failed == 0 && refused.is_empty() { EXIT_OK } else { EXIT_FINDINGS })
    }

    /// The cases with the policies that they are put to; those beside a policy stand for its component's own.
    fn runs(&self, plugins: &[(Plugin, String)], beside: &[Option<String>]) -> Result<Vec<PoliciesAndCases>> {
        if let Some(path) = &self.cases {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            let cases = golden::load(&text).with_context(|| format!("`{}`", path.display()))?;
            return Ok(vec![(plugins.to_vec(), cases)]);
        }
        let mut runs = Vec::new();
        for (plugin, beside) in plugins.iter().zip(beside) {
            let inspection = plugin.0.inspection();
            let Some(text) = beside.as_ref().or(inspection.cases.as_ref()) else { continue };
            let name = inspection.package.as_ref().map_or("the component", |package| package.name.as_str());
            runs.push((vec![plugin.clone()], golden::load(text).with_context(|| format!("the cases that `{name}` carries"))?));
        }
        Ok(runs)
    }
}

fn print(report: &Report, refused: &[RefusedSettings], elapsed_ms: u64) {
    for policy in refused {
        println!("{} refuses its settings.json; its cases were not run:", policy.policy);
        for problem in &policy.problems {
            println!("  `{}`: {}", problem.path, problem.message);
        }
    }
    if !report.failures.is_empty() {
        let mut table = screen::table(&["case", "field", "expected", "got"]);
        for failure in &report.failures {
            let case = format!("{} {}", failure.id, failure.title);
            table.add_row([case, failure.field.clone(), failure.expected.clone(), failure.got.clone()]);
        }
        println!("{table}");
    }
    #[expect(clippy::cast_precision_loss, reason = "seconds for people")]
    let seconds = elapsed_ms as f64 / 1000.0;
    println!("{} passed, {} failed, {} skipped, in {seconds:.2} s", report.passed, report.failed, report.skipped);
}
