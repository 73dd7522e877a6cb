//! The service: it knows merchants, policies, records and people, and no HTTP. In reading order: who asks, what is known,
//! how an event becomes a decision, how a decision is read, replayed and overridden.

pub mod actor;
pub mod acts;
pub mod error;
pub mod privacy;
pub mod wire;

mod admin;
mod backtest;
mod backup;
mod blacklist;
mod code;
mod commit;
mod contracts;
mod decide;
mod disk;
mod expiry;
mod explain;
pub mod export;
mod fair;
mod history;
pub mod ledger;
mod listing;
mod locks;
mod overrides;
mod owner;
mod pending;
mod platform;
mod project;
mod read;
mod replay;
mod requests;
pub mod rollout;
mod signing_keys;
mod snapshot;
mod threads;
mod units;
pub mod uploads;
mod vault;
mod versions;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use ombud_core::call_limits::OperatorLimits;
use ombud_core::decision::Decision;
use ombud_core::ids::MerchantId;
use ombud_core::rollout::Stage;
use ombud_ledger::Engine;
use ombud_ledger::log::KeyName;
use ombud_sandbox::{CodeKey, Compiler, Sandbox};
use ombud_store::{SqliteStore, SqliteWriter, Store as _, Writer, WriterLimits};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use actor::{NewKey, Principal, Right, Role};
pub(crate) use acts::{BroughtIn, Overridden, Told, told};
pub(crate) use admin::secret;
pub use admin::{MasterKeyFrom, MasterKeyView, RotationState, RotationView};
pub use backtest::{
    Asked, BACKTEST_TIME_MAX, BACKTESTS_KEPT_MAX, BACKTESTS_UNDER_WAY_MAX, BacktestState, BacktestView, Backtests, CandidateSource, Plan,
};
use error::Saturation;
pub use error::{ServiceError, causes};
pub use expiry::{EXPIRY_EVERY, MEASURES_OF_A_TURN};
pub use fair::runtime_threads;
pub(crate) use privacy::{ACT_LOST, ErasureProof};
pub use read::Opened;
pub use replay::{ALARMS_MAX, Active, Archive, CpuShare, NoShare, Part, REPLAYS_MAX, Replays, Scope, SelfAudit, cores};
pub use snapshot::{Bindings, MERCHANT_CHANGES_MAX, MERCHANT_EXPORTS_MAX, MerchantDocument, Share, Snapshot, Tenant};

use crate::judge::Phases;
use crate::metrics::Metrics;
use crate::plugins::Plugins;
use crate::registry::Registry;
use crate::replay::Replayer;
use ledger::Ledger;
use ledger::witness::Witness;
use locks::KeyedLocks;
use threads::{aside, behind, blocking};
use vault::Vault;
use wire::{PolicyView, Readiness};

/// How a service is opened.
pub struct Options {
    /// Folder of the policy packages; none for a service that only reads and replays.
    pub policies: Option<PathBuf>,
    /// Further folders of packages, for demonstrations and tests.
    pub more_policies: Vec<PathBuf>,
    /// What calls may use and merchants may ask for, and what a component may be; none for the limits that the data directory has.
    pub limits: Option<OperatorLimits>,
    /// Who compiles components.
    pub compiler: Compiler,
    /// This program, for the processes that check uploads; none for a service that takes no uploads.
    pub program: Option<PathBuf>,
    /// The writer's bounds.
    pub writer: WriterLimits,
    /// The operator's name, under which checkpoints are signed; none for the one that the data directory has.
    pub operator: Option<KeyName>,
    /// Who is asked to cosign checkpoints.
    pub witnesses: Vec<Witness>,
    /// Where the master key comes from.
    pub master_key: MasterKeyFrom,
    /// Where the protection announces what it did, by HTTP; none: in the log, the metrics and the ledger only.
    pub webhook: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            policies: Some("policies".into()),
            more_policies: Vec::new(),
            limits: None,
            compiler: Compiler::InProcess,
            program: None,
            writer: WriterLimits::default(),
            operator: None,
            witnesses: Vec::new(),
            master_key: MasterKeyFrom::default(),
            webhook: None,
        }
    }
}

