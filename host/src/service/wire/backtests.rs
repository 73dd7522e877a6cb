//! Backtests on the wire.

use std::sync::Arc;

use ombud_core::kind::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::backtest::BacktestReport;
use crate::service::BacktestView;

/// Which candidate on which decisions. The candidate is a `policy` of the merchant's, or a `component`, or what is bound to the
/// `kind`; with its own settings, or with `settings`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BacktestRequest {
    /// The name of a policy of the merchant's or of the operator's folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Its version, as decisions name it; without it the one that is bound, else the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// SHA-256 of the component of a version that the merchant has, hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Settings instead of the version's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<serde_json::Map<String, serde_json::Value>>,
    /// Decisions of this kind only; without policy and component, the candidate is what is bound to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Decisions received in the last so many hours, days or weeks: `36h`, `90d`, `12w`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Decisions received at or after: RFC 3339, or a date for its beginning in the merchant's zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Decisions received before: RFC 3339, or a date for its beginning in the merchant's zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// A backtest, with its report once it is done.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct BacktestAnswer {
    /// How far it is.
    #[serde(flatten)]
    pub view: BacktestView,
    /// What would have changed.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shared")]
    #[schemars(with = "Option<BacktestReport>")]
    pub report: Option<Arc<BacktestReport>>,
}

/// Every backtest of a merchant that is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BacktestsAnswer {
    /// The newest first.
    pub backtests: Vec<BacktestView>,
}

/// Writes what is shared.
fn shared<S: serde::Serializer>(report: &Option<Arc<BacktestReport>>, out: S) -> Result<S::Ok, S::Error> {
    report.as_deref().serialize(out)
}
