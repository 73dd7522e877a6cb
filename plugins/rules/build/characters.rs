//! The characters: what each scalar becomes on view N, as a small table for what Chinese texts are made of and the plain
//! NFKC mapping for the rest of Unicode.

use crate::Outcome;
use crate::alphabet::Alphabet;
use crate::source::{Classes, Normalise};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use unicode_normalization::UnicodeNormalization;

/// The class id that says: this scalar is dropped.
const DROP: u16 = u16::MAX;

pub struct Characters {
    variants: BTreeMap<char, char>,
    simplified: BTreeMap<char, char>,
    cn_digits: BTreeMap<char, u8>,
    zero_width: Vec<(u32, u32)>,
    emoji: Vec<(u32, u32)>,
    filler: Vec<(u32, u32)>,
    enders: Vec<(u32, u32)>,
}

impl Characters {
    pub fn of(normalise: &Normalise, alphabet: &Alphabet) -> Outcome<Self> {
        let Classes { zero_width, emoji, filler, enders, .. } = &normalise.classes;
        let (from, to) = (normalise.t2s.from.chars(), normalise.t2s.to.chars());
        if from.clone().count() != to.clone().count() {
            return Err("t2s: `from` and `to` differ in length".into());
        }
        let characters = Self {
            variants: normalise.variants.clone(),
            simplified: from.zip(to).collect(),
            cn_digits: normalise.cn_digits.clone(),
            zero_width: ranges(zero_width)?,
            emoji: ranges(emoji)?,
            filler: ranges(filler)?,
            enders: ranges(enders)?,
        };
        characters.check(alphabet)?;
        Ok(characters)
    }

    /// The tables may be looked up once for each scalar only because no mapping leads into another.
    fn check(&self, alphabet: &Alphabet) -> Outcome<()> {
        for scalar in alphabet.named() {
            let kept = self.on_view_n(scalar);
            if scalar.is_ascii_digit() && kept != [scalar] {
                return Err(format!("`{scalar}` does not stay itself on view N").into());
            }
        }
        for from in self.variants.keys().chain(self.simplified.keys()) {
            for scalar in self.on_view_n(*from) {
                if self.on_view_n(scalar) != [scalar] {
                    return Err(format!("`{from}` becomes `{scalar}`, which does not stay itself on view N").into());
                }
            }
        }
        Ok(())
    }

    /// Whether every scalar of a word survives on view N; another word could never match.
    pub fn is_on_view_n(&self, word: &str) -> bool {
        word.chars().all(|scalar| self.on_view_n(scalar) == [scalar])
    }

    /// View N of one scalar, by the letter of `views.N`.
    fn on_view_n(&self, scalar: char) -> Vec<char> {
        if inside(&self.zero_width, scalar) {
            return Vec::new();
        }
        let variant = |scalar: char| self.variants.get(&scalar).copied().unwrap_or(scalar);
        let mapped = nfkc(variant(scalar)).into_iter().map(|scalar| {
            let lower = scalar.to_ascii_lowercase();
            variant(self.simplified.get(&lower).copied().unwrap_or(lower))
        });
        let ended = mapped.map(|scalar| if inside(&self.enders, scalar) { '。' } else { scalar });
        ended.filter(|scalar| !scalar.is_whitespace() && !inside(&self.emoji, *scalar) && !inside(&self.filler, *scalar)).collect()
    }

    /// Scalars of the table of pages: what the lexicon names, what the tables map, and the punctuation of Chinese texts.
    fn frequent(&self, alphabet: &Alphabet) -> BTreeSet<char> {
        let blocks = ['\u{2010}'..='\u{2027}', '\u{3000}'..='\u{303F}', '\u{FF01}'..='\u{FF5E}'];
        let dropped_or_ended = self.filler.iter().chain(&self.enders).flat_map(|(first, last)| (*first..=*last).filter_map(char::from_u32));
        let all = alphabet.named().chain(self.variants.keys().copied()).chain(self.simplified.keys().copied()).chain(dropped_or_ended);
        let all = all.chain(blocks.into_iter().flatten());
        all.filter(|scalar| !scalar.is_ascii() && u32::from(*scalar) < 0x1_0000 && !inside(&self.zero_width, *scalar))
            .filter(|scalar| self.on_view_n(*scalar).len() <= 1)
            .collect()
    }

    pub fn emit(&self, alphabet: &Alphabet) -> Outcome<String> {
        let mut out = String::new();
        let entry = |scalar: char| -> Outcome<(u16, u16)> {
            match self.on_view_n(scalar)[..] {
                [] => Ok((0, DROP)),
                [mapped] => Ok((u16::try_from(u32::from(mapped))?, alphabet.class(mapped))),
                _ => Err(format!("`{scalar}` becomes several characters").into()),
            }
        };

        let ascii = (0..0x80).map(|byte| entry(char::from(byte))).collect::<Outcome<Vec<_>>>()?;
        table(&mut out, "/// ASCII on view N: scalar and class.", "ASCII_N", "(u16, u16)", &ascii)?;
        let classes: Vec<u16> = (0..0x80_u8).map(|byte| alphabet.class(char::from(byte))).collect();
        table(&mut out, "/// Classes of ASCII itself, for view P.", "ASCII_CLASS", "u16", &classes)?;

        self.emit_pages(&mut out, alphabet, entry)?;
        emit_nfkc(&mut out)?;
        table(&mut out, "/// Ranges dropped first from both views.", "ZERO_WIDTH", "(u32, u32)", &self.zero_width)?;
        table(&mut out, "/// Ranges of the class emoji.", "EMOJI", "(u32, u32)", &self.emoji)?;
        let digits: Vec<(char, u8)> = self.cn_digits.iter().map(|(scalar, digit)| (*scalar, *digit)).collect();
        table(&mut out, "/// Chinese digits of view P.", "CN_DIGITS", "(char, u8)", &digits)?;
        Ok(out)
    }

