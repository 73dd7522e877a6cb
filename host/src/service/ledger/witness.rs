//! Asking witnesses (c2sp.org/tlog-witness): each signs that every checkpoint it has seen of a log goes on from the one before,
//! so that no two people can be shown two different logs.
//!
//! Each witness has a task of its own, which asks for one log after the other; nothing waits for it.

use std::collections::{BTreeSet, HashMap};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use ombud_core::ids::MerchantId;
use ombud_ledger::log::key::Algorithm;
use ombud_ledger::log::witness::{AddCheckpoint, SIZE_MEDIA_TYPE, good_signatures};
use ombud_ledger::log::{Note, VerifierKey, proof};
use ombud_store::{CheckpointRow, CosignatureRow, Store as _, StoreError, log_hashes};
use tokio::sync::Notify;
use ureq::http::StatusCode;

use crate::metrics::Witnessed;
use crate::service::Service;
use crate::service::acts::log_of;

/// How long a witness may take for one answer.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// Bytes of a witness's answer.
const ANSWER_BYTES_MAX: u64 = 64 << 10;
/// The pause after a round of asking, and after the first failure; it doubles with each further one.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// A witness: where it is asked, and the key of its cosignatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The submission prefix, without a slash at its end.
    url: String,
    key: VerifierKey,
}

impl Witness {
    /// A witness at this submission prefix.
    ///
    /// # Errors
    /// The address is not one, or the key is not a cosigner's.
    pub fn new(url: &str, key: VerifierKey) -> Result<Self> {
        let address: ureq::http::Uri = url.parse().with_context(|| format!("`{url}` is no address"))?;
        if !matches!(address.scheme_str(), Some("http" | "https")) || address.query().is_some() {
            bail!("`{url}` is no witness's address: it begins with http:// or https:// and has no query");
        }
        if key.algorithm() != Algorithm::CosignatureV1 {
            bail!("the key of `{}` does not cosign: a witness's key is of signature type 4 (cosignature/v1)", key.name());
        }
        Ok(Self { url: url.trim_end_matches('/').to_owned(), key })
    }
}

impl FromStr for Witness {
    type Err = anyhow::Error;

    /// Reads `URL=VKEY`.
    fn from_str(text: &str) -> Result<Self> {
        let (url, key) = text.split_once('=').context("expected URL=VKEY, VKEY as in `witness.example/w1+c0ffee00+BA…`")?;
        Self::new(url, key.parse().map_err(|error| anyhow!("{error}"))?)
    }
}

/// A witness that is being asked.
pub(super) struct Asked {
    witness: Witness,
    agent: ureq::Agent,
    /// The logs that wait for it.
    waiting: Mutex<BTreeSet<MerchantId>>,
    /// What it has signed of each log, as it said last.
    sizes: Mutex<HashMap<MerchantId, u64>>,
    woken: Notify,
}

impl Asked {
    pub(super) fn new(witness: Witness) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(ANSWER_TIME)).max_redirects(0);
        let agent = config.build().into();
        Self { witness, agent, waiting: Mutex::default(), sizes: Mutex::default(), woken: Notify::new() }
    }

    fn key(&self) -> &VerifierKey {
        &self.witness.key
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, BTreeSet<MerchantId>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sizes(&self) -> std::sync::MutexGuard<'_, HashMap<MerchantId, u64>> {
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Posts a checkpoint.
    fn post(&self, request: &AddCheckpoint) -> Result<Answer> {
        let unreachable = || format!("the witness `{}` gives no answer", self.key().name());
        let mut response =
            self.agent.post(format!("{}/add-checkpoint", self.witness.url)).send(request.to_string()).with_context(unreachable)?;
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let states_size = kind.split(';').next().is_some_and(|kind| kind.trim() == SIZE_MEDIA_TYPE);
        let status = response.status();
        let text = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string().with_context(unreachable)?;
        Ok(match status {
            StatusCode::OK => Answer::Signed(text),
            StatusCode::CONFLICT if states_size => Answer::Size(
                text.trim_end_matches('\n').parse().map_err(|_| anyhow!("the witness `{}` states no size", self.key().name()))?,
            ),
            status => Answer::Refused(status),
        })
    }
}

/// What a witness says.
enum Answer {
    /// Signature lines.
    Signed(String),
    /// It has signed another size than the one that the request went from.
    Size(u64),
    /// Anything else.
    Refused(StatusCode),
}

/// Tells every witness of logs with a new checkpoint.
pub(super) fn wake(witnesses: &[Arc<Asked>], merchants: impl Iterator<Item = MerchantId> + Clone) {
    for witness in witnesses {
        witness.waiting().extend(merchants.clone());
        witness.woken.notify_one();
    }
}

