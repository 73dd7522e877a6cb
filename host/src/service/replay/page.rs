//! Decisions read together with what opens them: one read of the store for many, which are then opened and run without it.

use std::collections::HashMap;
use std::sync::Arc;

use ombud_core::ids::MerchantId;
use ombud_ledger::keys::DataKey;
use ombud_ledger::{Entry, Header, id, leaf_hash};
use ombud_store::{DecisionRecord, Reads, StoreError, SubjectKey, Wanted};

use super::super::vault::{SubjectId, Vault, subjects};
use crate::replay::{Bodies, Damage, Record};

/// Decisions of one merchant with the keys of their subjects, as one snapshot of the store has them.
pub struct Page {
    merchant: MerchantId,
    rows: Vec<DecisionRecord>,
    keys: HashMap<SubjectId, SubjectKey>,
    opened: HashMap<SubjectId, Result<Arc<DataKey>, String>>,
}

impl Page {
    /// Reads up to `count` wanted decisions.
    pub fn read(reads: &dyn Reads, merchant: &MerchantId, wanted: &Wanted, count: u32) -> Result<Self, StoreError> {
        let rows = reads.decisions(merchant, wanted, count)?;
        let mut keys = HashMap::new();
        for row in &rows {
            for subject in of(row) {
                if !keys.contains_key(&subject) {
                    keys.insert(subject.clone(), reads.subject_key(merchant, subject.as_subject())?);
                }
                if matches!(keys.get(&subject), Some(SubjectKey::Wrapped(_))) {
                    break;
                }
            }
        }
        Ok(Self { merchant: merchant.clone(), rows, keys, opened: HashMap::new() })
    }

    /// The place behind the last decision; none if there is no decision.
    pub fn end(&self) -> Option<u64> {
        self.rows.last().map(|row| row.seq + 1)
    }

    /// Its decisions as stored.
    pub fn rows(&self) -> &[DecisionRecord] {
        &self.rows
    }

    /// How many decisions it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Opens every record and hands it to `run`, in the order of the log, until that says to stop.
    pub fn each<E>(
        mut self,
        vault: &Vault,
        mut run: impl FnMut(&DecisionRecord, Result<Record, Damage>) -> Result<bool, E>,
    ) -> Result<(), E> {
        for row in std::mem::take(&mut self.rows) {
            let record = self.open(vault, &row);
            if !run(&row, record)? {
                break;
            }
        }
        Ok(())
    }

    /// The same with some together, which are opened one after the other before they are handed over.
    pub fn together<E>(
        mut self,
        vault: &Vault,
        count: usize,
        mut run: impl FnMut(&[DecisionRecord], Vec<Result<Record, Damage>>) -> Result<bool, E>,
    ) -> Result<(), E> {
        for rows in std::mem::take(&mut self.rows).chunks(count) {
            let records = rows.iter().map(|row| self.open(vault, row)).collect();
            if !run(rows, records)? {
                break;
            }
        }
        Ok(())
    }

    fn open(&mut self, vault: &Vault, row: &DecisionRecord) -> Result<Record, Damage> {
        let Some(stored) = &row.record else { return Err(Damage::Missing(row.seq)) };
        if leaf_hash(&stored.header) != row.leaf {
            return Err(Damage::Leaf);
        }
        let mut keys = Vec::with_capacity(1);
        for subject in of(row) {
            match self.keys.get(&subject) {
                Some(SubjectKey::Wrapped(wrapped)) => {
                    let unwrap = || vault.unwrap(&self.merchant, &subject, wrapped).map_err(|error| error.to_string());
                    let key = self.opened.entry(subject.clone()).or_insert_with(unwrap);
                    keys.push(key.clone().map_err(Damage::Key)?);
                    break;
                }
                Some(SubjectKey::None) | None => {}
            }
        }
        // A record that lists a customer has a key: the customer's, or the ticket's where the customer was erased before.
        let kept = row.customer.is_some();
        let keys = keys.iter().map(|key| &**key);
        let record = Record::open(&self.merchant, stored.seq, &stored.header, &stored.sealed, keys, kept, Bodies::unsealed)?;
        match listed_otherwise(row, &record.header) {
            Some(what) => Err(Damage::Listed(what)),
            None => Ok(record),
        }
    }
}

/// What of a listing that decides which decisions are found is not as the header has it: the header is what is signed.
fn listed_otherwise(row: &DecisionRecord, header: &Header) -> Option<&'static str> {
    let Entry::Decision(decision) = &header.entry else { return Some("entry") };
    if row.decision != Some(id::decision_bytes(&decision.id)) {
        return Some("decision id");
    }
    if row.kind.as_deref() != Some(decision.kind.as_str()) {
        return Some("kind");
    }
    (row.received_at_ms != header.received_at_ms).then_some("time of receipt")
}

/// Under whose keys a decision may be sealed, in the order in which they are chosen when it is made: the first that was not
/// erased.
fn of(row: &DecisionRecord) -> impl Iterator<Item = SubjectId> {
    subjects(row.customer.clone(), row.ticket.clone())
}
