//! Which units of an order's lines an after-sales case took for good: what later cases count as returned (domain model 4.3, `qty-returned`). Since
//! the fourth edition they are counted by themselves; before, all that a case asked for counted once anything was refunded of the line.

use ombud_core::edition::Edition;
use ombud_core::kind::Kind;
use ombud_core::money::{self, Due};
use ombud_rules::after_sale::{Requested, requested};
use ombud_rules::contract::after_sale::{AfterSaleCase, Outcome};
use ombud_store::{AfterSaleRow, LineHistory};

/// Whether an outcome pays for what is asked for and takes it for good: a part paid for spoiled goods takes nothing.
fn takes(outcome: Outcome) -> bool {
    money::due_of(Kind::AfterSale, outcome.as_str()) == Due::Now && outcome != Outcome::ApprovePartialRefund
}

/// The lines of a case with the units that it took, after a decision on it.
pub fn decided(
    case: &AfterSaleCase,
    before: Option<&AfterSaleRow>,
    mut lines: Vec<LineHistory>,
    outcome: Outcome,
    edition: Edition,
) -> Vec<LineHistory> {
    if edition < Edition::Fourth {
        return lines;
    }
    for line in &mut lines {
        let known = before.and_then(|row| row.lines.iter().find(|known| known.line_id == line.line_id));
        line.back = Some(known.map_or(0, LineHistory::units_back));
    }
    if takes(outcome) {
        take(case, &mut lines);
    }
    lines
}

/// The same after a person's act: `stood` is the outcome before it, and whether a refund was taken back with it.
pub fn acted(
    case: &AfterSaleCase,
    lines: &mut [LineHistory],
    (stood, is_taken_back): (Option<Outcome>, bool),
    outcome: Option<Outcome>,
    edition: Edition,
) {
    if edition < Edition::Fourth {
        return;
    }
    if outcome.is_some_and(takes) {
        take(case, lines);
    } else if is_taken_back || stood.is_some_and(takes) {
        each(case, lines, |line, _| line.back = Some(0));
    }
}

/// The same once the platform paid what was promised for the lines.
pub fn paid_by_platform(lines: &mut [LineHistory]) {
    for line in lines.iter_mut().filter(|line| line.due.is_some_and(|due| due > 0)) {
        line.back = line.back.map(|back| back.max(line.qty));
    }
}

fn take(case: &AfterSaleCase, lines: &mut [LineHistory]) {
    each(case, lines, |line, requested| line.back = Some(line.back.unwrap_or(0).max(requested.units)));
}

fn each(case: &AfterSaleCase, lines: &mut [LineHistory], change: impl Fn(&mut LineHistory, &Requested<'_>)) {
    for requested in requested(case).unwrap_or_default() {
        if let Some(line) = lines.iter_mut().find(|line| line.line_id == requested.line.line_id) {
            change(line, &requested);
        }
    }
}
