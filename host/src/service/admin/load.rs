//! Merchants, keys and policies from the store into the snapshot, and the snapshot's next state.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use ombud_core::caps::CapLimits;
use ombud_core::ids::{ActorId, MerchantId, on_record};
use ombud_core::merchant::MerchantConfig;
use ombud_core::rollout::Rollouts;
use ombud_ledger::Digest;
use ombud_store::{ApiKeyRow, MerchantRow, Reads, Store as _};

use crate::clock::now_ms;
use crate::judge::Bound;
use crate::plugins::Code;
use crate::registry::{Package, Registry};
use crate::replay::Blobs;
use crate::service::Service;
use crate::service::actor::{Principal, Role};
use crate::service::acts::OPERATOR;
use crate::service::error::ServiceError;
use crate::service::rollout;
use crate::service::snapshot::{MerchantDocument, Snapshot, Tenant};
use crate::service::vault::SubjectId;

/// Media type under which components are kept.
pub(in crate::service) const WASM: &str = "application/wasm";
/// How often a change is prepared while others may change the merchant, before it is prepared under the lock.
const PREPARED_MAX: usize = 4;
/// Media type under which settings are kept.
pub(in crate::service) const JSON: &str = "application/json";

impl Service {
    /// Keeps every package's component and settings, so that what decides today can be replayed after it was replaced.
    pub(in crate::service) fn keep_components(&self) -> Result<()> {
        let mut blobs: Vec<(&'static str, Vec<u8>)> = Vec::new();
        for package in self.registry.packages.values().filter(|package| package.plugin.is_ok()) {
            blobs.push((WASM, package.bytes.clone()));
            blobs.push((JSON, package.settings.clone().into_bytes()));
        }
        self.keep_blobs(blobs).map(|_| ()).map_err(|error| anyhow!("{error}"))
    }

    /// Keeps bytes that are not stored, or are damaged there; whether there were any.
    pub(in crate::service) fn keep_blobs(&self, blobs: Vec<(&'static str, Vec<u8>)>) -> Result<bool, ServiceError> {
        let at_ms = now_ms();
        let missing: Vec<_> = self.store.read(|reads| {
            blobs
                .into_iter()
                .filter_map(|(media, bytes)| match Blobs::blob(reads, &Digest::of(&bytes)) {
                    Ok(Some(_)) => None,
                    Ok(None) => Some(Ok((media, bytes))),
                    Err(error) => Some(Err(error)),
                })
                .collect::<Result<_, _>>()
        })?;
        if missing.is_empty() {
            return Ok(false);
        }
        Ok(self.writer.wait(move |group| {
            missing.iter().try_for_each(|(media, bytes)| group.put_blob(media, bytes, at_ms).map(|_| ())).map_err(ServiceError::from)?;
            Ok::<_, ServiceError>(true)
        })?)
    }

    /// Loads merchants and keys into the snapshot.
    pub(in crate::service) fn load_all(&self) -> Result<()> {
        let _changing = self.changing.lock();
        let (tenants, principals) = self.store.read(|reads| {
            let mut tenants = HashMap::new();
            let mut keys = reads.api_keys(None)?;
            for row in reads.merchants()?.into_iter().filter(|row| row.id.as_str() != OPERATOR) {
                keys.extend(reads.api_keys(Some(&row.id))?);
                match self.tenant_of(reads, &row) {
                    Ok(tenant) => {
                        tenants.insert(row.id.clone(), Arc::new(tenant));
                    }
                    Err(error) => tracing::error!(merchant = %row.id, error = format!("{error:#}"), "a merchant cannot be loaded"),
                }
            }
            Ok::<_, ServiceError>((tenants, keys.into_iter().filter_map(principal).collect()))
        })?;
        let guardrail = self.snapshot.load().guardrail.clone();
        self.snapshot.store(Arc::new(Snapshot { tenants, principals, guardrail }));
        Ok(())
    }

    fn tenant_of(&self, reads: &dyn Reads, row: &MerchantRow) -> Result<Tenant> {
        let document: MerchantDocument = serde_json::from_str(&row.config)?;
        let rollouts = rollout::kept(reads, &row.id)?.unwrap_or_default();
        let config = MerchantConfig::parse(document.config.to_string().as_bytes())
            .map_err(|problems| anyhow!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
        self.assemble(reads, config, document.caps_bound, rollouts)
    }

    pub(in crate::service) fn assemble(
        &self,
        reads: &dyn Reads,
        config: MerchantConfig,
        caps_bound: CapLimits,
        rollouts: Rollouts,
    ) -> Result<Tenant> {
        let versions = self.versions_of(reads, &config.id, &rollouts)?;
        let key = self.vault.open(&config.id, &SubjectId::Merchant, reads)?.ok_or_else(|| anyhow!("the merchant's key is missing"))?;
        let share = self.snapshot.load().tenants.get(&config.id).map(|tenant| tenant.share.clone()).unwrap_or_default();
        let (terms, share_limits) = (config.terms(&self.limits), config.share.or(&self.limits.share));
        let protection = self.limits.protection.in_force(&config.protection);
        Ok(Tenant { terms, share_limits, protection, rollouts, versions, digest_key: key.digest_key(), share, caps_bound, config })
    }

    /// Changes a merchant: `prepare` may take its time and run policies, for it keeps nobody from other changes; `keep` follows under the lock
    /// of all changes, if the merchant is still the one that was prepared for, else it is prepared again.
    pub(in crate::service) fn changed<P, T>(
        &self,
        merchant: &str,
        prepare: impl Fn(Option<&Arc<Tenant>>) -> Result<P, ServiceError>,
        keep: impl FnOnce(Option<Arc<Tenant>>, P) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let id = MerchantId::new(merchant).ok();
        let known = || id.as_ref().and_then(|id| self.snapshot.load().tenants.get(id).cloned());
        for _ in 0..PREPARED_MAX {
            let before = known();
            let prepared = prepare(before.as_ref())?;
            let _changing = self.changing.lock();
            let now = known();
            let is_same = match (&before, &now) {
                (Some(before), Some(now)) => Arc::ptr_eq(before, now),
                (None, None) => true,
                _ => false,
            };
            if is_same {
                return keep(now, prepared);
            }
        }
        let _changing = self.changing.lock();
        let now = known();
        let prepared = prepare(now.as_ref())?;
        keep(now, prepared)
    }

    /// Swaps a changed snapshot in.
    pub(in crate::service) fn change(&self, change: impl FnOnce(&mut Snapshot)) {
        let now = self.snapshot.load();
        let mut next = Snapshot { tenants: now.tenants.clone(), principals: now.principals.clone(), guardrail: now.guardrail.clone() };
        change(&mut next);
        self.snapshot.store(Arc::new(next));
    }
}

/// The platform's guardrail from the packages.
pub(in crate::service) fn guardrail(registry: &Registry) -> Bound {
    let contract = registry.guardrail().map_or("", Package::contract).to_owned();
    let (name, version, digest, settings, code) = match registry.guardrail() {
        Some(package) => {
            (package.name.clone(), package.version.clone(), package.digest, package.settings.clone(), package.plugin.clone().into())
        }
        None => {
            let reason = registry.packages.get("guardrail").and_then(|package| package.plugin.as_ref().err().cloned());
            let reason = reason.unwrap_or_else(|| "no package reviews all four kinds".into());
            ("guardrail".into(), String::new(), Digest([0; 32]), "{}".into(), Code::Missing(reason.into()))
        }
    };
    Bound { name, version, contract, component: digest, settings_digest: Digest::of(settings.as_bytes()), settings: settings.into(), code }
}
pub(super) fn principal(row: ApiKeyRow) -> Option<([u8; 32], Principal)> {
    if row.revoked_at_ms.is_some() {
        return None;
    }
    let role = Role::parse(&row.role)?;
    let actor = on_record(|| ActorId::new(row.actor)).ok()?;
    Some((row.hash.0, Principal { actor, role, merchant: row.merchant, key: Some(row.hash.0) }))
}
