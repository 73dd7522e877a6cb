//! What requests and answers look like: the JSON of the HTTP interface and of `--json`, beside no other type.

mod admin;
mod backtests;
mod blacklist;
mod contracts;
mod persons;
mod replays;
mod versions;

use ombud_core::decision::Decision;
use ombud_core::kind::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::acts::ActBody;
pub use admin::*;
pub use backtests::*;
pub use blacklist::*;
pub use contracts::*;
pub use persons::*;
pub use replays::*;
pub use versions::*;

pub use crate::replay::{Counts, Divergence, EngineCounts, EngineSeen, ReplayReport, Tally};

/// The answer to an event.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventAnswer {
    /// The event's id.
    pub event: String,
    /// The event was known: these are the decisions made then.
    pub duplicate: bool,
    /// One decision for each kind that decided, as recorded; empty where the event is only recorded.
    #[schemars(with = "Vec<AnsweredDecision>")]
    pub decisions: Vec<Verbatim>,
}

impl EventAnswer {
    /// Bytes of its decisions.
    pub fn bytes(&self) -> usize {
        self.decisions.iter().map(|decision| decision.get().len()).sum()
    }

    /// The answer as JSON, its decisions as they are: reading them again, as a serializer must, would take longer than
    /// everything else here.
    pub fn to_json(&self) -> Vec<u8> {
        let decisions: usize = self.decisions.iter().map(|decision| decision.0.len() + 1).sum();
        let mut json = Vec::with_capacity(decisions + self.event.len() + 64);
        json.extend_from_slice(b"{\"event\":");
        // Writing a string into memory cannot fail.
        _ = serde_json::to_writer(&mut json, &self.event);
        json.extend_from_slice(if self.duplicate { b",\"duplicate\":true" } else { b",\"duplicate\":false" });
        json.extend_from_slice(b",\"decisions\":[");
        for (at, Verbatim(decision)) in self.decisions.iter().enumerate() {
            if at > 0 {
                json.push(b',');
            }
            json.extend_from_slice(decision.as_bytes());
        }
        json.extend_from_slice(b"]}");
        json
    }
}

/// JSON text that is answered as it stands on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verbatim(String);

impl Verbatim {
    /// Text that was written as JSON.
    pub const fn new(json: String) -> Self {
        Self(json)
    }

    /// The text.
    pub fn get(&self) -> &str {
        &self.0
    }
}

impl Serialize for Verbatim {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(out)
    }
}

/// A decision as it is answered; for the interface's description, because the bytes that are sent are those on record.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AnsweredDecision {
    /// The decision's id; none in a preview.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its place in the merchant's ledger; none in a preview.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Its leaf hash, hex; none in a preview.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaf: Option<String>,
    /// The decision.
    #[serde(flatten)]
    pub decision: Decision,
}

/// A recorded decision with what it was made on; for the interface's description too.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DecisionDetail {
    /// The decision as it was answered.
    #[serde(flatten)]
    pub answered: AnsweredDecision,
    /// Received at, RFC 3339.
    pub received_at: String,
    /// Whether text, facts and customers are left out or stand as `***`.
    pub masked: bool,
    /// The event as a structured CloudEvent; none where the customer's key was erased, or masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<serde_json::Value>,
    /// The facts put to the policy; none where the customer's key was erased, or masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<serde_json::Value>,
    /// Acts of persons on the decision, in their order.
    pub acts: Vec<ActBody>,
}

/// Which decisions to list.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DecisionsQuery {
    /// Of this ticket.
    pub ticket: Option<String>,
    /// Of this customer.
    pub customer: Option<String>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// With this outcome, one of a kind's or a word of persons; another word is refused.
    pub outcome: Option<String>,
    /// By this policy.
    pub policy: Option<String>,
    /// Received at or after, RFC 3339.
    pub from: Option<String>,
    /// Received before, RFC 3339.
    pub to: Option<String>,
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// At most this many, 1 to 200; default 50.
    pub limit: Option<u32>,
    /// Why customers are to be shown unmasked; it is recorded.
    pub unmask: Option<String>,
}

/// One line of a list of decisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DecisionLine {
    /// The decision's id.
    pub id: String,
    /// Its place in the merchant's ledger.
    pub seq: u64,
    /// The kind.
    pub kind: String,
    /// The outcome.
    pub outcome: String,
    /// The policy and its version.
    pub policy: Option<String>,
    /// The ticket.
    pub ticket: Option<String>,
    /// The customer's pseudonymous reference; masked, its last two characters.
    pub customer: Option<String>,
    /// Received at, RFC 3339.
    pub received_at: String,
}

/// A page of decisions, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DecisionsPage {
    /// The decisions.
    pub decisions: Vec<DecisionLine>,
    /// Where the next page starts; none at the end.
    pub cursor: Option<String>,
    /// Whether customers are masked.
    pub masked: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_written_as_a_serializer_would() {
        for count in 0..3 {
            let decisions = (0..count).map(|at| Verbatim::new(format!("{{\"at\":{at},\"text\":\"\\\"{{\"}}"))).collect();
            let answer = EventAnswer { event: "\"quoted\" \u{1} 事件".into(), duplicate: count == 1, decisions };
            assert_eq!(String::from_utf8(answer.to_json()).unwrap(), serde_json::to_string(&answer).unwrap());
        }
    }
}
