//! The questions to begin with: golden cases that the versions carry, and one ordinary case of each kind.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::axes::{NumberAxis, Seeds, TEXT, axes};
use super::document::Document;
use super::ladder::Point;
use super::probe::{Base, Versions};
use super::view::View;
use crate::case::Case;
use crate::golden::{self, Given, GoldenCase, GoldenError};
use crate::kind::Kind;

/// Bases that are probed; of cases that are alike, one is enough.
pub const BASES_MAX: usize = 128;

/// One ordinary case of each kind, and the deepest rung of each ladder.
const ORDINARY: &str = include_str!("bases.yaml");

/// The bases of a kind, with what became of the cases that the versions carry.
#[derive(Clone, Debug)]
pub struct Bases {
    /// What is probed.
    pub bases: Vec<Base>,
    /// Of the carried cases.
    pub carried: Carried,
}

/// What became of the cases that the versions carry, those that are the same question counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// Cases of the kind.
    pub cases: u32,
    /// They are bases.
    pub moved: u32,
    /// They differ from a base in nothing but numbers that are moved anyway.
    pub alike: u32,
    /// They are like no base, and there was no room for them.
    pub left_out: u32,
}

/// A case that may become a base.
struct Candidate {
    base: Base,
    point: Point,
    /// None for an ordinary case.
    carried: bool,
    /// The question without the numbers that are moved.
    numberless: Document,
    /// The same without the words, flags and marks that are moved: ids, attributes, texts, how many there are of what.
    unmoved: Document,
}

impl Candidate {
    /// How much it has that no base has, the most first; none where there is a base that it is like.
    fn new_to(&self, chosen: &[Self]) -> Option<u8> {
        let any = |alike: &dyn Fn(&Self) -> bool| chosen.iter().any(alike);
        match () {
            () if !any(&|other| other.point.like(&self.point)) => Some(0),
            () if !any(&|other| other.unmoved == self.unmoved) => Some(1),
            () if !any(&|other| other.numberless == self.numberless) => Some(2),
            () => None,
        }
    }
}

/// The bases of a kind: the ordinary cases, then those of `golden` that are answered in a new way; then those that are answered like others, but
/// have what no number that is moved brings about: what no axis moves at all, such as attributes, before words and flags. A policy may have a limit
/// of its own for them, of which the answer to the case as it is says nothing. Of each sort those that the versions answer differently come first.
///
/// # Errors
/// The built-in cases cannot be read, which a test excludes.
pub fn bases_of(kind: Kind, golden: &[GoldenCase], versions: &Versions<'_>) -> Result<Bases, GoldenError> {
    let ordinary = golden::load(ORDINARY)?;
    let candidate = |base: Base, carried: bool| {
        let view = |version: &dyn super::Answers| View::of(&base.case, &version.answer(&base.context, &base.case));
        let point = Point { old: view(versions.old), new: view(versions.new) };
        let (numberless, unmoved) = shapes(&Document::new(&base.context, &base.case).ok()?);
        Some(Candidate { base, point, carried, numberless, unmoved })
    };
    let of_kind = |case: &GoldenCase| base(case).filter(|base| base.case.kind() == kind);
    let mut questions: Vec<Base> = Vec::new();
    for base in golden.iter().filter_map(of_kind) {
        if !questions.iter().any(|other| (&other.context, &other.case) == (&base.context, &base.case)) {
            questions.push(base);
        }
    }
    let mut golden: Vec<Candidate> = questions.into_iter().filter_map(|base| candidate(base, true)).collect();
    golden.sort_by_key(|candidate| candidate.point.same());
    let mut carried = Carried { cases: count(golden.len()), ..Carried::default() };

    let mut rest: Vec<Candidate> = ordinary.iter().filter_map(of_kind).filter_map(|base| candidate(base, false)).chain(golden).collect();
    let mut chosen: Vec<Candidate> = Vec::new();
    for news in 0..=2 {
        for candidate in std::mem::take(&mut rest) {
            let is_new = candidate.new_to(&chosen).is_some_and(|own| own <= news);
            // An ordinary case stands for its answer only.
            let meant = candidate.carried || news == 0;
            if is_new && meant && chosen.len() < BASES_MAX { chosen.push(candidate) } else { rest.push(candidate) }
        }
    }
    carried.moved = count(chosen.iter().filter(|candidate| candidate.carried).count());
    carried.left_out = count(rest.iter().filter(|candidate| candidate.carried && candidate.new_to(&chosen).is_some()).count());
    carried.alike = carried.cases - carried.moved - carried.left_out;
    Ok(Bases { bases: chosen.into_iter().map(|candidate| candidate.base).collect(), carried })
}

