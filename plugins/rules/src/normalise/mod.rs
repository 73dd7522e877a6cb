//! The views of a text that the reply check reads (`data/normalise.yaml`): scalar by scalar, each with the index of the
//! original scalar it came from, so that a finding on a view is a finding in the text as typed.
//!
//! View N undoes evasion: full-width and fancy forms, Traditional script, spaces, emoji and filler between characters.
//! View P is for numbers: it keeps the separators and reads Chinese digits in long runs.

#[cfg(test)]
mod tests;

/// The character tables, written by the build from `data/normalise.yaml`.
mod tables {
    include!(concat!(env!("OUT_DIR"), "/characters.rs"));
}

/// A run of digits of view P counts Chinese digits as digits from this length on.
const DIGIT_RUN_MIN: usize = 11;
/// The class id of a dropped scalar.
const DROP: u16 = u16::MAX;
/// The class of every scalar that the lexicon does not name.
const OTHER: u16 = 0;

/// A text as the patterns see it. The three lists run in parallel.
#[derive(Default)]
pub struct View {
    /// The scalars of the view.
    pub scalars: Vec<char>,
    /// Their classes in the lexicon's alphabet.
    pub classes: Vec<u16>,
    /// For each, the index of the scalar of the original text it came from.
    pub origins: Vec<u32>,
}

impl View {
    fn with_capacity(text: &str) -> Self {
        // Three bytes a scalar is what Chinese needs; a text of ASCII grows the lists twice.
        let capacity = text.len() / 3 + 8;
        Self { scalars: Vec::with_capacity(capacity), classes: Vec::with_capacity(capacity), origins: Vec::with_capacity(capacity) }
    }

    fn push(&mut self, scalar: char, class: u16, origin: u32) {
        self.scalars.push(scalar);
        self.classes.push(class);
        self.origins.push(origin);
    }

    /// Number of scalars.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether nothing of the text is on the view.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The span in scalars of the original text that `start..end` of the view came from; an empty span is at 0.
    pub fn original(&self, start: usize, end: usize) -> (u32, u32) {
        match (self.origins.get(start), end.checked_sub(1).and_then(|last| self.origins.get(last))) {
            (Some(first), Some(last)) if start < end => (*first, *last + 1),
            _ => (0, 0),
        }
    }
}

/// View N: zero-width dropped; variants, NFKC, lower case, Traditional to Simplified; enders as `。`; spaces, emoji, filler dropped.
pub fn view_n(text: &str) -> View {
    let mut view = View::with_capacity(text);
    for (origin, scalar) in (0..).zip(text.chars()) {
        map_n(scalar, |scalar, class| view.push(scalar, class, origin));
    }
    view
}

/// A merchant's term or a substantiated phrase as it would stand on view N.
pub fn term(text: &str) -> Vec<char> {
    let mut scalars = Vec::new();
    text.chars().for_each(|scalar| map_n(scalar, |scalar, _| scalars.push(scalar)));
    scalars
}

/// View P: zero-width dropped; NFKC, lower case; runs of at least eleven Arabic or Chinese digits as Arabic digits.
pub fn view_p(text: &str) -> View {
    let mut view = View::with_capacity(text);
    for (origin, scalar) in (0..).zip(text.chars()) {
        if !is_zero_width(scalar) {
            nfkc(scalar, |scalar| {
                let scalar = scalar.to_ascii_lowercase();
                view.push(scalar, class_p(scalar), origin);
            });
        }
    }
    let mut start = 0;
    while let Some(last) = view.scalars.get(start + DIGIT_RUN_MIN - 1) {
        // A long run that begins in the next eleven positions covers the last of them.
        if digit(*last).is_none() {
            start += DIGIT_RUN_MIN;
            continue;
        }
        let run = view.scalars[start..].iter().take_while(|scalar| digit(**scalar).is_some()).count();
        if run >= DIGIT_RUN_MIN {
            as_arabic(&mut view, start, start + run);
        }
        start += run + 1;
    }
    view
}

fn as_arabic(view: &mut View, start: usize, end: usize) {
    for (scalar, class) in view.scalars[start..end].iter_mut().zip(&mut view.classes[start..end]) {
        if let Some(value) = digit(*scalar) {
            *scalar = char::from(b'0' + value);
            *class = class_p(*scalar);
        }
    }
}

