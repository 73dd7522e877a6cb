//! What comes of an upload: a version with its act in one transaction, or an act alone and nothing else.

use std::sync::Arc;

use anyhow::anyhow;
use ombud_core::ids::MerchantId;
use ombud_ledger::Digest;
use ombud_sandbox::Inspection;
use ombud_store::{Origin, Reads, VersionRow, VersionState};

use super::End;
use super::job::{Job, Named, is_conflict};
use crate::clock::now_ms;
use crate::gate::{Step, decided, refusal};
use crate::service::acts::{NewAct, What};
use crate::service::admin::{JSON, WASM};
use crate::service::error::ServiceError;
use crate::service::snapshot::Tenant;
use crate::service::versions::digest_of;

/// What is there already under an upload's name.
pub(super) enum Known {
    /// Nothing.
    Nothing,
    /// The same component with the same settings.
    Same,
    /// Another component under the same version.
    Other(String),
    /// Its signature is by a key that was revoked while it was checked.
    Revoked(String),
}

/// The signature that an upload came with.
#[derive(Clone, Debug, Default)]
pub(super) struct Signed {
    /// As minisign writes it.
    pub(super) text: Option<String>,
    /// The id of its key.
    pub(super) key: Option<String>,
}

impl Named {
    /// What is there already.
    pub(super) fn known(&self, reads: &dyn Reads, merchant: &MerchantId) -> Result<Known, ServiceError> {
        if let Some(other) =
            reads.component_named(merchant, &self.policy, &self.component_version)?.filter(|other| *other != self.component)
        {
            return Ok(Known::Other(other.to_string()));
        }
        Ok(match reads.version(merchant, &self.policy, &self.version)? {
            None => Known::Nothing,
            Some(row) if row.settings == self.settings_digest => Known::Same,
            // The first digits of two settings' digests are the same.
            Some(row) => Known::Other(format!("{} with the settings {}", row.component, row.settings)),
        })
    }
}

impl Job {
    /// Records that the upload is refused; nothing else of it is kept.
    pub(super) fn refused(&self, report: &[Step], component: Digest, settings: &str, policy: Option<String>) -> Result<End, ServiceError> {
        let Some(step) = refusal(report) else { return Err(ServiceError::Internal(anyhow!("no step of a refused upload refuses it"))) };
        let detail = format!("{}: {}", step.name, step.problems.first().unwrap_or(&step.text));
        let what = What::PolicyRefused { policy, settings: Digest::of(settings.as_bytes()).to_string(), step: step.name.clone() };
        let act = NewAct::new(&self.who, what).change(None, Some(component));
        let (vault, log) = (self.service.vault.clone(), self.tenant.config.id.clone());
        self.service.writer.wait(move |group| act.append(group, &vault, &log).map(|_| ()))?;
        Ok(End::Refused { detail, conflict: is_conflict(step) })
    }

    /// Keeps the bytes of a version that is there already, where those that are stored are lost or damaged, and binds it anew.
    pub(super) fn mend(&self, named: &Named, bytes: Vec<u8>) -> Result<(), ServiceError> {
        let (service, merchant) = (&self.service, &self.tenant.config.id);
        if !service.keep_blobs(vec![(WASM, bytes), (JSON, named.settings.clone().into_bytes())])? {
            return Ok(());
        }
        tracing::warn!(%merchant, policy = named.policy, version = named.version, "what was stored of a version was lost or damaged, and is written again");
        let bind = |now: Option<Arc<Tenant>>, ()| {
            let Some(now) = now else { return Ok(()) };
            let next = Arc::new(service.next_tenant(&now, now.rollouts.clone())?);
            service.change(|snapshot| _ = snapshot.tenants.insert(merchant.clone(), next));
            Ok(())
        };
        service.changed(merchant.as_str(), |_| Ok(()), bind)
    }

    /// Makes the version: component, settings, row and act together.
    pub(super) fn accept(
        &self,
        report: &[Step],
        named: &Named,
        bytes: Vec<u8>,
        inspection: &Inspection,
        signed: Signed,
    ) -> Result<End, ServiceError> {
        let internal = |error: serde_json::Error| ServiceError::Internal(error.into());
        let at_ms = now_ms();
        let (kinds, package) = (decided(inspection, &named.settings), inspection.package.clone().unwrap_or_default());
        let row = VersionRow {
            policy: named.policy.clone(),
            version: named.version.clone(),
            kind: kinds.first().cloned().unwrap_or_default(),
            component: named.component,
            settings: named.settings_digest,
            contract: inspection.contract.clone(),
            state: VersionState::Draft,
            created_at_ms: at_ms,
            changed_at_ms: at_ms,
            origin: Origin {
                kinds,
                component_version: named.component_version.clone(),
                component_bytes: bytes.len() as u64,
                package: serde_json::to_string(&package).map_err(internal)?,
                note: self.new.note.clone(),
                created_by: self.who.actor.to_string(),
                created_role: self.who.role.to_string(),
                signature: signed.text,
                signing_key: signed.key,
            },
        };
        let report = serde_json::to_string(report).map_err(internal)?;
        let what = What::PolicyUploaded {
            policy: row.policy.clone(),
            version: row.version.clone(),
            kinds: row.origin.kinds.clone(),
            settings: row.settings.to_string(),
            signing_key: row.origin.signing_key.clone(),
            row: Some(digest_of(&row, &report).to_string()),
        };
        let act = NewAct { at_ms, ..NewAct::new(&self.who, what).change(None, Some(named.component)) };
        let (vault, log) = (self.service.vault.clone(), self.tenant.config.id.clone());
        let again = Named {
            policy: named.policy.clone(),
            version: named.version.clone(),
            component_version: named.component_version.clone(),
            settings: named.settings.clone(),
            ..*named
        };
        let known = self.service.writer.wait(move |group| {
            // Somebody may have been faster since this was looked at.
            let known = again.known(group, &log)?;
            if let (Known::Nothing, Some(id)) = (&known, &row.origin.signing_key)
                && !group.signing_keys(&log)?.iter().any(|key| key.key_id == *id && key.revoked_at_ms.is_none())
            {
                return Ok(Known::Revoked(id.clone()));
            }
            if matches!(known, Known::Nothing) {
                group.put_blob(WASM, &bytes, at_ms)?;
                group.put_blob(JSON, again.settings.as_bytes(), at_ms)?;
                group.insert_version(&log, &row, &report)?;
                act.append(group, &vault, &log)?;
            }
            Ok::<_, ServiceError>(known)
        })?;
        match known {
            Known::Nothing => Ok(named.accepted(true)),
            Known::Same => Ok(named.accepted(false)),
            Known::Revoked(id) => {
                self.refused(&[Named::signed_by_revoked(&id)], named.component, &named.settings, Some(named.policy.clone()))
            }
            Known::Other(other) => self.refused(&[named.contradicts(&other)], named.component, &named.settings, Some(named.policy.clone())),
        }
    }
}
