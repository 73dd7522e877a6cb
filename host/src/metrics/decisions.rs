//! Decisions by kind, outcome, fault and phase.

use std::time::Duration;

use ombud_core::fault::FaultCode;
use ombud_core::kind::Kind;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::judge::Phases;

/// Where a phase's microseconds stand.
type Took = fn(&Phases) -> u32;

/// The phases of a decision: the label, and where its microseconds stand.
const PHASES: [(&str, Took); 6] = [
    ("history", |phases| phases.history_us),
    ("lower", |phases| phases.lower_us),
    ("policy", |phases| phases.policy_us),
    ("guardrail", |phases| phases.guardrail_us),
    ("seal", |phases| phases.seal_us),
    ("commit", |phases| phases.commit_us),
];

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// The handles of one kind.
struct OfKind {
    /// By outcome, each with its wire name.
    outcomes: Vec<(&'static str, Counter)>,
    /// In the order of [`FaultCode::ALL`].
    faults: [Counter; FaultCode::ALL.len()],
    /// In the order of [`PHASES`].
    phases: [Histogram; PHASES.len()],
}

/// Every handle, in the order of [`Kind::ALL`].
pub(super) struct Decisions {
    kinds: [OfKind; Kind::ALL.len()],
}

impl Decisions {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let made = Family::<Labels<2>, Counter>::default();
        let faults = Family::<Labels<2>, Counter>::default();
        let phases = Family::<Labels<2>, Histogram>::new_with_constructor(super::durations);
        registry.register("decisions", "Decisions by kind and outcome, those with a fault included", made.clone());
        registry.register("decision_faults", "Decisions where a fallback stands, by kind and fault", faults.clone());
        registry.register_with_unit("decision_phase_duration", "Time of each phase of a decision", Unit::Seconds, phases.clone());
        let kinds = Kind::ALL.map(|kind| {
            let of = ("kind", kind.as_str());
            OfKind {
                outcomes: kind
                    .outcomes()
                    .into_iter()
                    .map(|outcome| (outcome, made.get_or_create_owned(&[of, ("outcome", outcome)])))
                    .collect(),
                faults: FaultCode::ALL.map(|code| faults.get_or_create_owned(&[of, ("fault", code.as_str())])),
                phases: PHASES.map(|(phase, _)| phases.get_or_create_owned(&[of, ("phase", phase)])),
            }
        });
        Self { kinds }
    }

    pub(super) fn observe(&self, kind: Kind, outcome: &str, fault: Option<&str>, phases: Phases) {
        let Some(of) = self.kinds.get(kind as usize) else { return };
        if let Some((_, counter)) = of.outcomes.iter().find(|(known, _)| *known == outcome) {
            counter.inc();
        }
        if let Some(fault) = fault
            && let Some((_, counter)) = FaultCode::ALL.iter().zip(&of.faults).find(|(code, _)| code.as_str() == fault)
        {
            counter.inc();
        }
        for ((_, took_us), histogram) in PHASES.iter().zip(&of.phases) {
            // A phase that did not run took no time.
            match took_us(&phases) {
                0 => {}
                micros => histogram.observe(Duration::from_micros(micros.into()).as_secs_f64()),
            }
        }
    }
}
