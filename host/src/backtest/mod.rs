//! Backtests: what another version would have decided on record. Here is what a backtest reports, as JSON and as a page, and by
//! what decisions are told apart. Records are read and run by the service.

mod chart;
mod html;
mod money;
mod segments;

use ombud_core::impact::ImpactReport;
use ombud_core::kind::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use html::page;
pub(crate) use money::{money_rows, sums};
pub(crate) use segments::segments;

/// What every report says about what it is: a candidate's decision changes what comes after it, and that is not played out.
pub const PREMISES: [&str; 5] = [
    "History facts are as recorded: what the candidate would have decided earlier does not change what it sees later.",
    "A case counts once in the money as a whole and by kind, before and after: by the most that one of its decisions pays beyond what was on \
     record before, and by what its last decision promises or leaves to a person beyond that. By outcome, rule and segment each decision counts \
     with its own money, so that a case that was decided several times counts several times there.",
    "The money caps are checked again on each decision, against the usage that was counted when it was made: they are not counted \
     anew over the window. The merchant's terms (caps, fallbacks, limits of a call) are those of each record.",
    "Before is the decision as recorded, without what persons did later; of two versions that ran in a rollout, the one that stood. \
     After is the candidate's ruling alone, under the guardrail on record, or the newest one where none was asked.",
    "Only decisions on record are compared: an event of a kind that no policy was bound to has none.",
];

/// A candidate version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CandidateView {
    /// Its name.
    pub name: String,
    /// Its readable version; empty where the component does not say.
    pub version: String,
    /// SHA-256 of the component, hex.
    pub component: String,
    /// SHA-256 of the settings, hex.
    pub settings: String,
}

/// The report of a backtest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BacktestReport {
    /// The merchant.
    pub merchant: String,
    /// The candidate.
    pub candidate: CandidateView,
    /// The kinds that were compared.
    pub kinds: Vec<Kind>,
    /// Decisions received from here on, RFC 3339; none = from the first.
    pub from: Option<String>,
    /// Decisions received before this, RFC 3339; none = up to the last.
    pub to: Option<String>,
    /// When the report was made, RFC 3339.
    pub made_at: String,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
    /// Decisions a second.
    pub per_second: f64,
    /// What is assumed.
    pub premises: Vec<String>,
    /// What would have changed.
    pub impact: ImpactReport,
}

impl BacktestReport {
    /// Faults that the candidate has beyond those on record, code by code.
    pub fn new_faults(&self) -> u64 {
        self.impact.faults.iter().map(|line| line.after.saturating_sub(line.before)).sum()
    }

    /// The window in words.
    pub fn window(&self) -> String {
        match (&self.from, &self.to) {
            (None, None) => "the whole ledger".to_owned(),
            (Some(from), None) => format!("from {from}"),
            (None, Some(to)) => format!("until {to}"),
            (Some(from), Some(to)) => format!("from {from} until {to}"),
        }
    }
}

#[cfg(test)]
mod tests;
