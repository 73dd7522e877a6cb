//! What persons ask of a rollout, and what they are told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::proposals::{ApprovedView, ProposalView};
use super::view::RolloutView;

/// A version to be made the active one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivateRequest {
    /// The version.
    pub version: String,
    /// The kind; left out where the version is known to decide one.
    #[serde(default)]
    pub kind: Option<String>,
    /// Why; at most 2 000 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A version to answer a share of the customers.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CanaryRequest {
    /// The version.
    pub version: String,
    /// The share of the customers in basis points: 500 are 5 %, 0 nobody, 10 000 everybody.
    pub share_bp: u16,
    /// The kind; left out where the version is known to decide one.
    #[serde(default)]
    pub kind: Option<String>,
    /// Why; at most 2 000 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A version to run beside, unanswered, or no longer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShadowRequest {
    /// The version.
    pub version: String,
    /// `true` (default) begins, `false` ends.
    #[serde(default = "yes")]
    pub on: bool,
    /// The kind; left out where the version is known to decide one.
    #[serde(default)]
    pub kind: Option<String>,
    /// Why; at most 2 000 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

/// The way back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// To which version, any earlier one; left out: what was rolled out last is taken back, the canary if there is one, else the active
    /// version.
    #[serde(default)]
    pub to: Option<String>,
    /// The policy of that version, where it is another one.
    #[serde(default)]
    pub to_policy: Option<String>,
    /// The kind; left out where the policy stands in one plan only.
    #[serde(default)]
    pub kind: Option<String>,
    /// Why; 1 to 2 000 characters.
    pub reason: String,
}

/// A time at which a version answers.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowRequest {
    /// The version.
    pub version: String,
    /// From then on, by the event's time on the merchant's clock: `2026-11-11`, `2026-11-11T08:00`, or an instant with its offset.
    pub from: String,
    /// Up to then; the moment itself is not in it, a date alone is with its whole day.
    pub to: String,
    /// The kind; left out where the version is known to decide one.
    #[serde(default)]
    pub kind: Option<String>,
    /// Why; at most 2 000 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A window that is no longer to be.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowRemoval {
    /// The version.
    pub version: String,
    /// When it begins; left out: every window of the version.
    #[serde(default)]
    pub from: Option<String>,
    /// The kind; left out where the version is known to decide one.
    #[serde(default)]
    pub kind: Option<String>,
    /// Why; at most 2 000 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A policy's kill switch, to be thrown or taken back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseRequest {
    /// One version; left out: every version of the policy.
    #[serde(default)]
    pub version: Option<String>,
    /// Why; 1 to 2 000 characters.
    pub reason: String,
}

/// The kill switch of a kind or of the whole merchant, to be thrown or taken back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KillRequest {
    /// The kind; left out: every kind.
    #[serde(default)]
    pub kind: Option<String>,
    /// Why; 1 to 2 000 characters.
    pub reason: String,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepAnswer {
    /// Whether anything is another way than before; the same step again changes nothing.
    pub changed: bool,
    /// The move that waits for a second person, where the merchant asks for two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<ProposalView>,
    /// What was approved by this, and by whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<ApprovedView>,
    /// The rollout as it is now.
    pub rollout: RolloutView,
}

const fn yes() -> bool {
    true
}
