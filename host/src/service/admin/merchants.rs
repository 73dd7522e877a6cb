//! Merchants: created and changed as one document, with the policies bound to each kind.

use std::collections::BTreeSet;
use std::sync::Arc;

use ombud_core::call_limits::{OperatorLimits, SomeLimits};
use ombud_core::caps::CapLimits;
use ombud_core::kind::Kind;
use ombud_core::merchant::MerchantConfig;
use ombud_core::problem::Problem;
use ombud_core::rollout::Changed;
use ombud_ledger::Digest;
use ombud_store::{MerchantRow, Store as _, VersionRow};
use serde_json::Value;

use super::bounds;
use super::load::JSON;
use crate::clock::now_ms;
use crate::service::actor::{Principal, Right, Role};
use crate::service::acts::{NewAct, OPERATOR, What};
use crate::service::commit::as_reads;
use crate::service::error::ServiceError;
use crate::service::rollout::{self, Moved, NO_REPORT};
use crate::service::snapshot::{Bindings, MerchantDocument, Tenant};
use crate::service::vault::SubjectId;
use crate::service::wire::{LimitsView, MerchantView};
use crate::service::{Service, allowed, blocking, versions};

/// What a merchant is to be, checked.
struct Asked {
    json: Value,
    config: MerchantConfig,
    caps_bound: CapLimits,
    bindings: Bindings,
}

impl Service {
    /// Creates or changes a merchant. `config_json` is the configuration with an optional member `policies`:
    /// `{KIND: {"policy": NAME, "settings": {…}}}`, or `"version"` of an uploaded policy instead of settings; a kind that is left out keeps its policy, a new merchant gets the
    /// platform's default.
    pub async fn put_merchant(self: &Arc<Self>, who: &Principal, merchant: &str, config_json: &[u8]) -> Result<MerchantView, ServiceError> {
        allowed(who, Right::Configure, "configure merchants")?;
        if who.merchant.as_ref().is_some_and(|own| own.as_str() != merchant) {
            return Err(ServiceError::NotFound("merchant"));
        }
        let _turn = self.turn_to_change(who).await?;
        let service = Arc::clone(self);
        let (who, merchant, config_json) = (who.clone(), merchant.to_owned(), config_json.to_vec());
        blocking(move || service.put_merchant_now(&who, &merchant, &config_json)).await
    }

    /// The same for commands and the demo, which have no runtime to keep free.
    pub fn put_merchant_now(self: &Arc<Self>, who: &Principal, merchant: &str, config_json: &[u8]) -> Result<MerchantView, ServiceError> {
        let json: Value = serde_json::from_slice(config_json).map_err(|error| ServiceError::Malformed(format!("not JSON: {error}")))?;
        self.changed(
            merchant,
            |known| self.asked_merchant(who, merchant, json.clone(), known.map(Arc::as_ref)),
            |known, asked| {
                self.still_valid(who)?;
                self.keep_merchant(who, known.as_deref(), asked)
            },
        )
    }

    /// What is asked for, checked: policies take their settings here.
    fn asked_merchant(&self, who: &Principal, merchant: &str, mut json: Value, known: Option<&Tenant>) -> Result<Asked, ServiceError> {
        let policies = json.as_object_mut().and_then(|members| members.remove("policies"));
        if let Some(known) = known.filter(|_| who.role != Role::Operator) {
            bounds::fill(&mut json, &known.caps_bound);
            bounds::fill_share(&mut json, &known.config.share);
        }
        let config = MerchantConfig::parse(json.to_string().as_bytes()).map_err(ServiceError::Invalid)?;
        if config.id.as_str() == OPERATOR {
            let problem = Problem::at("/id", "is the name of the operator's own log").allowed("any other name");
            return Err(ServiceError::Invalid(vec![problem]));
        }
        if config.id.as_str() != merchant {
            let problem = Problem::at("/id", "is not the merchant of the path").allowed(merchant);
            return Err(ServiceError::Invalid(vec![problem]));
        }
        let caps_bound = match (who.role, known) {
            (Role::Operator, known) => bounds::set_by_operator(known.map(|known| (&known.config.caps, &known.caps_bound)), &config.caps),
            (_, Some(known)) => {
                bounds::check(&config.caps, &known.caps_bound)?;
                // The day of CAP-31 and CAP-32 is the merchant's: whoever moves it begins another.
                if known.config.tz_offset_min != config.tz_offset_min {
                    let problem =
                        Problem::at("/tz_offset_min", "is changed by the operator only").allowed(known.config.tz_offset_min.to_string());
                    return Err(ServiceError::Invalid(vec![problem]));
                }
                if known.config.share != config.share {
                    return Err(ServiceError::Invalid(vec![
                        Problem::at("/share", "is changed by the operator only").allowed("what it is, or nothing"),
                    ]));
                }
                known.caps_bound.clone()
            }
            (_, None) => return Err(ServiceError::NotFound("merchant")),
        };
        let mut above = self.limits.refuse(&config.limits);
        above.extend(self.limits.protection.refuse(&config.protection));
        if !above.is_empty() {
            return Err(ServiceError::Invalid(above));
        }
        let limits = self.limits.in_force(&config.limits);
        let bindings = self.bindings(&config.id, policies, known, &limits.policy)?;
        self.may_bind(who, &config, known, &bindings)?;
        if let Some(known) = known {
            self.check_under(&limits, known, &bindings)?;
        }
        Ok(Asked { json, config, caps_bound, bindings })
    }