/// Runs of emoji in the original text, as half-open spans of its scalars. Zero-width scalars inside a run (joiners,
/// variation selectors) belong to it.
pub fn emoji_runs(text: &str) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    let mut joined = false;
    for (index, scalar) in (0..).zip(text.chars()) {
        if is_emoji(scalar) {
            match runs.last_mut() {
                Some((_, end)) if joined => *end = index + 1,
                _ => runs.push((index, index + 1)),
            }
            joined = true;
        } else {
            joined = joined && is_zero_width(scalar);
        }
    }
    runs
}

/// What one scalar becomes on view N, given to `push` with its class; nothing if it is dropped.
fn map_n(scalar: char, mut push: impl FnMut(char, u16)) {
    if let Some((mapped, class)) = small_n(scalar) {
        if class != DROP {
            push(mapped, class);
        }
    } else if is_plain(scalar) {
        push(scalar, OTHER);
    } else if !is_zero_width(scalar) {
        nfkc(scalar, |scalar| match small_n(scalar) {
            Some((_, DROP)) => {}
            Some((mapped, class)) => push(mapped, class),
            None if scalar.is_whitespace() || is_emoji(scalar) => {}
            None => push(scalar, OTHER),
        });
    }
}

/// The entry of the two small tables: ASCII, and the pages of what Chinese texts are made of.
fn small_n(scalar: char) -> Option<(char, u16)> {
    let code = scalar as usize;
    let (mapped, class) = if code < 0x80 {
        tables::ASCII_N[code]
    } else {
        let page = usize::from(*tables::PAGE.get(code / 64)?);
        let bits = tables::PAGE_BITS[page];
        let bit = 1_u64 << (code % 64);
        if bits & bit == 0 {
            return None;
        }
        tables::PAGE_N[usize::from(tables::PAGE_START[page]) + (bits & (bit - 1)).count_ones() as usize]
    };
    Some((char::from_u32(u32::from(mapped)).unwrap_or(scalar), class))
}

/// Ideographs, their punctuation and Hangul, which NFKC does not touch. What the classes say of the punctuation, the small tables know.
fn is_plain(scalar: char) -> bool {
    matches!(scalar, '\u{3001}'..='\u{3035}' | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}')
}

fn class_p(scalar: char) -> u16 {
    // The patterns of view P name ASCII only.
    tables::ASCII_CLASS.get(scalar as usize).copied().unwrap_or(OTHER)
}

/// NFKC of one scalar on its own.
fn nfkc(scalar: char, mut push: impl FnMut(char)) {
    let code = u32::from(scalar);
    if code < 0x80 || is_plain(scalar) {
        return push(scalar);
    }
    let Some(run) = tables::NFKC_FIRST.partition_point(|first| *first <= code).checked_sub(1) else { return push(scalar) };
    let (distance, length, to) = (code - tables::NFKC_FIRST[run], u32::from(tables::NFKC_LENGTH[run]), tables::NFKC_TO[run]);
    if distance < length {
        push(char::from_u32(to + distance).unwrap_or(scalar));
    } else if length == 0 && distance == 0 {
        let (start, bytes) = ((to & 0x00FF_FFFF) as usize, (to >> 24) as usize);
        tables::NFKC_TEXT[start..start + bytes].chars().for_each(push);
    } else {
        push(scalar);
    }
}

/// The value of an Arabic or Chinese digit.
fn digit(scalar: char) -> Option<u8> {
    match scalar {
        '0'..='9' => Some(scalar as u8 - b'0'),
        '\0'..'\u{80}' => None,
        _ => tables::CN_DIGITS.binary_search_by_key(&scalar, |(known, _)| *known).ok().map(|index| tables::CN_DIGITS[index].1),
    }
}

fn is_zero_width(scalar: char) -> bool {
    // Most texts are made of what lies between the ranges.
    !matches!(scalar, '\0'..'\u{AD}' | '\u{2070}'..'\u{FE00}') && inside(&tables::ZERO_WIDTH, scalar)
}

fn is_emoji(scalar: char) -> bool {
    // Below the first range, and between punctuation and the supplementary planes, there is none.
    scalar >= '\u{20E3}' && !matches!(scalar, '\u{3100}'..='\u{1EFFF}') && inside(&tables::EMOJI, scalar)
}

fn inside(ranges: &[(u32, u32)], scalar: char) -> bool {
    let code = u32::from(scalar);
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&code))
}
