//! Cases of the host's money caps (domain policies 5.8).

use super::load::read;
use ombud_rules::contract::types::Fen;
use ombud_rules::contract::{after_sale, delay};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// What is put to the caps: the balance, what was used already, and the ruling after the guardrails.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapsGiven {
    /// Refund balance of CAP-01 in fen.
    pub balance: Fen,
    /// ISO 4217 code of the merchant's settlement currency.
    #[serde(default = "cny")]
    pub currency: String,
    /// The same payment intent was executed before (CAP-03).
    #[serde(default)]
    pub executed: bool,
    #[serde(default)]
    pub used: CapsUsed,
    #[serde(skip, default = "no_ruling")]
    pub ruling: CapsRuling,
}

/// Amounts in fen counted in each window before this ruling.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CapsUsed {
    /// Automatic refunds of the order (CAP-11).
    pub order_refund: Fen,
    /// Cash and face value of coupons and samples of the order (CAP-12).
    pub order_goodwill: Fen,
    /// Automatic refunds of the customer in the last 24 h (CAP-21).
    pub customer_24h_refund: Fen,
    /// Goodwill of the customer in the last 24 h (CAP-22).
    pub customer_24h_goodwill: Fen,
    /// Automatic refunds of the merchant's civil day (CAP-31).
    pub merchant_day_refund: Fen,
    /// Goodwill of the merchant's civil day (CAP-32).
    pub merchant_day_goodwill: Fen,
}

/// The ruling under check, amounts in fen.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapsRuling {
    pub outcome: CapsOutcome,
    #[serde(default)]
    pub refund: Fen,
    #[serde(default)]
    pub cash: Fen,
    #[serde(default)]
    pub coupon: Fen,
}

/// An outcome of one of the two kinds that move money. Names that both have (`human-review`, `escalate`) are read as
/// after-sale's; the caps treat them alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapsOutcome {
    AfterSale(after_sale::Outcome),
    Delay(delay::Outcome),
}

/// What the caps said of a ruling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caps {
    pub result: CapsResult,
    /// Every cap breached, e.g. `CAP-21`, in any order.
    pub caps: Vec<String>,
    /// The refund after the caps, in fen: lowered by CAP-01, else the ruling's.
    pub refund: Fen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CapsResult {
    Uphold,
    Amend,
    Escalate,
}

impl<'de> Deserialize<'de> for CapsOutcome {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        let after_sale = after_sale::Outcome::parse(&text).map(Self::AfterSale);
        let outcome = after_sale.or_else(|| delay::Outcome::parse(&text).map(Self::Delay));
        outcome.ok_or_else(|| D::Error::custom(format!("`{text}` is no outcome of after-sale or delay")))
    }
}

pub(super) fn given(given: Value, ruling: Value) -> Result<CapsGiven, String> {
    let mut given: CapsGiven = read(given, "given")?;
    given.ruling = read(ruling, "ruling")?;
    Ok(given)
}

fn cny() -> String {
    "CNY".to_owned()
}

fn no_ruling() -> CapsRuling {
    CapsRuling { outcome: CapsOutcome::Delay(delay::Outcome::None), refund: 0, cash: 0, coupon: 0 }
}
