//! The keys under which a merchant's policies are signed: registered, listed, revoked.

use std::sync::Arc;

use ombud_core::problem::Problem;
use ombud_ledger::Digest;
use ombud_store::{SigningKeyRow, Store as _};

use super::actor::{Principal, Right};
use super::acts::{NewAct, What};
use super::error::ServiceError;
use super::listing::rfc3339;
use super::wire::SigningKeyView;
use super::{Service, blocking};
use crate::clock::now_ms;
use crate::signature::PublicKey;

/// Signing keys of one merchant, revoked ones included.
const SIGNING_KEYS_MAX: usize = 100;

impl Service {
    /// The keys under which a merchant's policies are signed, revoked ones included.
    pub async fn signing_keys(self: &Arc<Self>, who: &Principal, merchant: &str) -> Result<Vec<SigningKeyView>, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::ReadActs, "see signing keys")?;
        let service = Arc::clone(self);
        blocking(move || Ok(service.store.read(|reads| reads.signing_keys(&tenant.config.id))?.into_iter().map(view).collect())).await
    }

    /// Registers a key. One that was revoked stays revoked.
    pub async fn add_signing_key(
        self: &Arc<Self>,
        who: &Principal,
        merchant: &str,
        public_key: &str,
        label: &str,
    ) -> Result<SigningKeyView, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Configure, "register signing keys")?;
        let key =
            PublicKey::parse(public_key).map_err(|error| ServiceError::Invalid(vec![Problem::at("/public_key", format!("is {error}"))]))?;
        let row = SigningKeyRow {
            key_id: key.id(),
            public_key: key.text().to_owned(),
            label: label.to_owned(),
            created_by: who.actor.to_string(),
            created_at_ms: now_ms(),
            revoked_at_ms: None,
        };
        let what = What::SigningKeyAdded { key: row.key_id.clone(), label: row.label.clone() };
        let act = NewAct::new(who, what).change(None, Some(Digest::of(row.public_key.as_bytes())));
        let act = NewAct { at_ms: row.created_at_ms, ..act };
        let (service, who) = (Arc::clone(self), who.clone());
        blocking(move || {
            let (own, vault, log, added) = (Arc::clone(&service), service.vault.clone(), tenant.config.id.clone(), row.clone());
            service.writer.wait(move |group| {
                own.still_valid(&who)?;
                let known = group.signing_keys(&log)?;
                if known.iter().any(|known| known.key_id == added.key_id) {
                    return Err(ServiceError::Conflict(format!("the key {} is or was registered already", added.key_id)));
                }
                if known.len() >= SIGNING_KEYS_MAX {
                    return Err(ServiceError::Conflict(format!(
                        "there are {SIGNING_KEYS_MAX} signing keys already, revoked ones included"
                    )));
                }
                group.insert_signing_key(&log, &added)?;
                act.append(group, &vault, &log).map(|_| ())
            })?;
            Ok(view(row))
        })
        .await
    }

    /// Revokes a key: it signs nothing any more.
    pub async fn revoke_signing_key(self: &Arc<Self>, who: &Principal, merchant: &str, key: &str) -> Result<(), ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Configure, "revoke signing keys")?;
        let (service, who, id) = (Arc::clone(self), who.clone(), key.to_owned());
        blocking(move || {
            let (own, vault, log) = (Arc::clone(&service), service.vault.clone(), tenant.config.id.clone());
            Ok(service.writer.wait(move |group| {
                own.still_valid(&who)?;
                let known = group.signing_keys(&log)?;
                let in_force = known.iter().find(|known| known.key_id == id && known.revoked_at_ms.is_none());
                let key = in_force.ok_or(ServiceError::NotFound("signing key in force"))?;
                let what = What::SigningKeyRevoked { key: key.key_id.clone(), label: key.label.clone() };
                let act = NewAct::new(&who, what).change(Some(Digest::of(key.public_key.as_bytes())), None);
                group.revoke_signing_key(&log, &id, act.at_ms)?;
                act.append(group, &vault, &log).map(|_| ())
            })?)
        })
        .await
    }
}

fn view(row: SigningKeyRow) -> SigningKeyView {
    SigningKeyView {
        id: row.key_id,
        public_key: row.public_key,
        label: row.label,
        created_by: row.created_by,
        created_at: rfc3339(row.created_at_ms),
        revoked_at: row.revoked_at_ms.map(rfc3339),
    }
}
