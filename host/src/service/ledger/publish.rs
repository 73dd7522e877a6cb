//! Signing: a checkpoint of every log that has grown, at each tick.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use ombud_core::ids::MerchantId;
use ombud_ledger::log::{Checkpoint, Frontier, Note};
use ombud_store::{CheckpointRow, Group, Store as _, StoreError};

use super::keys::LogKeys;
use super::published::Loss;
use super::{cosigned, witness};
use crate::clock::now_ms;
use crate::service::Service;
use crate::service::acts::{By, Host, NewAct, What, log_of};
use crate::service::error::ServiceError;

/// How long a server waits between two rounds of signing: with them a receipt is there within a second or so. With a thousand
/// busy merchants a round is a thousand signatures.
pub const SIGN_EVERY: Duration = Duration::from_secs(1);
/// Checkpoints of one transaction.
const SIGNED_TOGETHER: usize = 128;

impl Service {
    /// Looks whether every log goes on from where it was published. Where one does not, nothing is written any more until
    /// [`Self::check_published`] says to go on.
    ///
    /// # Errors
    /// Published checkpoints cannot be looked for.
    pub(in crate::service) fn look_at_published(&self) -> Result<()> {
        let merchants = self.ledger.published.merchants()?;
        if merchants.is_empty() {
            return Ok(());
        }
        let keys = self.ledger.verifiers()?;
        let mut standing = self.ledger.standing.lock().unwrap_or_else(PoisonError::into_inner);
        for merchant in merchants {
            let loss = self.store.read(|reads| self.ledger.published.check(reads, &merchant, Some(&keys)));
            // What cannot even be compared does not go on either.
            let loss = loss.unwrap_or_else(|error| Some(Loss::Untrusted(format!("{error:#}"))));
            if loss.is_some() {
                self.metrics.observe_lost_log();
            }
            standing.insert(merchant, loss);
        }
        if let Some(why) = refusal(&standing) {
            self.writer.refuse(Some(&why));
        }
        Ok(())
    }

    /// Refuses to go on where a log does not go on from where it was published, as it was found when the directory was opened,
    /// and draws the signing key where there is none. With `go_on`, the files of these logs are set aside, and they are signed
    /// again from what is there.
    ///
    /// # Errors
    /// The logs that do not go on, with what to do.
    pub fn check_published(&self, go_on: bool) -> Result<()> {
        let mut standing = self.ledger.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = self.ledger.keys()?;
        for key in keys.signing() {
            tracing::info!(verifier_key = %key, "checkpoints are signed");
        }
        self.tell_unpublished(&standing)?;
        if let Err(error) = self.publish_left(&keys, &standing) {
            tracing::error!(error = format!("{error:#}"), "a published checkpoint is older than what was signed, and could not be renewed");
        }
        let Some(why) = refusal(&standing) else { return Ok(()) };
        if !go_on {
            bail!(why);
        }
        self.writer.refuse(None);
        for (merchant, standing) in &mut *standing {
            let Some(loss) = standing else { continue };
            let checkpoint = self.ledger.published.get(merchant)?.unwrap_or_default();
            let act = NewAct::new(By::host(Host::Ombud), What::LossAccepted { loss: loss.to_string(), checkpoint });
            // A merchant who is lost as well has no log to record it in.
            let known = self.store.read(|reads| reads.merchant(merchant))?.is_some();
            let log = log_of(Some(merchant).filter(|_| known))?;
            let vault = self.vault.clone();
            let recorded = self.writer.wait(move |group| act.append(group, &vault, &log).map(|_| ()));
            recorded.map_err(ServiceError::from)?;
            let file = self.ledger.published.set_aside(merchant, now_ms())?;
            tracing::error!(%merchant, %loss, file = %file.display(), "the log goes on although records are lost");
            *standing = None;
        }
        Ok(())
    }

    /// Says of which logs a checkpoint was signed and none that was published is there: nothing tells whether these were set back.
    fn tell_unpublished(&self, standing: &HashMap<MerchantId, Option<Loss>>) -> Result<()> {
        let (snapshot, operator) = (self.snapshot.load(), log_of(None)?);
        for merchant in snapshot.tenants.keys().chain([&operator]) {
            if standing.contains_key(merchant) {
                continue;
            }
            if let Some(signed) = self.store.read(|reads| reads.checkpoint(merchant))? {
                tracing::error!(
                    %merchant,
                    signed = signed.size,
                    "no published checkpoint of this log is in the data directory, although records were signed: it cannot be told whether the database was \
                     set back; hold it against a checkpoint that is kept elsewhere (`audit verify --checkpoint`)"
                );
            }
        }
        Ok(())
    }

