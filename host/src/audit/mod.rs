//! Auditing away from the service: a bundle checked to its last byte and run again, with nothing but the operator's key.

mod bindings;
mod caps;
mod carried;
mod late;
mod overrides;
mod repeats;
mod report;
mod verify;

pub use carried::{CARRIED_BYTES_MAX, CARRIED_EACH_BYTES};
pub use report::{AuditReport, BundleClaims, Found, LossLine, ProblemLine, Proved, REPLAY, WitnessLine};
pub use verify::{Checks, verify};
