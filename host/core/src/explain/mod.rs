//! Why a decision is what it is: in plain words for the customer, in full for the auditor. Pure; the record's parts come in.
//!
//! A customer hears the outcome, the messages of the rules' templates (domain model 4.6), the law behind them, and that a
//! person can be asked for (PIPL art. 24(3)). What is internal stays inside: facts about the person, the shop's own words,
//! the reasons that colleagues write to each other.

mod auditor;
mod basis;
mod customer;
mod evaluated;
mod later;
mod outcomes;
mod paid;
mod recorded;
mod said;
pub(crate) mod sources;
mod terms;
mod text;
mod withheld;

use serde::{Deserialize, Serialize};

pub use self::auditor::{
    ActLine, CallLine, CapsHeader, CapsLine, DueLine, EngineLine, EventLine, FactLine, ForAuditor, Links, PolicyLine, RuleLine,
    TimelineLine, rules,
};
pub use self::customer::{ForCustomer, erased, for_customer};
pub use self::evaluated::{DeclaredIn, EvaluatedLine, EvaluatedRule, RecordedCall, evaluated};
pub use self::later::{Became, LaterLine, MeasureStep, became, became_by};
pub use self::recorded::RecordedDecision;
pub use self::text::{auditor_text, customer_text};
use crate::money::Amounts;

/// What a person did with a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ActOf {
    /// The proposal stands.
    Approve,
    /// Something else stands.
    Amend,
    /// The decision is taken back.
    Cancel,
}

/// A person's act on a decision, as far as a customer hears of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonAct {
    /// When, epoch milliseconds.
    pub at_ms: i64,
    /// What was done.
    pub act: ActOf,
    /// The outcome that stands.
    pub outcome: String,
    /// The money that stands, in fen.
    pub amounts: Amounts,
}

/// What happened since a decision, oldest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Since<'a> {
    /// What persons did with it.
    pub acts: &'a [PersonAct],
    /// What became of its measure, by later records of the request and of the customer's others; for decisions on blacklist requests.
    pub measure: &'a [MeasureStep],
}

/// When a decision was made, and by whose clock its times are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// Epoch milliseconds.
    pub decided_at_ms: i64,
    /// Minutes east of UTC.
    pub tz_offset_min: i32,
}

#[cfg(test)]
mod tests;
