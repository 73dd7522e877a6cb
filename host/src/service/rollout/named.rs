//! What a request names: a version that can be placed, or that stands where it is to be taken out, the kind in whose plan that is, a moment.

use ombud_core::kind::Kind;
use ombud_core::problem::Problem;
use ombud_core::rollout::{Plan, VersionId, parse_local};
use ombud_store::{Store as _, VersionRow};

use crate::gate::decided;
use crate::plugins::Code;
use crate::service::Service;
use crate::service::error::ServiceError;
use crate::service::replay::Stored;
use crate::service::snapshot::Tenant;

impl Service {
    /// Whether the merchant has any version of a policy.
    pub(super) fn knows_policy(&self, tenant: &Tenant, policy: &str) -> bool {
        let versions = self.store.read(|reads| reads.versions(&tenant.config.id));
        versions.is_ok_and(|versions| versions.iter().any(|row| row.policy == policy))
    }

    /// A version that can be placed, with the kind it is placed for.
    pub(super) fn placeable(
        &self,
        tenant: &Tenant,
        policy: &str,
        version: &str,
        kind: Option<&str>,
    ) -> Result<(VersionId, Kind), ServiceError> {
        self.placeable_at("/version", tenant, policy, version, kind)
    }

    /// The same, with the place of the version in the request.
    pub(super) fn placeable_at(
        &self,
        pointer: &str,
        tenant: &Tenant,
        policy: &str,
        version: &str,
        kind: Option<&str>,
    ) -> Result<(VersionId, Kind), ServiceError> {
        if !self.knows_policy(tenant, policy) {
            return Err(ServiceError::NotFound("policy"));
        }
        let id = VersionId { policy: policy.to_owned(), version: version.to_owned() };
        let row = self.stored(pointer, tenant, &id)?;
        let kind = match (kind, row.origin.kinds.as_slice()) {
            (Some(kind), _) => kind_named(kind)?,
            (None, [_, _, ..]) => rolled_out(tenant, policy, None).map_err(|_| several_kinds(&row.origin.kinds))?,
            (None, _) => kind_named(&row.kind)?,
        };
        self.can_be_placed(tenant, kind, &id)?;
        Ok((id, kind))
    }

    /// A version that stands where it is to be taken out, with the kind in whose plan that is. It need not load, nor take its settings any more:
    /// taking away always works.
    pub(super) fn standing(
        &self,
        tenant: &Tenant,
        policy: &str,
        version: &str,
        kind: Option<&str>,
        stands: impl Fn(&Plan, &VersionId) -> bool,
    ) -> Result<(VersionId, Kind), ServiceError> {
        let id = VersionId { policy: policy.to_owned(), version: version.to_owned() };
        let plans = tenant.rollouts.plans.iter().filter(|(_, plan)| stands(plan, &id));
        let kinds: Vec<Kind> = plans.map(|(kind, _)| *kind).collect();
        let kind = match (kind, kinds.as_slice()) {
            (Some(kind), _) => kind_named(kind)?,
            (None, [kind]) => *kind,
            (None, []) if !self.knows_policy(tenant, policy) => return Err(ServiceError::NotFound("policy")),
            // It stands nowhere: the plan says so.
            (None, []) => kind_named(&self.stored("/version", tenant, &id)?.kind)?,
            (None, several) => return Err(several_kinds(&several.iter().map(|kind| kind.to_string()).collect::<Vec<_>>())),
        };
        Ok((id, kind))
    }

