//! A merchant's records as a bundle for an auditor.

use axum::extract::State;
use axum::response::Response;
use ombud_ledger::bundle;

use super::app::Shared;
use super::caller::{Caller, Params, Queried};
use super::finish::finish;
use super::problem::{Code, Refused};
use super::routes::Endpoint;
use super::stream::written;
use crate::service::export::ExportQuery;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/v1/merchants/{merchant}/ledger/export", "exportRecords", export)
            .tag("ledger")
            .summary("Export records with everything to check them")
            .describe(
                "A file for `ombud audit verify`, which needs nothing else but the operator's verifier key. A full export has the keys of the \
                 records' bodies and is for auditors; others ask for a masked one. The export is recorded as an act before anything is given \
                 out. A log that is damaged is exported as it is.",
            )
            .query::<ExportQuery>()
            .text(bundle::MEDIA_TYPE, "The bundle: a CBOR sequence, as long as it takes")
            .errors(&[Code::Invalid, Code::NotYet]),
    ]
}

async fn export(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    Queried(query): Queried<ExportQuery>,
) -> Result<Response, Refused> {
    // What was recorded as an act is prepared to its end.
    let export = finish(async move { app.service.export(&who, &merchant, query).await }).await?;
    let name = format!("{}.{}", export.manifest().merchant, bundle::EXTENSION);
    Ok(written(bundle::MEDIA_TYPE, &name, move |out| export.write(out)))
}
