//! Major version 1 of the contract: bindings of its newest minor version and their mapping to the host's types. Another major version is
//! another folder beside this one, mapping to the same host types.
//!
//! Within a major version every exported interface is the same in all minor versions, and imports only grow (`tests/contract.rs` checks it with
//! the tools' own notion of compatibility). So one set of bindings calls components of all of them: the engine finds the import or
//! export of another minor version by its major one.

#[rustfmt::skip]
mod convert;
pub(crate) mod wire;

/// The released versions that components may be built for, the oldest first.
pub const VERSIONS: [&str; 2] = ["1.0.0", "1.1.0"];

pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/v1.1",
        inline: "
            package ombud:host;
            /// Everything a component of version 1 may export; the host probes which of it is there.
            world every-export {
                include ombud:policy/policy@1.1.0;
                include ombud:policy/guardrail@1.1.0;
            }
        ",
        world: "ombud:host/every-export",
        imports: { default: trappable },
    });
}
