//! What a guardrail says of a merchant's ruling: `review-result` of the contract, one type for every kind.

use crate::contract::types::Reason;

/// A guardrail's answer. It only ever moves towards the consumer (domain policies 5.7).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Review<R> {
    /// The ruling stands.
    Uphold,
    /// The ruling is replaced by this one, for these reasons.
    Amend { ruling: R, reasons: Vec<Reason> },
    /// A person must decide, for these reasons.
    Escalate(Vec<Reason>),
}
