//! What the author of a policy in Rust sees: one trait and one macro for each kind, settings with bounds, a log.
//!
//! A policy is a pure function of its settings, the context and the case. Its crate has `settings.rs` ([`settings!`]), `rule.rs`
//! (the function, tested natively) and a `lib.rs` of a few lines:
//!
//! ```
//! use ombud_sdk::{Context, PolicyError, delay::{DelayCase, DelayRuling}};
//!
//! ombud_sdk::settings! {
//!     /// What the merchant may choose.
//!     pub struct Settings {
//!         /// Delays shorter than this are answered with an apology.
//!         pub min_hours: u32 = 24, 1..=24, "h";
//!     }
//! }
//!
//! struct Courteous;
//!
//! impl ombud_sdk::DelayPolicy for Courteous {
//!     type Settings = Settings;
//!
//!     fn decide(_settings: &Settings, _ctx: &Context, _facts: &DelayCase) -> Result<DelayRuling, PolicyError> {
//!         Ok(DelayRuling {
//!             outcome: ombud_sdk::delay::Outcome::HumanReview,
//!             processing_order: Vec::new(),
//!             awards: Vec::new(),
//!             total_cash: 0,
//!             total_coupon: 0,
//!             total_refund_due: 0,
//!             notes: ombud_sdk::Notes::empty(),
//!         })
//!     }
//! }
//!
//! ombud_sdk::delay_policy!(Courteous);
//! # fn main() {}
//! ```
//!
//! `Cargo.toml` names the world of the contract as a feature: `ombud-sdk = { …, features = ["delay"] }`, one feature for one component,
//! and `crate-type = ["cdylib", "rlib"]`. The component is then built for version 1.0 of the contract, which every host speaks; `v1-1` beside the
//! kind builds it for version 1.1, with [`text`]. Natively the macros only check the types; the exports exist in a component alone.

pub mod log;
#[cfg(target_family = "wasm")]
#[expect(unsafe_code, reason = "an allocator hands out raw memory")]
mod memory;
mod policy;
mod settings;
#[cfg(feature = "v1-1")]
pub mod text;

#[doc(hidden)]
pub mod bindings;
mod export;

pub use ombud_rules as rules;
pub use ombud_rules::contract::types::*;
pub use ombud_rules::contract::{after_sale, blacklist, delay, reply};
pub use ombud_rules::review::Review;
pub use policy::{AfterSalePolicy, BlacklistPolicy, DelayPolicy, Guardrail, ReplyPolicy};
pub use serde_json;
#[cfg(not(target_family = "wasm"))]
pub use settings::schema_file_is_current;
pub use settings::{Bounds, Problem, Reader, Setting, Settings, SettingsObject};

/// What the macros expand to; no part of the author's interface.
#[doc(hidden)]
pub mod hidden {
    pub use crate::export::Prepared;
    pub use crate::settings::{describe, object_schema, parse, property, read_object};
}
