//! Decisions and acts of persons on them by policy: how often people decide otherwise.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::service::wire::OverrideAction;

/// Policies that have series of their own; the others are counted together, so that names which merchants choose stay a
/// bounded label.
pub const POLICIES_MAX: usize = 100;
/// The label of the others, and of decisions without a policy.
const OTHER: &str = "(other)";

type Labels<const N: usize> = [(&'static str, String); N];
/// A share between 0 and 1.
type Share = Gauge<f64, AtomicU64>;

/// The handles of one policy.
struct OfPolicy {
    decisions: Counter,
    approved: Counter,
    amended: Counter,
    cancelled: Counter,
    share: Share,
    /// Decisions and decisions overridden since the start, for the share.
    sums: (AtomicI64, AtomicI64),
}

/// Every handle.
pub(super) struct Policies {
    decisions: Family<Labels<1>, Counter>,
    overrides: Family<Labels<2>, Counter>,
    share: Family<Labels<1>, Share>,
    known: Mutex<HashMap<String, Arc<OfPolicy>>>,
}

impl Policies {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let (decisions, overrides, share) = (Family::default(), Family::default(), Family::default());
        registry.register("policy_decisions", "Decisions by policy", Family::clone(&decisions));
        registry.register("policy_overrides", "Acts of persons on decisions, by policy and act", Family::clone(&overrides));
        registry.register(
            "policy_override_ratio",
            "Decisions that a person amended or cancelled, as a share of the policy's decisions since the start",
            Family::clone(&share),
        );
        Self { decisions, overrides, share, known: Mutex::default() }
    }

    pub(super) fn decided(&self, policy: Option<&str>) {
        let of = self.of(policy);
        of.decisions.inc();
        of.sums.0.fetch_add(1, Ordering::Relaxed);
        of.update();
    }

    pub(super) fn overridden(&self, policy: Option<&str>, action: OverrideAction) {
        let of = self.of(policy);
        match action {
            OverrideAction::Approve => _ = of.approved.inc(),
            OverrideAction::Amend => _ = of.amended.inc(),
            OverrideAction::Cancel => _ = of.cancelled.inc(),
        }
        // What is approved is what the policy proposed.
        if action != OverrideAction::Approve {
            of.sums.1.fetch_add(1, Ordering::Relaxed);
        }
        of.update();
    }

    fn of(&self, policy: Option<&str>) -> Arc<OfPolicy> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let name = policy.filter(|name| known.contains_key(*name) || known.len() < POLICIES_MAX).unwrap_or(OTHER);
        if let Some(of) = known.get(name) {
            return Arc::clone(of);
        }
        let label = || ("policy", name.to_owned());
        let act = |act: &str| self.overrides.get_or_create_owned(&[label(), ("action", act.to_owned())]);
        let of = Arc::new(OfPolicy {
            decisions: self.decisions.get_or_create_owned(&[label()]),
            approved: act("approve"),
            amended: act("amend"),
            cancelled: act("cancel"),
            share: self.share.get_or_create_owned(&[label()]),
            sums: (AtomicI64::new(0), AtomicI64::new(0)),
        });
        known.insert(name.to_owned(), Arc::clone(&of));
        of
    }
}

impl OfPolicy {
    fn update(&self) {
        let (decisions, overridden) = (self.sums.0.load(Ordering::Relaxed), self.sums.1.load(Ordering::Relaxed));
        // Decisions of before the start may be overridden after it: then there is nothing to be a share of.
        #[expect(clippy::cast_precision_loss, reason = "a share of counts far below 2^53")]
        let share = if decisions > 0 { (overridden as f64 / decisions as f64).min(1.0) } else { 0.0 };
        self.share.set(share);
    }
}
