//! Versions of merchants' policies: listed, shown with everything that is known of them, and bound.

use std::sync::Arc;

use ombud_core::ids::MerchantId;
use ombud_core::problem::Problem;
use ombud_ledger::Digest;
use ombud_store::{Reads, Store as _, StoreError, VersionCursor, VersionRow};

use super::actor::{Principal, Right};
use super::error::ServiceError;
use super::export::ExportPlace;
use super::listing::{limit, rfc3339};
use super::snapshot::Binding;
use super::wire::{SignatureStatus, SignatureView, UploadedPolicy, VersionDetail, VersionView, VersionsPage, VersionsQuery};
use super::{Service, blocking};
use crate::signature::{PublicKey, Statement};

impl Service {
    /// A version as it is bound to a kind. None where its settings are not stored, which `audit check` finds.
    pub(super) fn binding_of(reads: &dyn Reads, row: &VersionRow) -> Result<Option<Binding>, StoreError> {
        let settings = reads.blob(&row.settings)?.and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(settings.map(|settings| Binding {
            policy: row.policy.clone(),
            version: row.version.clone(),
            contract: row.contract.clone(),
            component: row.component.to_string(),
            settings,
        }))
    }

    /// Every policy that has versions with its newest one, by name.
    pub async fn uploaded_policies(self: &Arc<Self>, who: &Principal, merchant: &str) -> Result<Vec<UploadedPolicy>, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Read, "see policies")?;
        let service = Arc::clone(self);
        blocking(move || {
            let mut policies: Vec<UploadedPolicy> = Vec::new();
            for row in service.store.read(|reads| reads.versions(&tenant.config.id))? {
                // They come by policy and creation.
                match policies.last_mut().filter(|last| last.policy == row.policy) {
                    Some(last) => {
                        last.versions += 1;
                        last.newest = view(row);
                    }
                    None => policies.push(UploadedPolicy { policy: row.policy.clone(), versions: 1, newest: view(row) }),
                }
            }
            Ok(policies)
        })
        .await
    }

    /// Versions of a policy, newest first.
    pub async fn versions(
        self: &Arc<Self>,
        who: &Principal,
        merchant: &str,
        policy: &str,
        query: VersionsQuery,
    ) -> Result<VersionsPage, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Read, "see policies")?;
        let limit = limit(query.limit)?;
        let after = query.cursor.as_deref().map(parse_cursor).transpose()?;
        let (service, policy) = (Arc::clone(self), policy.to_owned());
        blocking(move || {
            let wanted = limit.saturating_add(1);
            let mut rows = service.store.read(|reads| reads.versions_of(&tenant.config.id, &policy, after.as_ref(), wanted))?;
            if rows.is_empty() && after.is_none() {
                return Err(ServiceError::NotFound("policy"));
            }
            let more = rows.len() > limit as usize;
            rows.truncate(limit as usize);
            let cursor = rows.last().filter(|_| more).map(|row| format!("{}~{}", row.created_at_ms, row.version));
            Ok(VersionsPage { versions: rows.into_iter().map(view).collect(), cursor })
        })
        .await
    }

    /// A version with everything that is known of it, its signature checked again.
    pub async fn version(
        self: &Arc<Self>,
        who: &Principal,
        merchant: &str,
        policy: &str,
        version: &str,
    ) -> Result<VersionDetail, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Read, "see policies")?;
        let (service, policy, version) = (Arc::clone(self), policy.to_owned(), version.to_owned());
        blocking(move || service.version_of(&tenant.config.id, &policy, &version)).await
    }

    /// The component of a version, with its places among the exports under way, to be held until it is sent.
    pub async fn component(
        self: &Arc<Self>,
        who: &Principal,
        merchant: &str,
        policy: &str,
        version: &str,
    ) -> Result<(Vec<u8>, ExportPlace), ServiceError> {
        let tenant = self.tenant(who, merchant, Right::ReadActs, "read components")?;
        let place = self.export_place(Some(&tenant))?;
        let (service, policy, version) = (Arc::clone(self), policy.to_owned(), version.to_owned());
        blocking(move || {
            let bytes = service.store.read(|reads| match reads.version(&tenant.config.id, &policy, &version)? {
                Some(row) => reads.blob(&row.component),
                None => Ok(None),
            })?;
            Ok((bytes.ok_or(ServiceError::NotFound("version"))?, place))
        })
        .await
    }

    pub(super) fn version_of(&self, merchant: &MerchantId, policy: &str, version: &str) -> Result<VersionDetail, ServiceError> {
        self.store.read(|reads| {
            let row = reads.version(merchant, policy, version)?.ok_or(ServiceError::NotFound("version"))?;
            let settings = reads.blob(&row.settings)?.and_then(|bytes| String::from_utf8(bytes).ok());
            let report = reads.version_report(merchant, policy, version)?.unwrap_or_default();
            Ok(VersionDetail {
                settings_text: settings.unwrap_or_default(),
                signature: signature(reads, merchant, &row)?,
                report: serde_json::from_str(&report).unwrap_or_default(),
                version: view(row),
            })
        })
    }
}

