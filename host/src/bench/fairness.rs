//! One merchant's slowest answers alone, and beside others that take all they can: policies that burn their whole fuel, a flood of usual decisions, and
//! thousands of connections that say nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use wit_component::StringEncoding;

use super::load::{Loaded, MARK, Request, blast, load};
use super::served::{Running, event, options, run_service, said};
use super::{BenchRow, PhaseTimes};
use crate::http::HttpLimits;
use crate::package::{CONTRACTS, contract_files};
use crate::priority::behind_others;
use crate::registry::PackageToml;
use crate::service::{Options, Role, Service};

/// Requests of the good merchant a second: a small part of what one processor decides.
const RATE: f64 = 200.0;
/// Its connections.
const CONNECTIONS: usize = 8;
/// Connections of the merchant that takes all it can.
const HOSTILE_CONNECTIONS: usize = 128;
/// Connections without a key: more than there is room for.
const IDLE_CONNECTIONS: usize = 4_100;
/// Seconds of one sample.
const SECONDS: u64 = 4;
/// Samples of each.
const ROUNDS: usize = 3;
/// How much slower the slowest answers may be.
const RATIO_MAX: f64 = 2.0;

/// A guest that never ends.
const ENDLESS: &str = include_str!("../../../tests/guests/endless-loop.wat");
const PRELUDE: &str = include_str!("../../../tests/guests/prelude.wat");
const DELAY: &str = include_str!("../../../tests/events/delay.detected.json");

/// A server with a good merchant, and one whose policy of delays never ends.
struct Scene {
    running: Running,
    good: Arc<Request>,
    endless: Arc<Request>,
    usual: Arc<Request>,
    /// Where the load comes from: another machine, as it were, so the hostile one has what processor time the others leave.
    client: Runtime,
    hostile: Runtime,
    _service: Arc<Service>,
    _folders: [TempDir; 2],
}

/// The rows.
pub(super) fn rows(policies: &Path) -> Result<Vec<BenchRow>> {
    let scene = Scene::open(policies)?;
    drop(scene.sample()?);
    let mut rows = Vec::new();
    for (name, hostile) in [("fairness: endless", &scene.endless), ("fairness: flood", &scene.usual)] {
        let beside = || scene.beside(hostile);
        rows.push(scene.row(name, beside)?);
    }
    rows.push(scene.row("fairness: idle", || scene.beside_idle())?);
    Ok(rows)
}

impl Scene {
    fn open(policies: &Path) -> Result<Self> {
        let (data, packages) = (tempfile::tempdir()?, tempfile::tempdir()?);
        package(&packages.path().join("endless"), &endless()?)?;
        let service = Service::open(data.path(), Options { more_policies: vec![packages.path().to_path_buf()], ..options(policies) })?;
        service.check_published(false)?;
        let owner = Service::owner()?;
        let merchant = |id: &str, policies: Value| {
            let config = json!({"id": id, "shop_id": "s1", "platform": "douyin", "policies": policies}).to_string();
            service.put_merchant_now(&owner, id, config.as_bytes()).map_err(said)?;
            Ok::<_, anyhow::Error>(service.create_key_now(&owner, Some(id), Role::Agent, "bench").map_err(said)?.secret)
        };
        let good = merchant("good", json!({}))?;
        let hostile = merchant("hostile", json!({"delay": {"policy": "endless"}}))?;
        let request =
            |id: &str, key: &str, event: &Value| Arc::new(Request::post(&format!("/v1/merchants/{id}/events"), key, &event.to_string()));
        let usual = event(1)?;
        let delay = delay_event()?;
        let runtime = |name: &str| {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(1).thread_name(name).enable_all();
            builder
        };
        Ok(Self {
            running: run_service(&service)?,
            good: request("good", &good, &usual),
            endless: request("hostile", &hostile, &delay),
            usual: request("hostile", &hostile, &usual),
            client: runtime("client").build()?,
            hostile: runtime("hostile").on_thread_start(behind_others).build()?,
            _service: service,
            _folders: [data, packages],
        })
    }

    /// The good merchant's answers at its rate.
    fn sample(&self) -> Result<Loaded> {
        let time = Duration::from_secs(SECONDS);
        self.client.block_on(load(self.running.address, std::slice::from_ref(&self.good), CONNECTIONS, time, Some(RATE)))
    }

