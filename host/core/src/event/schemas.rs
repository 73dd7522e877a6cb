//! The JSON Schemas of events: of `data`, with what the event type fixes, and of the whole structured CloudEvent. The slow
//! path checks against the first; both are served.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::data::{Data, family_schema, read};
use super::types::EventType;
use crate::limits::{EXTENSION_VALUE_BYTES_MAX, EXTENSIONS_MAX, ID_BYTES_MAX, LINES_MAX};
use crate::problem::{Problem, below};
use crate::schema::Checker;

/// The JSON Schema (2020-12, self-contained) of the event type's `data`.
pub fn data_schema_for(event_type: EventType) -> Value {
    checker(event_type).map_or(Value::Bool(true), |checker| checker.schema().clone())
}

/// The JSON Schema (2020-12, self-contained) of a whole event of this type in structured mode, as it is posted.
pub fn schema_for(event_type: EventType) -> Value {
    let mut data = data_schema_for(event_type);
    let definitions = data.as_object_mut().map(|data| {
        data.remove("$schema");
        data.remove("$id");
        data.remove("$defs").unwrap_or_default()
    });
    let id = json!({"type": "string", "minLength": 1, "maxLength": ID_BYTES_MAX});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:ombud:v1:event:{event_type}"),
        "title": event_type.as_str(),
        "description": "A CloudEvent 1.0 in structured mode (application/cloudevents+json).",
        "type": "object",
        "required": ["specversion", "id", "source", "type", "time", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": id,
            "source": {"type": "string", "format": "uri-reference", "minLength": 1, "maxLength": ID_BYTES_MAX},
            "type": {"const": event_type.as_str()},
            "time": {"type": "string", "format": "date-time"},
            "subject": {"type": ["string", "null"], "minLength": 1, "maxLength": ID_BYTES_MAX},
            "datacontenttype": {"type": ["string", "null"], "description": "a JSON media type", "default": "application/json"},
            "dataschema": {"type": ["string", "null"], "format": "uri", "minLength": 1, "maxLength": ID_BYTES_MAX},
            "data": data,
        },
        "propertyNames": {"pattern": "^[a-z0-9]{1,64}$"},
        "additionalProperties": {"type": ["string", "integer", "boolean", "null"], "maxLength": EXTENSION_VALUE_BYTES_MAX},
        "maxProperties": 9 + EXTENSIONS_MAX,
        "$defs": definitions,
    })
}

/// Everything that is wrong with an event's data; `base` is its pointer in the posted body. An error is malformed JSON.
pub(super) fn problems(event_type: EventType, json: &str, base: &str) -> Result<Vec<Problem>, serde_json::Error> {
    let mut problems = match checker(event_type) {
        Some(checker) => {
            let (value, mut problems) = checker.check(json, base)?;
            problems.extend(other_customer(&value, base));
            problems
        }
        None => Vec::new(),
    };
    for problem in &mut problems {
        name_the_host(problem, base);
    }
    Ok(problems)
}

/// Reads data on the fast path and, where that refuses, finds out why.
pub(super) fn read_or_explain(event_type: EventType, json: &str, base: &str) -> Result<Result<Data, Vec<Problem>>, serde_json::Error> {
    if let Some(data) = read(event_type, json) {
        return Ok(Ok(data));
    }
    let mut problems = problems(event_type, json, base)?;
    if problems.is_empty() {
        // The two paths disagree, which the property tests exclude. The typed one is the one that decides.
        problems.push(Problem::at(base, "does not fit the event type"));
    }
    Ok(Err(problems))
}

/// A customer named twice, differently.
fn other_customer(data: &Value, base: &str) -> Option<Problem> {
    let (named, again) = (data.get("customer_ref")?.as_str()?, data.pointer("/customer/customer_ref")?.as_str()?);
    (named != again).then(|| {
        Problem::at(below(&below(base, "customer"), "customer_ref"), "is another customer than `customer_ref` of the event's data")
            .allowed("the same reference, or none")
    })
}

/// Members of a blacklist object that are the host's own: say so instead of calling them unknown.
fn name_the_host(problem: &mut Problem, base: &str) {
    let Some(member) = problem.pointer.strip_prefix(base).and_then(|rest| rest.strip_prefix("/blacklist/")) else { return };
    if matches!(member, "stage" | "steps" | "submitter_id" | "submitter_role" | "role" | "actor_id" | "current_measure" | "review_by") {
        problem.message = "is kept by the host: a step is one act of the authenticated person".to_owned();
    }
}

/// The checker of a type's data, built once.
fn checker(event_type: EventType) -> Option<&'static Checker> {
    static CHECKERS: [OnceLock<Option<Checker>>; EventType::ALL.len()] = [const { OnceLock::new() }; EventType::ALL.len()];
    CHECKERS.get(event_type as usize)?.get_or_init(|| Checker::new(data_schema(event_type), LINES_MAX)).as_ref()
}

/// The family's schema with what the event type fixes.
fn data_schema(event_type: EventType) -> Value {
    let mut schema = family_schema(event_type);
    fix_stage(&mut schema, event_type);
    let members = schema.get("properties").and_then(Value::as_object).map(needs_customer).unwrap_or_default();
    if let Some(root) = schema.as_object_mut() {
        root.insert("$id".into(), json!(format!("urn:ombud:v1:event-data:{event_type}")));
        root.insert("title".into(), json!(format!("data of {event_type}")));
        if !members.is_empty() {
            root.insert("allOf".into(), Value::Array(members));
        }
    }
    schema
}

/// The stage is the event type's, or the event's own where the type does not say it.
fn fix_stage(schema: &mut Value, event_type: EventType) {
    let Some(stage) = schema.pointer_mut("/$defs/AfterSaleInput/properties/stage") else { return };
    match event_type.stage() {
        Some(fixed) => *stage = json!({"description": "what the event type says, or nothing", "enum": [fixed.as_str(), null]}),
        None => {
            *stage = json!({"$ref": "#/$defs/Stage"});
            if let Some(Value::Array(required)) = schema.pointer_mut("/$defs/AfterSaleInput/required") {
                required.push(json!("stage"));
            }
        }
    }
}

/// The conditions under which `customer_ref` is required.
fn needs_customer(properties: &Map<String, Value>) -> Vec<Value> {
    let deciding: [&[&str]; 3] = [&["after_sale", "order"], &["delay"], &["blacklist"]];
    deciding
        .iter()
        .filter(|objects| objects.iter().all(|object| properties.contains_key(*object)))
        .map(|objects| {
            let present: Map<String, Value> = objects.iter().map(|object| ((*object).to_owned(), json!({"type": "object"}))).collect();
            let customer = json!({"$ref": "#/$defs/CustomerRef"});
            json!({
                "if": {"required": objects, "properties": present},
                "then": {"required": ["customer_ref"], "properties": {"customer_ref": customer}},
            })
        })
        .collect()
}
