//! Many merchants on one machine: memory, the start, and the first decision of a policy that is not loaded.
//!
//! Every merchant has settings of its own, and a part of them a component of its own: the same policy with other facts, which is another component,
//! another plugin and other memory. They are asked in turn, more of them than memory is allowed for, so that whoever comes next was always evicted.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};
use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::rollout::{Rollouts, VersionId};
use ombud_ledger::Digest;
use ombud_store::{Group, JobError, SqliteStore, StoreError, VersionRow, Writer, WriterLimits};
use serde_json::json;

use super::fairness::delay_event;
use super::load::{Loaded, Request, one_by_one};
use super::served::{options, run_service, said};
use super::{BenchRow, PhaseTimes};
use crate::package::append_section;
use crate::service::{Role, Service};

/// Merchants.
const MERCHANTS: usize = 10_000;
/// Of them with a component of their own.
const OWN_COMPONENTS: usize = 1_000;
/// Components that are written in one transaction.
const AT_ONCE: usize = 50;
/// Decisions of the one merchant whose policy stays loaded.
const WARM: usize = 500;
/// How long the first decision after an eviction may take, in milliseconds; of a thousand, 990 keep it.
const FIRST_MS_MAX: f64 = 5.0;
/// Megabytes that the process may hold.
const RESIDENT_MB_MAX: f64 = 1_024.0;

/// The row.
pub(super) fn row(policies: &Path) -> Result<BenchRow> {
    let folder = tempfile::tempdir()?;
    let mut phases = vec![("merchants".to_owned(), count(MERCHANTS)), ("components of their own".to_owned(), count(OWN_COMPONENTS))];
    let keys = settle(folder.path(), policies, &mut phases)?;

    // What setting up took is no matter of the service.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = memory_mb("VmRSS");
    let started = Instant::now();
    let service = Service::open(folder.path(), options(policies))?;
    service.check_published(false)?;
    phases.push(("start, s".into(), started.elapsed().as_secs_f64()));
    phases.push(("resident before the start, MB".into(), before));
    phases.push(("resident after the start, MB".into(), memory_mb("VmRSS")));
    let running = run_service(&service)?;
    let client = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let event = delay_event()?.to_string();
    let request = |(id, key): &(String, String)| Arc::new(Request::post(&format!("/v1/merchants/{id}/events"), key, &event));
    let requests: Vec<Arc<Request>> = keys.iter().map(request).collect();
    let asked = |requests: &[Arc<Request>]| client.block_on(one_by_one(running.address, requests));
    // Everybody once, and once more: by then each was evicted by those who came after it.
    drop(asked(&requests)?);
    let loads = service.plugins().held().loads;
    let first = Loaded::of(asked(&requests)?, 1.0);
    let loads = service.plugins().held().loads - loads;
    let last = requests.last().context("no request")?;
    let warm = Loaded::of(asked(&vec![last.clone(); WARM])?, 1.0);

    let held = service.plugins().held();
    let (resident, peak) = (memory_mb("VmRSS"), memory_mb("VmHWM"));
    phases.extend([
        ("decisions that loaded their policy".to_owned(), loads as f64),
        ("first decision, p50, ms".to_owned(), first.quantile(500) / 1e3),
        ("first decision, p99, ms".to_owned(), first.p99() / 1e3),
        ("first decision, the slowest, ms".to_owned(), first.quantile(1000) / 1e3),
        ("warm decision, p50, ms".to_owned(), warm.quantile(500) / 1e3),
        ("warm decision, p99, ms".to_owned(), warm.p99() / 1e3),
        ("plugins loaded".to_owned(), count(held.plugins)),
        ("of them in memory, MB".to_owned(), count(held.bytes) / 1_048_576.0),
        ("resident, MB (≤ 1 024)".to_owned(), resident),
        ("peak, MB (≤ 1 024)".to_owned(), peak),
        ("lines of the metrics".to_owned(), count(service.metrics_text().lines().count())),
    ]);
    let mut row = BenchRow::at_most("tenants", "ms", 1.0, first.p99() / 1e3, FIRST_MS_MAX, phases);
    row.met &= loads >= OWN_COMPONENTS as u64 * 9 / 10 && peak <= RESIDENT_MB_MAX;
    Ok(row)
}

