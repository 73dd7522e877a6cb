//! Settings of the `table` policy: one compiled table for each kind, as text.
//!
//! They are read in every fresh instance. So a table is one text that is decoded as it stands, and the source it was compiled from,
//! which is there for people, is skipped. The table's checksum stands for the check of its rows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::table::{BadTable, Kind, TABLE_BYTES_MAX, Table};

/// A table's source, in characters.
pub const SOURCE_MAX: usize = 128 << 10;

/// The tables of a policy, by the place of their kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    tables: [Option<Box<Table<'static>>>; 4],
}

/// What is wrong with settings and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text<'a> {
    #[serde(borrow)]
    after_sale: Option<Part<'a>>,
    #[serde(borrow)]
    delay: Option<Part<'a>>,
    #[serde(borrow)]
    blacklist: Option<Part<'a>>,
    #[serde(borrow)]
    reply: Option<Part<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part<'a> {
    program: &'a str,
    #[serde(default, rename = "source")]
    _source: Option<serde::de::IgnoredAny>,
}

impl Tables {
    /// The table of a kind.
    pub fn of(&self, kind: Kind) -> Option<&Table<'static>> {
        self.tables.get(kind as usize)?.as_deref()
    }

    /// Reads settings; every problem is in the list.
    pub fn parse(json: &str) -> Result<Self, Vec<Problem>> {
        if matches!(json.trim_ascii(), "" | "{}") {
            return Ok(Self::default());
        }
        let Ok(text) = serde_json::from_str::<Text<'_>>(json) else { return Err(problems(json)) };
        let mut tables = Self::default();
        let mut problems = Vec::new();
        let parts = [text.after_sale, text.delay, text.blacklist, text.reply];
        for ((kind, part), table) in Kind::ALL.into_iter().zip(parts).zip(&mut tables.tables) {
            let Some(part) = part else { continue };
            match read(part.program, kind) {
                Ok(read) => *table = Some(Box::new(read)),
                Err(BadTable(message)) => problems.push(Problem { path: ["/", kind.property(), "/program"].concat(), message }),
            }
        }
        if problems.is_empty() { Ok(tables) } else { Err(problems) }
    }

    /// The settings of a compiled table, with the source it was compiled from.
    pub fn text(tables: &[(Kind, Vec<u8>, &str)]) -> Value {
        let parts = tables
            .iter()
            .map(|(kind, bytes, source)| (kind.property().to_owned(), json!({"program": STANDARD_NO_PAD.encode(bytes), "source": source})));
        Value::Object(parts.collect())
    }

    /// The JSON Schema of the settings.
    pub fn schema() -> Value {
        let properties = Kind::ALL.into_iter().map(|kind| {
            let table = json!({
                "type": "object",
                "description": format!("The decision table of kind {}, as `ombud table compile` writes it.", kind.as_str()),
                "additionalProperties": false,
                "required": ["program"],
                "properties": {
                    "program": {
                        "type": "string",
                        "contentEncoding": "base64",
                        "pattern": "^[A-Za-z0-9+/]*$",
                        "maxLength": TABLE_BYTES_MAX.div_ceil(3) * 4,
                        "description": "The compiled table.",
                    },
                    "source": {"type": "string", "maxLength": SOURCE_MAX, "description": "What it was compiled from; not read by the policy."},
                },
            });
            (kind.property().to_owned(), table)
        });
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "description": "Decision tables, one for each kind; a kind without one goes to a person.",
            "additionalProperties": false,
            "properties": properties.collect::<serde_json::Map<_, _>>(),
        })
    }
}

/// A table from its text. The bytes stay as long as the program: an instance decides once, and a row then borrows instead of copying.
fn read(program: &str, kind: Kind) -> Result<Table<'static>, BadTable> {
    let bytes = STANDARD_NO_PAD.decode(program).map_err(|error| BadTable(format!("not base64: {error}")))?;
    let bytes: &'static [u8] = Box::leak(bytes.into_boxed_slice());
    Table::unchecked(bytes, kind)
}

/// The problems of settings that are not of the right form, each with its place.
fn problems(json: &str) -> Vec<Problem> {
    let problem = |path: String, message: &str| Problem { path, message: message.to_owned() };
    let value = match serde_json::from_str(json) {
        Ok(Value::Object(value)) => value,
        Ok(_) => return vec![problem(String::new(), "must be an object")],
        Err(_) => return vec![problem(String::new(), "not valid JSON")],
    };
    let mut problems = Vec::new();
    for (name, part) in &value {
        let path = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        if Kind::ALL.into_iter().all(|kind| kind.property() != name) {
            problems.push(problem(path, "there is no such setting: tables are `after_sale`, `delay`, `blacklist` and `reply`"));
            continue;
        }
        let Value::Object(part) = part else {
            problems.push(problem(path, "must be an object with `program`"));
            continue;
        };
        match part.get("program") {
            Some(Value::String(_)) => {}
            Some(_) => problems.push(problem(format!("{path}/program"), "must be a string")),
            None => problems.push(problem(format!("{path}/program"), "is missing")),
        }
        let unknown = part.keys().filter(|name| !matches!(name.as_str(), "program" | "source"));
        problems.extend(unknown.map(|name| problem(format!("{path}/{name}"), "there is no such setting")));
    }
    if problems.is_empty() {
        problems.push(problem(String::new(), "a program has characters that are escaped: it is plain base64"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_was_changed_is_refused_with_its_place() {
        let table = crate::table::bytes(Kind::Delay, crate::Hit::First, &[], None);
        let of = |bytes: &[u8]| Tables::parse(&Tables::text(&[(Kind::Delay, bytes.to_vec(), "")]).to_string());
        assert!(of(&table).unwrap().of(Kind::Delay).is_some());
        for at in 0..table.len() {
            let mut changed = table.clone();
            changed[at] ^= 1;
            let problems = of(&changed).unwrap_err();
            assert_eq!(problems[0].path, "/delay/program");
            assert!(problems[0].message.contains("compile the table again"), "{problems:?}");
        }
        assert!(of(&table[..7]).is_err() && of(&[]).is_err());
    }
}