/// The digest that the act has which made a version: of everything that is kept of it but where it stands.
pub(super) fn digest_of(row: &VersionRow, report: &str) -> Digest {
    let origin = &row.origin;
    let kept = serde_json::json!([
        [row.policy, row.version, row.kind, row.component.to_string(), row.settings.to_string(), row.contract, row.created_at_ms],
        [origin.kinds, origin.component_version, origin.component_bytes, origin.package, origin.note, origin.created_by],
        [origin.created_role, origin.signature, origin.signing_key, report],
    ]);
    Digest::of(kept.to_string().as_bytes())
}

/// How a version's signature stands now.
pub(super) fn signature(reads: &dyn Reads, merchant: &MerchantId, row: &VersionRow) -> Result<SignatureView, StoreError> {
    let none = SignatureView { status: SignatureStatus::None, problem: None, text: None };
    let (Some(text), Some(id)) = (&row.origin.signature, &row.origin.signing_key) else { return Ok(none) };
    let keys = reads.signing_keys(merchant)?;
    let bytes = reads.blob(&row.component)?.unwrap_or_default();
    let statement = Statement {
        merchant: merchant.to_string(),
        policy: row.policy.clone(),
        version: row.version.clone(),
        component: Digest::of(&bytes).to_string(),
        settings: row.settings.to_string(),
    };
    let key = keys.iter().find(|key| key.key_id == *id);
    let checked = match key {
        None => Err(format!("the key {id} is not known")),
        Some(key) => {
            PublicKey::parse(&key.public_key).and_then(|public| public.verify(&bytes, &statement, text)).map_err(|error| error.to_string())
        }
    };
    let revoked = key.is_some_and(|key| key.revoked_at_ms.is_some());
    let status = match &checked {
        Ok(()) if revoked => SignatureStatus::Revoked,
        Ok(()) => SignatureStatus::Valid,
        Err(_) => SignatureStatus::Invalid,
    };
    Ok(SignatureView { status, problem: checked.err(), text: Some(text.clone()) })
}

fn parse_cursor(text: &str) -> Result<VersionCursor, ServiceError> {
    let parts = text.split_once('~').and_then(|(at, version)| Some((at.parse().ok()?, version.to_owned())));
    let (created_at_ms, version) = parts.ok_or_else(|| {
        ServiceError::Invalid(vec![Problem::at("/cursor", "is not a cursor of this list").allowed("start again without it")])
    })?;
    Ok(VersionCursor { created_at_ms, version })
}

/// A version for people and programs.
pub(super) fn view(row: VersionRow) -> VersionView {
    VersionView {
        policy: row.policy,
        version: row.version,
        state: row.state.as_str().to_owned(),
        kinds: row.origin.kinds,
        component: row.component.to_string(),
        component_version: row.origin.component_version,
        component_bytes: row.origin.component_bytes,
        settings: row.settings.to_string(),
        contract: row.contract,
        package: serde_json::from_str(&row.origin.package).unwrap_or_default(),
        note: row.origin.note,
        created_by: row.origin.created_by,
        created_role: row.origin.created_role,
        created_at: rfc3339(row.created_at_ms),
        changed_at: rfc3339(row.changed_at_ms),
        signing_key: row.origin.signing_key,
    }
}
