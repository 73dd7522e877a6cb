//! Tests of the check: the matcher against other implementations, personal data, merchant's terms.

mod matcher;
mod personal;
mod terms;

use super::{Report, Terms, check};
use crate::civil;
use crate::contract::reply::{Action, ReplyCase};
use crate::contract::types::{Calendar, Context, Platform, Role, Surface};

/// Friday 2026-11-06, 10:00 in Shanghai.
fn ctx() -> Context {
    Context {
        merchant_id: "m".into(),
        shop_id: "s".into(),
        platform: Platform::Douyin,
        tz_offset_min: 480,
        now: civil::start_of_day(civil::to_day(2026, 11, 6), 480) + 10 * civil::HOUR_MS,
        calendar: Calendar { non_working: Vec::new(), statutory_holidays: Vec::new() },
    }
}

/// A draft of an agent in a private chat about an unknown product.
fn draft(text: &str) -> ReplyCase {
    ReplyCase {
        reply_id: "r1".into(),
        text: text.into(),
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

fn checked(case: &ReplyCase) -> Report {
    check(case, &ctx(), &Terms::default())
}

/// Rule and span of what counts.
fn counted(report: &Report) -> Vec<(&'static str, u32, u32)> {
    let findings = report.findings.iter().filter(|finding| finding.action != Action::None);
    findings.map(|finding| (finding.rule.id, finding.start, finding.end)).collect()
}
