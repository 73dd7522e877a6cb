//! The description of this interface: OpenAPI 3.1, generated from the route table and the types' schemas.
//!
//! Why no library: `aide` is on schemars 0.9 in its released version, and `utoipa` has a schema trait of its own, so that
//! every wire type, and every type of the core in it, would need a second definition. What is left to do here is to put
//! JSON Schemas, which schemars makes, in their places.

use axum::http::StatusCode;
use ombud_core::event::EventType;
use schemars::generate::{Contract, SchemaSettings};
use schemars::{JsonSchema as _, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::edge::REQUEST_ID;
use super::meta::MERCHANT_SCHEMA;
use super::problem::{Code, PROBLEM_JSON, ProblemDocument};
use super::routes::{Answer, Content, Endpoint, JSON, RequestBody, SchemaOf, endpoints};

/// Problems that every route with a key has: two keys are none, and whose key it is may have too much under way.
const OF_EVERY_KEY: [Code; 6] = [Code::Malformed, Code::Unauthenticated, Code::Forbidden, Code::NotFound, Code::Saturated, Code::Damaged];
/// Problems that every route has.
const OF_EVERY_ROUTE: [Code; 4] = [Code::UriTooLong, Code::HeaderTooLarge, Code::Internal, Code::Unavailable];
/// Problems that every route with a body has.
const OF_EVERY_BODY: [Code; 5] = [Code::Malformed, Code::BodyTimeout, Code::BodyTooLarge, Code::MediaType, Code::Invalid];
/// Problems that every route with a query has.
const OF_EVERY_QUERY: [Code; 1] = [Code::Invalid];

/// The document.
pub fn document() -> Value {
    let mut answers = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.contract = Contract::Serialize;
            settings.meta_schema = None;
        })
        .into_generator();
    answers.subschema_for::<ProblemDocument>();
    let mut paths = Map::new();
    for endpoint in endpoints() {
        let path = paths.entry(endpoint.described_path()).or_insert_with(|| json!({}));
        let operation = operation(&endpoint, &mut answers);
        if let Value::Object(path) = path {
            path.insert(endpoint.method.to_ascii_lowercase(), operation);
        }
    }
    let tags: Vec<Value> = TAGS.iter().map(|(name, description)| json!({"name": name, "description": description})).collect();
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Ombud",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Decisions of merchants' policies on after-sales events",
            "description": "Every error is a problem document (RFC 9457), with each problem of a body at its JSON pointer and each of a header \
                            by `header`, with an empty pointer. Bodies are taken uncompressed, and JSON in UTF-8 only (415). Keys are \
                            bound to a merchant and a role; another merchant's resources do not exist (404). Every answer names its \
                            request in `x-request-id`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "security": [{"key": []}],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key: `Authorization: Bearer KEY`"}},
            "headers": {
                "request-id": {"description": "The caller's id of the request, or a new one", "schema": {"type": "string"}},
                "retry-after": {"description": "Seconds", "schema": {"type": "integer"}},
            },
            "responses": Code::ALL.iter().map(|code| (name_of(*code).to_owned(), problem(*code))).collect::<Map<_, _>>(),
            "schemas": answers.take_definitions(true),
        },
    })
}

/// The groups.
const TAGS: &[(&str, &str)] = &[
    ("events", "A ticket's events become decisions"),
    ("decisions", "What was decided: read, run again, approved, amended, cancelled"),
    ("acts", "What was administered, and what persons did"),
    ("backtests", "What another version would have decided"),
    ("blacklist", "Blacklist requests with their steps, and measures in force"),
    ("ledger", "The log of each merchant: checkpoints, tiles, receipts"),
    ("privacy", "Erasing customers, and legal holds against it"),
    ("merchants", "Merchants and their policies"),
    ("policies", "Uploaded policies: versions, settings, signatures"),
    ("rollout", "Which version answers which case: shadow, canary, activation, kill switches, approvals"),
    ("keys", "API keys"),
    ("schemas", "JSON Schemas of what is posted"),
    ("service", "Health, metrics, this document"),
];

fn operation(endpoint: &Endpoint, answers: &mut SchemaGenerator) -> Value {
    let mut operation = json!({
        "operationId": endpoint.id,
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "responses": responses(endpoint, answers),
    });
    let Value::Object(members) = &mut operation else { return operation };
    if !endpoint.description.is_empty() {
        members.insert("description".into(), endpoint.description.into());
    }
    let parameters = parameters(endpoint);
    if !parameters.is_empty() {
        members.insert("parameters".into(), parameters.into());
    }
    if let Some(body) = endpoint.body {
        members.insert("requestBody".into(), json!({"required": true, "content": content(body)}));
    }
    if endpoint.open {
        members.insert("security".into(), json!([]));
    }
    operation
}

fn parameters(endpoint: &Endpoint) -> Vec<Value> {
    let mut parameters = Vec::new();
    for segment in endpoint.described_path().split('/') {
        if let Some(name) = segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}')) {
            let description = match name {
                "merchant" => "The merchant's id",
                "decision" => "The decision's id",
                "backtest" => "The backtest's id",
                "request" => "The blacklist request's id",
                "key" => "The key's id",
                "upload" => "The upload's id",
                "policy" => "The policy's name",
                "version" => "The readable version",
                "signing_key" => "The signing key's id",
                "seq" => "The record's place in the log",
                "tile" => "The tile's path, slashes included",
                _ => "The event type, or `merchant-config`",
            };
            parameters
                .push(json!({"name": name, "in": "path", "required": true, "description": description, "schema": {"type": "string"}}));
        }
    }
    let query = endpoint.query.map(posted);
    for (name, schema) in query.iter().filter_map(|query| query.get("properties")?.as_object()).flatten() {
        let mut schema = not_null(schema.clone());
        let description = schema.as_object_mut().and_then(|schema| {
            schema.remove("default");
            schema.remove("description")
        });
        parameters.push(json!({"name": name, "in": "query", "description": description, "schema": schema}));
    }
    parameters
}

