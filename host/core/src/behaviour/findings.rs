//! What probing found, put together over all bases: the same difference at the same place is one finding.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::axes::Unit;
use super::words::{Difference, Matter};

/// Findings kept; what two versions of entirely different policies differ in has no end.
pub const FINDINGS_MAX: usize = 2_000;
/// Further places named beside a finding.
const ALSO_MAX: usize = 10;
/// Remarks kept.
pub const REMARKS_MAX: usize = 500;

/// Where a difference was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// On a stretch of a number.
    Stretch,
    /// At values of a fact.
    Value,
    /// In a case as it is.
    Case,
}

/// A place of a difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// What sort of place.
    pub sort: Sort,
    /// In words.
    pub words: String,
    /// What was moved.
    pub axis: String,
    /// What it counts.
    pub unit: Option<Unit>,
    /// The first value, in the unit's smallest step; none where the stretch is open below.
    pub from: Option<i64>,
    /// The last value; none where it is open above.
    pub to: Option<i64>,
}

/// A difference at a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What.
    pub difference: Difference,
    /// Bases in which it was found.
    pub cases: u32,
    /// The first of them.
    pub example: String,
    /// Where else the same difference shows, in words: of a difference that has limits, other facts that bring it about.
    pub also: Vec<String>,
}

/// Of which version something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// The new one.
    New,
    /// The old one.
    Old,
    /// Both.
    Both,
}

/// What is odd about a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemarkSort {
    /// Nothing between two stretches that give something.
    Gap,
    /// One delay is paid twice: by two rungs of a ladder, or twice in one form.
    Overlap,
    /// A longer delay gives less.
    Falls,
    /// No ruling.
    Fault,
}

/// Something odd, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Remark {
    /// What sort.
    pub sort: RemarkSort,
    /// The place in words.
    pub place: String,
    /// What is said there.
    pub text: String,
}

/// A remark with the versions it is true of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemarkLine {
    /// The remark.
    #[serde(flatten)]
    pub remark: Remark,
    /// Of which version.
    pub version: Which,
    /// Bases in which it was found.
    pub cases: u32,
    /// The first of them.
    pub example: String,
}

/// The sort and the words of a place, and what is said of it: the old and the new answer in words. Two bases have the same
/// window at different instants, and it is one window for people.
type Key = (Sort, String, String, String);

/// In how many bases, in which first, and the difference there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    place: Place,
    cases: u32,
    example: String,
    difference: Difference,
}

/// What was found in one base, or in several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    findings: BTreeMap<Key, Seen>,
    remarks: BTreeMap<Remark, Tally>,
    /// Bases probed.
    pub bases: u32,
    /// Questions asked, of both versions together.
    pub questions: u64,
    /// Findings that did not fit.
    pub left_out: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tally {
    old: u32,
    new: u32,
    /// The first base.
    example: String,
}

impl Found {
    pub(super) fn add(&mut self, place: Place, difference: Difference, base: &str) {
        let key = (place.sort, place.words.clone(), difference.old.clone(), difference.new.clone());
        self.add_seen(key, Seen { place, cases: 1, example: base.to_owned(), difference });
    }

    fn add_seen(&mut self, key: Key, seen: Seen) {
        if let Some(own) = self.findings.get_mut(&key) {
            own.cases += seen.cases;
        } else if self.findings.len() < FINDINGS_MAX {
            self.findings.insert(key, seen);
        } else {
            self.left_out += 1;
        }
    }

    /// Whether a difference was found at any place.
    pub(super) fn has(&self, difference: &Difference) -> bool {
        self.findings.values().any(|seen| seen.difference.says(difference))
    }

    pub(super) fn remark(&mut self, remarks: Vec<(Remark, Which, String)>) {
        for (remark, which, base) in remarks {
            let (old, new) = (u32::from(which == Which::Old), u32::from(which == Which::New));
            self.add_remark(remark, Tally { old, new, example: base });
        }
    }

    fn add_remark(&mut self, key: Remark, tally: Tally) {
        if let Some(own) = self.remarks.get_mut(&key) {
            (own.old, own.new) = (own.old + tally.old, own.new + tally.new);
        } else if self.remarks.len() < REMARKS_MAX {
            self.remarks.insert(key, tally);
        } else {
            self.left_out += 1;
        }
    }

    /// Adds what was found in further bases.
    pub fn merge(&mut self, other: Self) {
        for (key, seen) in other.findings {
            self.add_seen(key, seen);
        }
        for (key, tally) in other.remarks {
            self.add_remark(key, tally);
        }
        self.bases += other.bases;
        self.questions += other.questions;
        self.left_out += other.left_out;
    }

    /// Every finding. What matters comes before mere reasons; then stretches, values, cases; of each the most frequent first.
    /// A difference with limits is told by them, and where else it shows is named beside it.
    pub fn findings(&self) -> Vec<Finding> {
        let mut best: BTreeMap<(&str, &str), Sort> = BTreeMap::new();
        for (sort, _, old, new) in self.findings.keys() {
            let best = best.entry((old, new)).or_insert(*sort);
            *best = *sort.min(best);
        }
        let told = |(sort, _, old, new): &Key| best.get(&(old.as_str(), new.as_str())) == Some(sort);
        let mut also: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
        for (_, words, old, new) in self.findings.keys().filter(|key| !told(key)) {
            let places = also.entry((old, new)).or_default();
            if places.len() < ALSO_MAX {
                places.push(words.clone());
            }
        }
        let finding = |(key, seen): (&Key, &Seen)| Finding {
            place: seen.place.clone(),
            difference: seen.difference.clone(),
            cases: seen.cases,
            example: seen.example.clone(),
            also: also.get(&(key.2.as_str(), key.3.as_str())).cloned().unwrap_or_default(),
        };
        let mut findings: Vec<Finding> = self.findings.iter().filter(|(key, _)| told(key)).map(finding).collect();
        let reasons = |finding: &Finding| finding.difference.matter == Matter::Reasons;
        findings.sort_by_key(|finding| (reasons(finding), finding.place.sort, std::cmp::Reverse(finding.cases)));
        findings
    }

    /// Every remark, those on the new version alone first, then the most frequent.
    pub fn remarks(&self) -> Vec<RemarkLine> {
        let line = |(remark, tally): (&Remark, &Tally)| RemarkLine {
            remark: remark.clone(),
            version: match (tally.old, tally.new) {
                (_, 0) => Which::Old,
                (0, _) => Which::New,
                _ => Which::Both,
            },
            cases: tally.old.max(tally.new),
            example: tally.example.clone(),
        };
        let mut lines: Vec<RemarkLine> = self.remarks.iter().map(line).collect();
        lines.sort_by_key(|line| (line.version, line.remark.sort, std::cmp::Reverse(line.cases)));
        lines
    }
}
