//! What replays gave, for people and for programs.

use std::fmt::Write as _;
use std::time::Duration;

use ombud_core::shown::one_line;
use serde_json::{Value, json};

use super::super::screen;
use super::Replayed;
use crate::replay::{Counts, Difference, Divergence, ReplayReport, Tally};

/// Differences of one decision shown to people; the JSON has more.
const DIFFERENCES_MAX: usize = 3;
/// Diverging decisions shown to people; the JSON has more.
const SHOWN_MAX: usize = 20;

/// For programs.
pub(in super::super) fn json(tally: &Tally, took: Duration) -> Value {
    let mut json = counts(&tally.total());
    let merchants = tally.merchants.iter().map(|(merchant, own)| with(counts(own), "merchant", json!(merchant)));
    let engines = tally.engines.iter().map(|(engine, counts)| {
        json!({"wasmtime": engine.wasmtime, "profile": engine.profile, "replayed": counts.replayed, "diverged": counts.diverged})
    });
    let diverging = tally.diverging.iter().map(|(merchant, report)| with(json!(report), "merchant", json!(merchant)));
    json["merchants"] = merchants.collect();
    json["engines"] = engines.collect();
    json["diverging"] = diverging.collect();
    json["elapsed_ms"] = json!(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    json["per_second"] = json!(rate(tally, took));
    json
}

/// Counts with their sums.
pub(in super::super) fn counts(counts: &Counts) -> Value {
    let mut json = json!(counts);
    json["replayed"] = json!(counts.replayed());
    json["diverged"] = json!(counts.diverged());
    json
}

fn with(mut json: Value, name: &str, value: Value) -> Value {
    json[name] = value;
    json
}

/// For people.
pub(super) fn print(replayed: &Replayed) {
    tables(&replayed.tally);
    let total = replayed.tally.total();
    println!(
        "{} replayed, {} identical, {} diverged, {} not compared, in {:.2} s ({:.0}/s)",
        screen::count(total.replayed(), "decision"),
        total.identical,
        total.diverged(),
        total.not_compared.values().sum::<u64>(),
        replayed.took.as_secs_f64(),
        rate(&replayed.tally, replayed.took)
    );
}

/// The tables: merchants, causes, engines, the first divergences; each only where it says something.
pub(in super::super) fn tables(tally: &Tally) {
    let total = tally.total();
    if tally.merchants.len() > 1 {
        println!("{}", by_merchant(tally));
    }
    if !total.faults.is_empty() || !total.divergences.is_empty() || !total.not_compared.is_empty() {
        let mut table = screen::table(&["what", "decisions", "what it means"]);
        for (code, count) in &total.faults {
            table.add_row([format!("fault: {code}"), count.to_string(), "a fault is on record, and is the same again".to_owned()]);
        }
        for (divergence, count) in total.divergences.iter().chain(&total.not_compared) {
            table.add_row([divergence.to_string(), count.to_string(), divergence.meaning().to_owned()]);
        }
        println!("{table}");
    }
    if tally.engines.len() > 1 {
        println!("{}", by_engine(tally));
    }
    if !tally.diverging.is_empty() {
        println!("{}", diverging(tally));
        let more = total.diverged().saturating_sub(SHOWN_MAX as u64);
        if more > 0 {
            println!("{more} more; --json has up to {}", crate::replay::DIVERGING_MAX);
        }
    }
}

fn by_merchant(tally: &Tally) -> comfy_table::Table {
    let mut table = screen::table(&["merchant", "decisions", "identical", "of them faults", "diverged", "erased", "others not compared"]);
    for (merchant, counts) in &tally.merchants {
        let erased = counts.not_compared.get(&Divergence::Erased).copied().unwrap_or_default();
        let others = counts.not_compared.values().sum::<u64>() - erased;
        let faults: u64 = counts.faults.values().sum();
        let numbers = [counts.replayed(), counts.identical, faults, counts.diverged(), erased, others];
        table.add_row(std::iter::once(merchant.clone()).chain(numbers.map(|number| number.to_string())));
    }
    table
}

/// Which engines made the records, with how the decisions of each came out under this one.
pub(in super::super) fn by_engine(tally: &Tally) -> comfy_table::Table {
    let mut table = screen::table(&["recorded under wasmtime", "profile", "decisions", "diverged"]);
    for (engine, counts) in &tally.engines {
        let profile = engine.profile.get(..16).unwrap_or(&engine.profile);
        table.add_row([engine.wasmtime.clone(), format!("{profile}…"), counts.replayed.to_string(), counts.diverged.to_string()]);
    }
    table
}

fn diverging(tally: &Tally) -> comfy_table::Table {
    let mut table = screen::table(&["merchant", "seq", "decision", "why", "what differs: on record → now"]);
    for (merchant, report) in tally.diverging.iter().take(SHOWN_MAX) {
        let why = report.divergence.map_or("", Divergence::as_str);
        table.add_row([merchant.clone(), report.seq.to_string(), report.id.clone(), why.to_owned(), differing(report)]);
    }
    table
}

fn differing(report: &ReplayReport) -> String {
    let mut text = report.detail.as_deref().map(one_line).unwrap_or_default().into_owned();
    for Difference { body, pointer, recorded, now } in report.differences.iter().take(DIFFERENCES_MAX) {
        if !text.is_empty() {
            text.push('\n');
        }
        // Writing into a string cannot fail.
        _ = write!(text, "{}", one_line(&format!("{body}{pointer}: {recorded} → {now}")));
    }
    let more = report.differences.len().saturating_sub(DIFFERENCES_MAX);
    if more > 0 {
        _ = write!(text, "\n… {more} more");
    }
    text
}

/// Decisions per second.
fn rate(tally: &Tally, took: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let decisions = tally.total().replayed() as f64;
    decisions / took.as_secs_f64().max(1e-6)
}
