//! What is administered, held against the acts that administered it: keys that were destroyed, holds, API keys, signing keys, versions,
//! rollouts, the configuration, the operator's limits and guardrail.

mod config;
mod rollouts;
mod versions;

use std::collections::{BTreeMap, BTreeSet};

use ombud_core::call_limits::OperatorLimits;
use ombud_core::kind::Kind;
use ombud_core::rollout::VersionId;
use ombud_ledger::{BodyKind, Digest, Entry, Header};
use ombud_store::{MARK, MerchantRow, Place, Reads, StoreError, TICKETS};

use self::config::Config;
use self::rollouts::Moves;
use self::versions::Versions;
use crate::replay::Record;
use crate::service::acts::{ActBody, GUARDRAIL, HOLD_LIFTED, HOLD_SET, OPERATOR, What};
use crate::service::admin::LIMITS;
use crate::service::privacy::{ACT_LOST, ErasureProof, HoldScopeView};

/// How much later than what it did an act may be timed, in milliseconds: in earlier releases it was a moment.
const LATER_MS: u64 = 60_000;

/// What acts say of one log's owner.
#[derive(Default)]
pub(super) struct Administered {
    /// The merchant's zone of now, minutes east of UTC.
    tz_offset_min: i32,
    erasures: ErasureProof,
    /// The acts from here on have the times of what they did.
    is_exact: bool,
    /// When customers were erased last, by their marks.
    erased_at: BTreeMap<String, Moment>,
    /// When retention erased, whose acts name nobody.
    retained_at: Vec<i64>,
    /// Holds that are in force.
    holds: BTreeMap<String, Hold>,
    /// Holds set less holds lifted, by their headers: the bodies of some may be erased.
    holds_in_force: i64,
    keys: BTreeMap<String, Key>,
    config: Config,
    moves: Moves,
    /// When the plans were kept last; none where no act says it.
    kept_at: Option<Moment>,
    versions: Versions,
    limits: OperatorLimits,
    guardrail: Option<String>,
    records: u64,
}

/// A hold, as the act that set it says.
struct Hold {
    scope: HoldScopeView,
    subject: Option<String>,
    by: String,
    at_ms: i64,
}

/// An API key, as the acts on it say.
struct Key {
    /// The digest of its secret; none in acts of earlier releases.
    digest: Option<String>,
    role: String,
    label: String,
    at: Moment,
    revoked_at: Option<Moment>,
}

/// When an act was recorded.
#[derive(Clone, Copy, Debug, Default)]
struct Moment {
    at_ms: i64,
    /// What it did has the same time, to the millisecond: it is of a release that records acts so.
    is_exact: bool,
}

impl Moment {
    /// Whether a time is that of what the act did.
    fn is_of(self, ms: i64) -> bool {
        ms == self.at_ms || (!self.is_exact && is_about(ms, self.at_ms))
    }
}

/// Whether a time is about that of an act.
fn is_about(is_ms: i64, says_ms: i64) -> bool {
    is_ms.abs_diff(says_ms) <= LATER_MS
}

/// Whether an act says something that only releases say which record acts with the time of what they do.
fn is_of_exact_release(act: &ActBody) -> bool {
    let says = match &act.what {
        What::KeyCreated { .. } => act.after.is_some(),
        What::PolicyUploaded { row, .. } | What::PolicyBound { row, .. } | What::SettingsChanged { row, .. } => row.is_some(),
        _ => false,
    };
    says || act.plans.is_some() || act.plans_before.is_some()
}

impl Administered {
    pub(super) fn new(tz_offset_min: i32) -> Self {
        Self { tz_offset_min, ..Self::default() }
    }

    /// Takes a record, oldest first.
    pub(super) fn record(&mut self, record: &Record, ticket: Option<&str>) {
        self.records += 1;
        let header: &Header = &record.header;
        if let Entry::Act(act) = &header.entry {
            self.holds_in_force += match act.act.as_str() {
                HOLD_SET => 1,
                HOLD_LIFTED => -1,
                _ => 0,
            };
        }
        if record.is_erased() {
            return self.erasures.erased(header, ticket);
        }
        let Some(body) = record.body(BodyKind::Act) else { return };
        self.erasures.opened(header, Some(body));
        if let Ok(act) = serde_json::from_str::<ActBody>(body) {
            self.act(act, header.seq, header.received_at_ms);
        }
    }

