//! Automatic protection: whether a version does harm, told from the decisions it made. Pure: decisions are fed in, a finding
//! comes out; what is done about it is the host's.
//!
//! Faults speak for themselves, lateness where it is not everybody's ([`Lateness`]). Approvals and money are compared with another version's: the one before it, or the one that answers the
//! other customers. Both need their samples, and the difference must be larger than chance makes it.

use serde::{Deserialize, Serialize};

use crate::fault::FaultCode;

mod lateness;
mod most;
mod sample;

pub use lateness::Lateness;
pub use most::ProtectionMost;
pub use sample::{Heard, Recorded, Sample, heard};

/// When the protection acts. What a merchant leaves out has the default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Protection {
    /// Whether it acts at all; what it finds is announced nevertheless.
    pub on: bool,
    /// Whether a version with none before it is paused, so that the kind's fallback stands; otherwise it is announced only.
    pub pause_last: bool,
    /// Faults in a row, 3 to 1 000.
    pub error_streak: u32,
    /// Faults among the last decisions, in basis points of them, 1 to 10 000.
    pub fault_share_bp: u32,
    /// Calls that met the deadline among the last decisions, where others on the machine were in time, 1 to 1 000.
    pub deadline_hits: u32,
    /// By how much the share of approvals may differ from the other version's, in basis points, 100 to 10 000.
    pub approval_jump_bp: u32,
    /// How many times the other version's money a decision may cost on average, in hundredths, 110 to 100 000.
    pub money_factor_pct: u32,
    /// Days for which an active version may still be taken back by itself; one that is older is paused or announced, 1 to 3 650.
    pub watch_days: u32,
    /// Decisions of a version before shares and averages say anything, 20 to 10 000.
    pub sample_min: u32,
}

impl Protection {
    /// Whether everything has its default.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Protection {
    fn default() -> Self {
        Self {
            on: true,
            pause_last: false,
            error_streak: 10,
            fault_share_bp: 2_000,
            deadline_hits: 10,
            approval_jump_bp: 3_000,
            money_factor_pct: 300,
            watch_days: 30,
            sample_min: 50,
        }
    }
}

/// What the last decisions of a version came to. Sums of several parts, the oldest of which goes when a new one begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watched {
    parts: [Part; PARTS],
    /// Faults in a row, up to now.
    streak: u32,
}

/// Parts of what is remembered.
const PARTS: usize = (REMEMBERED_MAX / PART) as usize;
/// Decisions of one part.
const PART: u32 = 100;
/// Decisions of a version that are remembered, at most.
pub const REMEMBERED_MAX: u32 = 4 * PART;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Part {
    decisions: u32,
    faults: u32,
    deadlines: u32,
    /// First answers to their cases: approvals and money are theirs.
    firsts: u32,
    approved: u32,
    money: f64,
    squares: f64,
}

/// Why a version is harmful.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Finding {
    /// It faulted so many times in a row.
    ErrorStreak {
        /// How many.
        faults: u32,
    },
    /// It faults too often.
    FaultShare {
        /// Faults.
        faults: u32,
        /// Of so many decisions.
        decisions: u32,
    },
    /// It meets its deadline too often.
    DeadlineHits {
        /// How often.
        hits: u32,
        /// Of so many decisions.
        decisions: u32,
    },
    /// It approves much more, or much less, than the other version.
    ApprovalJump {
        /// Its share of approvals, basis points.
        share_bp: u32,
        /// The other's.
        other_bp: u32,
    },
    /// It costs much more than the other version.
    MoneyJump {
        /// On average, fen.
        mean_fen: i64,
        /// The other's.
        other_fen: i64,
    },
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = |bp: &u32| format!("{}.{:02} %", bp / 100, bp % 100);
        match self {
            Self::ErrorStreak { faults } => write!(f, "{faults} faults in a row"),
            Self::FaultShare { faults, decisions } => write!(f, "{faults} faults among {decisions} decisions"),
            Self::DeadlineHits { hits, decisions } => write!(f, "{hits} of {decisions} calls met the deadline"),
            Self::ApprovalJump { share_bp, other_bp } => {
                write!(f, "approves {} of its cases, the version it is compared with {}", percent(share_bp), percent(other_bp))
            }
            Self::MoneyJump { mean_fen, other_fen } => {
                write!(f, "costs {mean_fen} fen a decision, the version it is compared with {other_fen}")
            }
        }
    }
}

/// Standard errors beyond which a difference is no chance. A version is looked at after each decision: with five, about four of a million that
/// approve as often as the other one ever go that far by themselves, with four it would be one of six thousand.
const SIGMAS: f64 = 5.0;

