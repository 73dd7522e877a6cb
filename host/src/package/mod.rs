//! From a plugin crate to a published package: build the module, wrap it as a component, write it with its cases.

mod component;
mod toolchain;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use ombud_sandbox::{Inspection, Limits, PackageFacts};
use serde::Deserialize;

pub use toolchain::{BuildError, TARGET, Toolchain};

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

/// `[package.metadata.ombud]`: paths relative to the crate.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PluginMetadata {
    /// Golden cases, of which those of the component's kinds go into the package.
    cases: Option<PathBuf>,
    /// JSON Schema of the settings.
    settings_schema: Option<PathBuf>,
    /// Where the source can be read.
    source: Option<String>,
}

/// A built package.
pub struct Built {
    /// The crate's name.
    pub name: String,
    /// The component.
    pub bytes: Vec<u8>,
    /// The cases that went in.
    pub cases: Option<String>,
    /// What the component is.
    pub inspection: Inspection,
    /// What it was built with.
    pub toolchain: Toolchain,
}

/// Builds the plugin crate in `folder`. `target_folder` keeps cargo's files between builds.
pub fn build(folder: &Path, target_folder: &Path) -> Result<Built> {
    let manifest_path = folder.join("Cargo.toml");
    let (krate, folders) = describe(&manifest_path)?;
    let toolchain = Toolchain::probe()?;
    let module_path = toolchain.build(&manifest_path, &krate.name, target_folder, &folders)?;
    let module =
        std::fs::read(&module_path).with_context(|| format!("cargo wrote no `{}`: is the crate-type `cdylib`?", module_path.display()))?;

    let plugin = krate.metadata.unwrap_or_default().ombud;
    let read = |path: &Option<PathBuf>| -> Result<Option<String>> {
        let Some(path) = path else { return Ok(None) };
        let path = folder.join(path);
        Ok(Some(std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?))
    };
    let package = PackageFacts {
        name: krate.name.clone(),
        version: krate.version,
        license: krate.license,
        source: plugin.source.clone(),
        description: krate.description,
    };
    let mut extras = component::Extras { package, settings_schema: read(&plugin.settings_schema)?, cases: None };
    let limits = Limits::default();
    // A first look at the component says which kinds it has, and so which cases belong to it.
    let bare = ombud_sandbox::inspect(&component::finish(&module, &extras)?, &limits)?;
    extras.cases = match read(&plugin.cases)? {
        Some(cases) => Some(cases_of(&cases, &bare)?),
        None => None,
    };
    let bytes = component::finish(&module, &extras)?;
    let inspection = ombud_sandbox::inspect(&bytes, &limits)?;
    Ok(Built { name: krate.name, bytes, cases: extras.cases, inspection, toolchain })
}

/// The crate of `manifest`, and the folders of this machine that it is built from, each with the name to show in its place.
fn describe(manifest: &Path) -> Result<(CargoPackage, Vec<(PathBuf, String)>)> {
    let wanted = manifest.canonicalize().with_context(|| format!("no plugin crate: cannot read `{}`", manifest.display()))?;
    let out = std::process::Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--filter-platform", TARGET, "--manifest-path"])
        .arg(&wanted)
        .output()
        .context("cargo cannot be started")?;
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

/// The cases of the component's kinds, with the base fixture.
fn cases_of(text: &str, inspection: &Inspection) -> Result<String> {
    let mut file: serde_norway::Value = serde_norway::from_str(text).context("the cases are not YAML")?;
    let kinds = if inspection.decides.is_empty() { &inspection.reviews } else { &inspection.decides };
    let cases = file
        .get_mut("cases")
        .and_then(serde_norway::Value::as_sequence_mut)
        .ok_or_else(|| anyhow!("the cases file has no list `cases`"))?;
    cases.retain(|case| case.get("kind").and_then(serde_norway::Value::as_str).is_some_and(|kind| kinds.iter().any(|own| own == kind)));
    Ok(serde_norway::to_string(&file)?)
}
