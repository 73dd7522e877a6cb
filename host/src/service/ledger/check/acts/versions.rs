//! Versions and the keys that sign them, as the acts made them.

use std::collections::BTreeMap;

use ombud_core::kind::Kind;
use ombud_core::rollout::{Rollouts, VersionId};
use ombud_ledger::Digest;
use ombud_store::{MerchantRow, Place, Reads, SigningKeyRow, StoreError, VersionRow, VersionState};

use super::Moment;
use crate::service::acts::ActBody;
use crate::service::rollout::state_of;
use crate::service::versions;
use crate::service::wire::SignatureStatus;

/// The versions that the acts made, and where the plans put them.
#[derive(Default)]
pub(super) struct Versions {
    made: BTreeMap<VersionId, Made>,
    keys: BTreeMap<String, Key>,
    /// The moment of a change of the plans that is not over: all of its acts have the same.
    moving: Option<Moment>,
}

/// One version, as the act that made it says.
struct Made {
    component: Option<String>,
    settings: Option<String>,
    kinds: Vec<String>,
    /// Label and role of whoever uploaded it; empty where it was bound and never uploaded.
    by: (String, String),
    signing_key: Option<String>,
    /// The digest of everything that is kept of it.
    row: Option<String>,
    state: VersionState,
    /// Since when it stands there; none where the acts do not say it.
    changed_at: Option<Moment>,
    /// It has been in a place since it was a draft.
    was_placed: bool,
}

/// One signing key.
struct Key {
    digest: Option<String>,
    label: String,
    by: String,
    at: Moment,
    revoked_at: Option<Moment>,
}

impl Versions {
    /// A version was bound to a kind; it is made by that unless it is there.
    pub(super) fn bound(&mut self, kind: Kind, id: VersionId, [component, settings, row]: [Option<String>; 3], at: Moment) {
        let kinds = vec![kind.as_str().to_owned()];
        self.made.entry(id).or_insert(Made {
            component,
            settings,
            kinds,
            by: Default::default(),
            signing_key: None,
            row,
            state: VersionState::Draft,
            changed_at: Some(at),
            was_placed: false,
        });
    }

    /// A version was uploaded.
    pub(super) fn uploaded(
        &mut self,
        act: &ActBody,
        id: VersionId,
        kinds: Vec<String>,
        [settings, signing_key, row]: [Option<String>; 3],
        at: Moment,
    ) {
        let by = (act.actor.clone(), act.role.map(|role| role.to_string()).unwrap_or_default());
        let (component, state) = (act.after.clone(), VersionState::Draft);
        self.made.entry(id).or_insert(Made {
            component,
            settings,
            kinds,
            by,
            signing_key,
            row,
            state,
            changed_at: Some(at),
            was_placed: false,
        });
    }

    /// The component of a version.
    pub(super) fn component(&self, id: &VersionId) -> Option<&str> {
        self.made.get(id)?.component.as_deref()
    }

    /// A signing key was registered.
    pub(super) fn key_added(&mut self, act: &ActBody, key: String, label: String, at: Moment) {
        let (digest, by) = (act.after.clone(), act.actor.clone());
        self.keys.insert(key, Key { digest, label, by, at, revoked_at: None });
    }

    /// A signing key was revoked.
    pub(super) fn key_revoked(&mut self, key: &str, at: Moment) {
        if let Some(key) = self.keys.get_mut(key) {
            key.revoked_at = Some(at);
        }
    }

    /// The plans are being changed at this moment. What was changed before is over: the versions stand where the plans have them.
    pub(super) fn moving(&mut self, rollouts: &Rollouts, at: Option<Moment>) {
        if self.moving.map(|moving| moving.at_ms) == at.map(|at| at.at_ms) {
            // Two changes of the same moment: a version that was placed between them has been in a place.
            let placed = self.made.iter_mut().filter(|(id, made)| state_of(rollouts, id, made.state) != VersionState::Draft);
            placed.for_each(|(_, made)| made.was_placed = true);
            return;
        }
        if let Some(changed_at) = std::mem::replace(&mut self.moving, at) {
            for (id, made) in &mut self.made {
                let before = if made.was_placed { VersionState::Active } else { made.state };
                let state = state_of(rollouts, id, before);
                if state != made.state {
                    (made.state, made.changed_at) = (state, Some(changed_at));
                }
            }
        }
    }

    /// The versions stand where these plans have them.
    pub(super) fn stand(&mut self, plans: Option<&str>) {
        let Some(rollouts) = plans.and_then(|plans| serde_json::from_str::<Rollouts>(plans).ok()) else { return };
        for (id, made) in &mut self.made {
            let state = state_of(&rollouts, id, made.state);
            if state != made.state {
                (made.state, made.changed_at) = (state, None);
            }
        }
    }

