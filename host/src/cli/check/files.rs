//! What the files around a component say of it: `policy.toml`, the published schema and the published cases.

use serde_json::Value;

use super::super::packages::Files;
use crate::gate::Step;
use crate::registry::PackageToml;

/// Whether the files fit the component.
pub(in super::super) fn step(files: &Files) -> Step {
    let short: String = digest(files).chars().take(16).collect();
    let text = format!("{}, sha256 {short}…", files.component.file_name().unwrap_or_default().to_string_lossy());
    let mut problems = package(files);
    problems.extend(cases(files));
    Step::of("component", text, problems)
}

/// In what `policy.toml` and the published schema do not fit the component.
pub(in super::super) fn package(files: &Files) -> Vec<String> {
    match &files.toml {
        None => Vec::new(),
        Some(Err(error)) => vec![format!("{error:#}")],
        Some(Ok(toml)) if toml.sha256 != digest(files) => {
            vec![format!("`policy.toml` names another component, sha256 {}: run `ombud build` again", toml.sha256)]
        }
        Some(Ok(toml)) => contradictions(files, toml),
    }
}

/// What is wrong with the cases that `ombud build` published: those that the component carries are the ones that run. A table has no others than those
/// beside it, and a folder without `policy.toml` is nothing that was published.
pub(in super::super) fn cases(files: &Files) -> Option<String> {
    if files.cases.is_some() || files.toml.is_none() {
        return None;
    }
    let published = std::fs::read_to_string(files.path.join("cases.yaml")).ok()?;
    let own = ombud_sandbox::inspect(&files.bytes, &ombud_sandbox::LoadLimits::default()).ok()?.cases;
    let parsed = |text: &str| serde_norway::from_str::<serde_norway::Value>(text).ok();
    let same = parsed(&published).is_some_and(|published| Some(published) == own.as_deref().and_then(parsed));
    (!same).then(|| "`cases.yaml` is not the one the component carries, whose cases run: run `ombud build` again".to_owned())
}

fn digest(files: &Files) -> String {
    hex::encode(ombud_sandbox::digest(&files.bytes))
}

fn contradictions(files: &Files, toml: &PackageToml) -> Vec<String> {
    let mut problems = Vec::new();
    // What cannot be read is refused by the gate.
    let Ok(inspection) = ombud_sandbox::inspect(&files.bytes, &ombud_sandbox::LoadLimits::default()) else { return problems };
    let facts = inspection.package.unwrap_or_default();
    let mut compare = |what: &str, toml: String, own: String| {
        if toml != own {
            problems.push(format!("`policy.toml` says {what} `{toml}`, the component says `{own}`: run `ombud build` again"));
        }
    };
    compare("name", toml.name.clone(), facts.name);
    compare("version", toml.version.clone(), facts.version);
    compare("decides", toml.decides.join(", "), inspection.decides.join(", "));
    compare("reviews", toml.reviews.join(", "), inspection.reviews.join(", "));
    let published = std::fs::read_to_string(files.path.join("settings.schema.json")).ok();
    let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
    if let Some(published) = published
        && parsed(&published) != inspection.settings_schema.as_deref().and_then(parsed)
    {
        problems.push("`settings.schema.json` is not the one the component carries: run `ombud build` again".to_owned());
    }
    problems
}
