//! Runs a recorded decision again: the recorded component and settings on the recorded facts, compared byte for byte.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ombud_core::caps::CapReview;
use ombud_core::case::Case;
use ombud_core::decision::{Counted, PolicyRef, conclude};
use ombud_core::ids::{DecisionId, MerchantId};
use ombud_core::kind::Kind;
use ombud_ledger::{BodyKind, Call, DecisionEntry, Digest, Entry};
use ombud_sandbox::Plugin;
use ombud_store::{Reads, Store as _, StoreError};

use super::actor::{Principal, Right};
use super::error::ServiceError;
use super::pending::{CaseBodyBack, answer_body};
use super::read::Opened;
use super::wire::{Divergence, ReplayReport};
use super::{Service, read};
use crate::judge::{Bound, judge};

/// Plugins loaded for replays, by the digest of their component.
#[derive(Default)]
pub(super) struct PluginCache(Mutex<HashMap<Digest, Plugin>>);

impl Service {
    /// Replays one decision.
    pub async fn replay(self: &Arc<Self>, who: &Principal, merchant: &str, id: &str) -> Result<ReplayReport, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Replay, "replay decisions")?;
        let id = DecisionId::new(id).map_err(|_| ServiceError::NotFound("decision"))?;
        let record = self.store.read(|reads| reads.decision(&tenant.config.id, &id))?.ok_or(ServiceError::NotFound("decision"))?;
        self.replay_at(&tenant.config.id, record.seq)?.ok_or(ServiceError::NotFound("decision"))
    }

    /// Replays the decision at a place of the ledger; none if the record there is of something else.
    pub fn replay_at(&self, merchant: &MerchantId, seq: u64) -> Result<Option<ReplayReport>, ServiceError> {
        self.store.read(|reads| {
            let opened = match read::opened_at(reads, &self.vault, merchant, seq) {
                Ok(Some(opened)) => opened,
                Ok(None) => return Ok(None),
                Err(ServiceError::Internal(error)) => {
                    tracing::error!(seq, error = format!("{error:#}"), "a record cannot be opened");
                    return Ok(Some(report(String::new(), seq, Some(Divergence::RecordDamaged), 0, 0)));
                }
                Err(error) => return Err(error),
            };
            let Entry::Decision(entry) = &opened.header.entry else { return Ok(None) };
            let recorded_fuel = fuel(entry.policy.as_ref().map(|policy| policy.call)) + fuel(entry.guardrail);
            let (divergence, fuel_now) = self.compare(reads, entry, &opened)?;
            Ok(Some(report(entry.id.to_string(), seq, divergence, recorded_fuel, fuel_now)))
        })
    }

    fn compare(&self, reads: &dyn Reads, entry: &DecisionEntry, opened: &Opened) -> Result<(Option<Divergence>, u64), ServiceError> {
        if opened.erased {
            return Ok((Some(Divergence::Erased), 0));
        }
        let (Some(facts), Some(decision)) = (opened.body(BodyKind::Case), opened.body(BodyKind::Decision)) else {
            return Ok((Some(Divergence::RecordDamaged), 0));
        };
        let same_engine = entry.engine == self.engine;
        let damaged = Ok((Some(Divergence::RecordDamaged), 0));
        let Ok(facts) = serde_json::from_str::<CaseBodyBack>(facts) else { return damaged };
        let Ok(case) = case_of(entry.kind, facts.case.get()) else { return damaged };
        let Ok(caps) = caps_of(decision) else { return damaged };
        // Faults of fuel, stack and memory belong to one engine profile; those of the clock and the host to one moment.
        if let Some(fault) = &entry.fault {
            if fault.code.environmental() {
                return Ok((Some(Divergence::Environmental), 0));
            }
            if !same_engine {
                return Ok((Some(Divergence::Engine), 0));
            }
        }
        let policy = match &entry.policy {
            None => None,
            Some(call) => match self.bound(reads, &call.name, &call.version, &call.call)? {
                Ok(bound) => Some(bound),
                Err(divergence) => return Ok((Some(divergence), 0)),
            },
        };
        let guardrail = match &entry.guardrail {
            None => admin_guardrail(),
            Some(call) => match self.bound(reads, "guardrail", "", call)? {
                Ok(bound) => bound,
                Err(divergence) => return Ok((Some(divergence), 0)),
            },
        };
        let limits = if entry.fault.is_some() { self.limits.clone() } else { self.limits.generous() };
        let outcome = judge(&facts.context, &case, policy.as_ref(), &guardrail, &limits, &facts.terms.fallback, facts.event_bytes);
        let fuel_now = outcome.policy_fuel + outcome.guardrail_fuel;
        let ruling_body = answer_body(&outcome.policy, &outcome.log);
        let review_body = outcome.review.as_ref().map(|review| answer_body(review, &[])).unwrap_or_default();
        let counted = Counted { usage: caps.used, on_record: caps.on_record };
        let reference: Option<PolicyRef> = policy.as_ref().map(Bound::reference);
        let (again, _) = conclude(&case, outcome.judged, reference, &facts.terms, &counted, facts.context.now);
        let same = |kind: BodyKind, bytes: &[u8]| opened.body(kind).unwrap_or_default().as_bytes() == bytes;
        let rulings_same = same(BodyKind::Ruling, &ruling_body) && same(BodyKind::Review, &review_body);
        let divergence = if rulings_same && decision == read::decision_body(&again) {
            None
        } else if rulings_same {
            Some(Divergence::Host)
        } else if same_engine {
            Some(Divergence::Guest)
        } else {
            Some(Divergence::Engine)
        };
        Ok((divergence, fuel_now))
    }

    /// The recorded component with the recorded settings.
    fn bound(&self, reads: &dyn Reads, name: &str, version: &str, call: &Call) -> Result<Result<Bound, Divergence>, ServiceError> {
        let Some(plugin) = self.plugin(reads, &call.component)? else { return Ok(Err(Divergence::ComponentMissing)) };
        let Some(settings) = intact(reads.blob(&call.settings))? else { return Ok(Err(Divergence::Settings)) };
        let Ok(settings) = String::from_utf8(settings) else { return Ok(Err(Divergence::Settings)) };
        Ok(Ok(Bound {
            name: name.to_owned(),
            version: version.to_owned(),
            component: call.component,
            settings_digest: call.settings,
            settings: settings.into(),
            plugin: Ok(plugin),
        }))
    }

    /// A plugin by its digest: loaded before, or from the stored component.
    pub(super) fn plugin(&self, reads: &dyn Reads, digest: &Digest) -> Result<Option<Plugin>, ServiceError> {
        let cache = || self.plugins.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plugin) = cache().get(digest) {
            return Ok(Some(plugin.clone()));
        }
        let Some(bytes) = intact(reads.blob(digest))? else { return Ok(None) };
        match self.sandbox.load(&bytes, &self.limits) {
            Ok(plugin) => {
                cache().insert(*digest, plugin.clone());
                Ok(Some(plugin))
            }
            Err(refused) => {
                tracing::warn!(component = %digest, %refused, "a stored component does not load");
                Ok(None)
            }
        }
    }
}

