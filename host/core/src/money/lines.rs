//! Of which lines money was refunded: by cases as they tell it, by late refunds by what the lines cost, as far as the lines bear it.

use std::collections::VecDeque;

use ombud_rules::after_sale::{Account, Bill, largest_remainder, requested};
use ombud_rules::contract::after_sale::OrderLine;
use ombud_rules::contract::delay::DelayCase;

use super::late::{episodes_of, is_about};
use super::{Intent, Payment};
use crate::caps::LineRefund;
use crate::case::Case;

/// What payments of a case refund of the order's lines, freight apart. Nothing for a delay: what its late refunds are of is told by all of them
/// together ([`by_line`]).
pub fn line_refunds(case: &Case, paid: &[Intent]) -> Vec<LineRefund> {
    let Case::AfterSale(case) = case else { return Vec::new() };
    let refunds = paid.iter().filter(|intent| intent.payment == Payment::Refund);
    let total = refunds.fold(0, |sum: i64, intent| sum.saturating_add(intent.amount));
    let lines = requested(case).unwrap_or_default();
    let bill = Bill::of(&case.order);
    let split = Account { order: &case.order, bill: &bill, lines: &lines }.split(total, true);
    let own = lines.iter().zip(split.lines).map(|(line, refunded)| (line.line.line_id.as_str(), bill.paid_of(line.index), refunded));
    // The account over all returns may settle what an earlier one withheld, which CAP-01 counts as well.
    let is_before =
        |line: &OrderLine| line.qty_returned > 0 && line.refunded > 0 && lines.iter().all(|own| own.line.line_id != line.line_id);
    let before = case.order.lines.iter().enumerate().filter(|(_, line)| is_before(line));
    let told = own.chain(before.map(|(at, line)| (line.line_id.as_str(), bill.paid_of(at), 0)));
    let refunded = |id: &str| case.order.lines.iter().find(|line| line.line_id == id).map_or(0, |line| line.refunded);
    by_line(&[LinePart::of_case(told)], refunded).into_iter().filter(|own| own.refunded > 0).collect()
}

/// Something that was refunded of lines of an order: by a case, or as a part of a late refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinePart<'a> {
    /// Fen.
    pub amount: i64,
    /// The lines that it is about, with what each cost.
    pub lines: Vec<(&'a str, i64)>,
    /// What of it is said to be of each line; none where it is of each by what it cost.
    pub told: Option<Vec<i64>>,
}

impl<'a> LinePart<'a> {
    /// What a delay's late refund was paid under a key.
    pub fn late(case: &'a DelayCase, key: &str, amount: i64) -> Self {
        let episodes = episodes_of(case, key);
        let lines = case.lines.iter().filter(|line| episodes.iter().any(|episode| is_about(episode, &line.line_id)));
        Self { amount, lines: lines.map(|line| (line.line_id.as_str(), line.paid)).collect(), told: None }
    }

