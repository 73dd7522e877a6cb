//! One base case moved along every axis, under two versions.

use ombud_rules::contract::types::Context;
use serde_json::Value;

use super::Answers;
use super::axes::{NumberAxis, Seeds, Unit, axes};
use super::document::Document;
use super::findings::{Found, Place, Remark, RemarkSort, Sort, Which};
use super::ladder::{Point, Stretch, stretches};
use super::view::{Sight, View, bases};
use super::words::{self, Difference};
use crate::case::Case;

/// A question to begin with.
#[derive(Clone, Debug)]
pub struct Base {
    /// Where it comes from, such as a golden case's id.
    pub name: String,
    /// The context.
    pub context: Context,
    /// The facts.
    pub case: Case,
}

/// Two versions under comparison.
pub struct Versions<'a> {
    /// The old one.
    pub old: &'a dyn Answers,
    /// The new one.
    pub new: &'a dyn Answers,
}

/// A question with what both versions answer, kept so that an answer can be put in words.
struct Asked {
    document: Document,
    case: Case,
    point: Point,
}

impl Versions<'_> {
    fn ask(&self, document: Document) -> Option<Asked> {
        let (context, case) = document.read()?;
        let view = |version: &dyn Answers| View::of(&case, &version.answer(&context, &case));
        let point = Point { old: view(self.old), new: view(self.new) };
        Some(Asked { document, case, point })
    }

    /// The difference between the two answers, amounts as shares where they are shares; none where there is no difference.
    fn difference(&self, asked: &Asked) -> Option<Difference> {
        if asked.point.same() {
            return None;
        }
        let doubled = self.doubled(asked);
        let of = |new: bool| move |point: &'_ Point, name: &str| amount_of(if new { &point.new } else { &point.old }, name);
        let bases = bases(&asked.case);
        let say = |new: bool, name: &'static str, fen: i64| words::amount(fen, doubled.as_ref().map(|point| of(new)(point, name)), &bases);
        words::difference(&asked.point.old, &asked.point.new, &|name, fen| say(false, name, fen), &|name, fen| say(true, name, fen))
    }

    fn headline(&self, asked: &Asked, which: Which) -> String {
        let doubled = self.doubled(asked);
        let side = |point: &Point| if which == Which::New { point.new.clone() } else { point.old.clone() };
        let bases = bases(&asked.case);
        let say = |name: &'static str, fen: i64| words::amount(fen, doubled.as_ref().map(|point| amount_of(&side(point), name)), &bases);
        words::headline(&side(&asked.point), &say)
    }

    /// The same question with twice the money.
    fn doubled(&self, asked: &Asked) -> Option<Point> {
        let mut document = asked.document.clone();
        for leaf in super::leaves::leaves(&asked.document).iter().filter(|leaf| leaf.holds == super::leaves::Holds::Money) {
            if let Some(fen) = document.number(&leaf.pointer) {
                document = document.with(&leaf.pointer, fen.saturating_mul(2).into());
            }
        }
        self.ask(document).map(|asked| asked.point)
    }
}

fn amount_of(view: &View, name: &str) -> i64 {
    match view.get(name) {
        Some(Sight::Money(fen)) => *fen,
        _ => 0,
    }
}

/// A stretch of one axis on which the answers differ in one way.
struct Candidate {
    place: Place,
    difference: Difference,
    /// How well it says what the difference depends on, the best first: ends at which one version goes on and the other does
    /// not, then time before money before counts.
    rank: (u8, u8),
}

