//! A table in CSV, as a spreadsheet exports it: `# kind: delay` and the like, a line of column names, one line for each row. Between the
//! cells stand commas, semicolons or tabs, whichever the line of column names has most of.

use super::{Cell, Problem, Source, SourceRow, problem};

/// The id of the row that holds where no other does.
const DEFAULT: &str = "default";
/// What spreadsheets put between two cells, by their language.
const BETWEEN: [u8; 3] = [b',', b';', b'\t'];

pub(super) fn read(text: &str) -> Result<Source, Vec<Problem>> {
    // A spreadsheet writes a byte order mark, and ends lines in its own way.
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut source = Source { kind: String::new(), hit: String::new(), rows: Vec::new(), default: None };
    let mut problems = Vec::new();
    let mut body = text.as_str();
    let mut line_of_names = 1;
    while let Some((line, rest)) = body.split_once('\n').or((!body.is_empty()).then_some((body, ""))) {
        // A spreadsheet fills the line with empty cells, and quotes what has a comma.
        let fact = line.trim_end_matches(|filler: char| filler.is_whitespace() || ",;".contains(filler)).trim_start();
        let fact = fact.strip_prefix('"').map_or(fact, |quoted| quoted.trim_end_matches('"')).trim();
        if let Some(fact) = fact.strip_prefix('#') {
            head(fact.trim_start_matches('#'), line_of_names, &mut source, &mut problems);
        } else if !fact.is_empty() {
            break;
        }
        (body, line_of_names) = (rest, line_of_names + 1);
    }
    if source.kind.is_empty() && problems.is_empty() {
        problems.push(problem("", "kind", "is not named: the first line is `# kind: delay`, or another kind"));
    }
    rows(body, line_of_names, &mut source, &mut problems);
    if problems.is_empty() { Ok(source) } else { Err(problems) }
}

/// `kind: delay` and the like. A remark has no colon, or is a `note`.
fn head(text: &str, line: usize, source: &mut Source, problems: &mut Vec<Problem>) {
    let Some((key, value)) = text.split_once([':', '：']).map(|(key, value)| (key.trim(), value.trim())) else { return };
    let place = match key {
        "kind" => &mut source.kind,
        "hit" => &mut source.hit,
        "note" => return,
        _ => {
            let message = format!("line {line}: there is no such key: `# kind: …` and `# hit: …`, and `# note: …` is a remark");
            return problems.push(problem("", key, message));
        }
    };
    if !place.is_empty() {
        problems.push(problem("", key, format!("line {line}: stands there twice")));
    }
    value.clone_into(place);
}

fn rows(body: &str, line_of_names: usize, source: &mut Source, problems: &mut Vec<Problem>) {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(between(body))
        .flexible(true)
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .has_headers(false)
        .from_reader(body.as_bytes());
    let mut columns: Option<Vec<String>> = None;
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => return problems.push(problem("", "", format!("not CSV: {error}"))),
        };
        let line = record.position().map_or(0, |position| usize::try_from(position.line()).unwrap_or(0)) + line_of_names - 1;
        let Some(columns) = &columns else {
            let names: Vec<String> = record.iter().map(str::to_owned).collect();
            for (at, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
                if names.iter().take(at).any(|before| before == name) {
                    let message =
                        "the column stands there twice: one cell may hold an interval, as in `[24h..72h)`, and `when` any condition";
                    problems.push(problem("", name, message));
                }
            }
            columns = Some(names);
            continue;
        };
        let cells: Vec<&str> = record.iter().collect();
        if cells.iter().all(|cell| cell.is_empty()) {
            continue;
        }
        if cells.len() != columns.len() {
            let message = format!(
                "line {line}: {} cells below {} column names: a cell that holds what stands between cells, or a line's end, is in double quotes",
                cells.len(),
                columns.len()
            );
            problems.push(problem("", "", message));
            continue;
        }
        let id = columns.iter().zip(&cells).find(|(column, cell)| *column == "id" && !cell.is_empty()).map(|(_, cell)| (*cell).to_owned());
        let name = id.clone().unwrap_or_else(|| format!("line {line}"));
        let mut row = SourceRow { name, cells: Vec::new() };
        for (at, (column, cell)) in columns.iter().zip(&cells).enumerate() {
            let cell = Cell::One((*cell).to_owned());
            if cell.is_empty() {
                continue;
            }
            if column.is_empty() {
                problems.push(problem(&row.name, "", format!("`{}` stands below no column name, in column {}", cell.text(), at + 1)));
            }
            row.cells.push((column.clone(), cell));
        }
        if id.as_deref() != Some(DEFAULT) {
            source.rows.push(row);
            continue;
        }
        row.cells.retain(|(column, _)| column != "id");
        if source.default.replace(row).is_some() {
            problems.push(problem(DEFAULT, "", format!("line {line}: there is one `default` row")));
        }
    }
}

/// What stands between the cells of the first line.
fn between(body: &str) -> u8 {
    let names = body.lines().next().unwrap_or_default().as_bytes();
    let count = |of: &u8| names.iter().filter(|byte| *byte == of).count();
    BETWEEN.into_iter().rev().max_by_key(count).unwrap_or(b',')
}
