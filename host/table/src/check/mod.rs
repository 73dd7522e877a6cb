//! Gaps, overlaps and rows that never decide, each with a case that shows it.
//!
//! Cases are made from the table itself: every fact it reads takes the values it is compared with and those just beside them, is
//! another name or unknown. Each case is then a real one, decided by the real conditions: what is reported is so. What is not
//! reported may still be: only the combinations that were tried were tried.

mod base;
mod dial;
mod vary;

use ombud_rows::program::{Path, Records, Root};
use ombud_rows::reason;
use ombud_rows::run::Holds;
use ombud_rows::{Hit, Kind, Table, Type, Value};
use serde::Serialize;

use crate::Compiled;
use base::Made;
#[cfg(test)]
pub(crate) use base::json as base_json;
use vary::Variable;

/// Cases tried for one table. More combinations than that are sampled.
const CASES_MAX: usize = 20_000;
/// Of these, cases made for one row from what it alone is compared with.
const CASES_OF_ROW_MAX: usize = 32;
/// Examples shown of a finding.
const EXAMPLES_MAX: usize = 5;
/// Overlaps kept with their cases; the others are counted.
const OVERLAPS_MAX: usize = 200;

/// A case that shows a finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Example {
    /// The facts that the table reads, as they are in this case.
    pub facts: Vec<(String, String)>,
    /// The case as JSON; a delay's table is asked for its first episode.
    pub case: serde_json::Value,
    /// Its context as JSON.
    pub context: serde_json::Value,
}

/// Two rows that match the same case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overlap {
    /// Their ids, in order.
    pub rows: (String, String),
    /// Whether their outcomes differ.
    pub contradict: bool,
    /// A case.
    pub example: Example,
}

/// A row that decided no case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Idle {
    /// Its id.
    pub row: String,
    /// The rows that decide where it would; none where it never matched.
    pub behind: Vec<String>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Findings {
    /// Cases tried.
    pub tried: usize,
    /// Whether these were all combinations.
    pub complete: bool,
    /// Cases that no row matches though every condition is decided: at most five of them.
    pub gaps: Vec<Example>,
    /// How many there were.
    pub gap_count: usize,
    /// Rows that match the same case, the first case of each pair: at most two hundred pairs.
    pub overlaps: Vec<Overlap>,
    /// How many pairs there were.
    pub overlap_count: usize,
    /// Rows that never decide.
    pub idle: Vec<Idle>,
}

/// Tries a table.
pub fn check(compiled: &Compiled) -> Findings {
    let Ok(table) = Table::read(&compiled.bytes, compiled.kind) else { return Findings::default() };
    let variables = vary::variables(compiled);
    let mut seen = Seen::new(&table, compiled, &variables);
    let (choices, complete) = choices(&variables, compiled.rows.len());
    for choice in &choices {
        let made = base::make(compiled.kind, |case, context| {
            for (variable, at) in variables.iter().zip(choice) {
                if let Some(value) = variable.values.get(*at) {
                    dial::turn(compiled.kind, &variable.path, value, case, context);
                }
            }
        });
        if let Some(made) = made {
            made.ask(&table, |records, holds| seen.case(records, holds, &made));
        }
    }
    seen.findings(complete)
}

/// Which value each variable takes in each case: every combination if they are few, else each value once beside the first ones, then for each
/// row combinations of what the row itself is compared with, then a sample, always the same.
fn choices(variables: &[Variable], rows: usize) -> (Vec<Vec<usize>>, bool) {
    let sizes: Vec<usize> = variables.iter().map(|variable| variable.values.len().max(1)).collect();
    let all = sizes.iter().try_fold(1_usize, |product, size| product.checked_mul(*size)).unwrap_or(usize::MAX);
    if all <= CASES_MAX {
        let every = (0..all).map(|mut number| {
            let digit = |size: &usize| {
                let digit = number % size;
                number /= size;
                digit
            };
            sizes.iter().map(digit).collect()
        });
        return (every.collect(), true);
    }
    let mut choices = Vec::with_capacity(CASES_MAX);
    for (variable, size) in sizes.iter().enumerate() {
        for value in 0..*size {
            choices.push((0..sizes.len()).map(|at| if at == variable { value } else { 0 }).collect());
        }
    }
    // SplitMix64 from a fixed start: the same table is always tried with the same cases.
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut next = |size: usize| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % size as u64).unwrap_or(0)
    };
    let for_each_row = CASES_OF_ROW_MAX.min(CASES_MAX.saturating_sub(choices.len()) / rows.max(1));
    for row in 0..rows {
        let own: Vec<Vec<usize>> = variables.iter().map(|variable| variable.of_row(row)).collect();
        let combinations = own.iter().try_fold(1_usize, |product, own| product.checked_mul(own.len().max(1))).unwrap_or(usize::MAX);
        for number in 0..combinations.min(for_each_row) {
            let mut number = if combinations > for_each_row { next(combinations) } else { number };
            let mut digit = |own: &Vec<usize>| {
                let digit = own.get(number % own.len().max(1)).copied().unwrap_or(0);
                number /= own.len().max(1);
                digit
            };
            choices.push(own.iter().map(&mut digit).collect());
        }
    }
    choices.truncate(CASES_MAX);
    while choices.len() < CASES_MAX {
        choices.push(sizes.iter().map(|size| next(*size)).collect());
    }
    (choices, false)
}

