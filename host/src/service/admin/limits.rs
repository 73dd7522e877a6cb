//! The sandbox's limits: the operator's, which are kept with the data directory, and what merchants ask for within them.

use anyhow::{Context as _, Result};
use ombud_core::call_limits::{CallLimits, OperatorLimits};
use ombud_core::kind::Kind;
use ombud_core::problem::Problem;
use ombud_core::rollout::VersionId;
use ombud_ledger::Digest;
use ombud_store::Store;

use crate::service::Service;
use crate::service::acts::{By, Host, NewAct, What, log_of};
use crate::service::error::ServiceError;
use crate::service::snapshot::{Bindings, Tenant};

/// Under which key the operator's limits are kept.
pub(in crate::service) const LIMITS: &str = "limits";

/// The limits that the directory was last opened with; none if it never was opened with any.
pub(in crate::service) fn kept(store: &impl Store) -> Result<Option<OperatorLimits>> {
    let Some(json) = store.read(|reads| reads.value(LIMITS))? else { return Ok(None) };
    serde_json::from_slice(&json).map(Some).context("the limits kept in the data directory cannot be read: give them again with `--limits`")
}

impl Service {
    /// Keeps the operator's limits, where they are others than before, and records that in the operator's log.
    pub(in crate::service) fn keep_limits(&self, before: Option<OperatorLimits>) -> Result<()> {
        let (from, to) = (before.unwrap_or_default(), self.limits.clone());
        if from == to {
            return Ok(());
        }
        let (was, json) = (serde_json::to_vec(&from)?, serde_json::to_vec(&to)?);
        let what = What::OperatorLimitsChanged { from: Box::new(from), to: Box::new(to) };
        let act = NewAct::new(By::host(Host::Ombud), what).change(Some(Digest::of(&was)), Some(Digest::of(&json)));
        let (vault, log) = (self.vault.clone(), log_of(None)?);
        let recorded = self.writer.wait(move |group| {
            group.set_value(LIMITS, &json)?;
            act.append(group, &vault, &log).map(|_| ())
        });
        Ok(recorded.map_err(ServiceError::from)?)
    }

    /// A merchant's policies under other limits than before: one that cannot even take its settings would fault on every ticket.
    pub(super) fn check_under(&self, limits: &CallLimits, known: &Tenant, bindings: &Bindings) -> Result<(), ServiceError> {
        if known.terms.limits == *limits {
            return Ok(());
        }
        let mut problems = Vec::new();
        let is_replaced = |kind: &Kind, id: &VersionId| {
            let active = known.rollouts.plan(*kind).and_then(|plan| plan.active.as_ref());
            bindings.contains_key(kind) && active.is_some_and(|active| active.version == *id)
        };
        for (kind, _, bound) in known.versions.iter().filter(|(kind, id, _)| !is_replaced(kind, id)) {
            let Ok(plugin) = bound.plugin() else { continue };
            if let Err(fault) = plugin.check_settings(&bound.settings, &limits.policy).result {
                let what = format!("are too low for the policy of {kind}: {fault} (version `{}` of `{}`)", bound.version, bound.name);
                problems.push(Problem::at("/limits", what));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(problems)) }
    }
}