    /// Whether a version may have a place in a kind's plan: it loads, decides the kind, takes its settings under the merchant's limits, and is signed
    /// where it must be.
    ///
    /// # Errors
    /// Why it may not.
    pub(super) fn can_be_placed(&self, tenant: &Tenant, kind: Kind, id: &VersionId) -> Result<(), ServiceError> {
        let bound = self.store.read(|reads| self.version_as_it_runs(reads, &tenant.config.id, kind, id).map_err(ServiceError::from))?;
        let refused = |why: &str| ServiceError::Conflict(format!("`{id}` cannot be rolled out: {why}"));
        let bound = bound.ok_or_else(|| refused("it is not stored"))?;
        if let Code::Missing(why) = &bound.code {
            return Err(refused(why));
        }
        // Loaded here, and compiled if need be: never on the way to a decision.
        let plugin = self.replayer.plugin(&bound.component, &Stored(self.store.readers())).map_err(ServiceError::from)?;
        let plugin = plugin.ok_or_else(|| refused("its component is not stored or does not load"))?;
        let with_settings = decided(plugin.inspection(), &bound.settings);
        if !with_settings.iter().any(|own| own == kind.as_str()) {
            return Err(refused(&format!("it does not decide {kind}")));
        }
        match plugin.check_settings(&bound.settings, &tenant.terms.limits.policy).result {
            Ok(Ok(())) => {}
            Ok(Err(problems)) => {
                let problems: Vec<String> = problems.iter().map(|problem| format!("{} {}", problem.path, problem.message)).collect();
                return Err(refused(&format!("it refuses its settings: {}", problems.join("; "))));
            }
            Err(fault) => return Err(refused(&format!("it cannot take its settings under the merchant's limits: {fault}"))),
        }
        // Last: a key may be revoked while the version is asked.
        let row = self.stored("/version", tenant, id)?;
        self.store.read(|reads| self.kept_out(reads, &tenant.config, &row))?.map_or(Ok(()), |why| Err(refused(&why)))
    }

    /// A version's row.
    pub(super) fn stored(&self, pointer: &str, tenant: &Tenant, id: &VersionId) -> Result<VersionRow, ServiceError> {
        let (row, known) = self.store.read(|reads| {
            let row = reads.version(&tenant.config.id, &id.policy, &id.version)?;
            let known = if row.is_none() { reads.versions(&tenant.config.id)? } else { Vec::new() };
            Ok::<_, ServiceError>((row, known))
        })?;
        row.ok_or_else(|| {
            let known: Vec<String> = known.into_iter().filter(|row| row.policy == id.policy).map(|row| row.version).collect();
            let problem = Problem::at(pointer, format!("is no version of `{}`", id.policy));
            ServiceError::Invalid(vec![problem.allowed(known.join(", "))])
        })
    }
}

/// The kind in whose plan a policy was rolled out.
pub(super) fn rolled_out(tenant: &Tenant, policy: &str, kind: Option<&str>) -> Result<Kind, ServiceError> {
    if let Some(kind) = kind {
        return kind_named(kind);
    }
    let stands = |plan: &Plan| plan.in_place().any(|id| id.policy == policy);
    let kinds: Vec<Kind> = tenant.rollouts.plans.iter().filter(|(_, plan)| stands(plan)).map(|(kind, _)| *kind).collect();
    match kinds.as_slice() {
        [] => Err(ServiceError::NotFound("policy in any rollout")),
        [kind] => Ok(*kind),
        several => Err(several_kinds(&several.iter().map(|kind| kind.to_string()).collect::<Vec<_>>())),
    }
}

/// The kind has to be named.
fn several_kinds(kinds: &[String]) -> ServiceError {
    ServiceError::Invalid(vec![Problem::at("/kind", "is missing: the policy decides several kinds").allowed(kinds.join(", "))])
}

/// The kind of a name.
pub(super) fn kind_named(name: &str) -> Result<Kind, ServiceError> {
    Kind::parse(name).ok_or_else(|| {
        let problem = Problem::at("/kind", "is no kind").allowed("after-sale, delay, blacklist, reply");
        ServiceError::Invalid(vec![problem])
    })
}

/// A moment of the merchant's clock; a date alone is its beginning, or its end where it is the `last` one.
pub(super) fn moment(pointer: &str, text: &str, zone: i32, last: bool) -> Result<i64, ServiceError> {
    parse_local(text, zone, last).ok_or_else(|| {
        let problem = Problem::at(pointer, "is no moment of the merchant's clock");
        ServiceError::Invalid(vec![
            problem.allowed("2026-11-11, 2026-11-11T08:00, or an instant with an offset: 2026-11-11T00:00:00+08:00"),
        ])
    })
}
