//! One thing that is wrong with what a caller sent: where it stands, what is wrong, what is allowed.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::PROBLEMS_MAX;

/// A problem of a posted body or header. It never repeats the caller's value: values may be personal data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Problem {
    /// JSON pointer (RFC 6901) into the posted body; empty for the whole body and where `header` is set. A member that is
    /// missing is named by where it should stand.
    pub pointer: String,
    /// The HTTP header, where the problem is one of a header: of the media type or coding, or of a CloudEvent in binary mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What is allowed, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<String>,
}

impl Problem {
    /// A problem at a place of the body.
    pub fn at(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), header: None, message: message.into(), allowed: None }
    }

    /// A problem of a header.
    pub fn in_header(header: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: String::new(), header: Some(header.into()), message: message.into(), allowed: None }
    }

    /// With what would be allowed.
    pub fn allowed(mut self, allowed: impl Into<String>) -> Self {
        self.allowed = Some(allowed.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.header.as_deref().unwrap_or(&self.pointer);
        write!(f, "`{place}`: {}", self.message)?;
        self.allowed.iter().try_for_each(|allowed| write!(f, "; allowed: {allowed}"))
    }
}

/// A pointer to a member below `base`, escaped as RFC 6901 says.
pub fn below(base: &str, member: &str) -> String {
    format!("{base}/{}", member.replace('~', "~0").replace('/', "~1"))
}

/// Sorts problems by place, drops repetitions and bounds their number; the last one says how many were left out.
pub fn tidy(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort();
    problems.dedup();
    if problems.len() > PROBLEMS_MAX {
        let left_out = problems.len() - (PROBLEMS_MAX - 1);
        problems.truncate(PROBLEMS_MAX - 1);
        problems.push(Problem::at("", format!("and at least {left_out} more problems")));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_escaped() {
        assert_eq!(below("/data", "a/b~c"), "/data/a~1b~0c");
    }

    #[test]
    fn problems_are_bounded_and_say_so() {
        let many = (0..PROBLEMS_MAX + 5).map(|at| Problem::at(format!("/{at:04}"), "is bad"));
        let tidied = tidy(many.clone().chain(many).collect());
        assert_eq!(tidied.len(), PROBLEMS_MAX);
        assert_eq!(tidied.last().unwrap().message, "and at least 6 more problems");
    }
}
