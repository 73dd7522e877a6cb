//! Durable decisions over HTTP: the whole service against a bare route, with many merchants, with many records, and from
//! a restart.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use ombud_core::golden::{self, Given};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::BenchRow;
use super::load::{Loaded, MARK, Request, load};
use crate::http::{HttpLimits, serve};
use crate::service::{Options, Role, Service};

/// Keep-alive connections of the load.
const CONNECTIONS: usize = 64;
/// Seconds of one sample.
const SECONDS: u64 = 4;
/// Merchants of the row with many.
const MERCHANTS: usize = 1_000;
/// Records of the row with many.
const RECORDS: u64 = 1_000_000;

/// Merchants with the secret of their key.
type Keys = Vec<(String, String)>;

/// Which of these rows are wanted.
pub(super) struct Wanted {
    pub(super) durable: bool,
    pub(super) p99: bool,
    pub(super) merchants: bool,
    pub(super) records: bool,
    pub(super) restart: bool,
}

/// A server on a loopback port, stopped when dropped.
struct Running {
    address: SocketAddr,
    _runtime: Runtime,
}

/// The rows.
pub(super) fn rows(policies: &Path, wanted: &Wanted) -> Result<Vec<BenchRow>> {
    let client = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let data = tempfile::tempdir()?;
    let mut rows = Vec::new();
    let (service, keys) = open(data.path(), policies, 1)?;
    let event = event()?;
    let requests = requests(&event, &keys);
    let one = run_service(&service)?;
    let bare = run_bare(answer_size(&client, one.address, &requests)?)?;
    let sample = |address, requests: &[Arc<Request>], rate| -> Result<Loaded> {
        client.block_on(load(address, requests, CONNECTIONS, Duration::from_secs(SECONDS), rate))
    };
    // Warm up both, then let them take turns; the best of two counts for each.
    sample(one.address, &requests, None)?;
    let best = |address, requests: &[Arc<Request>]| -> Result<f64> {
        Ok(sample(address, requests, None)?.per_second.max(sample(address, requests, None)?.per_second))
    };
    let floor = best(bare.address, &requests)?;
    let value = best(one.address, &requests)?;
    if wanted.durable {
        rows.push(BenchRow::at_least("durable", "1/s", floor, value, 0.30, phase_means(&service.metrics_text())));
    }
    if wanted.p99 {
        let rate = value / 2.0;
        let commit = commit_micros(data.path())?;
        let floor = sample(bare.address, &requests, Some(rate))?.p99() + commit;
        let value = sample(one.address, &requests, Some(rate))?.p99();
        rows.push(BenchRow::at_most("p99", "µs", floor, value, 2.0, vec![("one group commit".into(), commit), ("rate, 1/s".into(), rate)]));
    }
    drop((one, bare));
    if wanted.merchants || wanted.restart {
        let many = tempfile::tempdir()?;
        let (service, keys) = open(many.path(), policies, MERCHANTS)?;
        if wanted.merchants {
            let requests = self::requests(&event, &keys);
            let running = run_service(&service)?;
            sample(running.address, &requests, None)?;
            let thousand = best(running.address, &requests)?;
            rows.push(BenchRow::at_least("merchants", "1/s", value, thousand, 0.85, Vec::new()));
        }
        drop(service);
        if wanted.restart {
            let started = Instant::now();
            let service = Service::open(many.path(), options(policies))?;
            let seconds = started.elapsed().as_secs_f64();
            let resident = resident_mb();
            let ready = service.readiness().ready;
            let mut row = BenchRow::at_most("restart", "s", 1.0, seconds, 1.0, vec![("resident, MB (≤ 300)".into(), resident)]);
            row.met &= ready && resident <= 300.0;
            rows.push(row);
        }
    }
    if wanted.records {
        rows.push(many_records(policies, &event, &client, value)?);
    }
    Ok(rows)
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
    let sample = || client.block_on(load(running.address, &requests, CONNECTIONS, Duration::from_secs(SECONDS), None));
    let value = sample()?.per_second.max(sample()?.per_second);
    Ok(BenchRow::at_least("records", "1/s", empty, value, 0.9, vec![("records".into(), written as f64)]))
}

fn options(policies: &Path) -> Options {
    Options { policies: Some(policies.to_path_buf()), ..Options::default() }
}

