//! Short ways to write what a ruling carries beside its outcome: reasons with their sources, obligations, messages, alerts.

use crate::contract::types::{Alert, Arg, Citation, Fact, InstantMs, Message, Obligation, Reason, Role, Severity};

/// The locale of the default policies' messages; the host has the templates in others (domain model 4.6).
pub const LOCALE: &str = "zh-CN";

/// A rule as reasons name it: its id, how grave it is, and what it rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// e.g. `DC-012`.
    pub id: &'static str,
    /// How grave its effect is.
    pub severity: Severity,
    /// Source and locator of each authority, e.g. (`电子商务法`, `第20条`).
    pub sources: &'static [(&'static str, &'static str)],
}

impl Rule {
    /// The reason this rule is, with the facts it read.
    pub fn reason(&self, facts: Vec<Fact>) -> Reason {
        let citation = |(source, locator): &(&str, &str)| Citation { source: (*source).to_owned(), locator: (*locator).to_owned() };
        Reason { rule: self.id.to_owned(), severity: self.severity, facts, citations: self.sources.iter().map(citation).collect() }
    }

    /// The alert this rule raises.
    pub fn alert(&self, code: &str) -> Alert {
        Alert { code: code.to_owned(), severity: self.severity, rule: self.id.to_owned() }
    }
}

/// A fact by its path in the case.
pub fn fact(path: impl Into<String>, value: impl Into<String>) -> Fact {
    Fact { path: path.into(), value: value.into() }
}

/// An argument of an obligation or message.
pub fn arg(key: &str, value: impl Into<String>) -> Arg {
    Arg { key: key.to_owned(), value: value.into() }
}

/// Something to be done, by a code of domain model 4.5.
pub fn obligation(action: &str, owner: Role, due: Option<InstantMs>, args: Vec<Arg>) -> Obligation {
    Obligation { action: action.to_owned(), owner, due, args }
}

/// A message to the customer, by its template's key (domain model 4.6).
pub fn message(key: &str, args: Vec<Arg>) -> Message {
    Message { key: key.to_owned(), locale: LOCALE.to_owned(), args }
}