    /// Why a log does not go on from where it was published; none where it does.
    pub(in crate::service) fn loss_of(&self, merchant: &MerchantId) -> Option<Loss> {
        self.ledger.standing.lock().unwrap_or_else(PoisonError::into_inner).get(merchant).cloned().flatten()
    }

    /// Refuses what would be written beside the database where that takes nothing.
    pub(in crate::service) fn writable(&self) -> Result<(), ServiceError> {
        let standing = self.ledger.standing.lock().unwrap_or_else(PoisonError::into_inner);
        refusal(&standing).map_or(Ok(()), |why| Err(ServiceError::Damaged(why)))
    }

    /// Signs until the task is dropped. A round that fails is made up for by the next.
    pub async fn sign_for_ever(self: Arc<Self>, every: Duration) {
        let mut every = tokio::time::interval(every);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut waiting = HashMap::new();
        // What grew before this process began.
        match self.store.read(|reads| reads.unsigned()) {
            Ok(unsigned) => waiting.extend(unsigned),
            Err(error) => tracing::error!(%error, "the logs that are not signed cannot be read"),
        }
        match self.half_signed() {
            Ok(logs) => self.ledger.left().extend(logs),
            Err(error) => tracing::error!(%error, "the logs that the newest key has not signed cannot be read"),
        }
        // What went wrong last is said once, not each second.
        let mut said = String::new();
        loop {
            every.tick().await;
            waiting.extend(self.store.grown());
            if waiting.is_empty() && said.is_empty() && !self.disk.is_stopped() && self.ledger.left().is_empty() {
                continue;
            }
            let (service, heads) = (Arc::clone(&self), std::mem::take(&mut waiting));
            let again = heads.clone();
            match tokio::task::spawn_blocking(move || service.sign_or_try(heads)).await {
                Ok(Ok(())) if said.is_empty() => {}
                Ok(Ok(())) => {
                    tracing::warn!("checkpoints are signed and published again");
                    said.clear();
                }
                Ok(Err(Left { heads, error })) => {
                    let error = format!("{error:#}");
                    // Of a disk that takes nothing the writer has spoken.
                    if said != error && !self.disk.is_stopped() {
                        tracing::error!(error, "checkpoints could not be signed and published; every second it is tried again");
                    }
                    (waiting, said) = (heads, error);
                }
                Err(_) => waiting = again,
            }
        }
    }

    /// Signs these heads. Where there are none, writes what is written already, to find out whether the disk takes it again: nobody
    /// sends anything to a server that is not ready.
    fn sign_or_try(&self, heads: HashMap<MerchantId, Frontier>) -> Result<(), Left> {
        if heads.is_empty() && self.disk.is_stopped() {
            return self.try_to_write().map_err(|error| Left { heads, error });
        }
        let signed = self.sign(heads);
        signed.and(self.sign_left().map_err(|error| Left { heads: HashMap::new(), error }))
    }

    fn try_to_write(&self) -> Result<()> {
        let log = log_of(None)?;
        let Some(row) = self.store.read(|reads| reads.checkpoint(&log))? else { return Ok(()) };
        let written = self.writer.wait(move |group| group.sign_again(&log, row.size, &row.note));
        written.map(|_| ()).map_err(|error| anyhow!("{error}"))
    }

    /// Publishes the newest checkpoint of each log whose file is older: it could not be written, or the process was killed before.
    fn publish_left(&self, keys: &LogKeys, standing: &HashMap<MerchantId, Option<Loss>>) -> Result<()> {
        let publish = |merchant: &MerchantId| {
            let Some(note) = self.ledger.published.get(merchant)? else { return Ok(()) };
            let published = Checkpoint::open(&note, keys.verifiers().of_merchant(merchant).as_slice())?;
            let newest = self.store.read(|reads| reads.checkpoint(merchant))?;
            if newest.is_some_and(|newest| newest.size > published.size) { self.publish_newest(merchant) } else { Ok(()) }
        };
        let published = standing.iter().filter(|(_, loss)| loss.is_none()).map(|(merchant, _)| publish(merchant));
        // One that cannot be published hinders no other.
        published.fold(Ok(()), Result::and)
    }

