//! Questions put to both versions, and how the amounts of their answers are told: by a law that holds wherever it is said to.

use std::cell::Cell;

use super::Answers;
use super::axes::NumberAxis;
use super::document::Document;
use super::findings::Which;
use super::ladder::{Point, Stretch};
use super::law::{Law, Sample, law};
use super::leaves::{Holds, leaves};
use super::probe::Versions;
use super::view::{Basis, Sight, View, bases, in_yuan};
use super::words::{self, Difference};
use crate::case::Case;

/// What money is made less and more, in tenths, to see whether an amount goes with it: close by, because farther off other limits may lie.
const NEAR: [i64; 3] = [9, 10, 11];

/// A question with what both versions answer, kept so that an answer can be put in words.
pub struct Asked {
    document: Document,
    case: Case,
    /// The answers.
    pub point: Point,
}

impl Asked {
    fn bases(&self) -> Vec<Basis> {
        bases(&self.case)
    }

    /// Whose amount is the nth of [`super::ladder::amounts`].
    fn names(&self) -> Vec<(Which, &'static str)> {
        let of = |which, view: &View| -> Vec<(Which, &'static str)> {
            let money = view.aspects.iter().filter(|(_, sight)| matches!(sight, Sight::Money(_)));
            money.map(|(name, _)| (which, *name)).collect()
        };
        [of(Which::Old, &self.point.old), of(Which::New, &self.point.new)].concat()
    }

