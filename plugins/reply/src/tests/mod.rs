//! The policy against the golden cases, the training material's own scripts, settings, and as properties.

mod golden;
mod messages;
mod properties;
mod settings;

use crate::Settings;
use crate::rule::decide;
use ombud_sdk::reply::{ReplyCase, ReplyRuling};
use ombud_sdk::rules::civil;
use ombud_sdk::{Calendar, Context, Platform, Role, Settings as _, Surface};

/// Friday 2026-11-06, 10:00 in Shanghai.
fn ctx() -> Context {
    Context {
        merchant_id: "m1".to_owned(),
        shop_id: "s1".to_owned(),
        platform: Platform::Douyin,
        tz_offset_min: 480,
        now: civil::start_of_day(civil::to_day(2026, 11, 6), 480) + 10 * civil::HOUR_MS,
        calendar: Calendar { non_working: Vec::new(), statutory_holidays: Vec::new() },
    }
}

/// A draft of an agent in a private chat about an unknown product.
fn draft(text: &str) -> ReplyCase {
    ReplyCase {
        reply_id: "r1".to_owned(),
        text: text.to_owned(),
        author_role: Role::Agent,
        ai_labelled: false,
        surface: Surface::PrivateChat,
        official_contact_allowed: false,
        product: None,
        known_ids: Vec::new(),
        case_reason: None,
        eta: None,
        approved_compensation: 0,
        approved_refund: None,
        attributes: Vec::new(),
    }
}

fn with(settings: &str) -> Settings {
    Settings::parse(settings).unwrap()
}

fn ruled(text: &str) -> ReplyRuling {
    decide(&Settings::default(), &ctx(), &draft(text))
}

fn rules(ruling: &ReplyRuling) -> Vec<&str> {
    ruling.notes.reasons.iter().map(|reason| reason.rule.as_str()).collect()
}