/// What the cases showed so far.
struct Seen<'t> {
    table: &'t Table<'t>,
    tried: usize,
    gaps: Vec<Example>,
    gap_count: usize,
    overlaps: Vec<(usize, usize, Example)>,
    overlap_count: usize,
    /// Row by row with which others it was seen to match.
    overlapping: Vec<Vec<bool>>,
    decided: Vec<bool>,
    /// For each row, the rows that decided where it matched.
    behind: Vec<Vec<usize>>,
    /// Every fact that is varied, and for each row those it reads.
    paths: Vec<&'t Path>,
    reads: Vec<Vec<&'t Path>>,
}

impl<'t> Seen<'t> {
    fn new(table: &'t Table<'t>, compiled: &Compiled, variables: &'t [Variable]) -> Self {
        let rows = table.rows.len();
        let paths: Vec<&Path> = variables.iter().map(|variable| &variable.path).collect();
        let read_by = |row: &crate::compile::BuiltRow| {
            let mut read = Vec::new();
            if let Some(when) = &row.when {
                crate::compile::paths(when, &mut |path| read.push(path.clone()));
            }
            let worded = |path: &Path| !row.words.is_empty() && vary::text_path(compiled.kind).as_ref() == Some(path);
            paths.iter().copied().filter(|path| read.contains(path) || worded(path)).collect()
        };
        Self {
            reads: compiled.rows.iter().map(read_by).collect(),
            paths,
            table,
            tried: 0,
            gaps: Vec::new(),
            gap_count: 0,
            overlaps: Vec::new(),
            overlap_count: 0,
            overlapping: vec![vec![false; rows]; rows],
            decided: vec![false; rows],
            behind: vec![Vec::new(); rows],
        }
    }

    fn case(&mut self, records: Records<'_>, holds: &dyn Fn(usize) -> Holds, made: &Made) {
        self.tried += 1;
        let answers: Vec<Holds> = (0..self.table.rows.len()).map(holds).collect();
        let matched: Vec<usize> = answers.iter().enumerate().filter(|(_, answer)| **answer == Holds::Yes).map(|(row, _)| row).collect();
        let example = |paths: &[&Path]| made.example(self.table.kind(), records, paths);
        if matched.is_empty() && !answers.contains(&Holds::Unknown) {
            self.gap_count += 1;
            if self.gaps.len() < EXAMPLES_MAX {
                let example = example(&self.paths);
                if self.gaps.iter().all(|known| known.facts != example.facts) {
                    self.gaps.push(example);
                }
            }
        }
        for (at, one) in matched.iter().enumerate() {
            for other in matched.iter().skip(at + 1) {
                let known = self.overlapping.get_mut(*one).and_then(|with| with.get_mut(*other));
                if known.is_none_or(|known| std::mem::replace(known, true)) {
                    continue;
                }
                self.overlap_count += 1;
                if self.overlaps.len() < OVERLAPS_MAX {
                    // Only what the two rows read.
                    let of = |row: usize| self.reads.get(row).map(Vec::as_slice).unwrap_or_default();
                    let both = self.paths.iter().copied().filter(|path| of(*one).contains(path) || of(*other).contains(path));
                    self.overlaps.push((*one, *other, example(&both.collect::<Vec<_>>())));
                }
            }
        }
        // Under `first` a row that hangs on an unknown fact may still be passed over.
        let deciding: &[usize] = if self.table.hit == Hit::First { matched.get(..1).unwrap_or_default() } else { &matched };
        for row in deciding {
            if let Some(decided) = self.decided.get_mut(*row) {
                *decided = true;
            }
        }
        for row in matched.iter().filter(|row| !deciding.contains(row)) {
            if let (Some(behind), Some(first)) = (self.behind.get_mut(*row), deciding.first())
                && !behind.contains(first)
            {
                behind.push(*first);
            }
        }
    }

