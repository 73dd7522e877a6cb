//! Where along one number the answers change: points far apart first, then bisection down to the single millisecond, fen or
//! unit.

use std::collections::BTreeMap;

use super::law::{Law, Sample};
use super::view::{Sight, View};

/// Questions that one axis may take: what changes everywhere has no thresholds.
pub const QUESTIONS_MAX: usize = 4_000;

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

/// A stretch of an axis on which both versions answer alike and their amounts go by the same laws; both ends belong to it.
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
    /// The lowest value of it that was asked for, and the answers there.
    pub first: (i64, Point),
    /// The highest one.
    pub last: (i64, Point),
    /// The law of each amount of both answers, in the order of [`amounts`].
    pub laws: Vec<Law>,
}

/// What an axis is like.
pub struct Ground<'a> {
    /// What makes a value round, the roundest first.
    pub steps: &'a [i64],
    /// Whether the laws of amounts are of interest even where both versions answer the same.
    pub laws_everywhere: bool,
    /// Of what the amounts at a value may be shares.
    pub bases: &'a dyn Fn(i64) -> Vec<i64>,
}

/// The stretches of an axis, in their order. `ask` gives none where the value makes no question.
pub fn stretches(points: &[i64], ground: &Ground<'_>, ask: impl FnMut(i64) -> Option<Point>) -> Vec<Stretch> {
    let mut search = Search { asked: BTreeMap::new(), ground, ask };
    let valid: Vec<i64> = points.iter().copied().filter(|at| search.point(*at).is_some()).collect();
    for pair in valid.windows(2) {
        let [low, high] = pair else { continue };
        search.bisect(*low, *high);
    }
    search.cut()
}

pub(super) struct Search<'a, F> {
    asked: BTreeMap<i64, Option<Point>>,
    pub(super) ground: &'a Ground<'a>,
    ask: F,
}

impl<F: FnMut(i64) -> Option<Point>> Search<'_, F> {
    pub(super) fn point(&mut self, at: i64) -> Option<&Point> {
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

    /// The amounts of every point that was asked for, from one value to another.
    pub(super) fn samples(&self, from: i64, to: i64) -> Vec<Sample> {
        let points = self.asked.range(from..=to).filter_map(|(at, point)| Some((*at, point.as_ref()?)));
        points.map(|(at, point)| Sample { at, amounts: amounts(point), bases: (self.ground.bases)(at) }).collect()
    }

    /// Neighbouring points that are alike, put together, and parted where an amount goes by another law.
    fn cut(&mut self) -> Vec<Stretch> {
        let points: Vec<(i64, Point)> = self.asked.iter().filter_map(|(at, point)| Some((*at, point.clone()?))).collect();
        let mut stretches: Vec<Stretch> = Vec::new();
        for region in points.chunk_by(|(_, one), (_, next)| one.like(next)) {
            let (Some((from, first)), Some((to, _))) = (region.first(), region.last()) else { continue };
            let own = amounts(first);
            let pieces = if region.iter().all(|(_, point)| amounts(point) == own) {
                vec![(*from, *to, own.into_iter().map(Law::Fixed).collect())]
            } else if self.ground.laws_everywhere || !first.same() {
                self.pieces(*from, *to)
            } else {
                vec![(*from, *to, self.whole(*from, *to))]
            };
            stretches.extend(pieces.into_iter().filter_map(|(from, to, laws)| self.stretch(from, to, laws)));
        }
        if let Some(first) = stretches.first_mut() {
            first.from = None;
        }
        if let Some(last) = stretches.last_mut() {
            last.to = None;
        }
        stretches
    }

    fn stretch(&self, from: i64, to: i64, laws: Vec<Law>) -> Option<Stretch> {
        let points: Vec<(i64, &Point)> = self.asked.range(from..=to).filter_map(|(at, point)| Some((*at, point.as_ref()?))).collect();
        let whole = |(at, point): &(i64, &Point)| (*at, (*point).clone());
        let (at, point) = points.get(points.len() / 2).map(whole)?;
        Some(Stretch {
            from: Some(from),
            to: Some(to),
            at,
            point,
            first: points.first().map(whole)?,
            last: points.last().map(whole)?,
            laws,
        })
    }
}

/// Every amount of both answers, the old one's first.
pub fn amounts(point: &Point) -> Vec<i64> {
    let aspects = [&point.old, &point.new].into_iter().flat_map(|view| &view.aspects);
    aspects.filter_map(|(_, sight)| if let Sight::Money(fen) = sight { Some(*fen) } else { None }).collect()
}
