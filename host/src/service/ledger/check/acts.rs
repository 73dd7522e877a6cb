//! What is administered, held against the acts that administered it: keys that were destroyed, holds, API keys, caps, limits,
//! retention and the guardrail.

use std::collections::{BTreeMap, BTreeSet};

use ombud_core::call_limits::SomeLimits;
use ombud_core::caps::CapLimits;
use ombud_core::merchant::MerchantConfig;
use ombud_ledger::{BodyKind, Digest, Entry, Header};
use ombud_store::{MARK, MerchantRow, Place, Reads, StoreError, TICKETS};

use crate::replay::Record;
use crate::service::acts::{ActBody, GUARDRAIL, OPERATOR, What};
use crate::service::privacy::{ErasureProof, HoldScopeView};
use crate::service::snapshot::MerchantDocument;

/// What acts say of one log's owner.
#[derive(Default)]
pub(super) struct Administered {
    erasures: ErasureProof,
    /// Holds that are in force.
    holds: BTreeMap<String, (HoldScopeView, Option<String>)>,
    /// Holds set less holds lifted, by their headers: the bodies of some may be erased.
    holds_in_force: i64,
    /// Role, label, and whether it was revoked.
    keys: BTreeMap<String, (String, String, bool)>,
    caps: CapLimits,
    limits: SomeLimits,
    retention_days: Option<u32>,
    guardrail: Option<String>,
    records: u64,
}

impl Administered {
    /// Takes a record, oldest first.
    pub(super) fn record(&mut self, record: &Record, ticket: Option<&str>) {
        self.records += 1;
        let header: &Header = &record.header;
        if let Entry::Act(act) = &header.entry {
            self.holds_in_force += match act.act.as_str() {
                "hold.set" => 1,
                "hold.lifted" => -1,
                _ => 0,
            };
        }
        if record.is_erased() {
            return self.erasures.erased(header, ticket);
        }
        let Some(body) = record.body(BodyKind::Act) else { return };
        self.erasures.opened(header, Some(body));
        let Ok(act) = serde_json::from_str::<ActBody>(body) else { return };
        match act.what {
            What::HoldSet { hold, scope, subject } => _ = self.holds.insert(hold, (scope, subject)),
            What::HoldLifted { hold, .. } => _ = self.holds.remove(&hold),
            What::KeyCreated { key, key_role, label } => _ = self.keys.insert(key, (key_role.as_str().to_owned(), label, false)),
            What::KeyRevoked { key, .. } => {
                if let Some(key) = self.keys.get_mut(&key) {
                    key.2 = true;
                }
            }
            What::CapsChanged { to, .. } => self.caps = to,
            What::LimitsChanged { to, .. } => self.limits = to,
            What::RetentionSet { to_days, .. } => self.retention_days = to_days,
            What::GuardrailBound { .. } => self.guardrail = act.after,
            _ => {}
        }
    }