    fn findings(self, complete: bool) -> Findings {
        let rows = &self.table.rows;
        let id = |row: usize| rows.get(row).map_or_else(String::new, |row| row.row().id.to_owned());
        let outcome = |row: usize| rows.get(row).map(|row| row.row().outcome);
        let idle = self.decided.iter().zip(&self.behind).enumerate().filter(|(_, (decided, _))| !**decided);
        Findings {
            tried: self.tried,
            complete,
            gaps: self.gaps,
            gap_count: self.gap_count,
            overlap_count: self.overlap_count,
            idle: idle.map(|(row, (_, behind))| Idle { row: id(row), behind: behind.iter().map(|row| id(*row)).collect() }).collect(),
            overlaps: self
                .overlaps
                .into_iter()
                .map(|(one, other, example)| Overlap { rows: (id(one), id(other)), contradict: outcome(one) != outcome(other), example })
                .collect(),
        }
    }
}

/// A fact of a case as it is shown.
fn shown(kind: Kind, records: Records<'_>, path: &Path) -> Option<(String, String)> {
    let roots = kind.roots();
    let (mut ty, mut value, mut name) = match path.root {
        Root::Case => (Type::Record(roots.case), Value::Record(records.case), String::new()),
        Root::Context => (Type::Record(roots.context), Value::Record(records.context), "context".to_owned()),
        Root::Derived => (Type::Record(roots.derived), Value::Record(records.derived), "derived".to_owned()),
        Root::Item => (Type::Record(roots.item?), Value::Record(records.item?), "episode".to_owned()),
        Root::Local(_) => return None,
    };
    for step in &path.steps {
        (ty, value) = match (ty, value, step) {
            (Type::Record(schema), value, ombud_rows::program::Step::Field(place)) => {
                let field = schema.fields.get(usize::from(*place))?;
                if !name.is_empty() {
                    name.push('.');
                }
                name.push_str(field.name);
                (field.ty, if let Value::Record(record) = value { record.get(*place) } else { Value::Unknown })
            }
            (Type::List(item), value, ombud_rows::program::Step::At(at)) => {
                name.push_str(&format!("[{at}]"));
                (*item, if let Value::List(list) = value { list.item(usize::from(*at)) } else { Value::Unknown })
            }
            _ => return None,
        };
    }
    let text = match (ty, value) {
        (Type::Duration, Value::Int(millis)) => duration(millis),
        (Type::Instant, Value::Int(millis)) => instant(millis),
        (ty @ Type::List(_), value @ Value::List(list)) => items(ty, list).unwrap_or_else(|| reason::text(ty, value)),
        (ty, value) => reason::text(ty, value),
    };
    Some((name, text))
}

/// The items of a list by the first thing that tells them apart.
fn items(ty: Type, list: &dyn ombud_rows::fact::Items) -> Option<String> {
    let Type::List(item) = ty else { return None };
    let texts = (0..list.count().min(8)).map(|at| match (item, list.item(at)) {
        (Type::Record(schema), Value::Record(record)) => {
            let names = ["kind", "category", "criterion", "key", "channel", "stage", "form"];
            let field = names.iter().find_map(|name| schema.field(name));
            field.map_or_else(|| "given".to_owned(), |(place, field)| reason::text(field.ty, record.get(place)))
        }
        (ty, value) => reason::text(*ty, value),
    });
    Some(format!("[{}]", texts.collect::<Vec<_>>().join(", ")))
}

fn duration(millis: i64) -> String {
    let (hours, rest) = (millis / 3_600_000, millis % 3_600_000);
    match rest {
        0 => format!("{hours}h"),
        rest if rest % 60_000 == 0 => format!("{hours}h{}m", (rest / 60_000).abs()),
        _ => format!("{millis}ms"),
    }
}

fn instant(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).map_or_else(|_| millis.to_string(), |at| at.to_string())
}

#[cfg(test)]
mod tests;
