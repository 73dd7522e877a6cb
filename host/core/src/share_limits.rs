//! How much of the machine one merchant's decisions may take beside those of others: the operator's values, and those it sets for a merchant.

use serde::{Deserialize, Serialize};

/// Declares the limits once: all of them, and those that are set for one merchant.
macro_rules! share_limits {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr;)+) => {
        /// A merchant's share. The operator sets it, for all merchants and for single ones.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct ShareLimits {
            $($(#[doc = $doc])+ pub $name: $type,)+
        }

        /// Some of the limits of a share; what is left out is as for all merchants.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct SomeShare {
            $(
                $(#[doc = $doc])+
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $name: Option<$type>,
            )+
        }

        impl Default for ShareLimits {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl SomeShare {
            /// Whether nothing is set.
            pub fn is_empty(&self) -> bool {
                true $(&& self.$name.is_none())+
            }

            /// These, and `others` for what is left out.
            pub fn or(&self, others: &ShareLimits) -> ShareLimits {
                ShareLimits { $($name: self.$name.unwrap_or(others.$name),)+ }
            }
        }
    };
}

share_limits! {
    /// Weight among the merchants whose decisions wait, 1 to 10 000: who has twice the weight gets twice the time.
    weight: u32 = 100;
    /// Decisions and replays under way, 1 to 4 096, from the request to the answer.
    decisions_max: usize = 256;
    /// Decisions that wait for a place to run, at most 4 096.
    queue_max: usize = 256;
    /// Milliseconds that a decision may wait for a place to run, 1 to 20 000.
    queue_ms: u64 = 5_000;
    /// Fuel that the decisions may use in a second, over all cores, 1 000 to 1 000 000 000 000; what was not used is kept for two seconds.
    fuel_per_s: u64 = 100_000_000_000;
}

/// Seconds for which fuel that was not used is kept.
pub const FUEL_KEPT_S: u64 = 2;
