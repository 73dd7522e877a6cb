//! One base case moved along every axis, under two versions.

use ombud_rules::contract::types::Context;
use serde_json::Value;

use super::Answers;
use super::axes::{NumberAxis, Seeds, Unit, axes};
use super::document::Document;
use super::findings::{Found, Place, Sort};
use super::ladder::{Ground, Point, Stretch, stretches};
use super::law::Law;
use super::remarks::remarks;
use super::telling::Teller;
use super::view::bases;
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
    let tz = base.context.tz_offset_min;
    let teller = Teller::new(versions, tz);
    let own = teller.ask(document.clone())?;
    let (numbers, choices) = axes(&document, seeds);
    let mut found = Found::default();
    let own_difference = teller.difference(&own);

    let mut candidates: Vec<Candidate> = Vec::new();
    for axis in &numbers {
        let bases_at = |at: i64| {
            let read = axis.at(&document, at).and_then(|document| document.read());
            read.map(|(_, case)| bases(&case).into_iter().map(|basis| basis.fen).collect()).unwrap_or_default()
        };
        let ground = Ground { steps: words::steps(axis.unit), laws_everywhere: axis.name == "overdue", bases: &bases_at };
        let stretches = stretches(&axis.points, &ground, |at| teller.ask(axis.at(&document, at)?).map(|asked| asked.point));
        let remarks = remarks(axis, &stretches, tz, &|stretch| teller.told(stretch, axis, &document));
        found.remark(remarks.into_iter().map(|(remark, which)| (remark, which, base.name.clone())).collect());
        let difference = |stretch: &Stretch| {
            let points = [&stretch.first.1, &stretch.point, &stretch.last.1];
            if stretch.point.same() { None } else { teller.told(stretch, axis, &document).difference(&points) }
        };
        let differing: Vec<Option<Difference>> = stretches.iter().map(difference).collect();
        // What is the same along the whole axis does not depend on it; an amount that moves with it does.
        let alike = |one: &Option<Difference>, next: &Option<Difference>| match (one, next) {
            (Some(one), Some(next)) => one.says(next),
            (one, next) => one.is_none() == next.is_none(),
        };
        let moves = |stretch: &Stretch| stretch.laws.iter().any(|law| matches!(law, Law::Even { .. } | Law::Varies));
        let everywhere = differing.windows(2).all(|pair| matches!(pair, [one, next] if alike(one, next))) && !stretches.iter().any(moves);
        if everywhere {
            continue;
        }
        let spans = joined(&stretches, differing);
        let ends: Vec<(Option<i64>, Option<i64>)> = spans.iter().map(|(span, _)| (span.stretch.from, span.stretch.to)).collect();
        for (span, difference) in spans {
            let stretch = span.stretch;
            let next = |own: Option<i64>, by: i64| own.and_then(|own| own.checked_add(by));
            let goes_on = ends
                .iter()
                .any(|(from, to)| (from.is_some() && *from == next(stretch.to, 1)) || (to.is_some() && *to == next(stretch.from, -1)));
            // Where both versions change together, a number says nothing about what the base shows anyway; a delay does.
            let timed = matches!(axis.unit, Unit::Elapsed | Unit::Civil);
            let idle = !timed && span.own_ends == 0 && own_difference.as_ref().is_some_and(|own| own.says(&difference));
            if is_sliver(axis, &stretch) && (goes_on || rounds(&stretch)) || idle {
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
            let asked = teller.ask(axis.at(&document, value));
            let Some(difference) = asked.and_then(|asked| teller.difference(&asked)) else { continue };
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
    (found.bases, found.questions) = (1, teller.questions());
    Some(found)
}

/// Less than a yuan: there the rounding to whole fen makes every share another one.
fn is_sliver(axis: &NumberAxis, stretch: &Stretch) -> bool {
    const YUAN: i64 = 100;
    axis.unit == Unit::Money && stretch.from.is_some_and(|from| from > 0) && stretch.to.is_some_and(|to| to < YUAN)
}

/// Whether the answers differ by no more than rounding does, which is no difference of policies.
fn rounds(stretch: &Stretch) -> bool {
    [&stretch.first.1, &stretch.point, &stretch.last.1].into_iter().all(|point| {
        let apart = point.old.benefit().abs_diff(point.new.benefit());
        apart == 1 || (apart == 0 && point.old.outcome() == point.new.outcome())
    })
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
            (Some((span, own)), Some(difference)) if adjacent && own.says(&difference) => {
                (span.stretch.to, span.stretch.last) = (stretch.to, stretch.last.clone());
            }
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
