//! Every limit of the HTTP interface, with its unit.

use std::time::Duration;

use ombud_core::limits::{BATCH_BYTES_MAX, EVENT_BYTES_MAX, MERCHANT_BYTES_MAX};

/// What the server takes, holds and waits for. What goes beyond is answered with a problem document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// One event's body, in bytes; at most [`EVENT_BYTES_MAX`], which is the default. Beyond: 413.
    pub event_bytes_max: usize,
    /// A batch's body, in bytes; at most [`BATCH_BYTES_MAX`], which is the default. Beyond: 413.
    pub batch_bytes_max: usize,
    /// Any other body, in bytes; by default [`MERCHANT_BYTES_MAX`]. Beyond: 413.
    pub json_bytes_max: usize,
    /// Request bodies held in memory at the same time, in bytes; default 256 MiB. Beyond: 503.
    pub body_bytes_in_flight_max: usize,
    /// Bodies beyond 64 KiB that are parsed at the same time, on threads of their own; default 1. More wait.
    pub parses_max: usize,
    /// Path and query, in bytes; default 8 KiB. Beyond: 414.
    pub uri_bytes_max: usize,
    /// Names and values of all headers, in bytes; default 16 KiB. Beyond: 431.
    pub header_bytes_max: usize,
    /// Headers of one request; default 100. Beyond: 431.
    pub headers_max: usize,
    /// From a connection's opening, or its last answer, until the next request's header is there, in milliseconds; default
    /// 30 000. It bounds both a header that trickles in and an idle kept-alive connection. Beyond: the connection is closed.
    pub header_ms: u64,
    /// From a request's header until its body is there, in milliseconds; default 10 000. Beyond: 408.
    pub body_ms: u64,
    /// The same for an upload of a policy; default 120 000. A component in Python has 18 MB.
    pub upload_body_ms: u64,
    /// How long an upload's caller waits for its end, in milliseconds; default 10 000. Then it is answered 202, and goes on.
    pub upload_wait_ms: u64,
    /// From a request's header until its answer, in milliseconds; default 30 000. Beyond: 503. What was begun is finished
    /// nevertheless: repeating the event gives its answer.
    pub request_ms: u64,
    /// The same for a batch; default 60 000. What was not begun by then is 503, item by item.
    pub batch_ms: u64,
    /// Events of one batch that are decided at the same time; default 16.
    pub batch_lanes_max: usize,
    /// Requests under way; default 1024. Beyond: 503. Health and readiness are always answered.
    pub requests_max: usize,
    /// Requests under way with the keys of one merchant; default 256. Beyond: 429.
    pub merchant_requests_max: usize,
    /// Request bodies of one merchant held in memory, in bytes; default 64 MiB. Beyond: 429.
    pub merchant_body_bytes_max: usize,
    /// Bytes of one merchant's answers beyond 64 KiB that are not sent yet, and of batches' answers that are not whole yet; default 128 MiB.
    /// Beyond: 429, and in a batch item by item.
    pub merchant_answer_bytes_max: usize,
    /// Bytes of all decisions in the answer of one batch; default 32 MiB. What comes beyond is 503, item by item, and is answered when it is posted
    /// again.
    pub batch_answer_bytes_max: usize,
    /// Open connections; default 4096. More wait in the system's queue.
    pub connections_max: usize,
    /// How long a connection on which no key was shown yet keeps its place when all are taken, in milliseconds; default 20. Then the oldest of
    /// them is closed: whoever comes with a key waits no longer.
    pub stranger_ms: u64,
    /// Open connections that the keys of one merchant were shown on last; default 1024. Beyond: 429, and the connection is closed.
    pub merchant_connections_max: usize,
    /// Open connections of the data directory's owner through the local socket; default 64. More wait in the system's queue.
    pub local_connections_max: usize,
    /// How long a client may leave an answer unread, in milliseconds; default 30 000. Beyond: the connection is closed.
    pub write_stall_ms: u64,
    /// What is left of a request's body when it is answered and is read and dropped, in bytes; default 1 MiB. Of a larger one the connection ends
    /// with the answer.
    pub leftover_bytes_max: u64,
    /// How long that may take to come, in milliseconds; default 1 000. Then the connection ends.
    pub leftover_ms: u64,
    /// How long a connection that has ended is read, so that a client which still sends hears the answer, in milliseconds; default 30 000. It gives
    /// way to others, and ends at once when the server stops.
    pub linger_ms: u64,
    /// From the signal to stop until the last request under way is cut off, in milliseconds; default 20 000.
    pub drain_ms: u64,
    /// Whether `/metrics` is answered without an operator's key; default false. For a network that only the operator reaches.
    /// The peer's address decides nothing: behind a proxy every peer is local.
    pub metrics_open: bool,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            event_bytes_max: EVENT_BYTES_MAX,
            batch_bytes_max: BATCH_BYTES_MAX,
            json_bytes_max: MERCHANT_BYTES_MAX,
            body_bytes_in_flight_max: 256 << 20,
            parses_max: 1,
            uri_bytes_max: 8 << 10,
            header_bytes_max: 16 << 10,
            headers_max: 100,
            header_ms: 30_000,
            body_ms: 10_000,
            upload_body_ms: 120_000,
            upload_wait_ms: 10_000,
            request_ms: 30_000,
            batch_ms: 60_000,
            batch_lanes_max: 16,
            requests_max: 1024,
            merchant_requests_max: 256,
            merchant_body_bytes_max: 64 << 20,
            merchant_answer_bytes_max: 128 << 20,
            batch_answer_bytes_max: 32 << 20,
            connections_max: 4096,
            stranger_ms: 20,
            merchant_connections_max: 1024,
            local_connections_max: 64,
            write_stall_ms: 30_000,
            leftover_bytes_max: 1 << 20,
            leftover_ms: 1_000,
            linger_ms: 30_000,
            drain_ms: 20_000,
            metrics_open: false,
        }
    }
}

/// Milliseconds as a duration.
pub(super) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
