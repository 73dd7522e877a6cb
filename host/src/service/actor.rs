//! Who asks: roles, what each may do, and the API keys that prove it.

use ombud_core::ids::{ActorId, MerchantId};
use ombud_rules::contract::types::Role as ContractRole;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The role of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Runs the service: merchants, keys, guardrails, bounds. Takes no part in a merchant's decisions.
    Operator,
    /// Policies, settings, keys and caps of one merchant.
    MerchantAdmin,
    /// The helpdesk or an agent: events, previews, blacklist submissions.
    Agent,
    /// Approves what waits for a supervisor.
    Supervisor,
    /// Approves what waits for the head of department.
    DepartmentHead,
    /// Decides appeals.
    Compliance,
    /// Reads and replays, changes nothing.
    Auditor,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] =
        [Self::Operator, Self::MerchantAdmin, Self::Agent, Self::Supervisor, Self::DepartmentHead, Self::Compliance, Self::Auditor];

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::MerchantAdmin => "merchant-admin",
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::DepartmentHead => "department-head",
            Self::Compliance => "compliance",
            Self::Auditor => "auditor",
        }
    }

    /// The role with this wire name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// The role as the contract names it; none for those who take no part in a merchant's acts.
    pub const fn in_contract(self) -> Option<ContractRole> {
        match self {
            Self::MerchantAdmin => Some(ContractRole::Admin),
            Self::Agent => Some(ContractRole::Agent),
            Self::Supervisor => Some(ContractRole::Supervisor),
            Self::DepartmentHead => Some(ContractRole::DeptHead),
            Self::Compliance => Some(ContractRole::Compliance),
            Self::Operator | Self::Auditor => None,
        }
    }

    /// Whether the role has a right.
    pub const fn may(self, right: Right) -> bool {
        match right {
            Right::SendEvents => {
                matches!(self, Self::Agent | Self::Supervisor | Self::DepartmentHead | Self::Compliance | Self::MerchantAdmin)
            }
            Right::Read => true,
            Right::Replay => !matches!(self, Self::Agent),
            Right::Backtest => matches!(self, Self::Operator | Self::MerchantAdmin | Self::Compliance | Self::Auditor),
            Right::Override => matches!(self, Self::Supervisor | Self::DepartmentHead | Self::Compliance),
            Right::ReadActs => matches!(self, Self::Operator | Self::MerchantAdmin | Self::Compliance | Self::Auditor),
            Right::Erase => matches!(self, Self::Operator | Self::MerchantAdmin),
            Right::Hold => matches!(self, Self::Operator | Self::Compliance),
            Right::Configure => matches!(self, Self::Operator | Self::MerchantAdmin),
            Right::Ledger => matches!(self, Self::Operator | Self::MerchantAdmin | Self::Auditor),
            // PP-1: unmasked from supervisors upwards; exported by compliance. The operator has the keys anyway.
            Right::Unmask => !matches!(self, Self::Agent | Self::MerchantAdmin),
            Right::Export => !matches!(self, Self::Agent),
            Right::ExportText => matches!(self, Self::Operator | Self::Compliance | Self::Auditor),
            Right::Operate => matches!(self, Self::Operator),
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Events and previews; blacklist submissions and steps, whose roles the policy checks.
    SendEvents,
    /// Decisions, requests, policies.
    Read,
    /// Running a recorded decision again.
    Replay,
    /// Running a candidate version on recorded decisions.
    Backtest,
    /// Approving, amending or cancelling a decision.
    Override,
    /// The acts of persons and of the host.
    ReadActs,
    /// Erasing a customer.
    Erase,
    /// Setting and lifting legal holds.
    Hold,
    /// A merchant's policies, settings, caps and keys.
    Configure,
    /// Checkpoints, tiles and receipts of a merchant's log.
    Ledger,
    /// Text and customers, with a reason that is recorded; others see them masked.
    Unmask,
    /// Exports of records without the keys of their text.
    Export,
    /// Exports with the keys. The operator has them anyway.
    ExportText,
    /// Merchants, operator's bounds.
    Operate,
}

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The key's id: who it is in records and steps.
    pub actor: ActorId,
    /// The key's role.
    pub role: Role,
    /// The merchant it is bound to; none for the operator.
    pub merchant: Option<MerchantId>,
    /// SHA-256 of the key's secret; none for the data directory's owner and the host itself, who have none.
    pub key: Option<[u8; 32]>,
}

/// A new API key: 256 random bits, shown once and stored as a hash.
pub struct NewKey {
    /// What the caller sends as `Authorization: Bearer …`.
    pub secret: String,
    /// SHA-256 of the secret: what is stored. A random secret of 256 bits needs no slow hash.
    pub hash: [u8; 32],
}

impl NewKey {
    /// Draws a key.
    pub fn draw() -> Result<Self, getrandom::Error> {
        let mut bits = [0_u8; 32];
        getrandom::fill(&mut bits)?;
        let secret = format!("ombud_{}", hex::encode(bits));
        let hash = hash(&secret);
        Ok(Self { secret, hash })
    }
}

/// The id of a key by which it is listed, revoked and named in acts: the first digits of what is stored of it.
pub fn key_id(hash: &[u8; 32]) -> String {
    format!("k_{}", hex::encode(hash.iter().take(6).copied().collect::<Vec<_>>()))
}

/// The stored form of a presented key.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}
