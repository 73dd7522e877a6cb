//! Backups, as far as a server has a part in them.

use axum::extract::{Request, State};
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::Json;
use super::app::Shared;
use super::body;
use super::caller::Caller;
use super::finish::finish;
use super::problem::{Code, Refused};
use super::routes::{Endpoint, RequestBody};
use crate::service::wire::BackupBegun;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/v1/backups", "beginBackup", begin)
            .tag("ledger")
            .summary("Record that the data directory is about to be copied")
            .describe(
                "`ombud backup` asks for this and then copies the directory itself, beside the running server. The act is in the operator's log, \
                 and every log is signed up to now, so that the copy has both.",
            )
            .body(RequestBody::of::<BackupRequest>())
            .answer::<BackupBegun>("What was recorded")
            .errors(&[Code::Forbidden, Code::Malformed, Code::MediaType, Code::Invalid]),
    ]
}

/// A backup that is about to be made.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BackupRequest {
    /// Whether the master key goes along.
    master_key: bool,
}

body::posted_json! { BackupRequest {} }

async fn begin(State(app): State<Shared>, Caller(who): Caller, request: Request) -> Result<Json<BackupBegun>, Refused> {
    let asked: BackupRequest = body::json(&app, request).await?;
    Ok(Json(finish(async move { app.service.begin_backup(&who, asked.master_key).await }).await?))
}
