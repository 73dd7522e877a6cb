//! Events: one, or one previewed. Batches stand in [`super::batch`].

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use ombud_core::event::{self, Event, Mode};
use ombud_core::problem::Problem;

use super::app::{Reserved, Shared};
use super::body::{self, Posted};
use super::caller::{Caller, Params};
use super::edge::traceparent;
use super::finish::finish;
use super::problem::{Code, Refused};
use super::routes::{Endpoint, RequestBody};
use crate::clock::now_ms;
use crate::service::wire::EventAnswer;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/v1/merchants/{merchant}/events", "postEvent", post)
            .tag("events")
            .summary("Decide an event")
            .describe(
                "A CloudEvent 1.0 in structured mode (`application/cloudevents+json`) or binary mode (`ce-` headers, the body is the \
                 data). The answer comes once the decisions are durable. The same event again (same `source` and `id`) gives the same \
                 decisions; the same id with another body is 409. What no policy could rule on, such as a delay's episode about a line \
                 that the delay does not have, is 422. A policy's fault is an answer, not an error: the decision then \
                 carries the fault and the kind's fallback.",
            )
            .body(RequestBody::Event)
            .answer::<EventAnswer>("The event is on record, with one decision for each kind that decided")
            .errors(&[Code::Malformed, Code::Conflict, Code::MediaType, Code::Invalid, Code::Saturated]),
        Endpoint::post("/v1/merchants/{merchant}/preview", "previewEvent", preview)
            .tag("events")
            .summary("Show what an event would be decided")
            .describe("The same line as for an event; nothing is recorded and nothing counts. The decisions have no id and no place in the ledger.")
            .body(RequestBody::Event)
            .answer::<EventAnswer>("What the decisions would be")
            .errors(&[Code::Malformed, Code::MediaType, Code::Invalid, Code::Saturated]),
    ]
}

async fn post(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    request: Request,
) -> Result<EventAnswer, Refused> {
    let (event, reserved) = read(&app, request).await?;
    let decided = finish(async move {
        let _reserved = reserved;
        app.service.decide(&who, &merchant, event).await
    });
    Ok(decided.await?)
}

async fn preview(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    request: Request,
) -> Result<EventAnswer, Refused> {
    let (event, _reserved) = read(&app, request).await?;
    Ok(app.service.preview(&who, &merchant, event).await?)
}

/// Reads one event, in structured or binary mode.
async fn read(app: &Shared, request: Request) -> Result<(Event, Reserved), Refused> {
    let mode = mode_of(request.headers())?;
    if mode == Mode::Batch {
        let problem = Problem::in_header("content-type", "is a batch").allowed("one event here; batches go to `events:batch`");
        return Err(Refused::with(Code::MediaType, vec![problem]));
    }
    let (headers, Posted { bytes, reserved }) = body::read(app, request, app.limits.event_bytes_max).await?;
    let received_at = now_ms();
    let traceparent = traceparent(&headers).map(str::to_owned);
    let event = body::parse(app, &reserved, bytes.len(), move || {
        let event = match mode {
            Mode::Binary => {
                let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
                event::binary(headers, &bytes, received_at)
            }
            Mode::Structured | Mode::Batch => event::structured(&bytes, received_at),
        };
        event.map_err(|problems| body::unreadable(&bytes, problems))
    });
    Ok((event.await?.brought_by(traceparent.as_deref()), reserved))
}

/// How the request carries its event.
pub(super) fn mode_of(headers: &HeaderMap) -> Result<Mode, Refused> {
    let content_type = match headers.get(header::CONTENT_TYPE) {
        // What is not text is no media type that is taken.
        Some(value) => Some(value.to_str().unwrap_or("?")),
        None => None,
    };
    event::mode(content_type, headers.contains_key("ce-specversion") || headers.keys().any(|name| name.as_str().starts_with("ce-")))
        .map_err(|problem| Refused::with(Code::MediaType, vec![problem]))
}
