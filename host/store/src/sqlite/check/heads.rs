//! The heads of one log: the stored edge of the tree, checkpoints, cosignatures, and what was published outside.

use std::collections::HashMap;

use ombud_core::ids::MerchantId;
use ombud_ledger::Digest;
use ombud_ledger::log::note::{KeptNoteError, parse_signatures};
use ombud_ledger::log::tile::encode_tile;
use ombud_ledger::log::{Checkpoint, Frontier, Note, VerifierKey, VerifierKeys, cosignature};

use super::cells::{bytes, count, digest, number as integer, text};
use super::{Check, Written};
use crate::check::{Place, Publication};
use crate::sqlite::ledger::signed;

/// A record that no checkpoint signs is told where one that was received so much later, and written later, is signed, in milliseconds: a
/// server signs every second what has grown, of every log.
pub(super) const UNSIGNED_MS_MAX: i64 = 60_000;

/// What is signed of one log, and what its records gave at these sizes.
pub(super) struct Heads {
    merchant: MerchantId,
    /// The keys of this log; none where the data directory has none.
    keys: Option<VerifierKeys>,
    /// By size, in ascending order.
    checkpoints: Vec<Stored>,
    published: Option<Publication>,
    /// The size and root of the published checkpoint, if it is one.
    published_head: Option<Checkpoint>,
    /// The roots that the records have at the sizes that are signed.
    roots: HashMap<u64, Digest>,
}

struct Stored {
    size: u64,
    root: Option<Digest>,
    note: String,
}

impl Heads {
    pub(super) fn read(check: &mut Check<'_>, number: i64, merchant: &MerchantId) -> rusqlite::Result<Self> {
        let mut query = check.db.prepare("SELECT size, root, note FROM checkpoints WHERE merchant_no = ?1 ORDER BY size")?;
        let rows = query.query_map([number], |row| {
            Ok(Stored { size: count(row, 0)?.unwrap_or(u64::MAX), root: digest(row, 1)?, note: text(row, 2)?.unwrap_or_default() })
        })?;
        let checkpoints = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        let keys = check.asked.keys.map(|keys| keys.of_merchant(merchant));
        let published = (check.asked.published)(merchant);
        let open = |note: &String| Checkpoint::open(note, keys.as_ref()?.as_slice()).ok();
        let published_head = published.as_ref().map(|published| &published.note).and_then(open);
        Ok(Self { merchant: merchant.clone(), keys, checkpoints, published, published_head, roots: HashMap::new() })
    }

    /// Takes the tree's root where something was signed at this size.
    pub(super) fn reached(&mut self, tree: &Frontier) {
        let wanted = self.checkpoints.binary_search_by_key(&tree.size(), |stored| stored.size).is_ok()
            || self.published_head.as_ref().is_some_and(|head| head.size == tree.size());
        if wanted {
            self.roots.insert(tree.size(), tree.root());
        }
    }

    /// Compares what is stored with what the records gave.
    pub(super) fn conclude(self, check: &mut Check<'_>, number: i64, tree: &Frontier) -> rusqlite::Result<()> {
        let name = Some(self.merchant.as_str());
        self.edge(check, number, tree)?;
        let mut witnesses = Vec::new();
        for stored in &self.checkpoints {
            check.report.checkpoints += 1;
            if let Err(problem) = self.checkpoint(stored) {
                check.report.found(name, Place::Checkpoint(stored.size), problem);
            }
            self.cosignatures(check, number, stored, &mut witnesses)?;
        }
        let mut query = check.db.prepare(
            "SELECT size, witness FROM cosignatures c WHERE merchant_no = ?1
             AND NOT EXISTS (SELECT 1 FROM checkpoints p WHERE p.merchant_no = c.merchant_no AND p.size = c.size)",
        )?;
        let mut rows = query.query([number])?;
        while let Some(row) = rows.next()? {
            let place = Place::Cosignature { size: count(row, 0)?.unwrap_or(u64::MAX), witness: text(row, 1)?.unwrap_or_default() };
            check.report.found(name, place, "there is no such checkpoint");
        }
        if let Err(problem) = self.published(tree, &witnesses) {
            check.report.found(name, Place::Published, problem);
        }
        self.unsigned(check, number, tree)
    }

    /// The first record that no checkpoint signs, if much later ones are there.
    fn unsigned(&self, check: &mut Check<'_>, number: i64, tree: &Frontier) -> rusqlite::Result<()> {
        let first = self.checkpoints.last().map_or(0, |newest| newest.size);
        if first >= tree.size() {
            return Ok(());
        }
        let sql = "SELECT record_no, received_at_ms FROM entries WHERE merchant_no = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1";
        let mut query = check.db.prepare_cached(sql)?;
        let own = query.query_map((number, signed(first)), written)?.next().transpose()?.flatten();
        drop(query);
        let (Some(own), Some(newest)) = (own, check.signed_last()?) else { return Ok(()) };
        let later_ms = newest.received_at_ms.saturating_sub(own.received_at_ms);
        if newest.record_no > own.record_no && later_ms > UNSIGNED_MS_MAX {
            let problem = format!(
                "no checkpoint signs it or what follows it, although what was received up to {} s later is signed: what signed it was removed. Hold \
                 the log against a checkpoint that is kept elsewhere",
                later_ms / 1_000
            );
            check.report.found(Some(self.merchant.as_str()), Place::Record(first), problem);
        }
        Ok(())
    }

