//! Policies as commands are given them: a component, a package's folder, or a folder of packages.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use ombud_sandbox::{Limits, Plugin, Sandbox};

use super::check::files;
use super::table;
use crate::registry::PackageToml;

/// A policy's files, read and not yet judged.
pub(super) struct Files {
    /// As it was named.
    pub path: PathBuf,
    /// The component's file.
    pub component: PathBuf,
    /// The component.
    pub bytes: Vec<u8>,
    /// `policy.toml`, in a folder that has one; the error says why it cannot be read.
    pub toml: Option<Result<PackageToml>>,
    /// `settings.json`; none where there is no such file.
    pub settings: Option<String>,
    /// Cases that stand beside the policy and not in its component: those of a table.
    pub cases: Option<String>,
}

/// Where the packages that come with the host are.
const POLICIES: &str = "policies";
/// The package that runs decision tables.
const TABLE: &str = "table";

impl Files {
    /// The settings to run with: the file's, else the policy's defaults.
    pub fn settings(&self) -> &str {
        self.settings.as_deref().unwrap_or("{}")
    }
}

/// The paths, with each folder of packages replaced by its packages.
pub(super) fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut expanded = Vec::new();
    for path in paths {
        if !path.is_dir() || path.join("policy.toml").is_file() || table::is_table(path) || component_in(path)?.is_some() {
            expanded.push(path.clone());
            continue;
        }
        let is_package = |folder: &PathBuf| folder.join("policy.toml").is_file() || (folder.is_dir() && table::is_table(folder));
        let mut packages: Vec<PathBuf> = entries(path)?.into_iter().filter(is_package).collect();
        packages.sort();
        if packages.is_empty() {
            bail!("`{}` holds no component (`.wasm`) and no policy packages: `ombud build` writes them", path.display());
        }
        expanded.extend(packages);
    }
    Ok(expanded)
}

/// Reads the files of a policy.
pub(super) fn read(path: &Path) -> Result<Files> {
    if table::is_table(path) {
        return read_table(path);
    }
    let read = |component: PathBuf| -> Result<(PathBuf, Vec<u8>)> {
        match std::fs::read(&component) {
            Ok(bytes) => Ok((component, bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                bail!("cannot read `{}`: it is not there; `ombud build` writes components and their folders", component.display())
            }
            Err(error) => Err(error).with_context(|| format!("cannot read `{}`", component.display())),
        }
    };
    if !path.is_dir() {
        let (component, bytes) = read(path.to_path_buf())?;
        return Ok(Files { path: path.to_path_buf(), component, bytes, toml: None, settings: None, cases: None });
    }
    let toml = match std::fs::read_to_string(path.join("policy.toml")) {
        Ok(text) => Some(toml::from_str::<PackageToml>(&text).context("`policy.toml`")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}/policy.toml`", path.display())),
    };
    let named = toml.as_ref().and_then(|toml| toml.as_ref().ok()).map(|toml| path.join(&toml.component));
    let component = match named {
        Some(named) => named,
        None => {
            component_in(path)?.with_context(|| format!("`{}` holds no component (`.wasm`): `ombud build` writes it", path.display()))?
        }
    };
    let (component, bytes) = read(component)?;
    let settings = match std::fs::read_to_string(path.join("settings.json")) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}/settings.json`", path.display())),
    };
    Ok(Files { path: path.to_path_buf(), component, bytes, toml, settings, cases: None })
}

/// A decision table: the component that runs tables, with the table as its settings and the cases beside it.
fn read_table(path: &Path) -> Result<Files> {
    let tables = match table::read(path)? {
        Ok(tables) => tables,
        Err(problems) => {
            let listed: Vec<String> = problems.iter().map(ToString::to_string).collect();
            bail!("`{}` is no table yet:\n  {}", path.display(), listed.join("\n  "));
        }
    };
    let folder = match std::env::var_os("OMBUD_POLICIES") {
        Some(named) => Path::new(&named).join(TABLE),
        None => {
            let own = Path::new(POLICIES).join(TABLE);
            in_checkout(&own, "policy.toml").unwrap_or(own)
        }
    };
    let package = read(&folder).with_context(|| {
        format!("the package that runs tables is not in `{}`: name the folder of packages with OMBUD_POLICIES", folder.display())
    })?;
    let beside = if path.is_dir() { path.join("cases.yaml") } else { path.with_file_name("cases.yaml") };
    let cases = match std::fs::read_to_string(&beside) {
        Ok(text) => Some(text),
        // The component's own cases are those of a policy without a table.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some("cases: []".to_owned()),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", beside.display())),
    };
    Ok(Files { path: path.to_path_buf(), settings: Some(table::settings(&tables)?), cases, ..package })
}

/// A folder of the checkout that the current folder or this program lies in, known by a file that it holds.
pub(super) fn in_checkout(folder: &Path, file: &str) -> Option<PathBuf> {
    let starts = [std::env::current_dir().ok(), std::env::current_exe().ok()];
    starts
        .into_iter()
        .flatten()
        .find_map(|start| start.ancestors().map(|above| above.join(folder)).find(|found| found.join(file).is_file()))
}

/// Loads a policy with the settings it runs with and the cases beside it. A folder whose files do not fit its component is refused.
pub(super) fn load(sandbox: &Sandbox, path: &Path) -> Result<(Plugin, String, Option<String>)> {
    load_files(sandbox, read(path)?)
}

/// The same of files that were read.
pub(super) fn load_files(sandbox: &Sandbox, files: Files) -> Result<(Plugin, String, Option<String>)> {
    fits(&files, files::package(&files))?;
    let plugin = sandbox.load(&files.bytes).with_context(|| format!("`{}` is refused", files.component.display()))?;
    Ok((plugin, files.settings().to_owned(), files.cases))
}

/// Refuses a folder for what is wrong with its files.
pub(super) fn fits(files: &Files, problems: impl IntoIterator<Item = String>) -> Result<()> {
    let problems: Vec<String> = problems.into_iter().collect();
    if !problems.is_empty() {
        bail!("`{}` does not fit together:\n  {}", files.path.display(), problems.join("\n  "));
    }
    Ok(())
}

/// Has a policy take settings, or says what it refuses of them.
pub(super) fn accept_settings(plugin: &Plugin, settings: &str, limits: &Limits, name: &str) -> Result<()> {
    match plugin.check_settings(settings, limits).result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(problems)) => {
            let list: Vec<String> = problems.iter().map(|problem| format!("`{}`: {}", problem.path, problem.message)).collect();
            bail!("`{name}` refuses its settings:\n  {}", list.join("\n  "))
        }
        Err(fault) => bail!("`{name}` gave no answer about its settings: {fault}"),
    }
}

fn component_in(folder: &Path) -> Result<Option<PathBuf>> {
    let mut components: Vec<PathBuf> =
        entries(folder)?.into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "wasm")).collect();
    components.sort();
    if components.len() > 1 {
        bail!("`{}` holds several components: name the one that is meant", folder.display());
    }
    Ok(components.pop())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}
