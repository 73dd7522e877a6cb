//! How an upload is checked: what can be told without running anything, its signature, what is there already, and then the gate.

use std::path::Path;
use std::sync::Arc;

use ombud_ledger::Digest;
use ombud_sandbox::Inspection;
use ombud_store::{SigningKeyRow, Store as _};

use super::bound::{SIGN, SIGNED_ONLY};
use super::ended::{Known, Signed};
use super::{Component, End, NewUpload, Upload};
use crate::gate::{self, Candidate, Gate, Step, Told, refusal};
use crate::replay::Blobs;
use crate::service::Service;
use crate::service::actor::Principal;
use crate::service::error::ServiceError;
use crate::service::snapshot::Tenant;
use crate::signature::{PublicKey, Statement, signing_key};

/// Who brought it: whether it is signed as it must be.
const SIGNATURE: &str = "signature";
/// What is there already under its name.
const VERSION: &str = "version";
/// Whether the merchant's versions may take more; told only where they may not.
const ROOM: &str = "room";

/// An upload with everything that it needs to be checked.
pub(super) struct Job {
    pub(super) service: Arc<Service>,
    pub(super) who: Principal,
    pub(super) tenant: Arc<Tenant>,
    pub(super) upload: Arc<Upload>,
    pub(super) new: NewUpload,
}

/// What an upload would be as a version.
pub(super) struct Named {
    /// The policy's name.
    pub(super) policy: String,
    /// The version that the component names.
    pub(super) component_version: String,
    /// The readable version.
    pub(super) version: String,
    /// The component.
    pub(super) component: Digest,
    /// The settings' text.
    pub(super) settings: String,
    /// Its digest.
    pub(super) settings_digest: Digest,
}

impl Job {
    /// Checks the upload and says what came of it.
    pub(super) fn run(mut self) {
        let upload = Arc::clone(&self.upload);
        let mut report = Vec::new();
        let end = self.checked(&mut report).unwrap_or_else(|error| {
            let end = End::failed(&error);
            if !matches!(error, ServiceError::Unauthenticated) {
                tracing::error!(error = format!("{:#}", anyhow::Error::new(error)), "an upload could not be checked");
            }
            end
        });
        // Whoever asks for the upload's end may bring the next one.
        self.new.held = Box::new(());
        upload.end(report, end);
    }

    fn checked(&mut self, report: &mut Vec<Step>) -> Result<End, ServiceError> {
        let bytes = match &mut self.new.component {
            Component::Bytes(bytes) => std::mem::take(bytes),
            Component::Stored(digest) => {
                let digest = *digest;
                match self.service.store.read(|reads| Blobs::blob(reads, &digest))? {
                    Some(bytes) => bytes,
                    None => {
                        let problem =
                            format!("what is stored of {digest} is lost or damaged: upload the component itself once more, which mends it");
                        self.done(report, Step::failed(gate::STRUCTURE, "the component is not there", vec![problem]));
                        let settings = self.new.settings.take().unwrap_or_default();
                        return self.refused(report, digest, &settings, self.new.name.clone());
                    }
                }
            }
        };
        let settings = self.new.settings.take().unwrap_or_else(|| "{}".to_owned());
        let component = Digest::of(&bytes);
        self.upload.tell(&Told::Begins(gate::STRUCTURE));
        let limits = self.tenant.terms.limits.policy.patient();
        let sandbox = Arc::clone(self.service.replayer.plugins().sandbox());
        let service = Arc::clone(&self.service);
        let gate = Gate {
            sandbox: &sandbox,
            program: service.program.as_deref().unwrap_or(Path::new("ombud")),
            limits: &limits,
            upload: &service.limits.upload,
        };
        if let Some(step) = gate.read(&bytes) {
            self.done(report, step);
            return self.refused(report, component, &settings, None);
        }
        let (looked, inspection) = gate::look(&sandbox, &bytes);
        looked.into_iter().for_each(|step| self.done(report, step));
        let Some(inspection) = inspection else { return self.refused(report, component, &settings, None) };
        if inspection.decides.is_empty() {
            let problem = "it reviews and decides nothing: a guardrail is the operator's, and stands in the folder of policies";
            let step = Step::failed(gate::CONTRACT_STEP, "no policy of a merchant", vec![problem.into()]);
            report.retain(|step| step.name != gate::CONTRACT_STEP);
            self.done(report, step);
            return self.refused(report, component, &settings, None);
        }
        let named = self.named(&inspection, component, settings);
        let policy = Some(named.policy.clone());

        let (step, signed) = self.signature(&bytes, &named)?;
        self.done(report, step);
        if refusal(report).is_some() {
            return self.refused(report, component, &named.settings, policy);
        }
        let known = self.known(&named)?;
        match &known {
            Known::Nothing => {
                self.done(report, Step::passed(VERSION, format!("{} {} is new", named.policy, named.version)));
                if let Some(step) = self.without_room(&named, bytes.len())? {
                    self.done(report, step);
                    return self.refused(report, component, &named.settings, policy);
                }
            }
            Known::Same => {
                self.mend(&named, bytes)?;
                return Ok(named.accepted(false));
            }
            Known::Other(other) => {
                self.done(report, named.contradicts(other));
                return self.refused(report, component, &named.settings, policy);
            }
            Known::Revoked(id) => {
                self.done(report, Named::signed_by_revoked(id));
                return self.refused(report, component, &named.settings, policy);
            }
        }

        let candidate = Candidate { component: &bytes, settings: &named.settings, beside: None };
        let (steps, code) = gate.check(candidate, &inspection, |told| self.upload.tell(&told));
        report.extend(steps);
        let Some(code) = code else { return self.refused(report, component, &named.settings, policy) };
        // Checking takes minutes: what was good then may have been revoked, or be required now.
        let (step, _) = self.signature(&bytes, &named)?;
        if step.is_refusal() {
            report.retain(|before| before.name != SIGNATURE);
            self.done(report, step);
            return self.refused(report, component, &named.settings, policy);
        }
        // Whoever may not upload any more has no version of it, and no act.
        self.service.still_valid(&self.who)?;
        let end = self.accept(report, &named, bytes, &inspection, signed)?;
        if matches!(end, End::Accepted { .. }) {
            sandbox.keep(&inspection, &code);
        }
        Ok(end)
    }

