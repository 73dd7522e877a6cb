//! Decisions: the list, one in detail, its replay, and a person's act on it.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::value::RawValue;

use super::answer::{Created, Json, prefers};
use super::app::Shared;
use super::body;
use super::caller::{Caller, Params, Queried};
use super::finish::finish;
use super::problem::{Code, Refused};
use super::routes::{Endpoint, RequestBody};
use crate::service::REPLAYS_MAX;
use crate::service::privacy::UnmaskQuery;
use crate::service::wire::{
    DecisionDetail, DecisionsPage, DecisionsQuery, Explanation, ExplanationQuery, OverrideAnswer, OverrideRequest, ReplayReport,
    ReplaysAnswer, ReplaysRequest,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/v1/merchants/{merchant}/decisions", "listDecisions", list)
            .tag("decisions")
            .summary("List decisions, newest first")
            .query::<DecisionsQuery>()
            .answer::<DecisionsPage>("A page of decisions")
            .errors(&[Code::Invalid]),
        Endpoint::get("/v1/merchants/{merchant}/decisions/{decision}", "getDecision", get)
            .tag("decisions")
            .summary("One decision as recorded")
            .describe(
                "Masked unless `unmask` says why: without event and facts, and with `***` for what a person wrote and for values of facts. \
                 Agents and merchant-admins see no other view; auditors see everything, and every look of theirs is on record.",
            )
            .query::<UnmaskQuery>()
            .answer::<DecisionDetail>("The decision with its event, the facts it was made on, and the acts on it")
            .errors(&[Code::Invalid]),
        Endpoint::post("/v1/merchants/{merchant}/decisions/{decision}/replay", "replayDecision", replay)
            .tag("decisions")
            .summary("Run a recorded decision again")
            .describe("The recorded component and settings on the recorded input. Whether ruling, review and decision are the recorded bytes, and why not.")
            .answer::<ReplayReport>("What the replay gave")
            .errors(&[Code::Saturated]),
        Endpoint::get("/v1/merchants/{merchant}/decisions/{decision}/explanation", "explainDecision", explanation)
            .tag("decisions")
            .summary("Why a decision is what it is")
            .describe(
                "For the customer: the outcome, the messages of the rules' templates, the law behind them and the right to a person's review, \
                 in words that may be sent. For an auditor: facts read, rules, versions, guardrail, caps, what follows, acts of persons and the \
                 ticket's timeline. As text where `accept` prefers `text/plain`.",
            )
            .query::<ExplanationQuery>()
            .answer_or::<Explanation>("text/plain", "The explanation")
            .errors(&[Code::Invalid]),
        Endpoint::post("/v1/merchants/{merchant}/replays", "replayDecisions", replays)
            .tag("decisions")
            .summary("Run recorded decisions again")
            .describe(
                "Of a ticket, of a time, or all, oldest first. An answer covers so many as fit into a request; its cursor says where to go on.",
            )
            .body(RequestBody::of::<ReplaysRequest>())
            .answer::<ReplaysAnswer>("What the replays gave, by cause")
            .errors(&[Code::Malformed, Code::MediaType, Code::Invalid, Code::Saturated]),
        Endpoint::post("/v1/merchants/{merchant}/decisions/{decision}/override", "overrideDecision", override_decision)
            .tag("decisions")
            .summary("Approve, amend or cancel a decision")
            .describe(
                "A person's act with a reason. It is recorded; money counts from here on. The decision on an appeal against a blacklist \
                 measure leaves the measure in force until it is acted on: `approve` confirms the measure and dismisses the appeal \
                 (`appeal-dismissed`), `amend` with the outcome `closed` lifts the measure, `cancel` takes the appeal back.",
            )
            .body(RequestBody::of::<OverrideRequest>())
            .answered::<OverrideAnswer>(StatusCode::CREATED, "The recorded act")
            .errors(&[Code::Malformed, Code::Conflict, Code::MediaType, Code::Invalid]),
    ]
}

async fn list(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    Queried(query): Queried<DecisionsQuery>,
) -> Result<Json<DecisionsPage>, Refused> {
    Ok(Json(app.service.decisions(&who, &merchant, query).await?))
}

async fn get(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, decision)): Params<(String, String)>,
    Queried(query): Queried<UnmaskQuery>,
) -> Result<Json<Box<RawValue>>, Refused> {
    Ok(Json(app.service.decision(&who, &merchant, &decision, query).await?))
}

async fn replay(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, decision)): Params<(String, String)>,
) -> Result<Json<ReplayReport>, Refused> {
    Ok(Json(app.service.replay(&who, &merchant, &decision).await?))
}

async fn explanation(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, decision)): Params<(String, String)>,
    Queried(query): Queried<ExplanationQuery>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let explanation = app.service.explanation(&who, &merchant, &decision, query).await?;
    if prefers(&headers, "text/plain") {
        return Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::VARY, "accept")], explanation.text()).into_response());
    }
    let mut response = Json(explanation).into_response();
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

async fn replays(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    request: Request,
) -> Result<Json<ReplaysAnswer>, Refused> {
    let which: ReplaysRequest = body::json(&app, request).await?;
    Ok(Json(app.service.replays(&who, &merchant, which).await?))
}

async fn override_decision(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, decision)): Params<(String, String)>,
    request: Request,
) -> Result<Created<OverrideAnswer>, Refused> {
    let act: OverrideRequest = body::json(&app, request).await?;
    let recorded = finish(async move { app.service.override_decision(&who, &merchant, &decision, act).await });
    Ok(Created(recorded.await?))
}

body::posted_json! {
    OverrideRequest { reason: Bound::Scalars(2000) }
    ReplaysRequest {
        ticket: Bound::Id,
        from: Bound::Bytes(64),
        to: Bound::Bytes(64),
        cursor: Bound::Whole(0, i64::MAX),
        limit: Bound::Whole(1, REPLAYS_MAX as i64),
    }
}
