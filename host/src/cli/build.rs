//! `ombud build`: a policy's folder, in Rust, TypeScript, JavaScript or Python, becomes a package folder.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use ombud_core::golden;
use ombud_sandbox::Limits;

use super::{EXIT_FINDINGS, EXIT_OK, data};
use crate::cases;
use crate::gate;
use crate::package;
use crate::registry::PackageToml;

/// Cases listed whose rulings differ.
const LISTED_MAX: usize = 10;

/// Arguments of `ombud build`.
#[derive(Args)]
#[command(
    after_help = "A component that the gate would refuse for what it is made of, what it says of itself or its settings schema is not written; \
`ombud check` asks everything else."
)]
pub(super) struct Build {
    /// Policies' folders, for example `plugins/after-sale`: with a `Cargo.toml`, a `package.json` or a `pyproject.toml`.
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// Folder under which each package gets a folder with its name.
    #[arg(long, default_value = "policies")]
    out: PathBuf,
    /// Where cargo keeps its files between builds.
    #[arg(long, default_value = "target/plugins")]
    target: PathBuf,
    /// Write nothing; fail if a package's component is not what its source gives: the same bytes under the toolchain that
    /// `policy.toml` names, where that is cargo; else, and for JavaScript and Python always, whose tools give other bytes
    /// each time, the same rulings on every case.
    #[arg(long)]
    verify: bool,
}

impl Build {
    pub(super) fn run(self) -> Result<u8> {
        let mut differing = 0;
        let target = std::path::absolute(&self.target)?;
        for folder in &self.folders {
            let built = package::build(folder, &target)?;
            let out = self.out.join(&built.name);
            let file = out.join(format!("{}.wasm", built.name));
            let digest = hex::encode(built.inspection.digest);
            if self.verify {
                differing += u32::from(!self.verified(&built, &out, &file)?);
                continue;
            }
            accepted(&built).with_context(|| format!("`{}`", folder.display()))?;
            std::fs::create_dir_all(&out)?;
            std::fs::write(&file, &built.bytes).with_context(|| format!("cannot write `{}`", file.display()))?;
            if let Some(cases) = &built.cases {
                std::fs::write(out.join("cases.yaml"), cases)?;
            }
            let facts = PackageToml {
                name: built.name.clone(),
                version: built.inspection.package.as_ref().map(|package| package.version.clone()).unwrap_or_default(),
                component: format!("{}.wasm", built.name).into(),
                sha256: digest.clone(),
                toolchain: built.tool.version.clone(),
                decides: built.inspection.decides.clone(),
                reviews: built.inspection.reviews.clone(),
            };
            std::fs::write(out.join("policy.toml"), toml::to_string(&facts)?)?;
            if let Some(schema) = &built.inspection.settings_schema {
                std::fs::write(out.join("settings.schema.json"), schema)?;
            }
            println!("{} {} bytes, sha256 {digest}, with {}", file.display(), built.bytes.len(), built.tool.described);
        }
        Ok(if differing == 0 { EXIT_OK } else { EXIT_FINDINGS })
    }

    /// Whether the committed package is what its source gives: the same bytes under the same toolchain if that gives them twice, else the same
    /// rulings on every case.
    fn verified(&self, built: &package::Built, out: &Path, file: &Path) -> Result<bool> {
        let toml = out.join("policy.toml");
        let text = std::fs::read_to_string(&toml).with_context(|| format!("cannot read `{}`", toml.display()))?;
        let facts: PackageToml = toml::from_str(&text).with_context(|| format!("`{}`", toml.display()))?;
        let committed = std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
        let same_bytes = committed == built.bytes;
        let now = &built.tool.version;
        if same_bytes || (built.tool.reproducible && facts.toolchain == *now) {
            println!("{} {}", if same_bytes { "the same bytes    " } else { "DIFFERENT BYTES   " }, built.name);
            return Ok(same_bytes);
        }
        let sandbox = data::sandbox()?;
        let limits = Limits::default().patient();
        let (old, new) = (sandbox.load(&committed)?, sandbox.load(&built.bytes)?);
        let cases = golden::load(built.cases.as_deref().context("the package has no cases to compare by")?)?;
        let (asked, differing) = cases::compared(&old, &new, &cases, &limits);
        let report = cases::run(&[(new, "{}".to_owned())], &cases, &limits, || ());
        let same_rulings = report.failed == 0 && report.passed > 0 && differing.is_empty();
        let why = if facts.toolchain == *now {
            format!("`{now}` does not give the same bytes twice, so rulings are compared")
        } else {
            format!("built with `{now}`, committed with `{}`", facts.toolchain)
        };
        println!(
            "{} {}: {why}; of {asked} cases {} answered otherwise; {} passed, {} failed",
            if same_rulings { "the same rulings  " } else { "DIFFERENT RULINGS " },
            built.name,
            differing.len(),
            report.passed,
            report.failed
        );
        differing.iter().take(LISTED_MAX).for_each(|case| println!("  {case}"));
        Ok(same_rulings)
    }
}

/// Refuses what `ombud check` would refuse of the component without asking it any case: what is written could not be uploaded.
fn accepted(built: &package::Built) -> Result<()> {
    let sandbox = data::sandbox()?;
    let (mut steps, inspection) = gate::look(&sandbox, &built.bytes);
    if inspection.is_some() {
        let plugin = sandbox.load(&built.bytes)?;
        steps.extend(gate::of_schema(&plugin, &Limits::default().patient()));
    }
    if let Some(step) = gate::refusal(&steps) {
        bail!("`ombud check` would refuse it at `{}`: {}\n  {}", step.name, step.text, step.problems.join("\n  "));
    }
    Ok(())
}