    /// The tree's edge as stored.
    fn edge(&self, check: &mut Check<'_>, number: i64, tree: &Frontier) -> rusqlite::Result<()> {
        let mut query = check.db.prepare("SELECT size, edge FROM logs WHERE merchant_no = ?1")?;
        let mut rows = query.query([number])?;
        let problem = match rows.next()? {
            None if tree.size() == 0 => None,
            None => Some(format!("it is missing, although there are {} records", tree.size())),
            Some(row) => match (count(row, 0)?, bytes(row, 1)?) {
                (Some(size), _) if size > tree.size() => {
                    Some(format!("it has {size} records, but only {} are there: the last ones are missing", tree.size()))
                }
                (Some(size), Some(edge)) if size == tree.size() && edge == encode_tile(tree.edge()) => None,
                (Some(size), _) if size == tree.size() => Some("its edge is not that of the records".to_owned()),
                (size, _) => {
                    let size = size.map_or_else(|| "no number of".to_owned(), |size| size.to_string());
                    Some(format!("it has {size} records, but {} are there", tree.size()))
                }
            },
        };
        if let Some(problem) = problem {
            check.report.found(Some(self.merchant.as_str()), Place::Tree, problem);
        }
        Ok(())
    }

    fn checkpoint(&self, stored: &Stored) -> Result<(), String> {
        let keys = self.keys.as_ref().ok_or("there is no key to check it with")?;
        let signed = Checkpoint::open(&stored.note, keys.as_slice()).map_err(|error| error.to_string())?;
        Note::kept(&stored.note, keys.as_slice()).map_err(|error| error.to_string())?;
        if signed.size != stored.size || Some(signed.root) != stored.root {
            return Err("size or root differ from the signed ones".to_owned());
        }
        match self.roots.get(&stored.size) {
            Some(root) if *root == signed.root => Ok(()),
            Some(_) => Err("its root is not that of the records".to_owned()),
            None => Err("the records do not reach it".to_owned()),
        }
    }

    fn cosignatures(&self, check: &mut Check<'_>, number: i64, stored: &Stored, witnesses: &mut Vec<VerifierKey>) -> rusqlite::Result<()> {
        let mut query = check.db.prepare_cached("SELECT witness, line FROM cosignatures WHERE merchant_no = ?1 AND size = ?2")?;
        let size = i64::try_from(stored.size).unwrap_or(i64::MAX);
        let rows = query.query_map((number, size), |row| Ok((text(row, 0)?.unwrap_or_default(), text(row, 1)?.unwrap_or_default())))?;
        let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        drop(query);
        for (witness, line) in rows {
            check.report.cosignatures += 1;
            match cosignature_of(&stored.note, &witness, &line) {
                Ok(key) if witnesses.contains(&key) => {}
                Ok(key) => witnesses.push(key),
                Err(problem) => {
                    check.report.found(Some(self.merchant.as_str()), Place::Cosignature { size: stored.size, witness }, problem)
                }
            }
        }
        Ok(())
    }

    fn published(&self, tree: &Frontier, witnesses: &[VerifierKey]) -> Result<(), String> {
        let Some(Publication { note, before }) = &self.published else {
            let signed = self.checkpoints.last().map(|newest| newest.size);
            return signed.map_or(Ok(()), |size| Err(format!("there is none, although {size} records were signed")));
        };
        let keys = self.keys.as_ref().ok_or("there is no key to check it with")?;
        let head = Checkpoint::open(note, keys.as_slice()).map_err(|error| error.to_string())?;
        // A server went on while its database was read.
        if !before && self.checkpoints.last().is_none_or(|newest| newest.size < head.size) {
            return Ok(());
        }
        // Whatever else has signed it: a witness that came later is not known to a database that was set back.
        let missing = match head.size.saturating_sub(tree.size()) {
            0 => String::new(),
            missing => format!("; {} records are there, and {missing} are missing", tree.size()),
        };
        if self.checkpoints.last().is_none_or(|newest| newest.size < head.size) {
            let published = format!("{} records were published, but no such checkpoint is stored", head.size);
            return Err(format!("{published}: the database was set back{missing}"));
        }
        if !missing.is_empty() {
            return Err(format!("{} records were published: the database was set back{missing}", head.size));
        }
        Note::published(note, keys.as_slice(), witnesses).map_err(|error| match &error {
            KeptNoteError::Stranger { .. } => {
                format!("{error}: somebody wrote that, or it is a witness, and the database was set back to before its signature")
            }
            _ => error.to_string(),
        })?;
        match self.roots.get(&head.size) {
            Some(root) if *root == head.root => Ok(()),
            None if head.size == 0 => Ok(()),
            _ => Err(format!("the first {} records are not those that were published", head.size)),
        }
    }
}

/// When and in which order a record was written.
pub(super) fn written(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Written>> {
    let (record_no, received_at_ms) = (integer(row, 0)?, integer(row, 1)?);
    Ok(record_no.zip(received_at_ms).map(|(record_no, received_at_ms)| Written { record_no, received_at_ms }))
}

/// The witness's key, where its line is a good signature of the checkpoint.
fn cosignature_of(note: &str, witness: &str, line: &str) -> Result<VerifierKey, String> {
    let key: VerifierKey = witness.parse().map_err(|error| format!("its key is damaged: {error}"))?;
    let note = Note::parse(note).map_err(|error| error.to_string())?;
    let signatures = parse_signatures(&format!("{line}\n")).map_err(|error| error.to_string())?;
    match &signatures[..] {
        [signature] if signature.to_string() != line => Err("it is not spelled as it was signed".to_owned()),
        [signature] if cosignature::verify(&key, note.text(), signature).is_some() => Ok(key),
        _ => Err("it is not the witness's signature of this checkpoint".to_owned()),
    }
}
