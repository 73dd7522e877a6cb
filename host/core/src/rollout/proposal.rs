//! Moves of a plan as data: what one person proposes and another approves.

use serde::{Deserialize, Serialize};

use super::plan::{Hand, Rollouts, Scope, Window};
use super::{Changed, Refused, VersionId};
use crate::kind::Kind;

/// Proposals of one merchant that wait at the same time.
pub const PROPOSALS_MAX: usize = 50;
/// For how long a proposal waits, in milliseconds: seven days.
pub const PROPOSAL_MS: i64 = 7 * 24 * 3_600_000;

/// One move of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// Make a version the active one.
    Activate {
        /// Which.
        version: VersionId,
    },
    /// Let a version answer a share of the customers.
    Canary {
        /// Which.
        version: VersionId,
        /// Basis points.
        share_bp: u16,
    },
    /// Let a version run beside, unanswered, or end that.
    Shadow {
        /// Which.
        version: VersionId,
        /// Whether it begins.
        on: bool,
    },
    /// Take back what was rolled out last, or go back to a version.
    Rollback {
        /// To which.
        to: Option<VersionId>,
    },
    /// Let a version answer at a time of its own.
    AddWindow {
        /// When.
        window: Window,
    },
    /// Remove windows of a version.
    RemoveWindow {
        /// Which.
        version: VersionId,
        /// The one that begins at this moment of the merchant's clock; none: all of them.
        from_local_ms: Option<i64>,
    },
    /// Throw a kill switch.
    Pause {
        /// Of what.
        scope: Scope,
    },
    /// Take a kill switch back.
    Resume {
        /// Of what.
        scope: Scope,
    },
    /// Let one person be enough from then on.
    ApprovalsOff,
}

impl Step {
    /// Whether it waits for a second person, where the merchant asks for two: whatever changes what answers. Stopping never waits, and
    /// what runs in shadow answers nobody.
    pub const fn waits(&self) -> bool {
        match self {
            Self::Activate { .. }
            | Self::Canary { .. }
            | Self::Rollback { .. }
            | Self::AddWindow { .. }
            | Self::RemoveWindow { .. }
            | Self::Resume { .. }
            | Self::ApprovalsOff => true,
            Self::Shadow { .. } | Self::Pause { .. } => false,
        }
    }

    /// The version that the step gives a place.
    pub const fn placed(&self) -> Option<&VersionId> {
        match self {
            Self::Activate { version }
            | Self::Canary { version, .. }
            | Self::Shadow { version, on: true }
            | Self::Rollback { to: Some(version) } => Some(version),
            Self::AddWindow { window } => Some(&window.version),
            Self::Shadow { on: false, .. }
            | Self::Rollback { to: None }
            | Self::RemoveWindow { .. }
            | Self::Pause { .. }
            | Self::Resume { .. }
            | Self::ApprovalsOff => None,
        }
    }
}

/// A move that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// By which it is approved.
    pub id: String,
    /// The kind whose plan moves, where one does.
    pub kind: Option<Kind>,
    /// The move.
    #[serde(flatten)]
    pub step: Step,
    /// What it was to take back when it was proposed, where it is a rollback.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub takes: Vec<VersionId>,
    /// Who proposes it: the label of the key.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// When, epoch milliseconds.
    pub at_ms: i64,
}

impl Proposal {
    /// Why it is no longer what was proposed: a rollback would take back something else, or the version was taken back since.
    pub fn overtaken(&self, now: &Rollouts) -> Option<String> {
        if let Step::Resume { scope } = &self.step
            && let Some(stop) = now.stops.iter().find(|stop| stop.scope == *scope && stop.at_ms >= self.at_ms)
        {
            return Some(format!("what it was to resume was paused since ({})", stop.reason));
        }
        let plan = now.plan(self.kind?)?;
        let since = |id: &VersionId| plan.taken.iter().find(|taken| taken.version == *id && taken.at_ms >= self.at_ms);
        if let Some(taken) = self.step.placed().and_then(since) {
            return Some(format!("`{}` was taken back since ({})", taken.version, taken.reason));
        }
        let takes = now.would_take(self.kind?, &self.step);
        let list = |ids: &[VersionId]| ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
        (!self.takes.is_empty() && takes != self.takes).then(|| {
            let now = if takes.is_empty() { "nothing".to_owned() } else { list(&takes) };
            format!("it was to take back {}, and would take back {now} now", list(&self.takes))
        })
    }

    /// Until when it waits, epoch milliseconds.
    pub const fn expires_at_ms(&self) -> i64 {
        self.at_ms.saturating_add(PROPOSAL_MS)
    }
}

impl Rollouts {
    /// What a move would take back; nothing where it is no rollback, or not possible.
    pub fn would_take(&self, kind: Kind, step: &Step) -> Vec<VersionId> {
        let (Step::Rollback { to }, Some(plan)) = (step, self.plan(kind)) else { return Vec::new() };
        plan.clone().rollback(to.as_ref(), &self.stops, Hand::Merchant, "", 0).map(|(taken, _)| taken).unwrap_or_default()
    }

    /// A move as it is proposed: a rollback to whatever was before says to what, for the plan may move until it is approved.
    pub fn said_plainly(&self, kind: Kind, step: Step) -> Step {
        match (step, self.plan(kind)) {
            (Step::Rollback { to: None }, Some(plan)) => {
                let stays = plan.active.as_ref().filter(|_| plan.canary.is_some()).map(|active| &active.version);
                Step::Rollback { to: stays.or_else(|| plan.before(&self.stops)).cloned() }
            }
            (step, _) => step,
        }
    }

    /// Adds a proposal. Those that waited too long are forgotten; the same move of the same person, proposed again, changes nothing.
    ///
    /// # Errors
    /// Too many wait.
    pub fn propose(&mut self, proposal: Proposal) -> Result<Changed, Refused> {
        self.proposals.retain(|known| known.expires_at_ms() > proposal.at_ms);
        let is_same = |known: &Proposal| (known.kind, &known.step, &known.by) == (proposal.kind, &proposal.step, &proposal.by);
        if self.proposals.iter().any(is_same) {
            return Ok(Changed::No);
        }
        if self.proposals.len() >= PROPOSALS_MAX {
            return Err(Refused::Conflict(format!("{PROPOSALS_MAX} proposals wait already: approve or withdraw one first")));
        }
        self.proposals.push(proposal);
        Ok(Changed::Yes)
    }

    /// A proposal that still waits.
    pub fn proposal(&self, id: &str, at_ms: i64) -> Option<&Proposal> {
        self.proposals.iter().find(|own| own.id == id && own.expires_at_ms() > at_ms)
    }

    /// Takes a proposal out.
    pub fn settle(&mut self, id: &str) {
        self.proposals.retain(|own| own.id != id);
    }
}
