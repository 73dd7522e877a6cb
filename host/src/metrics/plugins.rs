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
    code_bytes: Gauge,
    code_evictions: Counter,
}

impl Plugins {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let own = Self {
            loaded: Gauge::default(),
            bytes: Gauge::default(),
            loads: Counter::default(),
            evictions: Counter::default(),
            code_bytes: Gauge::default(),
            code_evictions: Counter::default(),
        };
        registry.register("plugins_loaded", "Plugins in memory", own.loaded.clone());
        registry.register_with_unit("plugins_loaded", "Memory of the plugins that are loaded", Unit::Bytes, own.bytes.clone());
        registry.register("plugin_loads", "Plugins taken from the code cache", own.loads.clone());
        registry.register("plugin_evictions", "Plugins unloaded to make room for others", own.evictions.clone());
        registry.register_with_unit("code_cache", "Compiled code on disk", Unit::Bytes, own.code_bytes.clone());
        registry.register(
            "code_cache_evictions",
            "Files of compiled code that were removed to make room for others",
            own.code_evictions.clone(),
        );
        own
    }

    pub(super) fn set(&self, held: Held) {
        self.loaded.set(i64::try_from(held.plugins).unwrap_or(i64::MAX));
        self.bytes.set(i64::try_from(held.bytes).unwrap_or(i64::MAX));
        self.loads.inner().store(held.loads, Ordering::Relaxed);
        self.evictions.inner().store(held.evictions, Ordering::Relaxed);
        self.code_bytes.set(i64::try_from(held.code.bytes).unwrap_or(i64::MAX));
        self.code_evictions.inner().store(held.code.evictions, Ordering::Relaxed);
    }
}
