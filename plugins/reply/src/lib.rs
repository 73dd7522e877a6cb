//! Default policy for the compliance of drafted replies (domain policies 5.4): every finding of the lexicon is reported, the
//! worst of them is the verdict, personal data is masked.
//!
//! The check itself is `ombud_rules::lexicon`, which the guardrail runs as well; here are the merchant's settings and the ruling.

pub mod rule;
pub mod settings;

mod sources;

#[cfg(test)]
mod tests;

use ombud_sdk::reply::{ReplyCase, ReplyRuling};
use ombud_sdk::{Context, PolicyError, ReplyPolicy};

pub use settings::Settings;

struct Reply;

impl ReplyPolicy for Reply {
    type Settings = Settings;

    fn decide(settings: &Settings, ctx: &Context, facts: &ReplyCase) -> Result<ReplyRuling, PolicyError> {
        Ok(rule::decide(settings, ctx, facts))
    }
}

ombud_sdk::reply_policy!(Reply);
