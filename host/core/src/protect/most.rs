//! How lenient a merchant may be with its own versions: the operator's bounds of the protection.

use serde::{Deserialize, Serialize};

use super::Protection;
use crate::problem::Problem;

/// Declares the bounds once: each is at most what the operator says.
macro_rules! most {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// The most lenient that the protection of a merchant may be; what is left out bounds nothing.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct ProtectionMost {
            /// Whether no merchant may turn it off.
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            pub always_on: bool,
            $(
                $(#[doc = $doc])+
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $name: Option<u32>,
            )+
        }

        impl ProtectionMost {
            /// Whether nothing is bounded.
            pub fn is_empty(&self) -> bool {
                *self == Self::default()
            }

            /// What a merchant asks for beyond a bound, by its place in the merchant's configuration. What has its default was not asked for.
            pub fn refuse(&self, asked: &Protection) -> Vec<Problem> {
                let (usual, mut problems) = (Protection::default(), Vec::new());
                if self.always_on && !asked.on {
                    problems.push(Problem::at("/protection/on", "is always on, as the operator has it").allowed("true"));
                }
                $(if let Some(most) = self.$name.filter(|most| asked.$name > *most && asked.$name != usual.$name) {
                    let problem = Problem::at(concat!("/protection/", stringify!($name)), "is above the operator's bound");
                    problems.push(problem.allowed(format!("at most {most}")));
                })+
                problems
            }

            /// What is in force for a merchant. A bound that was lowered since holds for those who asked before.
            pub fn in_force(&self, asked: &Protection) -> Protection {
                Protection {
                    on: asked.on || self.always_on,
                    $($name: self.$name.map_or(asked.$name, |most| asked.$name.min(most)),)+
                    ..asked.clone()
                }
            }
        }
    };
}

most! {
    /// Faults in a row, 3 to 1 000.
    error_streak,
    /// Faults among the last decisions, in basis points of them, 1 to 10 000.
    fault_share_bp,
    /// Calls that met the deadline among the last decisions, 1 to 1 000.
    deadline_hits,
    /// Difference of the shares of approvals in basis points, 100 to 10 000.
    approval_jump_bp,
    /// The other version's money in hundredths, 110 to 100 000.
    money_factor_pct,
    /// Decisions before shares and averages say anything, 20 to 10 000.
    sample_min,
}
