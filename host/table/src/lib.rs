//! The author's side of decision tables: read from YAML or CSV, conditions in CEL compiled with their types, gaps and overlaps shown.
//!
//! Pure: a function of the text. What it writes are the settings of the `table` policy; what they mean stands in `ombud-rows`.

mod author;
mod cel;
mod check;
mod compile;
mod literal;
#[cfg(test)]
mod ruled;

pub use author::{Form, Source};
pub use check::{Example, Findings, Idle, Overlap, check};
pub use compile::{Compiled, compile};

/// Something is wrong with a table, and where.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// The row's id, or its line in the file; empty for the whole table.
    pub row: String,
    /// The column, or key; empty for the whole row.
    pub column: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl core::fmt::Display for Problem {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match (self.row.as_str(), self.column.as_str()) {
            ("", "") => write!(f, "{}", self.message),
            (row, "") => write!(f, "row `{row}`: {}", self.message),
            ("", column) => write!(f, "`{column}`: {}", self.message),
            (row, column) => write!(f, "row `{row}`, `{column}`: {}", self.message),
        }
    }
}

/// The author's texts and their settings: what `ombud table compile` does.
///
/// # Errors
/// Every problem of the text.
pub fn settings(sources: &[Compiled]) -> serde_json::Value {
    let parts: Vec<_> = sources.iter().map(|compiled| (compiled.kind, compiled.bytes.clone(), compiled.source.as_str())).collect();
    ombud_rows::Tables::text(&parts)
}
