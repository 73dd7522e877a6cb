//! Which row of the table an episode takes (domain policies 5.2): the first that fits.

use ombud_sdk::delay::{Cause, DelayKind, Episode};
use ombud_sdk::rules::civil::{self, HOUR_MS};
use ombud_sdk::rules::delay::{blames_buyer, excused_by_force_majeure, overdue_ms};
use ombud_sdk::{Context, Tri};

use crate::settings::{DayMode, Settings};

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// DC-001: in time.
    InTime,
    /// DC-002: the buyer's doing, or agreed with the buyer.
    Excused,
    /// DC-002 claimed without proof where an award is at stake. An unknown fact refuses nobody anything (domain model 4.0, rule 4; 电商法 62:
    /// the merchant must produce its records), so a person looks.
    ExcuseUnproven,
    /// DC-003: force majeure, proven and notified.
    ForceMajeure,
    /// DC-003b: force majeure not yet proven.
    ForceMajeureUnproven,
    /// DC-004: on its way with the carrier.
    InTransit,
    /// DC-021: the merchant has started the refund, the money waits elsewhere.
    PaidElsewhere,
    /// DC-022: a late refund within the grace.
    WithinGrace,
    /// DC-020: a late refund.
    RefundLate,
    /// DC-010: late by less than the ladder begins with.
    BelowLadder,
    /// DC-011, DC-030, DC-040.
    Lower,
    /// DC-012, DC-031, DC-041.
    Upper,
}

impl Row {
    /// Whether the row gives something of value.
    pub fn awards(self) -> bool {
        matches!(self, Self::RefundLate | Self::Lower | Self::Upper)
    }
}

/// The first row that fits.
pub fn row(settings: &Settings, ctx: &Context, episode: &Episode) -> Row {
    if overdue_ms(episode, ctx.now) <= 0 {
        return Row::InTime;
    }
    if blames_buyer(episode) {
        let at_stake = episode.cause_proven != Tri::Yes && by_kind(settings, ctx, episode).awards();
        return if at_stake { Row::ExcuseUnproven } else { Row::Excused };
    }
    if excused_by_force_majeure(episode) {
        return Row::ForceMajeure;
    }
    if episode.cause == Cause::ForceMajeure && episode.cause_proven == Tri::Unknown {
        return Row::ForceMajeureUnproven;
    }
    // Force majeure otherwise, and every other cause: towards the buyer the merchant answers (民法典 577, 590(2); 电商法 20).
    by_kind(settings, ctx, episode)
}

/// The row of a late episode that nothing excuses.
fn by_kind(settings: &Settings, ctx: &Context, episode: &Episode) -> Row {
    match episode.kind {
        DelayKind::InTransit => Row::InTransit,
        DelayKind::RefundProcessing => late_refund(settings, ctx, episode),
        DelayKind::Exchange => rung(settings, ctx, episode, settings.exchange_min_hours, settings.exchange_upper_hours, false),
        DelayKind::Repair => rung(settings, ctx, episode, settings.repair_min_hours, settings.repair_upper_hours, false),
        DelayKind::Shipping => {
            rung(settings, ctx, episode, settings.ship_min_hours, settings.ship_upper_hours, settings.ship_upper_tier_inclusive)
        }
    }
}

fn late_refund(settings: &Settings, ctx: &Context, episode: &Episode) -> Row {
    if matches!(episode.cause, Cause::PaymentChannel | Cause::Platform) {
        Row::PaidElsewhere
    } else if overdue_ms(episode, ctx.now) <= hours(settings.refund_grace_hours) {
        Row::WithinGrace
    } else {
        Row::RefundLate
    }
}

/// Where on the ladder a late shipping, exchange or repair stands. Exactly the upper limit belongs to the lower tier ("1-3天"), unless the
/// merchant includes it in the upper one.
fn rung(settings: &Settings, ctx: &Context, episode: &Episode, min_hours: u32, upper_hours: u32, upper_inclusive: bool) -> Row {
    let (late, min, upper) = match settings.day_mode {
        DayMode::Elapsed => (overdue_ms(episode, ctx.now), hours(min_hours), hours(upper_hours)),
        DayMode::CivilDays => {
            let until = civil::day_of(episode.done.unwrap_or(ctx.now), ctx.tz_offset_min);
            let days = i64::from(until) - i64::from(civil::day_of(episode.due, ctx.tz_offset_min));
            (days, 1, 3)
        }
    };
    if late < min {
        Row::BelowLadder
    } else if late > upper || (upper_inclusive && late == upper) {
        Row::Upper
    } else {
        Row::Lower
    }
}

fn hours(hours: u32) -> i64 {
    i64::from(hours) * HOUR_MS
}
