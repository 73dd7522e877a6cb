//! A table in YAML.

use serde_norway::{Mapping, Value};

use super::{Cell, Problem, Source, SourceRow, problem};

const KEYS: [&str; 5] = ["kind", "hit", "rows", "default", "note"];

pub(super) fn read(text: &str) -> Result<Source, Vec<Problem>> {
    let value = ombud_core::yaml::read(text).map_err(|error| vec![problem("", "", format!("not YAML: {error}"))])?;
    let Value::Mapping(file) = value else { return Err(vec![problem("", "", "not a mapping with `kind` and `rows`")]) };
    let mut problems = Vec::new();
    for key in file.keys() {
        let name = key.as_str().unwrap_or("?");
        if !KEYS.contains(&name) {
            problems.push(problem("", name, "there is no such key: a table has `kind`, `hit`, `rows`, `default`, `note`"));
        }
    }
    let mut word = |key: &str, such_as: &str| match file.get(key) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(word)) => word.clone(),
        Some(_) => {
            problems.push(problem("", key, format!("must be a text, such as `{such_as}`")));
            String::new()
        }
    };
    let (kind, hit) = (word("kind", "delay"), word("hit", "collect sum"));
    if kind.is_empty() && problems.is_empty() {
        problems.push(problem("", "kind", "is not named: `kind: delay`, or another kind"));
    }
    let mut source = Source { kind, hit, rows: Vec::new(), default: None };
    match file.get("rows") {
        Some(Value::Sequence(rows)) => {
            for (index, row) in rows.iter().enumerate() {
                source.rows.extend(one(row, &format!("number {}", index + 1), &mut problems));
            }
        }
        _ => problems.push(problem("", "rows", "must be a list of rows")),
    }
    source.default = file.get("default").and_then(|row| one(row, "default", &mut problems));
    if problems.is_empty() { Ok(source) } else { Err(problems) }
}

fn one(row: &Value, place: &str, problems: &mut Vec<Problem>) -> Option<SourceRow> {
    let Value::Mapping(row) = row else {
        problems.push(problem(place, "", "must be a mapping of columns to cells"));
        return None;
    };
    let name = row.get("id").and_then(text).unwrap_or_else(|| place.to_owned());
    let mut cells = Vec::new();
    flatten(row, "", &name, &mut cells, problems);
    Some(SourceRow { name, cells })
}

/// `condition: {opened: yes}` is the column `condition.opened`.
fn flatten(row: &Mapping, prefix: &str, name: &str, cells: &mut Vec<(String, Cell)>, problems: &mut Vec<Problem>) {
    for (key, value) in row {
        let Some(key) = text(key) else {
            problems.push(problem(name, prefix, "a column's name must be a text"));
            continue;
        };
        let column = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
        let cell = match value {
            Value::Mapping(inner) => {
                flatten(inner, &column, name, cells, problems);
                continue;
            }
            Value::Null => continue,
            Value::Sequence(items) => items.iter().map(text).collect::<Option<Vec<_>>>().map(Cell::Many),
            value => text(value).map(Cell::One),
        };
        match cell {
            Some(cell) if cell.is_empty() => {}
            Some(cell) => cells.push((column, cell)),
            None => problems.push(problem(name, &column, "a cell is a text, a number, yes or no, or a list of these")),
        }
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(if *value { "yes" } else { "no" }.to_owned()),
        _ => None,
    }
}