    /// These amounts here; what is not given is nothing.
    fn amounts(&self, names: &[(Which, &'static str)]) -> Vec<i64> {
        let of = |(which, name): &(Which, &'static str)| match view(&self.point, *which).get(name) {
            Some(Sight::Money(fen)) => *fen,
            _ => 0,
        };
        names.iter().map(of).collect()
    }
}

/// The answer of one version.
pub const fn view(point: &Point, which: Which) -> &View {
    if matches!(which, Which::Old) { &point.old } else { &point.new }
}

/// The words of each amount of both answers.
pub struct Told(Vec<((Which, &'static str), String)>);

impl Told {
    fn say(&self, which: Which, name: &'static str, fen: i64) -> String {
        let own = self.0.iter().find(|((own, own_name), _)| *own == which && *own_name == name);
        own.map_or_else(|| in_yuan(fen), |(_, words)| words.clone())
    }

    /// Outcome and money of one version's answer.
    pub fn headline(&self, point: &Point, which: Which) -> String {
        words::headline(view(point, which), &|name, fen| self.say(which, name, fen))
    }

    /// The difference between the two answers, alike at all of the points.
    pub fn difference(&self, points: &[&Point]) -> Option<Difference> {
        words::difference(points, &|name, fen| self.say(Which::Old, name, fen), &|name, fen| self.say(Which::New, name, fen))
    }
}

/// Puts questions to two versions, and counts them.
pub struct Teller<'a> {
    versions: &'a Versions<'a>,
    questions: Cell<u64>,
    tz_offset_min: i32,
}

impl<'a> Teller<'a> {
    pub const fn new(versions: &'a Versions<'a>, tz_offset_min: i32) -> Self {
        Self { versions, questions: Cell::new(0), tz_offset_min }
    }

    /// Questions put, to both versions together.
    pub const fn questions(&self) -> u64 {
        self.questions.get()
    }

    /// The answers to a question; none where the document is none.
    pub fn ask(&self, document: Document) -> Option<Asked> {
        let (context, case) = document.read()?;
        self.questions.set(self.questions.get() + 2);
        let view = |version: &dyn Answers| View::of(&case, &version.answer(&context, &case));
        let point = Point { old: view(self.versions.old), new: view(self.versions.new) };
        Some(Asked { document, case, point })
    }

    /// The difference between the answers to one question.
    pub fn difference(&self, asked: &Asked) -> Option<Difference> {
        if asked.point.same() {
            return None;
        }
        let told = self.near(asked, &|_| true);
        Told(asked.names().into_iter().zip(told).collect()).difference(&[&asked.point])
    }

    /// How the amounts of a stretch are told: each by its law.
    pub fn told(&self, stretch: &Stretch, axis: &NumberAxis, base: &Document) -> Told {
        let ask = |at: i64| axis.at(base, at).and_then(|document| self.ask(document));
        let Some(middle) = ask(stretch.at) else { return Told(Vec::new()) };
        let (names, own) = (middle.names(), middle.bases());
        let fixed = |law: &Law| matches!(law, Law::Fixed(fen) if *fen != 0);
        let near = if stretch.laws.iter().any(fixed) { self.near_along(stretch, middle, &ask) } else { Vec::new() };
        let ends = |nth: usize, even: bool| {
            let at = |(at, point): &(i64, Point)| Some((*at, *super::ladder::amounts(point).get(nth)?));
            let (first, last) = at(&stretch.first).zip(at(&stretch.last))?;
            Some(words::from_to(axis, first, last, even, self.tz_offset_min))
        };
        let words = |nth: usize| match stretch.laws.get(nth)? {
            Law::Fixed(fen) => Some(near.get(nth).cloned().flatten().unwrap_or_else(|| in_yuan(*fen))),
            Law::Share { base, bp, plus } => Some(words::share(*bp, own.get(*base)?.words, *plus)),
            Law::Even { .. } => ends(nth, true),
            Law::Varies => ends(nth, false),
        };
        Told(names.into_iter().enumerate().filter_map(|(nth, name)| Some((name, words(nth)?))).collect())
    }

    /// What is said of the amounts that stay what they are along a stretch: a share, if it is that at both ends and between them.
    fn near_along(&self, stretch: &Stretch, middle: Asked, ask: &dyn Fn(i64) -> Option<Asked>) -> Vec<Option<String>> {
        let (first, last) = (ask(stretch.first.0), ask(stretch.last.0));
        let own = middle.bases();
        let at = |asked: &Option<Asked>, nth: usize| asked.as_ref().and_then(|asked| Some(asked.bases().get(nth)?.fen));
        // With money that is moved anyway, an amount that stays what it is does not go.
        let still = |nth: usize| [&first, &last].into_iter().all(|end| at(end, nth) == own.get(nth).map(|basis| basis.fen));
        let told = self.near(&middle, &still);
        let plain: Vec<String> = middle.amounts(&middle.names()).into_iter().map(in_yuan).collect();
        if told == plain {
            return told.into_iter().map(Some).collect();
        }
        let ends: Vec<Vec<String>> = [&first, &last].into_iter().flatten().map(|asked| self.near(asked, &still)).collect();
        told.into_iter().enumerate().map(|(nth, words)| ends.iter().all(|end| end.get(nth) == Some(&words)).then_some(words)).collect()
    }

    /// What is said of the amounts of one answer: a share, if it goes with one sort of money when that is a little less or more. `wanted`: of
    /// which bases it may be one.
    fn near(&self, asked: &Asked, wanted: &dyn Fn(usize) -> bool) -> Vec<String> {
        let (names, own) = (asked.names(), asked.bases());
        let amounts = asked.amounts(&names);
        let mut sorts: Vec<(&Basis, Vec<Sample>)> = Vec::new();
        for (_, basis) in own.iter().enumerate().filter(|(nth, basis)| wanted(*nth) && basis.fen > 0) {
            if names.is_empty() || sorts.iter().any(|(other, _)| other.under == basis.under) {
                continue;
            }
            let near = NEAR.into_iter().filter_map(|tenths| {
                let near = self.ask(scaled(&asked.document, basis.under, tenths))?;
                let bases = near.bases().into_iter().enumerate().map(|(nth, basis)| if wanted(nth) { basis.fen } else { 0 });
                Some(Sample { at: tenths, amounts: near.amounts(&names), bases: bases.collect() })
            });
            sorts.push((basis, near.collect()));
        }
        let words = |(nth, fen): (usize, &i64)| {
            let mut goes = sorts.iter().filter(|(_, samples)| law(samples, nth) != Some(Law::Fixed(*fen)));
            match (goes.next(), goes.next()) {
                (Some((basis, samples)), None) => goes_with(samples, nth, &own, basis).unwrap_or_else(|| in_yuan(*fen)),
                _ => in_yuan(*fen),
            }
        };
        amounts.iter().enumerate().map(words).collect()
    }
}

/// What is said of an amount that goes with one sort of money.
fn goes_with(samples: &[Sample], nth: usize, own: &[Basis], sort: &Basis) -> Option<String> {
    if let Some(Law::Share { base, bp, plus }) = law(samples, nth) {
        return Some(words::share(bp, own.get(base)?.words, plus));
    }
    // It may grow as the money does, and be no share that could be named.
    let amounts = samples.iter().map(|sample| Some((sample.at, *sample.amounts.get(nth)?)));
    let line: Vec<(i64, i64)> = std::iter::once(Some((0, 0))).chain(amounts).collect::<Option<_>>()?;
    let line: Vec<Sample> = line.into_iter().map(|(at, fen)| Sample { at, amounts: vec![fen], bases: Vec::new() }).collect();
    matches!(law(&line, 0), Some(Law::Even { .. })).then(|| format!("a share {}", sort.words))
}

/// The same question with less or more of one sort of money.
fn scaled(document: &Document, under: &str, tenths: i64) -> Document {
    let money = leaves(document).into_iter().filter(|leaf| leaf.holds == Holds::Money && leaf.pointer.starts_with(under));
    money.fold(document.clone(), |scaled, leaf| match document.number(&leaf.pointer) {
        Some(fen) => scaled.with(&leaf.pointer, (fen.saturating_mul(tenths) / 10).into()),
        None => scaled,
    })
}