/// Moves one base along every axis. None where the base itself is no question.
pub fn probe(base: &Base, seeds: &Seeds, versions: &Versions<'_>) -> Option<Found> {
    let document = Document::new(&base.context, &base.case).ok()?;
    let own = versions.ask(document.clone())?;
    let tz = base.context.tz_offset_min;
    let (numbers, choices) = axes(&document, seeds);
    let mut found = Found::default();
    (found.bases, found.questions) = (1, 2);
    let own_difference = versions.difference(&own);

    let mut candidates: Vec<Candidate> = Vec::new();
    for axis in &numbers {
        let mut questions = 0;
        let stretches = stretches(&axis.points, |at| {
            questions += 2;
            versions.ask(axis.at(&document, at)?).map(|asked| asked.point)
        });
        found.questions += questions;
        let ask = |at: i64| versions.ask(axis.at(&document, at)?);
        found.remark(remarks(base, axis, &stretches, tz, &ask, versions));
        let differing = stretches.iter().map(|stretch| ask(stretch.at).and_then(|asked| versions.difference(&asked)));
        let differing: Vec<Option<Difference>> = differing.collect();
        // What is the same along the whole axis does not depend on it.
        let alike = |one: &Option<Difference>, next: &Option<Difference>| match (one, next) {
            (Some(one), Some(next)) => one.says(next),
            (one, next) => one.is_none() == next.is_none(),
        };
        let everywhere = differing.windows(2).all(|pair| matches!(pair, [one, next] if alike(one, next)));
        if everywhere {
            continue;
        }
        for (span, difference) in joined(&stretches, differing) {
            let stretch = span.stretch;
            // Where both versions change together, a number says nothing about what the base shows anyway; a delay does.
            let timed = matches!(axis.unit, Unit::Elapsed | Unit::Civil);
            let idle = !timed && span.own_ends == 0 && own_difference.as_ref().is_some_and(|own| own.says(&difference));
            if is_sliver(axis, &stretch) || idle {
                continue;
            }
            candidates.push(Candidate {
                place: Place {
                    sort: Sort::Stretch,
                    words: words::stretch(axis, stretch.from, stretch.to, tz),
                    axis: axis.name.clone(),
                    unit: Some(axis.unit),
                    from: stretch.from,
                    to: stretch.to,
                },
                difference,
                rank: rank(axis, span.own_ends),
            });
        }
    }
    for candidate in best(candidates) {
        found.add(candidate.place, candidate.difference, &base.name);
    }
    for axis in &choices {
        let mut groups: Vec<(Difference, Vec<String>)> = Vec::new();
        for value in &axis.values {
            found.questions += 2;
            let asked = versions.ask(axis.at(&document, value));
            let Some(difference) = asked.and_then(|asked| versions.difference(&asked)) else { continue };
            // What the base shows anyway does not depend on this fact.
            if own_difference.as_ref().is_some_and(|own| own.says(&difference)) || found.has(&difference) {
                continue;
            }
            match groups.iter_mut().find(|(own, _)| own.says(&difference)) {
                Some((_, values)) => values.push(said(value)),
                None => groups.push((difference, vec![said(value)])),
            }
        }
        for (difference, values) in groups {
            let place = Place {
                sort: Sort::Value,
                words: format!("{} {}", axis.name, either(&values)),
                axis: axis.name.clone(),
                unit: None,
                from: None,
                to: None,
            };
            found.add(place, difference, &base.name);
        }
    }
    if let Some(difference) = own_difference.filter(|difference| !found.has(difference)) {
        let place =
            Place { sort: Sort::Case, words: format!("cases like {}", base.name), axis: "case".into(), unit: None, from: None, to: None };
        found.add(place, difference, &base.name);
    }
    Some(found)
}

/// Less than a yuan: there the rounding to whole fen makes every share another one, which is no difference of policies.
fn is_sliver(axis: &NumberAxis, stretch: &Stretch) -> bool {
    const YUAN: i64 = 100;
    axis.unit == Unit::Money && stretch.from.is_some_and(|from| from > 0) && stretch.to.is_some_and(|to| to < YUAN)
}

/// A few values in words.
fn either(values: &[String]) -> String {
    const NAMED_MAX: usize = 5;
    match values.get(..NAMED_MAX) {
        Some(named) if values.len() > NAMED_MAX + 1 => format!("{} or {} others", named.join(" or "), values.len() - NAMED_MAX),
        _ => values.join(" or "),
    }
}

/// A value of a choice in words.
fn said(value: &Value) -> String {
    match value {
        Value::Null => "absent".to_owned(),
        Value::String(word) => word.clone(),
        Value::Bool(true) => "true".to_owned(),
        Value::Bool(false) => "false".to_owned(),
        Value::Array(words) if words.is_empty() => "empty".to_owned(),
        Value::Array(words) => words.iter().map(said).collect::<Vec<_>>().join(", "),
        _ => "present".to_owned(),
    }
}

/// How well an axis tells a difference. Units bought and asked for bound what a question is, seldom what is answered.
fn rank(axis: &NumberAxis, own_ends: u8) -> (u8, u8) {
    let own_ends = if axis.name.ends_with("qty") { 0 } else { own_ends.min(2) };
    (2 - own_ends, order(axis.unit))
}

const fn order(unit: Unit) -> u8 {
    match unit {
        Unit::Elapsed | Unit::Civil => 0,
        Unit::Money => 1,
        Unit::Share => 2,
        Unit::Count => 3,
    }
}

/// Stretches with one difference.
struct Span {
    stretch: Stretch,
    /// Ends at which one version changes and the other goes on: the limit that they do not share.
    own_ends: u8,
}

