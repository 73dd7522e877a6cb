//! The sandbox's limits. What is set by the operator and by merchants is the core's; what the engine is made with stands here.

pub use ombud_core::call_limits::{INSTANCES_CEILING, Limits, LoadLimits, MEMORY_BYTES_CEILING, TABLE_ELEMENTS_CEILING};

/// Stack of a guest's calls in bytes; part of the engine profile, because it decides when recursion faults.
pub const STACK_BYTES_MAX: usize = 512 << 10;

/// Instances alive at the same time, over all merchants.
pub const CONCURRENT_INSTANCES_MAX: u32 = 64;

/// How deep components and modules may stand in each other; those of all three languages stand two deep.
pub const NESTING_MAX: usize = 8;

/// Core modules of one component; one of Python has about 45.
pub const CORE_MODULES_MAX: usize = 256;
