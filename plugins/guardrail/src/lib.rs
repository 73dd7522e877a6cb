//! Platform guardrails: statutory rights outrank the merchant (domain policies 5.7). A guardrail sees the case and the merchant's ruling and
//! upholds it, amends it towards the consumer, or asks for a person.

pub mod after_sale;
pub mod blacklist;
pub mod delay;
pub mod reply;
pub mod settings;

use ombud_sdk::after_sale::{AfterSaleCase, AfterSaleRuling};
use ombud_sdk::blacklist::{BlacklistCase, BlacklistRuling};
use ombud_sdk::delay::{DelayCase, DelayRuling};
use ombud_sdk::reply::{ReplyCase, ReplyRuling};
use ombud_sdk::{Context, Review};

pub use settings::Settings;

struct Guardrail;

impl ombud_sdk::Guardrail for Guardrail {
    type Settings = Settings;

    fn review_after_sale(_settings: &Settings, ctx: &Context, facts: &AfterSaleCase, ruling: &AfterSaleRuling) -> Review<AfterSaleRuling> {
        after_sale::review(ctx, facts, ruling)
    }

    fn review_delay(settings: &Settings, ctx: &Context, facts: &DelayCase, ruling: &DelayRuling) -> Review<DelayRuling> {
        delay::review(settings, ctx, facts, ruling)
    }

    fn review_blacklist(_settings: &Settings, ctx: &Context, facts: &BlacklistCase, ruling: &BlacklistRuling) -> Review<BlacklistRuling> {
        blacklist::review(ctx, facts, ruling)
    }

    fn review_reply(_settings: &Settings, ctx: &Context, facts: &ReplyCase, ruling: &ReplyRuling) -> Review<ReplyRuling> {
        reply::review(ctx, facts, ruling)
    }
}

ombud_sdk::guardrail!(Guardrail);
