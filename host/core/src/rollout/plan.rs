//! The plan: what stands where. Kept as one document for each merchant.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Proposal, VersionId};
use crate::kind::Kind;

/// Every rollout of a merchant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollouts {
    /// By kind.
    #[serde(default)]
    pub plans: BTreeMap<Kind, Plan>,
    /// Kill switches that are thrown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stops: Vec<Stop>,
    /// Moves that wait for a second person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<Proposal>,
}

/// The rollout of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Answers whatever nothing else answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Placed>,
    /// Answers a share of the customers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// Run beside, and are never answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shadows: Vec<Placed>,
    /// Answer at times of their own. They do not overlap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// Whether there ever was a window, also one that was removed since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub had_windows: bool,
    /// Were active before, the latest first: the way back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<VersionId>,
    /// Were taken back, the latest last: they answer nobody, not even cases that they opened, until a person lets them answer again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<Taken>,
}

/// A version in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// The version.
    #[serde(flatten)]
    pub version: VersionId,
    /// Since when, epoch milliseconds.
    pub since_ms: i64,
}

/// A version that answers a share of the customers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// The version.
    #[serde(flatten)]
    pub version: VersionId,
    /// Hundredths of a percent, 0 to 10 000.
    pub share_bp: u16,
    /// Since when the share is what it is, epoch milliseconds.
    pub since_ms: i64,
}

/// A version that answers at a time of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Window {
    /// The version.
    #[serde(flatten)]
    pub version: VersionId,
    /// From this moment of the merchant's clock: milliseconds from 1970-01-01 00:00 as its clocks show it.
    pub from_local_ms: i64,
    /// To this moment, exclusive.
    pub to_local_ms: i64,
    /// When it was set, epoch milliseconds: cases that were opened before are older than it, however long ago it begins.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub set_ms: i64,
}

impl Window {
    /// Whether it is the same time for the same version, whenever it was set.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.version, self.from_local_ms, self.to_local_ms) == (&other.version, other.from_local_ms, other.to_local_ms)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it asks about by reference")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// A version that was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The version.
    #[serde(flatten)]
    pub version: VersionId,
    /// Who took it back.
    pub by: Hand,
    /// When, epoch milliseconds.
    pub at_ms: i64,
    /// Why.
    pub reason: String,
}

/// On whose behalf something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Hand {
    /// The merchant's.
    Merchant,
    /// The operator's.
    Operator,
    /// The host's own protection.
    Protection,
}

/// A kill switch that is thrown. What one hand paused only that hand resumes; what the protection paused, a person does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// What does not run.
    pub scope: Scope,
    /// Who threw it.
    pub by: Hand,
    /// When, epoch milliseconds.
    pub at_ms: i64,
    /// Why.
    pub reason: String,
}

impl Stop {
    /// Whether a hand may take it back.
    pub fn is_lifted_by(&self, hand: Hand) -> bool {
        self.by == hand || self.by == Hand::Protection
    }
}

/// What a kill switch stops.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum Scope {
    /// Everything of the merchant.
    Merchant,
    /// One kind.
    Kind {
        /// Which.
        kind: Kind,
    },
    /// Every version of a policy.
    Policy {
        /// Which.
        policy: String,
    },
    /// One version.
    Version {
        /// The policy.
        policy: String,
        /// The version.
        version: String,
    },
}

impl Scope {
    /// Whether it covers a version of a kind.
    pub fn covers(&self, of: Kind, id: &VersionId) -> bool {
        self.covers_kind(of) || self.is_of(id)
    }

    /// Whether it is this version's or its policy's, and not of whatever answers: what is paused whichever way one goes is no reason to go
    /// another one.
    pub fn is_of(&self, id: &VersionId) -> bool {
        match self {
            Self::Merchant | Self::Kind { .. } => false,
            Self::Policy { policy } => *policy == id.policy,
            Self::Version { policy, version } => *policy == id.policy && *version == id.version,
        }
    }

