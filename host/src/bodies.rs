//! The bodies of a decision's record: what is written when it is made, and read when it is looked at or made again.

use ombud_core::case::Case;
use ombud_core::compact;
use ombud_core::decision::{Decision, Terms};
use ombud_core::fault::Fault;
use ombud_core::kind::Kind;
use ombud_core::rollout::Chosen;
use ombud_core::ruling::{Ruling, RulingReview};
use ombud_rules::contract::types::Context;
use ombud_rules::review::Review;
use ombud_sandbox::LogLine;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::judge::Outcome;

/// The case body: with it, the component and the settings a decision can be made again without any database.
#[derive(Debug, Serialize)]
pub struct CaseBody<'a> {
    /// The context.
    pub context: &'a Context,
    /// The case.
    pub case: &'a Case,
    /// The merchant's terms.
    pub terms: &'a Terms,
    /// Bytes of the event, which scale the fuel.
    pub event_bytes: usize,
    /// What the rollout chose; none where the active version answered alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<&'a Chosen>,
}

/// The case body as it is read back. A member that this release does not know is no case of this release: it may have been decided by it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseBodyBack<C = Box<RawValue>> {
    /// The context.
    pub context: Context,
    /// The case: of one kind, or as it stands.
    pub case: C,
    /// The merchant's terms.
    pub terms: Terms,
    /// Bytes of the event.
    pub event_bytes: usize,
    /// What the rollout chose.
    #[serde(default)]
    pub rollout: Option<Chosen>,
}

/// The body of a ruling or review: the answer or the fault, and what the guest logged.
#[derive(Debug, Serialize)]
pub struct AnswerBody<'a, T: Serialize> {
    /// The answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<&'a T>,
    /// The fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<&'a Fault>,
    /// Log lines.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub log: &'a [LogLine],
}

/// The body of an answer as it is read back: the answer of its kind is read from the text.
#[derive(Debug, Deserialize)]
pub struct AnswerBodyBack<'t> {
    #[serde(borrow, default)]
    answer: Option<&'t RawValue>,
    #[serde(default)]
    fault: Option<Fault>,
}

/// The body of a version whose ruling does not stand, as it is read back.
#[derive(Debug, Deserialize)]
pub struct BesideBodyBack<'t> {
    /// Its ruling.
    #[serde(borrow)]
    pub ruling: AnswerBodyBack<'t>,
    /// What the guardrail said of it.
    #[serde(borrow, default)]
    pub review: Option<AnswerBodyBack<'t>>,
}

impl AnswerBodyBack<'_> {
    /// The answer of a policy.
    ///
    /// # Errors
    /// It has neither answer nor fault, or an answer of another kind.
    pub fn ruling(self, kind: Kind) -> serde_json::Result<Result<Ruling, Fault>> {
        self.either(|answer| Ruling::from_json(kind, answer.as_bytes()))
    }

    /// The answer of a guardrail.
    ///
    /// # Errors
    /// As [`Self::ruling`].
    pub fn review(self, kind: Kind) -> serde_json::Result<Result<RulingReview, Fault>> {
        let ruling = |ruling: Box<RawValue>| Ruling::from_json(kind, ruling.get().as_bytes());
        self.either(|answer| {
            Ok(match serde_json::from_str::<Review<Box<RawValue>>>(answer)? {
                Review::Uphold => Review::Uphold,
                Review::Amend { ruling: amended, reasons } => Review::Amend { ruling: ruling(amended)?, reasons },
                Review::Escalate(reasons) => Review::Escalate(reasons),
            })
        })
    }

    fn either<T>(self, read: impl FnOnce(&str) -> serde_json::Result<T>) -> serde_json::Result<Result<T, Fault>> {
        match (self.answer, self.fault) {
            (Some(answer), None) => read(answer.get()).map(Ok),
            (None, Some(fault)) => Ok(Err(fault)),
            _ => Err(serde::de::Error::custom("it has not either an answer or a fault")),
        }
    }
}

/// The body of what a version said whose ruling does not stand.
#[derive(Debug, Serialize)]
pub struct BesideBody<'a> {
    /// Its ruling, with what policy and guardrail logged.
    pub ruling: AnswerBody<'a, Ruling>,
    /// What the guardrail said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<AnswerBody<'a, RulingReview>>,
}

impl<'a> BesideBody<'a> {
    /// Of what came of a case under it.
    pub fn of(outcome: &'a Outcome) -> Self {
        Self {
            ruling: AnswerBody::of(&outcome.policy, &outcome.log),
            review: outcome.review.as_ref().map(|review| AnswerBody::of(review, &[])),
        }
    }

    /// The body's bytes.
    pub fn to_json(&self) -> Vec<u8> {
        json(self)
    }
}

impl CaseBody<'_> {
    /// The body's bytes.
    pub fn to_json(&self) -> Vec<u8> {
        json(self)
    }
}

impl<'a, T: Serialize> AnswerBody<'a, T> {
    /// Of an answer with what was logged beside it.
    pub fn of(answer: &'a Result<T, Fault>, log: &'a [LogLine]) -> Self {
        Self { answer: answer.as_ref().ok(), fault: answer.as_ref().err(), log }
    }
}

/// The body of an answer.
pub fn answer_body<T: Serialize>(answer: &Result<T, Fault>, log: &[LogLine]) -> Vec<u8> {
    json(&AnswerBody::of(answer, log))
}

/// Reads a body, or a part of one.
///
/// # Errors
/// It does not read as such a value.
pub fn read_body<T: DeserializeOwned>(body: &str) -> serde_json::Result<T> {
    compact::read(body).map_or_else(|| serde_json::from_str(body), Ok)
}

/// The decision body.
pub fn decision_body(decision: &Decision) -> String {
    // A serializer writes text.
    String::from_utf8(json(decision)).unwrap_or_default()
}

/// A body's usual size, in bytes, reserved at once: growing to it would copy it several times.
const USUAL_BYTES: usize = 4 << 10;

/// A body's bytes.
pub fn json(body: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    match serde_json::to_writer(&mut bytes, body) {
        Ok(()) => bytes,
        // Contract types hold strings, integers and lists of them: writing them cannot fail.
        Err(_) => Vec::new(),
    }
}
