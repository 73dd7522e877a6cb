//! Policy packages on disk: every folder below `policies/` with a `policy.toml`. One package that cannot be loaded is
//! reported and hides none of the others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use ombud_ledger::Digest;
use ombud_sandbox::{Plugin, Sandbox};
use serde::{Deserialize, Serialize};

/// `policy.toml`: what a package says of itself; written by `ombud build`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageToml {
    /// The policy's name.
    pub name: String,
    /// Its readable version.
    pub version: String,
    /// The component's file, beside this one.
    pub component: PathBuf,
    /// SHA-256 of the component, hex.
    pub sha256: String,
    /// What the component was built with: the same toolchain gives the same bytes, those of JavaScript and Python apart.
    #[serde(default)]
    pub toolchain: String,
    /// Kinds it decides.
    pub decides: Vec<String>,
    /// Kinds it reviews as a guardrail.
    pub reviews: Vec<String>,
}

/// A package with its component, or why it has none.
#[derive(Clone, Debug)]
pub struct Package {
    /// The policy's name; the folder's where `policy.toml` cannot be read.
    pub name: String,
    /// Its readable version.
    pub version: String,
    /// The component's identity.
    pub digest: Digest,
    /// The component's bytes.
    pub bytes: Vec<u8>,
    /// Default settings.
    pub settings: String,
    /// The plugin, or why it is not loaded.
    pub plugin: Result<Plugin, String>,
}

impl Package {
    /// The contract that its component was built for; empty where it is not loaded.
    pub fn contract(&self) -> &str {
        self.plugin.as_ref().map_or("", |plugin| &plugin.inspection().contract)
    }
}

/// Every package below a folder, by name.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// The packages.
    pub packages: BTreeMap<String, Package>,
}

impl Registry {
    /// Loads every package. Errors only if the folder itself cannot be read.
    pub fn load(folder: &Path, sandbox: &Sandbox) -> Result<Self> {
        Self::load_those(folder, sandbox, |_| true)
    }

    /// Loads the packages that `wanted` picks by what they say of themselves; what says nothing readable is always tried.
    pub fn load_those(folder: &Path, sandbox: &Sandbox, wanted: impl Fn(&PackageToml) -> bool) -> Result<Self> {
        let entries = std::fs::read_dir(folder)
            .with_context(|| format!("cannot read the policies folder `{}`: name it with --policies", folder.display()))?;
        let mut packages = BTreeMap::new();
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.join("policy.toml").is_file()) {
            if read_toml(&path).is_ok_and(|facts| !wanted(&facts)) {
                continue;
            }
            let package = load_package(&path, sandbox).unwrap_or_else(|error| {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                tracing::error!(package = %path.display(), error = format!("{error:#}"), "a policy package cannot be loaded");
                Package {
                    name,
                    version: String::new(),
                    digest: Digest([0; 32]),
                    bytes: Vec::new(),
                    settings: "{}".into(),
                    plugin: Err(format!("{error:#}")),
                }
            });
            packages.insert(package.name.clone(), package);
        }
        Ok(Self { packages })
    }

    /// The platform's default for a kind: the package named like it, else the first whose plugin decides it.
    pub fn deciding(&self, kind: &str) -> Option<&Package> {
        let named = self
            .packages
            .get(kind)
            .filter(|package| package.plugin.as_ref().is_ok_and(|plugin| plugin.inspection().decides.iter().any(|own| own == kind)));
        if named.is_some() {
            return named;
        }
        self.packages
            .values()
            .find(|package| package.plugin.as_ref().is_ok_and(|plugin| plugin.inspection().decides.iter().any(|own| own == kind)))
    }

    /// The platform's guardrail: the package whose plugin reviews every kind.
    pub fn guardrail(&self) -> Option<&Package> {
        self.packages.values().find(|package| package.plugin.as_ref().is_ok_and(|plugin| plugin.inspection().reviews.len() == 4))
    }
}

fn read_toml(folder: &Path) -> Result<PackageToml> {
    let path = folder.join("policy.toml");
    toml::from_str(&std::fs::read_to_string(&path)?).with_context(|| format!("`{}`", path.display()))
}

fn load_package(folder: &Path, sandbox: &Sandbox) -> Result<Package> {
    let facts = read_toml(folder)?;
    let file = folder.join(&facts.component);
    let bytes = std::fs::read(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let digest = Digest(ombud_sandbox::digest(&bytes));
    if digest.to_string() != facts.sha256 {
        bail!("`{}` is not the component that `policy.toml` names: its SHA-256 is {digest}", file.display());
    }
    let plugin = sandbox.load(&bytes).map_err(|refused| refused.to_string());
    let settings = match std::fs::read_to_string(folder.join("settings.json")) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "{}".into(),
        Err(error) => return Err(error).with_context(|| format!("`{}/settings.json`", folder.display())),
    };
    Ok(Package { name: facts.name, version: facts.version, digest, bytes, settings, plugin })
}
