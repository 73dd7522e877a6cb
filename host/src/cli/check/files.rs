//! What the files around a component say of it: `policy.toml` and the published schema.

use serde_json::Value;

use super::super::packages::Files;
use crate::gate::Step;
use crate::registry::PackageToml;

/// Whether the files fit the component.
pub(super) fn step(files: &Files) -> Step {
    let digest = hex::encode(ombud_sandbox::digest(&files.bytes));
    let short: String = digest.chars().take(16).collect();
    let text = format!("{}, sha256 {short}…", files.component.file_name().unwrap_or_default().to_string_lossy());
    let problems = match &files.toml {
        None => Vec::new(),
        Some(Err(error)) => vec![format!("{error:#}")],
        Some(Ok(toml)) if toml.sha256 != digest => {
            vec![format!("`policy.toml` names another component, sha256 {}: run `ombud build` again", toml.sha256)]
        }
        Some(Ok(toml)) => contradictions(files, toml),
    };
    Step::of("component", text, problems)
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
