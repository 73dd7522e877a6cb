//! Rust policies: cargo builds a core module, the contract is wrapped around it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use ombud_sandbox::PackageFacts;
use serde::Deserialize;

use super::toolchain::{TARGET, Toolchain};
use super::{Made, PluginMetadata, Tool, component};

/// What `cargo metadata` says of a plugin crate, its workspace's inheritance resolved, and of all that it is built from.
#[derive(Deserialize)]
struct Workspace {
    packages: Vec<CargoPackage>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct CargoPackage {
    name: String,
    version: String,
    license: Option<String>,
    description: Option<String>,
    #[serde(default)]
    authors: Vec<String>,
    manifest_path: PathBuf,
    /// None where it comes from a folder of this machine.
    source: Option<String>,
    metadata: Option<CargoMetadata>,
}

#[derive(Default, Deserialize)]
struct CargoMetadata {
    #[serde(default)]
    ombud: PluginMetadata,
}

/// Builds the plugin crate in `folder`. `target_folder` keeps cargo's files between builds.
pub fn build(folder: &Path, target_folder: &Path) -> Result<Made> {
    let manifest_path = folder.join("Cargo.toml");
    let (krate, folders) = describe(&manifest_path)?;
    let toolchain = Toolchain::probe()?;
    let module_path = toolchain.build(&manifest_path, &krate.name, target_folder, &folders)?;
    let module =
        std::fs::read(&module_path).with_context(|| format!("cargo wrote no `{}`: is the crate-type `cdylib`?", module_path.display()))?;
    let plugin = krate.metadata.unwrap_or_default().ombud;
    if plugin.contract.is_some() {
        bail!("`contract` is not named in Cargo.toml: the features of `ombud-sdk` say it (`v1-1` for 1.1)");
    }
    let package = PackageFacts {
        name: krate.name,
        version: krate.version,
        license: krate.license,
        source: plugin.source.clone(),
        description: krate.description,
        author: super::authors(krate.authors),
        kinds: None,
    };
    let tool = Tool { version: toolchain.version(), reproducible: true, described: toolchain.describe() };
    Ok(Made { package, plugin, component: component::wrap(&module)?, tool })
}

/// The crate of `manifest`, and the folders of this machine that it is built from, each with the name to show in its place.
fn describe(manifest: &Path) -> Result<(CargoPackage, Vec<(PathBuf, String)>)> {
    let wanted = manifest.canonicalize().with_context(|| format!("no plugin crate: cannot read `{}`", manifest.display()))?;
    let out = std::process::Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--filter-platform", TARGET, "--manifest-path"])
        .arg(&wanted)
        .output()
        .context("cargo cannot be started: install Rust, for instance with rustup or `apt-get install cargo`")?;
    if !out.status.success() {
        bail!("cargo cannot read `{}`: {}", manifest.display(), String::from_utf8_lossy(&out.stderr).trim());
    }
    let workspace: Workspace = serde_json::from_slice(&out.stdout).context("cargo metadata")?;
    let mut folders = vec![(workspace.workspace_root.clone(), ".".to_owned())];
    // Dependencies by path may lie outside the workspace, as the SDK does for a crate of its own.
    for package in workspace.packages.iter().filter(|package| package.source.is_none()) {
        folders.extend(
            package
                .manifest_path
                .parent()
                .filter(|folder| !folder.starts_with(&workspace.workspace_root))
                .map(|folder| (folder.to_owned(), package.name.clone())),
        );
    }
    let krate = workspace
        .packages
        .into_iter()
        .find(|package| package.manifest_path == wanted)
        .ok_or_else(|| anyhow!("`{}` is a workspace, not a plugin crate", manifest.display()))?;
    Ok((krate, folders))
}
