//! The sandbox's limits: each has a name with its unit, a default and an operator's bound.

use serde::{Deserialize, Serialize};

/// What one call of a policy or guardrail may use, and what a component may be. A merchant's limits are these defaults or
/// lower; the operator sets the defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Fuel (about one unit for each WebAssembly instruction) that every call starts with. 1 000 to 10 000 000 000.
    pub fuel_base: u64,
    /// Fuel added for each byte of the event, so that large orders are not refused for their size.
    pub fuel_per_event_byte: u64,
    /// Wall-clock backstop of one call in milliseconds, 1 to 10 000. It cannot be replayed, so it lies above the time that
    /// the fuel of the largest event takes (about a second).
    pub deadline_ms: u64,
    /// Linear memory of one instance in bytes, all memories together, at most [`MEMORY_BYTES_CEILING`].
    pub memory_bytes_max: usize,
    /// Elements of one table.
    pub table_elements_max: usize,
    /// Core instances of one component.
    pub instances_max: usize,
    /// Bytes that may be copied out of a guest in one call: the ruling, error texts and log lines together.
    pub hostcall_bytes_max: usize,
    /// Bytes of text and lists in one ruling.
    pub ruling_bytes_max: usize,
    /// Bytes of log text of one call.
    pub log_bytes_max: usize,
    /// Bytes of one component.
    pub component_bytes_max: usize,
}

/// The largest `memory_bytes_max` the instance pool has room for.
pub const MEMORY_BYTES_CEILING: usize = 256 << 20;

/// Stack of a guest's calls in bytes; part of the engine profile, because it decides when recursion faults.
pub const STACK_BYTES_MAX: usize = 512 << 10;

/// Instances alive at the same time, over all merchants.
pub const CONCURRENT_INSTANCES_MAX: u32 = 64;

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel_base: 50_000_000,
            fuel_per_event_byte: 1_000,
            deadline_ms: 2_000,
            memory_bytes_max: 64 << 20,
            table_elements_max: 100_000,
            instances_max: 64,
            hostcall_bytes_max: 1 << 20,
            ruling_bytes_max: 256 << 10,
            log_bytes_max: 16 << 10,
            component_bytes_max: 32 << 20,
        }
    }
}

impl Limits {
    /// The fuel of a call on an event of `event_bytes`.
    pub fn fuel(&self, event_bytes: usize) -> u64 {
        self.fuel_base.saturating_add(self.fuel_per_event_byte.saturating_mul(event_bytes as u64))
    }

    /// The same, without the haste of a caller who waits: fuel, memory and sizes decide, which are the same everywhere, and not the
    /// clock of a busy machine. For a replayed fault, and for a policy's build, test and check.
    pub fn patient(&self) -> Self {
        Self { deadline_ms: 60_000, ..self.clone() }
    }

    /// The limits of a replay: a ruling that was given is given again, however slow the machine or thirsty the engine.
    pub fn generous(&self) -> Self {
        Self { fuel_base: u64::MAX / 2, ..self.patient() }
    }
}
