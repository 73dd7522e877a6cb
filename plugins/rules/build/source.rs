//! The shapes of the two data files, as they are written.

use serde::Deserialize;
use std::collections::BTreeMap;

/// Rules by id. The file lists them in the order of their ids.
pub type Lexicon = BTreeMap<String, Rule>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    pub name: String,
    pub scope: Scope,
    pub action: String,
    /// The view that the patterns read: `P`, or N when absent.
    pub view: Option<String>,
    #[serde(rename = "S", default)]
    pub source_words: Vec<String>,
    #[serde(rename = "L", default)]
    pub law_words: Vec<String>,
    #[serde(rename = "G", default)]
    pub guide_words: Vec<String>,
    /// A word is no match before one of these characters.
    #[serde(default)]
    pub not_after: BTreeMap<String, String>,
    #[serde(default)]
    pub regex: Vec<String>,
    #[serde(default)]
    pub exempt: Vec<String>,
    /// RC-505: the words that name a disease.
    #[serde(default)]
    pub disease: Vec<String>,
    /// What the rule asks of the facts, in words; the code is `lexicon::facts`.
    #[serde(rename = "rule")]
    pub _facts: Option<String>,
    /// The form of the mask, in words; the code is `lexicon::personal`.
    #[serde(rename = "mask")]
    pub _mask: Option<String>,
}

impl Rule {
    /// Every word with its origin bit (`Origins` of the crate: S 1, L 2, G 4), equal words merged.
    pub fn words(&self) -> BTreeMap<&str, u8> {
        let mut words = BTreeMap::new();
        for (list, bit) in [(&self.source_words, 1), (&self.law_words, 2), (&self.guide_words, 4)] {
            for word in list {
                *words.entry(word.as_str()).or_insert(0) |= bit;
            }
        }
        words
    }
}

/// `all`, `public`, or a list of item categories.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Scope {
    Named(String),
    Categories(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Normalise {
    #[serde(rename = "views")]
    pub _views: BTreeMap<String, String>,
    pub classes: Classes,
    pub variants: BTreeMap<char, char>,
    pub cn_digits: BTreeMap<char, u8>,
    pub t2s: TraditionalToSimplified,
    pub exemptions: BTreeMap<String, Exemption>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Classes {
    pub zero_width: String,
    /// "Unicode White_Space except line breaks": the build takes the property from the standard library.
    #[serde(rename = "whitespace")]
    pub _whitespace: String,
    pub emoji: String,
    pub filler: String,
    pub enders: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraditionalToSimplified {
    pub from: String,
    pub to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exemption {
    #[serde(rename = "why")]
    pub _why: String,
    #[serde(default)]
    pub regex: Vec<String>,
    /// No exemption where this pattern is found in the match.
    pub not_if: Option<String>,
    /// The fact that must hold.
    pub when: Option<String>,
    /// The list of terms that stands in for patterns.
    pub terms: Option<String>,
    /// Origins of the findings it lifts; empty = all.
    #[serde(default)]
    pub origins: Vec<String>,
}
