//! JavaScript and TypeScript policies: componentize-js puts the script and an engine into one component.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use ombud_sandbox::PackageFacts;
use serde::Deserialize;

use super::{Made, PluginMetadata, Tool, contract, run};

/// What `package.json` says.
#[derive(Deserialize)]
struct Manifest {
    name: String,
    version: String,
    license: Option<String>,
    description: Option<String>,
    author: Option<Author>,
    ombud: PluginMetadata,
}

/// Who wrote it: `Name <mail>`, or an object with the name.
#[derive(Deserialize)]
#[serde(untagged)]
enum Author {
    Text(String),
    Person { name: String },
}

/// The version that another `package.json` says.
#[derive(Deserialize)]
struct Version {
    version: String,
}

/// Where a policy in plain JavaScript begins.
const PLAIN: &str = "src/policy.js";
const TOOL: &str = "node_modules/@bytecodealliance/componentize-js/package.json";
/// The oldest Node.js that componentize-js runs on.
const NODE_MAJOR_MIN: u32 = 20;
const INSTALL: &str = "install Node.js 20 or newer with npm, for instance `apt-get install nodejs npm` of Debian 13";
/// Everything that is not the contract is left out: a policy has no clock, no randomness and no network.
const SCRIPT: &str = "// Written by `ombud build`.
import { componentize } from '@bytecodealliance/componentize-js';
import { writeFile } from 'node:fs/promises';
const [sourcePath, witPath, worldName, out] = process.argv.slice(2);
const disableFeatures = ['random', 'stdio', 'clocks', 'http', 'fetch-event'];
try {
  const { component } = await componentize({ sourcePath, witPath, worldName, disableFeatures });
  await writeFile(out, component);
} catch (error) {
  // Where in the tool it was found is no business of the author's.
  console.error(error.message);
  process.exit(1);
}
";

/// The 20 of `v20.18.1`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Builds the policy in `folder`.
pub fn build(folder: &Path) -> Result<Made> {
    let folder = run::absolute(folder)?;
    let text = std::fs::read_to_string(folder.join("package.json")).context("cannot read `package.json`")?;
    let manifest: Manifest = serde_json::from_str(&text).context("`package.json`: it needs name, version and `ombud` with the kind")?;
    let world = manifest.ombud.world()?;
    let files = manifest.ombud.contract()?;
    let Some(node) = run::on_path("node") else {
        bail!("no `node`: {INSTALL}");
    };
    let version = run::run(Command::new(&node).arg("--version"), "node")?;
    if major(&version).is_none_or(|major| major < NODE_MAJOR_MIN) {
        bail!("`{}` is {}: {INSTALL}", node.display(), version.trim());
    }
    let installed: Version = match std::fs::read_to_string(folder.join(TOOL)) {
        Ok(text) => serde_json::from_str(&text).with_context(|| format!("`{TOOL}`"))?,
        Err(_) => bail!("componentize-js is not installed: run `npm install` in `{}`", folder.display()),
    };
    let build = folder.join("build");
    contract::write_into(&build.join("wit"), files)?;
    std::fs::write(build.join("componentize.mjs"), SCRIPT)?;
    let source = if folder.join("tsconfig.json").is_file() {
        let tsc = "node_modules/typescript/bin/tsc";
        if !folder.join(tsc).is_file() {
            bail!("TypeScript is not installed: run `npm install` in `{}`", folder.display());
        }
        run::run(Command::new(&node).args([tsc, "-p", "tsconfig.json"]).current_dir(&folder), "the types of the policy")?;
        "build/js/policy.js"
    } else {
        if !folder.join(PLAIN).is_file() {
            bail!("`{}` has neither `tsconfig.json`, as TypeScript has, nor `{PLAIN}`", folder.display());
        }
        PLAIN
    };
    let out = "build/policy.wasm";
    run::run(
        Command::new(&node).args(["build/componentize.mjs", source, "build/wit", &world, out]).current_dir(&folder),
        "componentize-js could not build the policy",
    )?;
    let component = std::fs::read(folder.join(out)).with_context(|| format!("componentize-js wrote no `{out}`"))?;
    let version = format!("componentize-js {}", installed.version);
    let tool = Tool { described: version.clone(), version, reproducible: false };
    let package = PackageFacts {
        name: manifest.name,
        version: manifest.version,
        license: manifest.license,
        source: manifest.ombud.source.clone(),
        description: manifest.description,
        author: super::authors(manifest.author.into_iter().map(|(Author::Text(name) | Author::Person { name })| name)),
        kinds: None,
    };
    Ok(Made { package, plugin: manifest.ombud, component, tool })
}
