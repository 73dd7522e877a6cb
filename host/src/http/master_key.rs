//! The operator's master key: which one is in force, and its replacement.

use std::path::PathBuf;

use axum::extract::{Request, State};
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::Json;
use super::app::Shared;
use super::body;
use super::caller::Caller;
use super::finish::finish;
use super::local::LocalOwner;
use super::problem::{Code, Refused};
use super::routes::{Endpoint, RequestBody};
use crate::service::MasterKeyView;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/v1/master-key", "getMasterKey", view)
            .tag("privacy")
            .summary("Which master key is in force, and how far its rotation is")
            .describe("The key itself is never shown, only its id.")
            .answer::<MasterKeyView>("The key's id and its rotation")
            .errors(&[Code::Forbidden]),
        Endpoint::post("/v1/master-key", "rotateMasterKey", rotate)
            .tag("privacy")
            .summary("Begin to replace the master key")
            .describe(
                "Data keys are wrapped with the new key from now on, and those that are there are wrapped anew beside the decisions, some at a time; \
                 no record is touched. `GET` says how far it is. At its end the act is in the operator's log, and the old key opens nothing any more.",
            )
            .body(RequestBody::of::<RotationRequest>())
            .answer::<MasterKeyView>("The key's id and its rotation")
            .errors(&[Code::Forbidden, Code::Malformed, Code::MediaType, Code::Invalid, Code::Conflict]),
    ]
}

/// A rotation that is asked for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RotationRequest {
    /// The file of the new key on the server's machine, an absolute path, drawn if it is not there: for the data directory's owner
    /// through the local socket only. Without it the data directory gets a new `master.key`.
    #[serde(default)]
    new_key_file: Option<PathBuf>,
}

body::posted_json! { RotationRequest {} }

async fn view(State(app): State<Shared>, Caller(who): Caller) -> Result<Json<MasterKeyView>, Refused> {
    Ok(Json(app.service.master_key_view(&who)?))
}

async fn rotate(State(app): State<Shared>, Caller(who): Caller, request: Request) -> Result<Json<MasterKeyView>, Refused> {
    // Who may not is told so whatever is asked.
    app.service.master_key_view(&who)?;
    let is_owner = request.extensions().get::<LocalOwner>().is_some();
    let asked: RotationRequest = body::json(&app, request).await?;
    if asked.new_key_file.is_some() && !is_owner {
        return Err(Refused::new(
            Code::Forbidden,
            "files are named by the data directory's owner only: `ombud key rotate-master --data DIR` does it",
        ));
    }
    Ok(Json(finish(async move { app.service.rotate_master(&who, asked.new_key_file).await }).await?))
}
