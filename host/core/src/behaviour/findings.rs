//! What probing found, put together over all bases: the same difference at the same place is one finding.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::axes::Unit;
use super::words::Difference;

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
    /// The old one.
    Old,
    /// The new one.
    New,
    /// Both.
    Both,
}

/// What is odd about a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemarkSort {
    /// Nothing between two stretches that give something.
    Gap,
    /// One delay is paid twice.
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

/// What was found in one base, or in several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    findings: BTreeMap<(Place, Difference), (u32, String)>,
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
    example: String,
}

impl Found {
    pub(super) fn add(&mut self, place: Place, difference: Difference, base: &str) {
        self.add_so_many((place, difference), (1, base.to_owned()));
    }

    fn add_so_many(&mut self, key: (Place, Difference), (cases, example): (u32, String)) {
        if let Some(own) = self.findings.get_mut(&key) {
            own.0 += cases;
        } else if self.findings.len() < FINDINGS_MAX {
            self.findings.insert(key, (cases, example));
        } else {
            self.left_out += 1;
        }
    }

    /// Whether a difference was found at any place.
    pub(super) fn has(&self, difference: &Difference) -> bool {
        self.findings.keys().any(|(_, own)| own == difference)
    }

    pub(super) fn remark(&mut self, remarks: Vec<(Remark, Which, String)>) {
        for (remark, which, base) in remarks {
            let tally = Tally { old: u32::from(which == Which::Old), new: u32::from(which == Which::New), example: base };
            self.add_remark(remark, tally);
        }
    }

    fn add_remark(&mut self, remark: Remark, tally: Tally) {
        if let Some(own) = self.remarks.get_mut(&remark) {
            (own.old, own.new) = (own.old + tally.old, own.new + tally.new);
        } else if self.remarks.len() < REMARKS_MAX {
            self.remarks.insert(remark, tally);
        } else {
            self.left_out += 1;
        }
    }

    /// Adds what was found in further bases.
    pub fn merge(&mut self, other: Self) {
        for (key, cases) in other.findings {
            self.add_so_many(key, cases);
        }
        for (remark, tally) in other.remarks {
            self.add_remark(remark, tally);
        }
        self.bases += other.bases;
        self.questions += other.questions;
        self.left_out += other.left_out;
    }

    /// Every finding: stretches first, then values, then cases; of each the most frequent first. A difference with limits is
    /// told by them, and where else it shows is named beside it.
    pub fn findings(&self) -> Vec<Finding> {
        let mut best: BTreeMap<&Difference, Sort> = BTreeMap::new();
        for (place, difference) in self.findings.keys() {
            let sort = best.entry(difference).or_insert(place.sort);
            *sort = place.sort.min(*sort);
        }
        let told = |place: &Place, difference: &Difference| best.get(difference) == Some(&place.sort);
        let mut also: BTreeMap<&Difference, Vec<String>> = BTreeMap::new();
        for (place, difference) in self.findings.keys().filter(|(place, difference)| !told(place, difference)) {
            let places = also.entry(difference).or_default();
            if places.len() < ALSO_MAX {
                places.push(place.words.clone());
            }
        }
        let finding = |((place, difference), (cases, example)): (&(Place, Difference), &(u32, String))| Finding {
            place: place.clone(),
            difference: difference.clone(),
            cases: *cases,
            example: example.clone(),
            also: also.get(difference).cloned().unwrap_or_default(),
        };
        let mut findings: Vec<Finding> =
            self.findings.iter().filter(|((place, difference), _)| told(place, difference)).map(finding).collect();
        findings.sort_by_key(|finding| (finding.place.sort, std::cmp::Reverse(finding.cases)));
        findings
    }

    /// Every remark, the most frequent of each sort first.
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
        lines.sort_by_key(|line| (line.remark.sort, std::cmp::Reverse(line.cases)));
        lines
    }
}
