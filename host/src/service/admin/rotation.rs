//! The master key is replaced while the service runs, without touching a record.
//!
//! It cannot be one step: there may be millions of data keys, and the database and the key's file are two things. So it goes like
//! this. The new key is in its file before anything else. Then the store notes that a rotation is under way, with each of the two
//! master keys sealed by the other: from here on, either of them opens everything. From then on data keys are wrapped with the new
//! one, and those that are there are wrapped anew, some at a time, each time in one transaction. Last, in one transaction, the note
//! is taken away and the act recorded, and the file takes the old one's place. A start that finds the note goes on. It is done when
//! the store's log is emptied as well: until then that holds the note, with which the old key opens the new one.

use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use ombud_core::ids::{ActorId, MerchantId, on_record};
use ombud_ledger::keys::MasterKey;
use ombud_store::{Group, JobError, Reads, Store as _, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::files::{draw, read_key, write_key};
use super::master::{FILE, IN_FORCE, MasterKeyFrom, NEXT, replace};
use crate::service::actor::{Principal, Right, Role};
use crate::service::acts::{By, NewAct, What, log_of};
use crate::service::error::ServiceError;
use crate::service::vault::{Masters, SubjectId, rewrapped};
use crate::service::{Service, allowed, blocking};

/// Under which the store notes a rotation that is under way; empty where none is.
const ONGOING: &str = "master-key-rotation";
/// Keys wrapped anew in one transaction: a decision waits for some milliseconds at most.
const KEYS_OF_A_STEP: u32 = 200;
/// The longest pause between two steps.
const PAUSE_MAX: Duration = Duration::from_millis(50);
/// After so long it is looked whether the service still waits for the store's log to be emptied.
const LOG_PAUSE: Duration = Duration::from_secs(1);

/// A rotation that is under way, as the store notes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ongoing {
    /// The id of the key that is replaced.
    from: String,
    /// The id of the new key.
    to: String,
    /// The new key, sealed by the old one, hex.
    new_by_old: String,
    /// The old key, sealed by the new one, hex.
    old_by_new: String,
    /// Who asked for it.
    by: String,
    /// The new key is in a file outside the data directory.
    elsewhere: bool,
}

/// The master key in force, and the rotation that is under way or was the last one since the start.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MasterKeyView {
    /// The id of the key with which data keys are wrapped now: 16 hexadecimal digits.
    pub key: String,
    /// The rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationView>,
}

/// A rotation of the master key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RotationView {
    /// How far it is.
    pub state: RotationState,
    /// The id of the key that is replaced.
    pub from: String,
    /// The id of the new key.
    pub to: String,
    /// Data keys wrapped anew so far.
    pub keys: u64,
    /// Data keys that are damaged and were left as they are; `ombud audit check` names them.
    pub damaged: u64,
    /// Why it does not go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// How far a rotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RotationState {
    /// Data keys are being wrapped anew.
    Running,
    /// The old key opens nothing any more.
    Done,
    /// It stopped; the next start goes on with it.
    Failed,
}

