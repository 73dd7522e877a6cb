//! Contract version 1 (`ombud:policy@1.0.0`): bindings and their mapping to the host's types. Another version of the
//! contract is another folder beside this one, mapping to the same host types.

#[rustfmt::skip]
mod convert;
pub(crate) mod wire;

/// The version this folder speaks, as it stands in import and export names.
pub const CONTRACT: &str = "ombud:policy@1.0.0";

pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/v1",
        inline: "
            package ombud:host;
            /// Everything a component of version 1 may export; the host probes which of it is there.
            world every-export {
                include ombud:policy/policy@1.0.0;
                include ombud:policy/guardrail@1.0.0;
            }
        ",
        world: "ombud:host/every-export",
        imports: { default: trappable },
    });
}
