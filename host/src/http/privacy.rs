//! Personal data: erasing customers, and legal holds against it.

use axum::extract::{Request, State};
use axum::http::StatusCode;

use super::answer::{Created, Json};
use super::app::Shared;
use super::body;
use super::caller::{Caller, Params};
use super::finish::finish;
use super::problem::{Code, Refused};
use super::routes::{Endpoint, RequestBody};
use crate::service::privacy::{ErasureAnswer, ErasureRequest, HoldRequest, HoldView, LiftRequest};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const WRITE: [Code; 4] = [Code::Malformed, Code::MediaType, Code::Invalid, Code::Conflict];
    vec![
        Endpoint::post("/v1/merchants/{merchant}/erasures", "eraseCustomer", erase)
            .tag("privacy")
            .summary("Erase a customer")
            .describe(
                "The keys of the customer and of the customer's tickets are destroyed: bodies of their records cannot be opened by anybody \
                 any more. Records, sequence, proofs and amounts stay; a measure in force ends, open blacklist requests are closed. Later \
                 events of the customer are decided as ever, and sealed under their ticket's key. Refused with 409 while a legal hold \
                 stands. For merchant-admin and operator.",
            )
            .body(RequestBody::of::<ErasureRequest>())
            .answered::<ErasureAnswer>(StatusCode::CREATED, "The recorded act")
            .errors(&WRITE),
        Endpoint::get("/v1/merchants/{merchant}/holds", "listHolds", list)
            .tag("privacy")
            .summary("List legal holds in force")
            .answer::<Vec<HoldView>>("The holds, oldest first"),
        Endpoint::post("/v1/merchants/{merchant}/holds", "setHold", set)
            .tag("privacy")
            .summary("Set a legal hold")
            .describe("On a customer, on a ticket with its customers, or on the whole merchant. For compliance and operator.")
            .body(RequestBody::of::<HoldRequest>())
            .answered::<HoldView>(StatusCode::CREATED, "The hold")
            .errors(&WRITE),
        Endpoint::post("/v1/merchants/{merchant}/holds/{hold}/lift", "liftHold", lift)
            .tag("privacy")
            .summary("Lift a legal hold")
            .body(RequestBody::of::<LiftRequest>())
            .no_content("It is lifted")
            .errors(&WRITE),
    ]
}

async fn erase(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    request: Request,
) -> Result<Created<ErasureAnswer>, Refused> {
    let asked: ErasureRequest = body::json(&app, request).await?;
    let erased = finish(async move { app.service.erase(&who, &merchant, asked).await });
    Ok(Created(erased.await?))
}

async fn list(State(app): State<Shared>, Caller(who): Caller, Params(merchant): Params<String>) -> Result<Json<Vec<HoldView>>, Refused> {
    Ok(Json(app.service.holds(&who, &merchant).await?))
}

async fn set(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    request: Request,
) -> Result<Created<HoldView>, Refused> {
    let asked: HoldRequest = body::json(&app, request).await?;
    let set = finish(async move { app.service.set_hold(&who, &merchant, asked).await });
    Ok(Created(set.await?))
}

async fn lift(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, hold)): Params<(String, String)>,
    request: Request,
) -> Result<StatusCode, Refused> {
    let asked: LiftRequest = body::json(&app, request).await?;
    finish(async move { app.service.lift_hold(&who, &merchant, &hold, asked).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

body::posted_json! { ErasureRequest { customer: Bound::Id, reason: Bound::Scalars(2000) } }
body::posted_json! { HoldRequest { customer: Bound::Id, ticket: Bound::Id, reason: Bound::Scalars(2000) } }
body::posted_json! { LiftRequest { reason: Bound::Scalars(2000) } }
