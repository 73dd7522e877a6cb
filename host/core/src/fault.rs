//! Why a policy gave no ruling. A fault is part of the answer: the kind's fallback stands, and the record names the fault.

use serde::{Deserialize, Serialize};

/// The kinds of fault, told apart by type, never by text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultCode {
    /// The instruction budget was used up.
    Fuel,
    /// The wall-clock backstop fired. Environmental: never replayed.
    Deadline,
    /// A memory, table or instance limit refused growth and the guest gave up.
    Memory,
    /// The guest's calls went deeper than the stack limit.
    Stack,
    /// The guest trapped: unreachable code, an access out of bounds, a division by zero.
    Trap,
    /// The ruling was larger than its limit, or copying it out would have been.
    Output,
    /// The guest logged more than its limit.
    Log,
    /// The ruling broke the contract: negative money, an unknown line, an adverse outcome without a reason.
    BadRuling,
    /// The policy said that no ruling is possible (`policy-error`).
    PolicyError,
    /// The policy refused its settings.
    Settings,
    /// The policy's component is not loaded: missing, damaged or refused.
    NotLoaded,
    /// No policy is bound to this kind.
    NoPolicy,
    /// The policy is paused, or was taken back and there is none before it.
    Paused,
    /// The host itself failed before or after the call.
    Host,
}

impl FaultCode {
    /// Every code, for metrics and documentation.
    pub const ALL: [Self; 14] = [
        Self::Fuel,
        Self::Deadline,
        Self::Memory,
        Self::Stack,
        Self::Trap,
        Self::Output,
        Self::Log,
        Self::BadRuling,
        Self::PolicyError,
        Self::Settings,
        Self::NotLoaded,
        Self::NoPolicy,
        Self::Paused,
        Self::Host,
    ];

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fuel => "fuel",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::Stack => "stack",
            Self::Trap => "trap",
            Self::Output => "output",
            Self::Log => "log",
            Self::BadRuling => "bad-ruling",
            Self::PolicyError => "policy-error",
            Self::Settings => "settings",
            Self::NotLoaded => "not-loaded",
            Self::NoPolicy => "no-policy",
            Self::Paused => "paused",
            Self::Host => "host",
        }
    }

    /// Whether the fault may differ on another machine or engine, so that a replay does not compare it.
    pub const fn environmental(self) -> bool {
        matches!(self, Self::Deadline | Self::Host | Self::NotLoaded)
    }
}

impl std::fmt::Display for FaultCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultOf {
    /// The merchant's policy.
    Policy,
    /// The platform's guardrail.
    Guardrail,
}

/// One fault with what the policy's owner needs to mend it; never personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Fault {
    /// What happened.
    pub code: FaultCode,
    /// The limit with its value, the trap's name, the rule that a bad ruling broke.
    pub detail: String,
}

impl Fault {
    /// A fault with its detail, cut to 512 bytes at a character's border.
    pub fn new(code: FaultCode, detail: impl Into<String>) -> Self {
        const DETAIL_BYTES_MAX: usize = 512;
        let mut detail: String = detail.into();
        if detail.len() > DETAIL_BYTES_MAX {
            let end = (0..=DETAIL_BYTES_MAX).rev().find(|at| detail.is_char_boundary(*at)).unwrap_or(0);
            detail.truncate(end);
        }
        Self { code, detail }
    }
}
