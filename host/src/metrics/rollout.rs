//! Rollouts: decisions by the right by which a version answered, shadow runs, and what the protection did.

use ombud_core::rollout::Stage;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// What became of a shadow run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shadowed {
    /// The same outcome and money.
    Agrees,
    /// Another outcome, or other money.
    Differs,
    /// The version gave no ruling.
    Fault,
    /// Too many waited, or the merchant's fuel did not last: it was not run.
    LeftOut,
}

impl Shadowed {
    const ALL: [Self; 4] = [Self::Agrees, Self::Differs, Self::Fault, Self::LeftOut];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Differs => "differs",
            Self::Fault => "fault",
            Self::LeftOut => "left-out",
        }
    }
}

/// What the protection did of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protected {
    /// A version was taken back.
    RolledBack,
    /// A version was paused.
    Paused,
    /// It was only announced.
    Announced,
}

impl Protected {
    /// Everything.
    pub const ALL: [Self; 3] = [Self::RolledBack, Self::Paused, Self::Announced];

    /// The label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RolledBack => "rolled-back",
            Self::Paused => "paused",
            Self::Announced => "announced",
        }
    }
}

/// What became of an announcement for the operator's webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// The webhook took it.
    Taken,
    /// It was not taken in all attempts.
    NotTaken,
    /// Too many waited: it was not sent.
    LeftOut,
}

impl Announced {
    const ALL: [Self; 3] = [Self::Taken, Self::NotTaken, Self::LeftOut];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::NotTaken => "not-taken",
            Self::LeftOut => "left-out",
        }
    }
}

type Labels = [(&'static str, &'static str); 1];

/// Every handle.
pub(super) struct Rollout {
    stages: Family<Labels, Counter>,
    shadows: Family<Labels, Counter>,
    protected: Family<Labels, Counter>,
    announced: Family<Labels, Counter>,
}

impl Rollout {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let of = || Family::<Labels, Counter>::default();
        let (stages, shadows, protected, announced) = (of(), of(), of(), of());
        registry.register("rollout_decisions", "Decisions by the right by which the version answered", stages.clone());
        registry.register("shadow_runs", "Shadow runs by what became of them", shadows.clone());
        registry.register("protection_acts", "What the protection did of itself", protected.clone());
        registry.register("webhook_announcements", "Announcements for the operator's webhook by what became of them", announced.clone());
        let all = Self { stages, shadows, protected, announced };
        // Series stand at zero from the start.
        Stage::ALL.iter().for_each(|stage| _ = all.stages.get_or_create(&[("stage", stage.as_str())]));
        Shadowed::ALL.iter().for_each(|own| _ = all.shadows.get_or_create(&[("result", own.as_str())]));
        Protected::ALL.iter().for_each(|own| _ = all.protected.get_or_create(&[("act", own.as_str())]));
        Announced::ALL.iter().for_each(|own| _ = all.announced.get_or_create(&[("result", own.as_str())]));
        all
    }

    pub(super) fn announced(&self, what: Announced) {
        self.announced.get_or_create(&[("result", what.as_str())]).inc();
    }

    pub(super) fn decided(&self, stage: Stage) {
        self.stages.get_or_create(&[("stage", stage.as_str())]).inc();
    }

    pub(super) fn shadowed(&self, what: Shadowed) {
        self.shadows.get_or_create(&[("result", what.as_str())]).inc();
    }

    pub(super) fn protected(&self, what: Protected) {
        self.protected.get_or_create(&[("act", what.as_str())]).inc();
    }
}