    fn act(&mut self, act: ActBody, seq: u64, at_ms: i64) {
        self.is_exact |= is_of_exact_release(&act);
        let at = Moment { at_ms, is_exact: self.is_exact };
        self.config.act(&act, seq, at);
        self.moves.found(&act, seq);
        if act.plans_before.is_some() {
            // The first act of a change, which keeps the plans whatever it changes.
            self.kept_at = Some(at);
        }
        match &act.what {
            What::HoldSet { hold, scope, subject } => {
                let hold_set = Hold { scope: *scope, subject: subject.clone(), by: act.actor, at_ms };
                self.holds.insert(hold.clone(), hold_set);
            }
            What::HoldLifted { hold, .. } => _ = self.holds.remove(hold),
            What::KeyCreated { key, key_role, label } => {
                let digest = act.after.clone();
                let created = Key { digest, role: key_role.as_str().to_owned(), label: label.clone(), at, revoked_at: None };
                self.keys.insert(key.clone(), created);
            }
            What::KeyRevoked { key, .. } => {
                if let Some(key) = self.keys.get_mut(key) {
                    key.revoked_at = Some(at);
                }
            }
            What::SigningKeyAdded { key, label } => self.versions.key_added(&act, key.clone(), label.clone(), at),
            What::SigningKeyRevoked { key, .. } => self.versions.key_revoked(key, at),
            What::PolicyUploaded { policy, version, kinds, settings, signing_key, row } => {
                let id = VersionId { policy: policy.clone(), version: version.clone() };
                let said = [Some(settings.clone()), signing_key.clone(), row.clone()];
                self.versions.uploaded(&act, id, kinds.clone(), said, at);
            }
            What::PolicyBound { kind, policy, version, settings, row } => {
                let id = VersionId { policy: policy.clone(), version: version.clone() };
                self.bound(&act, *kind, id, [act.after.clone(), Some(settings.clone()), row.clone()], at);
            }
            What::SettingsChanged { kind, policy, version, row } => {
                let before = self.moves.rollouts.plan(*kind).and_then(|plan| plan.active.as_ref()).map(|active| active.version.clone());
                let component = before.as_ref().and_then(|before| self.versions.component(before)).map(str::to_owned);
                // Acts of earlier releases leave out what the version is called: after the component's and the settings.
                let named = || {
                    let own = before.as_ref().and_then(|before| before.version.split('+').next()).unwrap_or_default();
                    format!("{own}+{}", act.after.as_deref().and_then(|digest| digest.get(..8)).unwrap_or_default())
                };
                let id = VersionId { policy: policy.clone(), version: version.clone().unwrap_or_else(named) };
                self.bound(&act, *kind, id, [component, act.after.clone(), row.clone()], at);
            }
            What::Rollout(rollout) => {
                self.versions.moving(&self.moves.rollouts, Some(at));
                self.moves.says(&act);
                self.moves.act(&act, rollout, (seq, at_ms), self.tz_offset_min);
            }
            What::Erasure { mark, .. } => _ = self.erased_at.insert(mark.clone(), at),
            What::RetentionApplied { .. } => self.retained_at.push(at_ms),
            What::OperatorLimitsChanged { to, .. } => self.limits = (**to).clone(),
            What::GuardrailBound { .. } => self.guardrail = act.after,
            // Held against the configuration (`config`).
            What::MerchantCreated
            | What::MerchantChanged { .. }
            | What::CapsChanged { .. }
            | What::LimitsChanged { .. }
            | What::RetentionSet { .. }
            // Held against the records that they are about (`derived`).
            | What::Override { .. }
            | What::BlacklistStep { .. }
            // Nothing stands beside the log that they changed, or it is held against what was published.
            | What::PolicyRefused { .. }
            | What::LedgerKeyRotated { .. }
            | What::LedgerKeyRetired { .. }
            | What::LossAccepted { .. }
            | What::Exported { .. }
            | What::Backtested { .. }
            | What::MasterKeyRotated { .. }
            | What::Unmasked { .. }
            | What::BackupMade { .. }
            | What::BackupRestored { .. }
            | What::SelfAuditDiverged { .. }
            | What::Viewed { .. } => {}
        }
    }

    /// A change of the merchant binds a version: it is made, where it is not there, and active.
    fn bound(&mut self, act: &ActBody, kind: Kind, id: VersionId, said: [Option<String>; 3], at: Moment) {
        self.versions.moving(&self.moves.rollouts, Some(at));
        self.moves.says(act);
        self.moves.bind(kind, &id, at.at_ms);
        self.versions.bound(kind, id, said, at);
    }

    /// Whether records are missing or could not be read: what follows from them cannot be said then.
    pub(super) fn lack_records(&self, reads: &dyn Reads, row: &MerchantRow) -> Result<bool, StoreError> {
        Ok(self.records != reads.claimed_size(&row.id)?)
    }

