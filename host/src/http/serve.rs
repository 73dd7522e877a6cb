//! The server: connections, and the way out.
//!
//! HTTP/1.1 with kept-alive connections; TLS and HTTP/2 are the proxy's in front. A request whose head is no HTTP at all is
//! answered by the protocol library, without a body: everything that reaches a route has a problem document.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use axum::routing::future::RouteFuture;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::Service as _;

use super::app::{App, Shared};
use super::connection::Connection;
use super::leaving::{Leftover, Lingering};
use super::limits::{HttpLimits, ms};
use super::local::LocalListener;
use super::router::{over, owners};
use super::strangers::Strangers;
use crate::service::Service;

/// How long to wait after the system refused a connection for want of files or memory, in milliseconds.
const ACCEPT_PAUSE_MS: u64 = 50;

/// How long a connection that is sent away may take to go before the next one is.
const LEAVE_TIME: Duration = Duration::from_millis(10);

/// How the server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were cut off at the deadline.
    pub cut: usize,
}

/// Where a server listens.
pub struct Listeners {
    /// For everybody with a key.
    pub tcp: TcpListener,
    /// For the data directory's owner.
    pub local: Option<LocalListener>,
}

impl From<TcpListener> for Listeners {
    fn from(tcp: TcpListener) -> Self {
        Self { tcp, local: None }
    }
}

/// Serves until `shutdown` is ready; then refuses new connections, finishes the requests under way, and returns at the latest
/// after [`HttpLimits::drain_ms`]. The caller closes the service afterwards.
pub async fn serve(
    listeners: impl Into<Listeners>,
    service: Arc<Service>,
    limits: HttpLimits,
    shutdown: impl Future<Output = ()>,
) -> Drained {
    let listeners = listeners.into();
    let app = App::new(service, limits);
    let limits = &app.limits;
    let (router, owners_router) = (over(app.clone()), owners(app.clone()));
    let strangers = Arc::new(Strangers::default());
    let ((cut, cut_off), (stop, stops)) = (watch::channel(()), watch::channel(()));
    let connections = Connections { app: app.clone(), protocol: protocol(limits), graceful: GracefulShutdown::new(), cut_off, stops };
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let owners_places = Arc::new(Semaphore::new(limits.local_connections_max));
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = accept_owner(&listeners, &owners_places) => accepted,
            accepted = accept(&listeners, &places, &strangers, ms(limits.stranger_ms)) => accepted,
        };
        match accepted {
            Ok(Accepted::Owner(stream, place)) => connections.take(stream, &owners_router, Connection::default(), place),
            Ok(Accepted::Caller(stream, place)) => match prepare(&stream, limits) {
                Ok(()) => connections.take(stream, &router, Connection::of_stranger(strangers.enter()), place),
                Err(error) => tracing::debug!(%error, "a connection could not be prepared"),
            },
            Err(error) => pause_after(&error).await,
        }
    }
    app.service.drain();
    drop((listeners, stop));
    let Connections { graceful, .. } = connections;
    tracing::info!(connections = graceful.count(), "draining");
    let open = limits.connections_max + limits.local_connections_max;
    let drained = match tokio::time::timeout(ms(limits.drain_ms), graceful.shutdown()).await {
        Ok(()) => 0,
        Err(_) => {
            let left = open.saturating_sub(places.available_permits() + owners_places.available_permits());
            drop(cut);
            left
        }
    };
    tracing::info!(cut = drained, "drained");
    Drained { cut: drained }
}

/// A connection with its place.
enum Accepted {
    Caller(TcpStream, Option<OwnedSemaphorePermit>),
    Owner(UnixStream, Option<OwnedSemaphorePermit>),
}

async fn accept(listeners: &Listeners, places: &Arc<Semaphore>, strangers: &Strangers, least: Duration) -> io::Result<Accepted> {
    let place = place(places, strangers, least).await;
    listeners.tcp.accept().await.map(|(stream, _)| Accepted::Caller(stream, place))
}