    /// What stands otherwise than the acts say. Nothing is said of a log that lacks a record: it may be the act.
    pub(super) fn differences(self, reads: &dyn Reads, row: &MerchantRow) -> Result<Vec<(Place, String)>, StoreError> {
        if self.records != reads.claimed_size(&row.id)? {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        self.erased(reads, row, &mut found)?;
        self.keys(reads, row, &mut found)?;
        if row.id.as_str() == OPERATOR {
            let bound = reads.value(GUARDRAIL)?.and_then(|bytes| bytes.try_into().ok()).map(|bytes| Digest(bytes).to_string());
            if bound != self.guardrail {
                let place = Place::Row { table: "operator_values", key: GUARDRAIL.to_owned() };
                found.push((place, "it is another guardrail than the one that the acts bound last".to_owned()));
            }
            return Ok(found);
        }
        self.holds(reads, row, &mut found)?;
        self.config(row, &mut found);
        Ok(found)
    }

    fn erased(&self, reads: &dyn Reads, row: &MerchantRow, found: &mut Vec<(Place, String)>) -> Result<(), StoreError> {
        let there: BTreeSet<String> = reads.destroyed_keys(&row.id)?.into_iter().collect();
        let (marks, others): (BTreeSet<String>, BTreeSet<String>) =
            there.into_iter().partition(|subject| subject.starts_with(MARK) && subject != TICKETS);
        for subject in others.into_iter().filter(|subject| subject != TICKETS) {
            found.push((Place::Key(format!("`{subject}`")), "it was destroyed, and no act does that in this way".to_owned()));
        }
        let (unsaid, missing) = self.erasures.marks(&marks);
        for mark in unsaid {
            found.push((Place::Key(format!("`{mark}`")), "it was destroyed, and no act says that a customer was erased".to_owned()));
        }
        for mark in missing {
            found
                .push((Place::Key(format!("`{mark}`")), "an act says that this customer was erased, and the mark is not there".to_owned()));
        }
        for seq in self.erasures.unaccounted() {
            found.push((
                Place::Record(seq),
                "nobody can open its bodies, and no act after it erased anything: its key was lost or destroyed by hand".to_owned(),
            ));
        }
        found.extend(self.erasures.too_many().map(|problem| (Place::Database, problem)));
        Ok(())
    }

    fn keys(&self, reads: &dyn Reads, row: &MerchantRow, found: &mut Vec<(Place, String)>) -> Result<(), StoreError> {
        let owner = Some(&row.id).filter(|id| id.as_str() != OPERATOR);
        let mut said: BTreeMap<&str, _> = self.keys.iter().map(|(id, key)| (id.as_str(), key)).collect();
        let rows = reads.api_keys(owner)?;
        for row in &rows {
            let mut tell = |problem: &str| found.push((key_row(&row.key_id), problem.to_owned()));
            let Some((role, label, revoked)) = said.remove(row.key_id.as_str()) else {
                tell("no act created it");
                continue;
            };
            if !row.key_id.strip_prefix("k_").is_some_and(|id| row.hash.to_string().starts_with(id)) {
                tell("its secret is another one's");
            }
            if (&row.role, &row.actor) != (role, label) {
                tell("its role or label is another than the act that created it says");
            }
            match (row.revoked_at_ms, revoked) {
                (Some(_), false) => tell("it is revoked, and no act did that"),
                (None, true) => tell("it is in force, and an act revoked it"),
                _ => {}
            }
        }
        found.extend(said.into_keys().map(|id| (key_row(id), "an act created it, and it is not there".to_owned())));
        Ok(())
    }

    fn holds(&self, reads: &dyn Reads, row: &MerchantRow, found: &mut Vec<(Place, String)>) -> Result<(), StoreError> {
        let rows = reads.holds(&row.id)?;
        for row in &rows {
            let mut tell = |problem: &str| found.push((hold_row(&row.hold_id), problem.to_owned()));
            match self.holds.get(&row.hold_id) {
                None => tell("no act set it, or one lifted it"),
                Some((scope, subject)) if (*scope, subject) != (row.scope.into(), &row.subject) => {
                    tell("it holds something else than the act that set it says")
                }
                Some(_) => {}
            }
        }
        let there: BTreeSet<&str> = rows.iter().map(|row| row.hold_id.as_str()).collect();
        // An act about whom was erased since cannot be read: what it lifted is among those that are missing.
        let missing: Vec<&String> = self.holds.keys().filter(|id| !there.contains(id.as_str())).collect();
        if self.holds_in_force > i64::try_from(rows.len()).unwrap_or(i64::MAX) {
            match missing.as_slice() {
                [] => found.push((
                    Place::Row { table: "holds", key: "?".to_owned() },
                    "a hold is gone that no act lifted; whom it held was erased since".to_owned(),
                )),
                missing => found
                    .extend(missing.iter().map(|id| (hold_row(id), "an act set it and none lifted it, and it is not there".to_owned()))),
            }
        }
        Ok(())
    }

    fn config(&self, row: &MerchantRow, found: &mut Vec<(Place, String)>) {
        let place = || Place::Row { table: "merchants", key: row.id.to_string() };
        let document = serde_json::from_str::<MerchantDocument>(&row.config).ok();
        let config = document.and_then(|document| MerchantConfig::parse(document.config.to_string().as_bytes()).ok());
        let Some(config) = config else { return found.push((place(), "its configuration cannot be read".to_owned())) };
        for (differs, what) in [
            (config.caps != self.caps, "caps"),
            (config.limits != self.limits, "limits"),
            (config.retention_days != self.retention_days, "days of retention"),
        ] {
            if differs {
                found.push((place(), format!("its {what} are others than the acts set last")));
            }
        }
    }
}

fn key_row(id: &str) -> Place {
    Place::Row { table: "api_keys", key: id.to_owned() }
}

fn hold_row(id: &str) -> Place {
    Place::Row { table: "holds", key: id.to_owned() }
}
