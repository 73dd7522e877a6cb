//! Which merchants use which version of the contract.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which uses to list.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContractsQuery {
    /// Of this version, such as `1.0.0`; all without it.
    pub version: Option<String>,
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// About this many uses, 1 to 200; default 50. Those of one merchant stay together.
    pub limit: Option<u32>,
}

/// How the versions of the contract are used, and a page of the uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContractsPage {
    /// Each version that this host speaks, the oldest first; then what is bound and not loaded, if there is any.
    pub contracts: Vec<ContractCount>,
    /// The contract that the platform's guardrail was built for; empty where there is none.
    pub guardrail: String,
    /// The uses, in the order of the merchants.
    pub uses: Vec<ContractUse>,
    /// Where the next page starts; none at the end.
    pub cursor: Option<String>,
}

/// How much a version is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContractCount {
    /// `ombud:policy@1.0.0`; empty for policies of which nobody knows, because they have no component.
    pub contract: String,
    /// Merchants with a policy that was built for it.
    pub merchants: u64,
    /// Their policies, one for each merchant and kind.
    pub policies: u64,
}

/// One policy of one merchant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContractUse {
    /// The merchant.
    pub merchant: String,
    /// The kind that the policy decides.
    pub kind: String,
    /// The policy's name.
    pub policy: String,
    /// Its readable version.
    pub version: String,
    /// The contract it was built for.
    pub contract: String,
}
