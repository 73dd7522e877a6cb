//! Windows in civil days of the merchant (七日无理由退货办法 art. 10(2); Civil Code 201, 203).

use super::condition::is_excluded;
use super::line::Requested;
use crate::civil::{day_of, end_of_day};
use crate::contract::after_sale::AfterSaleCase;
use crate::contract::types::{Calendar, CivilDate, Context, InstantMs};

/// Whether the application came in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No later than the deadline.
    In,
    /// After a deadline that fell on a day off, no later than the next working day (Civil Code 203).
    Held,
    /// Later than that.
    Out,
}

/// A window that has a last second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// 23:59:59 of the last day, merchant time.
    pub deadline: InstantMs,
    /// How the application stands to it.
    pub standing: Standing,
}

/// The window of `days` civil days after `start`, whose day does not count. With `extend` a deadline on a day off moves to the next
/// working day and a notice then is in time; without it such a notice is held, for a person to decide.
pub fn window(ctx: &Context, start: InstantMs, days: u32, applied_at: InstantMs, extend: bool) -> Window {
    let last = day_of(start, ctx.tz_offset_min).saturating_add(i32::try_from(days).unwrap_or(i32::MAX));
    let applied = day_of(applied_at, ctx.tz_offset_min);
    let next = if is_off(&ctx.calendar, last) { next_working_day(&ctx.calendar, last) } else { last };
    let deadline = end_of_day(if extend { next } else { last }, ctx.tz_offset_min);
    let standing = if applied <= last || (extend && applied <= next) {
        Standing::In
    } else if applied <= next {
        Standing::Held
    } else {
        Standing::Out
    };
    Window { deadline, standing }
}

/// Days of the no-reason window of a line (AS-401): the promise alone for excluded goods, else the longer of `days` and the promise.
pub fn no_reason_days(case: &AfterSaleCase, line: &Requested<'_>, days: u32, needs_trigger: bool) -> u32 {
    match line.line.promised_no_reason_days {
        None => days,
        Some(promise) if is_excluded(case, line.line, needs_trigger) => promise,
        Some(promise) => days.max(promise),
    }
}

fn is_off(calendar: &Calendar, day: CivilDate) -> bool {
    calendar.non_working.contains(&day) || calendar.statutory_holidays.contains(&day)
}

fn next_working_day(calendar: &Calendar, day: CivilDate) -> CivilDate {
    // The lists are finite, so the search ends.
    let mut next = day.saturating_add(1);
    while next < CivilDate::MAX && is_off(calendar, next) {
        next += 1;
    }
    next
}
