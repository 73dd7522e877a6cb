//! The shapes of the lexicon's tables, and the tables the build wrote from `data/lexicon.yaml` and `data/normalise.yaml`.

use super::vm::Inst;
use crate::contract::reply::Action;
use crate::contract::types::{ItemCategory, RuleId};

/// Index that stands for "none".
pub const NONE: u8 = u8::MAX;

/// One rule of the lexicon.
pub struct Rule {
    /// "RC-101".
    pub id: &'static str,
    /// Its name, Chinese and English.
    pub name: &'static str,
    /// Where it runs.
    pub scope: Scope,
    /// What it does where no fact says otherwise.
    pub action: Action,
    /// Its patterns read view P (personal data); all others read view N.
    pub on_view_p: bool,
    /// Its patterns, first and past-the-last index.
    pub patterns: (u8, u8),
    /// The exemptions that may lift its findings, by index.
    pub exempt: &'static [u8],
}

/// The cases in which a rule runs.
pub enum Scope {
    All,
    /// Public comments and live rooms.
    Public,
    /// Products of these categories; with an unknown product it only holds.
    Categories(&'static [ItemCategory]),
}

/// Where the words of a rule come from, as a set of bits; a pattern has an origin of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origins(pub u8);

impl Origins {
    /// Exact word of the source documents.
    pub const SOURCE: Self = Self(1);
    /// Word in a statute or regulation.
    pub const LAW: Self = Self(2);
    /// Regulator's guide, platform practice, or a merchant's own term.
    pub const GUIDE: Self = Self(4);
    /// A pattern.
    pub const PATTERN: Self = Self(8);

    /// Whether every bit is one of `other`'s.
    pub fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether a bit is shared.
    pub fn touches(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// One word of one rule; its text stands in the trie.
pub struct Word {
    /// Index of the rule.
    pub rule: u8,
    pub origins: Origins,
    /// RC-505: names a disease.
    pub disease: bool,
    /// It is no match before one of these classes.
    pub not_before: &'static [u16],
}

/// One pattern.
pub struct Pattern {
    pub code: &'static [Inst],
    /// Groups of literals that every match holds; `NONE` behind the last.
    pub needs: [u8; 3],
    /// The group every match begins with, or `NONE`.
    pub prefix: u8,
    /// Without a prefix group: the sets of classes that can stand first and second in a match that begins behind the start.
    pub begins: (u8, u8),
    /// What its value group holds.
    pub value: Value,
}

/// The meaning of the group beside `span`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    None,
    /// A number of pieces (RC-405).
    N,
    /// A sum of compensation in yuan (RC-606).
    Amount,
    /// A sum of refund in yuan (RC-606).
    Refund,
    /// A multiple (RC-606).
    Times,
    /// A day word (RC-603).
    Day,
}

/// One exemption.
pub struct Exemption {
    /// "EX-ADVICE".
    pub id: &'static str,
    /// Its patterns, first and past-the-last index.
    pub patterns: (u8, u8),
    /// A pattern that must not be found in the match, or `NONE`.
    pub not_if: u8,
    /// Only where `official-contact-allowed`.
    pub official_only: bool,
    /// The list of terms that stands in for patterns.
    pub terms: TermSource,
    /// Findings of these origins only.
    pub lifts: Origins,
}

/// Lists of terms that protect what they name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermSource {
    None,
    /// `rc.allow_terms` of the merchant.
    Allowed,
    /// Phrases of `product-facts.substantiated`.
    Substantiated,
}

include!(concat!(env!("OUT_DIR"), "/lexicon.rs"));

/// The index of a rule of the lexicon.
pub fn rule_index(id: &str) -> Option<usize> {
    RULES.binary_search_by_key(&id, |rule| rule.id).ok()
}

impl Rule {
    /// Its id as the contract writes it.
    pub fn rule_id(&self) -> RuleId {
        self.id.to_owned()
    }
}
