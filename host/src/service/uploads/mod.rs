//! Uploads: a component with settings that wants to be a version. In reading order: what is under way, how it is checked, what comes of it,
//! and what a configuration binds without one.
//!
//! An upload goes on when its request has ended: a policy in Python takes minutes. Whoever asked finds it by its id until the server ends; what it has
//! become is in the store, what it was refused for is an act.

mod bound;
mod ended;
mod job;

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ombud_core::ids::MerchantId;
use ombud_core::problem::Problem;
use ombud_ledger::Digest;
use ombud_store::{Store as _, VersionRow};
use tokio::sync::{Semaphore, watch};

use super::actor::{Principal, Right};
use super::error::ServiceError;
use super::wire::{SettingsRequest, UnderWay, UploadState, UploadView, VersionDetail, VersionRef};
use super::{Service, blocking};
use crate::gate::{Step, Told, is_name};
use crate::signature::SIGNATURE_BYTES_MAX;

/// Uploads under way, over all merchants, those that wait included; more are answered 503.
const UPLOADS_MAX: usize = 16;
/// Uploads of one merchant under way; more are answered 429. One of them is checked at a time.
const MERCHANT_UPLOADS_MAX: usize = 2;
/// Uploads that are checked at the same time, over all merchants; the others wait.
const CHECKS_MAX: usize = 2;
/// Ended uploads of one merchant that are remembered.
const REMEMBERED_MAX: usize = 50;
/// Why an upload may be unknown that was begun.
const UNKNOWN: &str = "upload: one that was under way when the server ended is lost, and old ones are forgotten. `GET …/versions` and `GET …/acts` say what came of \
                       it; where they have nothing, upload it again";
/// Characters of a note.
const NOTE_SCALARS_MAX: usize = 500;

/// What is uploaded.
pub struct NewUpload {
    /// The component.
    pub component: Component,
    /// The settings' text; none for `{}`.
    pub settings: Option<String>,
    /// The merchant's name for the policy; none for the component's own.
    pub name: Option<String>,
    /// A word on the version.
    pub note: Option<String>,
    /// A signature, as minisign writes it.
    pub signature: Option<String>,
    /// What is held until the upload has ended, such as its place among the bytes in memory.
    pub held: Box<dyn Any + Send>,
}

/// A component by its bytes, or one that is a version already.
pub enum Component {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// Its digest.
    Stored(Digest),
}

/// An upload under way, or ended.
pub struct Upload {
    id: String,
    merchant: MerchantId,
    state: Mutex<State>,
    ended: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    /// None while it waits for others.
    component: Option<Digest>,
    checking: bool,
    under_way: Option<UnderWay>,
    report: Vec<Step>,
    end: Option<End>,
}

/// What came of an upload.
#[derive(Clone, Debug)]
enum End {
    /// It is a version; whether it is a new one.
    Accepted { version: VersionRef, new: bool },
    /// It is refused; whether because of a version that is there.
    Refused { detail: String, conflict: bool },
    /// The service failed, which says nothing of the policy; the detail is in the log. With what is to be done, if it goes on by itself.
    Failed(Option<&'static str>),
    /// The key that it was brought with was revoked while it was checked.
    Revoked,
}

impl End {
    const fn failed(error: &ServiceError) -> Self {
        match error {
            ServiceError::Unavailable(what) => Self::Failed(Some(what)),
            ServiceError::Unauthenticated => Self::Revoked,
            _ => Self::Failed(None),
        }
    }
}

impl Upload {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Notes what the gate tells.
    fn tell(&self, told: &Told<'_>) {
        let mut state = self.lock();
        match told {
            Told::Begins(step) => state.under_way = Some(UnderWay { step: (*step).to_owned(), done: None, of: None }),
            Told::Progress { done, of } => {
                if let Some(under_way) = &mut state.under_way {
                    (under_way.done, under_way.of) = (Some(*done as u64), Some(*of as u64));
                }
            }
            Told::Done(step) => {
                state.under_way = None;
                state.report.push((*step).clone());
            }
        }
    }

    fn end(&self, report: Vec<Step>, end: End) {
        let mut state = self.lock();
        state.under_way = None;
        state.report = report;
        state.end = Some(end);
        drop(state);
        self.ended.send_replace(true);
    }

    fn has_ended(&self) -> bool {
        self.lock().end.is_some()
    }

    /// Ends an upload that has no end yet, as one that failed.
    fn give_up(&self) {
        if !self.has_ended() {
            let report = std::mem::take(&mut self.lock().report);
            self.end(report, End::Failed(None));
        }
    }

