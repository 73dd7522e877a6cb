//! From a policy's folder to a published package: build the component with its language's tools, write into it what it says of itself.

mod component;
mod contract;
mod javascript;
mod python;
mod run;
mod rust;
mod toolchain;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use ombud_core::declared::DeclaredRules;
use ombud_core::golden;
use ombud_sandbox::{Inspection, LoadLimits, PackageFacts};
use serde::Deserialize;

pub use component::append as append_section;
pub use contract::{VERSIONS as CONTRACTS, files as contract_files};
pub use toolchain::{BuildError, TARGET, Toolchain};

/// What a policy says of itself to the build: `[package.metadata.ombud]`, `"ombud"` of `package.json`, `[tool.ombud]`. Paths are relative to
/// the folder.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PluginMetadata {
    /// The kind it decides; in Rust the code says so.
    kind: Option<String>,
    /// The contract's version that it is written for, `1.0` if it is not named; in Rust the SDK's features say so.
    contract: Option<String>,
    /// Golden cases, of which those of the component's kinds go into the package.
    cases: Option<PathBuf>,
    /// JSON Schema of the settings.
    settings_schema: Option<PathBuf>,
    /// JSON: the rules that it looks at, by kind, in its order.
    rules: Option<PathBuf>,
    /// Where the source can be read.
    source: Option<String>,
}

/// The kinds that a policy of one kind can have.
pub const KINDS: [&str; 4] = ["after-sale", "delay", "blacklist", "reply"];

impl PluginMetadata {
    /// The contract's files that it is built with.
    fn contract(&self) -> Result<&'static [(&'static str, &'static str)]> {
        contract::files(self.contract.as_deref().unwrap_or(CONTRACTS[0])).context("`contract`")
    }

    /// The world of the contract that the policy implements.
    fn world(&self) -> Result<String> {
        match self.kind.as_deref() {
            Some(kind) if KINDS.contains(&kind) => Ok(format!("{kind}-policy")),
            Some(kind) => bail!("`{kind}` is no kind: {}", KINDS.join(", ")),
            None => bail!("the kind is not named: `kind`, one of {}", KINDS.join(", ")),
        }
    }
}

/// Authors as the component names them; none where the manifest names nobody.
fn authors(names: impl IntoIterator<Item = String>) -> Option<String> {
    let names: Vec<String> = names.into_iter().collect();
    if names.is_empty() { None } else { Some(names.join(", ")) }
}

/// What a component was built with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Named exactly.
    pub version: String,
    /// Whether the same version gives the same bytes: componentize-js and componentize-py put a memory into the component that they filled by running,
    /// and fill it otherwise each time.
    pub reproducible: bool,
    /// One line for people.
    pub described: String,
}

/// A component without what it says of itself.
struct Made {
    package: PackageFacts,
    plugin: PluginMetadata,
    component: Vec<u8>,
    tool: Tool,
}

/// A built package.
pub struct Built {
    /// The policy's name.
    pub name: String,
    /// The component.
    pub bytes: Vec<u8>,
    /// The cases that went in.
    pub cases: Option<String>,
    /// What the component is.
    pub inspection: Inspection,
    /// What it was built with.
    pub tool: Tool,
}

/// Builds the policy in `folder`, in the language that its manifest tells. `target_folder` keeps cargo's files between builds.
pub fn build(folder: &Path, target_folder: &Path) -> Result<Built> {
    let has = |name: &str| folder.join(name).is_file();
    let made = if has("Cargo.toml") {
        rust::build(folder, target_folder)?
    } else if has("package.json") {
        javascript::build(folder)?
    } else if has("pyproject.toml") {
        python::build(folder)?
    } else {
        bail!(
            "`{}` is no policy: it has no `Cargo.toml` (Rust), `package.json` (JavaScript, TypeScript) or `pyproject.toml` (Python)",
            folder.display()
        );
    };
    let read = |path: &Option<PathBuf>| -> Result<Option<String>> {
        let Some(path) = path else { return Ok(None) };
        let path = folder.join(path);
        Ok(Some(std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?))
    };
    let name = made.package.name.clone();
    let (settings_schema, rules) = (read(&made.plugin.settings_schema)?, read(&made.plugin.rules)?);
    if let Some(rules) = &rules {
        DeclaredRules::parse(rules).map_err(|why| anyhow!("the rules: {why}"))?;
    }
    let mut extras = component::Extras { package: made.package, settings_schema, cases: None, rules };
    let limits = LoadLimits::default();
    // A first look at the component says which kinds it has, and so which cases belong to it.
    let bare = ombud_sandbox::inspect(&made.component, &limits)?;
    extras.cases = match read(&made.plugin.cases)? {
        Some(cases) => Some(cases_of(&cases, &bare)?),
        None => None,
    };
    let bytes = component::finish(made.component, &extras)?;
    let inspection = ombud_sandbox::inspect(&bytes, &limits)?;
    Ok(Built { name, bytes, cases: extras.cases, inspection, tool: made.tool })
}

/// The cases of the component's kinds, with the base fixture.
fn cases_of(text: &str, inspection: &Inspection) -> Result<String> {
    // What is wrong with a case of any kind is told now: those of no kind would go nowhere without a word.
    golden::load(text).context("the cases")?;
    let mut file = ombud_core::yaml::read(text).map_err(|error| anyhow!("the cases are not YAML: {error}"))?;
    let kinds = if inspection.decides.is_empty() { &inspection.reviews } else { &inspection.decides };
    let cases = file
        .get_mut("cases")
        .and_then(serde_norway::Value::as_sequence_mut)
        .ok_or_else(|| anyhow!("the cases file has no list `cases`"))?;
    cases.retain(|case| case.get("kind").and_then(serde_norway::Value::as_str).is_some_and(|kind| kinds.iter().any(|own| own == kind)));
    if cases.is_empty() {
        bail!("the cases file has no case of kind {}", kinds.join(", "));
    }
    Ok(serde_norway::to_string(&file)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_would_go_nowhere_is_refused() {
        let component = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/reply/reply.wasm");
        let inspection = ombud_sandbox::inspect(&std::fs::read(component).unwrap(), &LoadLimits::default()).unwrap();
        let given = |kind: &str| if kind == "reply" { "{text: 您好}" } else { "{episodes: [{kind: shipping, overdue-h: 1, paid: 100}]}" };
        let case = |kind: &str| format!("- {{id: {kind}, kind: {kind}, title: t, given: {}, expect: {{rules: []}}}}\n", given(kind));
        let of = |kinds: &[&str]| cases_of(&format!("cases:\n{}", kinds.iter().copied().map(case).collect::<String>()), &inspection);
        let kept = of(&["reply", "delay"]).unwrap();
        assert!(kept.contains("id: reply") && !kept.contains("id: delay"), "{kept}");
        assert_eq!(of(&["delay"]).unwrap_err().to_string(), "the cases file has no case of kind reply");
        let misspelt = format!("{:#}", of(&["reply", "repl"]).unwrap_err());
        assert!(misspelt.contains("golden case `repl`"), "{misspelt}");
    }
}
