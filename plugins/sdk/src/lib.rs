#[cfg(feature = "after-sale")]
pub mod after_sale {
    wit_bindgen::generate!({
        path: "../../wit/v1",
        world: "after-sale-policy",
        with: {
            "ombud:policy/types@1.0.0": ombud_rules::contract::types,
            "ombud:policy/after-sale-types@1.0.0": ombud_rules::contract::after_sale,
        },
        pub_export_macro: true,
        default_bindings_module: "ombud_sdk::after_sale",
    });
}
