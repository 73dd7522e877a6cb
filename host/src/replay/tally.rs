//! The sum of many replays: how many were identical, and the others by why they were not.

use std::collections::BTreeMap;

use ombud_core::fault::FaultCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::report::{Divergence, EngineSeen, ReplayReport};

/// Reports of divergences that are kept, the first ones; the rest is only counted.
pub const DIVERGING_MAX: usize = 100;

/// Replays by what came of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// The recorded bytes again.
    pub identical: u64,
    /// Those among them on which a fault is on record, by its code: the same fault again.
    pub faults: BTreeMap<FaultCode, u64>,
    /// Not the recorded bytes, by why.
    pub divergences: BTreeMap<Divergence, u64>,
    /// What cannot be compared, by why.
    pub not_compared: BTreeMap<Divergence, u64>,
}

/// Replays of records that one engine made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EngineCounts {
    /// Decisions on record.
    pub replayed: u64,
    /// Not the recorded bytes.
    pub diverged: u64,
}

/// The sum of replays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Each merchant's.
    pub merchants: BTreeMap<String, Counts>,
    /// Under which engines the records were made; those that cannot be read name none.
    pub engines: BTreeMap<EngineSeen, EngineCounts>,
    /// The first reports of divergences, each with its merchant, in the order of the log.
    pub diverging: Vec<(String, ReplayReport)>,
}

impl Counts {
    /// Counts one report.
    pub fn add(&mut self, report: &ReplayReport) {
        match report.divergence {
            None => {
                self.identical += 1;
                if let Some(fault) = report.fault {
                    *self.faults.entry(fault).or_default() += 1;
                }
            }
            Some(divergence) if divergence.diverged() => *self.divergences.entry(divergence).or_default() += 1,
            Some(divergence) => *self.not_compared.entry(divergence).or_default() += 1,
        }
    }

    /// Adds others.
    pub fn merge(&mut self, other: &Self) {
        self.identical += other.identical;
        merge(&mut self.faults, &other.faults);
        merge(&mut self.divergences, &other.divergences);
        merge(&mut self.not_compared, &other.not_compared);
    }

    /// All of them.
    pub fn replayed(&self) -> u64 {
        self.identical + self.diverged() + self.not_compared.values().sum::<u64>()
    }

    /// What should have been identical and was not.
    pub fn diverged(&self) -> u64 {
        self.divergences.values().sum()
    }
}

impl Tally {
    /// Counts one report.
    pub fn add(&mut self, merchant: &str, report: ReplayReport) {
        match self.merchants.get_mut(merchant) {
            Some(counts) => counts.add(&report),
            None => self.merchants.entry(merchant.to_owned()).or_default().add(&report),
        }
        let diverged = report.divergence.is_some_and(Divergence::diverged);
        if let Some(engine) = &report.engine {
            if !self.engines.contains_key(engine) {
                self.engines.insert(engine.clone(), EngineCounts::default());
            }
            if let Some(counts) = self.engines.get_mut(engine) {
                counts.replayed += 1;
                counts.diverged += u64::from(diverged);
            }
        }
        if diverged {
            self.diverging.push((merchant.to_owned(), report));
            if self.diverging.len() >= 2 * DIVERGING_MAX {
                self.first_only();
            }
        }
    }

    /// Adds others.
    pub fn merge(&mut self, other: Self) {
        for (merchant, counts) in &other.merchants {
            self.merchants.entry(merchant.clone()).or_default().merge(counts);
        }
        for (engine, counts) in other.engines {
            let own = self.engines.entry(engine).or_default();
            own.replayed += counts.replayed;
            own.diverged += counts.diverged;
        }
        self.diverging.extend(other.diverging);
        self.first_only();
    }

    fn first_only(&mut self) {
        self.diverging.sort_by(|(one, report), (other, next)| (one, report.seq).cmp(&(other, next.seq)));
        self.diverging.truncate(DIVERGING_MAX);
    }

    /// Over all merchants.
    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        self.merchants.values().for_each(|counts| total.merge(counts));
        total
    }
}

fn merge<K: Ord + Copy>(into: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (key, count) in from {
        *into.entry(*key).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seq: u64, divergence: Option<Divergence>) -> ReplayReport {
        let engine = EngineSeen { wasmtime: "48".into(), profile: "aa".into() };
        ReplayReport { divergence, identical: divergence.is_none(), engine: Some(engine), ..ReplayReport::damaged(String::new(), seq, "") }
    }

    #[test]
    fn every_cause_is_counted_once_in_its_place() {
        let mut tally = Tally::default();
        tally.add("m", report(0, None));
        tally.add("m", ReplayReport { fault: Some(FaultCode::Trap), ..report(1, None) });
        for (at, divergence) in (2..).zip(Divergence::ALL) {
            tally.add("n", report(at, Some(divergence)));
        }
        let total = tally.total();
        assert_eq!((total.replayed(), total.identical, total.diverged()), (12, 2, 7));
        assert_eq!(total.faults, BTreeMap::from([(FaultCode::Trap, 1)]));
        let not_compared = [Divergence::Erased, Divergence::Environmental, Divergence::OtherEngine];
        assert_eq!(total.not_compared.keys().copied().collect::<Vec<_>>(), not_compared);
        assert_eq!((tally.merchants["m"].replayed(), tally.merchants["n"].replayed()), (2, 10));
        let engines: Vec<EngineCounts> = tally.engines.values().copied().collect();
        assert_eq!(engines, [EngineCounts { replayed: 12, diverged: 7 }]);
    }

    #[test]
    fn the_first_divergences_are_kept_whoever_met_them() {
        let (mut one, mut other) = (Tally::default(), Tally::default());
        for seq in (0..1000).rev() {
            let lane = if seq % 2 == 0 { &mut one } else { &mut other };
            lane.add("m", report(seq, Some(Divergence::Guest)));
        }
        one.merge(other);
        let seqs: Vec<u64> = one.diverging.iter().map(|(_, report)| report.seq).collect();
        assert_eq!(seqs, (0..DIVERGING_MAX as u64).collect::<Vec<_>>());
        assert_eq!(one.total().diverged(), 1000);
    }
}
