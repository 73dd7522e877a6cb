//! Checkpoints signed, what witnesses said, and logs that do not go on from where they were published.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What a witness said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witnessed {
    /// It has cosigned.
    Cosigned,
    /// It has signed another size and said which.
    Conflict,
    /// It has signed another log: an alarm.
    Fork,
    /// It refuses for another reason, or its answer is not good.
    Refused,
    /// It gives no answer.
    Unreachable,
}

impl Witnessed {
    /// Every answer.
    pub const ALL: [Self; 5] = [Self::Cosigned, Self::Conflict, Self::Fork, Self::Refused, Self::Unreachable];

    /// The name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cosigned => "cosigned",
            Self::Conflict => "conflict",
            Self::Fork => "fork",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
        }
    }
}

pub(super) struct Ledger {
    pub(super) checkpoints: Counter,
    pub(super) lost: Gauge,
    /// In the order of [`Witnessed::ALL`].
    witnessed: [Counter; Witnessed::ALL.len()],
}

impl Ledger {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let (checkpoints, lost) = (Counter::default(), Gauge::default());
        let witnessed = Family::<[(&'static str, &'static str); 1], Counter>::default();
        registry.register("ledger_checkpoints", "Checkpoints signed", checkpoints.clone());
        registry.register("ledger_logs_lost", "Logs that do not go on from where they were published, and are not signed", lost.clone());
        registry.register("ledger_witness_answers", "What witnesses said when asked to cosign", witnessed.clone());
        Self { checkpoints, lost, witnessed: Witnessed::ALL.map(|said| witnessed.get_or_create_owned(&[("said", said.as_str())])) }
    }

    pub(super) fn witnessed(&self, said: Witnessed) {
        if let Some(counter) = self.witnessed.get(said as usize) {
            counter.inc();
        }
    }
}
