//! The router: every endpoint behind its guard, and problem documents for what is no endpoint.

use std::sync::Arc;

use axum::handler::Handler as _;
use axum::{Extension, Router};

use super::app::{App, Shared};
use super::edge::{EdgeLayer, Guard};
use super::limits::HttpLimits;
use super::local::LocalOwner;
use super::problem::{Code, Refused};
use super::routes::endpoints;
use crate::service::Service;

/// The whole interface over a service.
pub fn router(service: Arc<Service>, limits: HttpLimits) -> Router {
    over(App::new(service, limits))
}

/// The same for the data directory's owner, who is the caller of every request without a key: for the local socket, and for
/// commands that hold the directory themselves.
pub fn owners_router(service: Arc<Service>, limits: HttpLimits) -> Router {
    owners(App::new(service, limits))
}

pub(super) fn owners(app: Shared) -> Router {
    over(app).layer(Extension(LocalOwner))
}

/// The interface over its state.
pub fn over(app: Shared) -> Router {
    let guard = |method, route, batch: bool, always| {
        let time_ms = if batch { app.limits.batch_ms } else { app.limits.request_ms };
        let metrics = app.metrics().http_route(method, route);
        EdgeLayer(Arc::new(Guard { app: app.clone(), method, route, time_ms, always, metrics }))
    };
    let mut router = Router::new();
    for endpoint in endpoints() {
        let guard = guard(endpoint.method, endpoint.path, endpoint.batch, endpoint.always);
        router = router.route(endpoint.path, endpoint.handler.layer(guard));
    }
    router
        .fallback(unknown.layer(guard("(any)", "(unknown)", false, false)))
        .method_not_allowed_fallback(not_allowed.layer(guard("(other)", "(known)", false, false)))
        .with_state(app)
}

async fn unknown() -> Refused {
    Refused::new(Code::NotFound, "no such path: `/openapi.json` lists them")
}

async fn not_allowed() -> Refused {
    Refused::new(Code::MethodNotAllowed, "the header `allow` names the methods of this path")
}