/// Stored bytes, if they are still what their digest says: others are as good as missing.
fn intact(blob: Result<Option<Vec<u8>>, StoreError>) -> Result<Option<Vec<u8>>, StoreError> {
    match blob {
        Err(StoreError::Damaged(what)) => {
            tracing::error!(what, "stored bytes are damaged");
            Ok(None)
        }
        other => other,
    }
}

/// Stands where the guardrail was not asked: it is not asked again either.
fn admin_guardrail() -> Bound {
    Bound {
        name: "guardrail".into(),
        version: String::new(),
        component: Digest([0; 32]),
        settings_digest: Digest([0; 32]),
        settings: "{}".into(),
        plugin: Err("not asked when the decision was made".into()),
    }
}

fn case_of(kind: Kind, json: &str) -> serde_json::Result<Case> {
    Ok(match kind {
        Kind::AfterSale => Case::AfterSale(serde_json::from_str(json)?),
        Kind::Delay => Case::Delay(serde_json::from_str(json)?),
        Kind::Blacklist => Case::Blacklist(serde_json::from_str(json)?),
        Kind::Reply => Case::Reply(serde_json::from_str(json)?),
    })
}

/// The caps' part of a decision body: what was counted then.
fn caps_of(decision: &str) -> serde_json::Result<CapReview> {
    #[derive(serde::Deserialize)]
    struct Part {
        caps: CapReview,
    }
    serde_json::from_str::<Part>(decision).map(|part| part.caps)
}

fn fuel(call: Option<Call>) -> u64 {
    call.map_or(0, |call| call.fuel)
}

fn report(id: String, seq: u64, divergence: Option<Divergence>, fuel_recorded: u64, fuel_now: u64) -> ReplayReport {
    ReplayReport { id, seq, identical: divergence.is_none(), divergence, fuel_recorded, fuel_now }
}
