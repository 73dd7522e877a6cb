//! Blacklist requests and measures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An act on a blacklist request; the person and the role come from the key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlacklistAct {
    /// The event's id: repeating it repeats nothing.
    pub event_id: String,
    /// `submit`, `step` or `appeal`.
    pub act: BlacklistActKind,
    /// The customer's pseudonymous reference.
    pub customer_ref: String,
    /// The ticket in which the request is handled.
    pub ticket_id: String,
    /// The `blacklist` object of the event, as its schema says.
    pub blacklist: serde_json::Value,
}

/// What is done to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BlacklistActKind {
    /// A new request, or a new round of one returned for evidence: `blacklist.requested`.
    Submit,
    /// A supervisor's, head of department's or compliance's verdict: `blacklist.step`.
    Step,
    /// The customer's appeal, passed on by an agent.
    Appeal,
}

/// Which blacklist requests, and how many.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlacklistQuery {
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// At most this many, 1 to 200; default 50.
    pub limit: Option<u32>,
    /// Why text and customers are to be shown unmasked; it is recorded.
    pub unmask: Option<String>,
}

/// A page of blacklist requests, open ones first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct BlacklistPage {
    /// The requests, each with its state.
    pub requests: Vec<BlacklistView>,
    /// Where the next page starts; none at the end.
    pub cursor: Option<String>,
    /// Whether text and customers are masked.
    pub masked: bool,
}

/// A blacklist request as its records leave it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct BlacklistView {
    /// The request.
    pub request_id: String,
    /// Its state: stage, criterion, steps.
    pub state: serde_json::Value,
    /// The measure that is in force on this request; `none` also where another request's has taken its place (`GET …/measures`).
    pub measure: String,
    /// When it ends, RFC 3339.
    pub review_by: Option<String>,
    /// Whether customer, notes and evidence are masked in the state.
    pub masked: bool,
}

/// A measure in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MeasureView {
    /// The customer's pseudonymous reference; masked, its last two characters, unless it was asked for.
    pub customer: String,
    /// The request it follows from.
    pub request_id: String,
    /// `marked`, `service-restricted` or `blacklisted`.
    pub measure: String,
    /// When it ends, RFC 3339.
    pub review_by: Option<String>,
}
