//! The requested lines of a case, and when each was shipped and received.

use crate::civil::{HOUR_MS, day_of};
use crate::contract::after_sale::{AfterSaleCase, OrderLine};
use crate::contract::types::{InstantMs, Tri};

/// A line of the order that the case asks about.
#[derive(Clone, Copy, Debug)]
pub struct Requested<'a> {
    /// Its place among the order's lines, from 0.
    pub index: usize,
    /// Its place in the request, from 0.
    pub asked: usize,
    /// The line itself.
    pub line: &'a OrderLine,
    /// Units asked for (m of the table), 1 to the units bought.
    pub units: u32,
}

/// The requested lines in the order asked; `None` if there is none, or one is unknown, named twice, or asks for no unit or more than
/// were bought (the first half of AS-001).
pub fn requested(case: &AfterSaleCase) -> Option<Vec<Requested<'_>>> {
    let mut lines: Vec<Requested<'_>> = Vec::with_capacity(case.lines.len());
    for (asked, wanted) in case.lines.iter().enumerate() {
        let index = case.order.lines.iter().position(|line| line.line_id == wanted.line_id)?;
        let line = case.order.lines.get(index)?;
        if wanted.qty == 0 || wanted.qty > line.qty || lines.iter().any(|other| other.index == index) {
            return None;
        }
        lines.push(Requested { index, asked, line, units: wanted.qty });
    }
    (!lines.is_empty()).then_some(lines)
}

impl Requested<'_> {
    /// The first carrier scan is there.
    pub const fn shipped(&self) -> bool {
        self.line.shipped_at.is_some()
    }

    /// The parcel was signed for.
    pub const fn received(&self) -> bool {
        self.line.signed_at.is_some()
    }

    /// Shipped and not yet signed for.
    pub const fn in_transit(&self) -> bool {
        self.shipped() && !self.received()
    }

    /// Not shipped although the promised time, or 48 h after payment, has passed when the buyer applied (AS-205; 电商法 20).
    pub fn overdue_to_ship(&self, case: &AfterSaleCase) -> bool {
        let due = case.order.promised_ship_by.or_else(|| case.order.paid_at.map(|paid| paid.saturating_add(48 * HOUR_MS)));
        !self.shipped() && due.is_some_and(|due| case.applied_at > due)
    }

    /// When the buyer had the goods: signing, or the real pick-up where they were left in a locker without consent.
    pub const fn start(&self) -> Option<InstantMs> {
        start(self.line)
    }

    /// Where the window of this line starts. The window of a bundle starts with its last parcel (5.6, 3); while one of them is still
    /// on its way the window is not over.
    pub fn window_start(&self, case: &AfterSaleCase) -> Option<InstantMs> {
        let own = self.start()?;
        let Some(bundle) = case.order.bundle.as_ref().filter(|bundle| bundle.line_ids.contains(&self.line.line_id)) else {
            return Some(own);
        };
        let others = case.order.lines.iter().filter(|line| bundle.line_ids.contains(&line.line_id));
        Some(others.fold(own, |latest, line| match start(line) {
            Some(start) => latest.max(start),
            None if line.qty_returned < line.qty => latest.max(case.applied_at),
            None => latest,
        }))
    }

    /// Civil days from the start to the application; 0 on the same day, negative before.
    pub fn days(&self, case: &AfterSaleCase, tz_offset_min: i32) -> Option<i64> {
        let start = self.start()?;
        Some(i64::from(day_of(case.applied_at, tz_offset_min)) - i64::from(day_of(start, tz_offset_min)))
    }

    /// A warranty runs and the application is not later than its last day.
    pub fn in_warranty(&self, case: &AfterSaleCase, tz_offset_min: i32) -> bool {
        match (self.line.warranty_days, self.days(case, tz_offset_min)) {
            (Some(warranty), Some(days)) => days <= i64::from(warranty),
            _ => false,
        }
    }
}

const fn start(line: &OrderLine) -> Option<InstantMs> {
    match (line.locker_without_consent, line.picked_up_at) {
        (Tri::Yes, Some(picked_up)) if line.signed_at.is_some() => Some(picked_up),
        _ => line.signed_at,
    }
}
