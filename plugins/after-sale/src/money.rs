//! The amounts and times of a ruling: refund, breakdown, exposure, deadlines.

use ombud_rules::after_sale::sources::AS_810;
use ombud_rules::after_sale::{AMOUNT_MAX, Draft, Requested, half_up};
use ombud_rules::civil::{DAY_MS, day_of};
use ombud_rules::contract::types::{Fen, InstantMs, Role, Severity};

use crate::run::{LineRuling, Run};
use crate::table::{AS_102, AS_103, AS_701};

/// Punitive damages of 消法 55: three times the price, at least ¥500.
const FRAUD: (Fen, Fen) = (3, 50_000);
/// Punitive damages of 食品安全法 148: ten times the price, at least ¥1000.
const UNSAFE_FOOD: (Fen, Fen) = (10, 100_000);
/// Days after the receipt of returned goods in which the law wants the refund (消法 25), and after which it punishes (七日办法 31).
const REFUND_LEGAL_DAYS: i64 = 7;
const REFUND_PENALTY_DAYS: i64 = 15;

/// Writes the refund with the amount rules that joined, the window's deadline, and what belongs to single rows.
pub fn apply(run: &Run<'_>, draft: &mut Draft<'_>, answer: &LineRuling) {
    refund(run, draft, answer);
    draft.ruling.window_deadline = window_deadline(run);
    let price = |(times, least): (Fen, Fen)| Some(run.account().price().saturating_mul(times).max(least).min(AMOUNT_MAX));
    match answer.row.id {
        id if id == AS_102.id => draft.ruling.statutory_exposure = price(FRAUD),
        id if id == AS_103.id => draft.ruling.statutory_exposure = price(UNSAFE_FOOD),
        id if id == AS_701.id => refund_clock(run, draft),
        _ => {}
    }
}

fn refund(run: &Run<'_>, draft: &mut Draft<'_>, answer: &LineRuling) {
    let Some(money) = answer.money else { return };
    let mut amount = run.amount(money.basis);
    if money.part < 10_000 {
        amount.refund = half_up(amount.refund, i64::from(money.part), 10_000);
    }
    let (breakdown, channel_rules) = run.account().breakdown(&amount);
    for row in amount.rules.iter().chain(&channel_rules) {
        draft.because(row);
    }
    if amount.rules.iter().any(|row| row.id == "AS-809") {
        draft.oblige("explain-policy-basis", Role::Agent, None, &[]);
    }
    if run.case.requested_amount.is_some_and(|asked| asked != amount.refund) {
        draft.because(&AS_810);
        draft.oblige("explain-policy-basis", Role::Agent, None, &[]);
    }
    draft.ruling.refund = amount.refund;
    draft.ruling.breakdown = breakdown;
}

/// AS-701: the shop's own clock, and what happens when the legal ones have run out.
fn refund_clock(run: &Run<'_>, draft: &mut Draft<'_>) {
    let Some(received) = run.case.return_received_at else { return };
    let days = i64::from(run.settings.refund_after_receipt_days);
    draft.ruling.refund_deadline = Some(received.saturating_add(days * DAY_MS));
    let tz = run.ctx.tz_offset_min;
    let waited = i64::from(day_of(run.ctx.now, tz)) - i64::from(day_of(received, tz));
    if waited > REFUND_LEGAL_DAYS {
        draft.alert("refund-legal-limit", Severity::High, &AS_701);
    }
    if waited > REFUND_PENALTY_DAYS {
        draft.alert("refund-penalty-limit", Severity::Critical, &AS_701);
        draft.oblige("notify-compliance", Role::Agent, Some(draft.in_hours(2)), &[]);
    }
}

/// The end of the no-reason window, for classes N and O once received; of several lines the earliest.
pub fn window_deadline(run: &Run<'_>) -> Option<InstantMs> {
    if !run.case.class().is_free() || !run.lines.iter().all(Requested::received) {
        return None;
    }
    run.lines.iter().filter_map(|line| run.no_reason_window(line)).map(|window| window.deadline).min()
}
