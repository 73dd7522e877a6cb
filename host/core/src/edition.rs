//! Which edition of the host's own rules a decision was concluded by. A record says it, so that a replay concludes it as it was, and later
//! cases read it as they did.

use serde::{Deserialize, Serialize};

/// An edition of the rules by which the host itself concludes decisions and reads records for later cases. Policies and guardrails have
/// versions of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Edition {
    /// Of records that name none.
    #[default]
    First,
    /// A delayed refund is bound by what is left of its lines; what waits for a person promises the customer nothing; an invalid event changes
    /// nothing of its case; a request that was lowered holds the units it asks for now.
    Second,
    /// A late refund pays what its own lines still bear beside all that is on record and what the same event's case is paid, and states again no more
    /// than is on record under its own name; late refunds make room for one another on their lines; each late refund that a decision pays is told
    /// to the customer, by itself; what a case was promised is of its lines; an act changes what its own decision gave and nothing else; a measure
    /// ends by a ruling on its own request;
    /// a measure against a customer that colleagues only recommend is announced to nobody; the basis of an adverse outcome names what applies to
    /// the order's own platform, in the words of each language.
    Third,
    /// Units are given up by a decision or an act that pays for them in full, or by the platform that pays what was promised for them: not by a part
    /// paid for goods that stay, and not by a request that is refused. What the platform confirmed stays paid, whoever takes the decision back. What waits
    /// for a person always asks one, and tells the customer; a restriction that a supervisor approved is announced.
    Fourth,
}

impl Edition {
    /// By which new decisions are made.
    pub const NEWEST: Self = Self::Fourth;

    /// Whether it is the one that records do not name.
    pub fn is_first(&self) -> bool {
        *self == Self::First
    }
}

impl From<Edition> for u8 {
    fn from(edition: Edition) -> Self {
        match edition {
            Edition::First => 1,
            Edition::Second => 2,
            Edition::Third => 3,
            Edition::Fourth => 4,
        }
    }
}

impl TryFrom<u8> for Edition {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            1 => Ok(Self::First),
            2 => Ok(Self::Second),
            3 => Ok(Self::Third),
            4 => Ok(Self::Fourth),
            _ => Err(format!("edition {number} of the host's rules is not known: a newer release made this record")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edition_reads_as_it_is_written_and_another_is_of_a_newer_release() {
        for (edition, text) in [(Edition::First, "1"), (Edition::Second, "2"), (Edition::Third, "3"), (Edition::Fourth, "4")] {
            assert_eq!(serde_json::to_string(&edition).unwrap(), text);
            assert_eq!(serde_json::from_str::<Edition>(text).unwrap(), edition);
        }
        let refused = serde_json::from_str::<Edition>("5").unwrap_err().to_string();
        assert!(refused.contains("a newer release"), "{refused}");
    }
}
