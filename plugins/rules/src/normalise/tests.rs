//! The views against a second implementation by the letter of `data/normalise.yaml`, for every scalar of Unicode.

use super::*;
use std::collections::BTreeMap;
use unicode_normalization::UnicodeNormalization;

struct Reference {
    variants: BTreeMap<char, char>,
    simplified: BTreeMap<char, char>,
    digits: BTreeMap<char, u8>,
    filler: String,
    zero_width: Vec<(u32, u32)>,
    emoji: Vec<(u32, u32)>,
}

/// The code points of a class; single characters are left out.
fn code_points(text: &str) -> Vec<(u32, u32)> {
    let hex = |text: &str| u32::from_str_radix(text, 16).unwrap_or_else(|_| panic!("`{text}` is no code point"));
    let range = |item: &str| item.split_once('-').map_or_else(|| (hex(item), hex(item)), |(first, last)| (hex(first), hex(last)));
    text.split(' ').filter_map(|item| item.strip_prefix("U+")).map(range).collect()
}

impl Reference {
    fn read() -> Self {
        let data: serde_norway::Value = serde_norway::from_str(include_str!("../../data/normalise.yaml")).unwrap();
        let class = |name: &str| data["classes"][name].as_str().unwrap().to_owned();
        let half = |name: &str| data["t2s"][name].as_str().unwrap().chars();
        Self {
            variants: serde_norway::from_value(data["variants"].clone()).unwrap(),
            simplified: half("from").zip(half("to")).collect(),
            digits: serde_norway::from_value(data["cn-digits"].clone()).unwrap(),
            filler: class("filler"),
            zero_width: code_points(&class("zero-width")),
            emoji: code_points(&class("emoji")),
        }
    }

    fn within(ranges: &[(u32, u32)], scalar: char) -> bool {
        ranges.iter().any(|(first, last)| (*first..=*last).contains(&u32::from(scalar)))
    }

    fn n(&self, text: &str) -> Vec<(char, u32)> {
        let mut out = Vec::new();
        for (origin, scalar) in (0..).zip(text.chars()).filter(|(_, scalar)| !Self::within(&self.zero_width, *scalar)) {
            let variant = |scalar: char| *self.variants.get(&scalar).unwrap_or(&scalar);
            for scalar in std::iter::once(variant(scalar)).nfkc() {
                let scalar = scalar.to_ascii_lowercase();
                let scalar = variant(*self.simplified.get(&scalar).unwrap_or(&scalar));
                let ender = matches!(scalar, '!' | '?' | ';' | '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
                let scalar = if ender { '。' } else { scalar };
                let filler = scalar != ' ' && self.filler.contains(scalar);
                if !scalar.is_whitespace() && !filler && !Self::within(&self.emoji, scalar) {
                    out.push((scalar, origin));
                }
            }
        }
        out
    }

    fn p(&self, text: &str) -> Vec<(char, u32)> {
        let mut out = Vec::new();
        for (origin, scalar) in (0..).zip(text.chars()).filter(|(_, scalar)| !Self::within(&self.zero_width, *scalar)) {
            out.extend(std::iter::once(scalar).nfkc().map(|scalar| (scalar.to_ascii_lowercase(), origin)));
        }
        let is_digit = |scalar: char| scalar.is_ascii_digit() || self.digits.contains_key(&scalar);
        let runs: Vec<bool> = out.iter().map(|(scalar, _)| is_digit(*scalar)).collect();
        for index in (0..out.len()).filter(|index| runs[*index]) {
            let before = runs[..index].iter().rev().take_while(|in_run| **in_run).count();
            let after = runs[index..].iter().take_while(|in_run| **in_run).count();
            if let Some(digit) = self.digits.get(&out[index].0).filter(|_| before + after >= 11) {
                out[index].0 = char::from(b'0' + digit);
            }
        }
        out
    }
}

fn flat(view: &View) -> Vec<(char, u32)> {
    view.scalars.iter().copied().zip(view.origins.iter().copied()).collect()
}

#[test]
fn every_scalar_of_unicode_becomes_what_the_data_says() {
    let reference = Reference::read();
    for scalar in '\0'..=char::MAX {
        let text = scalar.to_string();
        assert_eq!(flat(&view_n(&text)), reference.n(&text), "view N of U+{:04X}", u32::from(scalar));
        assert_eq!(flat(&view_p(&text)), reference.p(&text), "view P of U+{:04X}", u32::from(scalar));
        let emoji: &[(u32, u32)] = if Reference::within(&reference.emoji, scalar) { &[(0, 1)] } else { &[] };
        assert_eq!(emoji_runs(&text), emoji, "U+{:04X}", u32::from(scalar));
    }
}

proptest::proptest! {
    #[test]
    fn texts_become_what_the_data_says(text in "([0-9０-９一二三幺〇洞 -]{0,14}|.|這款面霜|\u{200B}|❤\u{FE0F}|㍿|！){0,12}") {
        let reference = Reference::read();
        proptest::prop_assert_eq!(flat(&view_n(&text)), reference.n(&text));
        proptest::prop_assert_eq!(flat(&view_p(&text)), reference.p(&text));
    }
}

#[test]
fn spans_lead_back_to_the_text_as_typed() {
    let view = view_n("絕\u{200B} 對 安❤全!");
    assert_eq!(view.scalars, "绝对安全。".chars().collect::<Vec<_>>());
    assert_eq!(view.original(0, 4), (0, 8));
    assert_eq!(view.original(1, 2), (3, 4));
    assert_eq!(view.original(4, 5), (8, 9));
}

#[test]
fn joiners_do_not_break_a_run_of_emoji() {
    assert_eq!(emoji_runs("好👨\u{200D}👩\u{200D}👧❤\u{FE0F}的 😀😀x→"), [(1, 7), (10, 12), (13, 14)]);
}