    /// Keeps what is asked for. The caller holds the lock of all changes, and `known` is what it was checked for.
    fn keep_merchant(self: &Arc<Self>, who: &Principal, known: Option<&Tenant>, asked: Asked) -> Result<MerchantView, ServiceError> {
        let Asked { json, config, caps_bound, mut bindings } = asked;
        self.name_apart(&config.id, &mut bindings)?;
        let at_ms = now_ms();
        let asks_for_two = known.is_some_and(|known| !known.config.approvals.is_default());
        let mut rollouts = known.map(|known| known.rollouts.clone()).unwrap_or_default();
        let mut activated = Vec::new();
        for (kind, binding) in &bindings {
            if rollouts.plans.entry(*kind).or_default().activate(&binding.id(), at_ms) == Changed::No {
                continue;
            }
            activated.push((*kind, binding.id()));
            if asks_for_two {
                let why = format!(
                    "it takes two persons to activate a version of {kind}: `POST …/policies/{}/rollout/activate` proposes it",
                    binding.policy
                );
                return Err(ServiceError::Conflict(why));
            }
        }
        if asks_for_two && config.approvals.is_default() {
            let why = "it takes two persons to let one be enough: `POST …/rollout/approvals/off` proposes it";
            return Err(ServiceError::Conflict(why.into()));
        }
        let document = MerchantDocument { config: json, caps_bound: caps_bound.clone(), policies: Bindings::new() };
        let row = MerchantRow {
            id: config.id.clone(),
            config: serde_json::to_string(&document).map_err(|error| ServiceError::Internal(error.into()))?,
            created_at_ms: at_ms,
        };
        let blobs = bindings.values().map(|binding| (JSON, binding.settings.clone().into_bytes())).collect();
        self.keep_blobs(blobs)?;
        let epoch = self.vault.epoch();
        let secret = self.store.read(|reads| self.vault.open_or_draw(&config.id, &SubjectId::Merchant, reads, epoch))?;
        let acts = changes(who, known, &config, &bindings, at_ms);
        let new: Vec<VersionRow> = bindings.iter().map(|(kind, binding)| binding.row(*kind, at_ms)).collect();
        let before = known.map(|known| known.rollouts.clone()).unwrap_or_default();
        let moved = Moved { before, now: rollouts, new, at_ms, acts };
        let (stored, service) = (row.clone(), Arc::clone(self));
        let tenant = self.writer.wait(move |group| {
            let vault = &service.vault;
            group.put_merchant(&stored)?;
            if let Some(wrapped) = &secret.wrapped {
                vault.keep(group, &stored.id, &SubjectId::Merchant, wrapped, stored.created_at_ms)?;
            }
            // What changes nothing writes no plans either: what somebody did to them by hand stays to be seen.
            if !moved.acts.is_empty() {
                rollout::keep(group, vault, &stored.id, &moved)?;
            }
            // What cannot be loaded is not kept either: a change that is on record is in force.
            let tenant = service.assemble(as_reads(group), config.clone(), caps_bound.clone(), moved.now.clone());
            tenant.map_err(|error| {
                let (merchant, cause) = (&stored.id, format!("{error:#}"));
                tracing::error!(%merchant, cause, "the merchant is not changed: as it would be then it cannot be loaded");
                ServiceError::from(error)
            })
        })?;
        let view = view(&tenant, &self.limits);
        let merchant = row.id.clone();
        self.change(|snapshot| {
            snapshot.tenants.insert(row.id, Arc::new(tenant));
        });
        // What a person bound begins anew before the protection, whose limits may be others now.
        activated.iter().for_each(|(kind, id)| self.guards.forget(&merchant, *kind, id));
        self.guards.look_again(&merchant, &Kind::ALL);
        Ok(view)
    }

    /// A merchant.
    pub fn merchant(&self, who: &Principal, merchant: &str) -> Result<MerchantView, ServiceError> {
        Ok(view(&*self.tenant(who, merchant, Right::Read, "see merchants")?, &self.limits))
    }

