//! What every handler shares: the service, the limits, and how full the server is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::Connection;
use super::limits::HttpLimits;
use super::problem::{Code, Refused};
use crate::metrics::{Metrics, Refusal};
use crate::service::{Principal, Service, Share};

/// The state of the HTTP interface.
pub struct App {
    /// What decides.
    pub service: Arc<Service>,
    /// What is taken, held and waited for.
    pub limits: HttpLimits,
    /// Places for parsing large bodies beside the requests.
    pub parses: Arc<Semaphore>,
    requests: AtomicUsize,
    body_bytes: AtomicUsize,
}

/// Shared by all handlers.
pub type Shared = Arc<App>;

impl App {
    /// Nothing is under way.
    pub fn new(service: Arc<Service>, limits: HttpLimits) -> Shared {
        let parses = Arc::new(Semaphore::new(limits.parses_max.max(1)));
        Arc::new(Self { service, limits, parses, requests: AtomicUsize::new(0), body_bytes: AtomicUsize::new(0) })
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.service.metrics
    }

    /// A place for one more request, until the guard is dropped; 503 when all are taken.
    pub fn admit(self: &Arc<Self>) -> Result<Admitted, Refused> {
        let admitted = Admitted(self.clone());
        self.metrics().http_in_flight().inc();
        if self.requests.fetch_add(1, Ordering::Relaxed) < self.limits.requests_max {
            return Ok(admitted);
        }
        self.metrics().http_refused(Refusal::Requests);
        Err(Refused::new(Code::Unavailable, format!("{} requests are under way", self.limits.requests_max)))
    }

    /// A place for one more request of the caller's merchant, kept in the request's slot; 429 when the merchant has too many.
    /// A caller without a merchant, the operator's, needs none.
    pub fn admit_caller(&self, who: &Principal, slot: &Slot) -> Result<(), Refused> {
        let Some(share) = self.service.share(who) else { return Ok(()) };
        let unsent = share.answer_bytes.load(Ordering::Relaxed);
        let before = share.requests.fetch_add(1, Ordering::Relaxed);
        // A request has one caller: a slot that is taken already keeps its place, and this one is given back.
        _ = slot.0.place.set(Place(share));
        if unsent > self.limits.merchant_answer_bytes_max {
            self.metrics().http_refused(Refusal::MerchantAnswerBytes);
            return Err(Refused::new(Code::Saturated, "too many bytes of this merchant's answers wait to be read"));
        }
        if before < self.limits.merchant_requests_max {
            return Ok(());
        }
        self.metrics().http_refused(Refusal::MerchantRequests);
        let max = self.limits.merchant_requests_max;
        Err(Refused::new(Code::Saturated, format!("{max} requests of this merchant are under way")))
    }

    /// Counts a connection among those of the caller's merchant; 429 when the merchant has too many, and it ends. The operator's are not counted.
    pub fn admit_connection(&self, who: &Principal, connection: &Connection) -> Result<(), Refused> {
        let max = self.limits.merchant_connections_max;
        if connection.is_of(self.service.share(who), max) {
            return Ok(());
        }
        connection.end();
        self.metrics().http_refused(Refusal::MerchantConnections);
        Err(Refused::new(Code::Saturated, format!("{max} connections of this merchant are open: close those that are idle")))
    }

    /// A place for a body, which grows as its bytes come; it counts against the caller's merchant too.
    pub fn reserve(self: &Arc<Self>, slot: Option<&Slot>) -> Reserved {
        let share = slot.and_then(Slot::share).cloned();
        Reserved { app: self.clone(), share, bytes: 0 }
    }
}

/// A request under way.
pub struct Admitted(Shared);

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
        self.0.metrics().http_in_flight().dec();
    }
}

/// Where a request keeps its place among its merchant's: filled when the caller is known, emptied when the request is answered.
#[derive(Clone, Default)]
pub struct Slot(Arc<Held>);

#[derive(Default)]
struct Held {
    place: OnceLock<Place>,
    turn: OnceLock<OwnedSemaphorePermit>,
}

impl Slot {
    /// Whose it is.
    pub fn share(&self) -> Option<&Arc<Share>> {
        self.0.place.get().map(|place| &place.0)
    }

    /// Waits for the merchant's turn among its requests that only read, and keeps it until the answer.
    pub async fn take_turn(&self) {
        let Some(Place(share)) = self.0.place.get() else { return };
        // The semaphore is never closed, and a request waits once.
        if let Ok(turn) = share.reads.clone().acquire_owned().await {
            _ = self.0.turn.set(turn);
        }
    }
}

/// One request of a merchant.
struct Place(Arc<Share>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Bytes of a body held in memory.
pub struct Reserved {
    app: Shared,
    share: Option<Arc<Share>>,
    bytes: usize,
}

impl Reserved {
    /// The merchant's turn to have a large body parsed; the operator needs none.
    pub async fn turn_to_parse(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        self.share.as_ref()?.parses.clone().acquire_owned().await.ok()
    }

    /// Room for more bytes, until the guard is dropped; 503 when there is none, 429 when the merchant has too many.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Refused> {
        self.bytes += bytes;
        self.app.metrics().http_body_bytes().inc_by(signed(bytes));
        let before = self.app.body_bytes.fetch_add(bytes, Ordering::Relaxed);
        let own_before = self.share.as_ref().map_or(0, |share| share.body_bytes.fetch_add(bytes, Ordering::Relaxed));
        if self.share.is_some() && own_before.saturating_add(bytes) > self.app.limits.merchant_body_bytes_max {
            self.app.metrics().http_refused(Refusal::MerchantBodyBytes);
            return Err(Refused::new(Code::Saturated, "too many bytes of this merchant's request bodies are under way"));
        }
        if before.saturating_add(bytes) <= self.app.limits.body_bytes_in_flight_max {
            return Ok(());
        }
        self.app.metrics().http_refused(Refusal::BodyBytes);
        Err(Refused::new(Code::Unavailable, "too many bytes of request bodies are under way"))
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.app.body_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        if let Some(share) = &self.share {
            share.body_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        }
        self.app.metrics().http_body_bytes().dec_by(signed(self.bytes));
    }
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
