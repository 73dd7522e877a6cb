//! Merchants, keys, bindings: loading them into the snapshot, and changing them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use ombud_core::caps::CapLimits;
use ombud_core::decision::Terms;
use ombud_core::ids::{ActorId, MerchantId};
use ombud_core::kind::Kind;
use ombud_core::merchant::MerchantConfig;
use ombud_core::problem::Problem;
use ombud_ledger::Digest;
use ombud_store::{ApiKeyRow, MerchantRow, Reads, Store as _};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::Service;
use super::actor::{NewKey, Principal, Right, Role};
use super::decide::now_ms;
use super::error::ServiceError;
use super::snapshot::{Binding, Bindings, MERCHANT_REQUESTS_MAX, MerchantDocument, Snapshot, Tenant};
use super::vault::SubjectId;
use super::wire::{CreatedKey, MerchantView};
use crate::judge::Bound;
use crate::registry::Registry;

/// Media types under which bytes are kept.
const WASM: &str = "application/wasm";
const JSON: &str = "application/json";

/// A folder that only its owner reads.
pub(super) fn private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// 32 secret bytes in a file that only its owner reads; drawn at the first start.
pub(crate) fn secret(path: &Path) -> Result<[u8; 32]> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    match std::fs::read(path) {
        Ok(bytes) => bytes.try_into().map_err(|_| anyhow!("`{}` does not hold 32 bytes: restore it from a backup", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut bytes = [0_u8; 32];
            getrandom::fill(&mut bytes).map_err(|error| anyhow!("no random bytes: {error}"))?;
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .with_context(|| format!("cannot create `{}`", path.display()))?;
            file.write_all(&bytes).and_then(|()| file.sync_all()).with_context(|| format!("cannot write `{}`", path.display()))?;
            Ok(bytes)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}

/// The platform's guardrail from the packages.
pub(super) fn guardrail(registry: &Registry) -> Bound {
    let (name, version, digest, settings, plugin) = match registry.guardrail() {
        Some(package) => (package.name.clone(), package.version.clone(), package.digest, package.settings.clone(), package.plugin.clone()),
        None => {
            let reason = registry.packages.get("guardrail").and_then(|package| package.plugin.as_ref().err().cloned());
            let reason = reason.unwrap_or_else(|| "no package reviews all four kinds".into());
            ("guardrail".into(), String::new(), Digest([0; 32]), "{}".into(), Err(reason))
        }
    };
    Bound { name, version, component: digest, settings_digest: Digest::of(settings.as_bytes()), settings: settings.into(), plugin }
}

impl Service {
    /// Keeps every package's component and settings, so that what decides today can be replayed after it was replaced.
    pub(super) fn keep_components(&self) -> Result<()> {
        let mut blobs: Vec<(&'static str, Vec<u8>)> = Vec::new();
        for package in self.registry.packages.values().filter(|package| package.plugin.is_ok()) {
            blobs.push((WASM, package.bytes.clone()));
            blobs.push((JSON, package.settings.clone().into_bytes()));
        }
        self.keep_blobs(blobs).map_err(|error| anyhow!("{error}"))
    }

    fn keep_blobs(&self, blobs: Vec<(&'static str, Vec<u8>)>) -> Result<(), ServiceError> {
        let at_ms = now_ms();
        let missing: Vec<_> = self.store.read(|reads| {
            blobs
                .into_iter()
                .filter_map(|(media, bytes)| match reads.blob(&Digest::of(&bytes)) {
                    Ok(Some(_)) => None,
                    Ok(None) => Some(Ok((media, bytes))),
                    Err(error) => Some(Err(error)),
                })
                .collect::<Result<_, _>>()
        })?;
        if missing.is_empty() {
            return Ok(());
        }
        Ok(self.writer.wait(move |group| {
            missing.iter().try_for_each(|(media, bytes)| group.put_blob(media, bytes, at_ms).map(|_| ())).map_err(ServiceError::from)
        })?)
    }

    /// Loads merchants and keys into the snapshot.
    pub(super) fn load_all(&self) -> Result<()> {
        let _changing = self.changing.lock();
        let (tenants, principals) = self.store.read(|reads| {
            let mut tenants = HashMap::new();
            let mut keys = reads.api_keys(None)?;
            for row in reads.merchants()? {
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
        let config = MerchantConfig::parse(document.config.to_string().as_bytes())
            .map_err(|problems| anyhow!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
        self.assemble(reads, config, document.policies)
    }

    fn assemble(&self, reads: &dyn Reads, config: MerchantConfig, bindings: Bindings) -> Result<Tenant> {
        let policies = Kind::ALL.map(|kind| bindings.get(&kind).map(|binding| self.bind(reads, kind, binding)));
        let key = self.vault.open(&config.id, &SubjectId::Merchant, reads)?.ok_or_else(|| anyhow!("the merchant's key is missing"))?;
        let permits = self.snapshot.load().tenants.get(&config.id).map(|tenant| tenant.permits.clone());
        Ok(Tenant {
            terms: Terms { caps: config.caps.clone(), currency: config.currency.to_string(), fallback: config.fallback },
            policies,
            bindings,
            digest_key: key.digest_key(),
            permits: permits.unwrap_or_else(|| Arc::new(Semaphore::new(MERCHANT_REQUESTS_MAX))),
            config,
        })
    }

    /// A binding with its plugin, or with the reason why it has none: the owner sees it, and decisions fall back.
    fn bind(&self, reads: &dyn Reads, kind: Kind, binding: &Binding) -> Bound {
        let digest = Digest::parse(&binding.component).unwrap_or(Digest([0; 32]));
        let plugin = match self.replayer.plugin(&digest, reads) {
            Ok(Some(plugin)) if plugin.inspection().decides.iter().any(|own| own == kind.as_str()) => Ok(plugin),
            Ok(Some(_)) => Err(format!("the component does not decide {kind}")),
            Ok(None) => Err("the component is not stored or does not load".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        Bound {
            name: binding.policy.clone(),
            version: binding.version.clone(),
            component: digest,
            settings_digest: Digest::of(binding.settings.as_bytes()),
            settings: binding.settings.as_str().into(),
            plugin,
        }
    }

    /// Creates or changes a merchant. `config_json` is the configuration with an optional member `policies`:
    /// `{KIND: {"policy": NAME, "settings": {…}}}`; a kind that is left out keeps its policy, a new merchant gets the
    /// platform's default.
    pub async fn put_merchant(self: &Arc<Self>, who: &Principal, merchant: &str, config_json: &[u8]) -> Result<MerchantView, ServiceError> {
        super::allowed(who, Right::Configure, "configure merchants")?;
        if who.merchant.as_ref().is_some_and(|own| own.as_str() != merchant) {
            return Err(ServiceError::NotFound("merchant"));
        }
        let service = Arc::clone(self);
        let (who, merchant, config_json) = (who.clone(), merchant.to_owned(), config_json.to_vec());
        blocking(move || service.put_merchant_now(&who, &merchant, &config_json)).await
    }

    /// The same for commands and the demo, which have no runtime to keep free.
    pub fn put_merchant_now(&self, who: &Principal, merchant: &str, config_json: &[u8]) -> Result<MerchantView, ServiceError> {
        let _changing = self.changing.lock();
        let mut json: Value = serde_json::from_slice(config_json).map_err(|error| ServiceError::Malformed(format!("not JSON: {error}")))?;
        let policies = json.as_object_mut().and_then(|members| members.remove("policies"));
        let config = MerchantConfig::parse(json.to_string().as_bytes()).map_err(ServiceError::Invalid)?;
        if config.id.as_str() != merchant {
            let problem = Problem::at("/id", "is not the merchant of the path").allowed(merchant);
            return Err(ServiceError::Invalid(vec![problem]));
        }
        let known = self.snapshot.load().tenants.get(&config.id).cloned();
        if known.is_none() && who.role != Role::Operator {
            return Err(ServiceError::NotFound("merchant"));
        }
        if who.role != Role::Operator {
            let above = config.caps.above(&CapLimits::default());
            if !above.is_empty() {
                let problem = |name: &&str| Problem::at(format!("/caps/{name}"), "is above the operator's bound");
                return Err(ServiceError::Invalid(above.iter().map(problem).collect()));
            }
        }
        let bindings = self.bindings(policies, known.as_ref().map(|tenant| &tenant.bindings))?;
        let document = MerchantDocument { config: json, policies: bindings.clone() };
        let row = MerchantRow {
            id: config.id.clone(),
            config: serde_json::to_string(&document).map_err(|error| ServiceError::Internal(error.into()))?,
            created_at_ms: now_ms(),
        };
        let blobs = bindings.values().map(|binding| (JSON, binding.settings.clone().into_bytes())).collect();
        self.keep_blobs(blobs)?;
        let secret = self.store.read(|reads| self.vault.open_or_draw(&config.id, &SubjectId::Merchant, reads))?;
        let stored = row.clone();
        self.writer.wait(move |group| {
            group.put_merchant(&stored)?;
            if let Some(wrapped) = &secret.wrapped {
                group.insert_subject_key(&stored.id, SubjectId::Merchant.as_subject(), wrapped, stored.created_at_ms)?;
            }
            Ok::<_, ServiceError>(())
        })?;
        let tenant = self.store.read(|reads| self.assemble(reads, config, bindings).map_err(ServiceError::from))?;
        let view = view(&tenant);
        self.change(|snapshot| {
            snapshot.tenants.insert(row.id, Arc::new(tenant));
        });
        Ok(view)
    }

    /// Resolves the asked-for policies; every problem is named by its pointer.
    fn bindings(&self, asked: Option<Value>, known: Option<&Bindings>) -> Result<Bindings, ServiceError> {
        let mut problems = Vec::new();
        let mut bindings = known.cloned().unwrap_or_default();
        if known.is_none() {
            for kind in Kind::ALL {
                if let Some(package) = self.registry.deciding(kind.as_str()) {
                    bindings
                        .insert(kind, self.binding(&package.name, package.settings.clone(), &format!("/policies/{kind}"), &mut problems));
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
                .or_else(|| bindings.get(&kind).map(|own| own.policy.clone()));
            let Some(policy) = policy else {
                problems.push(Problem::at(format!("{pointer}/policy"), "is missing").allowed("a policy's name"));
                continue;
            };
            let settings = choice.get("settings").map_or_else(|| "{}".to_owned(), ToString::to_string);
            let decides = |package: &crate::registry::Package| {
                package.plugin.as_ref().is_ok_and(|plugin| plugin.inspection().decides.iter().any(|own| own == kind.as_str()))
            };
            if !self.registry.packages.get(&policy).is_some_and(decides) {
                problems.push(Problem::at(format!("{pointer}/policy"), format!("no loaded policy of this name decides {kind}")));
                continue;
            }
            bindings.insert(kind, self.binding(&policy, settings, &pointer, &mut problems));
        }
        if problems.is_empty() { Ok(bindings) } else { Err(ServiceError::Invalid(problems)) }
    }

    fn binding(&self, policy: &str, settings: String, pointer: &str, problems: &mut Vec<Problem>) -> Binding {
        let package = self.registry.packages.get(policy);
        if let Some(plugin) = package.and_then(|package| package.plugin.as_ref().ok()) {
            match plugin.check_settings(&settings, &self.limits).result {
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
            component: package.map(|package| package.digest.to_string()).unwrap_or_default(),
            settings,
        }
    }

    /// Swaps a changed snapshot in.
    fn change(&self, change: impl FnOnce(&mut Snapshot)) {
        let now = self.snapshot.load();
        let mut next = Snapshot { tenants: now.tenants.clone(), principals: now.principals.clone(), guardrail: now.guardrail.clone() };
        change(&mut next);
        self.snapshot.store(Arc::new(next));
    }

    /// A merchant.
    pub fn merchant(&self, who: &Principal, merchant: &str) -> Result<MerchantView, ServiceError> {
        Ok(view(&*self.tenant(who, merchant, Right::Read, "see merchants")?))
    }

    /// Every merchant.
    pub fn merchants(&self, who: &Principal) -> Result<Vec<MerchantView>, ServiceError> {
        super::allowed(who, Right::Operate, "list merchants")?;
        let snapshot = self.snapshot.load();
        let mut tenants: Vec<_> = snapshot.tenants.values().collect();
        tenants.sort_by(|one, other| one.config.id.as_str().cmp(other.config.id.as_str()));
        Ok(tenants.into_iter().map(|tenant| view(tenant)).collect())
    }

    /// Creates a key. The operator may for anybody, a merchant's administrator for the merchant.
    pub async fn create_key(
        self: &Arc<Self>,
        who: &Principal,
        merchant: Option<&str>,
        role: Role,
        label: &str,
    ) -> Result<CreatedKey, ServiceError> {
        super::allowed(who, right_on_keys(merchant), "create keys")?;
        let service = Arc::clone(self);
        let (who, merchant, label) = (who.clone(), merchant.map(str::to_owned), label.to_owned());
        blocking(move || service.create_key_now(&who, merchant.as_deref(), role, &label)).await
    }

    /// The same for commands and the demo.
    pub fn create_key_now(&self, who: &Principal, merchant: Option<&str>, role: Role, label: &str) -> Result<CreatedKey, ServiceError> {
        if (role == Role::Operator) != merchant.is_none() {
            let problem = Problem::at("/role", "does not fit: an operator's key has no merchant, every other key has one");
            return Err(ServiceError::Invalid(vec![problem]));
        }
        if who.role != Role::Operator && (who.merchant.as_ref().map(MerchantId::as_str) != merchant || role == Role::Operator) {
            return Err(ServiceError::NotFound("merchant"));
        }
        let id = match merchant {
            Some(merchant) => {
                let id = MerchantId::new(merchant).map_err(|_| ServiceError::NotFound("merchant"))?;
                if !self.snapshot.load().tenants.contains_key(&id) {
                    return Err(ServiceError::NotFound("merchant"));
                }
                Some(id)
            }
            None => None,
        };
        let actor = ActorId::new(label).map_err(|error| ServiceError::Invalid(vec![Problem::at("/label", error.to_string())]))?;
        let _changing = self.changing.lock();
        let key = NewKey::draw().map_err(|error| ServiceError::Internal(anyhow!("no random bytes: {error}")))?;
        let row = ApiKeyRow {
            key_id: format!("k_{}", hex::encode(key.hash.iter().take(6).copied().collect::<Vec<_>>())),
            hash: Digest(key.hash),
            merchant: id.clone(),
            role: role.as_str().to_owned(),
            actor: actor.to_string(),
            created_at_ms: now_ms(),
            revoked_at_ms: None,
        };
        let stored = row.clone();
        self.writer.wait(move |group| group.insert_api_key(&stored).map_err(ServiceError::from))?;
        let created = CreatedKey { id: row.key_id.clone(), secret: key.secret, role, merchant: merchant.map(str::to_owned) };
        if let Some((hash, principal)) = principal(row) {
            self.change(|snapshot| {
                snapshot.principals.insert(hash, principal);
            });
        }
        Ok(created)
    }

    /// Revokes a key, effective at once.
    pub async fn revoke_key(self: &Arc<Self>, who: &Principal, merchant: Option<&str>, key_id: &str) -> Result<(), ServiceError> {
        super::allowed(who, right_on_keys(merchant), "revoke keys")?;
        if who.role != Role::Operator && who.merchant.as_ref().map(MerchantId::as_str) != merchant {
            return Err(ServiceError::NotFound("merchant"));
        }
        let id = merchant.map(MerchantId::new).transpose().map_err(|_| ServiceError::NotFound("merchant"))?;
        let (service, key_id) = (Arc::clone(self), key_id.to_owned());
        blocking(move || {
            let _changing = service.changing.lock();
            let rows = service.store.read(|reads| reads.api_keys(id.as_ref()))?;
            let row = rows.into_iter().find(|row| row.key_id == key_id && row.merchant == id).ok_or(ServiceError::NotFound("key"))?;
            let at_ms = now_ms();
            let revoked = service.writer.wait(move |group| group.revoke_api_key(&key_id, at_ms).map_err(ServiceError::from))?;
            service.change(|snapshot| {
                snapshot.principals.remove(&row.hash.0);
            });
            if revoked { Ok(()) } else { Err(ServiceError::NotFound("key")) }
        })
        .await
    }

    /// The operator as the data directory's owner: commands on the directory act as this.
    pub fn owner() -> Result<Principal> {
        Ok(Principal { actor: ActorId::new("operator").map_err(|error| anyhow!("{error}"))?, role: Role::Operator, merchant: None })
    }
}

/// Runs what waits for the writer off the runtime's threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static) -> Result<T, ServiceError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ServiceError::Internal(error.into()))?
}

/// Keys without a merchant are the operator's.
fn right_on_keys(merchant: Option<&str>) -> Right {
    if merchant.is_none() { Right::Operate } else { Right::Configure }
}

fn principal(row: ApiKeyRow) -> Option<([u8; 32], Principal)> {
    if row.revoked_at_ms.is_some() {
        return None;
    }
    let role = Role::parse(&row.role)?;
    let actor = ActorId::new(row.actor).ok()?;
    Some((row.hash.0, Principal { actor, role, merchant: row.merchant }))
}

fn view(tenant: &Tenant) -> MerchantView {
    MerchantView { config: serde_json::to_value(&tenant.config).unwrap_or_default(), policies: tenant.views() }
}
