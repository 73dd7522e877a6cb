//! Which merchants use which version of the contract: what the operator asks before an old one is given up.

use std::sync::Arc;

use ombud_core::kind::Kind;
use ombud_core::problem::Problem;
use ombud_sandbox::{PACKAGE, VERSIONS};

use super::actor::{Principal, Right};
use super::error::ServiceError;
use super::listing::limit;
use super::snapshot::{Snapshot, Tenant};
use super::wire::{ContractCount, ContractUse, ContractsPage, ContractsQuery};
use super::{Service, allowed};
use crate::judge::Bound;

impl Service {
    /// How the versions are used, and the uses in the order of the merchants.
    pub fn contracts(&self, who: &Principal, query: ContractsQuery) -> Result<ContractsPage, ServiceError> {
        allowed(who, Right::Operate, "see which merchants use which contract")?;
        let limit = limit(query.limit)? as usize;
        let wanted = query.version.map(|version| named(&version)).transpose()?;
        let snapshot = self.snapshot.load();
        let mut tenants: Vec<&Arc<Tenant>> = snapshot.tenants.values().collect();
        tenants.sort_by(|one, other| one.config.id.as_str().cmp(other.config.id.as_str()));
        let after = query.cursor.unwrap_or_default();
        let mut page =
            ContractsPage { contracts: counts(&snapshot), guardrail: snapshot.guardrail.contract.clone(), uses: Vec::new(), cursor: None };
        let mut last = None;
        for tenant in tenants.into_iter().filter(|tenant| tenant.config.id.as_str() > after.as_str()) {
            let uses = bound(tenant).filter(|(_, policy)| wanted.as_ref().is_none_or(|wanted| policy.contract == *wanted));
            let mut uses = uses.map(|(kind, policy)| used(tenant, kind, policy)).peekable();
            if uses.peek().is_none() {
                continue;
            }
            if page.uses.len() >= limit {
                page.cursor = last;
                break;
            }
            page.uses.extend(uses);
            last = Some(tenant.config.id.to_string());
        }
        Ok(page)
    }

    /// The same counted, for the metrics.
    pub(super) fn contract_counts(&self) -> Vec<ContractCount> {
        counts(&self.snapshot.load())
    }
}

/// A version as it is asked for, as components name it.
fn named(version: &str) -> Result<String, ServiceError> {
    let bare = version.strip_prefix(PACKAGE).and_then(|rest| rest.strip_prefix('@')).unwrap_or(version);
    if VERSIONS.contains(&bare) {
        return Ok(format!("{PACKAGE}@{bare}"));
    }
    Err(ServiceError::Invalid(vec![Problem::at("/version", "is no version that this host speaks").allowed(VERSIONS.join(", "))]))
}

/// The policies of a merchant with their kinds.
fn bound(tenant: &Tenant) -> impl Iterator<Item = (Kind, &Bound)> {
    tenant.versions.iter().map(|(kind, _, bound)| (*kind, bound.as_ref()))
}

fn used(tenant: &Tenant, kind: Kind, policy: &Bound) -> ContractUse {
    ContractUse {
        merchant: tenant.config.id.to_string(),
        kind: kind.to_string(),
        policy: policy.name.clone(),
        version: policy.version.clone(),
        contract: policy.contract.clone(),
    }
}

fn counts(snapshot: &Snapshot) -> Vec<ContractCount> {
    let known = VERSIONS.iter().map(|version| format!("{PACKAGE}@{version}")).chain([String::new()]);
    let mut counts: Vec<ContractCount> = known.map(|contract| ContractCount { contract, merchants: 0, policies: 0 }).collect();
    for tenant in snapshot.tenants.values() {
        for count in &mut counts {
            let policies = bound(tenant).filter(|(_, policy)| policy.contract == count.contract).count() as u64;
            count.policies += policies;
            count.merchants += u64::from(policies > 0);
        }
    }
    counts.retain(|count| !count.contract.is_empty() || count.policies > 0);
    counts
}
