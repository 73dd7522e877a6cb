//! The steps of a check, in the order in which a policy passes them.

use std::time::Instant;

use ombud_core::golden::{self, GoldenCase};
use ombud_sandbox::{Facts, Limits, Plugin, Sandbox};
use serde_json::Value;

use super::super::packages::Files;
use super::super::progress::Progress;
use super::super::screen;
use super::{Status, Step, bounds, edges};
use crate::cases::{self, Question};

/// Differences listed for one step; the rest is counted.
const LISTED_MAX: usize = 20;

/// Every step of a policy. Once the component does not load, the steps that need it are skipped.
pub(super) fn all(files: &Files, sandbox: &Sandbox, limits: &Limits) -> Vec<Step> {
    let mut steps = vec![package(files)];
    let began = Instant::now();
    let waiting = Progress::waiting("compiling the component");
    let loaded = sandbox.load(&files.bytes);
    drop(waiting);
    let plugin = match loaded {
        Ok(plugin) => plugin,
        Err(refused) => {
            steps.push(Step::failed("contract", format!("the component is refused: {}", refused.code()), vec![refused.to_string()]));
            for name in ["metadata", "schema", "settings", "bounds", "cases", "repeat", "edges"] {
                steps.push(Step {
                    name,
                    status: Status::Skipped,
                    text: "the component does not load".into(),
                    problems: Vec::new(),
                    findings: None,
                });
            }
            return steps;
        }
    };
    let compiled = began.elapsed();
    steps.push(contract(&plugin));
    steps.push(Step::passed(
        "limits",
        format!(
            "{} of {} bytes, compiled in {}",
            files.bytes.len(),
            sandbox.limits().component_bytes_max,
            screen::millis(compiled.as_micros())
        ),
    ));
    steps.push(metadata(files, &plugin));
    let (step, schema) = schema(files, &plugin);
    steps.push(step);
    steps.push(settings(files, &plugin, schema.as_ref(), limits));
    steps.push(bounds::step(&plugin, schema.as_ref(), limits));
    let at_edges = edges::step(&plugin, files.settings(), limits);
    match own_cases(files, &plugin) {
        Ok(Some(own)) if own.is_empty() => steps.push(Step::warning("cases", "there are none: write a `cases.yaml` beside the table")),
        Ok(Some(own)) => {
            let plugins = [(plugin, files.settings().to_owned())];
            steps.push(run_cases(&plugins, &own, limits));
            steps.push(repeat(&plugins, &own, limits));
        }
        Ok(None) => {
            steps.push(Step::warning("cases", "the component carries none: name them in its Cargo.toml, `[package.metadata.ombud]`"))
        }
        Err(problem) => steps.push(Step::failed("cases", "cannot be read", vec![problem])),
    }
    steps.extend(at_edges);
    steps
}

/// What `policy.toml` says of the component's bytes.
fn package(files: &Files) -> Step {
    let digest = hex::encode(ombud_sandbox::digest(&files.bytes));
    let short: String = digest.chars().take(16).collect();
    let text = format!("{}, sha256 {short}…", files.component.file_name().unwrap_or_default().to_string_lossy());
    match &files.toml {
        None => Step::passed("component", text),
        Some(Err(error)) => Step::failed("component", text, vec![format!("{error:#}")]),
        Some(Ok(toml)) if toml.sha256 == digest => Step::passed("component", text),
        Some(Ok(toml)) => Step::failed(
            "component",
            text,
            vec![format!("`policy.toml` names another component, sha256 {}: run `ombud build` again", toml.sha256)],
        ),
    }
}

fn contract(plugin: &Plugin) -> Step {
    let inspection = plugin.inspection();
    let mut parts = vec![inspection.contract.clone()];
    if !inspection.decides.is_empty() {
        parts.push(format!("decides {}", inspection.decides.join(", ")));
    }
    if !inspection.reviews.is_empty() {
        parts.push(format!("reviews {}", inspection.reviews.join(", ")));
    }
    parts.push(format!("imports {}", if inspection.imports.is_empty() { "nothing".to_owned() } else { inspection.imports.join(", ") }));
    Step::passed("contract", parts.join("; "))
}

fn metadata(files: &Files, plugin: &Plugin) -> Step {
    let inspection = plugin.inspection();
    let Some(facts) = &inspection.package else {
        return Step::warning("metadata", "the component says neither its name nor its version: `ombud build` writes them");
    };
    let mut problems = Vec::new();
    if let Some(Ok(toml)) = &files.toml {
        let mut compare = |what: &str, toml: String, own: String| {
            if toml != own {
                problems.push(format!("`policy.toml` says {what} `{toml}`, the component says `{own}`: run `ombud build` again"));
            }
        };
        compare("name", toml.name.clone(), facts.name.clone());
        compare("version", toml.version.clone(), facts.version.clone());
        compare("decides", toml.decides.join(", "), inspection.decides.join(", "));
        compare("reviews", toml.reviews.join(", "), inspection.reviews.join(", "));
    }
    let license = facts.license.as_deref().unwrap_or("no licence");
    let text = format!("{} {}, {license}", facts.name, facts.version);
    if problems.is_empty() && facts.license.is_none() {
        return Step::warning("metadata", format!("{text}: nobody may use it without one"));
    }
    Step::of("metadata", text, problems)
}