    /// What a case was paid: of each line what it cost, and what of the refund is said to be of it. Nothing is of the lines of earlier returns, as
    /// long as the case's own ones bear it.
    pub fn of_case(lines: impl IntoIterator<Item = (&'a str, i64, i64)>) -> Self {
        let (lines, told): (Vec<(&str, i64)>, Vec<i64>) =
            lines.into_iter().map(|(line, cost, refunded)| ((line, cost), refunded.max(0))).unzip();
        Self { amount: told.iter().copied().fold(0, i64::saturating_add), lines, told: Some(told) }
    }
}

/// What was refunded of each line beside `before`. What a line does not bear is of the others that a refund is about, so that no line is told
/// above what it cost while another one is free: a case is paid by what was due for its lines when it was decided, and other refunds may have been
/// paid since. Only what all lines of a refund together do not bear goes beyond.
pub fn by_line(parts: &[LinePart<'_>], before: impl Fn(&str) -> i64) -> Vec<LineRefund> {
    let mut shares = Shares::of(parts, before);
    // What is said of lines stays there if it can be; else a refund of few lines has less choice.
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|at| parts.get(*at).map_or((true, 0), |part| (part.told.is_none(), part.lines.len())));
    for at in &order {
        shares.place(*at, parts.get(*at).and_then(|part| part.told.as_deref()));
    }
    for at in &order {
        while shares.make_room(*at) {}
        shares.go_beyond(*at);
    }
    let sums = shares.lines.iter().map(|line| (line.id, line.placed.iter().fold(0, |sum: i64, own| sum.saturating_add(*own))));
    sums.map(|(id, refunded)| LineRefund { line_id: id.to_owned(), refunded }).collect()
}

/// How much of each part lines bear together, whose `rooms` these are: each part is about some of the lines, and those before it make room for it
/// on others of their own. No more than `left` of all.
pub(super) fn borne(rooms: Vec<i64>, parts: &[(Vec<usize>, i64)], mut left: i64) -> Vec<i64> {
    let lines = rooms.into_iter().map(|room| Line { id: "", room, placed: vec![0; parts.len()] }).collect();
    let about = parts.iter().map(|(lines, _)| lines.iter().map(|line| (*line, 1)).collect()).collect();
    let mut shares = Shares { lines, about, rest: vec![0; parts.len()] };
    let bear = |(at, (_, amount)): (usize, &(Vec<usize>, i64))| {
        let wanted = (*amount).min(left).max(0);
        if let Some(rest) = shares.rest.get_mut(at) {
            *rest = wanted;
        }
        shares.place(at, Some(&[]));
        while shares.make_room(at) {}
        let taken = wanted - shares.rest(at);
        left -= taken;
        taken
    };
    parts.iter().enumerate().map(bear).collect()
}

/// A line on which parts are placed.
struct Line<'a> {
    id: &'a str,
    /// What it still bears.
    room: i64,
    /// What of each part is placed on it.
    placed: Vec<i64>,
}

struct Shares<'a> {
    lines: Vec<Line<'a>>,
    /// Of each part its lines and what they cost.
    about: Vec<Vec<(usize, i64)>>,
    /// What of each part is not placed yet.
    rest: Vec<i64>,
}

