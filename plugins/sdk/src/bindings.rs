//! The generated bindings, one module for each world, over the contract's own types: a case is never copied from one type to another.
//!
//! This is the only place with generated (and so unsafe) code; nothing outside the macros of this crate names it.

#[cfg(all(
    target_family = "wasm",
    not(any(
        feature = "after-sale",
        feature = "delay",
        feature = "blacklist",
        feature = "reply",
        feature = "guardrail",
        feature = "policy"
    ))
))]
compile_error!("a component needs one feature of `ombud-sdk`: `after-sale`, `delay`, `blacklist`, `reply`, `guardrail` or `policy`");

// Each world leaves a custom section in the component; two of them would ask for the exports of both.
#[cfg(all(
    target_family = "wasm",
    any(
        all(
            feature = "after-sale",
            any(feature = "delay", feature = "blacklist", feature = "reply", feature = "guardrail", feature = "policy")
        ),
        all(feature = "delay", any(feature = "blacklist", feature = "reply", feature = "guardrail", feature = "policy")),
        all(feature = "blacklist", any(feature = "reply", feature = "guardrail", feature = "policy")),
        all(feature = "reply", any(feature = "guardrail", feature = "policy")),
        all(feature = "guardrail", feature = "policy"),
    )
))]
compile_error!("a component has one feature of `ombud-sdk`; build plugins one at a time");

/// Generates the bindings of one world of version 1.0. The export macros stand at the root of this crate under one name for all worlds, and natively, where
/// cargo unites the features of all plugins, there is nothing to export: so they exist in a component alone.
macro_rules! world {
    ($feature:literal, $module:ident, $world:literal, $path:literal, { $($with:tt)* }) => {
        #[cfg(all(target_family = "wasm", feature = $feature, not(feature = "v1-1")))]
        #[allow(unsafe_code, clippy::all, missing_docs)]
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit/v1",
                world: $world,
                with: { "ombud:policy/types@1.0.0": ombud_rules::contract::types, $($with)* },
                pub_export_macro: true,
                default_bindings_module: $path,
            });
        }
    };
}

world!("after-sale", after_sale, "after-sale-policy", "ombud_sdk::bindings::after_sale", {
    "ombud:policy/after-sale-types@1.0.0": ombud_rules::contract::after_sale,
});
world!("delay", delay, "delay-policy", "ombud_sdk::bindings::delay", {
    "ombud:policy/delay-types@1.0.0": ombud_rules::contract::delay,
});
world!("blacklist", blacklist, "blacklist-policy", "ombud_sdk::bindings::blacklist", {
    "ombud:policy/blacklist-types@1.0.0": ombud_rules::contract::blacklist,
});
world!("reply", reply, "reply-policy", "ombud_sdk::bindings::reply", {
    "ombud:policy/reply-types@1.0.0": ombud_rules::contract::reply,
});
world!("guardrail", guardrail, "guardrail", "ombud_sdk::bindings::guardrail", {
    "ombud:policy/after-sale-types@1.0.0": ombud_rules::contract::after_sale,
    "ombud:policy/delay-types@1.0.0": ombud_rules::contract::delay,
    "ombud:policy/blacklist-types@1.0.0": ombud_rules::contract::blacklist,
    "ombud:policy/reply-types@1.0.0": ombud_rules::contract::reply,
});
world!("policy", policy, "policy", "ombud_sdk::bindings::policy", {
    "ombud:policy/after-sale-types@1.0.0": ombud_rules::contract::after_sale,
    "ombud:policy/delay-types@1.0.0": ombud_rules::contract::delay,
    "ombud:policy/blacklist-types@1.0.0": ombud_rules::contract::blacklist,
    "ombud:policy/reply-types@1.0.0": ombud_rules::contract::reply,
});

/// The same of version 1.1. It stands behind that of 1.0, whose line numbers are in components that were released.
macro_rules! world_v1_1 {
    ($feature:literal, $module:ident, $world:literal, $path:literal, { $($with:tt)* }) => {
        #[cfg(all(target_family = "wasm", feature = $feature, feature = "v1-1"))]
        #[allow(unsafe_code, clippy::all, missing_docs)]
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit/v1.1",
                world: $world,
                with: { "ombud:policy/types@1.1.0": ombud_rules::contract::types, $($with)* },
                pub_export_macro: true,
                default_bindings_module: $path,
            });
        }
        #[cfg(all(target_family = "wasm", feature = $feature))]
        pub(crate) use $module as world;
    };
}

world_v1_1!("after-sale", after_sale, "after-sale-policy", "ombud_sdk::bindings::after_sale", {
    "ombud:policy/after-sale-types@1.1.0": ombud_rules::contract::after_sale,
});
world_v1_1!("delay", delay, "delay-policy", "ombud_sdk::bindings::delay", {
    "ombud:policy/delay-types@1.1.0": ombud_rules::contract::delay,
});
world_v1_1!("blacklist", blacklist, "blacklist-policy", "ombud_sdk::bindings::blacklist", {
    "ombud:policy/blacklist-types@1.1.0": ombud_rules::contract::blacklist,
});
world_v1_1!("reply", reply, "reply-policy", "ombud_sdk::bindings::reply", {
    "ombud:policy/reply-types@1.1.0": ombud_rules::contract::reply,
});
world_v1_1!("guardrail", guardrail, "guardrail", "ombud_sdk::bindings::guardrail", {
    "ombud:policy/after-sale-types@1.1.0": ombud_rules::contract::after_sale,
    "ombud:policy/delay-types@1.1.0": ombud_rules::contract::delay,
    "ombud:policy/blacklist-types@1.1.0": ombud_rules::contract::blacklist,
    "ombud:policy/reply-types@1.1.0": ombud_rules::contract::reply,
});
world_v1_1!("policy", policy, "policy", "ombud_sdk::bindings::policy", {
    "ombud:policy/after-sale-types@1.1.0": ombud_rules::contract::after_sale,
    "ombud:policy/delay-types@1.1.0": ombud_rules::contract::delay,
    "ombud:policy/blacklist-types@1.1.0": ombud_rules::contract::blacklist,
    "ombud:policy/reply-types@1.1.0": ombud_rules::contract::reply,
});