    /// Pages of 64 scalars of the basic plane; a page keeps a bit for each scalar it holds and where its entries begin.
    fn emit_pages(&self, out: &mut String, alphabet: &Alphabet, entry: impl Fn(char) -> Outcome<(u16, u16)>) -> Outcome<()> {
        let (mut index, mut bits, mut start, mut entries) = (vec![0_u16; 1024], vec![0_u64], vec![0_u16], Vec::new());
        for scalar in self.frequent(alphabet) {
            let code = u32::from(scalar) as usize;
            if index[code / 64] == 0 {
                index[code / 64] = u16::try_from(bits.len())?;
                bits.push(0);
                start.push(u16::try_from(entries.len())?);
            }
            bits[usize::from(index[code / 64])] |= 1 << (code % 64);
            entries.push(entry(scalar)?);
        }
        table(out, "/// Page of a scalar, by its upper ten bits; page 0 is empty.", "PAGE", "u16", &index)?;
        table(out, "/// Which scalars a page holds.", "PAGE_BITS", "u64", &bits)?;
        table(out, "/// Where the entries of a page begin.", "PAGE_START", "u16", &start)?;
        table(out, "/// Scalar and class on view N, in the order of the scalars.", "PAGE_N", "(u16, u16)", &entries)
    }
}

/// NFKC of each scalar that changes: runs of a constant distance, and the few thousand that become several scalars.
fn emit_nfkc(out: &mut String) -> Outcome<()> {
    // First scalar, how many, and the first target; or 0 and where the several scalars stand in the text.
    let mut runs: Vec<(u32, u16, u32)> = Vec::new();
    let (mut lengths, mut text) = (Vec::new(), String::new());
    for scalar in ('\u{80}'..=char::MAX).filter(|scalar| nfkc(*scalar) != [*scalar]) {
        let code = u32::from(scalar);
        if let [mapped] = nfkc(scalar)[..] {
            match runs.last_mut() {
                Some((first, length @ 1.., target))
                    if *first + u32::from(*length) == code && *target + u32::from(*length) == u32::from(mapped) =>
                {
                    *length += 1;
                }
                _ => runs.push((code, 1, u32::from(mapped))),
            }
        } else {
            runs.push((code, 0, u32::try_from(text.len())?));
            let several: String = nfkc(scalar).into_iter().collect();
            lengths.push((code, several.len()));
            text.push_str(&several);
        }
    }
    let first: Vec<u32> = runs.iter().map(|(first, _, _)| *first).collect();
    let length: Vec<u16> = runs.iter().map(|(_, length, _)| *length).collect();
    let ends = lengths.iter().map(|(code, bytes)| (*code, *bytes as u32)).collect::<BTreeMap<_, _>>();
    // The several scalars need their length, too: it shares the word with their place.
    let target = runs.iter().map(|(first, length, target)| match ends.get(first) {
        Some(bytes) if *length == 0 => bytes << 24 | target,
        _ => *target,
    });
    let target: Vec<u32> = target.collect();
    table(out, "/// First scalars of the runs that NFKC changes.", "NFKC_FIRST", "u32", &first)?;
    table(out, "/// How many scalars move by the same distance; 0 = one that becomes several.", "NFKC_LENGTH", "u16", &length)?;
    table(
        out,
        "/// What the first becomes; of several: their place in the text, and in the top byte their bytes.",
        "NFKC_TO",
        "u32",
        &target,
    )?;
    writeln!(out, "/// The scalars of those that become several.\npub static NFKC_TEXT: &str = {text:?};")?;
    Ok(())
}

/// One static array.
pub fn table<T: std::fmt::Debug>(out: &mut String, doc: &str, name: &str, of: &str, values: &[T]) -> Outcome<()> {
    writeln!(out, "{doc}\npub static {name}: [{of}; {}] = {values:?};", values.len())?;
    Ok(())
}

fn nfkc(scalar: char) -> Vec<char> {
    std::iter::once(scalar).nfkc().collect()
}

fn inside(ranges: &[(u32, u32)], scalar: char) -> bool {
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&u32::from(scalar)))
}

/// `U+200B-200F U+FEFF * _`: ranges, code points and bare characters, sorted.
fn ranges(text: &str) -> Outcome<Vec<(u32, u32)>> {
    let mut ranges = Vec::new();
    for item in text.split_whitespace() {
        let range = match item.strip_prefix("U+") {
            Some(codes) => {
                let (first, last) = codes.split_once('-').unwrap_or((codes, codes));
                (u32::from_str_radix(first, 16)?, u32::from_str_radix(last.trim_start_matches("U+"), 16)?)
            }
            None => {
                let mut scalars = item.chars();
                match (scalars.next(), scalars.next()) {
                    (Some(scalar), None) => (u32::from(scalar), u32::from(scalar)),
                    _ => return Err(format!("`{item}` is neither a character nor a range").into()),
                }
            }
        };
        ranges.push(range);
    }
    ranges.sort_unstable();
    Ok(ranges)
}
