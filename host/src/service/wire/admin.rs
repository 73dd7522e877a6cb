//! Merchants, their policies and keys; the server itself.

use ombud_core::call_limits::Limits;
use ombud_core::caps::CapLimits;
use ombud_core::protect::Protection;
use ombud_core::share_limits::ShareLimits;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::service::actor::Role;

/// A merchant as configured.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MerchantView {
    /// The configuration.
    pub config: serde_json::Value,
    /// How high the merchant may set its caps; the operator's own changes set it.
    pub caps_bound: CapLimits,
    /// Which policy decides which kind.
    pub policies: Vec<PolicyView>,
    /// What one call of its policies may use.
    pub limits: LimitsView,
}

/// What one call of a merchant's policies may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LimitsView {
    /// What is in force: what the configuration asks for in `limits`, else the operator's default.
    pub in_force: Limits,
    /// The most that `limits` of the configuration may ask for.
    pub most: Limits,
    /// How much of the machine the merchant's decisions may take: what the operator has set, for it or for all.
    pub share: ShareLimits,
    /// When a version that does harm is taken back: what the configuration asks for in `protection`, within the operator's bounds.
    pub protection: Protection,
}

/// A policy bound to a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyView {
    /// The kind.
    pub kind: String,
    /// The merchant's name for the policy.
    pub name: String,
    /// The readable version.
    pub version: String,
    /// The contract that the component was built for, such as `ombud:policy@1.0.0`.
    pub contract: String,
    /// SHA-256 of the component, hex.
    pub component: String,
    /// SHA-256 of the settings, hex.
    pub settings: String,
    /// `loaded`, or why it is not.
    pub status: String,
}

/// A new key, shown once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CreatedKey {
    /// The key's id: who its bearer is in records.
    pub id: String,
    /// The secret; it cannot be shown again.
    pub secret: String,
    /// Its role.
    pub role: Role,
    /// Its merchant; none for an operator.
    pub merchant: Option<String>,
}

/// The keys of the ledger's checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerKeysView {
    /// The operator's name: a merchant's log has the origin `OPERATOR/MERCHANT`.
    pub operator: String,
    /// The keys that sign: the newest, and while a rotation is not finished the one before.
    pub signing: Vec<String>,
    /// Every verifier key there ever was, the newest first.
    pub verifier_keys: Vec<String>,
}

/// A backup that may be made now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupBegun {
    /// When it was recorded, RFC 3339.
    pub at: String,
}

/// A key as it is listed: everything but the secret, which nobody has but its bearer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyView {
    /// The key's id, by which it is revoked.
    pub id: String,
    /// Its role.
    pub role: String,
    /// Its merchant; none for an operator.
    pub merchant: Option<String>,
    /// Who its bearer is, in records.
    pub label: String,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339; none while it is in force.
    pub revoked_at: Option<String>,
}

/// Whether the service takes requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Readiness {
    /// Every bound policy is compiled and linked, the store is open.
    pub ready: bool,
    /// What is missing.
    pub reasons: Vec<String>,
}