/// A parameter is there or not; it is never null.
fn not_null(mut schema: Value) -> Value {
    let is_null = |branch: &Value| branch.get("type").is_some_and(|kind| kind == "null");
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_slice() {
            let kind = kind.clone();
            schema["type"] = kind;
        }
    }
    let branches = schema.get("anyOf").and_then(Value::as_array).cloned().unwrap_or_default();
    match branches.into_iter().filter(|branch| !is_null(branch)).collect::<Vec<_>>().as_slice() {
        [Value::Object(one)] => {
            let mut one = one.clone();
            one.insert("description".into(), schema.get("description").cloned().unwrap_or_default());
            Value::Object(one)
        }
        _ => schema,
    }
}

/// A posted type's schema with everything it needs inside: a type that is posted and answered too has other required
/// members there, under the same name.
fn posted(schema_of: SchemaOf) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    schema_of(&mut settings.into_generator()).to_value()
}

fn content(body: RequestBody) -> Value {
    let events = || {
        let schema = |event: &EventType| format!("/v1/schemas/{event}");
        let mapping: Map<String, Value> = EventType::ALL.iter().map(|event| (event.to_string(), schema(event).into())).collect();
        json!({
            "oneOf": EventType::ALL.iter().map(|event| json!({"$ref": schema(event)})).collect::<Vec<_>>(),
            "discriminator": {"propertyName": "type", "mapping": mapping},
        })
    };
    match body {
        RequestBody::Event => json!({
            "application/cloudevents+json": {"schema": events()},
            "application/json": {
                "schema": {"type": "object", "description": "An event as above; or, with `ce-` headers (binary mode), its `data` alone"},
            },
        }),
        RequestBody::Batch => {
            json!({"application/cloudevents-batch+json": {"schema": {"type": "array", "items": events()}}})
        }
        RequestBody::Merchant => json!({"application/json": {"schema": {
            "description": "The configuration (`merchant-config`), and `policies`",
            "type": "object",
            "$comment": format!("without its member `policies` the body is valid under /v1/schemas/{MERCHANT_SCHEMA}"),
            "properties": {"policies": {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "properties": {"policy": {"type": "string"}, "settings": {"type": "object"}, "version": {"type": "string"}},
                },
            }},
        }}}),
        RequestBody::Component => {
            let bytes = json!({"type": "string", "format": "binary"});
            let text = json!({"type": "string"});
            json!({
                "application/wasm": {"schema": bytes},
                "multipart/form-data": {"schema": {
                    "type": "object",
                    "required": ["component"],
                    "properties": {"component": bytes, "settings": text, "name": text, "note": text, "signature": text},
                }},
            })
        }
        RequestBody::Json(schema_of) => json!({"application/json": {"schema": posted(schema_of)}}),
    }
}

fn responses(endpoint: &Endpoint, answers: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    let mut codes: Vec<Code> = OF_EVERY_ROUTE.to_vec();
    if !endpoint.open {
        codes.extend(OF_EVERY_KEY);
    }
    if endpoint.body.is_some() {
        codes.extend(OF_EVERY_BODY);
    }
    if endpoint.query.is_some() {
        codes.extend(OF_EVERY_QUERY);
    }
    // What is said of the route itself stands above what is said of all.
    codes.extend(&endpoint.errors);
    for code in codes {
        responses.insert(code.status().as_str().to_owned(), json!({"$ref": format!("#/components/responses/{}", name_of(code))}));
    }
    for Answer { status, description, content } in &endpoint.answers {
        let mut answer = json!({"description": description, "headers": {REQUEST_ID.as_str(): {"$ref": "#/components/headers/request-id"}}});
        let content = match content {
            Content::Nothing => None,
            Content::Json(schema_of, media_type) => Some(json!({*media_type: {"schema": schema_of(answers)}})),
            Content::Text(media_type) => Some(json!({*media_type: {"schema": {"type": "string"}}})),
            Content::JsonOr(schema_of, media_type) => Some(json!({
                JSON: {"schema": schema_of(answers)},
                *media_type: {"schema": {"type": "string"}},
            })),
        };
        if let (Value::Object(answer), Some(content)) = (&mut answer, content) {
            answer.insert("content".into(), content);
        }
        responses.insert(status.as_str().to_owned(), answer);
    }
    Value::Object(responses)
}

/// A problem as a response that routes refer to.
fn problem(code: Code) -> Value {
    let mut headers = json!({REQUEST_ID.as_str(): {"$ref": "#/components/headers/request-id"}});
    if matches!(code.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
        && let Value::Object(headers) = &mut headers
    {
        headers.insert("retry-after".into(), json!({"$ref": "#/components/headers/retry-after"}));
    }
    json!({
        "description": code.title(),
        "headers": headers,
        "content": {PROBLEM_JSON: {"schema": {
            "$ref": format!("#/components/schemas/{}", ProblemDocument::schema_name()),
        }}},
    })
}

/// The last part of a problem's type.
fn name_of(code: Code) -> &'static str {
    code.type_uri().rsplit(':').next().unwrap_or_default()
}
