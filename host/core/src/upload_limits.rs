//! What an upload may bring and take, and whether it must be signed: the operator's values. A merchant may ask for signatures where the operator
//! does not.

use serde::{Deserialize, Serialize};

/// Whether a policy must be signed to be taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Signatures {
    /// A signature is checked where there is one.
    #[default]
    Optional,
    /// What is not signed is refused.
    Required,
}

impl Signatures {
    /// Whether these are the usual ones.
    pub fn are_optional(&self) -> bool {
        *self == Self::Optional
    }
}

/// What an upload may bring and what its checks may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UploadLimits {
    /// Whether every merchant's policies must be signed.
    pub signatures: Signatures,
    /// Bytes of the settings of one version, 1 KiB to 4 MiB.
    pub settings_bytes_max: usize,
    /// Wall-clock time in seconds of all checks of one upload together, compiling included, 1 to 86 400. A policy in Python takes one to two minutes.
    pub check_deadline_s: u64,
    /// Processor time in seconds for reading the component, before anything else is done with it, 1 to 3 600. One in Python takes one.
    pub read_cpu_s: u64,
    /// Resident memory of a process that checks, in bytes, 64 MiB to 64 GiB.
    pub check_memory_bytes_max: usize,
    /// Bytes of the components that one merchant's uploads keep and of the settings of all its versions, each once, 1 MiB to 1 TiB.
    pub stored_bytes_max: u64,
}

impl Default for UploadLimits {
    fn default() -> Self {
        Self {
            signatures: Signatures::Optional,
            settings_bytes_max: 256 << 10,
            check_deadline_s: 900,
            read_cpu_s: 30,
            check_memory_bytes_max: 1 << 30,
            stored_bytes_max: 8 << 30,
        }
    }
}