    /// Signs what has grown now, for a server that ends and for commands.
    ///
    /// # Errors
    /// Keys or files cannot be read, the store fails.
    pub fn sign_now(&self) -> Result<()> {
        let mut heads: HashMap<MerchantId, Frontier> = self.store.read(|reads| reads.unsigned())?.into_iter().collect();
        heads.extend(self.store.grown());
        self.sign(heads).map_err(|left| left.error)
    }

    /// Signs these heads and publishes them. A log that does not go on from where it was published is left out; one that cannot be signed
    /// or published hinders no other.
    fn sign(&self, mut heads: HashMap<MerchantId, Frontier>) -> Result<(), Left> {
        // The keys are read behind the lock: those of a rotation that was waited for are in force.
        let mut standing = self.ledger.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = match self.ledger.keys() {
            Ok(keys) => keys,
            Err(error) => return Err(Left { heads, error }),
        };
        let mut failed: BTreeMap<MerchantId, anyhow::Error> = BTreeMap::new();
        let mut rows = Vec::with_capacity(heads.len());
        for (merchant, head) in heads.iter().filter(|(_, head)| head.size() > 0) {
            match self.signed(&keys, &mut standing, merchant, head) {
                Ok(row) => rows.extend(row.map(|row| (merchant.clone(), row))),
                Err(error) => _ = failed.insert(merchant.clone(), error),
            }
        }
        for rows in rows.chunks(SIGNED_TOGETHER) {
            let job = {
                let rows = rows.to_vec();
                move |group: &mut dyn Group| keep(group, &rows)
            };
            let kept = match self.writer.wait(job) {
                Ok(kept) => kept,
                Err(error) => {
                    failed.extend(rows.iter().map(|(merchant, _)| (merchant.clone(), anyhow!("{error}"))));
                    continue;
                }
            };
            let of = |what: Kept| rows.iter().zip(&kept).filter(move |(_, kept)| **kept == what).map(|(row, _)| row);
            match self.ledger.published.put_each(of(Kept::New).map(|(merchant, row)| (merchant, row.note.as_str()))) {
                Ok(unpublished) => failed.extend(unpublished),
                Err(error) => failed.extend(of(Kept::New).map(|(merchant, _)| (merchant.clone(), anyhow!("{error:#}")))),
            }
            of(Kept::New).for_each(|_| self.metrics.observe_checkpoint());
            // A head that is told of again: perhaps the round before failed when it was to be published.
            failed.extend(of(Kept::Already).filter_map(|(merchant, _)| Some((merchant.clone(), self.publish_newest(merchant).err()?))));
            witness::wake(&self.ledger.witnesses, rows.iter().map(|(merchant, _)| merchant.clone()));
        }
        heads.retain(|merchant, _| failed.contains_key(merchant));
        failed.pop_first().map_or(Ok(()), |(_, error)| Err(Left { heads, error }))
    }

    /// A signed checkpoint of a log; none where the log does not go on from where it was published.
    fn signed(
        &self,
        keys: &LogKeys,
        standing: &mut HashMap<MerchantId, Option<Loss>>,
        merchant: &MerchantId,
        head: &Frontier,
    ) -> Result<Option<CheckpointRow>> {
        if !standing.contains_key(merchant) {
            let loss = self.store.read(|reads| self.ledger.published.check(reads, merchant, Some(keys.verifiers())))?;
            if let Some(loss) = &loss {
                self.metrics.observe_lost_log();
                tracing::error!(%merchant, %loss, "the log is not signed any more: `ombud audit check` says more");
            }
            standing.insert(merchant.clone(), loss);
        }
        if standing.get(merchant).is_some_and(Option::is_some) {
            return Ok(None);
        }
        let signing = keys.signing_of(merchant);
        let origin = keys.operator().of_merchant(merchant);
        let (size, root) = (head.size(), head.root());
        let note = Checkpoint { origin, size, root }.sign(&signing)?.to_string();
        Ok(Some(CheckpointRow { size, root, note }))
    }

