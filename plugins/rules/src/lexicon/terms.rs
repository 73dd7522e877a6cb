//! Terms that are no part of the lexicon: a merchant's own words, its names, and the phrases a product has proof for.
//! They come with the settings or the case, so they are sorted lists, not tables.

use super::table::{RULES, Scope, rule_index};
use crate::contract::reply::Action;
use crate::normalise;

/// A merchant's additions to the lexicon (`rc.extra_terms`, `rc.allow_terms`). The guardrail runs without any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    extra: Vec<Extra>,
    allowed: Vec<Vec<char>>,
}

/// One word a merchant added to a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extra {
    text: Vec<char>,
    pub(super) rule: u8,
    pub(super) action: Action,
}

/// Why a term cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermProblem {
    /// The lexicon has no such rule.
    UnknownRule,
    /// The rule reads no words: personal data (RC-701–703), ids in public (RC-705), the label of a bot (RC-804).
    RuleWithoutWords,
    /// Nothing of the term is left on view N: it is empty, or only spaces, emoji or filler.
    Empty,
}

impl Terms {
    /// Adds a word to a rule, with the action of its findings.
    pub fn add(&mut self, rule: &str, term: &str, action: Action) -> Result<(), TermProblem> {
        let index = rule_index(rule).ok_or(TermProblem::UnknownRule)?;
        let known = &RULES[index];
        if known.on_view_p || matches!(known.scope, Scope::Public) || known.id == super::BOT_LABEL {
            return Err(TermProblem::RuleWithoutWords);
        }
        let text = on_view(term)?;
        let at = self.extra.partition_point(|extra| extra.text <= text);
        self.extra.insert(at, Extra { text, rule: index as u8, action });
        Ok(())
    }

    /// Adds a trademark or product name: it lifts words of origin G that stand inside it (EX-NAME).
    pub fn allow(&mut self, term: &str) -> Result<(), TermProblem> {
        let text = on_view(term)?;
        let at = self.allowed.partition_point(|allowed| *allowed <= text);
        self.allowed.insert(at, text);
        Ok(())
    }

    /// Where the merchant's words stand: for each rule the leftmost, the longest at each position.
    ///
    /// They are looked for apart from the lexicon's words, so that a long harmless term cannot hide a short forbidden one.
    pub(super) fn extra_in(&self, scalars: &[char]) -> Vec<(&Extra, u32, u32)> {
        let mut hits: Vec<(&Extra, u32, u32)> = Vec::new();
        let mut free_from = [0_u32; RULES.len()];
        let mut at = 0;
        let mut first = 0;
        occurrences(
            &self.extra,
            |extra| &extra.text,
            scalars,
            |extra, start, end| {
                if start != at {
                    hits[first..].iter().for_each(|(extra, _, end)| free_from[usize::from(extra.rule)] = *end);
                    (at, first) = (start, hits.len());
                }
                if free_from[usize::from(extra.rule)] > start {
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
        occurrences(&self.allowed, |term| term, scalars, |_, start, end| places.push((start, end)));
        places
    }
}

/// Every place of each of the phrases, as typed in the case.
pub(super) fn phrases_in<'a>(phrases: impl Iterator<Item = &'a str>, scalars: &[char]) -> Vec<(u32, u32)> {
    let mut sorted: Vec<Vec<char>> = phrases.map(normalise::term).filter(|phrase| !phrase.is_empty()).collect();
    sorted.sort_unstable();
    let mut places = Vec::new();
    occurrences(&sorted, |phrase| phrase, scalars, |_, start, end| places.push((start, end)));
    places
}

fn on_view(term: &str) -> Result<Vec<char>, TermProblem> {
    let text = normalise::term(term);
    if text.is_empty() { Err(TermProblem::Empty) } else { Ok(text) }
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