impl Service {
    /// Asks every witness for cosignatures until the task is dropped.
    pub async fn ask_witnesses_for_ever(self: Arc<Self>) {
        let mut tasks = tokio::task::JoinSet::new();
        for witness in &self.ledger.witnesses {
            tasks.spawn(Arc::clone(&self).ask_for_ever(Arc::clone(witness)));
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn ask_for_ever(self: Arc<Self>, witness: Arc<Asked>) {
        // Every log that was signed before this process began, the operator's own among them.
        match log_of(None) {
            Ok(operator) => _ = witness.waiting().insert(operator),
            Err(error) => tracing::error!(%error, "the operator's log is not shown to the witness before it grows"),
        }
        let merchants = self.snapshot.load().tenants.keys().cloned().collect::<Vec<_>>();
        witness.waiting().extend(merchants);
        let mut pause = PAUSE;
        loop {
            let mut failed = false;
            let round = std::mem::take(&mut *witness.waiting());
            for merchant in round {
                let (service, asked, of) = (Arc::clone(&self), Arc::clone(&witness), merchant.clone());
                let answered = tokio::task::spawn_blocking(move || service.ask(&asked, &of)).await;
                let error = match answered {
                    Ok(Ok(())) => continue,
                    Ok(Err(error)) => format!("{error:#}"),
                    Err(_) => "asking was broken off".to_owned(),
                };
                failed = true;
                tracing::warn!(witness = %witness.key().name(), %merchant, error, "a witness has not cosigned; it is asked again");
                witness.waiting().insert(merchant);
            }
            pause = if failed { (pause * 2).min(PAUSE_MAX) } else { PAUSE };
            tokio::time::sleep(pause).await;
            if witness.waiting().is_empty() {
                witness.woken.notified().await;
            }
        }
    }

    /// Asks a witness for its signature of a log's newest checkpoint, where it has not signed it yet.
    fn ask(&self, witness: &Asked, merchant: &MerchantId) -> Result<()> {
        // Once with what is known, once with what the witness states.
        for _ in 0..2 {
            let known = witness.sizes().get(merchant).copied();
            let Some((row, request)) = self.request(witness, merchant, known)? else { return Ok(()) };
            match witness.post(&request).inspect_err(|_| self.metrics.observe_witness(Witnessed::Unreachable))? {
                Answer::Signed(lines) => {
                    self.keep_cosignature(witness, merchant, &row, &lines)?;
                    self.metrics.observe_witness(Witnessed::Cosigned);
                    return Ok(());
                }
                Answer::Size(size) => {
                    let records = self.store.read(|reads| reads.log_size(merchant))?;
                    if size > records {
                        self.metrics.observe_witness(Witnessed::Fork);
                        bail!("it has signed {size} records of this log, but only {records} are there: the database was set back");
                    }
                    self.metrics.observe_witness(Witnessed::Conflict);
                    witness.sizes().insert(merchant.clone(), size);
                }
                Answer::Refused(status @ StatusCode::UNPROCESSABLE_ENTITY) => {
                    self.metrics.observe_witness(Witnessed::Fork);
                    bail!("it answers {status}: what it has signed before is not the beginning of this log");
                }
                Answer::Refused(status @ StatusCode::NOT_FOUND) => {
                    self.metrics.observe_witness(Witnessed::Refused);
                    bail!("it answers {status}: it does not know the log `{}`", self.ledger.keys()?.operator().of_merchant(merchant));
                }
                Answer::Refused(status) => {
                    self.metrics.observe_witness(Witnessed::Refused);
                    bail!("it answers {status}");
                }
            }
        }
        bail!("it states another size each time");
    }

    /// The request for a log's newest checkpoint from what the witness has; none where it has this one already.
    fn request(&self, witness: &Asked, merchant: &MerchantId, known: Option<u64>) -> Result<Option<(CheckpointRow, AddCheckpoint)>> {
        self.store.read(|reads| {
            let Some(row) = reads.checkpoint(merchant)? else { return Ok(None) };
            let line = witness.key().to_string();
            if reads.cosignatures(merchant, row.size)?.iter().any(|cosignature| cosignature.witness == line) {
                return Ok(None);
            }
            let old_size = known.map_or_else(|| reads.cosigned_size(merchant, &line), Ok)?;
            if old_size > row.size {
                // It has signed one that is not kept here any more, or not yet: the next round has it.
                bail!("it has signed {old_size} records, the newest checkpoint has {}", row.size);
            }
            let proof = proof::prove_consistency(&log_hashes(reads, merchant, row.size), old_size, row.size);
            let proof = proof.map_err(|error| StoreError::Damaged(format!("the log of `{merchant}`: {error}")))?;
            let checkpoint = row.note.clone();
            Ok(Some((row, AddCheckpoint { old_size, proof, checkpoint })))
        })
    }

    fn keep_cosignature(&self, witness: &Asked, merchant: &MerchantId, row: &CheckpointRow, lines: &str) -> Result<()> {
        let note = Note::parse(&row.note)?;
        let signatures = good_signatures(lines, &note, witness.key()).inspect_err(|_| self.metrics.observe_witness(Witnessed::Refused))?;
        witness.sizes().insert(merchant.clone(), row.size);
        let kept = signatures.first().map(|signature| CosignatureRow {
            size: row.size,
            witness: witness.key().to_string(),
            line: signature.to_string(),
        });
        let Some(kept) = kept else { return Ok(()) };
        let of = merchant.clone();
        self.writer.wait(move |group| group.put_cosignature(&of, &kept)).map_err(|error| anyhow!("{error}"))?;
        // While nothing is signed, so that no older note replaces a newer one.
        let _standing = self.ledger.standing.lock().unwrap_or_else(PoisonError::into_inner);
        self.publish_newest(merchant)
    }
}
