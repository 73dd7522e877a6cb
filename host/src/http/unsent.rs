//! Large answers that are not sent yet: they count against their merchant until the last byte has left, for whoever does not read keeps them in memory.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};

use crate::service::Share;

/// Answers up to this size, in bytes, are not counted: a connection has one of them.
const COUNTED_BYTES_MIN: u64 = 64 << 10;

/// An answer with a limit of its own, which is not counted here.
#[derive(Clone, Copy)]
pub struct Limited;

/// What of an answer is there while the rest is made: it counts against its merchant as it grows, until the whole does.
pub struct Growing(Held);

impl Growing {
    /// Nothing yet, for a merchant; the operator's are not counted.
    pub fn new(share: Option<Arc<Share>>) -> Self {
        Self(Held { share, bytes: 0 })
    }

    /// Adds bytes; false where they would take the merchant's above `max`, and are not added.
    pub fn grow(&mut self, bytes: usize, max: usize) -> bool {
        let more = |before: usize| before.checked_add(bytes).filter(|after| *after <= max);
        let fits =
            self.0.share.as_ref().is_none_or(|share| share.answer_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok());
        self.0.bytes += if fits { bytes } else { 0 };
        fits
    }
}

/// Counts an answer for the merchant that it is for. What was counted of it while it grew ends with this.
pub fn counted(mut response: Response, share: Option<&Arc<Share>>) -> Response {
    let _grown = response.extensions_mut().remove::<Arc<Growing>>();
    let bytes = response.body().size_hint().exact().filter(|bytes| *bytes > COUNTED_BYTES_MIN);
    let (Some(bytes), Some(share), None) = (bytes, share, response.extensions().get::<Limited>()) else { return response };
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    share.answer_bytes.fetch_add(bytes, Ordering::Relaxed);
    let held = Arc::new(Held { share: Some(Arc::clone(share)), bytes });
    response.map(|body| Body::new(Unsent { body, held }))
}

struct Held {
    share: Option<Arc<Share>>,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.share.iter().for_each(|share| _ = share.answer_bytes.fetch_sub(self.bytes, Ordering::Relaxed));
    }
}

struct Unsent {
    body: Body,
    held: Arc<Held>,
}

/// Bytes of a counted answer, wherever they wait.
struct Counted {
    bytes: Bytes,
    _held: Arc<Held>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl HttpBody for Unsent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let counted = |bytes| Bytes::from_owner(Counted { bytes, _held: Arc::clone(&self.held) });
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(counted))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
