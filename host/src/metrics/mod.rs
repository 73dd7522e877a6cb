//! What the service counts, in the OpenMetrics text that Prometheus reads.
//!
//! Every label has a closed set of values (kind, outcome, fault, phase, route, status class), so that no caller can make
//! the set of series grow; there is no label for merchant, customer, ticket or policy. Series stand at zero from the start.
//! Handles are resolved once and kept in arrays: counting is one atomic addition, without a look-up.

mod audit;
mod contracts;
mod decisions;
mod http;
mod ledger;
mod plugins;
mod policies;
mod rollout;
mod shares;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use ombud_core::kind::Kind;

use crate::judge::Phases;
use crate::plugins::Held;
use crate::replay::Divergence;
use crate::service::wire::{ContractCount, OverrideAction};
use audit::Audit;
use decisions::Decisions;
pub use http::{Refusal, RouteMetrics, StatusClass};
pub use ledger::Witnessed;
pub use policies::POLICIES_MAX;
use policies::Policies;
use rollout::Rollout;
pub use rollout::{Announced, Protected, Shadowed};
use shares::Shares;
pub use shares::{Queued, Turned};

/// The media type of [`Metrics::text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Bounds of the buckets of every duration, in seconds: from 5 µs, the smallest phase, to 10 s, past every deadline.
const DURATION_BUCKETS_S: [f64; 20] = [
    0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
    2.5, 5.0, 10.0,
];

/// Bounds of the buckets of a commit group's size, in records.
const GROUP_BUCKETS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// Every metric of one service.
pub struct Metrics {
    registry: Registry,
    audit: Audit,
    contracts: contracts::Contracts,
    decisions: Decisions,
    plugins: plugins::Plugins,
    policies: Policies,
    rollout: Rollout,
    shares: Shares,
    http: http::Http,
    ledger: ledger::Ledger,
    duplicates: Counter,
    queue: Gauge,
    group_records: Histogram,
    group_duration: Histogram,
    groups_failed: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All metrics, at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("ombud");
        registry.register("build", "The running program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let decisions = Decisions::register(&mut registry);
        let audit = Audit::register(&mut registry);
        let contracts = contracts::Contracts::register(&mut registry);
        let plugins = plugins::Plugins::register(&mut registry);
        let policies = Policies::register(&mut registry);
        let rollout = Rollout::register(&mut registry);
        let shares = Shares::register(&mut registry);
        let http = http::Http::register(&mut registry);
        let ledger = ledger::Ledger::register(&mut registry);
        let (duplicates, queue) = (Counter::default(), Gauge::default());
        let (group_records, group_duration) = (Histogram::new(GROUP_BUCKETS), durations());
        registry.register("events_duplicate", "Events that were known: answered from the record", duplicates.clone());
        registry.register("commit_queue_events", "Events that wait for the writer", queue.clone());
        registry.register("commit_group_records", "Records of one commit group", group_records.clone());
        registry.register_with_unit(
            "commit_group_duration",
            "One commit group, from its first record to durable",
            Unit::Seconds,
            group_duration.clone(),
        );
        let groups_failed = Counter::default();
        registry.register("commit_groups_failed", "Commit groups of which the store took nothing", groups_failed.clone());
        Self {
            registry,
            audit,
            contracts,
            decisions,
            plugins,
            policies,
            rollout,
            shares,
            http,
            ledger,
            duplicates,
            queue,
            group_records,
            group_duration,
            groups_failed,
        }
    }

    /// Counts one decision. `outcome` is its wire name, `fault` the code's wire name where a fallback stands.
    pub fn observe_decision(&self, kind: Kind, outcome: &str, fault: Option<&str>, phases: Phases) {
        self.decisions.observe(kind, outcome, fault, phases);
    }

    /// Counts one decision under the policy that ruled.
    pub fn observe_policy(&self, policy: Option<&str>) {
        self.policies.decided(policy);
    }

    /// Counts a person's act on a decision under the policy that had ruled.
    pub fn observe_override(&self, policy: Option<&str>, action: OverrideAction) {
        self.policies.overridden(policy, action);
    }

