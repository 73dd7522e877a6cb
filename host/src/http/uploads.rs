//! Policies that merchants upload, their versions, and the keys that sign them.

use std::time::Duration;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use ombud_core::problem::Problem;
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::{Created, Json, json};
use super::app::{Reserved, Shared};
use super::body;
use super::caller::{Caller, Params, Queried};
use super::finish::finish;
use super::limits::ms;
use super::problem::{Code, Refused};
use super::routes::{Endpoint, RequestBody};
use super::unsent::Limited;
use crate::service::export::ExportPlace;
use crate::service::uploads::{Component, NewUpload, Upload};
use crate::service::wire::{
    SettingsRequest, SigningKeyView, UploadQuery, UploadView, UploadedPolicy, VersionDetail, VersionsPage, VersionsQuery,
};
use crate::signature::{PUBLIC_KEY_BYTES_MAX, SIGNATURE_BYTES_MAX};

/// Bytes of a form beside the component and the settings.
const FORM_BYTES_MORE: usize = 64 << 10;
const WASM: &str = "application/wasm";
const FORM: &str = "multipart/form-data";
/// The header by which a caller says how long it waits (RFC 7240).
const PREFER: HeaderName = HeaderName::from_static("prefer");

pub(super) fn endpoints() -> Vec<Endpoint> {
    const WRITE: [Code; 6] = [Code::Malformed, Code::MediaType, Code::Invalid, Code::PolicyRefused, Code::Conflict, Code::BodyTooLarge];
    vec![
        Endpoint::post("/v1/merchants/{merchant}/policies", "uploadPolicy", upload)
            .tag("policies")
            .summary("Upload a policy")
            .describe(
                "A component as `application/wasm`, or a form (`multipart/form-data`) with the parts `component`, `settings`, `name`, `note` and \
                 `signature`. It passes the gate, step by step, and is a draft then, which decides nothing yet. What is refused leaves nothing \
                 but an act. A policy in Python takes minutes: what is not done soon is answered 202, and so is everything with `prefer: \
                 respond-async`; `location` names the upload.",
            )
            .query::<UploadQuery>()
            .body(RequestBody::Component)
            .answered::<VersionDetail>(StatusCode::CREATED, "A new version")
            .also::<VersionDetail>(StatusCode::OK, "The same component with the same settings is this version already")
            .also::<UploadView>(StatusCode::ACCEPTED, "It goes on")
            .errors(&WRITE)
            .upload(),
        Endpoint::get("/v1/merchants/{merchant}/uploads/{upload}", "getUpload", get_upload)
            .tag("policies")
            .summary("How an upload stands")
            .describe("What is under way, the steps that are done, and what came of it. Forgotten when the server ends.")
            .answer::<UploadView>("The upload"),
        Endpoint::get("/v1/merchants/{merchant}/versions", "listUploadedPolicies", uploaded)
            .tag("policies")
            .summary("List policies that have versions, each with its newest one")
            .describe("Those that were uploaded, and default policies that are or were bound.")
            .answer::<Vec<UploadedPolicy>>("The policies by name"),
        Endpoint::get("/v1/merchants/{merchant}/policies/{policy}/versions", "listVersions", versions)
            .tag("policies")
            .summary("List the versions of a policy")
            .query::<VersionsQuery>()
            .answer::<VersionsPage>("Versions, newest first")
            .errors(&[Code::Invalid]),
        Endpoint::post("/v1/merchants/{merchant}/policies/{policy}/versions", "changeSettings", settings)
            .tag("policies")
            .summary("Other settings for a policy: a new version")
            .describe("The component of a version with other settings passes the gate as an upload does.")
            .body(RequestBody::of::<SettingsRequest>())
            .answered::<VersionDetail>(StatusCode::CREATED, "A new version")
            .also::<VersionDetail>(StatusCode::OK, "The same component with the same settings is this version already")
            .also::<UploadView>(StatusCode::ACCEPTED, "It goes on")
            .errors(&WRITE),
        Endpoint::get("/v1/merchants/{merchant}/policies/{policy}/versions/{version}", "getVersion", version)
            .tag("policies")
            .summary("One version: settings, signature, and what the gate found")
            .answer::<VersionDetail>("The version"),
        Endpoint::get("/v1/merchants/{merchant}/policies/{policy}/versions/{version}/component", "getComponent", component)
            .tag("policies")
            .summary("The component of a version")
            .text(WASM, "The component, as it was uploaded"),
        Endpoint::get("/v1/merchants/{merchant}/signing-keys", "listSigningKeys", list_keys)
            .tag("policies")
            .summary("List the keys that sign a merchant's policies")
            .describe("Revoked ones included.")
            .answer::<Vec<SigningKeyView>>("The keys"),
        Endpoint::post("/v1/merchants/{merchant}/signing-keys", "addSigningKey", add_key)
            .tag("policies")
            .summary("Register a key that signs a merchant's policies")
            .describe("A public key of minisign. With `signatures: required` in the merchant's configuration nothing else is taken.")
            .body(RequestBody::of::<SigningKeyRequest>())
            .answered::<SigningKeyView>(StatusCode::CREATED, "The key")
            .errors(&[Code::Malformed, Code::MediaType, Code::Invalid, Code::Conflict]),
        Endpoint::delete("/v1/merchants/{merchant}/signing-keys/{signing_key}", "revokeSigningKey", revoke_key)
            .tag("policies")
            .summary("Revoke a key that signs a merchant's policies")
            .describe("Versions that it signed stay what they are, and show that their key was revoked.")
            .no_content("It signs nothing any more"),
    ]
}

