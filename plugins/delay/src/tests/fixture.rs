//! Cases in short.

use ombud_sdk::delay::{Cause, CompForm, DelayCase, DelayKind, DelayLine, DelayRuling, Episode, Granted};
use ombud_sdk::rules::civil::{HOUR_MS, start_of_day, to_day};
use ombud_sdk::{Calendar, Context, Fen, Platform, Tri};

use crate::{Settings, rule};

/// 2026-11-06 10:00 in Shanghai.
pub fn now() -> i64 {
    start_of_day(to_day(2026, 11, 6), 480) + 10 * HOUR_MS
}

pub fn context() -> Context {
    Context {
        merchant_id: "m1".into(),
        shop_id: "s1".into(),
        platform: Platform::Douyin,
        tz_offset_min: 480,
        now: now(),
        calendar: Calendar { non_working: Vec::new(), statutory_holidays: Vec::new() },
    }
}

/// An episode of line L1 that is late by so many milliseconds and not done.
pub fn late(kind: DelayKind, overdue_ms: i64) -> Episode {
    Episode {
        episode_id: "e1".into(),
        kind,
        basis_at: now() - overdue_ms - 72 * HOUR_MS,
        due: now() - overdue_ms,
        done: None,
        merchant_marked_done: None,
        cause: Cause::MerchantOps,
        cause_proven: Tri::Unknown,
        cause_began_at: None,
        cause_notified_at: None,
        line_ids: vec!["L1".into()],
        refund_owed: if kind == DelayKind::RefundProcessing { 20_000 } else { 0 },
        refund_paid: 0,
    }
}

/// A case of one line, ¥200, with these episodes.
pub fn case(episodes: Vec<Episode>) -> DelayCase {
    DelayCase {
        order_id: "o1".into(),
        lines: vec![DelayLine { line_id: "L1".into(), paid: 20_000, refunded: 0 }],
        episodes,
        already: Vec::new(),
        demanded: None,
        extortion_flag: Tri::No,
        attributes: Vec::new(),
    }
}

pub fn granted(episode: &str, form: CompForm, value: Fen, by_platform: bool) -> Granted {
    Granted { episode_id: episode.into(), form, value, by_platform }
}

pub fn decide(settings: &Settings, facts: &DelayCase) -> DelayRuling {
    rule::decide(settings, &context(), facts)
}

pub fn rules(ruling: &DelayRuling) -> Vec<&str> {
    ruling.notes.reasons.iter().map(|reason| reason.rule.as_str()).collect()
}

pub fn actions(ruling: &DelayRuling) -> Vec<&str> {
    ruling.notes.obligations.iter().map(|obligation| obligation.action.as_str()).collect()
}
