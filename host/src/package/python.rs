//! Python policies: componentize-py puts the modules and an interpreter into one component.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use ombud_sandbox::PackageFacts;
use serde::Deserialize;

use super::{Made, PluginMetadata, Tool, contract, run};

/// What `pyproject.toml` says.
#[derive(Deserialize)]
struct Manifest {
    project: Project,
    tool: Tools,
}

#[derive(Deserialize)]
struct Project {
    name: String,
    version: String,
    license: Option<String>,
    description: Option<String>,
    #[serde(default)]
    authors: Vec<Author>,
}

#[derive(Deserialize)]
struct Author {
    name: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize)]
struct Tools {
    ombud: PluginMetadata,
}

/// Builds the policy in `folder`: the module `policy` in `src`.
pub fn build(folder: &Path) -> Result<Made> {
    let folder = run::absolute(folder)?;
    let text = std::fs::read_to_string(folder.join("pyproject.toml")).context("cannot read `pyproject.toml`")?;
    let manifest: Manifest =
        toml::from_str(&text).context("`pyproject.toml`: it needs name and version in [project] and the kind in [tool.ombud]")?;
    let plugin = manifest.tool.ombud;
    let world = plugin.world()?;
    let files = plugin.contract()?;
    let Some(tool) = find(&folder) else {
        bail!(
            "componentize-py is not installed: run `python3 -m venv .venv && .venv/bin/pip install -r requirements.txt` in `{}` \
             (Python 3.10 or newer, for instance `apt-get install python3 python3-venv`)",
            folder.display()
        );
    };
    let said = run::run(Command::new(&tool).arg("--version"), "componentize-py")?;
    let build = folder.join("build");
    contract::write_into(&build.join("wit"), files)?;
    let out = "build/policy.wasm";
    run::run(
        Command::new(&tool)
            // A mistake in the policy is told by Python; where in the tool it was found is no business of the author's.
            .env_remove("RUST_BACKTRACE")
            .args(["-d", "build/wit", "-w", &world, "componentize", "-p", "src", "--stub-wasi", "policy", "-o", out])
            .current_dir(&folder),
        "componentize-py could not build the policy",
    )?;
    let component = std::fs::read(folder.join(out)).with_context(|| format!("componentize-py wrote no `{out}`"))?;
    let version = said.trim().to_owned();
    let package = PackageFacts {
        name: manifest.project.name,
        version: manifest.project.version,
        license: manifest.project.license,
        source: plugin.source.clone(),
        description: manifest.project.description,
        author: super::authors(manifest.project.authors.into_iter().filter_map(|author| author.name.or(author.email))),
        kinds: None,
    };
    Ok(Made { package, plugin, component, tool: Tool { described: version.clone(), version, reproducible: false } })
}

/// The tool of the folder's own environment, else the one on the path.
fn find(folder: &Path) -> Option<PathBuf> {
    let own = folder.join(".venv/bin/componentize-py");
    if own.is_file() { Some(own) } else { run::on_path("componentize-py") }
}
