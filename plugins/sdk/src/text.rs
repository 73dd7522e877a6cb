//! Text as the platform's reply check reads it: the import `text` of contract version 1.1 (feature `v1-1`). The host searches, so that the
//! component needs no character tables, and finds the same words in a replay years later.
//!
//! Natively, in tests, the same code answers.

pub use ombud_rules::text::Found;

/// The text folded: full-width, stylised and Traditional forms as the usual ones, in lower case, without spaces, emoji and fillers.
pub fn fold(text: &str) -> String {
    #[cfg(target_family = "wasm")]
    return crate::bindings::world::ombud::policy::text::fold(text);
    #[cfg(not(target_family = "wasm"))]
    ombud_rules::text::fold(text)
}

/// Where words stand in a text however they are spelt, by place and word; at most 1 024.
pub fn find(text: &str, words: &[String]) -> Vec<Found> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::world::ombud::policy::text::find(text, words)
        .into_iter()
        .map(|found| Found { start: found.start, word: found.word, end: found.end, matched: found.matched })
        .collect();
    #[cfg(not(target_family = "wasm"))]
    ombud_rules::text::find(text, words)
}
