//! Default policy for compensation of delays (domain policies 5.2): tiers by how late shipping, exchange, repair and refund are.

pub mod rule;
pub mod settings;

mod award;
mod draft;
mod facts;
mod ladder;
mod words;

#[cfg(test)]
mod tests;

use ombud_sdk::delay::{DelayCase, DelayRuling};
use ombud_sdk::{Context, DelayPolicy, PolicyError};

pub use settings::Settings;

struct Delay;

impl DelayPolicy for Delay {
    type Settings = Settings;

    fn decide(settings: &Settings, ctx: &Context, facts: &DelayCase) -> Result<DelayRuling, PolicyError> {
        facts::check(facts)?;
        Ok(rule::decide(settings, ctx, facts))
    }
}

ombud_sdk::delay_policy!(Delay);