    /// Every merchant.
    pub fn merchants(&self, who: &Principal) -> Result<Vec<MerchantView>, ServiceError> {
        allowed(who, Right::Operate, "list merchants")?;
        let snapshot = self.snapshot.load();
        let mut tenants: Vec<_> = snapshot.tenants.values().collect();
        tenants.sort_by(|one, other| one.config.id.as_str().cmp(other.config.id.as_str()));
        Ok(tenants.into_iter().map(|tenant| view(tenant, &self.limits)).collect())
    }
}

fn digest(value: &Value) -> Digest {
    Digest::of(value.to_string().as_bytes())
}

/// The configuration without what has acts of its own.
fn parts(config: &MerchantConfig) -> Value {
    let mut json = serde_json::to_value(config).unwrap_or_default();
    if let Some(members) = json.as_object_mut() {
        members.retain(|name, _| !["caps", "limits", "retention_days"].contains(&name.as_str()));
    }
    json
}

/// The digest that acts have of a configuration: without caps, limits and retention, which have acts of their own.
pub(in crate::service) fn digest_of(config: &MerchantConfig) -> Digest {
    digest(&parts(config))
}

/// The acts that a change of a merchant is made of, each with the digests of what it changes.
fn changes(who: &Principal, known: Option<&Tenant>, config: &MerchantConfig, bindings: &Bindings, at_ms: i64) -> Vec<NewAct> {
    let mut acts = Vec::new();
    let now = parts(config);
    match known {
        None => acts.push(NewAct::new(who, What::MerchantCreated).change(None, Some(digest(&now)))),
        Some(known) => {
            let before = parts(&known.config);
            // A member that is what it is by default is left out: one that was given up stands in what was before only.
            let differs = |name: &&String| before.get(name.as_str()) != now.get(name.as_str());
            let names: BTreeSet<&String> =
                [&before, &now].into_iter().filter_map(Value::as_object).flat_map(|members| members.keys()).collect();
            let members: Vec<String> = names.into_iter().filter(differs).cloned().collect();
            if !members.is_empty() {
                acts.push(NewAct::new(who, What::MerchantChanged { members }).change(Some(digest(&before)), Some(digest(&now))));
            }
        }
    }
    let caps = known.map_or_else(CapLimits::default, |known| known.config.caps.clone());
    if caps != config.caps {
        let json = |caps: &CapLimits| digest(&serde_json::to_value(caps).unwrap_or_default());
        let (before, after) = (json(&caps), json(&config.caps));
        acts.push(NewAct::new(who, What::CapsChanged { from: caps, to: config.caps.clone() }).change(Some(before), Some(after)));
    }
    let limits = known.map_or_else(SomeLimits::default, |known| known.config.limits.clone());
    if limits != config.limits {
        let json = |limits: &SomeLimits| digest(&serde_json::to_value(limits).unwrap_or_default());
        let (before, after) = (json(&limits), json(&config.limits));
        let what = What::LimitsChanged { from: limits, to: config.limits.clone() };
        acts.push(NewAct::new(who, what).change(Some(before), Some(after)));
    }
    let days = known.and_then(|known| known.config.retention_days);
    if days != config.retention_days {
        acts.push(NewAct::new(who, What::RetentionSet { from_days: days, to_days: config.retention_days }));
    }
    for (kind, binding) in bindings {
        let before = known.and_then(|known| known.policy(*kind));
        let component = Digest::parse(&binding.component).unwrap_or(Digest([0; 32]));
        let settings = Digest::of(binding.settings.as_bytes());
        let row = Some(versions::digest_of(&binding.row(*kind, at_ms), NO_REPORT).to_string());
        if before.is_none_or(|before| (&before.name, before.component) != (&binding.policy, component)) {
            let what = What::PolicyBound {
                kind: *kind,
                policy: binding.policy.clone(),
                version: binding.version.clone(),
                settings: settings.to_string(),
                row,
            };
            acts.push(NewAct::new(who, what).change(before.map(|before| before.component), Some(component)));
        } else if before.is_some_and(|before| (before.settings_digest, &before.version) != (settings, &binding.version)) {
            let what = What::SettingsChanged { kind: *kind, policy: binding.policy.clone(), version: Some(binding.version.clone()), row };
            acts.push(NewAct::new(who, what).change(before.map(|before| before.settings_digest), Some(settings)));
        }
    }
    // One moment for all of it: that of the plans.
    acts.into_iter().map(|act| NewAct { at_ms, ..act }).collect()
}

fn view(tenant: &Tenant, operator: &OperatorLimits) -> MerchantView {
    MerchantView {
        config: serde_json::to_value(&tenant.config).unwrap_or_default(),
        caps_bound: tenant.caps_bound.clone(),
        policies: tenant.views(),
        limits: LimitsView {
            in_force: tenant.terms.limits.policy.clone(),
            most: operator.most.clone(),
            share: tenant.share_limits.clone(),
            protection: tenant.protection.clone(),
        },
    }
}
