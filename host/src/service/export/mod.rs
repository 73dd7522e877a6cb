//! Exports: a run of a merchant's records as a bundle that an auditor checks elsewhere ([`ombud_ledger::bundle`]).
//!
//! What is exported is what the store has. A damaged store is exported as it is, so that the check of the bundle names the
//! damage; what cannot be read at all is said in the bundle.

mod keys;
mod rows;
mod window;

use std::io::{self, Write};
use std::sync::Arc;

use ombud_core::ids::MerchantId;
use ombud_ledger::bundle::{FORMAT, Growth, Manifest, Window, Writer};
use ombud_ledger::log::proof::{RangeProof, prove_consistency};
use ombud_ledger::log::{Checkpoint, Note, SigningKey};
use ombud_store::{Reads, Store as _, log_hashes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;

use super::actor::{Principal, Right};
use super::acts::{NewAct, What};
use super::blocking;
use super::error::ServiceError;
use super::ledger::cosigned;
use super::{Service, Tenant, allowed};
pub(super) use window::at_ms;

/// Exports of the service under way at the same time.
pub const EXPORTS_MAX: usize = 8;

/// Which records are exported, and how.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExportQuery {
    /// Received at or after: RFC 3339, or a date for its beginning in the merchant's zone; without it from the beginning.
    pub from: Option<String>,
    /// Received before: RFC 3339, or a date for its beginning in the merchant's zone; without it up to now.
    pub to: Option<String>,
    /// Leave out the keys of the bodies: no text of a customer can be read, and nothing can be run again.
    pub masked: bool,
    /// The size of an earlier checkpoint that the auditor kept: the bundle has the proof that the log has grown from it, or says that the log has
    /// fewer records.
    pub checkpoint: Option<u64>,
}

/// An export's places: among its merchant's and among all. Clients that read slowly keep theirs, not everybody's.
pub struct ExportPlace {
    _own: Option<OwnedSemaphorePermit>,
    _of_all: OwnedSemaphorePermit,
}

/// An export that is ready to be written.
pub struct Export {
    service: Arc<Service>,
    manifest: Manifest,
    /// Records that the store has.
    stored: u64,
    checkpoint: String,
    proof: RangeProof,
    growth: Vec<Growth>,
    keys: Vec<SigningKey>,
    /// What could not be read so far.
    troubles: Vec<String>,
    /// Given back when the export is written.
    _place: ExportPlace,
}

impl Service {
    /// Prepares the export of a merchant's records, or of the operator's log. It is an act in the log itself, recorded before
    /// anything is given out.
    pub async fn export(self: &Arc<Self>, who: &Principal, merchant: &str, query: ExportQuery) -> Result<Export, ServiceError> {
        let log = self.log_to_export(who, merchant)?;
        if !query.masked && !who.role.may(Right::ExportText) {
            return Err(ServiceError::Forbidden { role: who.role.as_str(), what: "export the text of records: ask for a masked export" });
        }
        // A merchant that does not load is exported nevertheless, with dates in UTC as the operator's log.
        let tenant = self.snapshot.load().tenants.get(&log).cloned();
        let tz_offset_min = tenant.as_ref().map_or(0, |tenant| tenant.config.tz_offset_min);
        let window = window::window(tz_offset_min, &query)?;
        let place = self.export_place(tenant.as_deref())?;
        let mut troubles = Vec::new();
        let act = NewAct::new(who, exported(&query));
        // A window that is over by then ends before the act.
        let made_at_ms = act.at_ms;
        match self.record(&log, vec![act]).await {
            Ok(()) => {}
            // A damaged log takes no more records, and neither does a database that was set back.
            Err(ServiceError::Damaged(error)) => troubles.push(format!("the export could not be recorded as an act: {error}")),
            Err(ServiceError::Internal(error)) => troubles.push(format!("the export could not be recorded as an act: {error:#}")),
            Err(error) => return Err(error),
        }
        let service = Arc::clone(self);
        troubles.extend(self.loss_of(&log).map(|loss| format!("the log does not go on from its published checkpoint: {loss}")));
        blocking(move || service.plan(log, (window, made_at_ms), &query, troubles, place)).await
    }

    /// A place for one more export.
    pub(super) fn export_place(&self, tenant: Option<&Tenant>) -> Result<ExportPlace, ServiceError> {
        Ok(ExportPlace {
            _own: tenant.map(Tenant::export_place).transpose()?,
            _of_all: (self.exports.clone().try_acquire_owned())
                .map_err(|_| ServiceError::Unavailable("too many exports are under way: try again later"))?,
        })
    }

    /// The log that a caller may export. It need not be one that is loaded: what is damaged is exported as well.
    fn log_to_export(&self, who: &Principal, merchant: &str) -> Result<MerchantId, ServiceError> {
        let unknown = || ServiceError::NotFound("merchant");
        let id = MerchantId::new(merchant).map_err(|_| unknown())?;
        if who.merchant.as_ref().is_some_and(|own| *own != id) || self.store.read(|reads| reads.merchant(&id))?.is_none() {
            return Err(unknown());
        }
        allowed(who, Right::Export, "export records")?;
        Ok(id)
    }

