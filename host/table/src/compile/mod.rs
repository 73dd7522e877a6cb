//! From rows of named cells to the settings' table: every cell understood, every problem with its row and column.

mod amount;
mod cells;
mod columns;

use ombud_rows::program::{Node, Path, Root, Roots, Step, encode};
use ombud_rows::table::{self, Duty, More, ROWS_MAX, TABLE_BYTES_MAX};
use ombud_rows::{Hit, Kind, Row, Table, WhenUnknown};

use crate::Problem;
use crate::author::{Form, Source, SourceRow};
use columns::Columns;

/// Facts that a reason shows.
const READS_MAX: usize = 16;

/// A row, understood.
#[derive(Clone, Debug, PartialEq)]
pub struct BuiltRow {
    /// The rule id.
    pub id: String,
    /// The condition; none = always.
    pub when: Option<Node>,
    /// Its bytes.
    pub program: Vec<u8>,
    /// What an unknown fact does.
    pub unknown: WhenUnknown,
    /// Place of the outcome.
    pub outcome: u8,
    pub(crate) amount: Option<Vec<u8>>,
    pub(crate) severity: u8,
    pub(crate) sources: Vec<(String, String)>,
    pub(crate) reads: Vec<Vec<u8>>,
    pub(crate) missing: Vec<String>,
    pub(crate) duties: Vec<(String, u8, Option<u32>)>,
    pub(crate) options: Vec<u8>,
    pub(crate) payer: Option<u8>,
    pub(crate) alternative: Option<String>,
    pub(crate) form: Option<u8>,
    pub(crate) tier: Option<u8>,
    pub(crate) measure: Option<u8>,
    pub(crate) next_role: Option<u8>,
    pub(crate) review_days: Option<u32>,
    pub(crate) words: Vec<String>,
    pub(crate) action: Option<u8>,
}

/// A table that can be used as settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    /// Its kind.
    pub kind: Kind,
    /// Which rows decide.
    pub hit: Hit,
    /// The rows.
    pub rows: Vec<BuiltRow>,
    /// The default row.
    pub default: Option<BuiltRow>,
    /// The table as the policy reads it.
    pub bytes: Vec<u8>,
    /// What it was compiled from.
    pub source: String,
}

/// Compiles a text.
///
/// # Errors
/// Every problem, with its row and column.
pub fn compile(text: &str, form: Form) -> Result<Compiled, Vec<Problem>> {
    let source = Source::read(text, form)?;
    let whole = |column: &str, message: String| vec![Problem { row: String::new(), column: column.to_owned(), message }];
    let kinds = || Kind::ALL.map(Kind::as_str).join(", ");
    let kind = Kind::parse(&source.kind).ok_or_else(|| whole("kind", format!("`{}` is no kind: {}", source.kind, kinds())))?;
    let hit = hit(&source.hit).map_err(|message| whole("hit", message))?;
    let mut problems = Vec::new();
    if source.rows.is_empty() {
        problems.push(Problem { row: String::new(), column: "rows".into(), message: "a table has at least one row".into() });
    }
    if source.rows.len() > ROWS_MAX {
        problems.extend(whole("rows", format!("{} rows are more than {ROWS_MAX}", source.rows.len())));
    }
    let roots = kind.roots();
    let mut rows: Vec<BuiltRow> = Vec::new();
    for row in &source.rows {
        let built = built(row, kind, &roots, false, &mut problems);
        if rows.iter().any(|known| known.id == built.id) {
            problems.push(Problem { row: built.id.clone(), column: "id".into(), message: "the id is used twice".into() });
        }
        rows.push(built);
    }
    let default = source.default.as_ref().map(|row| built(row, kind, &roots, true, &mut problems));
    if !problems.is_empty() {
        return Err(problems);
    }
    let packed: Vec<Row<'_>> = rows.iter().map(BuiltRow::row).collect();
    let bytes = table::bytes(kind, hit, &packed, default.as_ref().map(BuiltRow::row).as_ref());
    if bytes.len() > TABLE_BYTES_MAX {
        return Err(whole("rows", format!("the compiled table has {} bytes, at most {TABLE_BYTES_MAX} are allowed", bytes.len())));
    }
    // What is written here is what the policy will read: its own reader has the last word.
    if let Err(bad) = Table::read(&bytes, kind) {
        return Err(whole("", bad.0));
    }
    Ok(Compiled { kind, hit, rows, default, bytes, source: text.to_owned() })
}

