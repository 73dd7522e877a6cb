//! Personal data in a text: mobile numbers (RC-701), resident ids (RC-702), bank cards (RC-703), and their masks
//! (PIPL 51; 消费者权益保护法 29). Business ids that look like such numbers are named in the case and cut out first.

use super::scan::matches_everywhere;
use super::table::{RULES, rule_index};
use super::vm::Scratch;
use crate::civil;
use crate::normalise::{self, View};

/// In this order; a later one yields to an earlier one and to a known id.
const ORDER: [&str; 3] = ["RC-702", "RC-703", "RC-701"];

/// A text with what must not be sent.
pub struct Personal {
    /// Known ids, in scalars of the original text.
    pub known: Vec<(u32, u32)>,
    /// Personal data, by position.
    pub spans: Vec<Span>,
}

/// One piece of personal data, in scalars of the original text.
pub struct Span {
    /// Index of the rule.
    pub rule: usize,
    pub start: u32,
    pub end: u32,
    /// What stands in its place when the text is sent.
    pub mask: String,
}

/// Finds known ids and personal data.
pub fn find(text: &str, known_ids: &[String], scratch: &mut Scratch) -> Personal {
    let view = normalise::view_p(text);
    let ids = known_on_view(&view, known_ids);
    let mut taken: Vec<(usize, usize)> = ids.iter().copied().filter(|id| stands_alone(&view, *id)).collect();
    let mut spans = Vec::new();
    for rule in ORDER.iter().filter_map(|id| rule_index(id)) {
        let id = RULES[rule].id;
        for pattern in RULES[rule].patterns.0..RULES[rule].patterns.1 {
            matches_everywhere(pattern, &view, scratch, |found| {
                let (start, end) = (found.span.0 as usize, found.span.1 as usize);
                let digits = digits_of(&view.scalars[start..end]);
                if is_real(id, &digits) && taken.iter().all(|(from, to)| end <= *from || *to <= start) {
                    taken.push((start, end));
                    let (from, to) = view.original(start, end);
                    spans.push(Span { rule, start: from, end: to, mask: mask(id, &digits, last_is_lower(text, to)) });
                }
            });
        }
    }
    spans.sort_unstable_by_key(|span| span.start);
    let mut known: Vec<(u32, u32)> = ids.into_iter().map(|(start, end)| view.original(start, end)).collect();
    known.sort_unstable();
    Personal { known, spans }
}

/// The text with every span replaced by its mask.
///
/// The digits a mask leaves could form a new number with digits behind them (a card's last four and the next twelve), so
/// the masked text is looked at again until nothing is left: masking a masked text changes nothing.
pub fn masked(text: &str, personal: &Personal, known_ids: &[String], scratch: &mut Scratch) -> String {
    if personal.spans.is_empty() {
        return text.to_owned();
    }
    let mut masked = Slices::of(text).replaced(&personal.spans, 0, u32::MAX);
    loop {
        let again = find(&masked, known_ids, scratch).spans;
        if again.is_empty() {
            return masked;
        }
        masked = Slices::of(&masked).replaced(&again, 0, u32::MAX);
    }
}

/// A text that can be cut by scalars.
pub struct Slices<'a> {
    text: &'a str,
    /// Where each scalar begins, and the end.
    bytes: Vec<u32>,
}

impl<'a> Slices<'a> {
    pub fn of(text: &'a str) -> Self {
        let starts = text.char_indices().map(|(byte, _)| byte as u32);
        Self { text, bytes: starts.chain([text.len() as u32]).collect() }
    }

    fn cut(&self, start: u32, end: u32) -> &'a str {
        let byte = |scalar: u32| self.bytes.get(scalar as usize).map_or(self.text.len(), |byte| *byte as usize);
        self.text.get(byte(start)..byte(end)).unwrap_or_default()
    }

    /// The scalars `start..end` with every span that touches them replaced by its mask, whole.
    pub fn replaced(&self, spans: &[Span], start: u32, end: u32) -> String {
        let mut out = String::with_capacity(self.cut(start, end).len());
        let mut at = start;
        for span in spans.iter().filter(|span| span.start < end && span.end > start) {
            out.push_str(self.cut(at, span.start));
            out.push_str(&span.mask);
            at = span.end;
        }
        out.push_str(self.cut(at, end.max(at)));
        out
    }
}

