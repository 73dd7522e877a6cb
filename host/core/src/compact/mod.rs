//! JSON without spaces, as records hold it: a fast way for what a replay does with it millions of times.
//!
//! [`is_written_as`] tells whether a value would be written as exactly some bytes, without writing it; [`read`] reads a text that has
//! its members in their order. Both know a part of JSON only and say so when they meet something else: then `serde_json` writes or
//! reads it, which decides in every case what is right. What they do say is the same (`tests.rs`).

mod read;
mod same;

use std::fmt;

use serde::{de, ser};

pub use read::{read, read_first};
pub use same::is_written_as;

/// How the names of types begin which `serde_json` writes and reads in a way of their own.
const PRIVATE: char = '$';

/// Whether a byte cannot stand for itself in a JSON string.
const fn is_escaped(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// How many bytes stand for themselves in a text of JSON before one that does not; none where all do. Eight are looked at together: of a word
/// from which a byte is taken in every place, the lowest place that was borrowed from is the first one with less.
fn plain_bytes(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let less = |word: u64, than: u64| word.wrapping_sub(ONES * than) & !word & HIGH;
    let (words, rest) = text.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let is = |byte: u8| less(word ^ (ONES * u64::from(byte)), 1);
        let found = less(word, 0x20) | is(b'"') | is(b'\\');
        if found != 0 {
            return Some(at * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    Some(text.len() - rest.len() + rest.iter().position(|byte| is_escaped(*byte))?)
}

/// Whether bytes begin with others. Most of these are the names of fields: a few bytes, for which calling a function takes longer than comparing.
#[inline]
fn begins_with(bytes: &[u8], with: &[u8]) -> bool {
    let Some(bytes) = bytes.get(..with.len()) else { return false };
    // The second piece may overlap the first.
    match (bytes.first_chunk::<8>(), with.first_chunk::<8>(), bytes.last_chunk::<8>(), with.last_chunk::<8>()) {
        (Some(first), Some(with_first), Some(last), Some(with_last)) if with.len() <= 16 => first == with_first && last == with_last,
        (None, ..) => std::iter::zip(bytes, with).all(|(byte, with)| byte == with),
        _ => bytes == with,
    }
}

/// The value or the bytes are of a sort that is not known here, or do not fit each other.
#[derive(Debug)]
struct Unknown;

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not known here")
    }
}

impl std::error::Error for Unknown {}

impl de::Error for Unknown {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl ser::Error for Unknown {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests;
