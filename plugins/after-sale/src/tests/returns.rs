//! Orders that come back in two parts.

use ombud_rules::after_sale::{Account, Bill, Requested};
use ombud_rules::contract::after_sale::Order;
use proptest::prelude::*;

use super::generate;

/// Requests of so many units of each line, those of none left out.
pub fn requests<'a>(order: &'a Order, units: &[u32]) -> Vec<Requested<'a>> {
    let lines = order.lines.iter().zip(units).enumerate().filter(|(_, (_, units))| **units > 0);
    lines.enumerate().map(|(asked, (index, (line, units)))| Requested { index, asked, line, units: *units }).collect()
}

/// The order after these units came back for this refund.
pub fn after(order: &Order, units: &[u32], refund: i64) -> Order {
    let lines = requests(order, units);
    let split = Account { order, bill: &Bill::of(order), lines: &lines }.split(refund, false);
    let mut next = order.clone();
    for (line, part) in lines.iter().zip(split.lines) {
        next.lines[line.index].qty_returned += line.units;
        next.lines[line.index].refunded += part;
    }
    next
}

prop_compose! {
    /// An order of which nothing has come back yet, and two returns of parts of it.
    pub fn two_returns()(order in generate::order().boxed(), parts in prop::collection::vec((0u32..4, 0u32..4), 3)) -> (Order, Vec<u32>, Vec<u32>) {
        let mut order = order;
        for line in &mut order.lines {
            line.qty_returned = 0;
            line.refunded = 0;
            line.unit_price = line.unit_price.max(100);
        }
        // What a platform reports agrees with the promos here; amounts of orders where it does not are only kept within bounds.
        let reported = order.lines.iter().all(|line| line.paid.is_some());
        order.lines.iter_mut().for_each(|line| line.paid = None);
        let paid = Bill::of(&order).paid;
        for (line, paid) in order.lines.iter_mut().zip(paid).filter(|_| reported) {
            line.paid = Some(paid);
        }
        let first: Vec<u32> = order.lines.iter().zip(&parts).map(|(line, (first, _))| (*first).min(line.qty)).collect();
        let second = order.lines.iter().zip(&parts).zip(&first).map(|((line, (_, second)), first)| (*second).min(line.qty - first)).collect();
        (order, first, second)
    }
}
