//! The ledger as others see it: signed checkpoints, tiles, receipts, and the task that signs.
//!
//! The tree grows in the writer's transaction ([`ombud_store`]). What is here signs its heads afterwards, once or twice a
//! second, and never waits in a decision's way.

pub mod check;
mod files;
mod interrupted;
pub mod keys;
mod publish;
pub mod published;
pub mod witness;

pub(in crate::service) use files::replace_private;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result, bail};
use ombud_core::ids::{DecisionId, MerchantId};
use ombud_ledger::log::note::parse_signatures;
use ombud_ledger::log::receipt::Receipt;
use ombud_ledger::log::tile::{TILE_WIDTH, encode_bundle, encode_tile};
use ombud_ledger::log::{KeyName, Note, Tile, TileLevel, VerifierKey, VerifierKeys, proof};
use ombud_store::{CheckpointRow, Reads, Store as _, StoreError, StoredRecord, log_hashes};

use self::keys::{KEY_FILE, LogKeys, VERIFIER_FILE};
pub use self::publish::SIGN_EVERY;
use self::published::{Loss, Published};
use self::witness::{Asked, Witness};
use super::Service;
use super::actor::{Principal, Right};
use super::acts::{Look, NewAct, What, log_of};
use super::blocking;
use super::error::ServiceError;
use super::wire::LedgerKeysView;

/// What a service knows of its logs besides the database.
pub(super) struct Ledger {
    data: PathBuf,
    operator: Option<KeyName>,
    witnesses: Vec<Arc<Asked>>,
    published: Published,
    /// Read when they are first needed.
    keys: Mutex<Option<Arc<LogKeys>>>,
    /// Whether each log goes on from where it was published, for those that were looked at. Held while logs are signed: a
    /// head is signed once.
    standing: Mutex<HashMap<MerchantId, Option<Loss>>>,
    /// Logs whose newest checkpoint the newest key is still to sign.
    left: Mutex<BTreeSet<MerchantId>>,
}

impl Ledger {
    pub(super) fn new(data: &Path, operator: Option<KeyName>, witnesses: Vec<Witness>) -> Result<Self> {
        // A name that is not this directory's is refused at once, not when the first checkpoint is due.
        LogKeys::mend(data)?;
        // Where only the signing key is lost, it can be replaced; until then whatever signs is refused.
        let keys = if LogKeys::is_lost(data) { None } else { LogKeys::read(data)? };
        if let Some(keys) = &keys {
            keys.must_be_of(operator.as_ref())?;
        }
        Ok(Self {
            data: data.to_path_buf(),
            operator,
            witnesses: witnesses.into_iter().map(|witness| Arc::new(Asked::new(witness))).collect(),
            published: Published::of(data),
            keys: Mutex::new(keys.map(Arc::new)),
            standing: Mutex::default(),
            left: Mutex::default(),
        })
    }

    /// The published checkpoint of a merchant's log; none where nothing was published.
    pub(super) fn published(&self, merchant: &MerchantId) -> Result<Option<String>> {
        self.published.get(merchant)
    }

    /// The keys, drawn at the first call on a new data directory. Those of a directory that has published something are never drawn
    /// anew: nobody could check with them what was signed before.
    pub(super) fn keys(&self) -> Result<Arc<LogKeys>> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = &*keys {
            return Ok(Arc::clone(keys));
        }
        if keys::verifiers(&self.data)?.is_none() && !self.published.merchants()?.is_empty() {
            bail!("{}", both_lost(&self.data));
        }
        let opened = Arc::new(LogKeys::open(&self.data, self.operator.as_ref())?);
        *keys = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Whether there are keys, or were: a new data directory has none before its first start.
    pub(super) fn are_drawn(&self) -> Result<bool> {
        let known = self.keys.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        Ok(known || LogKeys::is_lost(&self.data) || !self.published.merchants()?.is_empty())
    }

    /// The verifier keys, also where the signing key is lost.
    pub(super) fn verifiers(&self) -> Result<VerifierKeys> {
        if let Some(keys) = &*self.keys.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(keys.verifiers().clone());
        }
        keys::verifiers(&self.data)?.with_context(|| both_lost(&self.data))
    }

    /// The logs whose newest checkpoint the newest key is still to sign.
    fn left(&self) -> MutexGuard<'_, BTreeSet<MerchantId>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the keys: they are written, the change is recorded, and then they are in force. What cannot be recorded changes nothing.
    fn change_keys(
        &self,
        change: impl FnOnce(&Path, Option<&KeyName>) -> Result<(LogKeys, Vec<NewAct>)>,
        record: impl FnOnce(Vec<NewAct>) -> Result<(), ServiceError>,
    ) -> Result<Arc<LogKeys>, ServiceError> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let (changed, acts) = change(&self.data, self.operator.as_ref())?;
        let staged = changed.stage(&self.data)?;
        record(acts)?;
        let changed = Arc::new(changed);
        staged.put()?;
        *keys = Some(Arc::clone(&changed));
        Ok(changed)
    }
}

