//! The only crate that names wasmtime: engine profile, limits, faults, contract adapters, component checks and the
//! compiled-code cache. A plugin is compiled and linked when it is loaded; a decision only instantiates and calls.

mod cache;
mod compile;
mod faults;
mod floor;
mod inspect;
mod limits;
mod plugin;
mod profile;
mod sandbox;
mod size;
mod store;
mod text;
mod ticker;
mod v1;

pub use cache::{CodeHeld, CodeKey};
pub use compile::{Compiler, SIGXCPU, compile_worker, limit_processor_time, resident_bytes};
pub use floor::{LoweredRuling, floor};
pub use inspect::{Inspection, OwnFacts, PACKAGE, PackageFacts, Refused, digest, inspect, own_facts, section};
pub use limits::{CONCURRENT_INSTANCES_MAX, CORE_MODULES_MAX, Limits, LoadLimits, MEMORY_BYTES_CEILING, NESTING_MAX, STACK_BYTES_MAX};
pub use plugin::{Facts, KEPT_BESIDE_BYTES, Plugin, Run, SettingsProblem};
pub use profile::{WASMTIME_VERSION, profile_hash};
pub use sandbox::{Code, Sandbox, SandboxError};
pub use store::LogLine;
pub use v1::VERSIONS;
