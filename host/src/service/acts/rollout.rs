//! What is done to rollouts. Before and after are the digests of the components that answered and that answer from then on,
//! where that is what changed.

use std::collections::BTreeMap;

use ombud_core::kind::Kind;
use ombud_core::protect::Finding;
use ombud_core::rollout::{Hand, Scope, Step, VersionId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::service::rollout::Measure;

/// Every act on a rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "act")]
pub enum RolloutAct {
    /// What was bound before there were rollouts is the active version of its kind.
    #[serde(rename = "rollout.planned")]
    Planned {
        /// The versions by kind.
        active: BTreeMap<Kind, VersionId>,
    },
    /// A version is the active one of a kind.
    #[serde(rename = "rollout.activated")]
    Activated {
        /// The kind.
        kind: Kind,
        /// The version.
        version: VersionId,
    },
    /// A version answers a share of the customers.
    #[serde(rename = "rollout.canary")]
    Canary {
        /// The kind.
        kind: Kind,
        /// The version.
        version: VersionId,
        /// Hundredths of a percent.
        share_bp: u16,
    },
    /// A version runs beside, unanswered, or does so no longer.
    #[serde(rename = "rollout.shadow")]
    Shadow {
        /// The kind.
        kind: Kind,
        /// The version.
        version: VersionId,
        /// Whether it begins.
        on: bool,
    },
    /// Versions were taken back.
    #[serde(rename = "rollout.rolled-back")]
    RolledBack {
        /// The kind.
        kind: Kind,
        /// What was taken back.
        taken: Vec<VersionId>,
        /// What is active now.
        active: Option<VersionId>,
        /// On whose behalf, where that is not the role's of who did it: a second person carries out what another proposed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hand: Option<Hand>,
    },
    /// A version answers at a time of its own.
    #[serde(rename = "rollout.window")]
    Window {
        /// The kind.
        kind: Kind,
        /// The version.
        version: VersionId,
        /// From then on, on the merchant's clock.
        from: String,
        /// Up to then.
        to: String,
    },
    /// Windows of a version were removed.
    #[serde(rename = "rollout.window-removed")]
    WindowRemoved {
        /// The kind.
        kind: Kind,
        /// The version.
        version: VersionId,
        /// The one that began then, on the merchant's clock; none: all of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
    },
    /// A version did harm, and the host's protection acted.
    #[serde(rename = "rollout.protected")]
    Protected {
        /// The kind.
        kind: Kind,
        /// The version.
        version: VersionId,
        /// What was found.
        finding: Finding,
        /// What was done.
        measure: Measure,
        /// What is active now.
        active: Option<VersionId>,
    },
    /// A move waits for a second person.
    #[serde(rename = "rollout.proposed")]
    Proposed {
        /// Its id.
        proposal: String,
        /// The kind whose rollout is to move.
        kind: Option<Kind>,
        /// The move.
        proposed: Step,
    },
    /// A second person approved a move, which was carried out with this act.
    #[serde(rename = "rollout.approved")]
    Approved {
        /// The proposal's id.
        proposal: String,
        /// Who proposed it.
        proposed_by: String,
    },
    /// A proposal was withdrawn.
    #[serde(rename = "rollout.withdrawn")]
    Withdrawn {
        /// The proposal's id.
        proposal: String,
        /// Who proposed it.
        proposed_by: String,
    },
    /// One person is enough from now on. Before and after are the digests of the configuration.
    #[serde(rename = "rollout.approvals-off")]
    ApprovalsOff,
    /// A kill switch was thrown.
    #[serde(rename = "rollout.paused")]
    Paused {
        /// What does not run from now on.
        scope: Scope,
    },
    /// A kill switch was taken back.
    #[serde(rename = "rollout.resumed")]
    Resumed {
        /// What runs again.
        scope: Scope,
        /// On whose behalf, where that is not the role's of who did it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hand: Option<Hand>,
    },
}

impl RolloutAct {
    /// The names of all of them.
    pub(super) const NAMES: [&str; 14] = [
        "rollout.planned",
        "rollout.activated",
        "rollout.canary",
        "rollout.shadow",
        "rollout.rolled-back",
        "rollout.window",
        "rollout.window-removed",
        "rollout.protected",
        "rollout.proposed",
        "rollout.approved",
        "rollout.withdrawn",
        "rollout.approvals-off",
        "rollout.paused",
        "rollout.resumed",
    ];

    /// The same, done on behalf of a hand that is not its doer's.
    pub(in crate::service) fn on_behalf_of(mut self, of: Hand) -> Self {
        if let Self::RolledBack { hand, .. } | Self::Resumed { hand, .. } = &mut self {
            *hand = Some(of);
        }
        self
    }

    /// The name under which the ledger lists it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Planned { .. } => "rollout.planned",
            Self::Activated { .. } => "rollout.activated",
            Self::Canary { .. } => "rollout.canary",
            Self::Shadow { .. } => "rollout.shadow",
            Self::RolledBack { .. } => "rollout.rolled-back",
            Self::Window { .. } => "rollout.window",
            Self::WindowRemoved { .. } => "rollout.window-removed",
            Self::Protected { .. } => "rollout.protected",
            Self::Proposed { .. } => "rollout.proposed",
            Self::Approved { .. } => "rollout.approved",
            Self::Withdrawn { .. } => "rollout.withdrawn",
            Self::ApprovalsOff => "rollout.approvals-off",
            Self::Paused { .. } => "rollout.paused",
            Self::Resumed { .. } => "rollout.resumed",
        }
    }
}
