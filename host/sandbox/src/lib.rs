//! The only crate that names wasmtime: engine profile, limits, faults, contract adapters, component checks, compiled-code cache.