fn hit(text: &str) -> Result<Hit, String> {
    Ok(match text.split_whitespace().collect::<Vec<_>>().as_slice() {
        [] | ["first"] => Hit::First,
        ["unique"] => Hit::Unique,
        ["collect"] | ["collect", "sum"] => Hit::CollectSum,
        ["collect", "max"] => Hit::CollectMax,
        ["collect", "min"] => Hit::CollectMin,
        _ => return Err(format!("`{text}` is no hit policy: first, unique, collect sum, collect max, collect min")),
    })
}

/// A row; what is wrong with it goes to `problems`.
fn built(row: &SourceRow, kind: Kind, roots: &Roots, default: bool, problems: &mut Vec<Problem>) -> BuiltRow {
    let mut columns = Columns::new(row, kind, roots, problems);
    let id = columns.id(default);
    let when = columns.conditions(default);
    let mut built = columns.outcome(id, default);
    built.reads = when.as_ref().map(reads).unwrap_or_default();
    if let Some(node) = &when {
        match encode(node) {
            Some(program) => built.program = program,
            None => columns.wrong("when", "the condition is too long"),
        }
    }
    built.when = when;
    built
}

impl BuiltRow {
    /// The row as the table holds it.
    pub fn row(&self) -> Row<'_> {
        Row {
            id: &self.id,
            when: self.program.as_slice().into(),
            unknown: self.unknown,
            outcome: self.outcome,
            amount: self.amount.as_deref().map(Into::into),
            severity: self.severity,
            sources: self.sources.iter().map(|(source, locator)| (source.as_str(), locator.as_str())).collect(),
            reads: self.reads.iter().map(|read| read.as_slice().into()).collect(),
            missing: self.missing.iter().map(String::as_str).collect(),
            duties: self.duties.iter().map(|(action, owner, due_h)| Duty { action, owner: *owner, due_h: *due_h }).collect(),
            more: More {
                options: self.options.clone(),
                payer: self.payer,
                alternative: self.alternative.as_deref(),
                form: self.form,
                tier: self.tier,
                measure: self.measure,
                next_role: self.next_role,
                review_days: self.review_days,
                words: self.words.iter().map(String::as_str).collect(),
                action: self.action,
            },
        }
    }
}

/// The facts that a condition reads, as a reason shows them.
fn reads(node: &Node) -> Vec<Vec<u8>> {
    let mut reads = Vec::new();
    paths(node, &mut |path| {
        let root = match path.root {
            Root::Case => 0,
            Root::Context => 1,
            Root::Derived => 2,
            Root::Item => 3,
            Root::Local(_) => return,
        };
        let mut read: Vec<u8> = vec![root];
        read.extend(path.steps.iter().map(|step| match step {
            Step::Field(place) => *place,
            Step::At(place) => *place | 128,
        }));
        if reads.len() < READS_MAX && !reads.contains(&read) {
            reads.push(read);
        }
    });
    reads
}

/// Every path of an expression, in the order of the text.
pub fn paths(node: &Node, each: &mut impl FnMut(&Path)) {
    match node {
        Node::Const(_) => {}
        Node::Path(path) | Node::Known { path, .. } => each(path),
        Node::Not(of) | Node::Negate(of) | Node::Size(of) | Node::Among(of, _) => paths(of, each),
        Node::And(left, right) | Node::Or(left, right) | Node::Two(_, left, right) | Node::In(left, right) => {
            paths(left, each);
            paths(right, each);
        }
        Node::If(condition, yes, no) => {
            paths(condition, each);
            paths(yes, each);
            paths(no, each);
        }
        Node::Any { list, holds, .. } => {
            paths(list, each);
            paths(holds, each);
        }
    }
}

#[cfg(test)]
mod tests;
