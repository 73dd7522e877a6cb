//! How the versions of the contract are used. The label has the versions that this host speaks, and no other value.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use ombud_sandbox::{PACKAGE, VERSIONS};

use crate::service::wire::ContractCount;

type Labels = [(&'static str, &'static str); 1];

/// The series of the versions.
pub(super) struct Contracts {
    merchants: [Gauge; VERSIONS.len()],
    policies: [Gauge; VERSIONS.len()],
}

impl Contracts {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let (merchants, policies) = (Family::<Labels, Gauge>::default(), Family::<Labels, Gauge>::default());
        registry.register("contract_merchants", "Merchants with a policy built for the contract's version", merchants.clone());
        registry.register("contract_policies", "Bound policies built for the contract's version", policies.clone());
        let of = |family: &Family<Labels, Gauge>| VERSIONS.map(|version| family.get_or_create_owned(&[("version", version)]));
        Self { merchants: of(&merchants), policies: of(&policies) }
    }

    pub(super) fn set(&self, counts: &[ContractCount]) {
        for ((version, merchants), policies) in VERSIONS.iter().zip(&self.merchants).zip(&self.policies) {
            let of = |count: &&ContractCount| count.contract.strip_prefix(PACKAGE).and_then(|rest| rest.strip_prefix('@')) == Some(version);
            let Some(count) = counts.iter().find(of) else { continue };
            merchants.set(i64::try_from(count.merchants).unwrap_or(i64::MAX));
            policies.set(i64::try_from(count.policies).unwrap_or(i64::MAX));
        }
    }
}
