//! Where along one number the answers change: points far apart first, then bisection down to the single millisecond, fen or
//! unit.

use std::collections::{BTreeMap, BTreeSet};

use super::view::{Sight, View};

/// Questions that one axis may take: what changes everywhere has no thresholds.
pub const QUESTIONS_MAX: usize = 4_000;
/// Steps of an amount within one region: beyond them it is no staircase but grows.
const STEPS_MAX: usize = 8;

/// What both versions answer at one point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The old version.
    pub old: View,
    /// The new version.
    pub new: View,
}

impl Point {
    /// Whether both answers are the same in every aspect.
    pub fn same(&self) -> bool {
        self.old.aspects == self.new.aspects
    }

    /// Whether nothing but amounts that grow lies between two points.
    pub(super) fn like(&self, other: &Self) -> bool {
        let dearer = |point: &Self| point.new.benefit().cmp(&point.old.benefit());
        self.same() == other.same() && dearer(self) == dearer(other) && self.old.like(&other.old) && self.new.like(&other.new)
    }
}

/// A stretch of an axis on which both versions answer alike; both ends belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The first value; none at the lower end of the search.
    pub from: Option<i64>,
    /// The last value; none at the upper end of the search.
    pub to: Option<i64>,
    /// A value of it that was asked for.
    pub at: i64,
    /// The answers there.
    pub point: Point,
}

/// The stretches of an axis, in their order. `ask` gives none where the value makes no question.
pub fn stretches(points: &[i64], ask: impl FnMut(i64) -> Option<Point>) -> Vec<Stretch> {
    let mut search = Search { asked: BTreeMap::new(), steps: BTreeSet::new(), ask };
    let valid: Vec<i64> = points.iter().copied().filter(|at| search.point(*at).is_some()).collect();
    for pair in valid.windows(2) {
        let [low, high] = pair else { continue };
        search.bisect(*low, *high);
    }
    search.staircases();
    search.cut()
}

struct Search<F> {
    asked: BTreeMap<i64, Option<Point>>,
    /// The last values before an amount makes a step.
    steps: BTreeSet<i64>,
    ask: F,
}

impl<F: FnMut(i64) -> Option<Point>> Search<F> {
    fn point(&mut self, at: i64) -> Option<&Point> {
        if !self.asked.contains_key(&at) {
            let answer = if self.asked.len() < QUESTIONS_MAX { (self.ask)(at) } else { None };
            self.asked.insert(at, answer);
        }
        self.asked.get(&at).and_then(Option::as_ref)
    }

    /// Asks between two points until neighbours differ, or there is nothing between them.
    fn bisect(&mut self, low: i64, high: i64) {
        let (Some(below), Some(above)) = (self.point(low).cloned(), self.point(high)) else { return };
        let Some(gap) = high.checked_sub(low) else { return };
        if gap <= 1 || below.like(above) {
            return;
        }
        let middle = low + gap / 2;
        if self.point(middle).is_some() {
            self.bisect(low, middle);
            self.bisect(middle, high);
        }
    }

    /// Amounts that rise in steps while every word stays the same: each step is located as well. A step is a change between
    /// two points on whose sides the amount stays what it is.
    fn staircases(&mut self) {
        let points: Vec<(i64, Point)> = self.points();
        for region in points.chunk_by(|(_, one), (_, next)| one.like(next)) {
            let amounts: Vec<(i64, Vec<i64>)> = region.iter().map(|(at, point)| (*at, amounts(point))).collect();
            let changes: Vec<(i64, i64)> = amounts
                .windows(2)
                .filter_map(|pair| match pair {
                    [(low, below), (high, above)] if below != above => Some((*low, *high)),
                    _ => None,
                })
                .collect();
            // A staircase stays level between its steps; what changes at every point grows.
            if changes.len() > STEPS_MAX || changes.len() * 2 >= amounts.len() {
                continue;
            }
            for (low, high) in changes {
                self.step(low, high);
            }
        }
    }

    /// The one step between two points, if it is one: on its one side the amounts of the one point, on the other those of
    /// the other.
    fn step(&mut self, mut low: i64, mut high: i64) {
        let Some((below, above)) = self.point(low).map(amounts).zip(self.point(high).map(amounts)) else { return };
        while let Some(gap) = high.checked_sub(low).filter(|gap| *gap > 1) {
            let middle = low + gap / 2;
            match self.point(middle).map(amounts) {
                Some(between) if between == below => low = middle,
                Some(between) if between == above => high = middle,
                _ => return,
            }
        }
        self.steps.insert(low);
    }

    fn points(&self) -> Vec<(i64, Point)> {
        self.asked.iter().filter_map(|(at, point)| Some((*at, point.clone()?))).collect()
    }

    /// Neighbouring points that are alike, put together.
    fn cut(&self) -> Vec<Stretch> {
        let points = self.points();
        let mut stretches: Vec<Stretch> = Vec::new();
        for region in points.chunk_by(|(at, one), (_, next)| one.like(next) && !self.steps.contains(at)) {
            let (Some((from, _)), Some((to, _)), Some((at, point))) = (region.first(), region.last(), region.get(region.len() / 2)) else {
                continue;
            };
            stretches.push(Stretch { from: Some(*from), to: Some(*to), at: *at, point: point.clone() });
        }
        if let Some(first) = stretches.first_mut() {
            first.from = None;
        }
        if let Some(last) = stretches.last_mut() {
            last.to = None;
        }
        stretches
    }
}

/// Every amount of both answers.
fn amounts(point: &Point) -> Vec<i64> {
    let aspects = [&point.old, &point.new].into_iter().flat_map(|view| &view.aspects);
    aspects.filter_map(|(_, sight)| if let Sight::Money(fen) = sight { Some(*fen) } else { None }).collect()
}