    /// Whether it covers a whole kind, whatever the version.
    pub fn covers_kind(&self, of: Kind) -> bool {
        match self {
            Self::Merchant => true,
            Self::Kind { kind } => *kind == of,
            Self::Policy { .. } | Self::Version { .. } => false,
        }
    }
}

/// Where a version stands in a plan, and since when, epoch milliseconds. A person who places it anew has it stand otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    active_ms: Option<i64>,
    canary_ms: Option<i64>,
    shadow_ms: Option<i64>,
    windows_ms: Vec<i64>,
    is_taken: bool,
}

impl Standing {
    /// Whether it answers new cases, or some of them, or runs in shadow.
    pub fn is_placed(&self) -> bool {
        self.answers_ms().is_some() || self.shadow_ms.is_some()
    }

    /// Since when it answers new cases as it does.
    pub fn answers_ms(&self) -> Option<i64> {
        self.active_ms.into_iter().chain(self.canary_ms).chain(self.windows_ms.iter().copied()).max()
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Merchant => f.write_str("every policy of the merchant"),
            Self::Kind { kind } => write!(f, "the kind {kind}"),
            Self::Policy { policy } => write!(f, "the policy `{policy}`"),
            Self::Version { policy, version } => write!(f, "the version `{policy} {version}`"),
        }
    }
}

impl Rollouts {
    /// The plan of a kind, if anything was ever placed in it.
    pub fn plan(&self, kind: Kind) -> Option<&Plan> {
        self.plans.get(&kind)
    }

    /// The switch that keeps a version from running.
    pub fn stop_of(&self, kind: Kind, id: &VersionId) -> Option<&Stop> {
        self.stops.iter().find(|stop| stop.scope.covers(kind, id))
    }

    /// Every version that may be asked to run without having made a case's first decision, each once.
    pub fn in_place(&self) -> impl Iterator<Item = (Kind, &VersionId)> {
        self.plans.iter().flat_map(|(kind, plan)| plan.in_place().map(move |id| (*kind, id)))
    }
}

impl Plan {
    /// Every version in a place of its own: active, canary, shadows, windows. One may come twice.
    pub fn in_place(&self) -> impl Iterator<Item = &VersionId> {
        let active = self.active.iter().map(|placed| &placed.version);
        let canary = self.canary.iter().map(|canary| &canary.version);
        let shadows = self.shadows.iter().map(|placed| &placed.version);
        let windows = self.windows.iter().map(|window| &window.version);
        active.chain(canary).chain(shadows).chain(windows)
    }

    /// Where a version stands.
    pub fn standing(&self, id: &VersionId) -> Standing {
        let since = |placed: &Placed| (placed.version == *id).then_some(placed.since_ms);
        Standing {
            active_ms: self.active.as_ref().and_then(since),
            canary_ms: self.canary.as_ref().filter(|canary| canary.version == *id).map(|canary| canary.since_ms),
            shadow_ms: self.shadows.iter().find_map(since),
            windows_ms: self.windows.iter().filter(|window| window.version == *id).map(|window| window.set_ms).collect(),
            is_taken: self.is_taken(id),
        }
    }

    /// The windows of a version, or the one that begins at a moment of the merchant's clock.
    pub fn windows_of(&self, id: &VersionId, from_local_ms: Option<i64>) -> impl Iterator<Item = &Window> {
        self.windows.iter().filter(move |own| own.version == *id && from_local_ms.is_none_or(|from| from == own.from_local_ms))
    }

    /// Whether another version than the active one ever answered, so that open cases may be another's.
    pub fn had_others(&self) -> bool {
        self.had_windows || self.canary.is_some() || !(self.earlier.is_empty() && self.taken.is_empty())
    }

    /// Whether a version was taken back.
    pub fn is_taken(&self, id: &VersionId) -> bool {
        self.taken.iter().any(|taken| taken.version == *id)
    }
}
