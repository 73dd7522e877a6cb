//! What every request passes before and after its handler: admission, limits on its header, its id and trace, its time
//! limit, its count. One layer on each route, so that the route's own handles are at hand.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::extract::Request;
use axum::http::header::CONNECTION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use ombud_core::event;
use tower::{Layer, Service};
use tracing::Instrument as _;

use super::app::{Admitted, Shared, Slot};
use super::connection::Connection;
use super::finish::finish;
use super::limits::ms;
use super::problem::{Code, Refused};
use super::unsent::counted;
use crate::metrics::{Refusal, RouteMetrics};

/// The header by which a caller names its request, and by which the answer names it back.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request id of the caller's, in bytes.
const REQUEST_ID_BYTES_MAX: usize = 64;

/// How one route is guarded.
pub struct Guard {
    /// What is shared.
    pub app: Shared,
    /// The method, for spans.
    pub method: &'static str,
    /// The route's template, for spans: never the path itself, which names customers.
    pub route: &'static str,
    /// From header to answer, in milliseconds.
    pub time_ms: u64,
    /// Whether the route is answered however full the server is.
    pub always: bool,
    /// The route's handles.
    pub metrics: RouteMetrics,
}

/// Puts a guard before a route.
#[derive(Clone)]
pub struct EdgeLayer(pub Arc<Guard>);

impl<S> Layer<S> for EdgeLayer {
    type Service = Edge<S>;

    fn layer(&self, inner: S) -> Edge<S> {
        Edge { guard: self.0.clone(), inner }
    }
}

/// See [`EdgeLayer`].
#[derive(Clone)]
pub struct Edge<S> {
    guard: Arc<Guard>,
    inner: S,
}

impl<S> Service<Request> for Edge<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let began = Instant::now();
        let guard = self.guard.clone();
        let id = request_id(request.headers());
        let connection = request.extensions().get::<Arc<Connection>>().cloned();
        let admitted = guard.admit(&request);
        let span = tracing::info_span!(
            "request",
            method = guard.method,
            route = guard.route,
            id = id.to_str().unwrap_or_default(),
            trace = traceparent(request.headers()).and_then(event::trace_id),
        );
        // The caller's place is kept until the answer, wherever the handler puts the request.
        let slot = Slot::default();
        request.extensions_mut().insert(slot.clone());
        // The handler's future is made only for a request that is admitted.
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let handler = admitted.map(|admitted| (admitted, self.inner.call(request)));
        let work = async move {
            let mut response = match handler {
                // Whoever hangs up while it is read leaves the reading to its end, and its turn is not free before.
                Ok((admitted, handler)) if reads => {
                    let kept = slot.clone();
                    guard.run(finish(async move { (handler.await, kept, admitted).0 })).await
                }
                Ok((_admitted, handler)) => guard.run(handler).await,
                Err(refused) => refused.into_response(),
            };
            response = counted(response, slot.share());
            drop(slot);
            response.headers_mut().insert(REQUEST_ID, id);
            if connection.is_some_and(|connection| connection.ends()) {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            let (status, took) = (response.status().as_u16(), began.elapsed());
            guard.metrics.observe(status, took);
            tracing::debug!(status, micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX), "answered");
            Ok(response)
        };
        Box::pin(work.instrument(span))
    }
}

impl Guard {
    /// Holds the request against the limits that need no body.
    fn admit(&self, request: &Request) -> Result<Option<Admitted>, Refused> {
        let limits = &self.app.limits;
        let refused = |code, detail: String| {
            self.app.metrics().http_refused(Refusal::Header);
            Err(Refused::new(code, detail))
        };
        if request.uri().path_and_query().is_some_and(|path| path.as_str().len() > limits.uri_bytes_max) {
            return refused(Code::UriTooLong, format!("path and query are longer than {} bytes", limits.uri_bytes_max));
        }
        let headers = request.headers();
        if headers.len() > limits.headers_max {
            return refused(Code::HeaderTooLarge, format!("there are more than {} headers", limits.headers_max));
        }
        let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if bytes > limits.header_bytes_max {
            return refused(Code::HeaderTooLarge, format!("the headers are larger than {} bytes", limits.header_bytes_max));
        }
        if self.always { Ok(None) } else { self.app.admit().map(Some) }
    }

    /// Runs the handler within its time. A panic is an answer too, and never another request's trouble.
    async fn run(&self, handler: impl Future<Output = Result<Response, Infallible>>) -> Response {
        match tokio::time::timeout(ms(self.time_ms), AssertUnwindSafe(handler).catch_unwind()).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Ok(Err(never))) => match never {},
            Ok(Err(_)) => {
                tracing::error!("a handler panicked");
                Refused::new(Code::Internal, "internal error").into_response()
            }
            Err(_) => {
                self.app.metrics().http_refused(Refusal::RequestTimeout);
                let detail = format!("no answer within {} ms; what was begun is finished: repeat the same request", self.time_ms);
                Refused::new(Code::Unavailable, detail).into_response()
            }
        }
    }
}

/// The caller's request id, if it is one; or a new one: random for the process, then counted.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| {
        let mut bits = [0_u8; 8];
        // Without randomness the ids of two processes may meet, which confuses a log and nothing else.
        let _ = getrandom::fill(&mut bits);
        u64::from_le_bytes(bits)
    });
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // Without a letter it could be a telephone number, and it is logged.
    let plain = |value: &&HeaderValue| {
        (1..=REQUEST_ID_BYTES_MAX).contains(&value.len())
            && value.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
            && value.as_bytes().iter().any(u8::is_ascii_alphabetic)
    };
    if let Some(given) = headers.get(REQUEST_ID).filter(plain) {
        return given.clone();
    }
    let id = format!("{:016x}-{:x}", *PROCESS, COUNT.fetch_add(1, Ordering::Relaxed));
    HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("none"))
}

/// What the caller says of its trace, in the header of W3C Trace Context.
pub fn traceparent(headers: &HeaderMap) -> Option<&str> {
    headers.get("traceparent")?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_request_id_is_the_callers_or_a_new_one() {
        assert_eq!(request_id(&headers("x-request-id", "abc-1.2_3")), "abc-1.2_3");
        for bad in ["", "two words", "phone:13800138000", "13800138000", &"x".repeat(65)] {
            let id = request_id(&headers("x-request-id", bad));
            assert_ne!(id, bad);
            assert_ne!(id, request_id(&HeaderMap::new()));
        }
    }
}