    fn done(&self, report: &mut Vec<Step>, step: Step) {
        self.upload.tell(&Told::Done(&step));
        report.push(step);
    }

    fn named(&self, inspection: &Inspection, component: Digest, settings: String) -> Named {
        let facts = inspection.package.clone().unwrap_or_default();
        let settings_digest = Digest::of(settings.as_bytes());
        let short: String = settings_digest.to_string().chars().take(8).collect();
        Named {
            policy: self.new.name.clone().unwrap_or(facts.name),
            version: format!("{}+{short}", facts.version),
            component_version: facts.version,
            component,
            settings,
            settings_digest,
        }
    }

    /// Whether it is signed as it must be; what there is of a signature.
    fn signature(&self, bytes: &[u8], named: &Named) -> Result<(Step, Signed), ServiceError> {
        // As it is now: an upload may have waited and been checked for long.
        let now = self.service.snapshot.load().tenants.get(&self.tenant.config.id).cloned();
        let required = self.service.takes_signed_only(&now.as_ref().unwrap_or(&self.tenant).config);
        let failed = |text: &str, problem: String| Ok((Step::failed(SIGNATURE, text, vec![problem]), Signed::default()));
        let Some(text) = self.new.signature.clone() else {
            if required {
                return failed("there is none", format!("{SIGNED_ONLY}: {SIGN}"));
            }
            return Ok((Step::passed(SIGNATURE, "none, and none is required"), Signed::default()));
        };
        let id = match signing_key(&text) {
            Ok(id) => id,
            Err(error) => return failed("cannot be read", error.to_string()),
        };
        let keys = self.service.store.read(|reads| reads.signing_keys(&self.tenant.config.id))?;
        let known: Option<&SigningKeyRow> = keys.iter().find(|key| key.key_id == id);
        match known {
            None => failed(
                "by an unknown key",
                format!("the key {id} is not registered with this merchant: `ombud key signing add` or `POST …/signing-keys` registers it"),
            ),
            Some(key) if key.revoked_at_ms.is_some() => {
                failed("by a revoked key", format!("the key {id} of `{}` was revoked: sign with one in force", key.label))
            }
            Some(key) => {
                let statement = named.statement(&self.tenant);
                match PublicKey::parse(&key.public_key).and_then(|public| public.verify(bytes, &statement, &text)) {
                    Ok(()) => {
                        let step = Step::passed(SIGNATURE, format!("by {id} of `{}`", key.label));
                        Ok((step, Signed { text: Some(text), key: Some(id) }))
                    }
                    Err(error) => failed("is not good", error.to_string()),
                }
            }
        }
    }

    /// The step that refuses what the merchant has no room for.
    fn without_room(&self, named: &Named, bytes: usize) -> Result<Option<Step>, ServiceError> {
        let max = self.service.limits.upload.stored_bytes_max;
        let [component, settings] = [named.component, named.settings_digest];
        let held = self.service.store.read(|reads| reads.uploaded_bytes(&self.tenant.config.id, &[component, settings]))?;
        let more = (bytes + named.settings.len()) as u64;
        Ok((held.saturating_add(more) > max).then(|| {
            let problem = format!(
                "the merchant's versions take {held} bytes, and with these {more} they would take more than stored_bytes_max ({max}): build smaller \
                 components, or ask the operator for more room"
            );
            Step::failed(ROOM, "there is no room for it", vec![problem])
        }))
    }

    fn known(&self, named: &Named) -> Result<Known, ServiceError> {
        self.service.store.read(|reads| named.known(reads, &self.tenant.config.id))
    }
}

impl Named {
    /// What a signature must say.
    pub(super) fn statement(&self, tenant: &Tenant) -> Statement {
        Statement {
            merchant: tenant.config.id.to_string(),
            policy: self.policy.clone(),
            version: self.version.clone(),
            component: self.component.to_string(),
            settings: self.settings_digest.to_string(),
        }
    }

    /// The step of an upload that contradicts a version that is there.
    pub(super) fn contradicts(&self, other: &str) -> Step {
        let text = format!("{} {} is there with other bytes", self.policy, self.component_version);
        let problem = format!(
            "`{}` {} is the component {other}, and versions do not change: give this one a new version in its manifest and build it again",
            self.policy, self.component_version
        );
        Step::failed(VERSION, text, vec![problem])
    }

    /// The step of an upload whose key was revoked while it was checked.
    pub(super) fn signed_by_revoked(id: &str) -> Step {
        Step::failed(SIGNATURE, "by a revoked key", vec![format!("the key {id} was revoked meanwhile: sign with one in force")])
    }

    /// The end of an upload that is this version.
    pub(super) fn accepted(&self, new: bool) -> End {
        let version = crate::service::wire::VersionRef { policy: self.policy.clone(), version: self.version.clone() };
        End::Accepted { version, new }
    }
}

/// Whether a step is about a version that is there.
pub(super) fn is_conflict(step: &Step) -> bool {
    step.name == VERSION
}
