//! Durable decisions over HTTP: the whole service against a bare route, with many merchants, with many records, from a
//! restart, and without its ledger.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::load::{Loaded, Request, body_bytes, load};
use super::processor::Processor;
use super::served::{Keys, Running, event, open, open_without_trees, options, requests, run_bare, run_service};
use super::{BenchRow, PhaseTimes};
use crate::service::Service;

/// Keep-alive connections of the load.
const CONNECTIONS: usize = 64;
/// Seconds of one sample.
const SECONDS: u64 = 4;
/// Samples of each subject that count.
const ROUNDS: usize = 3;
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
    pub(super) ledger: bool,
}

/// One sample, and where its time went.
struct Sample {
    loaded: Loaded,
    phases: PhaseTimes,
}

/// A server under load: the whole service, or the bare route.
struct Subject {
    running: Running,
    service: Option<Arc<Service>>,
    requests: Vec<Arc<Request>>,
    /// Its directory; removed after everything that uses it is gone.
    data: Option<TempDir>,
}

impl Subject {
    /// The whole service on a directory of its own.
    fn opened(data: TempDir, (service, keys): (Arc<Service>, Keys), event: &Value) -> Result<Self> {
        let running = run_service(&service)?;
        Ok(Self { running, service: Some(service), requests: requests(event, &keys), data: Some(data) })
    }

    /// The same with so many merchants and no records.
    fn empty(policies: &Path, merchants: usize, event: &Value) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let opened = open(data.path(), policies, merchants)?;
        Self::opened(data, opened, event)
    }
}

/// The rows.
pub(super) fn rows(policies: &Path, wanted: &Wanted) -> Result<Vec<BenchRow>> {
    let client = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("client").enable_all().build()?;
    let event = event(1)?;
    let mut rows = Vec::new();
    if wanted.durable || wanted.p99 {
        rows.extend(one_merchant(policies, &event, &client, wanted)?);
    }
    if wanted.merchants || wanted.restart {
        rows.extend(many_merchants(policies, &event, &client, wanted)?);
    }
    if wanted.records {
        rows.push(many_records(policies, &event, &client)?);
    }
    if wanted.ledger {
        rows.push(with_ledger(policies, &event, &client)?);
    }
    Ok(rows)
}

/// The rows with one merchant and an empty store, against the bare route.
fn one_merchant(policies: &Path, event: &Value, client: &Runtime, wanted: &Wanted) -> Result<Vec<BenchRow>> {
    let one = Subject::empty(policies, 1, event)?;
    let first = one.requests.first().context("no request")?;
    let running = run_bare(client.block_on(body_bytes(one.running.address, first))?)?;
    let bare = Subject { running, service: None, requests: one.requests.clone(), data: None };
    let [floor, decided] = in_turns(client, [&bare, &one])?;
    let value = decided.loaded.per_second;
    let mut rows = Vec::new();
    if wanted.durable {
        rows.push(BenchRow::at_least("durable", "1/s", floor.loaded.per_second, value, 0.30, decided.phases));
    }
    if wanted.p99 {
        rows.push(at_half_load(client, &bare, &one, value / 2.0)?);
    }
    Ok(rows)
}

/// The row of the slowest answers at a rate. All samples count: what comes once in a while is what is looked for.
fn at_half_load(client: &Runtime, bare: &Subject, one: &Subject, rate: f64) -> Result<BenchRow> {
    let data = one.data.as_ref().context("a service has a directory")?;
    let commit = ombud_store::lone_commit_micros(data.path()).map_err(|error| anyhow!("{error}"))?;
    let (mut floor, mut value, mut last) = (Vec::new(), Vec::new(), PhaseTimes::new());
    for _ in 0..ROUNDS {
        floor.extend(sample(client, bare, Some(rate))?.loaded.micros);
        let decided = sample(client, one, Some(rate))?;
        value.extend(decided.loaded.micros);
        last = decided.phases;
    }
    let (floor, value) = (Loaded::of(floor, rate), Loaded::of(value, rate));
    let mut phases = vec![
        ("rate, 1/s".to_owned(), rate),
        ("bare route".to_owned(), floor.p99()),
        ("one group commit".to_owned(), commit),
        ("p50".to_owned(), value.quantile(500)),
        ("p90".to_owned(), value.quantile(900)),
        ("p99.9".to_owned(), value.quantile(999)),
        ("the slowest".to_owned(), value.quantile(1000)),
    ];
    phases.extend(last);
    Ok(BenchRow::at_most("p99", "µs", floor.p99() + commit, value.p99(), 2.0, phases))
}

