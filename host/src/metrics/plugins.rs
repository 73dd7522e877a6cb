//! Plugins that are loaded, and how often they come and go.

use std::sync::atomic::Ordering;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::plugins::Held;

/// The plugins' series.
pub(super) struct Plugins {
    loaded: Gauge,
    bytes: Gauge,
    loads: Counter,
    evictions: Counter,
}

impl Plugins {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let own = Self { loaded: Gauge::default(), bytes: Gauge::default(), loads: Counter::default(), evictions: Counter::default() };
        registry.register("plugins_loaded", "Plugins in memory", own.loaded.clone());
        registry.register_with_unit("plugins_loaded", "Memory of the plugins that are loaded", Unit::Bytes, own.bytes.clone());
        registry.register("plugin_loads", "Plugins taken from the code cache", own.loads.clone());
        registry.register("plugin_evictions", "Plugins unloaded to make room for others", own.evictions.clone());
        own
    }

    pub(super) fn set(&self, held: Held) {
        self.loaded.set(i64::try_from(held.plugins).unwrap_or(i64::MAX));
        self.bytes.set(i64::try_from(held.bytes).unwrap_or(i64::MAX));
        self.loads.inner().store(held.loads, Ordering::Relaxed);
        self.evictions.inner().store(held.evictions, Ordering::Relaxed);
    }
}