    /// How it stands.
    pub fn view(&self) -> UploadView {
        let state = self.lock();
        let (version, problem, status) = match &state.end {
            None => (None, None, None),
            Some(End::Accepted { version, new }) => (Some(version.clone()), None, Some(if *new { 201 } else { 200 })),
            Some(End::Refused { detail, conflict }) => (None, Some(detail.clone()), Some(if *conflict { 409 } else { 422 })),
            Some(End::Failed(None)) => (None, Some("the service failed: upload it again".to_owned()), Some(500)),
            Some(End::Failed(Some(what))) => (None, Some((*what).to_owned()), Some(503)),
            Some(End::Revoked) => (None, Some("the key that it was uploaded with was revoked meanwhile".to_owned()), Some(401)),
        };
        UploadView {
            id: self.id.clone(),
            state: match &state.end {
                Some(End::Accepted { .. }) => UploadState::Accepted,
                Some(End::Refused { .. }) => UploadState::Refused,
                Some(End::Failed(_) | End::Revoked) => UploadState::Failed,
                None if state.checking => UploadState::Checking,
                None => UploadState::Waiting,
            },
            component: state.component.map(|digest| digest.to_string()).unwrap_or_default(),
            under_way: state.under_way.clone(),
            report: state.report.clone(),
            version,
            problem,
            status,
        }
    }
}

/// Ends an upload whose thread has ended, also by a panic: its place is another one's.
struct Ended(Arc<Upload>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

/// Every upload that is known.
pub(super) struct Uploads {
    all: Mutex<HashMap<MerchantId, OfMerchant>>,
    checks: Arc<Semaphore>,
}

struct OfMerchant {
    /// In the order in which they came.
    uploads: Vec<Arc<Upload>>,
    /// One is checked at a time.
    check: Arc<Semaphore>,
}

impl Default for Uploads {
    fn default() -> Self {
        Self { all: Mutex::default(), checks: Arc::new(Semaphore::new(CHECKS_MAX)) }
    }
}

impl Uploads {
    fn lock(&self) -> MutexGuard<'_, HashMap<MerchantId, OfMerchant>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more upload, and the merchant's turn.
    fn begin(&self, merchant: &MerchantId, component: Digest) -> Result<(Arc<Upload>, Arc<Semaphore>), ServiceError> {
        let mut id = [0_u8; 12];
        getrandom::fill(&mut id).map_err(|error| ServiceError::Internal(anyhow::anyhow!("no random bytes: {error}")))?;
        let mut all = self.lock();
        let under_way = |of: &OfMerchant| of.uploads.iter().filter(|upload| !upload.has_ended()).count();
        if all.get(merchant).map_or(0, under_way) >= MERCHANT_UPLOADS_MAX {
            return Err(ServiceError::Uploading(MERCHANT_UPLOADS_MAX));
        }
        if all.values().map(under_way).sum::<usize>() >= UPLOADS_MAX {
            return Err(ServiceError::Unavailable("too many uploads are under way: try again in a moment"));
        }
        let new = || OfMerchant { uploads: Vec::new(), check: Arc::new(Semaphore::new(1)) };
        let of = all.entry(merchant.clone()).or_insert_with(new);
        let ended = of.uploads.iter().filter(|upload| upload.has_ended()).count();
        if ended >= REMEMBERED_MAX
            && let Some(oldest) = of.uploads.iter().position(|upload| upload.has_ended())
        {
            of.uploads.remove(oldest);
        }
        let upload = Arc::new(Upload {
            id: format!("u_{}", hex::encode(id)),
            merchant: merchant.clone(),
            state: Mutex::new(State { component: Some(component), ..State::default() }),
            ended: watch::Sender::new(false),
        });
        of.uploads.push(Arc::clone(&upload));
        Ok((upload, Arc::clone(&of.check)))
    }

    fn find(&self, merchant: &MerchantId, id: &str) -> Option<Arc<Upload>> {
        self.lock().get(merchant)?.uploads.iter().find(|upload| upload.id == id).cloned()
    }
}

impl Service {
    /// Whether the caller may upload policies of the merchant at all.
    pub fn may_upload(&self, who: &Principal, merchant: &str) -> Result<(), ServiceError> {
        self.tenant(who, merchant, Right::Configure, "upload policies").map(|_| ())
    }

    /// Begins an upload. It is checked whether anybody waits for it or not.
    pub fn upload(self: &Arc<Self>, who: &Principal, merchant: &str, new: NewUpload) -> Result<Arc<Upload>, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Configure, "upload policies")?;
        if self.program.is_none() {
            return Err(ServiceError::Unavailable("this process takes no uploads: it does not know the program that checks them"));
        }
        let mut problems = Vec::new();
        let bytes_max = self.limits.upload.settings_bytes_max;
        if new.settings.as_ref().is_some_and(|settings| settings.len() > bytes_max) {
            problems.push(Problem::at("/settings", "are too large").allowed(format!("at most settings_bytes_max, {bytes_max} bytes")));
        }
        if new.note.as_ref().is_some_and(|note| note.chars().count() > NOTE_SCALARS_MAX || note.chars().any(char::is_control)) {
            problems.push(Problem::at("/note", "is too long, or has control characters").allowed(format!("{NOTE_SCALARS_MAX} characters")));
        }
        if new.name.as_ref().is_some_and(|name| !is_name(name)) {
            problems.push(Problem::at("/name", "is no name of a policy").allowed(crate::gate::NAME_RULE));
        }
        if new.signature.as_ref().is_some_and(|signature| signature.len() > SIGNATURE_BYTES_MAX) {
            problems.push(Problem::at("/signature", "is too long").allowed(format!("{SIGNATURE_BYTES_MAX} bytes")));
        }
        if !problems.is_empty() {
            return Err(ServiceError::Invalid(problems));
        }
        let digest = match &new.component {
            Component::Bytes(bytes) => Digest::of(bytes),
            Component::Stored(digest) => *digest,
        };
        let (upload, turn) = self.uploads.begin(&tenant.config.id, digest)?;
        let job = job::Job { service: Arc::clone(self), who: who.clone(), tenant, upload: Arc::clone(&upload), new };
        let checks = Arc::clone(&self.uploads.checks);
        tokio::spawn(async move {
            // Neither semaphore is ever closed.
            let places = (turn.acquire_owned().await, checks.acquire_owned().await);
            let ended = Ended(Arc::clone(&job.upload));
            job.upload.lock().checking = true;
            // A thread of its own: it works for minutes, and the process may end without it.
            let started = std::thread::Builder::new().name("upload".into()).spawn(move || {
                crate::priority::behind_others();
                let (_places, _ended) = (places, ended);
                job.run();
            });
            if let Err(error) = started {
                tracing::error!(%error, "no thread can be started for an upload");
            }
        });
        Ok(upload)
    }

