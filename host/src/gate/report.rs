//! What the gate says: steps with their results, as commands, the interface and records show them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Problems listed for one step; the rest is counted.
pub const LISTED_MAX: usize = 20;
/// Letters of one problem: what a component says of itself is as long as it likes.
const PROBLEM_LETTERS_MAX: usize = 600;

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Nothing is wrong.
    Passed,
    /// Worth a look, and no reason to refuse it.
    Warning,
    /// The policy is refused.
    Failed,
    /// A step before it failed.
    Skipped,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// How it went.
    pub status: Status,
    /// What was seen.
    pub text: String,
    /// What is wrong, and what to do.
    #[serde(default)]
    pub problems: Vec<String>,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub took_ms: u64,
}

impl Step {
    fn new(name: &str, status: Status, text: impl Into<String>, problems: Vec<String>) -> Self {
        Self { name: name.to_owned(), status, text: text.into(), problems: listed(problems), took_ms: 0 }
    }

    /// Nothing is wrong.
    pub fn passed(name: &str, text: impl Into<String>) -> Self {
        Self::new(name, Status::Passed, text, Vec::new())
    }

    /// Worth a look.
    pub fn warning(name: &str, text: impl Into<String>) -> Self {
        Self::new(name, Status::Warning, text, Vec::new())
    }

    /// Worth a look, at these places.
    pub fn warnings(name: &str, text: impl Into<String>, problems: Vec<String>) -> Self {
        Self::new(name, Status::Warning, text, problems)
    }

    /// The policy is refused.
    pub fn failed(name: &str, text: impl Into<String>, problems: Vec<String>) -> Self {
        Self::new(name, Status::Failed, text, problems)
    }

    /// A step before it failed.
    pub fn skipped(name: &str) -> Self {
        Self::new(name, Status::Skipped, "a step before it failed", Vec::new())
    }

    /// Passed if there are no problems.
    pub fn of(name: &str, text: impl Into<String>, problems: Vec<String>) -> Self {
        if problems.is_empty() { Self::passed(name, text) } else { Self::failed(name, text, problems) }
    }

    /// Whether the policy is refused because of it.
    pub fn is_refusal(&self) -> bool {
        self.status == Status::Failed
    }
}

/// The first step that refuses a policy.
pub fn refusal(steps: &[Step]) -> Option<&Step> {
    steps.iter().find(|step| step.is_refusal())
}

fn listed(mut problems: Vec<String>) -> Vec<String> {
    let more = problems.len().saturating_sub(LISTED_MAX);
    problems.truncate(LISTED_MAX);
    for problem in &mut problems {
        if let Some((end, _)) = problem.char_indices().nth(PROBLEM_LETTERS_MAX) {
            problem.truncate(end);
            problem.push('…');
        }
    }
    if more > 0 {
        problems.push(format!("and {more} more"));
    }
    problems
}

/// A number with its noun.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