/// Stretches with a difference; neighbours with the same difference are one.
fn joined(stretches: &[Stretch], differing: Vec<Option<Difference>>) -> Vec<(Span, Difference)> {
    let mut joined: Vec<(Span, Difference)> = Vec::new();
    let mut before: Option<&Stretch> = None;
    let mut adjacent = false;
    for (stretch, difference) in stretches.iter().zip(differing) {
        let own_end = u8::from(before.is_some_and(|before| parts(&before.point, &stretch.point)));
        before = Some(stretch);
        match (joined.last_mut(), difference) {
            (Some((span, own)), Some(difference)) if adjacent && own.says(&difference) => span.stretch.to = stretch.to,
            (last, difference) => {
                // The end of the span before is the beginning of what comes now.
                if let Some((span, _)) = last.filter(|_| adjacent) {
                    span.own_ends += own_end;
                }
                adjacent = difference.is_some();
                joined.extend(difference.map(|difference| (Span { stretch: stretch.clone(), own_ends: own_end }, difference)));
            }
        }
    }
    joined
}

/// Whether one version goes on between two points and the other does not.
fn parts(one: &Point, next: &Point) -> bool {
    one.old.like(&next.old) != one.new.like(&next.new)
}

/// For each difference the axes that say best what it depends on: of a base, one difference is told along one axis.
fn best(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut least: Vec<(Difference, (u8, u8), String)> = Vec::new();
    for candidate in &candidates {
        match least.iter_mut().find(|(difference, ..)| difference.says(&candidate.difference)) {
            Some((_, rank, axis)) if candidate.rank < *rank => (*rank, *axis) = (candidate.rank, candidate.place.axis.clone()),
            Some(_) => {}
            None => least.push((candidate.difference.clone(), candidate.rank, candidate.place.axis.clone())),
        }
    }
    let chosen = |candidate: &Candidate| {
        least.iter().any(|(difference, _, axis)| difference.says(&candidate.difference) && *axis == candidate.place.axis)
    };
    candidates.into_iter().filter(chosen).collect()
}

/// What is odd about the ladder of one version: a stretch without money between two with, one delay paid twice, money that
/// falls while the delay grows, a fault.
fn remarks(
    base: &Base,
    axis: &NumberAxis,
    stretches: &[Stretch],
    tz_offset_min: i32,
    ask: &dyn Fn(i64) -> Option<Asked>,
    versions: &Versions<'_>,
) -> Vec<(Remark, Which, String)> {
    let mut remarks = Vec::new();
    for which in [Which::Old, Which::New] {
        let rungs = rungs(stretches, which);
        let words = |rung: &Rung<'_>| words::stretch(axis, rung.from, rung.to, tz_offset_min);
        let say = |rung: &Rung<'_>| ask(rung.at).map(|asked| versions.headline(&asked, which)).unwrap_or_default();
        let mut remark = |remark: Remark| remarks.push((remark, which, base.name.clone()));
        for (at, rung) in rungs.iter().enumerate() {
            if rung.view.overlaps > 0 {
                remark(Remark { sort: RemarkSort::Overlap, place: words(rung), text: format!("paid twice: {}", say(rung)) });
            }
            if rung.view.outcome().starts_with("fault") {
                remark(Remark { sort: RemarkSort::Fault, place: words(rung), text: rung.view.outcome().to_owned() });
            }
            let (before, after) = (at.checked_sub(1).and_then(|at| rungs.get(at)), rungs.get(at + 1));
            if let (Some(before), Some(after)) = (before, after)
                && rung.view.benefit() == 0
                && before.view.benefit() > 0
                && after.view.benefit() > 0
                && matches!(axis.unit, Unit::Elapsed | Unit::Civil)
            {
                let text = format!("{}, between {} and {}", say(rung), say(before), say(after));
                remark(Remark { sort: RemarkSort::Gap, place: words(rung), text });
            }
            if let Some(before) = before
                && rung.view.benefit() > 0
                && rung.view.benefit() < before.view.benefit()
                && axis.name == "overdue"
            {
                let text = format!("{} after {}", say(rung), say(before));
                remark(Remark { sort: RemarkSort::Falls, place: words(rung), text });
            }
        }
    }
    remarks
}

/// A stretch on which one version answers alike.
struct Rung<'a> {
    from: Option<i64>,
    to: Option<i64>,
    at: i64,
    view: &'a View,
}

fn rungs(stretches: &[Stretch], which: Which) -> Vec<Rung<'_>> {
    let mut rungs: Vec<Rung<'_>> = Vec::new();
    for stretch in stretches {
        let view = if which == Which::New { &stretch.point.new } else { &stretch.point.old };
        match rungs.last_mut() {
            Some(last) if last.view.like(view) && last.view.benefit() == view.benefit() => last.to = stretch.to,
            _ => rungs.push(Rung { from: stretch.from, to: stretch.to, at: stretch.at, view }),
        }
    }
    rungs
}
