//! Moves of a plan as data: what one person proposes and another approves.

use serde::{Deserialize, Serialize};

use super::plan::{Hand, Plan, Rollouts, Scope, Stop, Window};
use super::time::local_text;
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

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Activate { version } => write!(f, "activate `{version}`"),
            Self::Canary { version, share_bp } => {
                write!(f, "let `{version}` answer {} % of the customers", f64::from(*share_bp) / 100.0)
            }
            Self::Shadow { version, on: true } => write!(f, "run `{version}` in shadow"),
            Self::Shadow { version, on: false } => write!(f, "end the shadow run of `{version}`"),
            Self::Rollback { to: Some(version) } => write!(f, "go back to `{version}`"),
            Self::Rollback { to: None } => f.write_str("go back"),
            Self::AddWindow { window } => {
                let (from, to) = (local_text(window.from_local_ms), local_text(window.to_local_ms));
                write!(f, "let `{}` answer from {from} to {to}", window.version)
            }
            Self::RemoveWindow { version, from_local_ms: Some(from) } => {
                write!(f, "remove the window of `{version}` from {}", local_text(*from))
            }
            Self::RemoveWindow { version, from_local_ms: None } => write!(f, "remove every window of `{version}`"),
            Self::Pause { scope } => write!(f, "pause {scope}"),
            Self::Resume { scope } => write!(f, "resume {scope}"),
            Self::ApprovalsOff => f.write_str("let one person be enough"),
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
    /// On whose behalf, which is also on whose behalf it is carried out; none in proposals of earlier releases, which were carried out on
    /// their approvers'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand: Option<Hand>,
    /// Why.
    pub reason: Option<String>,
    /// When, epoch milliseconds.
    pub at_ms: i64,
}

/// Why a proposal waits no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// There is none.
    NotThere,
    /// It did until then, epoch milliseconds.
    TooLong(i64),
}

impl Proposal {
    /// Why it is no longer what was proposed: a rollback would take back something else, a window was set since that it would remove too, or
    /// the version was taken back since.
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
        if let Step::RemoveWindow { version, from_local_ms } = &self.step
            && let Some(window) = plan.windows_of(version, *from_local_ms).find(|window| window.set_ms >= self.at_ms)
        {
            let (from, to) = (local_text(window.from_local_ms), local_text(window.to_local_ms));
            return Some(format!("it would also remove the window of `{version}` from {from} to {to}, which was set since"));
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
    /// When the latest of what a proposal may be overtaken by was done, epoch milliseconds.
    pub fn latest_ms(&self) -> Option<i64> {
        let stops = self.stops.iter().map(|stop| stop.at_ms);
        let placed = |plan: &Plan| {
            let (windows, taken) = (plan.windows.iter().map(|window| window.set_ms), plan.taken.iter().map(|taken| taken.at_ms));
            windows.chain(taken).max()
        };
        stops.chain(self.plans.values().filter_map(placed)).max()
    }

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

    /// Adds a proposal. Those that waited too long are forgotten; the same move of the same person, proposed again, changes nothing unless
    /// the first one was overtaken.
    ///
    /// # Errors
    /// Too many wait.
    pub fn propose(&mut self, proposal: Proposal) -> Result<Changed, Refused> {
        self.proposals.retain(|known| known.expires_at_ms() > proposal.at_ms);
        let is_same = |known: &Proposal| (known.kind, &known.step, &known.by) == (proposal.kind, &proposal.step, &proposal.by);
        // What was overtaken is nothing that anybody could approve: it is proposed anew.
        let overtaken = |known: &&Proposal| is_same(known) && known.overtaken(self).is_some();
        if let Some(id) = self.proposals.iter().find(overtaken).map(|known| known.id.clone()) {
            self.settle(&id);
        }
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
    ///
    /// # Errors
    /// It waited too long; or there is none, for it was settled, or waited too long some time ago.
    pub fn proposal(&self, id: &str, at_ms: i64) -> Result<&Proposal, Waited> {
        let own = self.proposals.iter().find(|own| own.id == id).ok_or(Waited::NotThere)?;
        if own.expires_at_ms() > at_ms { Ok(own) } else { Err(Waited::TooLong(own.expires_at_ms())) }
    }

    /// The switch that a hand may not lift, of those that another hand lifts with this scope. Who approves that something is resumed may do it
    /// as well as who proposed it.
    pub fn lifted_by_other(&self, scope: &Scope, (hand, other): (Hand, Hand)) -> Option<&Stop> {
        self.stops.iter().find(|stop| stop.scope == *scope && stop.is_lifted_by(other) && !stop.is_lifted_by(hand))
    }

    /// Takes out what waits that one person be enough, for it is so now: asked for two again, it takes two that want it then.
    pub fn settle_approvals_off(&mut self) {
        self.proposals.retain(|own| own.step != Step::ApprovalsOff);
    }

    /// Takes a proposal out.
    pub fn settle(&mut self, id: &str) {
        self.proposals.retain(|own| own.id != id);
    }
}

#[cfg(test)]
mod tests;
