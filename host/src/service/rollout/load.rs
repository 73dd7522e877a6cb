//! Plans and versions from the store into the snapshot, and what a change of them writes.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::rollout::{Plan, Rollouts, VersionId};
use ombud_ledger::Digest;
use ombud_store::{Group, Origin, Reads, Store as _, VersionRow, VersionState};

use crate::clock::now_ms;
use crate::judge::Bound;
use crate::plugins::Code;
use crate::replay::Blobs;
use crate::service::Service;
use crate::service::acts::{By, Host, NewAct, OPERATOR, RolloutAct, What};
use crate::service::error::ServiceError;
use crate::service::snapshot::{Binding, Bindings, MerchantDocument, Versions};
use crate::service::vault::Vault;

/// The report of a version that was bound, not uploaded: a list without a step.
pub(in crate::service) const NO_REPORT: &str = "[]";

impl Binding {
    /// The version that it is.
    pub fn id(&self) -> VersionId {
        VersionId { policy: self.policy.clone(), version: self.version.clone() }
    }

    /// Its row among the merchant's versions.
    pub(in crate::service) fn row(&self, kind: Kind, at_ms: i64) -> VersionRow {
        VersionRow {
            policy: self.policy.clone(),
            version: self.version.clone(),
            kind: kind.as_str().to_owned(),
            component: Digest::parse(&self.component).unwrap_or(Digest([0; 32])),
            settings: Digest::of(self.settings.as_bytes()),
            contract: self.contract.clone(),
            state: VersionState::Draft,
            created_at_ms: at_ms,
            changed_at_ms: at_ms,
            origin: Origin {
                kinds: vec![kind.as_str().to_owned()],
                component_version: self.version.split('+').next().unwrap_or_default().to_owned(),
                package: "{}".into(),
                ..Origin::default()
            },
        }
    }
}

/// The plans of a merchant; none where nothing was ever placed.
///
/// # Errors
/// The store fails, or what it holds is no plan.
pub(in crate::service) fn kept(reads: &dyn Reads, merchant: &MerchantId) -> Result<Option<Rollouts>> {
    let json = reads.rollouts(merchant)?;
    json.map(|json| serde_json::from_str(&json).context("the rollout's plan cannot be read")).transpose()
}

/// The active version of each kind with its settings' text, as it was bound before there were rollouts; none where there is no plan.
///
/// # Errors
/// The store fails, or an active version is not stored.
pub(in crate::service) fn active_bindings(reads: &dyn Reads, merchant: &MerchantId) -> Result<Option<Bindings>> {
    let Some(rollouts) = kept(reads, merchant)? else { return Ok(None) };
    let mut bindings = Bindings::new();
    for (kind, plan) in rollouts.plans {
        let Some(VersionId { policy, version }) = plan.active.map(|active| active.version) else { continue };
        let row = reads.version(merchant, &policy, &version)?.with_context(|| format!("the version `{policy} {version}` is not stored"))?;
        let settings = Blobs::blob(reads, &row.settings)?.and_then(|bytes| String::from_utf8(bytes).ok());
        let settings = settings.with_context(|| format!("the settings of `{policy} {version}` are not stored"))?;
        bindings.insert(kind, Binding { policy, version, contract: row.contract, component: row.component.to_string(), settings });
    }
    Ok(Some(bindings))
}

/// The plans of a merchant as they are kept.
fn document(rollouts: &Rollouts) -> Result<String, ServiceError> {
    serde_json::to_string(rollouts).map_err(|error| ServiceError::Internal(error.into()))
}

/// A change of a merchant's plans.
pub(in crate::service) struct Moved {
    /// What it began from.
    pub before: Rollouts,
    /// What it leaves.
    pub now: Rollouts,
    /// Versions that are new in them.
    pub new: Vec<VersionRow>,
    /// When, epoch milliseconds.
    pub at_ms: i64,
    /// The acts of the change.
    pub acts: Vec<NewAct>,
}

/// The digest of the plans that a change finds: of what is kept, from which it also began. Where somebody changed the one beside the other it is
/// a digest of both, which no act ever left.
fn found(kept: Option<&str>, before: &Rollouts) -> Result<Digest, ServiceError> {
    let text = kept.unwrap_or_default();
    let is_before = match kept {
        Some(text) => serde_json::from_str::<Rollouts>(text).is_ok_and(|kept| kept == *before),
        None => *before == Rollouts::default(),
    };
    if is_before {
        return Ok(Digest::of(text.as_bytes()));
    }
    Ok(Digest::of_parts(b"ombud plans kept and in force v1\0", &[text.as_bytes(), document(before)?.as_bytes()]))
}

/// Writes the plans of a merchant with the versions that are new in them, moves each version's row to where its plan has it, and appends the
/// acts of the change: each with the digest of what is kept from then on, the first with that of what was kept before.
pub(in crate::service) fn keep(group: &mut dyn Group, vault: &Vault, merchant: &MerchantId, moved: &Moved) -> Result<(), ServiceError> {
    let Moved { before, now: rollouts, new, at_ms, acts } = moved;
    let (json, at_ms) = (document(rollouts)?, *at_ms);
    let found = found(group.rollouts(merchant)?.as_deref(), before)?;
    for row in new {
        if group.version(merchant, &row.policy, &row.version)?.is_none() {
            group.insert_version(merchant, row, NO_REPORT)?;
        }
    }
    group.put_rollouts(merchant, &json, at_ms)?;
    for row in group.versions(merchant)? {
        let state = state_of(rollouts, &VersionId { policy: row.policy.clone(), version: row.version.clone() }, row.state);
        if state != row.state {
            group.set_version_state(merchant, &row.policy, &row.version, state, at_ms)?;
        }
    }
    let plans = Some(Digest::of(json.as_bytes()));
    for (at, act) in acts.iter().enumerate() {
        let plans_before = (at == 0).then_some(found);
        NewAct { plans_before, plans, ..act.clone() }.append(group, vault, merchant)?;
    }
    Ok(())
}

