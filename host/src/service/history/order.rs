//! What was refunded of an order, and which of its units came back: by its cases and by late refunds.

use ombud_core::history::{LineHistory, OrderHistory};
use ombud_core::ids::MerchantId;
use ombud_core::money::{LinePart, by_line};
use ombud_rules::after_sale::{Bill, half_up};
use ombud_rules::contract::after_sale::{Order, OrderLine};
use ombud_rules::contract::delay::DelayCase;
use ombud_store::{AfterSaleRow, Reads, StoreError};

use super::delays;

/// What was paid for an order, as whoever asks knows it.
pub struct Sold<'a> {
    lines: Vec<SoldLine<'a>>,
    /// Fen; 0 where it is not known.
    freight_paid: i64,
}

struct SoldLine<'a> {
    id: &'a str,
    /// Fen.
    paid: i64,
    /// Units that were bought; none where it is not known.
    units: Option<u32>,
}

impl<'a> From<&'a Order> for Sold<'a> {
    fn from(order: &'a Order) -> Self {
        let bill = Bill::of(order);
        let sold = |(at, line): (usize, &'a OrderLine)| SoldLine { id: &line.line_id, paid: bill.paid_of(at), units: Some(line.qty) };
        Self { lines: order.lines.iter().enumerate().map(sold).collect(), freight_paid: order.freight_paid }
    }
}

impl<'a> From<&'a DelayCase> for Sold<'a> {
    fn from(delay: &'a DelayCase) -> Self {
        Self {
            lines: delay.lines.iter().map(|line| SoldLine { id: &line.line_id, paid: line.paid, units: None }).collect(),
            freight_paid: 0,
        }
    }
}

impl Sold<'_> {
    fn line(&self, id: &str) -> Option<&SoldLine<'_>> {
        self.lines.iter().find(|line| line.id == id)
    }

    fn cost(&self, id: &str) -> Option<i64> {
        self.line(id).map(|line| line.paid)
    }

    /// What so many units of a line cost; none where that is not known.
    fn cost_of_units(&self, id: &str, units: u32) -> Option<i64> {
        let line = self.line(id)?;
        line.units.map(|bought| half_up(line.paid, units.into(), bought.into()))
    }
}

/// What was refunded of an order and came back: by its cases and by late refunds, each line within what it cost (`sold`) as far as what was
/// refunded can be of others; what no line bears is freight, as far as freight was paid. `delayed` reads the case of a delay's decision or of an act
/// on one.
pub fn refunded_of_order(
    reads: &(impl Reads + ?Sized),
    merchant: &MerchantId,
    (order, cases): (&str, &[AfterSaleRow]),
    sold: &Sold<'_>,
    delayed: impl Fn(u64) -> Result<Option<DelayCase>, StoreError>,
) -> Result<OrderHistory, StoreError> {
    let late = delays::Refunds::read(reads, merchant, order, delayed)?;
    let mut history = of_cases(cases, sold, |case| late.of(case));
    let lines = || cases.iter().flat_map(|case| &case.lines);
    let parts_of_cases = cases.iter().map(|case| {
        let own = case.lines.iter().map(|line| (line.line_id.as_str(), sold.cost(&line.line_id).unwrap_or(line.refunded), line.refunded));
        // The account over all returns may settle what an earlier one withheld.
        let is_own = |id: &str| case.lines.iter().any(|own| own.line_id == id);
        let before = lines().filter(|line| line.refunded > 0 && !is_own(&line.line_id));
        LinePart::of_case(own.chain(before.map(|line| (line.line_id.as_str(), sold.cost(&line.line_id).unwrap_or(0), 0))))
    });
    let parts: Vec<LinePart<'_>> = parts_of_cases.chain(late.line_parts()).collect();
    for own in by_line(&parts, |_| 0) {
        let beyond = sold.cost(&own.line_id).map_or(0, |cost| own.refunded.saturating_sub(cost));
        let freight = beyond.min(sold.freight_paid.saturating_sub(history.freight_refunded)).max(0);
        history.freight_refunded = history.freight_refunded.saturating_add(freight);
        let refunded = own.refunded - freight;
        match history.lines.iter_mut().find(|line| line.line_id == own.line_id) {
            Some(line) => line.refunded = refunded,
            None => history.lines.push(LineHistory { line_id: own.line_id, refunded, qty_returned: 0 }),
        }
    }
    Ok(history)
}

/// What the cases of an order refunded and took back, by line. `late` is what late refunds paid of a case, in fen.
fn of_cases(cases: &[AfterSaleRow], sold: &Sold<'_>, late: impl Fn(&str) -> i64) -> OrderHistory {
    let mut history = OrderHistory::default();
    for case in cases {
        history.freight_refunded = history.freight_refunded.saturating_add(case.freight_refunded);
        let late = late(&case.after_sale_id);
        let paid = case.lines.iter().fold(case.freight_refunded.saturating_add(late), |sum, line| sum.saturating_add(line.refunded));
        for line in &case.lines {
            // What was promised for the units was paid behind their case, or all that they cost.
            let is_paid_late = late > 0 && paid >= case.approved && line.due.is_some_and(|due| due > 0);
            let costs = sold.cost_of_units(&line.line_id, line.qty);
            let is_paid_in_full = line.refunded > 0 && costs.is_some_and(|costs| line.refunded >= costs);
            let back = line.units_back();
            add_line(&mut history, &line.line_id, line.refunded, if is_paid_late || is_paid_in_full { back.max(line.qty) } else { back });
        }
    }
    history
}

fn add_line(history: &mut OrderHistory, line_id: &str, refunded: i64, qty_returned: u32) {
    match history.lines.iter_mut().find(|line| line.line_id == line_id) {
        Some(line) => {
            line.refunded = line.refunded.saturating_add(refunded);
            line.qty_returned = line.qty_returned.saturating_add(qty_returned);
        }
        None => history.lines.push(LineHistory { line_id: line_id.to_owned(), refunded, qty_returned }),
    }
}