/// Every place of a known id on view P: literal, half-width and lower-cased like the text.
fn known_on_view(view: &View, known_ids: &[String]) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    for id in known_ids.iter().map(|id| normalise::view_p(id).scalars).filter(|id| !id.is_empty()) {
        let mut from = 0;
        while let Some(found) = view.scalars[from..].windows(id.len()).position(|window| window == id) {
            places.push((from + found, from + found + id.len()));
            from += found + id.len();
        }
    }
    places
}

/// Whether an id is not a part of a longer number: `138` being an order's id must not keep a phone number unmasked.
fn stands_alone(view: &View, (start, end): (usize, usize)) -> bool {
    let digit = |at: usize| view.scalars.get(at).is_some_and(char::is_ascii_digit);
    let joined = |left: Option<usize>, right: usize| left.is_some_and(digit) && digit(right);
    !joined(start.checked_sub(1), start) && !joined(end.checked_sub(1), end)
}

fn digits_of(scalars: &[char]) -> Vec<u8> {
    // The separators aside, a span holds digits and perhaps the x of a resident id, which counts ten.
    scalars.iter().filter_map(|scalar| if *scalar == 'x' { Some(10) } else { scalar.to_digit(10).map(|digit| digit as u8) }).collect()
}

/// Whether the number's own check says that it is one.
fn is_real(id: &str, digits: &[u8]) -> bool {
    match id {
        "RC-702" => is_resident_id(digits),
        "RC-703" => luhn_holds(digits),
        _ => true,
    }
}

/// Birth date and MOD 11-2 checksum (GB 11643).
fn is_resident_id(digits: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let [head @ .., check] = digits else { return false };
    let number = |range: std::ops::Range<usize>| digits[range].iter().fold(0_u32, |number, digit| number * 10 + u32::from(*digit));
    if head.len() != WEIGHTS.len() {
        return false;
    }
    let (year, month, day) = (number(6..10), number(10..12), number(12..14));
    let born = (1..=12).contains(&month) && (1..=civil::days_in_month(year as i32, month)).contains(&day);
    let sum: u32 = head.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(*digit) * weight).sum();
    born && (12 - sum % 11) % 11 == u32::from(*check)
}

/// The checksum of payment cards (ISO/IEC 7812-1), over 16 to 19 digits.
fn luhn_holds(digits: &[u8]) -> bool {
    let doubled = |(index, digit): (usize, &u8)| {
        let digit = u32::from(*digit) * if index % 2 == 1 { 2 } else { 1 };
        if digit > 9 { digit - 9 } else { digit }
    };
    (16..=19).contains(&digits.len()) && digits.iter().rev().enumerate().map(doubled).sum::<u32>() % 10 == 0
}

/// Phone and id keep the first three and the last four, a card the last four; the phone's stars are always four.
fn mask(id: &str, digits: &[u8], lower_x: bool) -> String {
    let (head, stars) = match id {
        "RC-701" => (3, 4),
        "RC-702" => (3, digits.len().saturating_sub(7)),
        _ => (0, digits.len().saturating_sub(4)),
    };
    let shown = |digit: &u8| match digit {
        10 if lower_x => 'x',
        10 => 'X',
        digit => char::from(b'0' + digit),
    };
    let tail = &digits[digits.len().saturating_sub(4)..];
    digits[..head].iter().map(shown).chain(std::iter::repeat_n('*', stars)).chain(tail.iter().map(shown)).collect()
}

/// Whether the last scalar of a span was typed as a small x, which the mask keeps.
fn last_is_lower(text: &str, end: u32) -> bool {
    text.chars().nth(end.saturating_sub(1) as usize).is_some_and(char::is_lowercase)
}
