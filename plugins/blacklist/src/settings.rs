//! The merchant's parameters of the blacklist policy (domain policies 5.0).

use ombud_sdk::blacklist::Criterion;
use ombud_sdk::serde_json::{Map, Value, json};
use ombud_sdk::{Bounds, Reader, Setting};

ombud_sdk::settings! {
    /// The approval chain of a blacklist request: how incidents count, and how long things take.
    pub struct Settings {
        /// Incidents older than this do not count.
        pub lookback_days: u32 = 180, 30..=365, "days";
        /// How many incidents lead to a mark, a restriction, the blacklist; null = no such level (BL-019, BL-020).
        pub thresholds: Thresholds = Thresholds::default();
        /// As how many incidents of abuse one with a threat of violence counts.
        pub violence_weight: u32 = 3, 1..=3, "incidents";
        /// A measure ends after this long unless it is decided anew (BL-032; PIPL 19).
        pub review_after_days: u32 = 180, 30..=365, "days";
        /// The supervisor answers within this time (BL-030).
        pub supervisor_hours: u32 = 24, 1..=168, "h";
        /// The department head answers within this time (BL-031).
        pub head_hours: u32 = 48, 1..=168, "h";
    }
}

ombud_sdk::settings! {
    /// From how many incidents on each measure may be taken; null = never for this criterion.
    pub object Levels {
        /// Special mark.
        pub mark: Option<u32>, 1..=20, "incidents";
        /// Service restriction.
        pub restrict: Option<u32>, 1..=20, "incidents";
        /// Blacklist. One incident is never enough (003 多次).
        pub blacklist: Option<u32>, 2..=20, "incidents";
    }
    check = levels_rise;
}

fn levels_rise(levels: &Levels, reader: &mut Reader) {
    let given = [("mark", levels.mark), ("restrict", levels.restrict), ("blacklist", levels.blacklist)];
    let mut before = 0;
    for (name, level) in given.into_iter().filter_map(|(name, level)| level.map(|level| (name, level))) {
        if level < before {
            reader.refuse_at(name, "must not be below the level of a milder measure");
        }
        before = level;
    }
}

/// The levels of each criterion; in JSON an object by the criterion's name. A criterion that is not given keeps its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thresholds([(Criterion, Levels); 4]);

impl Default for Thresholds {
    /// The matrix of domain policies 5.3.
    fn default() -> Self {
        let levels = |mark, restrict, blacklist| Levels { mark, restrict, blacklist };
        Self([
            (Criterion::MaliciousReturns, levels(Some(1), Some(2), Some(3))),
            (Criterion::Extortion, levels(None, Some(1), Some(2))),
            (Criterion::Abuse, levels(Some(1), Some(2), Some(3))),
            (Criterion::FalseComplaint, levels(Some(1), None, Some(2))),
        ])
    }
}

impl Thresholds {
    /// The levels of a criterion; none for `other`, which leads nowhere (BL-001).
    pub fn of(&self, criterion: Criterion) -> Option<&Levels> {
        self.0.iter().find(|(known, _)| *known == criterion).map(|(_, levels)| levels)
    }

    /// Replaces the levels of a criterion.
    #[cfg(test)]
    pub fn with(mut self, criterion: Criterion, levels: Levels) -> Self {
        self.0.iter_mut().filter(|(known, _)| *known == criterion).for_each(|(_, old)| *old = levels.clone());
        self
    }
}

impl Setting for Thresholds {
    fn read(value: &Value, _bounds: Bounds, reader: &mut Reader) -> Option<Self> {
        let Value::Object(given) = value else {
            reader.refuse("must be an object");
            return None;
        };
        let before = reader.problem_count();
        let mut thresholds = Self::default();
        for (name, value) in given {
            reader.at(name, |reader| match thresholds.0.iter_mut().find(|(criterion, _)| criterion.as_str() == name) {
                Some((_, levels)) => {
                    if let Some(read) = Levels::read(value, None, reader) {
                        *levels = read;
                    }
                }
                None => reader.refuse("there is no such criterion"),
            });
        }
        (reader.problem_count() == before).then_some(thresholds)
    }

    fn schema(_bounds: Bounds) -> Value {
        let properties: Map<String, Value> =
            Self::default().0.iter().map(|(criterion, _)| (criterion.as_str().to_owned(), Levels::schema(None))).collect();
        json!({"type": "object", "additionalProperties": false, "properties": properties})
    }

    fn to_json(&self) -> Value {
        self.0.iter().map(|(criterion, levels)| (criterion.as_str().to_owned(), levels.to_json())).collect::<Map<_, _>>().into()
    }
}
