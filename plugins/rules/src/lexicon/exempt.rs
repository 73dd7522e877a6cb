//! Exemptions: the sentences in which a word of the lexicon is right. Each protects spans of view N; a finding that lies
//! wholly inside one, and whose rule lists the exemption, is recorded and not counted.

use super::Raw;
use super::scan::{Scan, is_in};
use super::table::{EXEMPTIONS, Exemption, NONE, RULES, TermSource};
use super::terms::{self, Terms};
use super::vm::Scratch;
use crate::contract::reply::ProductFacts;
use crate::normalise::View;

/// What an exemption may ask of the case.
#[derive(Clone, Copy, Default)]
pub(super) struct Grounds<'a> {
    pub official_contact_allowed: bool,
    pub product: Option<&'a ProductFacts>,
    pub terms: Option<&'a Terms>,
}

/// Looks each exemption up once, when the first finding asks for it.
pub(super) struct Exemptions<'a> {
    view: &'a View,
    scan: &'a Scan,
    grounds: Grounds<'a>,
    protected: [Option<Vec<(u32, u32)>>; EXEMPTIONS.len()],
}

impl<'a> Exemptions<'a> {
    pub(super) fn new(view: &'a View, scan: &'a Scan, grounds: Grounds<'a>) -> Self {
        Self { view, scan, grounds, protected: [const { None }; EXEMPTIONS.len()] }
    }

    /// The first exemption of the rule that lifts a finding.
    pub(super) fn lifting(&mut self, raw: &Raw, scratch: &mut Scratch) -> Option<&'static str> {
        let listed = RULES[usize::from(raw.rule)].exempt;
        listed.iter().map(|index| usize::from(*index)).find_map(|index| {
            let exemption = &EXEMPTIONS[index];
            let lifted = raw.origins.within(exemption.lifts) && self.protects(index, raw, scratch);
            lifted.then_some(exemption.id)
        })
    }

    fn protects(&mut self, index: usize, raw: &Raw, scratch: &mut Scratch) -> bool {
        let (view, scan, grounds) = (self.view, self.scan, self.grounds);
        let spans = self.protected[index].get_or_insert_with(|| protected(&EXEMPTIONS[index], view, scan, grounds, scratch));
        spans.iter().any(|(start, end)| *start <= raw.start && raw.end <= *end)
    }
}

fn protected(exemption: &Exemption, view: &View, scan: &Scan, grounds: Grounds<'_>, scratch: &mut Scratch) -> Vec<(u32, u32)> {
    if exemption.official_only && !grounds.official_contact_allowed {
        return Vec::new();
    }
    match exemption.terms {
        TermSource::None => {}
        TermSource::Allowed => return grounds.terms.map_or_else(Vec::new, |terms| terms.allowed_in(&view.scalars)),
        TermSource::Substantiated => {
            let phrases = grounds.product.into_iter().flat_map(|product| &product.substantiated);
            return terms::phrases_in(phrases.map(|proof| proof.phrase.as_str()), &view.scalars);
        }
    }
    let mut found = Vec::new();
    for pattern in exemption.patterns.0..exemption.patterns.1 {
        scan.matches(pattern, view, scratch, |one| found.push(one));
    }
    if exemption.not_if != NONE {
        // The whole match counts, not only the protected part: 感谢您再给五星好评,领红包 asks for a review.
        found.retain(|one| !is_in(exemption.not_if, &view.classes[one.whole.0 as usize..one.whole.1 as usize], scratch));
    }
    found.into_iter().map(|one| one.span).collect()
}