impl Ongoing {
    pub(super) fn read(reads: &dyn Reads) -> Result<Option<Self>, StoreError> {
        // Where it cannot be read, the key that is given opens what it can.
        Ok(reads.value(ONGOING)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    fn new(old: &MasterKey, new: &MasterKey, by: &Principal, elsewhere: bool) -> Result<Self> {
        Ok(Self {
            from: old.id(),
            to: new.id(),
            new_by_old: hex::encode(old.wrap_master(new)?),
            old_by_new: hex::encode(new.wrap_master(old)?),
            by: by.actor.to_string(),
            elsewhere,
        })
    }

    /// Both keys, from either of them.
    pub(super) fn masters(&self, given: &MasterKey) -> Option<Masters> {
        let open = |sealed: &str| given.unwrap_master(&hex::decode(sealed).ok()?).ok();
        if let Some(new) = open(&self.new_by_old) {
            return Some(Masters { current: new, before: Some(given.clone()) });
        }
        open(&self.old_by_new).map(|old| Masters { current: given.clone(), before: Some(old) })
    }

    fn by(&self) -> Result<By> {
        let actor = on_record(|| ActorId::new(self.by.as_str())).map_err(|error| anyhow!("{error}"))?;
        Ok(By::from(&Principal { actor, role: Role::Operator, merchant: None, key: None }))
    }
}

impl Service {
    /// The master key in force, and how far its rotation is.
    pub fn master_key_view(&self, who: &Principal) -> Result<MasterKeyView, ServiceError> {
        allowed(who, Right::Operate, "see the master key's rotation")?;
        Ok(MasterKeyView { key: self.vault.masters().current.id(), rotation: self.rotation().clone() })
    }

    /// Begins to replace the master key. `into` is the file of the new one, drawn if it is not there; none replaces the key in the
    /// data directory. Answers once the new key is in force for what comes; the rest is done beside the decisions.
    pub async fn rotate_master(self: &Arc<Self>, who: &Principal, into: Option<PathBuf>) -> Result<MasterKeyView, ServiceError> {
        allowed(who, Right::Operate, "replace the master key")?;
        self.writable()?;
        let (service, by) = (Arc::clone(self), who.clone());
        blocking(move || service.begin_rotation(&by, into.as_deref())).await?;
        self.master_key_view(who)
    }

    fn begin_rotation(self: &Arc<Self>, who: &Principal, into: Option<&Path>) -> Result<(), ServiceError> {
        let mut rotation = self.rotation();
        if rotation.as_ref().is_some_and(|rotation| rotation.state != RotationState::Done) {
            return Err(ServiceError::Conflict(
                "a rotation of the master key is under way, or stopped and waits for the next start".into(),
            ));
        }
        let old = self.vault.masters().current;
        let conflict = |error: anyhow::Error| ServiceError::Conflict(format!("{error:#}; nothing was changed"));
        let new = MasterKey::from_bytes(self.new_key(into).map_err(conflict)?);
        if new.id() == old.id() {
            return Err(ServiceError::Conflict("the new master key is the old one".into()));
        }
        let ongoing = Ongoing::new(&old, &new, who, into.is_some()).map_err(ServiceError::Internal)?;
        let note = serde_json::to_vec(&ongoing).map_err(|error| ServiceError::Internal(error.into()))?;
        self.writer.wait(move |group| Ok::<_, ServiceError>(group.set_value(ONGOING, &note)?)).map_err(of_job)?;
        // Either key opens everything from here on: what is drawn now is wrapped with the new one.
        self.vault.turn(Masters { current: new, before: Some(old) });
        *rotation = Some(ongoing.view());
        drop(rotation);
        self.go_on(ongoing)
    }

    fn rotation(&self) -> MutexGuard<'_, Option<RotationView>> {
        self.rotation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on with a rotation that was interrupted.
    pub(in crate::service) fn resume_rotation(self: &Arc<Self>) -> Result<()> {
        let Some(ongoing) = self.store.read(Ongoing::read)? else { return Ok(()) };
        if self.vault.masters().before.is_none() {
            return Ok(());
        }
        *self.rotation() = Some(ongoing.view());
        tracing::warn!(from = ongoing.from, to = ongoing.to, "the master key's rotation, which was interrupted, goes on");
        Ok(self.go_on(ongoing)?)
    }

    fn new_key(&self, into: Option<&Path>) -> Result<[u8; 32]> {
        match into {
            Some(path) if path.exists() => read_key(path),
            Some(path) => draw(|bytes| write_key(path, hex::encode(bytes).as_bytes())),
            None if matches!(self.master_key_from, MasterKeyFrom::Directory) => {
                let next = self.store.directory().join(NEXT);
                // One that was not used: no rotation is under way.
                if next.exists() {
                    std::fs::remove_file(&next)?;
                }
                draw(|bytes| write_key(&next, bytes))
            }
            None => Err(anyhow!("the master key is not the data directory's own: name the file of the new one with --new-master-key")),
        }
    }

    /// Wraps the rest on a thread of its own, which ends with the service.
    fn go_on(self: &Arc<Self>, ongoing: Ongoing) -> Result<(), ServiceError> {
        let service = Arc::downgrade(self);
        let thread = std::thread::Builder::new().name("master-key".into());
        let work = move || {
            let Err(error) = wrap_the_rest(&service, &ongoing) else { return };
            tracing::error!(%error, "the master key's rotation stopped: the next start goes on with it");
            if let Some(service) = service.upgrade()
                && let Some(rotation) = service.rotation().as_mut()
            {
                (rotation.state, rotation.problem) = (RotationState::Failed, Some(error.to_string()));
            }
        };
        thread.spawn(work).map(|_| ()).map_err(|error| ServiceError::Internal(error.into()))
    }

    /// Wraps some keys of a merchant anew; behind which one to go on, if there are more.
    fn rewrap_step(&self, merchant: &MerchantId, after: String) -> Result<Step, ServiceError> {
        let (masters, merchant) = (self.vault.masters(), merchant.clone());
        let job = move |group: &mut dyn Group| rewrap(group, &masters, &merchant, &after).map_err(ServiceError::from);
        self.writer.wait(job).map_err(of_job)
    }

    /// Ends a rotation: the act, the note and the file.
    fn end_rotation(&self, ongoing: &Ongoing, keys: u64) -> Result<()> {
        let (by, log, vault) = (ongoing.by()?, log_of(None)?, self.vault.clone());
        let what = What::MasterKeyRotated { from: ongoing.from.clone(), to: ongoing.to.clone(), keys };
        let (act, to) = (NewAct::new(by, what), ongoing.to.clone());
        let ended = self.writer.wait(move |group| {
            group.set_value(ONGOING, &[])?;
            group.set_value(IN_FORCE, to.as_bytes())?;
            act.append(group, &vault, &log).map(|_| ())
        });
        ended.map_err(of_job)?;
        let (file, next) = (self.store.directory().join(FILE), self.store.directory().join(NEXT));
        match (&self.master_key_from, ongoing.elsewhere) {
            (MasterKeyFrom::Directory, false) => {
                if !next.exists() {
                    write_key(&next, self.vault.masters().current.as_bytes())?;
                }
                replace(&next, &file)?;
            }
            // The old key opens nothing any more.
            (MasterKeyFrom::Directory, true) if file.exists() => {
                std::fs::remove_file(&file).with_context(|| format!("cannot remove `{}`", file.display()))?;
            }
            _ => tracing::warn!(to = ongoing.to, "the data keys are wrapped with the new master key: the next start needs its file"),
        }
        Ok(())
    }
}

/// What one step did.
struct Step {
    keys: u64,
    damaged: u64,
    /// Behind which key to go on; none at the end.
    after: Option<String>,
}

fn rewrap(group: &mut dyn Group, masters: &Masters, merchant: &MerchantId, after: &str) -> Result<Step, StoreError> {
    let page = group.wrapped_keys(merchant, after, KEYS_OF_A_STEP)?;
    let mut step = Step { keys: 0, damaged: 0, after: page.last().map(|(last, _)| last.clone()) };
    for (text, wrapped) in page {
        if masters.current.has_wrapped(&wrapped) {
            continue;
        }
        match SubjectId::parse(&text).map(|subject| rewrapped(masters, merchant, &subject, &wrapped)) {
            Some(Ok(anew)) => {
                group.rewrap_key(merchant, &text, &anew)?;
                step.keys += 1;
            }
            // A damaged key opens with no master key.
            Some(Err(_)) | None => step.damaged += 1,
        }
    }
    Ok(step)
}

fn wrap_the_rest(service: &Weak<Service>, ongoing: &Ongoing) -> Result<()> {
    let running = || service.upgrade();
    let Some(now) = running() else { return Ok(()) };
    // Read between two groups: one under way when the keys were turned may bring a merchant whose key is wrapped with the old one. Merchants that
    // come later have keys under the new one.
    let merchants = now.writer.wait(|group| Ok::<_, ServiceError>(group.merchants()?)).map_err(of_job)?;
    let merchants: Vec<MerchantId> = merchants.into_iter().map(|row| row.id).collect();
    drop(now);
    for merchant in &merchants {
        let mut after = Some(String::new());
        while let Some(behind) = after {
            // A service that ends does not wait for this: the next start goes on.
            let Some(service) = running() else { return Ok(()) };
            let began = Instant::now();
            let step = service.rewrap_step(merchant, behind)?;
            if let Some(rotation) = service.rotation().as_mut() {
                rotation.keys += step.keys;
                rotation.damaged += step.damaged;
            }
            drop(service);
            after = step.after;
            if after.is_some() {
                std::thread::sleep(began.elapsed().min(PAUSE_MAX));
            }
        }
    }
    let Some(service) = running() else { return Ok(()) };
    let keys = service.rotation().as_ref().map_or(0, |rotation| rotation.keys);
    service.end_rotation(ongoing, keys)?;
    let emptying = service.store.empty_log();
    drop(service);
    // The log still has what the old key opens, and the new one sealed by it, until nobody reads an older state.
    let service = loop {
        let emptied = emptying.wait(LOG_PAUSE);
        let Some(service) = running() else { return Ok(()) };
        match emptied {
            Ok(true) => break service,
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the write-ahead log could not be emptied: it still has what the old master key opens"),
        }
    };
    // The old key stays in memory: a reader's snapshot may be from before.
    if let Some(rotation) = service.rotation().as_mut() {
        rotation.state = RotationState::Done;
    }
    Ok(())
}

impl Ongoing {
    fn view(&self) -> RotationView {
        RotationView { state: RotationState::Running, from: self.from.clone(), to: self.to.clone(), keys: 0, damaged: 0, problem: None }
    }
}

fn of_job(error: JobError<ServiceError>) -> ServiceError {
    error.into()
}
