//! What replays gave: how many were identical, and the others by why they were not.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::screen;
use crate::service::wire::{Divergence, ReplayReport};

/// Reports of divergences that are kept; the rest is only counted.
const KEPT_MAX: usize = 100;

/// The sum of replays.
#[derive(Debug, Default)]
pub struct Tally {
    /// The recorded bytes again.
    pub identical: u64,
    /// Not the recorded bytes, by why.
    pub divergences: BTreeMap<Divergence, u64>,
    /// Erased customers and faults of the machine: not compared.
    pub not_compared: BTreeMap<Divergence, u64>,
    /// The first reports of divergences.
    pub reports: Vec<ReplayReport>,
    /// How long it took.
    pub elapsed: Duration,
}

impl Tally {
    /// Adds one report.
    pub(super) fn add(&mut self, report: ReplayReport) {
        let Some(divergence) = report.divergence else {
            self.identical += 1;
            return;
        };
        if !divergence.diverged() {
            *self.not_compared.entry(divergence).or_default() += 1;
            return;
        }
        *self.divergences.entry(divergence).or_default() += 1;
        if self.reports.len() < KEPT_MAX {
            self.reports.push(report);
        }
    }

    /// Adds another tally; the time is the longer one.
    pub(in super::super) fn merge(&mut self, other: Self) {
        self.identical += other.identical;
        for (own, others) in [(&mut self.divergences, other.divergences), (&mut self.not_compared, other.not_compared)] {
            for (name, count) in others {
                *own.entry(name).or_default() += count;
            }
        }
        self.reports.extend(other.reports);
        self.reports.truncate(KEPT_MAX);
        self.elapsed = self.elapsed.max(other.elapsed);
    }

    /// Everything that was looked at.
    pub fn replayed(&self) -> u64 {
        self.identical + self.diverged() + self.not_compared.values().sum::<u64>()
    }

    /// What should have been identical and was not.
    pub fn diverged(&self) -> u64 {
        self.divergences.values().sum()
    }

    /// Decisions per second.
    pub fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let replayed = self.replayed() as f64;
        replayed / self.elapsed.as_secs_f64().max(1e-6)
    }

    /// For programs.
    pub(super) fn json(&self, merchant: &str) -> Value {
        json!({
            "merchant": merchant,
            "replayed": self.replayed(),
            "identical": self.identical,
            "diverged": self.diverged(),
            "divergences": self.divergences,
            "not_compared": self.not_compared,
            "elapsed_ms": u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX),
            "per_second": self.rate(),
            "diverging": self.reports,
        })
    }

    /// For people.
    pub(in super::super) fn print(&self) {
        if !self.divergences.is_empty() || !self.not_compared.is_empty() {
            let mut table = screen::table(&["divergence", "decisions", "what it means"]);
            for (divergence, count) in self.divergences.iter().chain(&self.not_compared) {
                table.add_row([divergence.to_string(), count.to_string(), divergence.meaning().to_owned()]);
            }
            println!("{table}");
        }
        if !self.reports.is_empty() {
            let mut table = screen::table(&["seq", "decision", "divergence", "fuel then", "fuel now"]);
            for report in &self.reports {
                let divergence = report.divergence.map_or("", Divergence::as_str);
                table.add_row([
                    report.seq.to_string(),
                    report.id.clone(),
                    divergence.to_owned(),
                    report.fuel_recorded.to_string(),
                    report.fuel_now.to_string(),
                ]);
            }
            println!("{table}");
        }
        println!("{}", super::sentence(self));
    }
}
