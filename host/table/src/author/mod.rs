//! A table as its author writes it, before any of it is understood: rows of named cells, from YAML or CSV.

mod csv;
mod yaml;

use crate::Problem;

/// A text that holds a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A mapping with `kind`, `hit`, `rows`, `default`.
    Yaml,
    /// `# kind: …` lines, a line of column names, then one line for each row.
    Csv,
}

impl Form {
    /// The form of a file by its name's ending.
    pub fn of(name: &str) -> Option<Self> {
        match name.rsplit_once('.').map(|(_, ending)| ending) {
            Some("yaml" | "yml") => Some(Self::Yaml),
            Some("csv") => Some(Self::Csv),
            _ => None,
        }
    }
}

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// One text.
    One(String),
    /// Several, where a column takes them.
    Many(Vec<String>),
}

impl Cell {
    /// The texts one by one; in one text they are separated by `|`.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Self::One(text) => text.split('|').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect(),
            Self::Many(texts) => texts.clone(),
        }
    }

    /// The text; several with `|` between them.
    pub fn text(&self) -> String {
        match self {
            Self::One(text) => text.trim().to_owned(),
            Self::Many(texts) => texts.join(" | "),
        }
    }

    /// Whether nothing was written: empty or `-`.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::One(text) => matches!(text.trim(), "" | "-"),
            Self::Many(texts) => texts.is_empty(),
        }
    }
}

/// A row as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRow {
    /// Its id, or where it stands in the file.
    pub name: String,
    /// Column and cell, empty ones left out.
    pub cells: Vec<(String, Cell)>,
}

impl SourceRow {
    /// The cell of a column.
    pub fn cell(&self, column: &str) -> Option<&Cell> {
        self.cells.iter().find(|(name, _)| name == column).map(|(_, cell)| cell)
    }
}

/// A table as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// `after-sale`, `delay`, `blacklist`, `reply`.
    pub kind: String,
    /// The hit policy as written; empty = `first`.
    pub hit: String,
    /// The rows.
    pub rows: Vec<SourceRow>,
    /// The default row.
    pub default: Option<SourceRow>,
}

impl Source {
    /// Reads a text.
    ///
    /// # Errors
    /// What keeps it from being a table at all, with its place in the text.
    pub fn read(text: &str, form: Form) -> Result<Self, Vec<Problem>> {
        match form {
            Form::Yaml => yaml::read(text),
            Form::Csv => csv::read(text),
        }
    }
}

fn problem(row: &str, column: &str, message: impl Into<String>) -> Problem {
    Problem { row: row.to_owned(), column: column.to_owned(), message: message.into() }
}
