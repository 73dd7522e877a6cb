//! Acts of persons and of the host, as the ledger has them.

use axum::extract::State;

use super::answer::Json;
use super::app::Shared;
use super::caller::{Caller, Params, Queried};
use super::problem::{Code, Refused};
use super::routes::Endpoint;
use crate::service::acts::{ActsPage, ActsQuery};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/v1/merchants/{merchant}/acts", "listActs", list)
            .tag("acts")
            .summary("List a merchant's acts, newest first")
            .describe(
                "Everything that was administered: the merchant and its keys, policies, settings and caps, acts of persons on decisions, \
                 steps of blacklist requests, auditors' looks. Each is a record of the merchant's own ledger, appended with the change it \
                 stands for; a look is recorded once for each auditor, kind of thing and hour. For merchant-admin, compliance, auditor \
                 and operator.",
            )
            .query::<ActsQuery>()
            .answer::<ActsPage>("A page of acts")
            .errors(&[Code::Invalid]),
        Endpoint::get("/v1/acts", "listOperatorActs", list_operators)
            .tag("acts")
            .summary("List the operator's own acts, newest first")
            .describe("What concerns no merchant: keys of the operator, the platform's guardrail.")
            .query::<ActsQuery>()
            .answer::<ActsPage>("A page of acts")
            .errors(&[Code::Invalid]),
    ]
}

async fn list(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    Queried(query): Queried<ActsQuery>,
) -> Result<Json<ActsPage>, Refused> {
    Ok(Json(app.service.acts(&who, &merchant, query).await?))
}

async fn list_operators(
    State(app): State<Shared>,
    Caller(who): Caller,
    Queried(query): Queried<ActsQuery>,
) -> Result<Json<ActsPage>, Refused> {
    Ok(Json(app.service.operators_acts(&who, query).await?))
}