    /// Begins a version of a known component with other settings.
    pub async fn upload_settings(
        self: &Arc<Self>,
        who: &Principal,
        merchant: &str,
        policy: &str,
        asked: SettingsRequest,
        held: Box<dyn Any + Send>,
    ) -> Result<Arc<Upload>, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Configure, "change settings")?;
        let (service, name, version) = (Arc::clone(self), policy.to_owned(), asked.version.clone());
        let base = blocking(move || {
            let id = &tenant.config.id;
            Ok(service.store.read(|reads| match &version {
                Some(version) => reads.version(id, &name, version),
                None => reads.versions_of(id, &name, None, 1).map(|newest| newest.into_iter().next()),
            })?)
        });
        let base: VersionRow = base.await?.ok_or(ServiceError::NotFound("version"))?;
        let new = NewUpload {
            component: Component::Stored(base.component),
            settings: Some(asked.settings.get().to_owned()),
            name: Some(policy.to_owned()),
            note: asked.note,
            signature: asked.signature,
            held,
        };
        self.upload(who, merchant, new)
    }

    /// Waits until an upload has ended, at most for so long: the version that it is and whether it is new, or none if it goes on.
    ///
    /// # Errors
    /// It is refused.
    pub async fn uploaded(self: &Arc<Self>, upload: &Upload, at_most: Duration) -> Result<Option<(VersionDetail, bool)>, ServiceError> {
        let mut ended = upload.ended.subscribe();
        // The sender lives in the upload.
        if tokio::time::timeout(at_most, ended.wait_for(|ended| *ended)).await.is_err() {
            return Ok(None);
        }
        let (end, report) = {
            let state = upload.lock();
            (state.end.clone(), state.report.clone())
        };
        match end {
            None => Ok(None),
            Some(End::Accepted { version, new }) => {
                let (service, merchant) = (Arc::clone(self), upload.merchant.clone());
                let detail = blocking(move || service.version_of(&merchant, &version.policy, &version.version)).await?;
                Ok(Some((detail, new)))
            }
            Some(End::Refused { detail, conflict }) => Err(ServiceError::Refused { detail, conflict, report }),
            Some(End::Failed(Some(what))) => Err(ServiceError::Unavailable(what)),
            Some(End::Revoked) => Err(ServiceError::Unauthenticated),
            Some(End::Failed(None)) => Err(ServiceError::Internal(anyhow::anyhow!("an upload failed"))),
        }
    }

    /// How an upload stands.
    pub fn upload_view(&self, who: &Principal, merchant: &str, id: &str) -> Result<UploadView, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Configure, "see uploads")?;
        Ok(self.uploads.find(&tenant.config.id, id).ok_or(ServiceError::NotFound(UNKNOWN))?.view())
    }
}