/// A public key that is to be registered.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SigningKeyRequest {
    /// The key's file as minisign writes it, or its second line.
    pub public_key: String,
    /// Whose it is.
    pub label: String,
}

body::posted_json! {
    SigningKeyRequest { public_key: Bound::Bytes(PUBLIC_KEY_BYTES_MAX), label: Bound::Id }
    SettingsRequest { version: Bound::TEXT, settings: Bound::Nested, note: Bound::Scalars(500), signature: Bound::Bytes(SIGNATURE_BYTES_MAX) }
}

async fn upload(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    Queried(query): Queried<UploadQuery>,
    request: Request,
) -> Result<Response, Refused> {
    // Whoever may not upload is told before the bytes come.
    app.service.may_upload(&who, &merchant)?;
    let form = media_type(request.headers())?;
    let wait = wait(&app, request.headers());
    let limits = app.service.limits();
    let bytes_max = limits.load.component_bytes_max.saturating_add(limits.upload.settings_bytes_max).saturating_add(FORM_BYTES_MORE);
    let bytes_max = if form.is_some() { bytes_max } else { limits.load.component_bytes_max };
    let (_, posted) = body::read_within(&app, request, bytes_max, app.limits.upload_body_ms).await?;
    let new = match form {
        None => raw(posted, query)?,
        Some(boundary) => parts(posted, boundary, query).await?,
    };
    let upload = app.service.upload(&who, &merchant, new)?;
    answer(&app, &merchant, &upload, wait).await
}

/// The boundary of a form; none where the body is the component itself.
fn media_type(headers: &HeaderMap) -> Result<Option<String>, Refused> {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        WASM => Ok(None),
        FORM => multer::parse_boundary(text).map(Some).map_err(|_| {
            Refused::with(Code::MediaType, vec![Problem::in_header("content-type", "names no boundary").allowed("boundary=…")])
        }),
        _ => {
            let problem = Problem::in_header("content-type", "is not taken").allowed("application/wasm, or multipart/form-data");
            Err(Refused::with(Code::MediaType, vec![problem]))
        }
    }
}

/// How long the caller waits: as long as the server lets it, or not at all.
fn wait(app: &Shared, headers: &HeaderMap) -> Duration {
    let prefers = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split([',', ';']));
    let mut prefers = prefers.map(|preference| preference.trim().to_ascii_lowercase());
    if prefers.any(|preference| preference == "respond-async") { Duration::ZERO } else { ms(app.limits.upload_wait_ms) }
}

/// The body is the component.
fn raw(posted: body::Posted, query: UploadQuery) -> Result<NewUpload, Refused> {
    if posted.bytes.is_empty() {
        return Err(Refused::with(Code::Malformed, vec![Problem::at("", "the body is empty").allowed("a component")]));
    }
    Ok(NewUpload {
        component: Component::Bytes(posted.bytes.into()),
        settings: None,
        name: query.name,
        note: query.note,
        signature: None,
        held: Box::new(posted.reserved),
    })
}

/// The body is a form.
async fn parts(posted: body::Posted, boundary: String, query: UploadQuery) -> Result<NewUpload, Refused> {
    let body::Posted { bytes, reserved }: body::Posted = posted;
    let broken = |what: String| Refused::with(Code::Malformed, vec![Problem::at("", what)]);
    let stream = futures_util::stream::once(std::future::ready(Ok::<Bytes, std::convert::Infallible>(bytes)));
    let mut form = multer::Multipart::new(stream, boundary);
    let mut new = Form { name: query.name, note: query.note, ..Form::default() };
    while let Some(field) = form.next_field().await.map_err(|error| broken(format!("the form cannot be read: {error}")))? {
        let name = field.name().unwrap_or_default().to_owned();
        let content = field.bytes().await.map_err(|error| broken(format!("the form cannot be read: {error}")))?;
        new.put(&name, content)?;
    }
    new.whole(reserved)
}

#[derive(Default)]
struct Form {
    component: Option<Vec<u8>>,
    settings: Option<String>,
    name: Option<String>,
    note: Option<String>,
    signature: Option<String>,
}

