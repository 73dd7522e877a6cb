//! What handlers take from a request besides its body: who asks, and the path's parameters.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{Method, Uri, header};
use ombud_core::problem::Problem;
use serde::de::DeserializeOwned;

use super::app::{Shared, Slot};
use super::connection::Connection;
use super::local::LocalOwner;
use super::problem::{Code, Refused};
use crate::service::{Principal, Role, Service, ServiceError};

/// The authenticated caller. It stands first among a handler's arguments: without a key nothing else is looked at. Requests that only read wait for
/// their turn here: they are in no queue that is fair, and a merchant's own wait for each other.
pub struct Caller(pub Principal);

impl FromRequestParts<Shared> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Refused> {
        let who = authenticate(parts, app)?;
        if let Some(slot) = parts.extensions.get::<Slot>().filter(|_| matches!(parts.method, Method::GET | Method::HEAD)) {
            slot.take_turn().await;
        }
        Ok(Self(who))
    }
}

/// The caller, if there is a key; a wrong key is refused nevertheless.
pub struct MaybeCaller(pub Option<Principal>);

impl MaybeCaller {
    /// Whether it is an operator.
    pub fn is_operator(&self) -> bool {
        self.0.as_ref().is_some_and(|who| who.role == Role::Operator)
    }
}

impl FromRequestParts<Shared> for MaybeCaller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Refused> {
        let known = parts.headers.contains_key(header::AUTHORIZATION) || parts.extensions.get::<LocalOwner>().is_some();
        if known { authenticate(parts, app).map(Some).map(Self) } else { Ok(Self(None)) }
    }
}

fn authenticate(parts: &Parts, app: &Shared) -> Result<Principal, Refused> {
    let mut all = parts.headers.get_all(header::AUTHORIZATION).iter();
    let given = all.next();
    if all.next().is_some() {
        let problem = Problem::in_header("authorization", "stands more than once").allowed("one key");
        return Err(Refused::with(Code::Malformed, vec![problem]));
    }
    if given.is_none() && parts.extensions.get::<LocalOwner>().is_some() {
        return Service::owner().map_err(|error| ServiceError::Internal(error).into());
    }
    let secret = given.and_then(|value| {
        let (scheme, secret) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
    });
    // No key and an unknown one get the same answer.
    let who = app.service.authenticate(secret.unwrap_or_default())?;
    if let Some(connection) = parts.extensions.get::<Arc<Connection>>() {
        app.admit_connection(&who, connection)?;
    }
    if let Some(slot) = parts.extensions.get() {
        app.admit_caller(&who, slot)?;
    }
    Ok(who)
}

/// Parameters of the path.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Shared> for Params<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Refused> {
        // A segment that is not UTF-8 names nothing that exists.
        let Path(params) = Path::from_request_parts(parts, app).await.map_err(|_| Refused::new(Code::NotFound, "no such path"))?;
        Ok(Self(params))
    }
}

/// Parameters of the query.
pub struct Queried<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Shared> for Queried<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Refused> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(query)) => Ok(Self(query)),
            Err(rejection) => Err(Refused::with(Code::Invalid, refused_parameters::<T>(&parts.uri, &rejection))),
        }
    }
}

/// What is wrong with a query, parameter by parameter: each is read alone. Where none is wrong by itself, the whole is.
fn refused_parameters<T: DeserializeOwned>(uri: &Uri, rejection: &QueryRejection) -> Vec<Problem> {
    let said = |rejection: &QueryRejection| {
        let text = rejection.body_text();
        text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text).to_owned()
    };
    let alone = |pair: &str| -> Option<Problem> {
        let uri: Uri = format!("/?{pair}").parse().ok()?;
        let said = said(&Query::<T>::try_from_uri(&uri).err()?);
        // The others are missing because they are left out.
        let name = pair.split('=').next().unwrap_or_default();
        (!said.starts_with("missing field"))
            .then(|| Problem::at(format!("/{name}"), said.strip_prefix(&format!("{name}: ")).unwrap_or(&said)))
    };
    let problems: Vec<Problem> = uri.query().unwrap_or_default().split('&').filter_map(alone).collect();
    if problems.is_empty() { vec![Problem::at("", format!("the query is not taken: {}", said(rejection)))] } else { problems }
}
