//! What is wrong with a bundle, and where.

use std::fmt;

/// Problems that are kept; more are counted.
const PROBLEMS_MAX: usize = 1_000;
/// Characters of one problem that are kept: some of it is what a bundle says, which is as long as its maker likes.
const WHAT_SCALARS_MAX: usize = 1_000;

/// The part of a bundle or record that a problem is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The file as a sequence of items.
    File,
    Manifest,
    Checkpoint,
    /// The latest checkpoint against one that the auditor kept.
    KeptCheckpoint,
    /// That the records are the run of the tree that they claim to be.
    RangeProof,
    ConsistencyProof,
    /// A component or settings.
    Blob,
    /// The order of records: one is missing, stands twice or at another's place.
    Sequence,
    Header,
    /// The leaf hash that the store had of a record.
    Leaf,
    Sealed,
    Key,
    Body,
    /// That nothing of the window lies outside of the records.
    Window,
    /// What could not be read when the bundle was made.
    Store,
    End,
}

impl Part {
    /// The name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Manifest => "manifest",
            Self::Checkpoint => "checkpoint",
            Self::KeptCheckpoint => "kept-checkpoint",
            Self::RangeProof => "range-proof",
            Self::ConsistencyProof => "consistency-proof",
            Self::Blob => "blob",
            Self::Sequence => "sequence",
            Self::Header => "header",
            Self::Leaf => "leaf",
            Self::Sealed => "sealed",
            Self::Key => "key",
            Self::Body => "body",
            Self::Window => "window",
            Self::Store => "store",
            Self::End => "end",
        }
    }
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The record, by its sequence number; none where it is about the bundle.
    pub seq: Option<u64>,
    pub part: Part,
    /// What is wrong, cut off where it is very long.
    pub what: String,
}

impl Problem {
    /// A problem of the bundle.
    pub fn of(part: Part, what: impl fmt::Display) -> Self {
        Self { seq: None, part, what: cut(what.to_string()) }
    }

    /// A problem of a record.
    pub fn at(seq: u64, part: Part, what: impl fmt::Display) -> Self {
        Self { seq: Some(seq), part, what: cut(what.to_string()) }
    }
}

fn cut(mut what: String) -> String {
    if let Some((end, _)) = what.char_indices().nth(WHAT_SCALARS_MAX) {
        what.truncate(end);
        what.push('…');
        what.shrink_to_fit();
    }
    what
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(seq) = self.seq {
            write!(f, "record {seq}, ")?;
        }
        write!(f, "{}: {}", self.part.as_str(), self.what)
    }
}

/// Problems as they are found: the first thousand, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    kept: Vec<Problem>,
    count: u64,
}

impl Problems {
    /// Adds one.
    pub fn add(&mut self, problem: Problem) {
        self.count += 1;
        if self.kept.len() < PROBLEMS_MAX {
            self.kept.push(problem);
        }
    }

    /// Adds those that were found elsewhere.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.kept.extend(other.kept);
        self.kept.sort();
        self.kept.truncate(PROBLEMS_MAX);
    }

    /// How many there are.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The first ones, those of the bundle before those of records.
    pub fn sorted(mut self) -> Vec<Problem> {
        self.kept.sort();
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_bundle_says_takes_so_much_memory_and_no_more() {
        let what = |scalars: usize| Problem::of(Part::Store, "退".repeat(scalars)).what;
        assert_eq!(what(WHAT_SCALARS_MAX), "退".repeat(WHAT_SCALARS_MAX));
        let longer = what(WHAT_SCALARS_MAX + 1);
        assert_eq!(longer, format!("{}…", "退".repeat(WHAT_SCALARS_MAX)));
        let long = Problem::at(1, Part::Store, "x".repeat(1 << 20)).what;
        assert!(long.capacity() < 8 * WHAT_SCALARS_MAX, "{}", long.capacity());
    }
}
