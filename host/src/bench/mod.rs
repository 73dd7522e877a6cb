//! `ombud bench`: every speed that is promised, each as a ratio to a floor measured in the same run.

mod backtest;
mod decision;
mod fairness;
mod load;
mod processor;
mod recorded;
mod replay;
mod served;
mod service;
mod table;
mod tenants;

use anyhow::Result;
use serde::Serialize;

/// Phases by name, in microseconds.
pub type PhaseTimes = Vec<(String, f64)>;

/// One row of the table.
#[derive(Clone, Debug, Serialize)]
pub struct BenchRow {
    /// What is measured.
    pub name: String,
    /// The floor, in the row's unit.
    pub floor: f64,
    /// The measurement, in the row's unit.
    pub value: f64,
    /// The value in terms of the floor.
    pub ratio: f64,
    /// What is to be reached, in words.
    pub target: String,
    /// Whether it is.
    pub met: bool,
    /// Unit of floor and value.
    pub unit: &'static str,
    /// Where the time goes.
    pub phases: PhaseTimes,
}

impl BenchRow {
    /// A row where a smaller ratio is better.
    fn at_most(name: &str, unit: &'static str, floor: f64, value: f64, most: f64, phases: PhaseTimes) -> Self {
        let ratio = value / floor;
        Self { name: name.to_owned(), floor, value, ratio, target: format!("≤ {most} ×"), met: ratio <= most, unit, phases }
    }

    /// A row where a larger ratio is better.
    fn at_least(name: &str, unit: &'static str, floor: f64, value: f64, least: f64, phases: PhaseTimes) -> Self {
        let ratio = value / floor;
        Self { name: name.to_owned(), floor, value, ratio, target: format!("≥ {least} ×"), met: ratio >= least, unit, phases }
    }
}

/// The rows there are, in the order of the table.
pub const NAMES: [&str; 13] = [
    "after-sale",
    "reply",
    "table",
    "replay",
    "backtest",
    "fairness",
    "tenants",
    "durable",
    "p99",
    "merchants",
    "records",
    "restart",
    "ledger",
];

/// Measures the named rows, or all; `records` are those of the row `backtest`.
pub fn run(policies: &std::path::Path, only: Option<&str>, records: Option<usize>) -> Result<Vec<BenchRow>> {
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    let mut rows = Vec::new();
    if wanted("after-sale") || wanted("reply") {
        rows.extend(decision::rows(policies)?.into_iter().filter(|row| wanted(&row.name)));
    }
    if wanted("table") {
        rows.push(table::row(policies)?);
    }
    if wanted("replay") {
        rows.push(replay::row(policies)?);
    }
    if wanted("backtest") {
        rows.push(backtest::row(policies, records)?);
    }
    if wanted("fairness") {
        rows.extend(fairness::rows(policies)?);
    }
    if wanted("tenants") {
        rows.push(tenants::row(policies)?);
    }
    let service = service::Wanted {
        durable: wanted("durable"),
        p99: wanted("p99"),
        merchants: wanted("merchants"),
        records: wanted("records"),
        restart: wanted("restart"),
        ledger: wanted("ledger"),
    };
    if NAMES.iter().skip(7).any(|name| wanted(name)) {
        rows.extend(service::rows(policies, &service)?);
    }
    Ok(rows)
}
