//! The questions to begin with: golden cases that the versions carry, and one ordinary case of each kind.

use super::probe::{Base, Versions};
use super::view::View;
use crate::case::Case;
use crate::golden::{self, Given, GoldenCase, GoldenError};
use crate::kind::Kind;

/// Bases that are probed; of cases that both versions answer alike in every word, one is enough.
pub const BASES_MAX: usize = 32;

/// One ordinary case of each kind, and the deepest rung of each ladder.
const ORDINARY: &str = include_str!("bases.yaml");

/// The bases of a kind: the ordinary cases, then those of `golden` that are answered in a new way.
///
/// # Errors
/// The built-in cases cannot be read, which a test excludes.
pub fn bases_of(kind: Kind, golden: &[GoldenCase], versions: &Versions<'_>) -> Result<Vec<Base>, GoldenError> {
    let ordinary = golden::load(ORDINARY)?;
    let mut bases: Vec<Base> = Vec::new();
    let mut seen: Vec<(View, View)> = Vec::new();
    for case in ordinary.iter().chain(golden) {
        let Some(base) = base(case).filter(|base| base.case.kind() == kind) else { continue };
        let view = |version: &dyn super::Answers| View::of(&base.case, &version.answer(&base.context, &base.case));
        let answers = (view(versions.old), view(versions.new));
        if bases.len() < BASES_MAX && !seen.iter().any(|(old, new)| old.like(&answers.0) && new.like(&answers.1)) {
            seen.push(answers);
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
