//! What requests are decided on: merchants, their bound policies and keys, in one immutable snapshot that is swapped whole.
//! A request finishes on the snapshot it began with.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use ombud_core::caps::CapLimits;
use ombud_core::decision::Terms;
use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::merchant::MerchantConfig;
use ombud_core::protect::Protection;
use ombud_core::rollout::{Rollouts, VersionId};
use ombud_core::share_limits::ShareLimits;
use ombud_ledger::keys::DigestKey;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::actor::Principal;
use super::cores;
use super::error::{Saturation, ServiceError};
use super::fair::Taken;
use super::wire::PolicyView;
use crate::judge::Bound;

/// Exports of one merchant, and downloads of components, that may be under way at the same time; more are answered 429.
pub const MERCHANT_EXPORTS_MAX: usize = 2;

/// Changes of one merchant by its own callers that run or wait for their turn; more are answered 429. They run one after the other.
pub const MERCHANT_CHANGES_MAX: usize = 16;

/// Everything a request needs, immutable.
pub struct Snapshot {
    /// Merchants by id.
    pub tenants: HashMap<MerchantId, Arc<Tenant>>,
    /// Callers by the hash of their key.
    pub principals: HashMap<[u8; 32], Principal>,
    /// The platform's guardrail.
    pub guardrail: Arc<Bound>,
}

/// One merchant, ready to decide.
pub struct Tenant {
    /// The configuration.
    pub config: MerchantConfig,
    /// Caps, currency and fallbacks as the record keeps them.
    pub terms: Terms,
    /// How much of the machine its decisions may take.
    pub share_limits: ShareLimits,
    /// When a version that does harm is taken back, within the operator's bounds.
    pub protection: Protection,
    /// How high the merchant may set its caps.
    pub caps_bound: CapLimits,
    /// Which version answers which case.
    pub rollouts: Rollouts,
    /// The versions that may be asked for new cases: active, canary, shadows, windows.
    pub versions: Versions,
    /// Key of the digests by which two deliveries of one event are compared.
    pub digest_key: DigestKey,
    /// What is under way for it; lives on when the configuration changes.
    pub share: Arc<Share>,
}

/// What is under way for one merchant, so that no merchant takes the places of all others.
#[derive(Debug)]
pub struct Share {
    /// Decisions and replays under way, and what they take; a batch has many.
    pub(super) decisions: Arc<Taken>,
    /// Requests under way, from the key's check to the answer.
    pub requests: AtomicUsize,
    /// Bytes of request bodies in memory.
    pub body_bytes: AtomicUsize,
    /// Bytes of large answers that are not sent yet.
    pub answer_bytes: AtomicUsize,
    /// Open connections that one of its keys was shown on last.
    pub connections: AtomicUsize,
    /// Whose turn it is among the requests that only read.
    pub reads: Arc<Semaphore>,
    /// Whose turn it is among its large bodies to be parsed.
    pub parses: Arc<Semaphore>,
    /// Places of changes that run or wait for their turn.
    pub changes: Arc<Semaphore>,
    /// Places of exports under way, downloads of components among them.
    exports: Arc<Semaphore>,
}

impl Default for Share {
    fn default() -> Self {
        Self {
            decisions: Arc::default(),
            requests: AtomicUsize::new(0),
            body_bytes: AtomicUsize::new(0),
            answer_bytes: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            reads: Arc::new(Semaphore::new((cores() / 2).max(1))),
            parses: Arc::new(Semaphore::new(1)),
            changes: Arc::new(Semaphore::new(MERCHANT_CHANGES_MAX)),
            exports: Arc::new(Semaphore::new(MERCHANT_EXPORTS_MAX)),
        }
    }
}

impl Tenant {
    /// A place for one more export.
    pub(super) fn export_place(&self) -> Result<OwnedSemaphorePermit, ServiceError> {
        let refused = |_| Saturation::now(format!("{MERCHANT_EXPORTS_MAX} exports or downloads are under way")).into();
        Arc::clone(&self.share.exports).try_acquire_owned().map_err(refused)
    }

    /// The active policy of a kind.
    pub fn policy(&self, kind: Kind) -> Option<&Arc<Bound>> {
        self.versions.get(kind, &self.rollouts.plan(kind)?.active.as_ref()?.version)
    }

    /// The policies for people.
    pub fn views(&self) -> Vec<PolicyView> {
        let view = |kind: &Kind| {
            let bound = self.policy(*kind)?;
            Some(PolicyView {
                kind: kind.to_string(),
                name: bound.name.clone(),
                version: bound.version.clone(),
                contract: bound.contract.clone(),
                component: bound.component.to_string(),
                settings: bound.settings_digest.to_string(),
                status: bound.status().map_or_else(|reason| reason.to_string(), |()| "loaded".to_owned()),
            })
        };
        Kind::ALL.iter().filter_map(view).collect()
    }
}

/// Versions at hand, each under the kind that it decides there.
#[derive(Default)]
pub struct Versions(Vec<(Kind, VersionId, Arc<Bound>)>);

impl Versions {
    /// The version as it runs for a kind.
    pub fn get(&self, kind: Kind, id: &VersionId) -> Option<&Arc<Bound>> {
        // A handful: comparing beats hashing.
        self.0.iter().find(|(own, version, _)| *own == kind && version == id).map(|(_, _, bound)| bound)
    }

    /// Adds a version.
    pub(super) fn insert(&mut self, kind: Kind, id: VersionId, bound: Arc<Bound>) {
        self.0.push((kind, id, bound));
    }

    /// Every version.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(Kind, VersionId, Arc<Bound>)> {
        self.0.iter()
    }
}

/// A merchant's document in the store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MerchantDocument {
    /// The configuration.
    pub config: serde_json::Value,
    /// How high the merchant may set its caps.
    pub caps_bound: CapLimits,
    /// The bound policies by kind, as they were kept before there were rollouts: read once, never written.
    #[serde(default, skip_serializing_if = "Bindings::is_empty")]
    pub policies: Bindings,
}

/// Policies by kind.
pub type Bindings = std::collections::BTreeMap<Kind, Binding>;

/// A policy bound to a kind: immutable parts by digest, so that a restart binds the very same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The policy's name.
    pub policy: String,
    /// The readable version.
    pub version: String,
    /// The contract that the component was built for.
    #[serde(default = "first_contract")]
    pub contract: String,
    /// SHA-256 of the component, hex.
    pub component: String,
    /// The settings' text.
    pub settings: String,
}

/// What was bound before bindings named their contract: there was only this one.
fn first_contract() -> String {
    "ombud:policy@1.0.0".to_owned()
}