/// A running service on one data directory.
pub struct Service {
    store: SqliteStore,
    writer: Writer,
    /// Whether the disk takes what the writer writes.
    disk: Arc<disk::Disk>,
    limits: OperatorLimits,
    registry: Registry,
    vault: Arc<Vault>,
    ledger: Ledger,
    engine: Engine,
    snapshot: ArcSwap<Snapshot>,
    /// Held while the snapshot is rebuilt, so that two changes do not lose each other.
    changing: Mutex<()>,
    /// Where the master key comes from.
    master_key_from: MasterKeyFrom,
    /// The rotation of the master key that is under way, or was the last one.
    rotation: Mutex<Option<RotationView>>,
    /// Whom this start erased again.
    erased_again: Mutex<privacy::ErasedAgain>,
    locks: KeyedLocks,
    /// Where decisions run, and whose turn it is.
    fair: fair::Fair,
    /// Auditors' looks that are on record.
    looks: acts::Looks,
    replayer: Replayer,
    /// Components that wait to be compiled.
    compilations: code::Compilations,
    /// This program, for the processes that check uploads.
    program: Option<PathBuf>,
    /// Uploads under way, and the last ones that ended.
    uploads: uploads::Uploads,
    /// Places for replays that callers ask for.
    replay_lanes: Arc<Semaphore>,
    /// Places for exports.
    exports: Arc<Semaphore>,
    /// Backtests that callers asked for.
    backtests: Arc<backtest::Jobs>,
    /// What the self-audit found.
    alarms: replay::Alarms,
    /// Cases that wait for their shadow runs.
    shadows: rollout::ShadowQueue,
    /// What versions decided lately.
    guards: rollout::Guards,
    /// Where the protection announces what it did.
    webhook: Option<rollout::Webhook>,
    /// Counters and histograms.
    pub metrics: Arc<Metrics>,
    draining: AtomicBool,
}

impl Service {
    /// Opens the data directory, loads the policies and every merchant.
    pub fn open(data: &Path, options: Options) -> Result<Arc<Self>> {
        Self::open_with(data, options, |writer| writer)
    }

    /// The same without Merkle logs and without checkpoints, for measuring what they cost. The directory cannot be used again.
    pub(crate) fn open_without_trees(data: &Path, options: Options) -> Result<Arc<Self>> {
        Self::open_with(data, options, SqliteWriter::without_trees)
    }

    fn open_with(data: &Path, options: Options, how: impl FnOnce(SqliteWriter) -> SqliteWriter) -> Result<Arc<Self>> {
        crate::backup::must_not_be_cut_off(data)?;
        admin::private_folder(data).with_context(|| format!("cannot create the data directory `{}`", data.display()))?;
        let (store, writer) = SqliteStore::open(data)?;
        let writer = how(writer);
        let masters = admin::master_key(&store, &options.master_key)?;
        let ledger = Ledger::new(data, options.operator, options.witnesses)?;
        let code_key = CodeKey(admin::code_key(&data.join("code.key"))?);
        let kept = admin::kept_limits(&store)?;
        let limits = options.limits.or_else(|| kept.clone()).unwrap_or_default();
        let sandbox =
            Arc::new(Sandbox::new()?.with_cache(data.join("code"), code_key)?.with_compiler(options.compiler, limits.load.clone()));
        let decides = options.policies.is_some();
        let mut registry = match &options.policies {
            Some(folder) => Registry::load(folder, &sandbox)?,
            None => Registry::default(),
        };
        for folder in &options.more_policies {
            registry.packages.extend(Registry::load(folder, &sandbox)?.packages);
        }
        let metrics = Arc::new(Metrics::new());
        let disk = Arc::new(disk::Disk::of(data));
        let (counting, looking) = (Arc::clone(&metrics), Arc::clone(&disk));
        let writer = Writer::start(writer, options.writer, move |group| {
            looking.seen(group.map(|_| ()));
            match group {
                Ok(group) => {
                    counting.observe_group(group.records, group.took);
                    counting.set_commit_queue(group.waiting);
                }
                Err(_) => counting.observe_failed_group(),
            }
        })?;
        let replayer = Replayer::new(sandbox);
        registry.packages.values().filter_map(|package| package.plugin.as_ref().ok()).for_each(|plugin| replayer.plugins().pin(plugin));
        code::tell_pinned(&replayer.plugins().held(), limits.load.loaded_bytes_max);
        admin::note_in_force(&store, &writer, &masters)?;
        let vault = Arc::new(Vault::new(masters, store.read(|reads| reads.with_erased())?));
        let fair = fair::Fair::start(cores(), Arc::clone(&metrics))?;
        let guardrail = Arc::new(admin::guardrail(&registry));
        let webhook = match &options.webhook {
            Some(url) => Some(rollout::Webhook::start(url, admin::secret(&data.join(crate::backup::WEBHOOK_KEY))?, Arc::clone(&metrics))?),
            None => None,
        };
        let service = Arc::new(Self {
            store,
            writer,
            disk,
            limits,
            registry,
            vault,
            ledger,
            engine: replayer.engine().clone(),
            snapshot: ArcSwap::from_pointee(Snapshot { tenants: Default::default(), principals: Default::default(), guardrail }),
            changing: Mutex::new(()),
            master_key_from: options.master_key,
            rotation: Mutex::new(None),
            erased_again: Mutex::default(),
            locks: KeyedLocks::default(),
            fair,
            looks: acts::Looks::default(),
            replayer,
            compilations: code::Compilations::default(),
            program: options.program,
            uploads: uploads::Uploads::default(),
            replay_lanes: Arc::new(Semaphore::new(replay::lanes_for_callers())),
            exports: Arc::new(Semaphore::new(export::EXPORTS_MAX)),
            backtests: Arc::default(),
            alarms: replay::Alarms::default(),
            shadows: rollout::ShadowQueue::default(),
            guards: rollout::Guards::default(),
            webhook,
            metrics,
            draining: AtomicBool::new(false),
        });
        service.open_operators_log()?;
        if let Err(error) = service.finish_key_change() {
            tracing::error!(error = causes(&error), "a change of the ledger's keys was cut off, and cannot be finished");
        }
        service.resume_rotation()?;
        service.keep_limits(kept)?;
        service.keep_components()?;
        service.plan_bindings()?;
        service.load_all()?;
        service.plugins().sandbox().make_room();
        // Who only reads or replays compiles what it needs, and ends before anything else were compiled.
        if decides {
            service.compile_bound();
        }
        service.record_guardrail()?;
        *service.erased_again.lock().unwrap_or_else(PoisonError::into_inner) = service.erase_again()?;
        service.look_at_published()?;
        Ok(service)
    }

