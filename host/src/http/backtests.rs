//! Backtests: begun, fetched with their progress and their report, cancelled.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::answer::{Json, json, prefers};
use super::app::Shared;
use super::body;
use super::caller::{Caller, Params};
use super::finish::finish;
use super::problem::{Code, Refused};
use super::routes::{Endpoint, RequestBody};
use crate::backtest::page;
use crate::service::wire::{BacktestAnswer, BacktestRequest, BacktestsAnswer};
use crate::service::{BacktestState, BacktestView};

const PATH: &str = "/v1/merchants/{merchant}/backtests";
const ONE: &str = "/v1/merchants/{merchant}/backtests/{backtest}";
const HTML: &str = "text/html";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(PATH, "beginBacktest", begin)
            .tag("backtests")
            .summary("Run a candidate version on recorded decisions")
            .describe(
                "Nothing is decided and nothing is changed; who backtests what is an act on record. One backtest runs at a time, on half of \
                 the cores; two of a merchant may wait or run. History facts and counted money are as recorded.",
            )
            .body(RequestBody::of::<BacktestRequest>())
            .answered::<BacktestView>(StatusCode::ACCEPTED, "The backtest, at `location`")
            .errors(&[Code::Malformed, Code::MediaType, Code::Invalid, Code::Saturated]),
        Endpoint::get(PATH, "listBacktests", list)
            .tag("backtests")
            .summary("Backtests that are kept, the newest first")
            .answer::<BacktestsAnswer>("The backtests without their reports"),
        Endpoint::get(ONE, "getBacktest", get)
            .tag("backtests")
            .summary("A backtest: its progress, then its report")
            .describe("As a page with charts where `accept` prefers `text/html` and the report is there. Reports are kept in memory.")
            .answer_or::<BacktestAnswer>(HTML, "The backtest"),
        Endpoint::delete(ONE, "cancelBacktest", cancel)
            .tag("backtests")
            .summary("Cancel a backtest, or forget one that has ended")
            .no_content("Cancelled or forgotten"),
    ]
}

body::posted_json! {
    BacktestRequest {
        policy: Bound::TEXT, version: Bound::TEXT, component: Bound::Bytes(64), settings: Bound::Nested, kind: Bound::Free,
        last: Bound::Bytes(64), from: Bound::Bytes(64), to: Bound::Bytes(64),
    }
}

async fn begin(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    request: Request,
) -> Result<Response, Refused> {
    let asked: BacktestRequest = body::json(&app, request).await?;
    let path = format!("/v1/merchants/{merchant}/backtests");
    // What was recorded as an act is begun.
    let view = finish(async move { app.service.begin_backtest(&who, &merchant, asked).await }).await?;
    let mut response = json(StatusCode::ACCEPTED, &view);
    if let Ok(place) = HeaderValue::from_str(&format!("{path}/{}", view.id)) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

async fn list(State(app): State<Shared>, Caller(who): Caller, Params(merchant): Params<String>) -> Result<Json<BacktestsAnswer>, Refused> {
    Ok(Json(app.service.backtests(&who, &merchant).await?))
}

async fn get(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, backtest)): Params<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let answer = app.service.backtest(&who, &merchant, &backtest).await?;
    let mut response = match &answer.report {
        Some(report) if prefers(&headers, HTML) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page(report)).into_response(),
        _ => Json(&answer).into_response(),
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    if matches!(answer.view.state, BacktestState::Queued | BacktestState::Running) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    Ok(response)
}

async fn cancel(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, backtest)): Params<(String, String)>,
) -> Result<StatusCode, Refused> {
    app.service.cancel_backtest(&who, &merchant, &backtest)?;
    Ok(StatusCode::NO_CONTENT)
}
