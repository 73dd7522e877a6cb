//! `ombud test`: cases against policies, through the built components.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use ombud_core::golden;
use ombud_sandbox::{Limits, Plugin, Sandbox};

use super::{EXIT_FINDINGS, EXIT_OK};
use crate::cases;

/// Arguments of `ombud test`.
#[derive(Args)]
pub(super) struct Test {
    /// Policies: a component (`.wasm`) or a policy folder.
    #[arg(required = true)]
    policies: Vec<PathBuf>,
    /// A file of cases; without it, the cases that each policy carries.
    #[arg(long)]
    cases: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Test {
    pub(super) fn run(self) -> Result<u8> {
        let sandbox = Sandbox::new()?;
        let limits = Limits::default();
        let plugins = self.policies.iter().map(|path| load(&sandbox, path, &limits)).collect::<Result<Vec<_>>>()?;
        let mut report = cases::Report::default();
        match &self.cases {
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
                report = cases::run(&plugins, &golden::load(&text).with_context(|| format!("`{}`", path.display()))?, &limits);
            }
            None => {
                for (plugin, settings) in &plugins {
                    let Some(text) = &plugin.inspection().cases else { continue };
                    let part = cases::run(&[(plugin.clone(), settings.clone())], &golden::load(text)?, &limits);
                    report.passed += part.passed;
                    report.failed += part.failed;
                    report.skipped += part.skipped;
                    report.failures.extend(part.failures);
                }
            }
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            for failure in &report.failures {
                println!("{} {}: {} expected {}, got {}", failure.id, failure.title, failure.field, failure.expected, failure.got);
            }
            println!("{} passed, {} failed, {} skipped", report.passed, report.failed, report.skipped);
        }
        if report.passed + report.failed == 0 {
            bail!("no case ran: the named policies have none of the cases' kinds");
        }
        Ok(if report.failed == 0 { EXIT_OK } else { EXIT_FINDINGS })
    }
}

/// Loads a policy from a component or a policy folder, with the folder's settings.
pub(super) fn load(sandbox: &Sandbox, path: &Path, limits: &Limits) -> Result<(Plugin, String)> {
    let (component, settings) = if path.is_dir() {
        let component = std::fs::read_dir(path)
            .with_context(|| format!("cannot read `{}`", path.display()))?
            .flatten()
            .map(|entry| entry.path())
            .find(|file| file.extension().is_some_and(|extension| extension == "wasm"))
            .with_context(|| format!("`{}` holds no component (`.wasm`)", path.display()))?;
        let settings = std::fs::read_to_string(path.join("settings.json")).unwrap_or_else(|_| "{}".into());
        (component, settings)
    } else {
        (path.to_path_buf(), "{}".into())
    };
    let bytes = std::fs::read(&component).with_context(|| format!("cannot read `{}`", component.display()))?;
    let plugin = sandbox.load(&bytes, limits).with_context(|| format!("`{}` is refused", component.display()))?;
    Ok((plugin, settings))
}