impl Watched {
    /// Takes one more decision in. What the machine failed to ask the version says nothing of it: it neither counts nor ends a row of faults.
    pub fn add(&mut self, sample: Sample) {
        let is_late = sample.fault == Some(FaultCode::Deadline);
        if !is_late && sample.fault.is_some_and(FaultCode::environmental) {
            return;
        }
        if self.parts.first().is_some_and(|part| part.decisions >= PART) {
            self.parts.rotate_right(1);
            self.parts[0] = Part::default();
        }
        let part = &mut self.parts[0];
        part.decisions += 1;
        // Lateness has a limit of its own.
        let is_fault = !is_late && sample.fault.is_some();
        part.faults += u32::from(is_fault);
        part.deadlines += u32::from(is_late);
        // Approvals and money are compared among answers: where a fallback stood there is none.
        if sample.is_first && sample.fault.is_none() {
            part.firsts += 1;
            part.approved += u32::from(sample.approved);
            let money = sample.money as f64;
            part.money += money;
            part.squares += money * money;
        }
        self.streak = match sample.fault {
            None => 0,
            Some(_) => self.streak.saturating_add(u32::from(is_fault)),
        };
    }

    /// Decisions remembered.
    pub fn decisions(&self) -> u32 {
        self.parts.iter().map(|part| part.decisions).sum()
    }

    fn total(&self) -> Part {
        self.parts.iter().fold(Part::default(), |sum, part| Part {
            decisions: sum.decisions + part.decisions,
            faults: sum.faults + part.faults,
            deadlines: sum.deadlines + part.deadlines,
            firsts: sum.firsts + part.firsts,
            approved: sum.approved + part.approved,
            money: sum.money + part.money,
            squares: sum.squares + part.squares,
        })
    }

    /// Whether the version does harm, compared with another one where there is one with decisions enough.
    pub fn judge(&self, other: Option<&Self>, limits: &Protection) -> Option<Finding> {
        if self.streak >= limits.error_streak.max(1) {
            return Some(Finding::ErrorStreak { faults: self.streak });
        }
        let own = self.total();
        if own.deadlines >= limits.deadline_hits.max(1) {
            return Some(Finding::DeadlineHits { hits: own.deadlines, decisions: own.decisions });
        }
        if own.decisions < limits.sample_min.max(1) {
            return None;
        }
        if u64::from(own.faults) * 10_000 >= u64::from(limits.fault_share_bp) * u64::from(own.decisions) && own.faults > 0 {
            return Some(Finding::FaultShare { faults: own.faults, decisions: own.decisions });
        }
        let other = other.map(Self::total).filter(|other| other.firsts.min(own.firsts) >= limits.sample_min.max(1))?;
        let (share, other_share) = (own.approval_bp(), other.approval_bp());
        if share.abs_diff(other_share) >= limits.approval_jump_bp && own.differs_in_approvals(&other) {
            return Some(Finding::ApprovalJump { share_bp: share, other_bp: other_share });
        }
        let (mean, other_mean) = (own.mean(), other.mean());
        let is_dearer = mean * 100.0 > other_mean * f64::from(limits.money_factor_pct);
        if is_dearer && own.costs_more(&other) {
            return Some(Finding::MoneyJump { mean_fen: mean as i64, other_fen: other_mean as i64 });
        }
        None
    }
}

impl Part {
    fn approval_bp(&self) -> u32 {
        u32::try_from(u64::from(self.approved) * 10_000 / u64::from(self.firsts.max(1))).unwrap_or(10_000)
    }

    fn mean(&self) -> f64 {
        self.money / f64::from(self.firsts.max(1))
    }

    /// Two shares, by their pooled standard error.
    fn differs_in_approvals(&self, other: &Self) -> bool {
        let (own, others) = (f64::from(self.firsts), f64::from(other.firsts));
        let pooled = f64::from(self.approved + other.approved) / (own + others);
        let error = (pooled * (1.0 - pooled) * (1.0 / own + 1.0 / others)).sqrt();
        let difference = (f64::from(self.approved) / own - f64::from(other.approved) / others).abs();
        difference > SIGMAS * error
    }

    /// Two means, by the standard error of their difference.
    fn costs_more(&self, other: &Self) -> bool {
        let spread = |part: &Self| {
            let (count, mean) = (f64::from(part.firsts), part.mean());
            (part.squares / count - mean * mean).max(0.0) / count
        };
        self.mean() - other.mean() > SIGMAS * (spread(self) + spread(other)).sqrt()
    }
}

#[cfg(test)]
mod tests;