impl Form {
    fn put(&mut self, name: &str, content: Bytes) -> Result<(), Refused> {
        let problem = |what: &str| Err(Refused::with(Code::Invalid, vec![Problem::at(format!("/{name}"), what.to_owned())]));
        if name == "component" {
            return if self.component.replace(content.into()).is_some() { problem("is there twice") } else { Ok(()) };
        }
        let place = match name {
            "settings" => &mut self.settings,
            "name" => &mut self.name,
            "note" => &mut self.note,
            "signature" => &mut self.signature,
            _ => {
                let problem =
                    Problem::at("", "the form has a part that is not known").allowed("component, settings, name, note, signature");
                return Err(Refused::with(Code::Invalid, vec![problem]));
            }
        };
        let Ok(text) = String::from_utf8(content.into()) else { return problem("is no UTF-8") };
        if place.replace(text).is_some() { problem("is there twice") } else { Ok(()) }
    }

    fn whole(self, reserved: Reserved) -> Result<NewUpload, Refused> {
        let Some(component) = self.component else {
            let problem = Problem::at("/component", "is missing").allowed("the component's bytes");
            return Err(Refused::with(Code::Invalid, vec![problem]));
        };
        Ok(NewUpload {
            component: Component::Bytes(component),
            settings: self.settings,
            name: self.name,
            note: self.note,
            signature: self.signature,
            held: Box::new(reserved),
        })
    }
}

/// The version, if it comes soon, or where the upload is found.
async fn answer(app: &Shared, merchant: &str, upload: &Upload, wait: Duration) -> Result<Response, Refused> {
    // Who does not wait finds everything in one place, however soon it comes.
    let ended = if wait.is_zero() { None } else { app.service.uploaded(upload, wait).await? };
    Ok(match ended {
        Some((version, true)) => Created(version).into_response(),
        Some((version, false)) => Json(version).into_response(),
        None => {
            let mut response = json(StatusCode::ACCEPTED, &upload.view());
            if let Ok(location) = HeaderValue::try_from(format!("/v1/merchants/{merchant}/uploads/{}", upload.id())) {
                response.headers_mut().insert(header::LOCATION, location);
            }
            response
        }
    })
}

async fn settings(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, policy)): Params<(String, String)>,
    request: Request,
) -> Result<Response, Refused> {
    app.service.may_upload(&who, &merchant)?;
    let wait = wait(&app, request.headers());
    let asked: SettingsRequest = body::json(&app, request).await?;
    let upload = app.service.upload_settings(&who, &merchant, &policy, asked, Box::new(())).await?;
    answer(&app, &merchant, &upload, wait).await
}

async fn get_upload(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, upload)): Params<(String, String)>,
) -> Result<Json<UploadView>, Refused> {
    Ok(Json(app.service.upload_view(&who, &merchant, &upload)?))
}

async fn uploaded(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
) -> Result<Json<Vec<UploadedPolicy>>, Refused> {
    app.service.looked_at_configuration(&who, &merchant).await?;
    Ok(Json(app.service.uploaded_policies(&who, &merchant).await?))
}

async fn versions(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, policy)): Params<(String, String)>,
    Queried(query): Queried<VersionsQuery>,
) -> Result<Json<VersionsPage>, Refused> {
    app.service.looked_at_configuration(&who, &merchant).await?;
    Ok(Json(app.service.versions(&who, &merchant, &policy, query).await?))
}

async fn version(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, policy, version)): Params<(String, String, String)>,
) -> Result<Json<VersionDetail>, Refused> {
    app.service.looked_at_configuration(&who, &merchant).await?;
    Ok(Json(app.service.version(&who, &merchant, &policy, &version).await?))
}

async fn component(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, policy, version)): Params<(String, String, String)>,
) -> Result<Response, Refused> {
    app.service.looked_at_configuration(&who, &merchant).await?;
    let (bytes, place) = app.service.component(&who, &merchant, &policy, &version).await?;
    Ok((Extension(Limited), [(header::CONTENT_TYPE, WASM)], Bytes::from_owner(Download { bytes, _place: place })).into_response())
}

/// A component on its way: as large as it may be, and so not more of them than have a place, until the last byte is sent.
struct Download {
    bytes: Vec<u8>,
    _place: ExportPlace,
}

impl AsRef<[u8]> for Download {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

async fn list_keys(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
) -> Result<Json<Vec<SigningKeyView>>, Refused> {
    app.service.looked_at_configuration(&who, &merchant).await?;
    Ok(Json(app.service.signing_keys(&who, &merchant).await?))
}

async fn add_key(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    request: Request,
) -> Result<Created<SigningKeyView>, Refused> {
    let asked: SigningKeyRequest = body::json(&app, request).await?;
    let added = finish(async move { app.service.add_signing_key(&who, &merchant, &asked.public_key, &asked.label).await });
    Ok(Created(added.await?))
}

async fn revoke_key(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, key)): Params<(String, String)>,
) -> Result<StatusCode, Refused> {
    finish(async move { app.service.revoke_signing_key(&who, &merchant, &key).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}
