//! Which merchants use which version of the contract.

use axum::extract::State;

use super::answer::Json;
use super::app::Shared;
use super::caller::{Caller, Queried};
use super::problem::{Code, Refused};
use super::routes::Endpoint;
use crate::service::wire::{ContractsPage, ContractsQuery};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/v1/contracts", "listContracts", list)
            .tag("merchants")
            .summary("Which merchants use which version of the contract (operator)")
            .describe(
                "Each version of `ombud:policy` that this host speaks, with how many merchants and policies were built for it, and the policies \
                 themselves by merchant. Components of all versions run side by side; a version without uses is still needed for replays.",
            )
            .query::<ContractsQuery>()
            .answer::<ContractsPage>("The versions, and a page of their uses")
            .errors(&[Code::Invalid]),
    ]
}

async fn list(
    State(app): State<Shared>,
    Caller(who): Caller,
    Queried(query): Queried<ContractsQuery>,
) -> Result<Json<ContractsPage>, Refused> {
    Ok(Json(app.service.contracts(&who, query)?))
}