/// A service with merchants `m0` … and an agent's key for each. Caps are out of the way: it is the speed of decisions that
/// is measured, AS-G01 pays nothing at once.
fn open(data: &Path, policies: &Path, merchants: usize) -> Result<(Arc<Service>, Keys)> {
    let service = Service::open(data, options(policies))?;
    let owner = Service::owner()?;
    let mut keys = Vec::with_capacity(merchants);
    for at in 0..merchants {
        let id = format!("m{at}");
        let config = json!({"id": id, "shop_id": "s1", "platform": "douyin"}).to_string();
        let said = |error: crate::service::ServiceError| anyhow!("{error}: {error:?}");
        service.put_merchant_now(&owner, &id, config.as_bytes()).map_err(said)?;
        let key = service.create_key_now(&owner, Some(&id), Role::Agent, "bench").map_err(said)?;
        keys.push((id, key.secret));
    }
    Ok((service, keys))
}

fn requests(event: &Value, keys: &[(String, String)]) -> Vec<Arc<Request>> {
    let body = event.to_string();
    keys.iter().map(|(id, key)| Arc::new(Request::post(&format!("/v1/merchants/{id}/events"), key, &body))).collect()
}

/// AS-G01 as an event, with its own id, customer and order each time.
fn event() -> Result<Value> {
    let cases = golden::load(include_str!("../../../tests/cases/golden.yaml"))?;
    let case = cases.iter().find(|case| case.id == "AS-G01").context("no case AS-G01")?;
    let Given::AfterSale(_, facts) = &case.given else { return Err(anyhow!("AS-G01 is no after-sale case")) };
    let mut facts = serde_json::to_value(facts)?;
    let members = facts.as_object_mut().context("a case is an object")?;
    let mut order = members.remove("order").context("a case has an order")?;
    members.remove("customer");
    if let Some(order) = order.as_object_mut() {
        order.insert("order_id".into(), json!(format!("o{MARK}")));
    }
    members.insert("after_sale_id".into(), json!(format!("a{MARK}")));
    Ok(json!({
        "specversion": "1.0", "id": format!("e{MARK}"), "source": "/bench", "type": "aftersale.requested",
        "time": "2026-11-06T10:00:00+08:00", "datacontenttype": "application/json",
        "data": {"ticket_id": format!("t{MARK}"), "customer_ref": format!("c_{MARK}"), "after_sale": facts, "order": order},
    }))
}

fn server_runtime() -> Result<Runtime> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?)
}

fn run_service(service: &Arc<Service>) -> Result<Running> {
    let runtime = server_runtime()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let service = Arc::clone(service);
    runtime.spawn(async move { serve(listener, service, HttpLimits::default(), std::future::pending()).await });
    Ok(Running { address, _runtime: runtime })
}

/// The floor: a bare route that parses the same JSON and answers a fixed one of the same size.
fn run_bare(answer_bytes: usize) -> Result<Running> {
    let runtime = server_runtime()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let text = format!("{{\"fixed\":\"{}\"}}", "x".repeat(answer_bytes.saturating_sub(12)));
    let fixed: Bytes = text.into();
    let handler = move |body: Bytes| {
        let fixed = fixed.clone();
        async move {
            let parsed: Result<Value, _> = serde_json::from_slice(&body);
            match parsed {
                Ok(_) => Ok(([("content-type", "application/json")], fixed)),
                Err(error) => Err((axum::http::StatusCode::BAD_REQUEST, error.to_string())),
            }
        }
    };
    let router = Router::new().route("/v1/merchants/{m}/events", post(handler));
    runtime.spawn(async move { axum::serve(listener, router).await });
    Ok(Running { address, _runtime: runtime })
}

/// Bytes of one answer's body.
fn answer_size(client: &Runtime, address: SocketAddr, requests: &[Arc<Request>]) -> Result<usize> {
    let request = requests.first().context("no request")?;
    client.block_on(super::load::body_bytes(address, request))
}

/// Microseconds of one lone group commit on this disk: a transaction of one row, `synchronous=FULL`.
fn commit_micros(folder: &Path) -> Result<f64> {
    ombud_store::lone_commit_micros(folder).map_err(|error| anyhow!("{error}"))
}

/// Mean microseconds of each phase, from the service's own metrics.
fn phase_means(metrics: &str) -> Vec<(String, f64)> {
    let value = |kind: &str, phase: &str| {
        let line = metrics
            .lines()
            .find(|line| line.contains(kind) && line.contains("after-sale") && line.contains(&format!("phase=\"{phase}\"")))?;
        line.rsplit(' ').next()?.parse::<f64>().ok()
    };
    let mean = |phase: &&str| {
        let (sum, count) = (value("phase_duration_seconds_sum", phase)?, value("phase_duration_seconds_count", phase)?);
        Some(((*phase).to_owned(), sum / count * 1e6))
    };
    ["history", "lower", "policy", "guardrail", "seal", "commit"].iter().filter_map(mean).collect()
}

/// Resident memory of this process in MB.
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|text| text.trim().trim_end_matches("kB").trim().parse::<f64>().ok()).map_or(0.0, |kb| kb / 1024.0)
}
