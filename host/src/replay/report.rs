//! What came of a replay.

use ombud_core::fault::FaultCode;
use ombud_ledger::{Digest, Engine};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::calls::Missing;
use super::compare::cause;

/// The result of running a recorded decision again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayReport {
    /// The decision; empty where its record cannot be read.
    pub id: String,
    /// Its place in the ledger.
    pub seq: u64,
    /// Ruling, review and decision are the recorded bytes, and so is the fuel under the same engine.
    pub identical: bool,
    /// It was run again and compared. Where it was not, `divergence` says why, and that it is not identical says nothing.
    #[serde(default = "compared")]
    pub compared: bool,
    /// Why not, if not.
    pub divergence: Option<Divergence>,
    /// The cause in words: what is missing or damaged, and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The fault on record, where the policy or guardrail gave no ruling then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultCode>,
    /// The engine that made the record; none where it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineSeen>,
    /// Fuel the record names and fuel used now, policy and guardrail together.
    pub fuel_recorded: u64,
    /// Compared only under the same engine profile.
    pub fuel_now: u64,
    /// The first members that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// What ended at the deadline of replays now: components with their settings.
    #[serde(skip)]
    pub late: Vec<(Digest, Digest)>,
}

/// Of reports from before it was said, all are taken for compared.
const fn compared() -> bool {
    true
}

/// An engine, as records name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct EngineSeen {
    /// wasmtime's version.
    pub wasmtime: String,
    /// SHA-256 of the engine's profile, hex.
    pub profile: String,
}

impl From<&Engine> for EngineSeen {
    fn from(engine: &Engine) -> Self {
        Self { wasmtime: engine.wasmtime.clone(), profile: engine.profile.to_string() }
    }
}

/// One member that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// `ruling`, `review`, `decision` or `header`.
    pub body: String,
    /// JSON pointer into it.
    pub pointer: String,
    /// What is on record; null where there is nothing.
    pub recorded: Value,
    /// What the replay gave; null where there is nothing.
    pub now: Value,
}

/// Why a replay is not identical.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Divergence {
    /// The guest ruled otherwise on the same input under the same engine.
    Guest,
    /// The guest rules otherwise under this engine, whose profile or version differs from the record's.
    Engine,
    /// The same answers under the same engine, with other fuel than the record names.
    Fuel,
    /// The same rulings, but the host's own rules make another decision of them than the record holds.
    Host,
    /// The recorded settings are missing or damaged.
    Settings,
    /// The recorded component is missing or damaged, or does not load.
    ComponentMissing,
    /// The record is not what its own digests say, is missing, is listed otherwise than it is, or cannot be read.
    RecordDamaged,
    /// The customer's key was erased: not compared.
    Erased,
    /// A fault of the clock or the host then, or of the host now: it depends on the machine and is not compared.
    Environmental,
    /// A fault of fuel, stack or memory under another engine: such limits belong to one engine, it is not compared.
    OtherEngine,
}

impl Divergence {
    /// Every cause, in the order of reports.
    pub const ALL: [Self; 10] = [
        Self::Guest,
        Self::Engine,
        Self::Fuel,
        Self::Host,
        Self::Settings,
        Self::ComponentMissing,
        Self::RecordDamaged,
        Self::Erased,
        Self::Environmental,
        Self::OtherEngine,
    ];

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Engine => "engine",
            Self::Fuel => "fuel",
            Self::Host => "host",
            Self::Settings => "settings",
            Self::ComponentMissing => "component-missing",
            Self::RecordDamaged => "record-damaged",
            Self::Erased => "erased",
            Self::Environmental => "environmental",
            Self::OtherEngine => "other-engine",
        }
    }

    /// What it means, for people.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Guest => "the policy or guardrail ruled otherwise on the same input under the same engine",
            Self::Engine => "the policy or guardrail rules otherwise under this engine, which is not the record's",
            Self::Fuel => "the same answers under the same engine, with other fuel than the record names",
            Self::Host => "the same rulings, but the host's own rules make another decision of them",
            Self::Settings => "the recorded settings are missing or damaged",
            Self::ComponentMissing => "the recorded component is missing or damaged, or does not load",
            Self::RecordDamaged => "the record is not what its own digests say, is missing, or is listed otherwise than it is",
            Self::Erased => "the customer's key was erased: not compared",
            Self::Environmental => "a deadline or a fault of the host depends on the machine: not compared",
            Self::OtherEngine => "a fault of fuel, stack or memory under another engine: not compared",
        }
    }

    /// Whether anything was compared and differs; the others could not be compared, for a known reason.
    pub const fn diverged(self) -> bool {
        match self {
            Self::Guest | Self::Engine | Self::Fuel | Self::Host | Self::Settings | Self::ComponentMissing | Self::RecordDamaged => true,
            Self::Erased | Self::Environmental | Self::OtherEngine => false,
        }
    }
}

impl std::fmt::Display for Divergence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ReplayReport {
    /// The report of a record that could not be opened or read.
    pub fn damaged(id: String, seq: u64, detail: impl ToString) -> Self {
        Self {
            id,
            seq,
            identical: false,
            compared: true,
            divergence: Some(Divergence::RecordDamaged),
            detail: Some(cause(detail)),
            fault: None,
            engine: None,
            fuel_recorded: 0,
            fuel_now: 0,
            differences: Vec::new(),
            late: Vec::new(),
        }
    }

    /// The same of a record of which something that is named is not there.
    pub(super) fn missing(self, missing: Missing) -> Self {
        Self { divergence: Some(missing.divergence), detail: Some(cause(missing.detail)), ..self }
    }

    /// The same of a record whose answer cannot be compared here.
    pub(super) fn not_compared(self, reason: Divergence) -> Self {
        Self { identical: false, compared: false, divergence: Some(reason), ..self }
    }
}
