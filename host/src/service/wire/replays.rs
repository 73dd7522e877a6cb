//! Replays, and what the self-audit found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::replay::{Counts, Divergence, EngineCounts, EngineSeen, ReplayReport, Tally};

/// Which decisions to replay, oldest first; all of them, unless a member says otherwise.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReplaysRequest {
    /// Of this ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// Received at or after, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Received before, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Where an earlier answer left off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<u64>,
    /// How many, 1 to 1 000; 1 000 unless it is given. An answer may have fewer and still a cursor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// What some replays gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplaysAnswer {
    /// By what came of them.
    #[serde(flatten)]
    pub counts: Counts,
    /// The first decisions that diverged, at most 100.
    pub diverging: Vec<ReplayReport>,
    /// Under which engines the records were made.
    pub engines: Vec<EngineLine>,
    /// Records in the merchant's log, of which the decisions are a part.
    pub log_size: u64,
    /// Where the next request goes on; none at the end.
    pub cursor: Option<u64>,
}

impl ReplaysAnswer {
    /// What one merchant's tally says.
    pub fn new(tally: Tally, log_size: u64, cursor: Option<u64>) -> Self {
        let counts = tally.total();
        let engines = tally.engines.into_iter().map(|(engine, counts)| EngineLine { engine, counts }).collect();
        let diverging = tally.diverging.into_iter().map(|(_, report)| report).collect();
        Self { counts, diverging, engines, log_size, cursor }
    }

    /// As a tally of this merchant, to be added to others.
    pub fn into_tally(self, merchant: &str) -> Tally {
        Tally {
            merchants: [(merchant.to_owned(), self.counts)].into(),
            engines: self.engines.into_iter().map(|line| (line.engine, line.counts)).collect(),
            diverging: self.diverging.into_iter().map(|report| (merchant.to_owned(), report)).collect(),
        }
    }
}

/// What the self-audit found: the first divergence of a merchant and cause, and how many there were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alarm {
    /// The merchant.
    pub merchant: String,
    /// The place of the first one in the merchant's log.
    pub seq: u64,
    /// Its decision; empty where the record cannot be read.
    pub decision: String,
    /// Why it diverges.
    pub cause: Divergence,
    /// Where, without what stands there.
    pub detail: String,
    /// When it was found, RFC 3339.
    pub since: String,
    /// How often it was found since.
    pub count: u64,
}

/// An engine with the records that it made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EngineLine {
    /// The engine.
    #[serde(flatten)]
    pub engine: EngineSeen,
    /// Its records.
    #[serde(flatten)]
    pub counts: EngineCounts,
}
