//! What the service says of itself: health, readiness, metrics, schemas and this interface's own description.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ombud_core::event::{EventType, schema_for};
use ombud_core::merchant::MerchantConfig;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::answer::{Json, json};
use super::app::Shared;
use super::caller::{MaybeCaller, Params};
use super::problem::{Code, RETRY_AFTER_S, Refused};
use super::routes::Endpoint;
use crate::metrics;
use crate::service::wire::{Alarm, Readiness};

/// The name under which the schema of a merchant's configuration is served.
pub(super) const MERCHANT_SCHEMA: &str = "merchant-config";
/// The media type of a schema.
const SCHEMA_JSON: &str = "application/schema+json";

pub(super) fn endpoints() -> Vec<Endpoint> {
    /// Problems of a key where none is needed.
    const OF_A_KEY: [Code; 3] = [Code::Malformed, Code::Unauthenticated, Code::Saturated];
    vec![
        Endpoint::get("/healthz", "health", health)
            .tag("service")
            .summary("Whether the process answers")
            .describe("And how many alarms the self-audit has raised since the start. What they are is shown to an operator's key only.")
            .answer::<Health>("It does")
            .errors(&OF_A_KEY)
            .open()
            .always(),
        Endpoint::get("/readyz", "readiness", ready)
            .tag("service")
            .summary("Whether requests are taken")
            .describe("The reasons, which may name merchants and policies, are shown to an operator's key only.")
            .answer::<Readiness>("They are")
            .also::<Readiness>(StatusCode::SERVICE_UNAVAILABLE, "They are not, or not any more")
            .errors(&OF_A_KEY)
            .open()
            .always(),
        Endpoint::get("/metrics", "metrics", metrics_text)
            .tag("service")
            .summary("Metrics in OpenMetrics text")
            .describe("For an operator's key, unless the server was started with open metrics.")
            .text("application/openmetrics-text", "The metrics")
            .always(),
        Endpoint::get("/openapi.json", "openapi", openapi).tag("service").summary("This document").answer::<Value>("OpenAPI 3.1").open(),
        Endpoint::get("/v1/schemas", "listSchemas", schemas)
            .tag("schemas")
            .summary("List the JSON Schemas")
            .answer::<Vec<SchemaLine>>("Every schema, with the kinds that decide on the event")
            .open(),
        Endpoint::get("/v1/schemas/{schema}", "getSchema", schema)
            .tag("schemas")
            .summary("One JSON Schema (2020-12)")
            .describe("Of an event in structured mode, by its type; or `merchant-config`.")
            .answer_as::<Value>(SCHEMA_JSON, "The schema")
            .errors(&[Code::NotFound])
            .open(),
    ]
}

/// The process answers.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Health {
    /// `ok`.
    pub status: &'static str,
    /// Alarms that stand: recorded decisions that diverge when they are run again. An operator should know why.
    pub alarms: usize,
    /// The alarms; to an operator's key only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub raised: Vec<Alarm>,
}

/// One served schema.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SchemaLine {
    /// The event type, or `merchant-config`.
    pub name: &'static str,
    /// Where it is served.
    pub href: String,
    /// The kinds that decide on the event, where its data holds their object.
    pub kinds: Vec<&'static str>,
}

async fn health(State(app): State<Shared>, who: MaybeCaller) -> Json<Health> {
    let raised = app.service.alarms();
    Json(Health { status: "ok", alarms: raised.len(), raised: if who.is_operator() { raised } else { Vec::new() } })
}

async fn ready(State(app): State<Shared>, who: MaybeCaller) -> Response {
    let mut readiness = app.service.readiness();
    if !who.is_operator() {
        readiness.reasons.clear();
    }
    if readiness.ready {
        return json(StatusCode::OK, &readiness);
    }
    let mut answer = json(StatusCode::SERVICE_UNAVAILABLE, &readiness);
    answer.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_S.into());
    answer
}

async fn metrics_text(State(app): State<Shared>, who: MaybeCaller) -> Result<Response, Refused> {
    if !app.limits.metrics_open && !who.is_operator() {
        return Err(match who.0 {
            Some(_) => Refused::new(Code::Forbidden, "metrics are the operator's"),
            None => Refused::new(Code::Unauthenticated, "metrics are the operator's: send `Authorization: Bearer KEY`"),
        });
    }
    Ok(([(header::CONTENT_TYPE, metrics::MEDIA_TYPE)], app.service.metrics_text()).into_response())
}

async fn openapi() -> Response {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| super::openapi::document().to_string().into());
    fixed(DOCUMENT.clone(), "application/json")
}

async fn schemas() -> Json<Vec<SchemaLine>> {
    let line = |name: &'static str, kinds| SchemaLine { name, href: format!("/v1/schemas/{name}"), kinds };
    let events = EventType::ALL.iter().map(|event| line(event.as_str(), event.kinds().iter().map(|kind| kind.as_str()).collect()));
    Json(events.chain([line(MERCHANT_SCHEMA, Vec::new())]).collect())
}

async fn schema(Params(name): Params<String>) -> Result<Response, Refused> {
    /// Each schema's text, made when it is first asked for.
    static TEXTS: LazyLock<BTreeMap<&'static str, Arc<OnceLock<Bytes>>>> = LazyLock::new(|| {
        EventType::ALL.iter().map(|event| event.as_str()).chain([MERCHANT_SCHEMA]).map(|name| (name, Arc::default())).collect()
    });
    let text = TEXTS.get(name.as_str()).ok_or_else(|| Refused::new(Code::NotFound, "no such schema: `/v1/schemas` lists them"))?;
    let text = text.get_or_init(|| {
        let schema = EventType::parse(&name).map_or_else(MerchantConfig::schema, schema_for);
        schema.to_string().into()
    });
    Ok(fixed(text.clone(), SCHEMA_JSON))
}

/// A text that does not change while the process runs.
fn fixed(text: Bytes, media_type: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
