//! What one policy version says of a case, whatever the kind.

use ombud_rules::contract::after_sale::AfterSaleRuling;
use ombud_rules::contract::blacklist::BlacklistRuling;
use ombud_rules::contract::delay::DelayRuling;
use ombud_rules::contract::reply::ReplyRuling;
use ombud_rules::contract::types::Notes;
use ombud_rules::review::Review;
use serde::Serialize;

use crate::kind::Kind;

/// A ruling of one of the four kinds. In JSON it is the kind's own object: the kind stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Ruling {
    /// Refund, return, exchange, repair.
    AfterSale(AfterSaleRuling),
    /// Compensation of a delay.
    Delay(DelayRuling),
    /// A step of a blacklist request.
    Blacklist(BlacklistRuling),
    /// Compliance of a drafted reply.
    Reply(ReplyRuling),
}

/// A guardrail's answer on a ruling of any kind.
pub type RulingReview = Review<Ruling>;

impl Ruling {
    /// Reads a ruling of `kind` back from its JSON.
    pub fn from_json(kind: Kind, json: &[u8]) -> serde_json::Result<Self> {
        Ok(match kind {
            Kind::AfterSale => Self::AfterSale(serde_json::from_slice(json)?),
            Kind::Delay => Self::Delay(serde_json::from_slice(json)?),
            Kind::Blacklist => Self::Blacklist(serde_json::from_slice(json)?),
            Kind::Reply => Self::Reply(serde_json::from_slice(json)?),
        })
    }

    /// The kind that gave it.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::AfterSale(_) => Kind::AfterSale,
            Self::Delay(_) => Kind::Delay,
            Self::Blacklist(_) => Kind::Blacklist,
            Self::Reply(_) => Kind::Reply,
        }
    }

    /// The outcome's wire name; a reply's verdict is its outcome.
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::AfterSale(ruling) => ruling.outcome.as_str(),
            Self::Delay(ruling) => ruling.outcome.as_str(),
            Self::Blacklist(ruling) => ruling.outcome.as_str(),
            Self::Reply(ruling) => ruling.verdict.as_str(),
        }
    }

    /// Reasons, obligations, approvals, messages, alerts.
    pub const fn notes(&self) -> &Notes {
        match self {
            Self::AfterSale(ruling) => &ruling.notes,
            Self::Delay(ruling) => &ruling.notes,
            Self::Blacklist(ruling) => &ruling.notes,
            Self::Reply(ruling) => &ruling.notes,
        }
    }

    /// The notes, to be added to.
    pub const fn notes_mut(&mut self) -> &mut Notes {
        match self {
            Self::AfterSale(ruling) => &mut ruling.notes,
            Self::Delay(ruling) => &mut ruling.notes,
            Self::Blacklist(ruling) => &mut ruling.notes,
            Self::Reply(ruling) => &mut ruling.notes,
        }
    }
}
