//! What of an act whoever checks a log from outside must be told.

use ombud_core::ids::DecisionId;
use ombud_core::kind::Kind;
use ombud_core::limits::{MONEY_FEN_MAX, TEXT_BYTES_MAX};
use ombud_core::money::Amounts;
use ombud_ledger::{Entry, Header, Windows};
use ombud_rules::contract::{after_sale, blacklist, delay, reply};

use super::body::ActBody;
use super::what::{LOSS_ACCEPTED, What};
use crate::service::project::{APPEAL_DISMISSED, CANCELLED};
use crate::service::wire::OverrideAction;

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
    /// A person's act on a decision; none where it names no decision.
    Override(Option<Overridden>),
}

/// A person's act on a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Overridden {
    /// The decision.
    pub decision: DecisionId,
    /// What the person did.
    action: OverrideAction,
    /// What stands from then on; none where no decision can have such a word.
    outcome: Option<String>,
    /// The amounts that stand from then on, in fen.
    amounts: Amounts,
}

impl Overridden {
    pub(in crate::service) fn of(decision: &str, action: OverrideAction, outcome: &str, amounts: Amounts) -> Option<Self> {
        let outcome = Some(outcome).filter(|outcome| outcome.len() <= TEXT_BYTES_MAX).map(str::to_owned);
        DecisionId::new(decision).ok().map(|decision| Self { decision, action, outcome, amounts })
    }

    /// What no act on a decision of this kind says. `waited` are the amounts that it proposed, where nobody has acted on it before.
    pub(crate) fn problems(&self, kind: Kind, waited: Option<Amounts>) -> Vec<&'static str> {
        let word = self.outcome.as_deref().unwrap_or_default();
        let is_outcome = match kind {
            Kind::AfterSale => after_sale::Outcome::parse(word).is_some(),
            Kind::Delay => delay::Outcome::parse(word).is_some(),
            Kind::Blacklist => blacklist::Outcome::parse(word).is_some() || word == APPEAL_DISMISSED,
            Kind::Reply => reply::Verdict::parse(word).is_some(),
        };
        let is_word = if self.action == OverrideAction::Cancel { word == CANCELLED } else { is_outcome };
        let Amounts { refund, cash, coupon } = self.amounts;
        let is_bounded = [refund, cash, coupon].into_iter().all(|fen| (0..=MONEY_FEN_MAX).contains(&fen));
        let is_approved = self.action != OverrideAction::Approve || waited.is_none_or(|waited| self.amounts == waited);
        let said = [
            (is_word, "its outcome is none of the kind of its decision"),
            (is_bounded, "its amounts are out of bounds"),
            (is_approved, "it approves other amounts than waited for it"),
        ];
        said.into_iter().filter(|(sound, _)| !sound).map(|(_, problem)| problem).collect()
    }
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
        What::Override { decision, action, outcome, amounts } => Some(Told::Override(Overridden::of(&decision, action, &outcome, amounts))),
        _ => None,
    }
}
