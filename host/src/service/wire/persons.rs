//! Persons on decisions: their acts, and what they are told.

use ombud_core::explain::{self, ForAuditor, ForCustomer};
use ombud_core::money::Amounts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A person's act on a decision that waits for one, or that is to be taken back.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideRequest {
    /// What the person does.
    pub action: OverrideAction,
    /// Why; 1 to 2 000 characters.
    pub reason: String,
    /// The amounts that stand instead, in fen; with `amend` only.
    #[serde(default)]
    pub amounts: Option<Amounts>,
    /// The outcome that stands instead; with `amend` only.
    #[serde(default)]
    pub outcome: Option<String>,
}

/// What a person does with a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OverrideAction {
    /// The proposal stands: its money counts now. Of an appeal: the measure stays, the outcome is `appeal-dismissed`.
    Approve,
    /// Something else stands. Of an appeal: with the outcome `closed` the measure is lifted.
    Amend,
    /// The decision is taken back; a payment not yet made returns to its windows. Of an appeal: the appeal is, and the measure stays.
    Cancel,
}

/// The recorded act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OverrideAnswer {
    /// The decision.
    pub decision: String,
    /// The act's place in the ledger.
    pub seq: u64,
    /// Its leaf hash, hex.
    pub leaf: String,
    /// What stands now.
    pub outcome: String,
    /// Money that counts by this act, in fen.
    pub amounts: Amounts,
}

/// For whom a decision is explained, and in which language.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExplanationQuery {
    /// `customer` (default) or `auditor`.
    #[serde(rename = "for")]
    pub audience: Audience,
    /// `zh-CN` (default) or `en`.
    pub lang: Lang,
    /// Why an auditor's explanation is to show facts, customer and persons' words; it is recorded.
    pub unmask: Option<String>,
}

/// For whom a decision is explained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// In plain words, with nothing internal.
    #[default]
    Customer,
    /// In full.
    Auditor,
}

/// A language of explanations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Lang {
    /// Simplified Chinese.
    #[default]
    #[serde(rename = "zh-CN")]
    ZhCn,
    /// English.
    #[serde(rename = "en")]
    En,
}

impl Lang {
    /// The tag.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ZhCn => "zh-CN",
            Self::En => "en",
        }
    }
}

/// An explanation.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Explanation {
    /// For the customer.
    Customer(Box<ForCustomer>),
    /// For an auditor.
    Auditor(Box<ForAuditor>),
}

impl Explanation {
    /// The same as text.
    pub fn text(&self) -> String {
        match self {
            Self::Customer(explanation) => explain::customer_text(explanation),
            Self::Auditor(explanation) => explain::auditor_text(explanation),
        }
    }
}