/// What to do where both files of the keys are lost.
fn both_lost(data: &Path) -> String {
    format!(
        "the keys of the ledger, `{KEY_FILE}` and `{VERIFIER_FILE}`, are not in `{}`, although checkpoints were published: put them back from a backup; \
         where `{KEY_FILE}` is lost for good, put `{VERIFIER_FILE}` back, as whoever checks was given it, and make a new key with `ombud key rotate-ledger`",
        data.display()
    )
}

/// Whose log is asked for.
#[derive(Clone, Copy, Debug)]
pub enum LogOf<'a> {
    /// A merchant's.
    Merchant(&'a str),
    /// The operator's own.
    Operator,
}

impl Service {
    /// The log that the caller may see. An auditor's look is recorded.
    async fn log(&self, who: &Principal, of: LogOf<'_>, look: Look) -> Result<MerchantId, ServiceError> {
        match of {
            LogOf::Operator => {
                super::allowed(who, Right::Operate, "see the operator's ledger")?;
                log_of(None)
            }
            LogOf::Merchant(merchant) => {
                let tenant = self.tenant(who, merchant, Right::Ledger, "see the ledger")?;
                self.looked(who, &tenant, look).await?;
                Ok(tenant.config.id.clone())
            }
        }
    }

    /// The newest signed checkpoint of a log with the witnesses' cosignatures: a C2SP signed note.
    pub async fn checkpoint(&self, who: &Principal, of: LogOf<'_>) -> Result<String, ServiceError> {
        let log = self.log(who, of, Look::Ledger).await?;
        self.store.read(|reads| {
            let row = reads.checkpoint(&log)?.ok_or(ServiceError::NotYet("no checkpoint of this log is signed yet"))?;
            Ok(cosigned(reads, &log, &row)?)
        })
    }

    /// A tile or entry bundle of a log by its path (c2sp.org/tlog-tiles).
    pub async fn tile(&self, who: &Principal, of: LogOf<'_>, path: &str) -> Result<Vec<u8>, ServiceError> {
        let log = self.log(who, of, Look::Ledger).await?;
        let tile: Tile = path.parse().map_err(|_| ServiceError::NotFound("tile"))?;
        self.store.read(|reads| {
            if !tile.is_in_tree(reads.frontier(&log)?.size()) {
                return Err(ServiceError::NotFound("tile in this log"));
            }
            match tile.level {
                TileLevel::Hashes(_) => Ok(encode_tile(&reads.tile(&log, tile)?)),
                TileLevel::Entries => {
                    let headers = reads.headers(&log, tile.index * u64::from(TILE_WIDTH), u32::from(tile.width))?;
                    encode_bundle(headers.iter().map(Vec::as_slice)).map_err(|error| ServiceError::Internal(error.into()))
                }
            }
        })
    }

    /// The receipt of a decision (c2sp.org/tlog-proof): its header, and the proof that the signed log has it.
    pub async fn receipt(&self, who: &Principal, merchant: &str, decision: &str) -> Result<String, ServiceError> {
        let log = self.log(who, LogOf::Merchant(merchant), Look::Receipt).await?;
        let decision = DecisionId::new(decision).map_err(|_| ServiceError::NotFound("decision"))?;
        self.store.read(|reads| {
            let record = reads.decision(&log, &decision)?.ok_or(ServiceError::NotFound("decision"))?;
            receipt_of(reads, &log, record)
        })
    }

    /// The receipt of any record by its place in the log.
    pub async fn receipt_at(&self, who: &Principal, of: LogOf<'_>, seq: u64) -> Result<String, ServiceError> {
        let log = self.log(who, of, Look::Receipt).await?;
        self.store.read(|reads| {
            let record = reads.record(&log, seq)?.ok_or(ServiceError::NotFound("record"))?;
            receipt_of(reads, &log, record)
        })
    }

    /// The operator's verifier keys, and which of them sign.
    pub fn ledger_keys(&self, _: &Principal) -> Result<LedgerKeysView, ServiceError> {
        // Where the signing key is lost, those that check are still known.
        if LogKeys::is_lost(&self.ledger.data) {
            let verifiers = self.ledger.verifiers()?;
            let operator = verifiers.iter().next().map(|key| key.name().to_string()).unwrap_or_default();
            return Ok(LedgerKeysView {
                operator,
                verifier_keys: verifiers.iter().map(ToString::to_string).collect(),
                signing: Vec::new(),
            });
        }
        let keys = self.ledger.keys()?;
        Ok(view(&keys))
    }

    /// Whether the data directory has keys that sign checkpoints, or had: its first start draws them.
    ///
    /// # Errors
    /// What was published cannot be looked for.
    pub fn has_ledger_keys(&self) -> Result<bool> {
        self.ledger.are_drawn()
    }

