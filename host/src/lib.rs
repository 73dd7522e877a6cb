//! A plugin-based WebAssembly policy engine for after-sales service.