/// A place for the next connection. When all are taken a stranger gives way.
async fn place(places: &Arc<Semaphore>, strangers: &Strangers, least: Duration) -> Option<OwnedSemaphorePermit> {
    loop {
        if let Ok(place) = places.clone().try_acquire_owned() {
            return Some(place);
        }
        let Some(wait) = strangers.send_away(least) else { break };
        // Who is sent away needs a moment to go.
        if let Ok(place) = tokio::time::timeout(wait.max(LEAVE_TIME), places.clone().acquire_owned()).await {
            return place.ok();
        }
    }
    // The semaphore is never closed.
    places.clone().acquire_owned().await.ok()
}

async fn accept_owner(listeners: &Listeners, places: &Arc<Semaphore>) -> io::Result<Accepted> {
    let Some(local) = &listeners.local else { return std::future::pending().await };
    let place = places.clone().acquire_owned().await.ok();
    local.accept().await.map(|stream| Accepted::Owner(stream, place))
}

/// The connections of a server.
struct Connections {
    app: Shared,
    protocol: http1::Builder,
    graceful: GracefulShutdown,
    cut_off: watch::Receiver<()>,
    /// For connections on which all is said: they are given up when the server stops.
    stops: watch::Receiver<()>,
}

impl Connections {
    /// Serves one connection until it ends or is cut off.
    fn take<I>(&self, stream: I, router: &Router, connection: Connection, place: Option<OwnedSemaphorePermit>)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (app, mut cut_off, own) = (self.app.clone(), self.cut_off.clone(), Arc::new(connection));
        let entry = Entry { app: app.clone(), router: router.clone(), connection: own.clone() };
        let stream = TokioIo::new(Lingering::new(stream, own.clone(), ms(app.limits.linger_ms), self.stops.clone()));
        let connection = self.graceful.watch(self.protocol.serve_connection(stream, entry));
        tokio::spawn(async move {
            app.metrics().http_connections().inc();
            tokio::select! {
                // Broken connections and timeouts are the client's affair.
                _ = connection => {}
                _ = cut_off.changed() => {}
                () = own.sent_away() => {}
            }
            app.metrics().http_connections().dec();
            drop(place);
        });
    }
}

fn protocol(limits: &HttpLimits) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(ms(limits.header_ms))
        // Twice what is allowed: up to there the answer is a problem document, and beyond it the library's bare 431.
        .max_headers(limits.headers_max.saturating_mul(2))
        .max_header_size((limits.header_bytes_max + limits.uri_bytes_max).saturating_mul(2));
    protocol
}

/// Ready at the first SIGTERM or SIGINT since this was called, within a runtime; from then on neither ends the process.
///
/// # Errors
/// The operating system takes no handler.
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// The router as the protocol library calls it.
struct Entry {
    app: Shared,
    router: Router,
    /// For whoever finds out whose it is, or that it cannot stay.
    connection: Arc<Connection>,
}

impl hyper::service::Service<Request<Incoming>> for Entry {
    type Response = axum::response::Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.connection.clone());
        let expects = request.headers().contains_key(header::EXPECT);
        let whole = |body: Incoming| match body.is_end_stream() {
            true => Body::empty(),
            false => Body::new(Leftover::new(body, expects, self.connection.clone(), &self.app.limits)),
        };
        // A router is always ready, and a clone of it is a pointer.
        self.router.clone().call(request.map(whole))
    }
}

/// Answers leave at once, and a client that does not read them loses its connection.
fn prepare(stream: &TcpStream, limits: &HttpLimits) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(ms(limits.write_stall_ms)))?;
    #[cfg(not(target_os = "linux"))]
    let _ = limits;
    Ok(())
}

/// A connection that broke before it was accepted is nothing; for everything else the system needs a moment.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted) {
        return;
    }
    tracing::warn!(%error, "no connection could be accepted");
    tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
}