    /// Draws a new signing key for checkpoints; the one before goes on signing beside it.
    pub async fn rotate_ledger_key(self: &Arc<Self>, who: &Principal) -> Result<LedgerKeysView, ServiceError> {
        super::allowed(who, Right::Operate, "rotate the ledger's key")?;
        self.writable()?;
        let (service, who) = (Arc::clone(self), who.clone());
        let keys = blocking(move || {
            let change = |data: &Path, operator: Option<&KeyName>| {
                let (keys, stopped) = LogKeys::rotated(data, operator)?;
                let mut acts = retired(&who, &stopped);
                acts.push(NewAct::new(&who, What::LedgerKeyRotated { key: newest(&keys) }));
                Ok((keys, acts))
            };
            let logs: Vec<MerchantId> = service.store.read(|reads| reads.merchants())?.into_iter().map(|row| row.id).collect();
            let keys = service.ledger.change_keys(change, |acts| service.record_now(acts))?;
            service.ledger.left().extend(logs);
            // The key is rotated, whatever becomes of the checkpoints.
            if let Err(error) = service.sign_left() {
                let error = format!("{error:#}");
                tracing::error!(
                    error,
                    "the ledger's key is rotated, and not every log's checkpoint is signed with it: a running server tries again"
                );
            }
            Ok(keys)
        });
        Ok(view(&*keys.await?))
    }

    /// Records acts of the operator's, from a thread that may wait.
    fn record_now(&self, acts: Vec<NewAct>) -> Result<(), ServiceError> {
        // Where no rotation was under way, no key stops.
        if acts.is_empty() {
            return Ok(());
        }
        let (vault, log) = (self.vault.clone(), log_of(None)?);
        Ok(self.writer.wait(move |group| acts.iter().try_for_each(|act| act.append(group, &vault, &log).map(|_| ())))?)
    }

    /// Ends a rotation: only the newest key signs.
    pub async fn retire_ledger_key(self: &Arc<Self>, who: &Principal) -> Result<LedgerKeysView, ServiceError> {
        super::allowed(who, Right::Operate, "retire the ledger's key")?;
        self.writable()?;
        let (service, who) = (Arc::clone(self), who.clone());
        let keys = blocking(move || {
            let change = |data: &Path, operator: Option<&KeyName>| {
                let keys = LogKeys::open(data, operator)?;
                let acts = retired(&who, keys.signing().skip(1));
                Ok((keys.retired(), acts))
            };
            service.ledger.change_keys(change, |acts| service.record_now(acts))
        });
        Ok(view(&*keys.await?))
    }
}

/// A record's receipt from the newest checkpoint.
fn receipt_of(reads: &dyn Reads, log: &MerchantId, record: StoredRecord) -> Result<String, ServiceError> {
    let signed = reads.checkpoint(log)?.filter(|row| row.size > record.seq);
    let row = signed.ok_or(ServiceError::NotYet("no checkpoint with this record is signed yet"))?;
    let proof = proof::prove_inclusion(&log_hashes(reads, log, row.size), record.seq, row.size);
    let proof = proof.map_err(|error| StoreError::Damaged(format!("the log of `{log}`: {error}")))?;
    let checkpoint = cosigned(reads, log, &row)?;
    Ok(Receipt { header: Some(record.header), index: record.seq, proof, checkpoint }.to_string())
}

/// The acts of keys that stop signing.
fn retired<'k>(who: &Principal, keys: impl IntoIterator<Item = &'k VerifierKey>) -> Vec<NewAct> {
    keys.into_iter().map(|key| NewAct::new(who, What::LedgerKeyRetired { key: key.to_string() })).collect()
}

fn newest(keys: &LogKeys) -> String {
    keys.signing().next().map(ToString::to_string).unwrap_or_default()
}

fn view(keys: &LogKeys) -> LedgerKeysView {
    LedgerKeysView {
        operator: keys.operator().to_string(),
        verifier_keys: keys.verifiers().iter().map(ToString::to_string).collect(),
        signing: keys.signing().map(ToString::to_string).collect(),
    }
}

/// A stored checkpoint with its cosignatures, as it is published.
pub fn cosigned(reads: &dyn Reads, merchant: &MerchantId, row: &CheckpointRow) -> Result<String, StoreError> {
    let cosignatures = reads.cosignatures(merchant, row.size)?;
    if cosignatures.is_empty() {
        return Ok(row.note.clone());
    }
    let damaged = |error| StoreError::Damaged(format!("the checkpoint of `{merchant}` at {} records: {error}", row.size));
    let mut note = Note::parse(&row.note).map_err(damaged)?;
    for cosignature in cosignatures {
        parse_signatures(&format!("{}\n", cosignature.line)).map_err(damaged)?.into_iter().for_each(|signature| note.add(signature));
    }
    Ok(note.to_string())
}
