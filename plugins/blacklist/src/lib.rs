//! Default policy for the approval chain of blacklist requests (domain policies 5.3): agent → supervisor → department head → execution.

pub mod rule;
pub mod settings;

mod chain;
mod draft;
mod evidence;
mod words;

#[cfg(test)]
mod tests;

use ombud_sdk::blacklist::{BlacklistCase, BlacklistRuling};
use ombud_sdk::{BlacklistPolicy, Context, PolicyError};

pub use settings::Settings;

struct Blacklist;

impl BlacklistPolicy for Blacklist {
    type Settings = Settings;

    fn decide(settings: &Settings, ctx: &Context, facts: &BlacklistCase) -> Result<BlacklistRuling, PolicyError> {
        Ok(rule::decide(settings, ctx, facts))
    }
}

ombud_sdk::blacklist_policy!(Blacklist);
