//! The steps about settings: the schema that a component carries, the settings it shall run with, and whether it refuses what its schema does not allow.

use ombud_core::schema::strict;
use ombud_sandbox::{Inspection, Limits, Plugin};
use serde_json::{Map, Value, json};

use super::report::{LISTED_MAX, Step, count};
use super::{BOUNDS, SCHEMA, SETTINGS};

/// A name that no policy has for a setting.
const UNKNOWN: &str = "no-such-setting";

/// What is asked of a component's settings schema, whatever settings it shall run with: what a build can tell at once.
pub fn of_schema(plugin: &Plugin, limits: &Limits) -> Vec<Step> {
    let (step, schema) = schema(plugin, limits);
    let bounds = bounds(plugin, schema.as_ref(), limits);
    vec![step, bounds]
}

/// The settings schema that a component carries: it is one, and takes its own defaults.
pub(super) fn schema(plugin: &Plugin, limits: &Limits) -> (Step, Option<Value>) {
    let Some(text) = &plugin.inspection().settings_schema else {
        return (Step::warning(SCHEMA, "the component carries no settings schema: its settings cannot be edited with help"), None);
    };
    let schema: Value = match serde_json::from_str(text) {
        Ok(schema) => schema,
        Err(error) => return (Step::failed(SCHEMA, "is not JSON", vec![error.to_string()]), None),
    };
    let mut problems = Vec::new();
    if let Err(error) = jsonschema::draft202012::meta::validate(&schema) {
        problems.push(format!("not a JSON Schema of 2020-12: {error} at `{}`", error.instance_path()));
    }
    let defaults = defaults(&schema);
    match jsonschema::draft202012::new(&schema) {
        Ok(validator) => {
            let refused = validator.iter_errors(&defaults);
            problems.extend(refused.map(|error| format!("it refuses its own default at `{}`: {error}", error.instance_path())));
        }
        Err(error) => problems.push(format!("it cannot be used: {error}")),
    }
    if problems.is_empty()
        && let Ok(Err(refused)) = plugin.check_settings(&defaults.to_string(), limits).result
    {
        problems.extend(
            refused.iter().map(|problem| format!("the policy refuses the schema's default at `{}`: {}", problem.path, problem.message)),
        );
    }
    let properties = schema.get("properties").and_then(Value::as_object).map_or(0, Map::len);
    (Step::of(SCHEMA, count(properties, "setting"), problems), Some(schema))
}

/// Settings of all defaults that a schema names.
fn defaults(schema: &Value) -> Value {
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    properties.filter_map(|(name, setting)| Some((name.clone(), setting.get("default")?.clone()))).collect::<Map<_, _>>().into()
}

/// The settings to run with: the schema and the policy itself must take them.
pub(super) fn settings(text: &str, plugin: &Plugin, schema: Option<&Value>, limits: &Limits) -> Step {
    let shown = count(text.len(), "byte");
    let json = match strict::parse(text, text.len()) {
        Ok((_, twice)) if !twice.is_empty() => {
            return Step::failed(SETTINGS, shown, twice.iter().map(|path| format!("`{path}`: stands more than once")).collect());
        }
        Ok((json @ Value::Object(_), _)) => json,
        Ok(_) => return Step::failed(SETTINGS, shown, vec!["not an object: `{}` has the defaults".into()]),
        Err(error) => return Step::failed(SETTINGS, shown, vec![format!("not JSON: {error}")]),
    };
    let mut problems = Vec::new();
    // The policy names the member that is wrong; a schema the object that it stands in.
    match plugin.check_settings(text, limits).result {
        Ok(Ok(())) => {}
        Ok(Err(refused)) => problems.extend(refused.iter().map(|problem| format!("policy: `{}`: {}", problem.path, problem.message))),
        Err(fault) => problems.push(format!("policy: gave no answer: {fault}")),
    }
    if let Some(validator) = schema.and_then(|schema| jsonschema::draft202012::new(schema).ok()) {
        let place = |path: String| if path.is_empty() { String::new() } else { format!("`{path}`: ") };
        let refused = validator.iter_errors(&json);
        problems.extend(refused.map(|error| format!("schema: {}{error}", place(error.instance_path().to_string()))));
    }
    Step::of(SETTINGS, shown, problems)
}

/// What a component's settings schema does not take of some settings, by its place; no value is repeated. A schema that cannot be used refuses nothing.
pub fn outside_schema(inspection: &Inspection, settings: &Value) -> Vec<(String, String)> {
    let schema = inspection.settings_schema.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let Some(validator) = schema.and_then(|schema: Value| jsonschema::draft202012::new(&schema).ok()) else { return Vec::new() };
    let told = |error: jsonschema::ValidationError<'_>| (error.instance_path().to_string(), error.masked().to_string());
    validator.iter_errors(settings).take(LISTED_MAX).map(told).collect()
}

/// The kinds that a component decides with some settings. Where its schema has a property for each of several kinds, as that of decision tables has,
/// these are the ones that are set: of the others its settings say nothing.
pub fn decided(inspection: &Inspection, settings: &str) -> Vec<String> {
    let own = &inspection.decides;
    let object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
    let schema = inspection.settings_schema.as_deref().and_then(object);
    let by_kind = schema.as_ref().and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    let by_kind =
        own.len() > 1 && by_kind.is_some_and(|properties| own.iter().all(|kind| properties.contains_key(&kind.replace('-', "_"))));
    let given = object(settings).unwrap_or_default();
    let set: Vec<String> = own.iter().filter(|kind| given.contains_key(&kind.replace('-', "_"))).cloned().collect();
    if by_kind && !set.is_empty() { set } else { own.clone() }
}

/// Probes every setting of the schema: values below the least and above the most, of another type, of no enum, and settings that it does not have.
/// Each is refused by its path.
pub(super) fn bounds(plugin: &Plugin, schema: Option<&Value>, limits: &Limits) -> Step {
    let Some(schema) = schema else { return Step::warning(BOUNDS, "not probed: there is no schema") };
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
    let tried = format!("{} outside the schema", count(probes.len(), "setting"));
    let text = if problems.is_empty() { format!("{tried}, each refused by its path") } else { tried };
    Step::of(BOUNDS, text, problems)
}

/// Settings with one value that the schema does not allow.
fn probes(schema: &Value) -> Vec<(String, Value)> {
    let mut probes = Vec::new();
    if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
        probes.push((UNKNOWN.to_owned(), json!(1)));
    }
    for (name, setting) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let mut probe = |value: Value| probes.push((name.clone(), value));
        if let Some(below) = setting.get("minimum").and_then(Value::as_i64).and_then(|least| least.checked_sub(1)) {
            probe(json!(below));
        }
        if let Some(above) = setting.get("maximum").and_then(Value::as_i64).and_then(|most| most.checked_add(1)) {
            probe(json!(above));
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
