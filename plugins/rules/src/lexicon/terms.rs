//! Terms that are no part of the lexicon: a merchant's own words, its names, and the phrases a product has proof for.
//! They come with the settings or the case, so they are sorted lists, not tables.

use super::table::{RULES, Scope, rule_index};
use crate::contract::reply::Action;
use crate::normalise;

/// A text of at least one scalar as it stands on view N.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Phrase(Vec<char>);

impl Phrase {
    /// The phrase as view N shows it; none if nothing is left of it (it is empty, or only spaces, emoji or filler), so that it
    /// could never be found.
    pub fn new(text: &str) -> Option<Self> {
        let scalars = normalise::term(text);
        (!scalars.is_empty()).then_some(Self(scalars))
    }

    /// The phrase as view N shows it.
    pub fn text(&self) -> String {
        self.0.iter().collect()
    }
}

/// A rule that reads words: not personal data (RC-701–703), ids in public (RC-705) or the label of a bot (RC-804).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordRule(u8);

impl WordRule {
    /// The rule of this id, if it reads words.
    pub fn new(id: &str) -> Option<Self> {
        let index = rule_index(id)?;
        let rule = &RULES[index];
        let reads_words = !rule.on_view_p && !matches!(rule.scope, Scope::Public) && rule.id != super::BOT_LABEL;
        reads_words.then_some(Self(index as u8))
    }

    /// "RC-101".
    pub fn id(self) -> &'static str {
        RULES[usize::from(self.0)].id
    }
}

/// One word a merchant adds to a rule (`rc.extra_terms`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraTerm {
    pub phrase: Phrase,
    pub rule: WordRule,
    /// What its findings ask for.
    pub action: Action,
}

impl ExtraTerm {
    /// Index of the rule.
    pub(super) fn rule_index(&self) -> u8 {
        self.rule.0
    }
}

/// A merchant's additions to the lexicon. The guardrail runs without any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    extra: Vec<ExtraTerm>,
    allowed: Vec<Phrase>,
}

impl Terms {
    /// Words added to rules, and names (`rc.allow_terms`) that lift words of origin G which stand inside them (EX-NAME).
    pub fn new(mut extra: Vec<ExtraTerm>, mut allowed: Vec<Phrase>) -> Self {
        extra.sort_by(|one, other| one.phrase.cmp(&other.phrase));
        allowed.sort_unstable();
        Self { extra, allowed }
    }

    /// Where the merchant's words stand: for each rule the leftmost, the longest at each position.
    ///
    /// They are looked for apart from the lexicon's words, so that a long harmless term cannot hide a short forbidden one.
    pub(super) fn extra_in(&self, scalars: &[char]) -> Vec<(&ExtraTerm, u32, u32)> {
        let mut hits: Vec<(&ExtraTerm, u32, u32)> = Vec::new();
        let mut free_from = [0_u32; RULES.len()];
        let mut at = 0;
        let mut first = 0;
        occurrences(
            &self.extra,
            |extra| &extra.phrase.0,
            scalars,
            |extra, start, end| {
                if start != at {
                    hits[first..].iter().for_each(|(extra, _, end)| free_from[usize::from(extra.rule.0)] = *end);
                    (at, first) = (start, hits.len());
                }
                if free_from[usize::from(extra.rule.0)] > start {
                    return;
                }
                match hits[first..].iter_mut().find(|(shorter, _, _)| shorter.rule == extra.rule) {
                    // The same word twice keeps the stricter action.
                    Some(known) if known.2 == end && known.0.action >= extra.action => {}
                    Some(known) => *known = (extra, start, end),
                    None => hits.push((extra, start, end)),
                }
            },
        );
        hits
    }

    /// Every place of an allowed term.
    pub(super) fn allowed_in(&self, scalars: &[char]) -> Vec<(u32, u32)> {
        let mut places = Vec::new();
        occurrences(&self.allowed, |term| &term.0, scalars, |_, start, end| places.push((start, end)));
        places
    }
}

/// Every place of each of the phrases, as typed in the case.
pub(super) fn phrases_in<'a>(phrases: impl Iterator<Item = &'a str>, scalars: &[char]) -> Vec<(u32, u32)> {
    let mut sorted: Vec<Phrase> = phrases.filter_map(Phrase::new).collect();
    sorted.sort_unstable();
    let mut places = Vec::new();
    occurrences(&sorted, |phrase| &phrase.0, scalars, |_, start, end| places.push((start, end)));
    places
}

/// Every term of a sorted list at every position, the shorter first: the list is narrowed scalar by scalar, as in a trie.
fn occurrences<'a, T>(sorted: &'a [T], text_of: impl Fn(&T) -> &Vec<char>, scalars: &[char], mut each: impl FnMut(&'a T, u32, u32)) {
    if sorted.is_empty() {
        return;
    }
    for start in 0..scalars.len() {
        let mut left = sorted;
        for (depth, scalar) in scalars[start..].iter().enumerate() {
            let low = left.partition_point(|term| text_of(term).get(depth) < Some(scalar));
            let high = left.partition_point(|term| text_of(term).get(depth) <= Some(scalar));
            left = &left[low..high];
            if left.is_empty() {
                break;
            }
            let ended = left.iter().take_while(|term| text_of(term).len() == depth + 1);
            ended.for_each(|term| each(term, start as u32, (start + depth + 1) as u32));
        }
    }
}
