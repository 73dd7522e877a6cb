//! Decisions that wait for a place to run, how long, and those that are turned away.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Where a decision waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queued {
    /// For a place on the runtime's threads.
    First,
    /// For a thread of those that run long.
    Long,
}

impl Queued {
    /// Every queue.
    pub const ALL: [Self; 2] = [Self::First, Self::Long];

    /// The name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Long => "long",
        }
    }
}

/// Why a merchant's decision was turned away, by the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// `decisions_max`.
    Decisions,
    /// `queue_max`.
    Queue,
    /// `queue_ms`.
    Wait,
    /// `fuel_per_s`.
    Fuel,
}

impl Turned {
    /// Every limit.
    pub const ALL: [Self; 4] = [Self::Decisions, Self::Queue, Self::Wait, Self::Fuel];

    /// The name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decisions => "decisions_max",
            Self::Queue => "queue_max",
            Self::Wait => "queue_ms",
            Self::Fuel => "fuel_per_s",
        }
    }
}

/// The shares' series, in the order of [`Queued::ALL`] and [`Turned::ALL`].
pub(super) struct Shares {
    waiting: [Gauge; Queued::ALL.len()],
    waited: [Histogram; Queued::ALL.len()],
    turned_away: [Counter; Turned::ALL.len()],
    long: Counter,
}

impl Shares {
    pub(super) fn register(registry: &mut Registry) -> Self {
        type Label = [(&'static str, &'static str); 1];
        let (waiting, turned) = (Family::<Label, Gauge>::default(), Family::<Label, Counter>::default());
        let waited = Family::<Label, Histogram>::new_with_constructor(super::durations);
        let own = Self {
            waiting: Queued::ALL.map(|queue| waiting.get_or_create_owned(&[("queue", queue.as_str())])),
            waited: Queued::ALL.map(|queue| waited.get_or_create_owned(&[("queue", queue.as_str())])),
            turned_away: Turned::ALL.map(|limit| turned.get_or_create_owned(&[("limit", limit.as_str())])),
            long: Counter::default(),
        };
        registry.register("decisions_waiting", "Decisions that wait for a place to run", waiting);
        registry.register_with_unit("decision_wait", "Time that decisions waited for a place, of those that waited", Unit::Seconds, waited);
        registry.register("decisions_refused", "Decisions answered 429, by the merchant's limit", turned);
        registry.register("decisions_long", "Decisions that were run again on a thread of their own", own.long.clone());
        own
    }

    pub(super) fn waiting(&self, queue: Queued, count: usize) {
        if let Some(gauge) = self.waiting.get(queue as usize) {
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    pub(super) fn waited(&self, queue: Queued, time: Duration) {
        if let Some(histogram) = self.waited.get(queue as usize) {
            histogram.observe(time.as_secs_f64());
        }
    }

    pub(super) fn turned_away(&self, limit: Turned) {
        if let Some(counter) = self.turned_away.get(limit as usize) {
            counter.inc();
        }
    }

    pub(super) fn long(&self) {
        self.long.inc();
    }
}
