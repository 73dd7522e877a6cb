//! The kinds of decision of version 1.

use ombud_rules::contract::{after_sale, blacklist, delay, reply};
use serde::{Deserialize, Serialize};

/// Which question is put to a policy. Declared in the order in which the decisions of one event are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Refund, return, exchange, repair.
    AfterSale,
    /// Compensation tiers for delays.
    Delay,
    /// The approval chain of a blacklist request.
    Blacklist,
    /// Compliance of a drafted reply.
    Reply,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::AfterSale, Self::Delay, Self::Blacklist, Self::Reply];

    /// The name on the wire, in settings and in rule files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AfterSale => "after-sale",
            Self::Delay => "delay",
            Self::Blacklist => "blacklist",
            Self::Reply => "reply",
        }
    }

    /// The kind with this wire name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Every outcome of its rulings, a closed set for the life of version 1.
    pub fn outcomes(self) -> Vec<&'static str> {
        match self {
            Self::AfterSale => after_sale::Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect(),
            Self::Delay => delay::Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect(),
            Self::Blacklist => blacklist::Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect(),
            Self::Reply => reply::Verdict::ALL.iter().map(|verdict| verdict.as_str()).collect(),
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::parse(text).ok_or_else(|| UnknownKind(text.chars().take(64).collect()))
    }
}

/// The text names no kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind; allowed: after-sale, delay, blacklist, reply")]
pub struct UnknownKind(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_names_are_those_of_json() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert!("ops".parse::<Kind>().is_err());
    }
}
