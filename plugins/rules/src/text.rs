//! What the contract's import `text` answers since version 1.1: a text folded, and where words stand in it. The host answers a
//! component with this, and the SDK a policy that is tested natively.
//!
//! Frozen with the contract: a recorded decision that asked is run again on it. `tests` hold a digest over every scalar; what a later
//! table would fold otherwise is for a later version of the contract, beside this one.

#[cfg(test)]
mod tests;

use crate::normalise::{term, view_n};

/// Words that are told of at most, the first in the text.
pub const FOUND_MAX: usize = 1024;

/// A word that stands in a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// First scalar of the text as given.
    pub start: u32,
    /// Index of the word.
    pub word: u32,
    /// Behind the last scalar.
    pub end: u32,
    /// What stands there, as it was typed.
    pub matched: String,
}

/// The text as the reply check's view N has it.
pub fn fold(text: &str) -> String {
    view_n(text).scalars.into_iter().collect()
}

/// Where words stand in a text, both folded, in the order of place and word.
pub fn find(text: &str, words: &[impl AsRef<str>]) -> Vec<Found> {
    let view = view_n(text);
    let folded: String = view.scalars.iter().collect();
    // The scalar of the view that each byte of the folded text belongs to.
    let scalar_at: Vec<usize> =
        view.scalars.iter().enumerate().flat_map(|(at, scalar)| std::iter::repeat_n(at, scalar.len_utf8())).collect();
    let mut found: Vec<(u32, u32, u32)> = Vec::new();
    for (word, text) in (0..).zip(words) {
        let folded_word: String = term(text.as_ref()).into_iter().collect();
        if folded_word.is_empty() {
            continue;
        }
        let before = found.len();
        for (at, _) in folded.match_indices(&folded_word).take(FOUND_MAX) {
            let last = at + folded_word.len() - 1;
            if let (Some(first), Some(last)) = (scalar_at.get(at), scalar_at.get(last)) {
                let (start, end) = view.original(*first, last + 1);
                found.push((start, word, end));
            }
        }
        if found.len() > before {
            found.sort_unstable();
            found.truncate(FOUND_MAX);
        }
    }
    // The byte at which each scalar of the text begins; behind the last one the text ends.
    let begins: Vec<usize> =
        if found.is_empty() { Vec::new() } else { text.char_indices().map(|(at, _)| at).chain([text.len()]).collect() };
    let byte = |scalar: u32| begins.get(scalar as usize).copied().unwrap_or(text.len());
    let told = found.into_iter().map(|(start, word, end)| {
        let matched = text.get(byte(start)..byte(end)).unwrap_or_default().to_owned();
        Found { start, word, end, matched }
    });
    told.collect()
}
