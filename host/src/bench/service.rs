//! Durable decisions over HTTP: the whole service against a bare route, with many merchants, with many records, and from
//! a restart.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::load::{Loaded, Request, body_bytes, load};
use super::processor::Processor;
use super::served::{Running, event, open, options, requests, run_bare, run_service};
use super::{BenchRow, PhaseTimes};
use crate::service::Service;

/// Keep-alive connections of the load.
const CONNECTIONS: usize = 64;
/// Seconds of one sample.
const SECONDS: u64 = 4;
/// Merchants of the row with many.
const MERCHANTS: usize = 1_000;
/// Records of the row with many.
const RECORDS: u64 = 1_000_000;
/// Megabytes that the process may hold after a restart.
const RESIDENT_MB_MAX: f64 = 300.0;

/// Which of these rows are wanted.
pub(super) struct Wanted {
    pub(super) durable: bool,
    pub(super) p99: bool,
    pub(super) merchants: bool,
    pub(super) records: bool,
    pub(super) restart: bool,
}

/// One sample, and where its time went.
struct Sample {
    loaded: Loaded,
    phases: PhaseTimes,
}

/// The rows.
pub(super) fn rows(policies: &Path, wanted: &Wanted) -> Result<Vec<BenchRow>> {
    let client = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("client").enable_all().build()?;
    let event = event(1)?;
    let mut rows = Vec::new();
    let loads = wanted.durable || wanted.p99 || wanted.merchants || wanted.records;
    let one = if loads { Some(one_merchant(policies, &event, &client, wanted, &mut rows)?) } else { None };
    if wanted.merchants || wanted.restart {
        let many = tempfile::tempdir()?;
        let (service, keys) = open(many.path(), policies, MERCHANTS)?;
        if let (true, Some(one)) = (wanted.merchants, one) {
            let requests = requests(&event, &keys);
            let running = run_service(&service)?;
            let thousand = best(&client, &running, Some(&service), &requests)?;
            rows.push(BenchRow::at_least("merchants", "1/s", one, thousand.loaded.per_second, 0.85, thousand.phases));
        }
        drop(service);
        if wanted.restart {
            rows.push(restarted(many.path(), policies)?);
        }
    }
    if let (true, Some(one)) = (wanted.records, one) {
        rows.push(many_records(policies, &event, &client, one)?);
    }
    Ok(rows)
}

/// The rows with one merchant and an empty store; its decisions per second.
fn one_merchant(policies: &Path, event: &Value, client: &Runtime, wanted: &Wanted, rows: &mut Vec<BenchRow>) -> Result<f64> {
    let data = tempfile::tempdir()?;
    let (service, keys) = open(data.path(), policies, 1)?;
    let requests = requests(event, &keys);
    let one = run_service(&service)?;
    let first = requests.first().context("no request")?;
    let bare = run_bare(client.block_on(body_bytes(one.address, first))?)?;
    let floor = best(client, &bare, None, &requests)?.loaded;
    let decided = best(client, &one, Some(&service), &requests)?;
    let value = decided.loaded.per_second;
    if wanted.durable {
        rows.push(BenchRow::at_least("durable", "1/s", floor.per_second, value, 0.30, decided.phases));
    }
    if wanted.p99 {
        let rate = Some(value / 2.0);
        let commit = ombud_store::lone_commit_micros(data.path()).map_err(|error| anyhow!("{error}"))?;
        let bare = sample(client, &bare, None, &requests, rate)?.loaded.p99();
        let decided = sample(client, &one, Some(&service), &requests, rate)?;
        let mut phases = vec![
            ("rate, 1/s".to_owned(), value / 2.0),
            ("bare route".to_owned(), bare),
            ("one group commit".to_owned(), commit),
            ("p50".to_owned(), decided.loaded.quantile(500)),
            ("p90".to_owned(), decided.loaded.quantile(900)),
            ("p99.9".to_owned(), decided.loaded.quantile(999)),
        ];
        phases.extend(decided.phases);
        rows.push(BenchRow::at_most("p99", "µs", bare + commit, decided.loaded.p99(), 2.0, phases));
    }
    Ok(value)
}