    /// Signs the newest checkpoints with keys that have not signed them yet, where a rotation left them: they verify with the new key then.
    /// One that cannot be signed or published hinders no other, and is left again.
    pub(super) fn sign_left(&self) -> Result<()> {
        let standing = self.ledger.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.ledger.left().is_empty() {
            return Ok(());
        }
        let keys = self.ledger.keys()?;
        let mut failed: BTreeMap<MerchantId, anyhow::Error> = BTreeMap::new();
        let left = std::mem::take(&mut *self.ledger.left());
        for merchant in left.into_iter().filter(|merchant| !standing.get(merchant).is_some_and(Option::is_some)) {
            if let Err(error) = self.sign_again(&keys, &merchant) {
                failed.insert(merchant, error);
            }
        }
        self.ledger.left().extend(failed.keys().cloned());
        failed.pop_first().map_or(Ok(()), |(_, error)| Err(error))
    }

    fn sign_again(&self, keys: &LogKeys, merchant: &MerchantId) -> Result<()> {
        let Some(row) = self.store.read(|reads| reads.checkpoint(merchant))? else { return Ok(()) };
        let mut note = Note::parse(&row.note)?;
        keys.signing_of(merchant).iter().for_each(|key| note.sign(key));
        let (of, note) = (merchant.clone(), note.to_string());
        self.writer.wait(move |group| group.sign_again(&of, row.size, &note)).map_err(|error| anyhow!("{error}"))?;
        self.publish_newest(merchant)
    }

    /// The logs whose newest checkpoint not every key has signed that signs: a process that rotated them ended before.
    fn half_signed(&self) -> Result<Vec<MerchantId>> {
        let keys = self.ledger.keys()?;
        let mut logs = Vec::new();
        // Where one key signs no rotation is under way.
        if keys.signing().count() > 1 {
            for merchant in self.store.read(|reads| reads.merchants())?.into_iter().map(|row| row.id) {
                let Some(row) = self.store.read(|reads| reads.checkpoint(&merchant))? else { continue };
                let note = Note::parse(&row.note)?;
                if keys.signing_of(&merchant).iter().any(|key| note.verify(std::slice::from_ref(key.verifier())).is_err()) {
                    logs.push(merchant);
                }
            }
        }
        Ok(logs)
    }

    /// Publishes a log's newest checkpoint as it is stored. The caller holds the lock of signing.
    pub(super) fn publish_newest(&self, merchant: &MerchantId) -> Result<()> {
        let note = self.store.read(|reads| match reads.checkpoint(merchant)? {
            Some(row) => cosigned(reads, merchant, &row).map(Some),
            None => Ok::<_, StoreError>(None),
        })?;
        note.map_or(Ok(()), |note| self.ledger.published.put([(merchant, note.as_str())]))
    }
}

/// Why nothing may be written: the logs that do not go on from their published checkpoints, with what to do.
fn refusal(standing: &HashMap<MerchantId, Option<Loss>>) -> Option<String> {
    let mut lost: Vec<String> =
        standing.iter().filter_map(|(merchant, loss)| Some(format!("\n  {merchant}: {}", loss.as_ref()?))).collect();
    lost.sort();
    let list = lost.concat();
    (!list.is_empty()).then(|| {
        format!(
            "logs do not go on from their published checkpoints:{list}\nRestore a backup that has these records. If they are lost for good, \
             `ombud serve --accept-loss` goes on without them; whoever has the old checkpoints will notice."
        )
    })
}

/// What a round of signing left to the next one.
struct Left {
    /// The heads that could not be signed or published.
    heads: HashMap<MerchantId, Frontier>,
    /// Why, of the first of them.
    error: anyhow::Error,
}

/// What became of a checkpoint.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// It is the newest from now on.
    New,
    /// One of the same size was kept before.
    Already,
    /// A newer one was.
    Older,
}

/// Keeps checkpoints that are newer than what is kept, for a head can be told of twice.
fn keep(group: &mut dyn Group, rows: &[(MerchantId, CheckpointRow)]) -> Result<Vec<Kept>, StoreError> {
    let keep = |(merchant, row): &(MerchantId, CheckpointRow)| match group.checkpoint(merchant)? {
        Some(newest) if newest.size > row.size => Ok(Kept::Older),
        Some(newest) if newest.size == row.size => Ok(Kept::Already),
        Some(_) | None => {
            group.put_checkpoint(merchant, row)?;
            Ok(Kept::New)
        }
    };
    rows.iter().map(keep).collect()
}
