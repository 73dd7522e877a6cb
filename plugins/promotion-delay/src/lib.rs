//! Example policy in Rust: a ladder for late shipping that starts later for what was promised in the shop's sales weeks, as the shop announced.

mod rule;
mod settings;
#[cfg(test)]
mod tests;

use ombud_sdk::delay::{DelayCase, DelayRuling};
use ombud_sdk::{Context, DelayPolicy, PolicyError};

pub use settings::Settings;

struct PromotionDelay;

impl DelayPolicy for PromotionDelay {
    type Settings = Settings;

    fn decide(settings: &Settings, ctx: &Context, facts: &DelayCase) -> Result<DelayRuling, PolicyError> {
        Ok(rule::decide(settings, ctx, facts))
    }
}

ombud_sdk::delay_policy!(PromotionDelay);
