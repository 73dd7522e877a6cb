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
    let guard = |method, route, time_ms, always| {
        let metrics = app.metrics().http_route(method, route);
        EdgeLayer(Arc::new(Guard { app: app.clone(), method, route, time_ms, always, metrics }))
    };
    let mut router = Router::new();
    for endpoint in endpoints() {
        let time_ms = match (endpoint.batch, endpoint.upload) {
            (true, _) => app.limits.batch_ms,
            (false, true) => app.limits.request_ms.saturating_add(app.limits.upload_body_ms),
            (false, false) => app.limits.request_ms,
        };
        let guard = guard(endpoint.method, endpoint.path, time_ms, endpoint.always);
        router = router.route(endpoint.path, endpoint.handler.layer(guard));
    }
    router
        .fallback(unknown.layer(guard("(any)", "(unknown)", app.limits.request_ms, false)))
        .method_not_allowed_fallback(not_allowed.layer(guard("(other)", "(known)", app.limits.request_ms, false)))
        .with_state(app)
}

async fn unknown() -> Refused {
    Refused::new(Code::NotFound, "no such path: `/openapi.json` lists them")
}

async fn not_allowed() -> Refused {
    Refused::new(Code::MethodNotAllowed, "the header `allow` names the methods of this path")
}
