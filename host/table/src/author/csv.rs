//! A table in CSV, as a spreadsheet exports it: `# kind: delay` and the like, a line of column names, one line for each row.

use super::{Cell, Problem, Source, SourceRow, problem};

/// The id of the row that holds where no other does.
const DEFAULT: &str = "default";

pub(super) fn read(text: &str) -> Result<Source, Vec<Problem>> {
    // A spreadsheet writes a byte order mark.
    let text = text.trim_start_matches('\u{feff}');
    let mut source = Source { kind: String::new(), hit: String::new(), rows: Vec::new(), default: None };
    let mut problems = Vec::new();
    let mut body = text;
    while let Some(line) = body.lines().next().filter(|line| line.trim_start().starts_with('#') || line.trim().is_empty()) {
        // What a spreadsheet adds to fill the line.
        let fact = line.trim().trim_start_matches('#').trim_end_matches([',', ';']).trim();
        match fact.split_once(':').map(|(key, value)| (key.trim(), value.trim().to_owned())) {
            Some(("kind", kind)) => source.kind = kind,
            Some(("hit", hit)) => source.hit = hit,
            _ => {}
        }
        body = body.get(line.len()..).unwrap_or_default().trim_start_matches(['\r', '\n']);
        if body.is_empty() {
            break;
        }
    }
    let skipped = text.lines().count().saturating_sub(body.lines().count());
    let mut reader = csv::ReaderBuilder::new().flexible(false).trim(csv::Trim::All).comment(Some(b'#')).from_reader(body.as_bytes());
    let columns: Vec<String> = match reader.headers() {
        Ok(columns) => columns.iter().map(str::to_owned).collect(),
        Err(error) => return Err(vec![problem("", "", format!("not CSV: {error}"))]),
    };
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                problems.push(problem("", "", format!("not CSV: {error}")));
                break;
            }
        };
        let line = record.position().map_or(0, |position| usize::try_from(position.line()).unwrap_or(0)) + skipped;
        let mut cells: Vec<(String, Cell)> = columns.iter().cloned().zip(record.iter().map(|cell| Cell::One(cell.to_owned()))).collect();
        cells.retain(|(column, cell)| !column.is_empty() && !cell.is_empty());
        if cells.is_empty() {
            continue;
        }
        let id = cells.iter().find(|(column, _)| column == "id").map(|(_, cell)| cell.text());
        if id.as_deref() == Some(DEFAULT) {
            cells.retain(|(column, _)| column != "id");
            source.default = Some(SourceRow { name: DEFAULT.to_owned(), cells });
        } else {
            source.rows.push(SourceRow { name: id.unwrap_or_else(|| format!("line {line}")), cells });
        }
    }
    if problems.is_empty() { Ok(source) } else { Err(problems) }
}