/// Where a version stands that stood at `before`: the furthest place that any plan gives it.
pub(in crate::service) fn state_of(rollouts: &Rollouts, own: &VersionId, before: VersionState) -> VersionState {
    let is = |id: &VersionId| id == own;
    let any = |placed: &dyn Fn(&Plan) -> bool| rollouts.plans.values().any(placed);
    if any(&|plan| plan.active.iter().any(|active| is(&active.version))) {
        VersionState::Active
    } else if any(&|plan| plan.canary.iter().any(|canary| is(&canary.version)) || plan.windows.iter().any(|window| is(&window.version))) {
        // It answers some cases: those of a share, or of a time.
        VersionState::Canary
    } else if any(&|plan| plan.shadows.iter().any(|shadow| is(&shadow.version))) {
        VersionState::Shadow
    } else if before == VersionState::Draft {
        VersionState::Draft
    } else {
        VersionState::Retired
    }
}

impl Service {
    /// Gives merchants from before there were rollouts their plans: what was bound to a kind is its active version.
    pub(in crate::service) fn plan_bindings(&self) -> Result<()> {
        let unplanned = self.store.read(|reads| {
            let mut unplanned: Vec<(MerchantId, Bindings)> = Vec::new();
            for row in reads.merchants()?.into_iter().filter(|row| row.id.as_str() != OPERATOR) {
                if reads.rollouts(&row.id)?.is_some() {
                    continue;
                }
                // One that cannot be read is reported when it is loaded.
                if let Ok(document) = serde_json::from_str::<MerchantDocument>(&row.config) {
                    unplanned.push((row.id, document.policies));
                }
            }
            Ok::<_, ombud_store::StoreError>(unplanned)
        })?;
        let at_ms = now_ms();
        for (merchant, bindings) in unplanned {
            let mut rollouts = Rollouts::default();
            let rows: Vec<VersionRow> = bindings.iter().map(|(kind, binding)| binding.row(*kind, at_ms)).collect();
            for (kind, binding) in &bindings {
                rollouts.plans.entry(*kind).or_default().activate(&binding.id(), at_ms);
            }
            let active = bindings.iter().map(|(kind, binding)| (*kind, binding.id())).collect();
            let act = NewAct { at_ms, ..NewAct::new(By::host(Host::Ombud), What::Rollout(RolloutAct::Planned { active })) };
            let moved = Moved { before: Rollouts::default(), now: rollouts, new: rows, at_ms, acts: vec![act] };
            self.keep_blobs(bindings.into_values().map(|binding| ("application/json", binding.settings.into_bytes())).collect())?;
            let vault = self.vault.clone();
            let kept = self.writer.wait(move |group| keep(group, &vault, &merchant, &moved));
            kept.map_err(ServiceError::from)?;
        }
        Ok(())
    }

    /// Every version in a place, as it runs.
    pub(in crate::service) fn versions_of(&self, reads: &dyn Reads, merchant: &MerchantId, rollouts: &Rollouts) -> Result<Versions> {
        let mut versions = Versions::default();
        for (kind, id) in rollouts.in_place() {
            if versions.get(kind, id).is_none() {
                let bound = self.version_as_it_runs(reads, merchant, kind, id)?;
                let bound = bound.ok_or_else(|| anyhow!("the version `{id}` of {kind} is placed and not stored"))?;
                versions.insert(kind, id.clone(), Arc::new(bound));
            }
        }
        Ok(versions)
    }

    /// A stored version as it runs for a kind, with its plugin or the reason why it has none; none where there is no such version.
    pub(in crate::service) fn version_as_it_runs(
        &self,
        reads: &dyn Reads,
        merchant: &MerchantId,
        kind: Kind,
        id: &VersionId,
    ) -> Result<Option<Bound>> {
        let Some(row) = reads.version(merchant, &id.policy, &id.version)? else { return Ok(None) };
        // Damaged bytes are as good as none: the merchant's other policies decide, and this one's fallback stands.
        let settings = Blobs::blob(reads, &row.settings)?.and_then(|bytes| String::from_utf8(bytes).ok());
        let code = if settings.is_none() {
            Code::Missing(format!("its settings {} are not stored, or damaged: put the same settings again", row.settings).into())
        } else if !decides(&row, kind) {
            Code::Missing(format!("the component does not decide {kind}").into())
        } else {
            Code::Shared(Arc::clone(self.replayer.plugins()))
        };
        Ok(Some(Bound {
            name: row.policy,
            version: row.version,
            contract: row.contract,
            component: row.component,
            settings_digest: row.settings,
            settings: settings.unwrap_or_default().into(),
            code,
        }))
    }
}

/// Whether a version was found to decide a kind when it was made.
fn decides(row: &VersionRow, kind: Kind) -> bool {
    row.kind == kind.as_str() || row.origin.kinds.iter().any(|own| own == kind.as_str())
}
