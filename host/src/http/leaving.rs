//! The end of a request whose body was not wanted, and of its connection: the client hears the answer, whatever it is still sending.
//!
//! Who closes a connection on which bytes come in has the system reset it, and the answer may be lost with what was not read. So the rest of a small
//! body is read and dropped beside the answer, and the connection stays. Of a large one the connection ends with the answer, which says so; what still
//! comes is read for a while after it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::connection::Connection;
use super::limits::{HttpLimits, ms};

/// Bytes that are read and dropped at a time.
const READ_BYTES: usize = 8 << 10;

/// A request's body. What its handler leaves of it is read beside the answer.
pub struct Leftover {
    /// None once it is at its end.
    body: Option<Incoming>,
    connection: Arc<Connection>,
    /// The client waits for leave to send it, and nobody has asked for it.
    waits: bool,
    bytes_max: u64,
    time: Duration,
}

impl Leftover {
    /// The body of a request; `expects` whether the client waits for leave to send it.
    pub fn new(body: Incoming, expects: bool, connection: Arc<Connection>, limits: &HttpLimits) -> Self {
        Self { body: Some(body), connection, waits: expects, bytes_max: limits.leftover_bytes_max, time: ms(limits.leftover_ms) }
    }
}

impl Body for Leftover {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.waits = false;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) else { return };
        let is_large = body.size_hint().exact().is_some_and(|bytes| bytes > self.bytes_max);
        let runtime = Handle::try_current();
        let (false, false, Ok(runtime)) = (self.waits, is_large, runtime) else { return self.connection.end() };
        let (connection, bytes_max, time) = (Arc::clone(&self.connection), self.bytes_max, self.time);
        runtime.spawn(async move {
            let mut body = body;
            if !matches!(tokio::time::timeout(time, drained(&mut body, bytes_max)).await, Ok(true)) {
                connection.end();
            }
        });
    }
}

/// Reads a body and drops it; whether it came to its end.
async fn drained(body: &mut Incoming, bytes_max: u64) -> bool {
    let mut left = bytes_max;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
        let Some(rest) = left.checked_sub(bytes) else { return false };
        left = rest;
    }
    true
}

/// A connection's stream. When all is said and the client still sends, what comes is read and dropped for a while, so that the answer is not lost.
/// A server that stops waits for nobody who has had an answer.
pub struct Lingering<I> {
    stream: I,
    connection: Arc<Connection>,
    time: Duration,
    /// Changes, or is closed, when the server stops.
    stops: watch::Receiver<()>,
    until: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl<I> Lingering<I> {
    /// Over a stream.
    pub const fn new(stream: I, connection: Arc<Connection>, time: Duration, stops: watch::Receiver<()>) -> Self {
        Self { stream, connection, time, stops, until: None }
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncRead for Lingering<I> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<I> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, connection, time, stops, until } = self.get_mut();
        let is_first = until.is_none();
        let until = match until {
            Some(until) => until,
            None => {
                ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
                let (time, mut stops) = (*time, stops.clone());
                until.insert(Box::pin(async move { _ = tokio::time::timeout(time, stops.changed()).await }))
            }
        };
        let mut seen = !is_first || connection.ends();
        if seen && is_first {
            connection.lingers();
        }
        loop {
            if until.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut bytes = [0; READ_BYTES];
            let mut into = ReadBuf::new(&mut bytes);
            match Pin::new(&mut *stream).poll_read(context, &mut into) {
                Poll::Ready(Ok(())) if !into.filled().is_empty() => {
                    if !std::mem::replace(&mut seen, true) {
                        connection.lingers();
                    }
                }
                // The client is done as well, or gone.
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                // Nobody who has nothing to send is waited for.
                Poll::Pending if !seen => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }
}
