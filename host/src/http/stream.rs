//! Answers of any size, written by a thread of their own and sent as they come.

use std::io::{self, Write};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use tokio::sync::mpsc::{Sender, channel};

use crate::priority::behind_others;

/// Bytes sent at once.
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks that wait for the connection; then the writing waits too.
const CHUNKS_WAITING: usize = 8;

/// An answer that `write` writes on a thread of its own, behind those who decide. Where it fails the connection breaks off, so that nobody takes
/// the part for the whole.
pub fn written(
    media_type: &'static str,
    file_name: &str,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> Response {
    let (sender, mut receiver) = channel(CHUNKS_WAITING);
    let work = move || {
        behind_others();
        let mut out = Chunks { sender, waiting: Vec::with_capacity(CHUNK_BYTES) };
        if let Err(error) = write(&mut out).and_then(|()| out.flush()) {
            // A caller that hung up is its own affair.
            if error.kind() != io::ErrorKind::BrokenPipe {
                tracing::error!(%error, "an answer could not be written to its end");
            }
            _ = out.sender.blocking_send(Err(error));
        }
    };
    if let Err(error) = std::thread::Builder::new().name("answer".into()).spawn(work) {
        // The answer breaks off with the channel.
        tracing::error!(%error, "no thread can be started for an answer");
    }
    let mut response = Response::new(Body::from_stream(futures_util::stream::poll_fn(move |context| receiver.poll_recv(context))));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{file_name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// Collects what is written into chunks.
struct Chunks {
    sender: Sender<io::Result<Bytes>>,
    waiting: Vec<u8>,
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.waiting, Vec::with_capacity(CHUNK_BYTES));
        self.sender.blocking_send(Ok(chunk.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
