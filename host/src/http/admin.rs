//! Merchants, their policies, and keys.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::{Created, Json};
use super::app::Shared;
use super::body;
use super::caller::{Caller, Params};
use super::finish::finish;
use super::problem::{Code, Refused};
use super::routes::{Endpoint, RequestBody};
use crate::service::wire::{CreatedKey, KeyView, MerchantView, PolicyView};
use crate::service::{Principal, Role};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const WRITE: [Code; 4] = [Code::Malformed, Code::MediaType, Code::Invalid, Code::Conflict];
    vec![
        Endpoint::get("/v1/merchants", "listMerchants", list)
            .tag("merchants")
            .summary("List merchants (operator)")
            .answer::<Vec<MerchantView>>("Every merchant"),
        Endpoint::get("/v1/merchants/{merchant}", "getMerchant", get)
            .tag("merchants")
            .summary("One merchant")
            .answer::<MerchantView>("Its configuration and policies"),
        Endpoint::put("/v1/merchants/{merchant}", "putMerchant", put)
            .tag("merchants")
            .summary("Create or change a merchant")
            .describe(
                "An operator creates merchants, a merchant's admin changes the own one. The body is the configuration, with an optional \
                 member `policies` (`{KIND: {\"policy\": NAME, \"settings\": {…}}}`). Settings are checked by the policy itself before \
                 anything changes.",
            )
            .body(RequestBody::Merchant)
            .answer::<MerchantView>("The merchant as it is now")
            .errors(&WRITE),
        Endpoint::get("/v1/merchants/{merchant}/policies", "listPolicies", policies)
            .tag("merchants")
            .summary("List a merchant's policies")
            .answer::<Vec<PolicyView>>("The policy of each kind, and why one is not loaded"),
        Endpoint::get("/v1/merchants/{merchant}/keys", "listKeys", list_keys)
            .tag("keys")
            .summary("List the keys of a merchant")
            .describe("Revoked ones included. Secrets are not kept.")
            .answer::<Vec<KeyView>>("The keys"),
        Endpoint::post("/v1/merchants/{merchant}/keys", "createKey", create_key)
            .tag("keys")
            .summary("Create a key of a merchant")
            .describe("The secret is shown once and stored as a hash.")
            .body(RequestBody::of::<NewKeyRequest>())
            .answered::<CreatedKey>(StatusCode::CREATED, "The key")
            .errors(&WRITE),
        Endpoint::delete("/v1/merchants/{merchant}/keys/{key}", "revokeKey", revoke_key)
            .tag("keys")
            .summary("Revoke a key of a merchant")
            .no_content("It is revoked: the next request with it is 401"),
        Endpoint::get("/v1/keys", "listOperatorKeys", list_operator_keys)
            .tag("keys")
            .summary("List the keys of the operator")
            .describe("Revoked ones included. Secrets are not kept.")
            .answer::<Vec<KeyView>>("The keys"),
        Endpoint::post("/v1/keys", "createOperatorKey", create_operator_key)
            .tag("keys")
            .summary("Create a key of the operator")
            .body(RequestBody::of::<NewKeyRequest>())
            .answered::<CreatedKey>(StatusCode::CREATED, "The key")
            .errors(&WRITE),
        Endpoint::delete("/v1/keys/{key}", "revokeOperatorKey", revoke_operator_key)
            .tag("keys")
            .summary("Revoke a key of the operator")
            .no_content("It is revoked: the next request with it is 401"),
    ]
}

/// A key that is asked for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKeyRequest {
    /// What its bearer may do.
    pub role: Role,
    /// Who its bearer is, in records and in the steps of blacklist requests: a name for the person, unique to them.
    pub label: String,
}

async fn list(State(app): State<Shared>, Caller(who): Caller) -> Result<Json<Vec<MerchantView>>, Refused> {
    Ok(Json(app.service.merchants(&who)?))
}

async fn get(State(app): State<Shared>, Caller(who): Caller, Params(merchant): Params<String>) -> Result<Json<MerchantView>, Refused> {
    app.service.looked_at_configuration(&who, &merchant).await?;
    Ok(Json(app.service.merchant(&who, &merchant)?))
}

async fn policies(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
) -> Result<Json<Vec<PolicyView>>, Refused> {
    app.service.looked_at_configuration(&who, &merchant).await?;
    Ok(Json(app.service.policies(&who, &merchant)?))
}

async fn put(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    request: Request,
) -> Result<Json<MerchantView>, Refused> {
    body::json_media_type(request.headers())?;
    let (_, posted) = body::read(&app, request, app.limits.json_bytes_max).await?;
    let put = finish(async move {
        let body::Posted { bytes, reserved: _reserved } = posted;
        app.service.put_merchant(&who, &merchant, &bytes).await
    });
    Ok(Json(put.await?))
}

async fn list_keys(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
) -> Result<Json<Vec<KeyView>>, Refused> {
    Ok(Json(app.service.keys(&who, Some(&merchant))?))
}

async fn list_operator_keys(State(app): State<Shared>, Caller(who): Caller) -> Result<Json<Vec<KeyView>>, Refused> {
    Ok(Json(app.service.keys(&who, None)?))
}

async fn create_key(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    request: Request,
) -> Result<Created<CreatedKey>, Refused> {
    let asked = body::json(&app, request).await?;
    create(app, who, Some(merchant), asked).await
}

async fn create_operator_key(State(app): State<Shared>, Caller(who): Caller, request: Request) -> Result<Created<CreatedKey>, Refused> {
    let asked = body::json(&app, request).await?;
    create(app, who, None, asked).await
}

async fn create(app: Shared, who: Principal, merchant: Option<String>, asked: NewKeyRequest) -> Result<Created<CreatedKey>, Refused> {
    let created = finish(async move { app.service.create_key(&who, merchant.as_deref(), asked.role, &asked.label).await });
    Ok(Created(created.await?))
}

async fn revoke_key(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, key)): Params<(String, String)>,
) -> Result<StatusCode, Refused> {
    revoke(app, who, Some(merchant), key).await
}

async fn revoke_operator_key(State(app): State<Shared>, Caller(who): Caller, Params(key): Params<String>) -> Result<StatusCode, Refused> {
    revoke(app, who, None, key).await
}

async fn revoke(app: Shared, who: Principal, merchant: Option<String>, key: String) -> Result<StatusCode, Refused> {
    finish(async move { app.service.revoke_key(&who, merchant.as_deref(), &key).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

body::posted_json! { NewKeyRequest { label: Bound::Id } }
