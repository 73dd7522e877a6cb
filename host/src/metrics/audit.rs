//! What the self-audit replays: by what came of it, how long that took, and the alarms that stand.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::replay::Divergence;

/// The self-audit's series.
pub(super) struct Audit {
    identical: Counter,
    divergences: [Counter; Divergence::ALL.len()],
    busy: Counter<f64, AtomicU64>,
    last: Gauge<f64, AtomicU64>,
    alarms: Gauge,
}

impl Audit {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let replays = Family::<[(&'static str, &'static str); 1], Counter>::default();
        let result = |name: &'static str| replays.get_or_create_owned(&[("result", name)]);
        let audit = Self {
            identical: result("identical"),
            divergences: Divergence::ALL.map(|divergence| result(divergence.as_str())),
            busy: Counter::default(),
            last: Gauge::default(),
            alarms: Gauge::default(),
        };
        registry.register("self_audit_replays", "Records that the self-audit ran again, by what came of it", replays.clone());
        registry.register_with_unit("self_audit_busy", "Time that the self-audit was at work", Unit::Seconds, audit.busy.clone());
        registry.register_with_unit("self_audit_last_replay", "When it last ran a record, Unix time", Unit::Seconds, audit.last.clone());
        registry.register("self_audit_alarms", "Alarms that stand since the start", audit.alarms.clone());
        audit
    }

    pub(super) fn observe(&self, divergence: Option<Divergence>, at_ms: i64) {
        let counter = match divergence {
            None => Some(&self.identical),
            Some(divergence) => {
                Divergence::ALL.iter().zip(&self.divergences).find(|(own, _)| **own == divergence).map(|(_, counter)| counter)
            }
        };
        if let Some(counter) = counter {
            counter.inc();
        }
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age are exact in a double")]
        self.last.set(at_ms as f64 / 1e3);
    }

    pub(super) fn used(&self, time: Duration) {
        self.busy.inc_by(time.as_secs_f64());
    }

    pub(super) fn alarms(&self, alarms: usize) {
        self.alarms.set(i64::try_from(alarms).unwrap_or(i64::MAX));
    }
}
