//! The alphabet: every scalar that some word or pattern tells apart from the rest, as a small class id.
//!
//! Scalars that nothing distinguishes share a class; class 0 is everything the lexicon never names. Trie, sets and
//! programs then work on ids of a few hundred values instead of on Unicode.

use crate::Outcome;
use crate::program::{Pattern, unicode_class};
use crate::source::{Lexicon, Normalise};
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange, Hir, HirKind};
use std::collections::{BTreeMap, BTreeSet};

/// A class of more scalars than this is taken as the complement of a small one.
const MEMBERS_MAX: usize = 2_000;

pub struct Alphabet {
    classes: BTreeMap<char, u16>,
    /// Scalars that stand for themselves somewhere, so that their class has no other member.
    literals: BTreeSet<char>,
    sets: Vec<ClassUnicode>,
    /// One scalar of each class, to ask a set about.
    examples: Vec<char>,
}

impl Alphabet {
    pub fn of(lexicon: &Lexicon, normalise: &Normalise, patterns: &[Pattern]) -> Outcome<Self> {
        let mut literals = BTreeSet::new();
        for rule in lexicon.values() {
            literals.extend(rule.words().into_keys().flat_map(str::chars));
            literals.extend(rule.not_after.values().flat_map(|text| text.chars()));
        }
        // RC-505 looks for this sentence itself (广告法 18(2)).
        literals.extend("不能代替药物".chars());
        // The first set holds what may become a digit on view P, so that view N can count them.
        let digits = normalise.cn_digits.keys().copied().chain('0'..='9').map(|scalar| ClassUnicodeRange::new(scalar, scalar));
        let mut sets = vec![ClassUnicode::new(digits)];
        for pattern in patterns {
            walk(&pattern.hir, &mut literals, &mut sets).map_err(|problem| format!("{}: {problem}", pattern.label))?;
        }

        let mut named = literals.clone();
        for set in &sets {
            named.extend(members(set)?);
        }
        // Nothing may name a private-use scalar: it stands for all that is not named.
        let other = '\u{E000}';
        if named.contains(&other) {
            return Err("the data names U+E000".into());
        }
        let mut by_signature = BTreeMap::from([(signature(other, &literals, &sets), 0_u16)]);
        let mut examples = vec![other];
        let mut classes = BTreeMap::new();
        for scalar in named {
            let next = u16::try_from(examples.len())?;
            let class = *by_signature.entry(signature(scalar, &literals, &sets)).or_insert(next);
            if class == next {
                examples.push(scalar);
            }
            classes.insert(scalar, class);
        }
        Ok(Self { classes, literals, sets, examples })
    }

    /// Number of classes, class 0 included.
    pub fn len(&self) -> usize {
        self.examples.len()
    }

    pub fn class(&self, scalar: char) -> u16 {
        self.classes.get(&scalar).copied().unwrap_or(0)
    }

    /// The class of a scalar that stands for itself.
    pub fn literal(&self, scalar: char) -> Outcome<u16> {
        if self.literals.contains(&scalar) { Ok(self.class(scalar)) } else { Err(format!("`{scalar}` has no class of its own").into()) }
    }

    pub fn word(&self, word: &str) -> Outcome<Vec<u16>> {
        word.chars().map(|scalar| self.literal(scalar)).collect()
    }

    /// Every scalar that has a class other than 0.
    pub fn named(&self) -> impl Iterator<Item = char> {
        self.classes.iter().filter(|(_, class)| **class != 0).map(|(scalar, _)| *scalar)
    }

    pub fn set(&self, set: &ClassUnicode) -> Outcome<u8> {
        let index = self.sets.iter().position(|known| known == set).ok_or("a set that the alphabet does not know")?;
        Ok(u8::try_from(index)?)
    }

    /// Classes inside a set, if class 0 is not one of them.
    pub fn finite_set(&self, set: &ClassUnicode) -> Option<Vec<u16>> {
        let inside: Vec<u16> = (0..self.len()).filter(|class| contains(set, self.examples[*class])).map(|class| class as u16).collect();
        (inside.first() != Some(&0)).then_some(inside)
    }

    /// One row of bits for each set, bit c of the row = class c is inside.
    pub fn set_rows(&self) -> Vec<Vec<u32>> {
        let row = |set: &ClassUnicode| {
            let mut words = vec![0_u32; self.len().div_ceil(32)];
            for (class, example) in self.examples.iter().enumerate() {
                words[class / 32] |= u32::from(contains(set, *example)) << (class % 32);
            }
            words
        };
        self.sets.iter().map(row).collect()
    }
}

fn walk(hir: &Hir, literals: &mut BTreeSet<char>, sets: &mut Vec<ClassUnicode>) -> Outcome<()> {
    match hir.kind() {
        HirKind::Literal(literal) => literals.extend(std::str::from_utf8(&literal.0)?.chars()),
        HirKind::Class(class) => {
            let class = unicode_class(class)?;
            if !sets.contains(class) {
                sets.push(class.clone());
            }
        }
        HirKind::Capture(capture) => walk(&capture.sub, literals, sets)?,
        HirKind::Repetition(repetition) => walk(&repetition.sub, literals, sets)?,
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().try_for_each(|part| walk(part, literals, sets))?,
        HirKind::Empty | HirKind::Look(_) => {}
    }
    Ok(())
}

/// The scalars a set names: its members, or those of its complement.
fn members(set: &ClassUnicode) -> Outcome<Vec<char>> {
    let size = |set: &ClassUnicode| set.iter().map(|range| range.len()).sum::<usize>();
    let mut small = set.clone();
    if size(&small) > MEMBERS_MAX {
        small.negate();
    }
    if size(&small) > MEMBERS_MAX {
        return Err(format!("a set that is neither small nor the complement of a small one: {set:?}").into());
    }
    Ok(small.iter().flat_map(|range| range.start()..=range.end()).collect())
}

fn contains(set: &ClassUnicode, scalar: char) -> bool {
    set.iter().any(|range| (range.start()..=range.end()).contains(&scalar))
}

/// Two scalars of equal signature are never told apart.
fn signature(scalar: char, literals: &BTreeSet<char>, sets: &[ClassUnicode]) -> (Option<char>, Vec<bool>) {
    (literals.get(&scalar).copied(), sets.iter().map(|set| contains(set, scalar)).collect())
}