/// A question without the numbers that are moved, and without anything that is moved.
fn shapes(document: &Document) -> (Document, Document) {
    let (numbers, choices) = axes(document, &Seeds::default());
    let places: BTreeSet<&str> = numbers.iter().flat_map(NumberAxis::places).collect();
    let numberless = places.into_iter().fold(document.clone(), |document, place| document.with(place, json!(0)));
    // A draft is kept as it is: terms are put in its place, and nothing within it is moved.
    let words = choices.iter().filter(|axis| axis.name != TEXT);
    let unmoved = words.fold(numberless.clone(), |document, axis| document.with(axis.place(), Value::Null));
    (numberless, unmoved)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The ordinary cases of a kind.
pub(crate) fn ordinary(kind: Kind) -> Result<Vec<Base>, GoldenError> {
    Ok(golden::load(ORDINARY)?.iter().filter_map(base).filter(|base| base.case.kind() == kind).collect())
}

fn base(case: &GoldenCase) -> Option<Base> {
    let (context, facts) = match &case.given {
        Given::AfterSale(context, facts) => (context, Case::AfterSale(facts.clone())),
        Given::Delay(context, facts) => (context, Case::Delay(facts.clone())),
        Given::Blacklist(context, facts) => (context, Case::Blacklist(facts.clone())),
        Given::Reply(context, facts) => (context, Case::Reply(facts.clone())),
        _ => return None,
    };
    Some(Base { name: case.id.clone(), context: context.clone(), case: facts })
}

#[cfg(test)]
mod tests {
    use ombud_rules::contract::after_sale::{AfterSaleRuling, Outcome, Payer};
    use ombud_rules::contract::types::{Context, Notes};

    use super::super::{Answers, Found, probe};
    use super::*;
    use crate::fault::Fault;
    use crate::ruling::Ruling;

    /// Whoever has the attribute gets a tenth less from so many fen on: under them the answer is everybody's.
    struct Vip(i64);

    impl Answers for Vip {
        fn answer(&self, _: &Context, case: &Case) -> Result<Ruling, Fault> {
            let Case::AfterSale(facts) = case else { panic!("{}", case.kind()) };
            let vip = facts.attributes.iter().any(|own| own.value == "vip");
            let paid = facts.order.lines[0].unit_price;
            Ok(Ruling::AfterSale(AfterSaleRuling {
                outcome: Outcome::ApproveReturnRefund,
                options: Vec::new(),
                refund: if vip && paid > self.0 { paid - paid / 10 } else { paid },
                breakdown: Vec::new(),
                return_freight: Payer::Buyer,
                window_deadline: None,
                refund_deadline: None,
                statutory_exposure: None,
                missing_evidence: Vec::new(),
                notes: Notes::empty(),
            }))
        }
    }

    fn golden(given: &[String]) -> Vec<GoldenCase> {
        let case = |(at, given): (usize, &String)| {
            format!("- {{id: C-{at}, kind: after-sale, title: t, given: {given}, expect: {{outcome: approve-return-refund}}}}\n")
        };
        golden::load(&format!("cases:\n{}", given.iter().enumerate().map(case).collect::<String>())).unwrap()
    }

    fn with_value(value: &str) -> String {
        format!("after-sale: {{attributes: [{{key: shop.tier, value: {value}}}]}}")
    }

    /// The answer to a case says nothing of a limit that lies elsewhere: what has an attribute is moved, though it is answered like all others.
    #[test]
    fn a_case_with_an_attribute_is_moved_however_it_is_answered() {
        let vip = with_value("vip");
        let cases = golden(&[
            "{}".to_owned(),
            format!("{{{vip}}}"),
            format!("{{lines: [{{unit-price: 200000}}], {vip}}}"),
            "{after-sale: {applied-at: \"2026-11-12T23:59:59+08:00\"}}".to_owned(),
            "{}".to_owned(),
        ]);
        let versions = Versions { old: &Vip(80_000), new: &Vip(90_000) };
        let Bases { bases, carried } = bases_of(Kind::AfterSale, &cases, &versions).unwrap();
        assert_eq!(bases.iter().filter(|base| base.name.starts_with("C-")).map(|base| base.name.as_str()).collect::<Vec<_>>(), ["C-1"]);
        assert_eq!(carried, Carried { cases: 4, moved: 1, alike: 3, left_out: 0 });
        let mut seeds = Seeds::default();
        seeds.add(&json!({"from": 80_000}));
        seeds.add(&json!({"from": 90_000}));
        let mut found = Found::default();
        bases.iter().for_each(|base| found.merge(probe(base, &seeds, &versions).unwrap()));
        let places: Vec<_> = found.findings().into_iter().map(|finding| (finding.place.from, finding.place.to)).collect();
        assert!(places.contains(&(Some(80_001), Some(90_000))), "{places:?}");
    }

    /// What no number brings about is moved; however many such cases are carried, the bases are bounded, and what has no room is counted.
    #[test]
    fn words_and_flags_make_bases_and_there_is_an_end_to_them() {
        let versions = Versions { old: &Vip(80_000), new: &Vip(80_000) };
        let flagged =
            golden(&["{line: {category: food}}".to_owned(), "{line: {recalled: true}}".to_owned(), "{line: {qty: 2}}".to_owned()]);
        let Bases { bases, carried } = bases_of(Kind::AfterSale, &flagged, &versions).unwrap();
        assert!(["C-0", "C-1"].iter().all(|name| bases.iter().any(|base| base.name == *name)), "{bases:?}");
        assert_eq!(carried, Carried { cases: 3, moved: 2, alike: 1, left_out: 0 });

        // Attributes come before words: nothing brings them about.
        let many = (0..2 * BASES_MAX).map(|at| format!("{{{}}}", with_value(&format!("tier-{at}"))));
        let given: Vec<String> = std::iter::once("{line: {category: food}}".to_owned()).chain(many).collect();
        let Bases { bases, carried } = bases_of(Kind::AfterSale, &golden(&given), &versions).unwrap();
        assert_eq!(bases.len(), BASES_MAX);
        assert!(!bases.iter().any(|base| base.name == "C-0"));
        let all = u32::try_from(2 * BASES_MAX).unwrap() + 1;
        assert_eq!((carried.cases, carried.alike, carried.moved + carried.left_out), (all, 0, all));
    }

    /// Of which law a rule speaks is part of what a policy says.
    #[test]
    fn another_locator_of_a_citation_is_a_difference() {
        use ombud_rules::contract::types::{Citation, Reason, Severity};
        struct Cited(&'static str);
        impl Answers for Cited {
            fn answer(&self, context: &Context, case: &Case) -> Result<Ruling, Fault> {
                let Ok(Ruling::AfterSale(mut ruling)) = Vip(80_000).answer(context, case) else { panic!() };
                let citations = vec![Citation { source: "law".into(), locator: self.0.into() }];
                ruling.notes.reasons.push(Reason { rule: "R-1".into(), severity: Severity::Low, facts: Vec::new(), citations });
                Ok(Ruling::AfterSale(ruling))
            }
        }
        let found = |new: &'static str| {
            let versions = Versions { old: &Cited("art. 24"), new: &Cited(new) };
            let mut found = Found::default();
            let bases = bases_of(Kind::AfterSale, &[], &versions).unwrap().bases;
            bases.iter().for_each(|base| found.merge(probe(base, &Seeds::default(), &versions).unwrap()));
            found.findings().into_iter().map(|finding| finding.difference).collect::<Vec<_>>()
        };
        assert_eq!(found("art. 24"), []);
        let differing = found("art. 25");
        assert!(differing.iter().any(|own| own.new == "citations: law art. 25"), "{differing:?}");
    }
}
