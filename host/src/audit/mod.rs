//! Auditing away from the service: a bundle checked to its last byte and run again, with nothing but the operator's key.

mod bindings;
mod caps;
mod overrides;
mod repeats;
mod report;
mod verify;

pub use report::{AuditReport, BundleClaims, Found, LossLine, ProblemLine, Proved, REPLAY, WitnessLine};
pub use verify::{CARRIED_BYTES_MAX, CARRIED_EACH_BYTES, Checks, verify};
