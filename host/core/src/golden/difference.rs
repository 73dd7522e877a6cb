//! One field in which an answer differs from its case.

use std::fmt::{self, Display};

use serde::Serialize;
use serde_json::Value;

/// One field in which an answer differs from its case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key of the expectation, e.g. `refund`, `ruling.obligations`.
    pub field: String,
    pub expected: String,
    pub got: String,
}

impl Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, got {}", self.field, self.expected, self.got)
    }
}

/// Collects differences under a common prefix of their field names.
pub(super) struct Differences {
    prefix: &'static str,
    pub found: Vec<Difference>,
}

impl Differences {
    pub fn new(prefix: &'static str) -> Self {
        Self { prefix, found: Vec::new() }
    }

    pub fn push(&mut self, field: &str, expected: String, got: String) {
        self.found.push(Difference { field: format!("{}{field}", self.prefix), expected, got });
    }

    /// Compares one value; a field the case does not list is not compared.
    pub fn value<T: PartialEq + Serialize>(&mut self, field: &str, expected: Option<&T>, got: &T) {
        if let Some(expected) = expected.filter(|expected| *expected != got) {
            self.push(field, written(expected), written(got));
        }
    }

    /// Compares a list in its order.
    pub fn list<T: PartialEq + Serialize>(&mut self, field: &str, expected: Option<&Vec<T>>, got: &[T]) {
        if let Some(expected) = expected.filter(|expected| expected.as_slice() != got) {
            self.push(field, written(expected), written(&got));
        }
    }

    /// Compares exact sets: order and repetition do not matter.
    pub fn set(&mut self, field: &str, expected: Option<&Vec<String>>, got: impl IntoIterator<Item = impl Into<String>>) {
        let Some(expected) = expected else { return };
        let (expected, got) = (sorted(expected.iter().cloned()), sorted(got.into_iter().map(Into::into)));
        if expected != got {
            self.push(field, written(&expected), written(&got));
        }
    }

    /// Every expected value must be among those got.
    pub fn among<T: PartialEq + Serialize>(&mut self, field: &str, expected: &[T], got: &[T]) {
        let missing: Vec<&T> = expected.iter().filter(|one| !got.contains(one)).collect();
        if !missing.is_empty() {
            self.push(field, format!("at least {}", written(&missing)), written(&got));
        }
    }
}

/// A value as a file of cases has it.
fn written(value: &impl Serialize) -> String {
    fn text(value: &Value) -> String {
        match value {
            Value::Null => "nothing".to_owned(),
            Value::String(text) => text.clone(),
            Value::Array(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(", ")),
            other => other.to_string(),
        }
    }
    serde_json::to_value(value).map_or_else(|error| error.to_string(), |value| text(&value))
}

fn sorted(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut values: Vec<String> = values.collect();
    values.sort();
    values.dedup();
    values
}
