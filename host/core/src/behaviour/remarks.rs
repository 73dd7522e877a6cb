//! What is odd about the ladder of one version: a stretch without money between two with, one delay paid twice, money that falls while the delay
//! grows, a fault.

use super::axes::{NumberAxis, Unit};
use super::findings::{Remark, RemarkSort, Which};
use super::ladder::{Point, Stretch};
use super::law::Law;
use super::telling::{Told, view};
use super::view::View;
use super::words;

/// The axis of which a longer delay is told.
const OVERDUE: &str = "overdue";
/// Outcomes by which a person decides what is given.
const A_PERSON: [&str; 2] = ["human-review", "escalate"];

/// A stretch on which one version answers alike.
struct Rung<'a> {
    from: Option<i64>,
    to: Option<i64>,
    stretch: &'a Stretch,
    view: &'a View,
    /// What is given at its beginning, and at its end.
    first: i64,
    last: i64,
}

impl Rung<'_> {
    fn gives(&self) -> bool {
        self.view.benefit() > 0
    }

    /// Nothing is given, and nobody is asked whether something should be.
    fn denies(&self) -> bool {
        !self.gives() && !self.faults() && !A_PERSON.contains(&self.view.outcome())
    }

    fn faults(&self) -> bool {
        self.view.outcome().starts_with("fault")
    }
}

/// Every remark on the stretches of an axis, of either version.
pub fn remarks(axis: &NumberAxis, stretches: &[Stretch], tz_offset_min: i32, told: &dyn Fn(&Stretch) -> Told) -> Vec<(Remark, Which)> {
    let mut remarks = Vec::new();
    for which in [Which::Old, Which::New] {
        let rungs = rungs(stretches, which);
        let place = |rung: &Rung<'_>| words::stretch(axis, rung.from, rung.to, tz_offset_min);
        let say = |rung: &Rung<'_>| told(rung.stretch).headline(&rung.stretch.point, which);
        let mut remark = |sort, rung: &Rung<'_>, text: String| remarks.push((Remark { sort, place: place(rung), text }, which));
        for (at, rung) in rungs.iter().enumerate() {
            let (before, after) = (at.checked_sub(1).and_then(|at| rungs.get(at)), rungs.get(at + 1));
            // What is so along the whole of an axis does not depend on it; of a delay it is told once.
            let depends = axis.name == OVERDUE || rung.from.is_some() || rung.to.is_some();
            if !rung.view.twice.is_empty() && depends {
                remark(RemarkSort::Overlap, rung, format!("paid twice, by {}: {}", rung.view.twice, say(rung)));
            }
            if rung.faults() {
                remark(RemarkSort::Fault, rung, rung.view.outcome().to_owned());
            }
            let Some(before) = before else {
                falls_within(rung, axis, &say, &mut remark);
                continue;
            };
            let timed = matches!(axis.unit, Unit::Elapsed | Unit::Civil);
            match after {
                Some(after) if timed && rung.denies() && before.gives() && after.gives() => {
                    remark(RemarkSort::Gap, rung, format!("{}, between {} and {}", say(rung), say(before), say(after)));
                }
                _ => {}
            }
            let gone = rung.denies() && rungs.iter().skip(at).all(Rung::denies);
            if axis.name == OVERDUE && rung.first < before.last && (rung.gives() || gone) {
                remark(RemarkSort::Falls, rung, format!("{} after {}", say(rung), say(before)));
            } else {
                falls_within(rung, axis, &say, &mut remark);
            }
        }
    }
    remarks
}

/// An amount that falls while nothing else changes.
fn falls_within(
    rung: &Rung<'_>,
    axis: &NumberAxis,
    say: &dyn Fn(&Rung<'_>) -> String,
    remark: &mut dyn FnMut(RemarkSort, &Rung<'_>, String),
) {
    if axis.name == OVERDUE && rung.last < rung.first {
        remark(RemarkSort::Falls, rung, say(rung));
    }
}

/// Neighbouring stretches on which one version says the same, by the same laws, are one rung.
fn rungs(stretches: &[Stretch], which: Which) -> Vec<Rung<'_>> {
    let mut rungs: Vec<Rung<'_>> = Vec::new();
    for stretch in stretches {
        let own = view(&stretch.point, which);
        let (first, last) = (view(&stretch.first.1, which).benefit(), view(&stretch.last.1, which).benefit());
        match rungs.last_mut() {
            Some(rung) if rung.view.like(own) && goes_on(rung.stretch, stretch, which) => (rung.to, rung.last) = (stretch.to, last),
            _ => rungs.push(Rung { from: stretch.from, to: stretch.to, stretch, view: own, first, last }),
        }
    }
    rungs
}

/// Whether the amounts of one version go by the same laws in two stretches.
fn goes_on(one: &Stretch, next: &Stretch, which: Which) -> bool {
    let (own, others) = (laws(one, which), laws(next, which));
    own == others || (own.iter().chain(others).all(|law| !matches!(law, Law::Fixed(_))) && even(own, others))
}

/// Even amounts that were found between other points are the same line if each point of the one is on the other.
fn even(own: &[Law], others: &[Law]) -> bool {
    let on = |law: &Law, at: i64, fen: i64| law.holds(&super::law::Sample { at, amounts: vec![fen], bases: Vec::new() }, 0);
    own.len() == others.len()
        && own.iter().zip(others).all(|(own, other)| match other {
            Law::Even { from, to } => on(own, from.0, from.1) && on(own, to.0, to.1),
            other => own == other,
        })
}

/// The laws of one version's amounts.
fn laws(stretch: &Stretch, which: Which) -> &[Law] {
    let old = amounts_of(&stretch.point);
    let (old, new) = stretch.laws.split_at_checked(old).unwrap_or((&stretch.laws, &[]));
    if which == Which::Old { old } else { new }
}

fn amounts_of(point: &Point) -> usize {
    use super::view::Sight;
    point.old.aspects.iter().filter(|(_, sight)| matches!(sight, Sight::Money(_))).count()
}
