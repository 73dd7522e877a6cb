//! Whether a policy refuses settings that its own schema does not allow, each by its path: values below the least and above
//! the most, of another type, of no enum, and settings that it does not have.

use ombud_sandbox::{Limits, Plugin};
use serde_json::{Value, json};

use super::super::screen;
use super::Step;

/// A name that no policy has for a setting.
const UNKNOWN: &str = "no-such-setting";

/// Probes every setting of the schema.
pub(super) fn step(plugin: &Plugin, schema: Option<&Value>, limits: &Limits) -> Step {
    let Some(schema) = schema else { return Step::warning("bounds", "not probed: there is no schema") };
    let mut problems = Vec::new();
    let probes = probes(schema);
    for (name, value) in &probes {
        let settings = json!({ name.as_str(): value }).to_string();
        let path = format!("/{name}");
        match plugin.check_settings(&settings, limits).result {
            Ok(Err(refused)) if refused.iter().any(|problem| problem.path == path || problem.path.starts_with(&format!("{path}/"))) => {}
            Ok(Err(refused)) => {
                let paths: Vec<&str> = refused.iter().map(|problem| problem.path.as_str()).collect();
                problems.push(format!("`{settings}` is refused at `{}` instead of `{path}`", paths.join("`, `")));
            }
            Ok(Ok(())) => problems.push(format!("`{settings}` is taken, though the schema does not allow it")),
            Err(fault) => problems.push(format!("`{settings}`: no answer: {fault}")),
        }
    }
    Step::of("bounds", format!("{} outside the schema, each refused by its path", screen::count(probes.len() as u64, "setting")), problems)
}

/// Settings with one value that the schema does not allow.
fn probes(schema: &Value) -> Vec<(String, Value)> {
    let mut probes = Vec::new();
    if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
        probes.push((UNKNOWN.to_owned(), json!(1)));
    }
    for (name, setting) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let mut probe = |value: Value| probes.push((name.clone(), value));
        if let Some(least) = setting.get("minimum").and_then(Value::as_i64) {
            probe(json!(least - 1));
        }
        if let Some(most) = setting.get("maximum").and_then(Value::as_i64) {
            probe(json!(most + 1));
        }
        if setting.get("enum").is_some() {
            probe(json!("no-such-value"));
        }
        match setting.get("type").and_then(Value::as_str) {
            Some("integer" | "boolean" | "array" | "object") => probe(json!("text")),
            Some("string") => probe(json!(1)),
            _ => {}
        }
    }
    probes
}
