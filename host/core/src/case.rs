//! A case: the typed facts of one question put to a policy. It holds the contract's own records and nothing else, so that
//! what a policy saw is exactly what the record keeps.

use ombud_rules::contract::after_sale::AfterSaleCase;
use ombud_rules::contract::blacklist::BlacklistCase;
use ombud_rules::contract::delay::DelayCase;
use ombud_rules::contract::reply::ReplyCase;
use serde::Serialize;

use crate::kind::Kind;

/// A case of one of the four kinds. In JSON it is the kind's own object: the kind stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[expect(
    clippy::large_enum_variant,
    reason = "a case lives for one decision and is passed by reference; a box would only add an allocation"
)]
pub enum Case {
    /// Refund, return, exchange, repair.
    AfterSale(AfterSaleCase),
    /// Compensation of a delay.
    Delay(DelayCase),
    /// A step of a blacklist request.
    Blacklist(BlacklistCase),
    /// Compliance of a drafted reply.
    Reply(ReplyCase),
}

impl Case {
    /// The kind that decides it.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::AfterSale(_) => Kind::AfterSale,
            Self::Delay(_) => Kind::Delay,
            Self::Blacklist(_) => Kind::Blacklist,
            Self::Reply(_) => Kind::Reply,
        }
    }

    /// Reads a case of a known kind back from its JSON, as a record keeps it.
    pub fn from_json(kind: Kind, json: &str) -> Result<Self, serde_json::Error> {
        Ok(match kind {
            Kind::AfterSale => Self::AfterSale(serde_json::from_str(json)?),
            Kind::Delay => Self::Delay(serde_json::from_str(json)?),
            Kind::Blacklist => Self::Blacklist(serde_json::from_str(json)?),
            Kind::Reply => Self::Reply(serde_json::from_str(json)?),
        })
    }
}