    fn plan(
        self: Arc<Self>,
        merchant: MerchantId,
        (window, made_at_ms): (Window, i64),
        query: &ExportQuery,
        mut troubles: Vec<String>,
        place: ExportPlace,
    ) -> Result<Export, ServiceError> {
        if let Err(error) = self.sign_now() {
            tracing::warn!(%merchant, error = format!("{error:#}"), "the log is not signed: its export ends at the checkpoint before");
            troubles.push(format!("the log could not be signed up to now: {error:#}"));
        }
        let keys = self.ledger.keys()?;
        let (origin, keys) = (keys.operator().of_merchant(&merchant), keys.signing_of(&merchant));
        self.store.read(|reads| {
            let (checkpoint, size) = self.newest(reads, &merchant, &mut troubles)?;
            let records = reads.log_size(&merchant)?;
            let found = reads.received_in(&merchant, window.from_ms, window.to_ms)?;
            // A log that lost its tail is exported up to where it was signed: what is missing is then named.
            let end = if window.to_ms.is_some() { found.end.min(size) } else { size };
            let manifest = Manifest {
                format: FORMAT,
                origin,
                merchant: merchant.clone(),
                window,
                records: if window.from_ms.is_some() { found.start.min(end) } else { 0 }..end,
                tree_size: size,
                masked: query.masked,
                made_at_ms,
                made_by: concat!("ombud ", env!("CARGO_PKG_VERSION")).to_owned(),
            };
            let hashes = log_hashes(reads, &merchant, size);
            let proof = RangeProof::of(&hashes, manifest.proven(), size).unwrap_or_else(|error| {
                troubles.push(format!("the proof of the records could not be made: {error}"));
                RangeProof::default()
            });
            if let Some(asked) = query.checkpoint.filter(|asked| *asked > size) {
                troubles.push(format!(
                    "no proof leads from a checkpoint of {asked} records, which was asked for: the log has {size}; it was set back, or the checkpoint \
                     is not of it"
                ));
            }
            let asked = query.checkpoint.map(|old_size| (old_size, None));
            let seen = witnessed(reads, &merchant, &manifest)?.map(|(old_size, note)| (old_size, Some(note)));
            let mut growth = Vec::new();
            for (old_size, checkpoint) in asked.into_iter().chain(seen).filter(|(old_size, _)| (1..size).contains(old_size)) {
                match prove_consistency(&hashes, old_size, size) {
                    Ok(proof) => growth.push(Growth { old_size, proof, checkpoint }),
                    Err(error) => troubles.push(format!("the proof from {old_size} records could not be made: {error}")),
                }
            }
            Ok(Export { service: Arc::clone(&self), manifest, stored: records, checkpoint, proof, growth, keys, troubles, _place: place })
        })
    }

    /// The newest checkpoint with its cosignatures, and its size. What the store says otherwise elsewhere is a trouble.
    fn newest(&self, reads: &dyn Reads, merchant: &MerchantId, troubles: &mut Vec<String>) -> Result<(String, u64), ServiceError> {
        let signed = |note: &str| Note::parse(note).ok().and_then(|note| Checkpoint::parse(note.text()).ok());
        let Some(row) = reads.checkpoint(merchant)? else {
            let note = self.ledger.published(merchant)?.ok_or(ServiceError::NotYet("no checkpoint of this log is signed yet"))?;
            let size = signed(&note).map_or(0, |checkpoint| checkpoint.size);
            troubles.push(format!("a checkpoint of {size} records was published, and there is none in the store"));
            return Ok((note, size));
        };
        let note = cosigned(reads, merchant, &row).unwrap_or_else(|error| {
            troubles.push(error.to_string());
            row.note.clone()
        });
        let Some(checkpoint) = signed(&row.note) else { return Ok((note, row.size)) };
        if checkpoint.size != row.size || checkpoint.root != row.root {
            troubles.push(format!(
                "the newest checkpoint is listed with another size or root than it says: {} records, {}",
                row.size, row.root
            ));
        }
        match reads.frontier(merchant) {
            Ok(tree) if tree.size() == checkpoint.size && tree.root() != checkpoint.root => {
                troubles.push(format!(
                    "the tree of {} records in the store has the root {}, the checkpoint another",
                    tree.size(),
                    tree.root()
                ));
            }
            Ok(_) => {}
            Err(error) => troubles.push(error.to_string()),
        }
        Ok((note, checkpoint.size))
    }
}

/// The newest checkpoint after the run that a witness has signed, with its size; those inside the run stand among the records.
/// The latest of all is too new for any witness, because the export itself is its last record.
fn witnessed(reads: &dyn Reads, merchant: &MerchantId, manifest: &Manifest) -> Result<Option<(u64, String)>, ServiceError> {
    const PAGE: u32 = 64;
    let (mut next, mut newest) = (manifest.proven().end.saturating_add(1), None);
    loop {
        let rows = reads.checkpoints(merchant, next, PAGE)?;
        let Some(last) = rows.last() else { break };
        next = last.size.saturating_add(1);
        let full = rows.len() == PAGE as usize;
        for row in rows.into_iter().filter(|row| row.size < manifest.tree_size) {
            if !reads.cosignatures(merchant, row.size)?.is_empty() {
                newest = Some(row);
            }
        }
        if !full {
            break;
        }
    }
    newest.map(|row| Ok((row.size, cosigned(reads, merchant, &row)?))).transpose()
}

/// The act of an export.
fn exported(query: &ExportQuery) -> What {
    What::Exported { from: query.from.clone(), to: query.to.clone(), masked: query.masked }
}

impl Export {
    /// What the bundle will claim.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Writes the bundle. It takes as long as the output takes it.
    ///
    /// # Errors
    /// The output's.
    pub fn write(self, out: impl Write) -> io::Result<()> {
        let mut writer = Writer::begin(out, &self.manifest, &self.checkpoint, &self.proof)?;
        for growth in &self.growth {
            writer.growth(growth)?;
        }
        for trouble in &self.troubles {
            writer.trouble(trouble)?;
        }
        rows::write(&self, &mut writer)?;
        writer.finish(&self.keys).map(|_| ())
    }
}
