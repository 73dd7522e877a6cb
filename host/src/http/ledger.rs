//! A merchant's log in the formats of C2SP: the signed checkpoint, tiles and entry bundles, receipts; and the keys.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use ombud_ledger::log::receipt;

use super::answer::Json;
use super::app::Shared;
use super::caller::{Caller, Params};
use super::finish::finish;
use super::problem::{Code, Refused};
use super::routes::Endpoint;
use crate::service::ledger::LogOf;
use crate::service::wire::LedgerKeysView;

/// The type of checkpoints (c2sp.org/tlog-tiles).
const NOTE: &str = "text/plain; charset=utf-8";
/// The type of tiles and entry bundles.
const TILE: &str = "application/octet-stream";
/// The bytes under a tile's path never change.
const FOR_EVER: &str = "private, max-age=31536000, immutable";
/// The next checkpoint comes in a second.
const AT_ONCE: &str = "private, no-cache";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/v1/merchants/{merchant}/ledger/checkpoint", "getCheckpoint", checkpoint)
            .tag("ledger")
            .summary("The newest signed checkpoint of the merchant's log")
            .describe("A C2SP signed note (c2sp.org/tlog-checkpoint): origin, number of records, root; signed by the operator, cosigned by witnesses.")
            .text(NOTE, "The checkpoint")
            .errors(&[Code::NotYet]),
        Endpoint::get("/v1/merchants/{merchant}/ledger/tile/{*tile}", "getTile", tile)
            .tag("ledger")
            .summary("A tile or entry bundle of the merchant's log")
            .describe(
                "As in c2sp.org/tlog-tiles: `<level>/<index>` or `entries/<index>`, the index as in `x001/x234/067`, with `.p/<width>` where partial. \
                 An entry is a record's header. The bytes under a path never change.",
            )
            .text(TILE, "Hashes of 32 bytes, or entries behind their lengths"),
        Endpoint::get("/v1/ledger/checkpoint", "getOperatorCheckpoint", operators_checkpoint)
            .tag("ledger")
            .summary("The newest signed checkpoint of the operator's own log")
            .describe("The log of acts that concern no merchant.")
            .text(NOTE, "The checkpoint")
            .errors(&[Code::NotYet]),
        Endpoint::get("/v1/ledger/tile/{*tile}", "getOperatorTile", operators_tile)
            .tag("ledger")
            .summary("A tile or entry bundle of the operator's own log")
            .text(TILE, "Hashes of 32 bytes, or entries behind their lengths"),
        Endpoint::get("/v1/merchants/{merchant}/ledger/receipts/{seq}", "getReceiptOfRecord", receipt_at)
            .tag("ledger")
            .summary("The receipt of any record, acts included, by its place in the log")
            .text(receipt::MEDIA_TYPE, "The receipt")
            .errors(&[Code::NotYet]),
        Endpoint::get("/v1/merchants/{merchant}/decisions/{decision}/receipt", "getReceipt", receipt)
            .tag("ledger")
            .summary("The receipt of a decision")
            .describe(
                "A proof that the signed log has the decision's record (c2sp.org/tlog-proof), with the record's header as its extra data. It is checked \
                 with nothing but the operator's verifier key. It is there a second or two after the decision; until then the answer is 409.",
            )
            .text(receipt::MEDIA_TYPE, "The receipt")
            .errors(&[Code::NotYet]),
        Endpoint::get("/v1/ledger/keys", "getLedgerKeys", keys)
            .tag("ledger")
            .summary("The operator's verifier keys")
            .describe(
                "C2SP verifier keys, the newest first. A merchant's log is signed with the same keys under the name `OPERATOR/MERCHANT`. Whoever checks \
                 the operator's work takes the key from elsewhere.",
            )
            .answer::<LedgerKeysView>("The keys"),
        Endpoint::post("/v1/ledger/keys", "rotateLedgerKey", rotate)
            .tag("ledger")
            .summary("Draw a new signing key for checkpoints")
            .describe("The newest key so far goes on signing beside it, until it is retired.")
            .answer::<LedgerKeysView>("The keys")
            .errors(&[Code::Forbidden]),
        Endpoint::delete("/v1/ledger/keys/old", "retireLedgerKey", retire)
            .tag("ledger")
            .summary("End a rotation: the older signing key is destroyed")
            .answer::<LedgerKeysView>("The keys")
            .errors(&[Code::Forbidden]),
    ]
}

async fn checkpoint(State(app): State<Shared>, Caller(who): Caller, Params(merchant): Params<String>) -> Result<Response, Refused> {
    Ok(bytes(app.service.checkpoint(&who, LogOf::Merchant(&merchant)).await?, NOTE, AT_ONCE))
}

async fn tile(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, tile)): Params<(String, String)>,
) -> Result<Response, Refused> {
    Ok(bytes(app.service.tile(&who, LogOf::Merchant(&merchant), &format!("tile/{tile}")).await?, TILE, FOR_EVER))
}

async fn receipt(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, decision)): Params<(String, String)>,
) -> Result<Response, Refused> {
    Ok(bytes(app.service.receipt(&who, &merchant, &decision).await?, receipt::MEDIA_TYPE, AT_ONCE))
}

async fn receipt_at(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, seq)): Params<(String, String)>,
) -> Result<Response, Refused> {
    let seq = seq.parse().map_err(|_| Refused::new(Code::NotFound, "no such record"))?;
    Ok(bytes(app.service.receipt_at(&who, LogOf::Merchant(&merchant), seq).await?, receipt::MEDIA_TYPE, AT_ONCE))
}

async fn operators_checkpoint(State(app): State<Shared>, Caller(who): Caller) -> Result<Response, Refused> {
    Ok(bytes(app.service.checkpoint(&who, LogOf::Operator).await?, NOTE, AT_ONCE))
}

async fn operators_tile(State(app): State<Shared>, Caller(who): Caller, Params(tile): Params<String>) -> Result<Response, Refused> {
    Ok(bytes(app.service.tile(&who, LogOf::Operator, &format!("tile/{tile}")).await?, TILE, FOR_EVER))
}

async fn keys(State(app): State<Shared>, Caller(who): Caller) -> Result<Json<LedgerKeysView>, Refused> {
    Ok(Json(app.service.ledger_keys(&who)?))
}

async fn rotate(State(app): State<Shared>, Caller(who): Caller) -> Result<Json<LedgerKeysView>, Refused> {
    Ok(Json(finish(async move { app.service.rotate_ledger_key(&who).await }).await?))
}

async fn retire(State(app): State<Shared>, Caller(who): Caller) -> Result<Json<LedgerKeysView>, Refused> {
    Ok(Json(finish(async move { app.service.retire_ledger_key(&who).await }).await?))
}

fn bytes(body: impl Into<Body>, media_type: &'static str, caching: &'static str) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}