    /// What stands otherwise than the acts of a whole log say.
    pub(super) fn differences(mut self, reads: &dyn Reads, row: &MerchantRow) -> Result<Vec<(Place, String)>, StoreError> {
        let mut found = Vec::new();
        self.erased(reads, row, &mut found)?;
        self.keys(reads, row, &mut found)?;
        if row.id.as_str() == OPERATOR {
            self.operators(reads, row, &mut found)?;
            return Ok(found);
        }
        self.holds(reads, row, &mut found)?;
        found.extend(self.config.differences(row));
        self.versions.moving(&self.moves.rollouts, None);
        let stored = reads.rollouts(&row.id)?;
        found.extend(self.moves.moved_by_hand().map(|(seq, problem)| (Place::Record(seq), problem)));
        let plans = |problem| (Place::Row { table: "rollouts", key: row.id.to_string() }, problem);
        if self.moves.left(stored.as_deref()) || self.moves.is_unsaid() {
            self.versions.stand(stored.as_deref());
        } else {
            found.extend(self.moves.broken().map(|(seq, problem)| (Place::Record(seq), problem)));
        }
        found.extend(self.moves.differences(stored.as_deref()).into_iter().map(plans));
        let changed_at_ms = reads.rollouts_changed_at(&row.id)?;
        if let (Some(is), Some(says)) = (changed_at_ms, self.kept_at)
            && !says.is_of(is)
        {
            found.push(plans("it was changed last at another time than the act says".to_owned()));
        }
        found.extend(self.versions.differences(reads, row)?);
        Ok(found)
    }

    /// The values that the operator's acts set.
    fn operators(&self, reads: &dyn Reads, row: &MerchantRow, found: &mut Vec<(Place, String)>) -> Result<(), StoreError> {
        if row.config != "{}" {
            let place = Place::Row { table: "merchants", key: row.id.to_string() };
            found.push((place, "the operator has no configuration".to_owned()));
        }
        let mut tell = |key: &str, problem: &str| {
            found.push((Place::Row { table: "operator_values", key: key.to_owned() }, problem.to_owned()));
        };
        let bound = reads.value(GUARDRAIL)?.and_then(|bytes| bytes.try_into().ok()).map(|bytes| Digest(bytes).to_string());
        if bound != self.guardrail {
            tell(GUARDRAIL, "it is another guardrail than the one that the acts bound last");
        }
        let limits = reads.value(LIMITS)?.map_or_else(|| Ok(OperatorLimits::default()), |json| serde_json::from_slice(&json));
        if limits.ok().as_ref() != Some(&self.limits) {
            tell(LIMITS, "they are other limits than the acts set last");
        }
        Ok(())
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
        for (mark, at_ms) in reads.erased_marks(&row.id)? {
            let is_retained = || self.retained_at.iter().any(|own| is_about(at_ms, *own));
            if !self.erased_at.get(&mark).is_some_and(|own| own.is_of(at_ms)) && !is_retained() {
                found.push((Place::Key(format!("`{mark}`")), "it was destroyed at another time than an act says".to_owned()));
            }
        }
        for seq in self.erasures.acts_lost() {
            found.push((Place::Record(seq), ACT_LOST.to_owned()));
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
            let Some(key) = said.remove(row.key_id.as_str()) else {
                tell("no act created it");
                continue;
            };
            let is_named_after = |id: &str| row.hash.to_string().starts_with(id);
            if !row.key_id.strip_prefix("k_").is_some_and(is_named_after)
                || key.digest.as_ref().is_some_and(|own| *own != row.hash.to_string())
            {
                tell("its secret is another one's");
            }
            if (&row.role, &row.actor) != (&key.role, &key.label) {
                tell("its role or label is another than the act that created it says");
            }
            if !key.at.is_of(row.created_at_ms) {
                tell("it was created at another time than the act says");
            }
            match (row.revoked_at_ms, key.revoked_at) {
                (Some(_), None) => tell("it is revoked, and no act did that"),
                (None, Some(_)) => tell("it is in force, and an act revoked it"),
                (Some(is), Some(says)) if !says.is_of(is) => tell("it was revoked at another time than the act says"),
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
                Some(hold) if (hold.scope, &hold.subject) != (row.scope.into(), &row.subject) => {
                    tell("it holds something else than the act that set it says")
                }
                Some(hold) if (&hold.by, hold.at_ms) != (&row.set_by, row.set_at_ms) => tell("somebody else set it, or at another time"),
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
}

fn key_row(id: &str) -> Place {
    Place::Row { table: "api_keys", key: id.to_owned() }
}

fn hold_row(id: &str) -> Place {
    Place::Row { table: "holds", key: id.to_owned() }
}