    /// The caller behind a key.
    pub fn authenticate(&self, secret: &str) -> Result<Principal, ServiceError> {
        // The lookup is by the SHA-256 of a random secret of 256 bits: its time says nothing about stored keys.
        self.snapshot.load().principals.get(&actor::hash(secret)).cloned().ok_or(ServiceError::Unauthenticated)
    }

    /// Whether a caller's key is still valid: it may have been revoked while the caller waited for a turn.
    ///
    /// # Errors
    /// It was revoked.
    fn still_valid(&self, who: &Principal) -> Result<(), ServiceError> {
        match who.key {
            Some(key) if !self.snapshot.load().principals.contains_key(&key) => Err(ServiceError::Unauthenticated),
            Some(_) | None => Ok(()),
        }
    }

    /// What the callers of the same merchant hold of the interface; none for the operator's.
    pub fn share(&self, who: &Principal) -> Option<Arc<Share>> {
        self.snapshot.load().tenants.get(who.merchant.as_ref()?).map(|tenant| tenant.share.clone())
    }

    /// The merchant a caller may see, if the role has the right. Another merchant's is not found.
    fn tenant(&self, who: &Principal, merchant: &str, right: Right, what: &'static str) -> Result<Arc<Tenant>, ServiceError> {
        let bound_elsewhere = who.merchant.as_ref().is_some_and(|own| own.as_str() != merchant);
        let id = MerchantId::new(merchant).map_err(|_| ServiceError::NotFound("merchant"))?;
        let tenant = self.snapshot.load().tenants.get(&id).cloned().filter(|_| !bound_elsewhere);
        // Whoever has a key of the merchant knows that there is one: what is on record of it cannot be read.
        let missing = || match who.merchant.as_ref() == Some(&id) {
            true => ServiceError::Unavailable("the merchant cannot be loaded: the server's log says why"),
            false => ServiceError::NotFound("merchant"),
        };
        let tenant = tenant.ok_or_else(missing)?;
        allowed(who, right, what)?;
        Ok(tenant)
    }

    /// Whether the caller may send events of the merchant at all: a batch is refused as a whole, not item by item.
    pub fn may_send(&self, who: &Principal, merchant: &str) -> Result<(), ServiceError> {
        self.tenant(who, merchant, Right::SendEvents, "send events").map(|_| ())
    }