/// The settings schema the component carries, if it is one.
fn schema(files: &Files, plugin: &Plugin) -> (Step, Option<Value>) {
    let Some(text) = &plugin.inspection().settings_schema else {
        return (Step::warning("schema", "the component carries no settings schema: its settings cannot be edited with help"), None);
    };
    let schema: Value = match serde_json::from_str(text) {
        Ok(schema) => schema,
        Err(error) => return (Step::failed("schema", "is not JSON", vec![error.to_string()]), None),
    };
    let mut problems = Vec::new();
    if let Err(error) = jsonschema::draft202012::meta::validate(&schema) {
        problems.push(format!("not a JSON Schema of 2020-12: {error} at `{}`", error.instance_path()));
    }
    let beside = files.path.join("settings.schema.json");
    if let Ok(published) = std::fs::read_to_string(&beside)
        && serde_json::from_str::<Value>(&published).ok().as_ref() != Some(&schema)
    {
        problems.push("`settings.schema.json` is not the one the component carries: run `ombud build` again".to_owned());
    }
    let properties = schema.get("properties").and_then(Value::as_object).map_or(0, serde_json::Map::len);
    (Step::of("schema", screen::count(properties as u64, "setting"), problems), Some(schema))
}

/// The folder's settings, or the defaults: the schema and the policy itself must take them.
fn settings(files: &Files, plugin: &Plugin, schema: Option<&Value>, limits: &Limits) -> Step {
    let text = files.settings.as_ref().map_or("no settings.json: the defaults", |_| "settings.json");
    let json: Value = match serde_json::from_str(files.settings()) {
        Ok(json) => json,
        Err(error) => return Step::failed("settings", text, vec![format!("not JSON: {error}")]),
    };
    let mut problems = Vec::new();
    if let Some(validator) = schema.and_then(|schema| jsonschema::draft202012::new(schema).ok()) {
        problems.extend(validator.iter_errors(&json).map(|error| format!("schema: `{}`: {error}", error.instance_path())));
    }
    match plugin.check_settings(files.settings(), limits).result {
        Ok(Ok(())) => {}
        Ok(Err(refused)) => problems.extend(refused.iter().map(|problem| format!("policy: `{}`: {}", problem.path, problem.message))),
        Err(fault) => problems.push(format!("policy: gave no answer: {fault}")),
    }
    Step::of("settings", text, problems)
}

/// The cases beside a table, else those the component carries.
fn own_cases(files: &Files, plugin: &Plugin) -> Result<Option<Vec<GoldenCase>>, String> {
    files
        .cases
        .as_deref()
        .or(plugin.inspection().cases.as_deref())
        .map(|text| golden::load(text).map_err(|error| error.to_string()))
        .transpose()
}

fn run_cases(plugins: &[(Plugin, String)], own: &[GoldenCase], limits: &Limits) -> Step {
    let progress = Progress::new(own.len() as u64, "cases");
    let report = cases::run(plugins, own, limits, || progress.step());
    let failures = report
        .failures
        .iter()
        .map(|failure| format!("{} {}: {} expected {}, got {}", failure.id, failure.title, failure.field, failure.expected, failure.got));
    let text = format!(
        "{} passed, {} failed, {} skipped, in {}",
        report.passed,
        report.failed,
        report.skipped,
        screen::millis(progress.elapsed().as_micros())
    );
    Step::of("cases", text, listed(failures.collect()))
}

/// Each case twice in fresh instances: a policy is a pure function, so ruling and fuel are the same.
fn repeat(plugins: &[(Plugin, String)], own: &[GoldenCase], limits: &Limits) -> Step {
    let progress = Progress::new(own.len() as u64, "cases");
    let mut problems = Vec::new();
    let mut runs = 0;
    for case in own {
        progress.step();
        let Some(question) = Question::of(case) else { continue };
        let Some((plugin, settings)) = question.answered_by(plugins) else { continue };
        let settings = case.settings.as_ref().map_or_else(|| settings.clone(), ToString::to_string);
        let facts = Facts::new(question.ctx, &question.facts);
        let (same, fuel) = match &question.ruling {
            None => {
                let once = || plugin.decide(&facts, &settings, limits, 0);
                let (first, second) = (once(), once());
                (first.result == second.result && first.log == second.log, (first.fuel, second.fuel))
            }
            Some(ruling) => {
                let once = || plugin.review(&facts, ruling, &settings, limits, 0);
                let (first, second) = (once(), once());
                (first.result == second.result && first.log == second.log, (first.fuel, second.fuel))
            }
        };
        runs += 1;
        if !same {
            problems.push(format!("{} {}: the second run gave another answer", case.id, case.title));
        } else if fuel.0 != fuel.1 {
            problems.push(format!("{} {}: {} fuel in the first run, {} in the second", case.id, case.title, fuel.0, fuel.1));
        }
    }
    Step::of(
        "repeat",
        format!("{} twice in fresh instances: the same answers and the same fuel", screen::count(runs, "case")),
        listed(problems),
    )
}

pub(super) fn listed(mut problems: Vec<String>) -> Vec<String> {
    if problems.len() > LISTED_MAX {
        let more = problems.len() - LISTED_MAX;
        problems.truncate(LISTED_MAX);
        problems.push(format!("and {more} more"));
    }
    problems
}
