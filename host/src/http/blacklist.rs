//! Blacklist requests: submitted, judged step by step by the right people, appealed; and the measures in force.

use axum::extract::{Request, State};
use ombud_core::problem::Problem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::answer::Json;
use super::app::Shared;
use super::body;
use super::caller::{Caller, Params, Queried};
use super::finish::finish;
use super::problem::{Code, Refused};
use super::routes::{Endpoint, RequestBody};
use crate::service::Principal;
use crate::service::privacy::UnmaskQuery;
use crate::service::wire::{BlacklistAct, BlacklistActKind, BlacklistPage, BlacklistQuery, BlacklistView, EventAnswer, MeasureView};

const ERRORS: [Code; 5] = [Code::Malformed, Code::Conflict, Code::MediaType, Code::Invalid, Code::Saturated];

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/v1/merchants/{merchant}/blacklist/requests", "listBlacklistRequests", list)
            .tag("blacklist")
            .summary("List blacklist requests")
            .query::<BlacklistQuery>()
            .answer::<BlacklistPage>("A page of requests with their states, open ones first")
            .errors(&[Code::Invalid]),
        Endpoint::post("/v1/merchants/{merchant}/blacklist/requests", "submitBlacklistRequest", submit)
            .tag("blacklist")
            .summary("Submit a blacklist request")
            .describe(
                "A new request, or a new round of one that was returned for evidence. It is recorded as the event `blacklist.requested`.",
            )
            .body(RequestBody::of::<BlacklistPost>())
            .answer::<EventAnswer>("The decision on it")
            .errors(&ERRORS),
        Endpoint::get("/v1/merchants/{merchant}/blacklist/requests/{request}", "getBlacklistRequest", get)
            .tag("blacklist")
            .summary("One blacklist request")
            .query::<UnmaskQuery>()
            .answer::<BlacklistView>("The request with its state")
            .errors(&[Code::Invalid]),
        Endpoint::post("/v1/merchants/{merchant}/blacklist/requests/{request}/steps", "stepBlacklistRequest", step)
            .tag("blacklist")
            .summary("Give a verdict on a blacklist request")
            .describe(
                "One person's verdict; person and role are those of the key. The same person never decides twice. It is recorded as the \
                 event `blacklist.step`.",
            )
            .body(RequestBody::of::<BlacklistPost>())
            .answer::<EventAnswer>("The decision on it")
            .errors(&ERRORS),
        Endpoint::post("/v1/merchants/{merchant}/blacklist/requests/{request}/appeal", "appealBlacklistRequest", appeal)
            .tag("blacklist")
            .summary("Pass on a customer's appeal")
            .describe(
                "Against the measure in force on this request. A person of compliance who had no part in it acts on the decision \
                 (`overrideDecision`): `approve` confirms the measure, `amend` with the outcome `closed` lifts it, `cancel` takes the appeal \
                 back.",
            )
            .body(RequestBody::of::<BlacklistPost>())
            .answer::<EventAnswer>("The decision on it")
            .errors(&ERRORS),
        Endpoint::get("/v1/merchants/{merchant}/blacklist/measures", "listMeasures", measures)
            .tag("blacklist")
            .summary("List measures in force")
            .query::<MeasuresQuery>()
            .answer::<Vec<MeasureView>>("The measures, of one customer or of all")
            .errors(&[Code::Invalid]),
    ]
}

/// An act on a blacklist request. Who acts, in which role, comes from the key; what is done, from the path.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlacklistPost {
    /// The event's id: the same again repeats nothing.
    pub event_id: String,
    /// The customer's pseudonymous reference.
    pub customer_ref: String,
    /// The ticket in which the request is handled.
    pub ticket_id: String,
    /// The `blacklist` object as the event's schema says: of `blacklist.requested` for a request, of `blacklist.step` for a
    /// verdict or an appeal.
    pub blacklist: serde_json::Map<String, Value>,
}

/// Whose measures.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MeasuresQuery {
    /// Of this customer.
    pub customer: Option<String>,
    /// Why the customers of all measures are to be shown unmasked; it is recorded.
    pub unmask: Option<String>,
}

async fn list(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    Queried(query): Queried<BlacklistQuery>,
) -> Result<Json<BlacklistPage>, Refused> {
    Ok(Json(app.service.blacklist_requests(&who, &merchant, query).await?))
}

async fn get(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, request)): Params<(String, String)>,
    Queried(query): Queried<UnmaskQuery>,
) -> Result<Json<BlacklistView>, Refused> {
    Ok(Json(app.service.blacklist_request(&who, &merchant, &request, query).await?))
}

async fn measures(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    Queried(query): Queried<MeasuresQuery>,
) -> Result<Json<Vec<MeasureView>>, Refused> {
    Ok(Json(app.service.measures(&who, &merchant, query.customer.as_deref(), UnmaskQuery { unmask: query.unmask }).await?))
}

async fn submit(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    request: Request,
) -> Result<EventAnswer, Refused> {
    let posted = body::json(&app, request).await?;
    act(app, who, merchant, BlacklistActKind::Submit, posted).await
}

async fn step(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, id)): Params<(String, String)>,
    request: Request,
) -> Result<EventAnswer, Refused> {
    let posted = of_request(body::json(&app, request).await?, id)?;
    act(app, who, merchant, BlacklistActKind::Step, posted).await
}

async fn appeal(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, id)): Params<(String, String)>,
    request: Request,
) -> Result<EventAnswer, Refused> {
    let posted = of_request(body::json(&app, request).await?, id)?;
    act(app, who, merchant, BlacklistActKind::Appeal, posted).await
}

/// The request of the path: the body may repeat it, and may not name another one.
fn of_request(mut posted: BlacklistPost, id: String) -> Result<BlacklistPost, Refused> {
    let named = posted.blacklist.entry("request_id").or_insert_with(|| id.clone().into());
    if named.as_str() == Some(id.as_str()) {
        return Ok(posted);
    }
    let problem = Problem::at("/blacklist/request_id", "is not the request of the path").allowed("the same, or nothing");
    Err(Refused::with(Code::Invalid, vec![problem]))
}

async fn act(app: Shared, who: Principal, merchant: String, act: BlacklistActKind, posted: BlacklistPost) -> Result<EventAnswer, Refused> {
    let BlacklistPost { event_id, customer_ref, ticket_id, blacklist } = posted;
    let act = BlacklistAct { event_id, act, customer_ref, ticket_id, blacklist: Value::Object(blacklist) };
    let decided = finish(async move { app.service.blacklist_act(&who, &merchant, act).await });
    Ok(decided.await?)
}

body::posted_json! { BlacklistPost { event_id: Bound::Id, customer_ref: Bound::Id, ticket_id: Bound::Id } }