    /// One change of a merchant's own callers after the other: whoever changes much waits for itself, and others wait for one of these changes at most.
    /// The operator, who has to stop such a merchant, waits for none of them.
    ///
    /// # Errors
    /// [`MERCHANT_CHANGES_MAX`] of the merchant run or wait.
    async fn turn_to_change(&self, who: &Principal) -> Result<Option<(OwnedSemaphorePermit, locks::Held<'_>)>, ServiceError> {
        let (Some(merchant), Some(share)) = (who.merchant.as_ref(), self.share(who)) else { return Ok(None) };
        let full = |_| Saturation::now(format!("{MERCHANT_CHANGES_MAX} changes are under way or wait for them"));
        let place = share.changes.clone().try_acquire_owned().map_err(full)?;
        Ok(Some((place, self.locks.hold(vec![locks::key(&[merchant.as_str(), "changes"])]).await)))
    }

    /// The policies of a merchant.
    pub fn policies(&self, who: &Principal, merchant: &str) -> Result<Vec<PolicyView>, ServiceError> {
        Ok(self.tenant(who, merchant, Right::Read, "see policies")?.views())
    }

    /// Whether requests are taken: the guardrail is loaded, and the store can be read and written. What one merchant lacks keeps nobody else from being served.
    pub fn readiness(&self) -> Readiness {
        let snapshot = self.snapshot.load();
        let mut reasons = Vec::new();
        if self.is_draining() {
            reasons.push("shutting down".to_owned());
        }
        if let Err(reason) = snapshot.guardrail.status() {
            reasons.push(format!("guardrail: {reason}"));
        }
        if let Err(error) = self.store.read(|reads| reads.merchants().map(|_| ())) {
            tracing::error!(%error, "the store cannot be read");
            reasons.push("store: cannot be read".to_owned());
        }
        if !self.writer.is_running() {
            reasons.push("store: nothing is written any more, for the writer has ended: start the server again".to_owned());
        }
        reasons.extend(self.disk.why());
        Readiness { ready: reasons.is_empty(), reasons }
    }

    /// Whom this start erased again, for the database is from before their erasure.
    pub fn erased_again(&self) -> privacy::ErasedAgain {
        self.erased_again.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Turns readiness off before the listener closes.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.backtests.close();
    }

    /// Whether the server is being stopped: what can be left for the next start is.
    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// The plugins that this process has loaded.
    pub const fn plugins(&self) -> &Arc<Plugins> {
        self.replayer.plugins()
    }

    /// The metrics in Prometheus' text format.
    pub fn metrics_text(&self) -> String {
        self.metrics.set_plugins(self.plugins().held());
        self.metrics.set_contracts(&self.contract_counts());
        self.fair.waiting().into_iter().for_each(|(queue, count)| self.metrics.set_waiting(queue, count));
        self.metrics.text()
    }

    /// The operator's limits on what policies use.
    pub const fn limits(&self) -> &OperatorLimits {
        &self.limits
    }

    /// One span for each decision: who, what, how and how long; nothing personal.
    fn observe(&self, merchant: &str, item: &pending::Item, decision: &Decision, phases: Phases) {
        let fault = decision.fault.as_ref().map(|fault| fault.code.as_str());
        self.metrics.observe_decision(item.kind, &decision.outcome, fault, phases);
        self.metrics.observe_stage(decision.rollout.as_ref().map_or(Stage::Active, |rollout| rollout.stage));
        self.metrics.observe_policy(item.policy().map(|policy| policy.name.as_str()));
        let span = tracing::info_span!(
            "decision",
            merchant,
            kind = item.kind.as_str(),
            version = item.policy().map(|policy| format!("{} {}", policy.name, policy.version)).as_deref(),
            outcome = decision.outcome,
            fault,
            fuel = item.fuel(),
            history_us = phases.history_us,
            lower_us = phases.lower_us,
            policy_us = phases.policy_us,
            guardrail_us = phases.guardrail_us,
            seal_us = phases.seal_us,
            commit_us = phases.commit_us,
        );
        // Entered, not named as the parent: lines in JSON list the spans that are entered.
        let _entered = span.enter();
        tracing::debug!("decided");
    }
}

/// Whether the caller has a right.
fn allowed(who: &Principal, right: Right, what: &'static str) -> Result<(), ServiceError> {
    if who.role.may(right) { Ok(()) } else { Err(ServiceError::Forbidden { role: who.role.as_str(), what }) }
}