impl<'a> Shares<'a> {
    fn of(parts: &[LinePart<'a>], before: impl Fn(&str) -> i64) -> Self {
        let mut lines: Vec<Line<'a>> = Vec::new();
        let mut about = Vec::with_capacity(parts.len());
        for part in parts {
            let mut own: Vec<(usize, i64)> = Vec::with_capacity(part.lines.len());
            for (id, cost) in &part.lines {
                let cost = (*cost).max(0);
                let at = lines.iter().position(|line| line.id == *id).unwrap_or(lines.len());
                match lines.get_mut(at) {
                    // Whoever told the price last may have told it wrong: the higher one counts.
                    Some(line) => line.room = line.room.max(cost),
                    None => lines.push(Line { id, room: cost, placed: vec![0; parts.len()] }),
                }
                own.push((at, cost));
            }
            about.push(own);
        }
        for line in &mut lines {
            line.room = line.room.saturating_sub(before(line.id).max(0)).max(0);
        }
        Self { lines, about, rest: parts.iter().map(|part| part.amount.max(0)).collect() }
    }

    fn about(&self, part: usize) -> &[(usize, i64)] {
        self.about.get(part).map_or(&[], Vec::as_slice)
    }

    fn rest(&self, part: usize) -> i64 {
        self.rest.get(part).copied().unwrap_or(0)
    }

    fn room(&self, line: usize) -> i64 {
        self.lines.get(line).map_or(0, |line| line.room)
    }

    fn placed(&self, part: usize, line: usize) -> i64 {
        self.lines.get(line).and_then(|line| line.placed.get(part)).copied().unwrap_or(0)
    }

    /// Puts fen of a part on a line, within its room or not; below zero takes them away.
    fn put(&mut self, part: usize, line: usize, fen: i64) {
        let Some(line) = self.lines.get_mut(line) else { return };
        line.room -= fen;
        if let Some(placed) = line.placed.get_mut(part) {
            *placed = placed.saturating_add(fen);
        }
    }

    /// Places a part where it is said to be, or by what the lines cost, as far as there is room; the rest on its other lines.
    fn place(&mut self, part: usize, told: Option<&[i64]>) {
        let about = self.about(part).to_vec();
        let mut rest = self.rest(part);
        let by_cost = || largest_remainder(rest, &about.iter().map(|(_, cost)| *cost).collect::<Vec<i64>>());
        let shares = told.map_or_else(by_cost, <[i64]>::to_vec);
        let wanted = about.iter().zip(shares).map(|((line, _), share)| (*line, share));
        for (line, wanted) in wanted.chain(about.iter().map(|(line, _)| (*line, i64::MAX))) {
            let fen = wanted.min(rest).min(self.room(line));
            self.put(part, line, fen);
            rest -= fen;
        }
        if let Some(own) = self.rest.get_mut(part) {
            *own = rest;
        }
    }

    /// Moves other parts off the lines of one that is not placed in full, to lines with room, over however many lines. Whether something of it
    /// could be placed.
    fn make_room(&mut self, part: usize) -> bool {
        if self.rest(part) == 0 || self.lines.iter().all(|line| line.room <= 0) {
            return false;
        }
        // From which line each is reached, and which part moves; the first ones are of the part itself.
        let mut reached: Vec<Option<(Option<usize>, usize)>> = vec![None; self.lines.len()];
        let mut open: VecDeque<usize> = VecDeque::new();
        for (line, _) in self.about(part) {
            if let Some(place) = reached.get_mut(*line).filter(|place| place.is_none()) {
                *place = Some((None, part));
                open.push_back(*line);
            }
        }
        while let Some(at) = open.pop_front() {
            if self.room(at) > 0 {
                self.move_along(&reached, part, at);
                return true;
            }
            for mover in (0..self.about.len()).filter(|mover| self.placed(*mover, at) > 0) {
                for (line, _) in self.about(mover) {
                    if let Some(place) = reached.get_mut(*line).filter(|place| place.is_none()) {
                        *place = Some((Some(at), mover));
                        open.push_back(*line);
                    }
                }
            }
        }
        false
    }

    fn move_along(&mut self, reached: &[Option<(Option<usize>, usize)>], part: usize, end: usize) {
        let step = |line: usize| reached.get(line).copied().flatten();
        let mut fen = self.room(end).min(self.rest(part));
        let mut at = end;
        while let Some((Some(from), mover)) = step(at) {
            fen = fen.min(self.placed(mover, from));
            at = from;
        }
        at = end;
        while let Some((from, mover)) = step(at) {
            self.put(mover, at, fen);
            let Some(from) = from else { break };
            self.put(mover, from, -fen);
            at = from;
        }
        if let Some(rest) = self.rest.get_mut(part) {
            *rest -= fen;
        }
    }

    /// Places what no line bears, as records of earlier releases may have it.
    fn go_beyond(&mut self, part: usize) {
        let about = self.about(part).to_vec();
        let costs: Vec<i64> = about.iter().map(|(_, cost)| *cost).collect();
        let weights = if costs.iter().any(|cost| *cost > 0) { costs } else { vec![1; about.len()] };
        let shares = largest_remainder(self.rest(part), &weights);
        for ((line, _), share) in about.into_iter().zip(shares) {
            self.put(part, line, share);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 3] = ["A", "B", "C"];

    fn parts<'a>(costs: [i64; 3], told: &[(i64, &'a str)]) -> Vec<LinePart<'a>> {
        let line =
            |about: &'a str| NAMES.iter().zip(costs).filter(move |(name, _)| about.contains(**name)).map(|(name, cost)| (*name, cost));
        told.iter().map(|(amount, about)| LinePart { amount: *amount, lines: line(about).collect(), told: None }).collect()
    }

    /// What is placed on A, B and C.
    fn told(costs: [i64; 3], before: [i64; 3], parts_told: &[(i64, &str)]) -> [i64; 3] {
        let before = |line: &str| NAMES.iter().position(|name| *name == line).map_or(0, |at| before[at]);
        let refunds = by_line(&parts(costs, parts_told), before);
        NAMES.map(|name| refunds.iter().filter(|own| own.line_id == name).map(|own| own.refunded).sum())
    }

    #[test]
    fn a_refund_of_several_lines_is_of_each_by_what_it_cost_as_far_as_it_bears_it() {
        let (free, costs) = ([0; 3], [100, 100, 50]);
        assert_eq!(told(costs, free, &[(50, "AB")]), [25, 25, 0]);
        assert_eq!(told(costs, free, &[(100, "ABC")]), [40, 40, 20]);
        // A was refunded before; what it does not bear is of B.
        assert_eq!(told(costs, [90, 0, 0], &[(110, "AB")]), [10, 100, 0]);
        // Who has less choice comes first, whenever it was paid.
        assert_eq!(told(costs, free, &[(100, "AB"), (80, "A")]), [100, 80, 0]);
        // B gives way to C for the sake of A and B.
        assert_eq!(told(costs, free, &[(80, "BC"), (120, "AB")]), [73, 100, 27]);
        assert_eq!(told([10, 10, 10], free, &[(10, "BC"), (20, "AB")]), [10, 10, 10]);
        // More than all cost, as it was paid once, or by a price that was told otherwise.
        assert_eq!(told([10, 10, 10], free, &[(30, "AB")]), [15, 15, 0]);
        assert_eq!(told([10, 10, 10], [10, 10, 0], &[(7, "A")]), [7, 0, 0]);
        assert_eq!(told([0, 0, 0], free, &[(7, "A")]), [7, 0, 0]);
    }

    #[test]
    fn what_a_case_says_of_its_lines_stands_as_far_as_they_bear_it() {
        let told = |case: [i64; 2], late: &[(i64, &str)]| {
            let mut all = parts([100, 100, 50], late);
            all.push(LinePart::of_case([("A", 100, case[0]), ("B", 100, case[1])]));
            let refunds = by_line(&all, |_| 0);
            ["A", "B"].map(|name| refunds.iter().filter(|own| own.line_id == name).map(|own| own.refunded).sum::<i64>())
        };
        assert_eq!(told([70, 10], &[]), [70, 10]);
        // A late refund of several lines goes where the case is not.
        assert_eq!(told([70, 10], &[(100, "AB")]), [100, 80]);
        // The case was decided before the late refund of A, and paid by a person behind it.
        assert_eq!(told([50, 50], &[(100, "A")]), [100, 100]);
        assert_eq!(told([130, 0], &[]), [100, 30]);
        assert_eq!(told([150, 100], &[]), [125, 125]);
        // A later case that settled what an earlier one of A withheld.
        let both = [LinePart::of_case([("A", 100, 70)]), LinePart::of_case([("B", 100, 130), ("A", 100, 0)])];
        assert!(by_line(&both, |_| 0).iter().all(|own| own.refunded == 100));
    }

    proptest! {
        /// Whatever fits the lines in some way is told in one that does: the sums of any lines say whether it fits (Hall).
        #[test]
        fn what_fits_is_told_so_that_it_fits(
            costs in prop::array::uniform3(0..100_i64),
            before in prop::array::uniform3(0..120_i64),
            told_parts in prop::collection::vec((0..80_i64, 1..8_usize), 0..5),
        ) {
            let about = |mask: usize| ["", "A", "B", "AB", "C", "AC", "BC", "ABC"][mask];
            let listed: Vec<(i64, &str)> = told_parts.iter().map(|(amount, mask)| (*amount, about(*mask))).collect();
            let told = told(costs, before, &listed);
            let room: Vec<i64> = costs.iter().zip(before).map(|(cost, before)| (cost - before).max(0)).collect();
            let fits = (1..8_usize).all(|set| {
                let within: i64 = told_parts.iter().filter(|(_, mask)| mask & !set == 0).map(|(amount, _)| amount).sum();
                within <= (0..3).filter(|line| set >> line & 1 == 1).map(|line| room[line]).sum::<i64>()
            });
            if fits {
                prop_assert!(told.iter().zip(&room).all(|(own, room)| own <= room), "{told:?} of {room:?}");
                prop_assert_eq!(told.iter().sum::<i64>(), told_parts.iter().map(|(amount, _)| amount).sum::<i64>());
            }
            prop_assert!(told.iter().all(|own| *own >= 0));
        }
    }
}