    /// What stands otherwise than the acts say.
    pub(super) fn differences(&self, reads: &dyn Reads, row: &MerchantRow) -> Result<Vec<(Place, String)>, StoreError> {
        let mut found = self.keys(&reads.signing_keys(&row.id)?);
        let rows = reads.versions(&row.id)?;
        for own in &rows {
            let id = VersionId { policy: own.policy.clone(), version: own.version.clone() };
            let mut problems = match self.made.get(&id) {
                None => vec!["no act made it".to_owned()],
                Some(made) => made.differences(own, &reads.version_report(&row.id, &own.policy, &own.version)?.unwrap_or_default()),
            };
            let signature = versions::signature(reads, &row.id, own)?;
            match (signature.status, &own.origin.signature, &own.origin.signing_key) {
                (SignatureStatus::Invalid, ..) => {
                    problems.push(format!("its signature does not hold: {}", signature.problem.unwrap_or_default()))
                }
                (SignatureStatus::None, None, None) => {}
                (SignatureStatus::None, ..) => problems.push("it has half of a signature".to_owned()),
                _ => {}
            }
            found.extend(problems.into_iter().map(|problem| (version_row(&id), problem)));
        }
        let is_there = |id: &VersionId| rows.iter().any(|row| row.policy == id.policy && row.version == id.version);
        let missing = self.made.keys().filter(|id| !is_there(id));
        found.extend(missing.map(|id| (version_row(id), "an act made it, and it is not there".to_owned())));
        Ok(found)
    }

    fn keys(&self, rows: &[SigningKeyRow]) -> Vec<(Place, String)> {
        let mut found = Vec::new();
        for row in rows {
            let mut tell = |problem: &str| found.push((key_row(&row.key_id), problem.to_owned()));
            let Some(key) = self.keys.get(&row.key_id) else {
                tell("no act registered it");
                continue;
            };
            if Some(Digest::of(row.public_key.as_bytes()).to_string()) != key.digest {
                tell("it is another public key than the act registered");
            }
            if (&row.label, &row.created_by) != (&key.label, &key.by) || !key.at.is_of(row.created_at_ms) {
                tell("its label, or who registered it and when, is another than the act says");
            }
            match (row.revoked_at_ms, key.revoked_at) {
                (Some(_), None) => tell("it is revoked, and no act did that"),
                (None, Some(_)) => tell("it is in force, and an act revoked it"),
                (Some(is), Some(says)) if !says.is_of(is) => tell("it was revoked at another time than the act says"),
                _ => {}
            }
        }
        let missing = self.keys.keys().filter(|id| rows.iter().all(|row| row.key_id != **id));
        found.extend(missing.map(|id| (key_row(id), "an act registered it, and it is not there".to_owned())));
        found
    }
}

impl Made {
    fn differences(&self, row: &VersionRow, report: &str) -> Vec<String> {
        let (component, settings, origin) = (row.component.to_string(), row.settings.to_string(), &row.origin);
        let mut differences = Vec::new();
        let mut tell = |what: &str, is: &str, says: &str| {
            if is != says {
                differences.push(format!("its {what} is `{is}`, and the act that made it says `{says}`"));
            }
        };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        tell("component", &component, &text(&self.component));
        tell("settings", &settings, &text(&self.settings));
        tell("list of kinds", &origin.kinds.join(","), &self.kinds.join(","));
        tell("author", &origin.created_by, &self.by.0);
        tell("author's role", &origin.created_role, &self.by.1);
        tell("signing key", &text(&origin.signing_key), &text(&self.signing_key));
        if differences.is_empty() && self.row.as_ref().is_some_and(|digest| versions::digest_of(row, report).to_string() != *digest) {
            differences
                .push("its kind, contract, size, note, package, signature, report or time is another than when it was made".to_owned());
        }
        if row.state != self.state {
            differences.push(format!("it is {}, and the acts have it {}", row.state.as_str(), self.state.as_str()));
        } else if self.changed_at.is_some_and(|says| !says.is_of(row.changed_at_ms)) {
            differences.push("it stands where it stands since another time than the acts say".to_owned());
        }
        differences
    }
}

fn version_row(id: &VersionId) -> Place {
    Place::Row { table: "versions", key: id.to_string() }
}

fn key_row(id: &str) -> Place {
    Place::Row { table: "signing_keys", key: id.to_owned() }
}
