//! What of an act whoever checks a log from outside must be told.

use ombud_ledger::{Entry, Header, Windows};

use super::body::ActBody;
use super::what::{LOSS_ACCEPTED, What};

/// What is to be told of an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// It is none that this release knows, and why.
    Unknown(String),
    /// Records that had been published are lost, and the log went on without them.
    Loss(String),
    /// It brought in what decides from then on.
    BroughtIn(BroughtIn),
    /// Other caps stand from then on: those before it, and those after it.
    Caps((Windows, Windows)),
}

/// A policy's component, its settings, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BroughtIn {
    /// The policy's name.
    pub policy: String,
    /// SHA-256 of them, hex.
    pub digests: Vec<String>,
}

/// What is to be told of a record, if it is of such an act. The body is none where it is masked.
pub(crate) fn told(header: &Header, body: Option<&str>) -> Option<Told> {
    let Entry::Act(entry) = &header.entry else { return None };
    let Some(body) = body else {
        return (entry.act == LOSS_ACCEPTED).then(|| Told::Loss("how many is masked".to_owned()));
    };
    let act = match serde_json::from_str::<ActBody>(body) {
        Ok(act) => act,
        Err(error) => return Some(Told::Unknown(error.to_string())),
    };
    let brought = |policy: String, digests: Vec<Option<String>>| {
        Some(Told::BroughtIn(BroughtIn { policy, digests: digests.into_iter().flatten().collect() }))
    };
    match act.what {
        What::LossAccepted { loss, .. } => Some(Told::Loss(loss)),
        What::PolicyUploaded { policy, settings, .. } | What::PolicyBound { policy, settings, .. } => {
            brought(policy, vec![act.after, Some(settings)])
        }
        What::SettingsChanged { policy, .. } => brought(policy, vec![act.after]),
        What::CapsChanged { from, to } => Some(Told::Caps((Windows::from(&from), Windows::from(&to)))),
        _ => None,
    }
}