    /// Counts one decision under the right by which its version answered.
    pub fn observe_stage(&self, stage: ombud_core::rollout::Stage) {
        self.rollout.decided(stage);
    }

    /// Counts a shadow run.
    pub fn shadowed(&self, what: Shadowed) {
        self.rollout.shadowed(what);
    }

    /// Counts what the protection did.
    pub fn protected(&self, what: Protected) {
        self.rollout.protected(what);
    }

    /// Counts what became of an announcement for the operator's webhook.
    pub fn announced(&self, what: Announced) {
        self.rollout.announced(what);
    }

    /// Counts an event that was answered from the record.
    pub fn observe_duplicate(&self) {
        self.duplicates.inc();
    }

    /// Notes how many events wait for the writer.
    pub fn set_commit_queue(&self, events: usize) {
        self.queue.set(i64::try_from(events).unwrap_or(i64::MAX));
    }

    /// Counts one commit group.
    pub fn observe_group(&self, records: u64, took: std::time::Duration) {
        self.group_records.observe(records as f64);
        self.group_duration.observe(took.as_secs_f64());
    }

    /// Counts a commit group that failed as a whole.
    pub fn observe_failed_group(&self) {
        self.groups_failed.inc();
    }

    /// Counts a signed checkpoint.
    pub fn observe_checkpoint(&self) {
        self.ledger.checkpoints.inc();
    }

    /// Counts a log that is not signed any more.
    pub fn observe_lost_log(&self) {
        self.ledger.lost.inc();
    }

    /// Counts what a witness said.
    pub fn observe_witness(&self, said: Witnessed) {
        self.ledger.witnessed(said);
    }

    /// Counts a replay of the self-audit; none where it was identical.
    pub fn audited(&self, divergence: Option<Divergence>, at_ms: i64) {
        self.audit.observe(divergence, at_ms);
    }

    /// Counts time that the self-audit was at work.
    pub fn audited_for(&self, time: std::time::Duration) {
        self.audit.used(time);
    }

    /// Notes how many alarms stand.
    pub fn set_alarms(&self, alarms: usize) {
        self.audit.alarms(alarms);
    }

    /// Notes which plugins are held.
    pub fn set_plugins(&self, held: Held) {
        self.plugins.set(held);
    }

    /// Notes how the versions of the contract are used.
    pub fn set_contracts(&self, counts: &[ContractCount]) {
        self.contracts.set(counts);
    }

    /// Notes how many decisions wait.
    pub fn set_waiting(&self, queue: Queued, count: usize) {
        self.shares.waiting(queue, count);
    }

    /// Counts a decision that waited for a place.
    pub fn waited(&self, queue: Queued, time: std::time::Duration) {
        self.shares.waited(queue, time);
    }

    /// Counts a decision that was turned away at a limit of its merchant.
    pub fn turned_away(&self, limit: Turned) {
        self.shares.turned_away(limit);
    }

    /// Counts a decision that is run again because it runs long.
    pub fn ran_long(&self) {
        self.shares.long();
    }

    /// The handles of one route, resolved once when the router is built.
    pub fn http_route(&self, method: &'static str, route: &'static str) -> RouteMetrics {
        self.http.route(method, route)
    }

    /// Counts a request that was turned away before its handler.
    pub fn http_refused(&self, why: Refusal) {
        self.http.refused(why);
    }

    /// Requests under way.
    pub fn http_in_flight(&self) -> &Gauge {
        &self.http.in_flight
    }

    /// Open connections.
    pub fn http_connections(&self) -> &Gauge {
        &self.http.connections
    }

    /// Bytes of request bodies held in memory.
    pub fn http_body_bytes(&self) -> &Gauge {
        &self.http.body_bytes
    }

    /// The OpenMetrics text.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(64 << 10);
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// A histogram of durations in seconds.
fn durations() -> Histogram {
    Histogram::new(DURATION_BUCKETS_S)
}

#[cfg(test)]
mod tests;
