//! `ombud build`: a plugin crate becomes a package folder.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;

use super::{EXIT_FINDINGS, EXIT_OK};
use crate::package;
use crate::registry::PackageToml;

/// Arguments of `ombud build`.
#[derive(Args)]
pub(super) struct Build {
    /// Plugin crates, for example `plugins/after-sale`.
    #[arg(required = true)]
    crates: Vec<PathBuf>,
    /// Folder under which each package gets a folder with its crate's name.
    #[arg(long, default_value = "policies")]
    out: PathBuf,
    /// Where cargo keeps its files between builds.
    #[arg(long, default_value = "target/plugins")]
    target: PathBuf,
    /// Write nothing; fail if a package's component differs from what its source gives.
    #[arg(long)]
    verify: bool,
}

impl Build {
    pub(super) fn run(self) -> Result<u8> {
        let mut differing = 0;
        let target = std::path::absolute(&self.target)?;
        for folder in &self.crates {
            let built = package::build(folder, &target)?;
            let out = self.out.join(&built.name);
            let file = out.join(format!("{}.wasm", built.name));
            let digest = hex::encode(built.inspection.digest);
            if self.verify {
                let same = std::fs::read(&file).is_ok_and(|old| old == built.bytes);
                println!("{} {} {} bytes {digest}", if same { "same     " } else { "DIFFERENT" }, built.name, built.bytes.len());
                differing += u32::from(!same);
                continue;
            }
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
                decides: built.inspection.decides.clone(),
                reviews: built.inspection.reviews.clone(),
            };
            std::fs::write(out.join("policy.toml"), toml::to_string(&facts)?)?;
            if let Some(schema) = &built.inspection.settings_schema {
                std::fs::write(out.join("settings.schema.json"), schema)?;
            }
            println!("{} {} bytes, sha256 {digest}, with {}", file.display(), built.bytes.len(), built.toolchain.describe());
        }
        Ok(if differing == 0 { EXIT_OK } else { EXIT_FINDINGS })
    }
}
