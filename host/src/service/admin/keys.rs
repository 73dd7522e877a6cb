//! API keys: created, listed and revoked; secrets are shown once and not kept.

use std::sync::Arc;

use anyhow::anyhow;
use ombud_core::ids::{ActorId, MerchantId};
use ombud_core::problem::Problem;
use ombud_ledger::Digest;
use ombud_store::{ApiKeyRow, Store as _};

use super::labels;
use super::load::principal;
use crate::clock::now_ms;
use crate::service::actor::{NewKey, Principal, Right, Role, key_id};
use crate::service::acts::{NewAct, What, log_of};
use crate::service::error::ServiceError;
use crate::service::listing::rfc3339;
use crate::service::wire::{CreatedKey, KeyView};
use crate::service::{Service, allowed, aside, blocking};

/// Valid keys of one merchant, or of the operator.
const KEYS_MAX: usize = 1_000;

impl Service {
    /// Creates a key. The operator may for anybody, a merchant's administrator for the merchant.
    pub async fn create_key(
        self: &Arc<Self>,
        who: &Principal,
        merchant: Option<&str>,
        role: Role,
        label: &str,
    ) -> Result<CreatedKey, ServiceError> {
        allowed(who, right_on_keys(merchant), "create keys")?;
        let _turn = self.turn_to_change(who).await?;
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
        self.still_valid(who)?;
        // Who may make a second person is two persons.
        let asks_for_two = |id: &MerchantId| self.snapshot.load().tenants.get(id).is_some_and(|own| !own.config.approvals.is_default());
        if role == Role::MerchantAdmin && who.role != Role::Operator && id.as_ref().is_some_and(asks_for_two) {
            let why = "two persons are asked for: keys of a merchant's administrators are made by the operator";
            return Err(ServiceError::Conflict(why.into()));
        }
        let (keys, operators) = self.store.read(|reads| Ok::<_, ServiceError>((reads.api_keys(id.as_ref())?, reads.api_keys(None)?)))?;
        if let Some(problem) = labels::problem(label, &keys, id.as_ref().map(|_| operators.as_slice())) {
            return Err(ServiceError::Invalid(vec![problem]));
        }
        let valid = keys.iter().filter(|row| row.revoked_at_ms.is_none()).count();
        if valid >= KEYS_MAX {
            return Err(ServiceError::Conflict(format!("there are {KEYS_MAX} valid keys already: revoke one that is not used")));
        }
        let key = NewKey::draw().map_err(|error| ServiceError::Internal(anyhow!("no random bytes: {error}")))?;
        let row = ApiKeyRow {
            key_id: key_id(&key.hash),
            hash: Digest(key.hash),
            merchant: id.clone(),
            role: role.as_str().to_owned(),
            actor: actor.to_string(),
            created_at_ms: now_ms(),
            revoked_at_ms: None,
        };
        let what = What::KeyCreated { key: row.key_id.clone(), key_role: role, label: row.actor.clone() };
        let act = NewAct { at_ms: row.created_at_ms, ..NewAct::new(who, what).change(None, Some(row.hash)) };
        let log = log_of(id.as_ref())?;
        let (stored, vault) = (row.clone(), self.vault.clone());
        self.writer.wait(move |group| {
            group.insert_api_key(&stored)?;
            act.append(group, &vault, &log).map(|_| ())
        })?;
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
        allowed(who, right_on_keys(merchant), "revoke keys")?;
        if who.role != Role::Operator && who.merchant.as_ref().map(MerchantId::as_str) != merchant {
            return Err(ServiceError::NotFound("merchant"));
        }
        let id = merchant.map(MerchantId::new).transpose().map_err(|_| ServiceError::NotFound("merchant"))?;
        let (service, key_id, who) = (Arc::clone(self), key_id.to_owned(), who.clone());
        blocking(move || {
            let _changing = service.changing.lock();
            service.still_valid(&who)?;
            let rows = service.store.read(|reads| reads.api_keys(id.as_ref()))?;
            let row = rows.into_iter().find(|row| row.key_id == key_id && row.merchant == id).ok_or(ServiceError::NotFound("key"))?;
            let what = What::KeyRevoked { key: key_id.clone(), key_role: row.role.clone(), label: row.actor.clone() };
            let (act, log, vault) = (NewAct::new(&who, what), log_of(id.as_ref())?, service.vault.clone());
            service.writer.wait(move |group| match group.revoke_api_key(&key_id, act.at_ms)? {
                true => act.append(group, &vault, &log).map(|_| ()),
                false => Err(ServiceError::NotFound("key")),
            })?;
            service.change(|snapshot| {
                snapshot.principals.remove(&row.hash.0);
            });
            Ok(())
        })
        .await
    }

    /// The keys of a merchant, or the operator's where none is named; revoked ones included.
    pub fn keys(&self, who: &Principal, merchant: Option<&str>) -> Result<Vec<KeyView>, ServiceError> {
        allowed(who, right_on_keys(merchant), "list keys")?;
        if who.role != Role::Operator && who.merchant.as_ref().map(MerchantId::as_str) != merchant {
            return Err(ServiceError::NotFound("merchant"));
        }
        if let Some(merchant) = merchant {
            self.tenant(who, merchant, Right::Configure, "list keys")?;
        }
        let id = merchant.map(MerchantId::new).transpose().map_err(|_| ServiceError::NotFound("merchant"))?;
        let rows = aside(|| self.store.read(|reads| reads.api_keys(id.as_ref())))?;
        let view = |row: ombud_store::ApiKeyRow| KeyView {
            id: row.key_id,
            role: row.role,
            merchant: row.merchant.map(|merchant| merchant.to_string()),
            label: row.actor,
            created_at: rfc3339(row.created_at_ms),
            revoked_at: row.revoked_at_ms.map(rfc3339),
        };
        Ok(rows.into_iter().map(view).collect())
    }
}

/// Keys without a merchant are the operator's.
fn right_on_keys(merchant: Option<&str>) -> Right {
    if merchant.is_none() { Right::Operate } else { Right::Configure }
}
