//! The engine profile: the part of wasmtime's configuration that can change what a guest computes or when it faults.
//! It has a hash, which every record carries beside the wasmtime version.

use sha2::{Digest, Sha256};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use crate::limits::{CONCURRENT_INSTANCES_MAX, INSTANCES_CEILING, MEMORY_BYTES_CEILING, STACK_BYTES_MAX, TABLE_ELEMENTS_CEILING};

/// The pinned engine's version, as records carry it.
pub const WASMTIME_VERSION: &str = "48.0.8";

/// Bytes of each pooled memory that stay resident between decisions: cheaper to clear than to unmap, which interrupts other cores.
/// As much as the SDK's arena; a decision on five order lines writes 40 KiB, one on 200 lines 300 KiB.
const RESIDENT_BYTES: usize = 512 << 10;

/// Core instances of one component.
const CORE_INSTANCES_MAX: u32 = INSTANCES_CEILING as u32;

/// Memories of one component; one of QuickJS has three, others one.
const MEMORIES_MAX: u32 = 4;

/// Tables of one component; one of QuickJS has three, of JavaScript and Python two.
const TABLES_MAX: u32 = 8;

/// What decides a guest's behaviour, in words; its SHA-256 is the profile's hash. A change here is a new profile.
const PROFILE: &[(&str, &str)] = &[
    ("nan", "canonical"),
    ("relaxed-simd", "off"),
    ("threads", "off"),
    ("memory64", "off"),
    ("gc", "off"),
    ("exceptions", "off"),
    ("tail-call", "off"),
    ("stack-switching", "off"),
    ("component-model-async", "off"),
    ("wide-arithmetic", "off"),
    ("fuel", "one unit an operator"),
];

/// The profile's hash: SHA-256 over its settings and the stack limit.
pub fn profile_hash() -> [u8; 32] {
    let mut hash = Sha256::new();
    for (name, value) in PROFILE {
        hash.update(format!("{name}={value}\n"));
    }
    hash.update(format!("stack={STACK_BYTES_MAX}\nmemory-ceiling={MEMORY_BYTES_CEILING}\n"));
    hash.finalize().into()
}

/// The features a component may use: exactly what the profile leaves on. The upload check validates against the same set.
pub fn allowed_features() -> wasmparser::WasmFeatures {
    use wasmparser::WasmFeatures as F;
    F::MUTABLE_GLOBAL
        | F::SATURATING_FLOAT_TO_INT
        | F::SIGN_EXTENSION
        | F::REFERENCE_TYPES
        | F::MULTI_VALUE
        | F::BULK_MEMORY
        | F::SIMD
        | F::FLOATS
        | F::EXTENDED_CONST
        | F::MULTI_MEMORY
        | F::COMPONENT_MODEL
}

fn deterministic(config: &mut Config) {
    config
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_tail_call(false)
        .wasm_wide_arithmetic(false)
        .wasm_multi_memory(true)
        .wasm_custom_page_sizes(false)
        .wasm_component_model(true)
        .consume_fuel(true)
        .max_wasm_stack(STACK_BYTES_MAX);
}

/// What code is compiled for, and so the same in the process that compiles and in the one that runs it.
fn config() -> Config {
    let mut config = Config::new();
    deterministic(&mut config);
    config.epoch_interruption(true).cranelift_opt_level(OptLevel::Speed).memory_init_cow(true).concurrency_support(false);
    config
}

/// An engine that only compiles: without the pool and the address space that it takes, and on one thread, which leaves the other processors to
/// those who decide.
pub fn compile_engine() -> wasmtime::Result<Engine> {
    let mut config = config();
    config.parallel_compilation(false);
    Engine::new(&config)
}

/// The engine that runs decisions: pooled memory, copy-on-write images, fuel and epochs on.
///
/// The pool has room for [`CONCURRENT_INSTANCES_MAX`] components that each use all they may: nobody's components take the
/// room of another's. What is not used costs addresses, not memory.
pub fn run_engine() -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(CONCURRENT_INSTANCES_MAX)
        .total_core_instances(CONCURRENT_INSTANCES_MAX * CORE_INSTANCES_MAX)
        .total_memories(CONCURRENT_INSTANCES_MAX * MEMORIES_MAX)
        .total_tables(CONCURRENT_INSTANCES_MAX * TABLES_MAX)
        .max_memories_per_component(MEMORIES_MAX)
        .max_tables_per_component(TABLES_MAX)
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .max_memory_size(MEMORY_BYTES_CEILING)
        .table_elements(TABLE_ELEMENTS_CEILING)
        .max_unused_warm_slots(CONCURRENT_INSTANCES_MAX)
        .linear_memory_keep_resident(RESIDENT_BYTES)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);
    let mut config = config();
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(16)).allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_version_is_the_pinned_one() {
        let lock = include_str!("../../../Cargo.lock");
        assert!(lock.contains(&format!("name = \"wasmtime\"\nversion = \"{WASMTIME_VERSION}\"")));
    }

    #[test]
    fn the_hash_stands_until_the_profile_changes() {
        let hash: String = profile_hash().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hash, "6892d8b51c014c21192ff9eb72c0e29014d5b390bb8740c9bb6703b5e24307b3",
            "records of earlier releases carry the other one: their faults of fuel, stack and memory are compared no more"
        );
        run_engine().unwrap();
    }

    #[test]
    fn what_one_engine_compiles_the_other_runs() {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let hash = |engine: &Engine| {
            let mut hasher = DefaultHasher::new();
            engine.precompile_compatibility_hash().hash(&mut hasher);
            hasher.finish()
        };
        assert_eq!(hash(&compile_engine().unwrap()), hash(&run_engine().unwrap()));
    }

    #[test]
    fn the_pool_has_room_for_every_component_at_its_largest() {
        let several = |module: &str, count: u32| format!("(core instance (instantiate ${module}))").repeat(count as usize);
        let text = format!(
            "(component (core module $both (memory 1) (table 1 funcref)) (core module $table (table 1 funcref)) (core module $none) {}{}{})",
            several("both", MEMORIES_MAX),
            several("table", TABLES_MAX - MEMORIES_MAX),
            several("none", CORE_INSTANCES_MAX - TABLES_MAX)
        );
        let engine = run_engine().unwrap();
        let component = wasmtime::component::Component::new(&engine, wat::parse_str(text).unwrap()).unwrap();
        let pre = wasmtime::component::Linker::<()>::new(&engine).instantiate_pre(&component).unwrap();
        let alive: Vec<_> = (0..CONCURRENT_INSTANCES_MAX)
            .map(|number| {
                let mut store = wasmtime::Store::new(&engine, ());
                store.set_epoch_deadline(1);
                let instance = pre.instantiate(&mut store);
                assert!(instance.is_ok(), "instance {number}: {:?}", instance.err());
                store
            })
            .collect();
        assert_eq!(alive.len(), CONCURRENT_INSTANCES_MAX as usize);
    }
}
