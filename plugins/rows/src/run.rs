//! Which rows decide: the conditions, the hit policy, and what unknown facts do.

use crate::fact::Value;
use crate::program::{Env, Records, eval};
use crate::table::{Hit, Packed, Row, Table, WhenUnknown};

/// What a table says of a case or an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<'t> {
    /// These rows decide, in order: one, unless all are collected; the default row where none matched.
    Rows(Vec<Row<'t>>),
    /// Several rows of a `unique` table match.
    Overlap(Vec<Row<'t>>),
    /// No row matches and there is no default.
    NoRow,
    /// This row's condition hangs on a fact that is not known, and evidence is asked for.
    Ask(Row<'t>),
    /// The same, and a person decides.
    Review(Row<'t>),
}

/// The answer, and the rows that were passed over because a fact is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran<'t> {
    /// What the table says.
    pub answer: Answer<'t>,
    /// Rows that might decide otherwise if everything were known.
    pub passed_over: Vec<Row<'t>>,
}

/// How a condition came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    Yes,
    No,
    Unknown,
}

/// How a row's condition comes out.
pub fn holds<'a>(row: Packed<'a>, records: Records<'a>) -> Holds {
    let when = row.when();
    if when.is_empty() {
        return Holds::Yes;
    }
    match eval(when, &mut Env::new(records)) {
        Value::Bool(true) => Holds::Yes,
        Value::Bool(false) => Holds::No,
        _ => Holds::Unknown,
    }
}

/// An amount hangs on a fact that is not known, or cannot be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAmount;

/// The amount of a row in fen; none where it has none, an error where it hangs on what is not known.
pub fn amount<'a>(row: &Row<'a>, records: Records<'a>) -> Result<Option<i64>, NoAmount> {
    let Some(program) = row.amount else { return Ok(None) };
    let program: &'a [u8] = program;
    match eval(program, &mut Env::new(records)) {
        Value::Int(amount) => Ok(Some(amount)),
        _ => Err(NoAmount),
    }
}

/// Runs a table. `holds` says how the condition of a row comes out, words included.
pub fn run<'t>(table: &Table<'t>, holds: impl Fn(Packed<'t>) -> Holds) -> Ran<'t> {
    let mut matched = Vec::new();
    let mut passed_over = Vec::new();
    for packed in &table.rows {
        let holds = holds(*packed);
        if holds == Holds::No {
            continue;
        }
        let row = packed.row();
        match (holds, row.unknown) {
            (Holds::Yes, _) if table.hit == Hit::First => return Ran { answer: Answer::Rows(vec![row]), passed_over },
            (Holds::Yes | Holds::No, _) => matched.push(row),
            (Holds::Unknown, WhenUnknown::Skip) => passed_over.push(row),
            (Holds::Unknown, WhenUnknown::Ask) => return Ran { answer: Answer::Ask(row), passed_over },
            (Holds::Unknown, WhenUnknown::Review) => return Ran { answer: Answer::Review(row), passed_over },
        }
    }
    let answer = match (matched.len(), table.hit, &table.default) {
        (0, _, Some(default)) => Answer::Rows(vec![default.row()]),
        (0, _, None) => Answer::NoRow,
        (2.., Hit::Unique, _) => Answer::Overlap(matched),
        _ => Answer::Rows(matched),
    };
    Ran { answer, passed_over }
}

/// The amounts of the rows that decide, brought together as the table says; none where no row has one.
pub fn together(hit: Hit, amounts: &[i64]) -> Option<i64> {
    let all = amounts.iter().copied();
    match hit {
        Hit::CollectSum => (!amounts.is_empty()).then(|| all.fold(0, i64::saturating_add)),
        Hit::CollectMin => all.min(),
        Hit::First | Hit::Unique | Hit::CollectMax => all.max(),
    }
}