/// Starts on a directory that was served before: from opening it until it is ready, warm cache.
fn restarted(data: &Path, policies: &Path) -> Result<BenchRow> {
    let started = Instant::now();
    let service = Service::open(data, options(policies))?;
    let seconds = started.elapsed().as_secs_f64();
    let resident = resident_mb();
    let mut row = BenchRow::at_most("restart", "s", 1.0, seconds, 1.0, vec![("resident, MB (≤ 300)".into(), resident)]);
    row.met &= service.readiness().ready && resident <= RESIDENT_MB_MAX;
    Ok(row)
}

/// The row with a million records: they are written by the same line, then the load is measured again.
fn many_records(policies: &Path, event: &Value, client: &Runtime, empty: f64) -> Result<BenchRow> {
    let data = tempfile::tempdir()?;
    let (service, keys) = open(data.path(), policies, 1)?;
    let requests = requests(event, &keys);
    let running = run_service(&service)?;
    let mut written = 0;
    while written < RECORDS {
        let loaded = client.block_on(load(running.address, &requests, CONNECTIONS, Duration::from_secs(10), None))?;
        written += loaded.micros.len() as u64;
        eprintln!("ombud: {written} of {RECORDS} records, {:.0} a second", loaded.per_second);
    }
    let mut full = best(client, &running, Some(&service), &requests)?;
    full.phases.push(("records".into(), written as f64));
    Ok(BenchRow::at_least("records", "1/s", empty, full.loaded.per_second, 0.9, full.phases))
}

/// The better of two samples after one to warm up: what disturbs a sample only ever makes it slower.
fn best(client: &Runtime, server: &Running, service: Option<&Service>, requests: &[Arc<Request>]) -> Result<Sample> {
    let again = || sample(client, server, service, requests, None);
    again()?;
    let (one, other) = (again()?, again()?);
    Ok(if other.loaded.per_second > one.loaded.per_second { other } else { one })
}

/// One load, at full speed or at a rate.
fn sample(client: &Runtime, server: &Running, service: Option<&Service>, requests: &[Arc<Request>], rate: Option<f64>) -> Result<Sample> {
    let metrics = || service.map(Service::metrics_text).unwrap_or_default();
    let (before, processor) = (metrics(), Processor::now());
    let loaded = client.block_on(load(server.address, requests, CONNECTIONS, Duration::from_secs(SECONDS), rate))?;
    let mut phases = phase_means(&before, &metrics());
    let processor = processor.micros_each(loaded.micros.len());
    phases.extend(processor.into_iter().map(|(thread, micros)| (format!("processor: {thread}"), micros)));
    Ok(Sample { loaded, phases })
}

/// Mean microseconds of each phase between two texts of the service's own metrics, and the mean group of the writer.
fn phase_means(before: &str, after: &str) -> PhaseTimes {
    let value = |text: &str, series: &str| text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse::<f64>().ok());
    let grown = |series: &str| Some(value(after, series)? - value(before, series).unwrap_or(0.0));
    let mean = |name: &str, series: &str, labels: &str, unit: f64| {
        let (sum, count) = (grown(&format!("{series}_sum{labels}"))?, grown(&format!("{series}_count{labels}"))?);
        (count > 0.0).then(|| (name.to_owned(), sum / count * unit))
    };
    let phase =
        |name: &&str| mean(name, "ombud_decision_phase_duration_seconds", &format!("{{kind=\"after-sale\",phase=\"{name}\"}}"), 1e6);
    let mut means: PhaseTimes = ["history", "lower", "policy", "guardrail", "seal", "commit"].iter().filter_map(phase).collect();
    means.extend(mean("group of the writer", "ombud_commit_group_duration_seconds", "", 1e6));
    means.extend(mean("records of a group", "ombud_commit_group_records", "", 1.0));
    means
}

/// Resident memory of this process in MB.
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|text| text.trim().trim_end_matches("kB").trim().parse::<f64>().ok()).map_or(0.0, |kb| kb / 1024.0)
}