/// A directory with all merchants; of those with components of their own, the keys.
fn settle(data: &Path, policies: &Path, phases: &mut PhaseTimes) -> Result<Vec<(String, String)>> {
    let started = Instant::now();
    let service = Service::open(data, options(policies))?;
    service.check_published(false)?;
    let owner = Service::owner()?;
    let mut keys = Vec::new();
    for number in 0..MERCHANTS {
        let id = format!("m{number}");
        let settings = json!({"ship_slight_value": 1_000 + number});
        let config =
            json!({"id": id, "shop_id": id, "platform": "douyin", "policies": {"delay": {"policy": "delay", "settings": settings}}});
        service.put_merchant_now(&owner, &id, config.to_string().as_bytes()).map_err(said)?;
        if number < OWN_COMPONENTS {
            let key = service.create_key_now(&owner, Some(&id), Role::Agent, "bench").map_err(said)?;
            keys.push((id, key.secret));
        }
        if number % 1_000 == 999 {
            eprintln!("ombud: {} of {MERCHANTS} merchants, {:.1} s", number + 1, started.elapsed().as_secs_f64());
        }
    }
    phases.push(("setting one up, ms".into(), started.elapsed().as_secs_f64() * 1e3 / count(MERCHANTS)));
    let package = std::fs::read(policies.join("delay/delay.wasm"))?;
    let sandbox = service.plugins().sandbox();
    let mut components = Vec::with_capacity(OWN_COMPONENTS);
    for number in 0..OWN_COMPONENTS {
        let mut component = package.clone();
        append_section(&mut component, "ombud:bench", number.to_string().as_bytes());
        // Its facts are kept beside the code, which it shares.
        sandbox.load(&component)?;
        components.push((format!("m{number}"), component));
    }
    // Every log is signed once.
    let signing = Instant::now();
    service.sign_now()?;
    phases.push(("signing every log, s".into(), signing.elapsed().as_secs_f64()));
    drop(service);
    bind(data, components)?;
    Ok(keys)
}

/// Makes components the active versions of merchants, in the store itself: a thousand uploads would take an hour.
fn bind(data: &Path, mut components: Vec<(String, Vec<u8>)>) -> Result<()> {
    let (store, transactions) = SqliteStore::open(data)?;
    let writer = Writer::start(transactions, WriterLimits::default(), |_| ())?;
    while !components.is_empty() {
        let some = components.split_off(components.len().saturating_sub(AT_ONCE));
        let done = writer.wait(move |group| some.iter().try_for_each(|(id, component)| bind_one(group, id, component)));
        done.map_err(|error: JobError<StoreError>| anyhow!("{error:?}"))?;
    }
    drop((writer, store));
    Ok(())
}

fn bind_one(group: &mut dyn Group, id: &str, component: &[u8]) -> Result<(), StoreError> {
    let damaged = |what: String| StoreError::Damaged(what);
    let merchant = MerchantId::new(id).map_err(|error| damaged(error.to_string()))?;
    let kept = group.rollouts(&merchant)?.unwrap_or_default();
    let mut rollouts: Rollouts = serde_json::from_str(&kept).map_err(|error| damaged(error.to_string()))?;
    let plan = rollouts.plans.get_mut(&Kind::Delay).and_then(|plan| plan.active.as_mut());
    let active = plan.ok_or_else(|| damaged("no active version".into()))?;
    let row = group.version(&merchant, &active.version.policy, &active.version.version)?;
    let row = row.ok_or_else(|| damaged("no such version".into()))?;
    let own = VersionRow { version: "own".into(), component: Digest::of(component), ..row };
    active.version = VersionId { policy: own.policy.clone(), version: own.version.clone() };
    group.put_blob("application/wasm", component, 0)?;
    group.insert_version(&merchant, &own, "[]")?;
    let json = serde_json::to_string(&rollouts).map_err(|error| damaged(error.to_string()))?;
    group.put_rollouts(&merchant, &json, 0)
}

/// Memory of this process in MB by its name in `/proc/self/status`.
fn memory_mb(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|text| text.trim().trim_end_matches("kB").trim().parse::<f64>().ok()).map_or(0.0, |kb| kb / 1024.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
const fn count(number: usize) -> f64 {
    number as f64
}
