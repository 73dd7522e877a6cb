//! The questions to begin with: golden cases that the versions carry, and one ordinary case of each kind.

use super::ladder::Point;
use super::probe::{Base, Versions};
use super::view::View;
use crate::case::Case;
use crate::golden::{self, Given, GoldenCase, GoldenError};
use crate::kind::Kind;

/// Bases that are probed; of cases that both versions answer alike in every word, one is enough.
pub const BASES_MAX: usize = 32;

/// One ordinary case of each kind, and the deepest rung of each ladder.
const ORDINARY: &str = include_str!("bases.yaml");

/// The bases of a kind: the ordinary cases, then those of `golden` that are answered in a new way. Those that the versions answer differently come
/// first: none of them is left out for others that say nothing.
///
/// # Errors
/// The built-in cases cannot be read, which a test excludes.
pub fn bases_of(kind: Kind, golden: &[GoldenCase], versions: &Versions<'_>) -> Result<Vec<Base>, GoldenError> {
    let ordinary = golden::load(ORDINARY)?;
    let asked = |case: &GoldenCase| {
        let base = base(case).filter(|base| base.case.kind() == kind)?;
        let view = |version: &dyn super::Answers| View::of(&base.case, &version.answer(&base.context, &base.case));
        let point = Point { old: view(versions.old), new: view(versions.new) };
        Some((base, point))
    };
    let mut golden: Vec<(Base, Point)> = golden.iter().filter_map(asked).collect();
    golden.sort_by_key(|(_, point)| point.same());
    let mut bases: Vec<Base> = Vec::new();
    let mut seen: Vec<Point> = Vec::new();
    for (base, point) in ordinary.iter().filter_map(asked).chain(golden) {
        if bases.len() < BASES_MAX && !seen.iter().any(|other| other.like(&point)) {
            seen.push(point);
            bases.push(base);
        }
    }
    Ok(bases)
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
