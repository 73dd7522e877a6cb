//! Which version of a merchant's policies answers which case: draft → shadow → canary → active → retired, validity windows,
//! kill switches, and the way back. Pure: the plan is data, every change of it a function that refuses or says what moved.
//!
//! What happens to cases that are open when versions change (domain model 4.0, rule 8; domain policies 5.6, 21):
//!
//! | the version of the case's first decision is now | the case's next decision |
//! | --- | --- |
//! | what answers new cases | is made by it alone |
//! | retired, and nothing newer came into force since | is made by it alone |
//! | retired, and a newer one came into force since | both run; the newer one's stands if it is better for the consumer |
//! | taken back (rolled back, or a canary that was), also while it runs in shadow, or paused | is made by what answers new cases, as if it had been opened now |
//!
//! For new cases the first of these that may run answers: the version of a validity window that the event's time falls into,
//! the canary for its share of customers, the active version. With none left the kind's fallback stands, with a typed fault.

mod better;
mod change;
mod plan;
mod proposal;
mod select;
mod time;

use serde::{Deserialize, Serialize};

use crate::decision::{DecisionFault, PolicyRef};
use crate::money::{Amounts, Due};

pub use better::better;
pub use change::{Changed, Refused};
pub use plan::{Canary, Hand, Placed, Plan, Rollouts, Scope, Standing, Stop, Taken, Window};
pub use proposal::{PROPOSAL_MS, PROPOSALS_MAX, Proposal, Step, Waited};
pub use select::{Asked, BUCKETS, Halt, Selected, bucket};
pub use time::{local_ms, local_text, parse_local};

/// Versions of one kind in shadow at the same time: each runs for every case.
pub const SHADOWS_MAX: usize = 2;
/// Validity windows of one kind.
pub const WINDOWS_MAX: usize = 100;
/// Versions that were active before, remembered as the way back. Older ones are named to be activated.
pub const EARLIER_MAX: usize = 100;
/// Versions taken back that are remembered as such; the oldest are forgotten first.
pub const TAKEN_MAX: usize = 1_000;
/// Kill switches of a merchant's policies and versions that the merchant has thrown, and as many that the operator has.
pub const STOPS_MAX: usize = 100;
/// The whole share, in hundredths of a percent.
pub const SHARE_ALL: u16 = 10_000;

/// A version of a merchant's policies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct VersionId {
    /// The merchant's name for the policy.
    pub policy: String,
    /// The readable version.
    pub version: String,
}

impl std::fmt::Display for VersionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.policy, self.version)
    }
}

/// By what right a version answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It is the active version.
    Active,
    /// The customer is in the canary's share.
    Canary,
    /// The event's time is in its validity window.
    Window,
    /// It made the case's first decision.
    Opened,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 4] = [Self::Active, Self::Canary, Self::Window, Self::Opened];

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Canary => "canary",
            Self::Window => "window",
            Self::Opened => "opened",
        }
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Under which version a case was opened, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Opened {
    /// The version of the case's first decision.
    #[serde(flatten)]
    pub version: VersionId,
    /// When that decision was made, epoch milliseconds.
    pub at_ms: i64,
}

/// What the rollout decided of one case, as the record keeps it: an input of the decision, like the facts. Left out where the
/// active version answered alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// By what right the version answers that runs first.
    pub stage: Stage,
    /// By what right the second one runs, where there is one: it came into force after the case was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Stage>,
    /// The version of the case's first decision, where it is not the one that answers new cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<Opened>,
    /// What was switched off, so that nothing ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halted: Option<String>,
}

impl Chosen {
    /// How a decision says it, where anything but the active version answered, or another one ran beside.
    pub fn note(&self, beside: Option<Beside>) -> Option<RolloutNote> {
        (self.stage != Stage::Active || beside.is_some()).then_some(RolloutNote { stage: self.stage, beside })
    }
}

/// How a version came to answer, as the decision says it; left out where the active version answered alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RolloutNote {
    /// By what right the version answered whose ruling stands.
    pub stage: Stage,
    /// The other version that ran, for a case that was opened under an older one: the better answer for the consumer stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Beside>,
}

/// What the version said whose ruling does not stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Beside {
    /// By what right it ran.
    pub stage: Stage,
    /// The version.
    pub policy: PolicyRef,
    /// The outcome after the guardrail, before the caps.
    pub outcome: String,
    /// When its amounts would have fallen due.
    pub due: Due,
    /// Its amounts, in fen.
    pub amounts: Amounts,
    /// Why a fallback stood for it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<DecisionFault>,
}

#[cfg(test)]
mod tests;
