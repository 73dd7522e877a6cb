//! Requests by route and status class, and how full the server is.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// The first digit of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusClass {
    /// 200 to 299.
    Success,
    /// 300 to 399.
    Redirection,
    /// 400 to 499.
    ClientError,
    /// 500 and above.
    ServerError,
}

impl StatusClass {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::Success, Self::Redirection, Self::ClientError, Self::ServerError];

    /// The name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "2xx",
            Self::Redirection => "3xx",
            Self::ClientError => "4xx",
            Self::ServerError => "5xx",
        }
    }

    /// The class of a status.
    pub const fn of(status: u16) -> Self {
        match status {
            0..=299 => Self::Success,
            300..=399 => Self::Redirection,
            400..=499 => Self::ClientError,
            _ => Self::ServerError,
        }
    }
}

/// Why a request was turned away before its handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too many requests under way.
    Requests,
    /// Too many bytes of bodies under way.
    BodyBytes,
    /// Too many requests of one merchant under way.
    MerchantRequests,
    /// Too many bytes of one merchant's bodies under way.
    MerchantBodyBytes,
    /// Too many bytes of one merchant's answers wait to be read.
    MerchantAnswerBytes,
    /// Too many connections of one merchant are open.
    MerchantConnections,
    /// Header or request line beyond their limits.
    Header,
    /// A body beyond its limit.
    Body,
    /// The body did not come in time.
    BodyTimeout,
    /// The request was not answered in time.
    RequestTimeout,
}

impl Refusal {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::Requests,
        Self::BodyBytes,
        Self::MerchantRequests,
        Self::MerchantBodyBytes,
        Self::MerchantAnswerBytes,
        Self::MerchantConnections,
        Self::Header,
        Self::Body,
        Self::BodyTimeout,
        Self::RequestTimeout,
    ];

    /// The name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::BodyBytes => "body-bytes",
            Self::MerchantRequests => "merchant-requests",
            Self::MerchantBodyBytes => "merchant-body-bytes",
            Self::MerchantAnswerBytes => "merchant-answer-bytes",
            Self::MerchantConnections => "merchant-connections",
            Self::Header => "header",
            Self::Body => "body",
            Self::BodyTimeout => "body-timeout",
            Self::RequestTimeout => "request-timeout",
        }
    }
}

/// The handles of one route.
#[derive(Clone)]
pub struct RouteMetrics {
    /// In the order of [`StatusClass::ALL`].
    requests: [Counter; StatusClass::ALL.len()],
    duration: Histogram,
}

impl RouteMetrics {
    /// Counts one request.
    pub fn observe(&self, status: u16, took: Duration) {
        if let Some(counter) = self.requests.get(StatusClass::of(status) as usize) {
            counter.inc();
        }
        self.duration.observe(took.as_secs_f64());
    }
}

pub(super) struct Http {
    requests: Family<Labels<3>, Counter>,
    durations: Family<Labels<2>, Histogram, fn() -> Histogram>,
    /// In the order of [`Refusal::ALL`].
    refused: [Counter; Refusal::ALL.len()],
    pub(super) in_flight: Gauge,
    pub(super) connections: Gauge,
    pub(super) body_bytes: Gauge,
}

impl Http {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let requests = Family::<Labels<3>, Counter>::default();
        let durations = Family::<Labels<2>, Histogram, fn() -> Histogram>::new_with_constructor(super::durations);
        let refused = Family::<Labels<1>, Counter>::default();
        let (in_flight, connections, body_bytes) = (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register("http_requests", "Requests answered, by route and status class", requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time from a request's header to its answer",
            Unit::Seconds,
            durations.clone(),
        );
        registry.register("http_refused", "Requests turned away at a limit, by limit", refused.clone());
        registry.register("http_requests_in_flight", "Requests under way", in_flight.clone());
        registry.register("http_connections", "Open connections", connections.clone());
        registry.register("http_body_bytes_in_flight", "Bytes of request bodies held in memory", body_bytes.clone());
        Self {
            requests,
            durations,
            refused: Refusal::ALL.map(|why| refused.get_or_create_owned(&[("limit", why.as_str())])),
            in_flight,
            connections,
            body_bytes,
        }
    }

    pub(super) fn route(&self, method: &'static str, route: &'static str) -> RouteMetrics {
        let of = [("method", method), ("route", route)];
        let [method, route] = of;
        RouteMetrics {
            requests: StatusClass::ALL.map(|class| self.requests.get_or_create_owned(&[method, route, ("status", class.as_str())])),
            duration: self.durations.get_or_create_owned(&of),
        }
    }

    pub(super) fn refused(&self, why: Refusal) {
        if let Some(counter) = self.refused.get(why as usize) {
            counter.inc();
        }
    }
}
