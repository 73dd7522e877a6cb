//! Golden cases: the cases a policy ships with, and the domain's own, as typed facts and expectations.
//!
//! A case is YAML in the shorthand of the domain's golden.md 6.1; [`load`] expands every shorthand over the base
//! fixture into the contract's records, [`GoldenCase::check`] compares an answer with what the case expects. A key that
//! the loader does not know is an error: nothing in a case is silently left unasserted.

mod after_sale;
mod blacklist;
mod caps;
mod delay;
mod difference;
mod expect;
mod fixture;
mod load;
mod notes;
mod reply;
#[cfg(test)]
mod tests;

use ombud_rules::contract::after_sale::{AfterSaleCase, AfterSaleRuling};
use ombud_rules::contract::blacklist::{BlacklistCase, BlacklistRuling};
use ombud_rules::contract::delay::{DelayCase, DelayRuling};
use ombud_rules::contract::reply::{ReplyCase, ReplyRuling};
use ombud_rules::contract::types::Context;
use ombud_rules::review::Review;

pub use self::caps::{Caps, CapsGiven, CapsOutcome, CapsResult, CapsRuling, CapsUsed};
pub use self::difference::Difference;
pub use self::expect::{
    AfterSaleExpect, BlacklistExpect, CapsExpect, DelayExpect, Expect, ReplyExpect, ReviewExpect, ReviewVerdict, RulingExpect, Span,
};
pub use self::load::load;

/// One golden case, every shorthand expanded.
#[derive(Clone, Debug)]
pub struct GoldenCase {
    /// Unique in its file, e.g. `AS-G01`.
    pub id: String,
    /// What the case is about, for people.
    pub title: String,
    /// `after-sale`, `delay`, `blacklist`, `reply`, `caps` or `metrics`; a case with a `ruling` is a guardrail's.
    pub kind: String,
    /// Settings of the policy or guardrail under test, `snake_case` as on the wire; none = defaults.
    pub settings: Option<serde_json::Value>,
    /// What is put to the policy, the guardrail or the caps.
    pub given: Given,
    /// What must come out.
    pub expect: Expect,
    /// The authority the case rests on, as written.
    pub src: String,
}

/// What a case puts to a policy, to a guardrail or to the caps.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a few hundred cases in tests; boxes would only get in the way of matching")]
pub enum Given {
    AfterSale(Context, AfterSaleCase),
    Delay(Context, DelayCase),
    Blacklist(Context, BlacklistCase),
    Reply(Context, ReplyCase),
    ReviewAfterSale(Context, AfterSaleCase, AfterSaleRuling),
    ReviewDelay(Context, DelayCase, DelayRuling),
    ReviewBlacklist(Context, BlacklistCase, BlacklistRuling),
    ReviewReply(Context, ReplyCase, ReplyRuling),
    Caps(CapsGiven),
    /// A kind this version does not decide (`metrics`); its expectation is not read.
    Skipped {
        kind: String,
    },
}

/// What came out, to be compared with a case's expectation.
#[derive(Clone, Copy, Debug)]
pub enum Answer<'a> {
    AfterSale(&'a AfterSaleRuling),
    Delay(&'a DelayRuling),
    Blacklist(&'a BlacklistRuling),
    Reply(&'a ReplyRuling),
    ReviewAfterSale(&'a Review<AfterSaleRuling>),
    ReviewDelay(&'a Review<DelayRuling>),
    ReviewBlacklist(&'a Review<BlacklistRuling>),
    ReviewReply(&'a Review<ReplyRuling>),
    Caps(&'a Caps),
}

impl GoldenCase {
    /// Every field in which `answer` differs from what the case expects; empty = passed. Fields that the case does not
    /// list are not compared. A case of a skipped kind passes with no answer and fails with any.
    pub fn check(&self, answer: &Answer<'_>) -> Vec<Difference> {
        expect::check(&self.expect, &self.given, answer)
    }
}

/// Why a file of cases was refused.
#[derive(Debug, thiserror::Error)]
pub enum GoldenError {
    /// Not YAML, or not a mapping with a list of `cases`.
    #[error("golden cases: {0}")]
    File(String),
    /// The file's own base fixture is wrong.
    #[error("golden cases: base fixture: {0}")]
    Base(String),
    /// A case that cannot be read; the problem names the key.
    #[error("golden case `{id}`: {problem}")]
    Case { id: String, problem: String },
}