/// The rows with many merchants: their load against that of one, and a restart on their directory.
fn many_merchants(policies: &Path, event: &Value, client: &Runtime, wanted: &Wanted) -> Result<Vec<BenchRow>> {
    let mut rows = Vec::new();
    let mut many = Subject::empty(policies, MERCHANTS, event)?;
    if wanted.merchants {
        let one = Subject::empty(policies, 1, event)?;
        let [one, thousand] = in_turns(client, [&one, &many])?;
        rows.push(BenchRow::at_least("merchants", "1/s", one.loaded.per_second, thousand.loaded.per_second, 0.85, thousand.phases));
    }
    let data = many.data.take().context("a service has a directory")?;
    drop(many);
    if wanted.restart {
        rows.push(restarted(data.path(), policies)?);
    }
    Ok(rows)
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

/// The row with a million records: they are written by the same line, then the load is measured beside an empty store's.
fn many_records(policies: &Path, event: &Value, client: &Runtime) -> Result<BenchRow> {
    let full = Subject::empty(policies, 1, event)?;
    let mut written = 0;
    while written < RECORDS {
        let loaded = client.block_on(load(full.running.address, &full.requests, CONNECTIONS, Duration::from_secs(10), None))?;
        written += loaded.micros.len() as u64;
        eprintln!("ombud: {written} of {RECORDS} records, {:.0} a second", loaded.per_second);
    }
    let empty = Subject::empty(policies, 1, event)?;
    let [empty, mut full] = in_turns(client, [&empty, &full])?;
    full.phases.push(("records".into(), written as f64));
    Ok(BenchRow::at_least("records", "1/s", empty.loaded.per_second, full.loaded.per_second, 0.9, full.phases))
}

/// The row of what the ledger costs: the same service with Merkle logs and signed checkpoints, and without.
fn with_ledger(policies: &Path, event: &Value, client: &Runtime) -> Result<BenchRow> {
    let data = tempfile::tempdir()?;
    let opened = open_without_trees(data.path(), policies)?;
    let without = Subject::opened(data, opened, event)?;
    let with = Subject::empty(policies, 1, event)?;
    let [without, with] = in_turns(client, [&without, &with])?;
    Ok(BenchRow::at_least("ledger", "1/s", without.loaded.per_second, with.loaded.per_second, 0.9, with.phases))
}

/// The best of the samples of each, after one to warm up: what disturbs a sample only ever makes it slower. They take turns,
/// so that a slower minute of the machine hits all.
fn in_turns<const SUBJECTS: usize>(client: &Runtime, subjects: [&Subject; SUBJECTS]) -> Result<[Sample; SUBJECTS]> {
    let mut best: [Option<Sample>; SUBJECTS] = [const { None }; SUBJECTS];
    for subject in subjects {
        sample(client, subject, None)?;
    }
    for _ in 0..ROUNDS {
        for (best, subject) in best.iter_mut().zip(subjects) {
            let next = sample(client, subject, None)?;
            if best.as_ref().is_none_or(|best| next.loaded.per_second > best.loaded.per_second) {
                *best = Some(next);
            }
        }
    }
    let best: Vec<Sample> = best.into_iter().flatten().collect();
    best.try_into().map_err(|_| anyhow!("nothing was measured"))
}

/// One load, at full speed or at a rate.
fn sample(client: &Runtime, subject: &Subject, rate: Option<f64>) -> Result<Sample> {
    let metrics = || subject.service.as_deref().map(Service::metrics_text).unwrap_or_default();
    let (before, processor) = (metrics(), Processor::now());
    let time = Duration::from_secs(SECONDS);
    let loaded = client.block_on(load(subject.running.address, &subject.requests, CONNECTIONS, time, rate))?;
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
