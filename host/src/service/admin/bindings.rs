//! Which policy with which settings decides a kind: asked for by name, kept by digest.

use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::problem::Problem;
use ombud_ledger::Digest;
use ombud_sandbox::Limits;
use ombud_store::{Store as _, VersionRow};
use serde_json::Value;

use crate::service::Service;
use crate::service::error::ServiceError;
use crate::service::snapshot::{Binding, Bindings, Tenant};

impl Service {
    /// Resolves the asked-for policies, which take their settings under `limits`; every problem is named by its pointer. A merchant
    /// that is not known yet gets the platform's defaults for the other kinds.
    pub(super) fn bindings(
        &self,
        merchant: &MerchantId,
        asked: Option<Value>,
        known: Option<&Tenant>,
        limits: &Limits,
    ) -> Result<Bindings, ServiceError> {
        let mut problems = Vec::new();
        let mut bindings = Bindings::new();
        if known.is_none() {
            for kind in Kind::ALL {
                if let Some(package) = self.registry.deciding(kind.as_str()) {
                    let pointer = format!("/policies/{kind}");
                    bindings.insert(kind, self.binding(&package.name, package.settings.clone(), limits, &pointer, &mut problems));
                }
            }
        }
        let asked = match asked {
            None => serde_json::Map::new(),
            Some(Value::Object(asked)) => asked,
            Some(_) => {
                return Err(ServiceError::Invalid(vec![
                    Problem::at("/policies", "is not an object").allowed("KIND → policy and settings"),
                ]));
            }
        };
        for (name, choice) in asked {
            let pointer = format!("/policies/{name}");
            let Some(kind) = Kind::parse(&name) else {
                problems.push(Problem::at(pointer, "is no kind").allowed("after-sale, delay, blacklist, reply"));
                continue;
            };
            let policy = choice
                .get("policy")
                .and_then(Value::as_str)
                .map(str::to_owned)
                .or_else(|| known.and_then(|known| known.policy(kind)).map(|own| own.name.clone()))
                .or_else(|| bindings.get(&kind).map(|own| own.policy.clone()));
            let Some(policy) = policy else {
                problems.push(Problem::at(format!("{pointer}/policy"), "is missing").allowed("a policy's name"));
                continue;
            };
            if let Some(version) = choice.get("version").and_then(Value::as_str) {
                match self.uploaded_binding(merchant, &policy, version, kind)? {
                    Some(_) if choice.get("settings").is_some() => problems.push(
                        Problem::at(format!("{pointer}/settings"), "are those of the version")
                            .allowed("`POST …/versions` makes another one"),
                    ),
                    Some(binding) => _ = bindings.insert(kind, binding),
                    None => problems.push(Problem::at(format!("{pointer}/version"), format!("no uploaded version that decides {kind}"))),
                }
                continue;
            }
            let settings = choice.get("settings").map_or_else(|| "{}".to_owned(), ToString::to_string);
            let decides = |package: &crate::registry::Package| {
                package.plugin.as_ref().is_ok_and(|plugin| plugin.inspection().decides.iter().any(|own| own == kind.as_str()))
            };
            if !self.registry.packages.get(&policy).is_some_and(decides) {
                problems.push(Problem::at(format!("{pointer}/policy"), format!("no loaded policy of this name decides {kind}")));
                continue;
            }
            bindings.insert(kind, self.binding(&policy, settings, limits, &pointer, &mut problems));
        }
        if problems.is_empty() { Ok(bindings) } else { Err(ServiceError::Invalid(problems)) }
    }

    /// An uploaded version as a kind's policy; none where there is none that decides the kind.
    fn uploaded_binding(&self, merchant: &MerchantId, policy: &str, version: &str, kind: Kind) -> Result<Option<Binding>, ServiceError> {
        Ok(self.store.read(|reads| match reads.version(merchant, policy, version)? {
            Some(row) if row.origin.kinds.iter().any(|own| own == kind.as_str()) => Self::binding_of(reads, &row),
            _ => Ok(None),
        })?)
    }

    /// Gives a binding another name than a version that has the same one and is something else: of a component that was built anew
    /// under its old version number, the digest tells which it is.
    pub(super) fn name_apart(&self, merchant: &MerchantId, bindings: &mut Bindings) -> Result<(), ServiceError> {
        self.store.read(|reads| {
            for binding in bindings.values_mut() {
                let is_other = |row: &VersionRow| row.component.to_string() != binding.component;
                if reads.version(merchant, &binding.policy, &binding.version)?.as_ref().is_some_and(is_other) {
                    let short: String = binding.component.chars().take(8).collect();
                    binding.version = format!("{}.{short}", binding.version);
                }
            }
            Ok(())
        })
    }

    fn binding(&self, policy: &str, settings: String, limits: &Limits, pointer: &str, problems: &mut Vec<Problem>) -> Binding {
        let package = self.registry.packages.get(policy);
        if let Some(plugin) = package.and_then(|package| package.plugin.as_ref().ok()) {
            match plugin.check_settings(&settings, limits).result {
                Ok(Ok(())) => {}
                Ok(Err(refused)) => problems
                    .extend(refused.into_iter().map(|problem| Problem::at(format!("{pointer}/settings{}", problem.path), problem.message))),
                Err(fault) => problems.push(Problem::at(format!("{pointer}/settings"), fault.to_string())),
            }
        }
        let digest = Digest::of(settings.as_bytes()).to_string();
        let short: String = digest.chars().take(8).collect();
        Binding {
            policy: policy.to_owned(),
            version: package.map(|package| format!("{}+{short}", package.version)).unwrap_or_default(),
            contract: package.map(|package| package.contract().to_owned()).unwrap_or_default(),
            component: package.map(|package| package.digest.to_string()).unwrap_or_default(),
            settings,
        }
    }
}