    /// The same beside another merchant at full blast, and what that one was answered.
    fn beside(&self, hostile: &Arc<Request>) -> Result<(Loaded, PhaseTimes)> {
        let time = Duration::from_secs(SECONDS + 2);
        let (address, request) = (self.running.address, hostile.clone());
        let blasting = self.hostile.spawn(async move { blast(address, &request, HOSTILE_CONNECTIONS, time).await });
        // It is at full speed by then.
        std::thread::sleep(Duration::from_secs(1));
        let loaded = self.sample()?;
        let mut seen: Vec<(u16, usize)> = self.hostile.block_on(blasting)??.into_iter().collect();
        seen.sort_unstable();
        #[expect(clippy::cast_precision_loss, reason = "counts of seconds")]
        let phases = seen.into_iter().map(|(status, count)| (format!("hostile, {status}, 1/s"), count as f64 / time.as_secs_f64()));
        Ok((loaded, phases.collect()))
    }

    /// The same while there are more connections than there is room for, and none of them says anything.
    fn beside_idle(&self) -> Result<(Loaded, PhaseTimes)> {
        let address = self.running.address;
        let idle = self.hostile.block_on(async move {
            let mut idle = Vec::with_capacity(IDLE_CONNECTIONS);
            for _ in 0..IDLE_CONNECTIONS {
                idle.push(TcpStream::connect(address).await?);
            }
            Ok::<_, std::io::Error>(idle)
        })?;
        let loaded = self.sample()?;
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let phases =
            vec![("idle connections".to_owned(), idle.len() as f64), ("room for".to_owned(), HttpLimits::default().connections_max as f64)];
        drop(idle);
        // They are gone before the next one.
        std::thread::sleep(Duration::from_millis(500));
        Ok((loaded, phases))
    }

    /// A row: alone and beside take turns, and all samples count.
    fn row(&self, name: &str, beside: impl Fn() -> Result<(Loaded, PhaseTimes)>) -> Result<BenchRow> {
        let (mut alone, mut others, mut phases) = (Vec::new(), Vec::new(), PhaseTimes::new());
        for _ in 0..ROUNDS {
            alone.extend(self.sample()?.micros);
            let (loaded, last) = beside()?;
            others.extend(loaded.micros);
            phases = last;
        }
        let (alone, others) = (Loaded::of(alone, RATE), Loaded::of(others, RATE));
        for (what, loaded) in [("alone", &alone), ("beside", &others)] {
            phases.push((format!("{what}, p50"), loaded.quantile(500)));
            phases.push((format!("{what}, p99"), loaded.p99()));
            phases.push((format!("{what}, the slowest"), loaded.quantile(1000)));
        }
        Ok(BenchRow::at_most(name, "µs", alone.p99(), others.p99(), RATIO_MAX, phases))
    }
}

/// A delay, with its own id and order each time.
pub(super) fn delay_event() -> Result<Value> {
    let mut delay: Value = serde_json::from_str(DELAY)?;
    delay["id"] = json!(format!("d{MARK}"));
    delay["data"]["delay"]["order_id"] = json!(format!("o{MARK}"));
    Ok(delay)
}

/// The component of the guest that never ends.
fn endless() -> Result<Vec<u8>> {
    let mut module = wat::parse_str(ENDLESS.replace("(; prelude ;)", PRELUDE))?;
    let folder = tempfile::tempdir()?;
    for (name, text) in contract_files(CONTRACTS[0])? {
        std::fs::write(folder.path().join(name), text)?;
    }
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(folder.path()).map_err(|error| anyhow!("{error:#}"))?;
    let world = resolve.select_world(&[package], Some("delay-policy")).map_err(|error| anyhow!("{error:#}"))?;
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).map_err(|error| anyhow!("{error:#}"))?;
    wit_component::ComponentEncoder::default()
        .module(&module)
        .and_then(|encoder| encoder.validate(true).encode())
        .map_err(|error| anyhow!("{error:#}"))
}

/// Writes a package that decides delays.
fn package(folder: &Path, component: &[u8]) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let name = folder.file_name().and_then(|name| name.to_str()).context("a folder has a name")?.to_owned();
    let facts = PackageToml {
        name,
        version: "1".into(),
        component: "p.wasm".into(),
        sha256: ombud_ledger::Digest::of(component).to_string(),
        toolchain: String::new(),
        decides: vec!["delay".into()],
        reviews: Vec::new(),
    };
    std::fs::write(folder.join("p.wasm"), component)?;
    Ok(std::fs::write(folder.join("policy.toml"), toml::to_string(&facts)?)?)
}
