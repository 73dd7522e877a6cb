//! What a configuration binds passes what an upload passes: its settings fit their schema and their bound, there is room for them, and where
//! signatures are required nothing unsigned answers that did not answer before.

use std::collections::BTreeSet;

use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::merchant::MerchantConfig;
use ombud_core::problem::Problem;
use ombud_core::upload_limits::Signatures;
use ombud_ledger::Digest;
use ombud_store::{Reads, Store as _, StoreError, VersionRow};
use serde_json::Value;

use crate::gate::outside_schema;
use crate::service::Service;
use crate::service::actor::{Principal, Role};
use crate::service::error::ServiceError;
use crate::service::snapshot::{Binding, Bindings, Tenant};
use crate::service::versions::signature;
use crate::service::wire::SignatureStatus;

/// Why something that is not signed is refused.
pub(super) const SIGNED_ONLY: &str = "this merchant takes signed policies only";
/// What to do about it.
pub(super) const SIGN: &str = "`ombud key new FILE` makes a key, an administrator registers it, and `ombud push --key FILE` signs";

impl Service {
    /// Whether a merchant of this configuration takes signed policies only: it asks for that, or the operator does.
    pub(super) fn takes_signed_only(&self, config: &MerchantConfig) -> bool {
        config.signatures.max(self.limits.upload.signatures) == Signatures::Required
    }

    /// Why signatures keep a stored version from being placed, with what to do; none where they do not. What answers already is not asked.
    pub(in crate::service) fn kept_out(
        &self,
        reads: &dyn Reads,
        config: &MerchantConfig,
        row: &VersionRow,
    ) -> Result<Option<String>, StoreError> {
        if !self.takes_signed_only(config) {
            return Ok(None);
        }
        let settings = reads.blob(&row.settings)?.unwrap_or_default();
        if self.is_as_packed(&row.component, &settings) {
            return Ok(None);
        }
        let is = match signature(reads, &config.id, row)?.status {
            SignatureStatus::Valid => return Ok(None),
            SignatureStatus::None => "it is not signed".to_owned(),
            SignatureStatus::Revoked => {
                format!("the key {} that signed it was revoked", row.origin.signing_key.as_deref().unwrap_or_default())
            }
            SignatureStatus::Invalid => "its signature is not good".to_owned(),
        };
        Ok(Some(format!(
            "{SIGNED_ONLY}, and {is}: a version never changes, so sign it as another one, with another `--name`, version or settings; {SIGN}"
        )))
    }

    /// Whether this is a component of the operator's folder with the settings that stand there: whoever put it there vouches for it.
    fn is_as_packed(&self, component: &Digest, settings: &[u8]) -> bool {
        let json = |text: &[u8]| serde_json::from_slice::<Value>(text).ok();
        let own = self.registry.packages.values().find(|package| package.digest == *component && package.plugin.is_ok());
        own.is_some_and(|package| {
            let packed = package.settings.as_bytes();
            packed == settings || json(packed).is_some_and(|packed| json(settings) == Some(packed))
        })
    }

    /// Refuses what a configuration binds anew and no upload would bring, each by its kind. A kind that nothing decides yet has the operator's
    /// word: a merchant that is being made has no key that could sign.
    ///
    /// # Errors
    /// What is wrong, or the store fails.
    pub(in crate::service) fn may_bind(
        &self,
        who: &Principal,
        config: &MerchantConfig,
        known: Option<&Tenant>,
        bindings: &Bindings,
    ) -> Result<(), ServiceError> {
        let problems = self.store.read(|reads| {
            let rows = reads.versions(&config.id)?;
            let (mut problems, mut new) = (Vec::new(), Vec::new());
            for (kind, binding) in bindings {
                let (component, settings) = (Digest::parse(&binding.component), Digest::of(binding.settings.as_bytes()));
                let now = known.and_then(|known| known.policy(*kind));
                let answers = now.is_some_and(|now| (Some(now.component), now.settings_digest) == (component, settings));
                let packed = component.is_some_and(|component| self.is_as_packed(&component, binding.settings.as_bytes()));
                if packed || answers && now.is_some_and(|now| now.name == binding.policy) {
                    continue;
                }
                let is_it =
                    |row: &&VersionRow| row.policy == binding.policy && (Some(row.component), row.settings) == (component, settings);
                let row = rows.iter().find(is_it);
                let why = match row {
                    Some(row) => self.kept_out(reads, config, row)?,
                    None => self.takes_signed_only(config).then(|| {
                        format!(
                            "{SIGNED_ONLY}, and these settings are not signed: push them as a version and bind that by its name; {SIGN}"
                        )
                    }),
                };
                let has_word = now.is_none() && who.role == Role::Operator;
                problems.extend(why.filter(|_| !has_word).map(|why| Problem::at(format!("/policies/{kind}"), why)));
                if row.is_none() {
                    problems.extend(self.settings_problems(*kind, binding));
                    new.push((*kind, settings, binding.settings.len()));
                }
            }
            problems.extend(self.without_room(reads, &config.id, &new)?);
            Ok::<_, StoreError>(problems)
        })?;
        if problems.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(problems)) }
    }

    /// What of new settings is too large, or not as their schema has it. The policy itself takes them.
    fn settings_problems(&self, kind: Kind, binding: &Binding) -> Vec<Problem> {
        let place = format!("/policies/{kind}/settings");
        let bytes_max = self.limits.upload.settings_bytes_max;
        if binding.settings.len() > bytes_max {
            return vec![Problem::at(place, "are too large").allowed(format!("at most settings_bytes_max, {bytes_max} bytes"))];
        }
        let plugin = self.registry.packages.get(&binding.policy).and_then(|package| package.plugin.as_ref().ok());
        let outside = plugin.zip(serde_json::from_str(&binding.settings).ok());
        let outside = outside.map(|(plugin, settings)| outside_schema(plugin.inspection(), &settings)).unwrap_or_default();
        outside.into_iter().map(|(path, why)| Problem::at(format!("{place}{path}"), format!("schema: {why}"))).collect()
    }

    /// What of new settings the merchant has no room for; what it keeps already takes nothing more.
    fn without_room(&self, reads: &dyn Reads, merchant: &MerchantId, new: &[(Kind, Digest, usize)]) -> Result<Vec<Problem>, StoreError> {
        let (max, none) = (self.limits.upload.stored_bytes_max, Digest([0; 32]));
        let held = reads.uploaded_bytes(merchant, &[none, none])?;
        let (mut problems, mut seen, mut more) = (Vec::new(), BTreeSet::new(), 0_u64);
        for (kind, settings, bytes) in new {
            if !seen.insert(settings.0) || reads.uploaded_bytes(merchant, &[*settings, none])? != held {
                continue;
            }
            more = more.saturating_add(*bytes as u64);
            if held.saturating_add(more) > max {
                let why = format!(
                    "the merchant's versions take {held} bytes, and with these {more} they would take more than stored_bytes_max ({max}): ask \
                     the operator for more room"
                );
                problems.push(Problem::at(format!("/policies/{kind}/settings"), why));
            }
        }
        Ok(problems)
    }
}
