//! Reasons of a ruling: the row's id, its sources, and the facts its condition read with their values.

use ombud_rules::contract::types::{Citation, Fact, Reason, Severity};

use crate::fact::{Type, Value};
use crate::program::{Records, Roots};
use crate::table::{Kind, Row};

/// The codes of roots and steps are those of a program.
const CASE: u8 = 0;
const CONTEXT: u8 = 1;
const DERIVED: u8 = 2;
const ITEM: u8 = 3;
const AT: u8 = 128;

/// A path as a reason carries it: a root and steps.
fn start<'a>(roots: &Roots, read: &'a [u8]) -> Option<(Type, &'a [u8], u8)> {
    let (root, steps) = read.split_first()?;
    let schema = match *root {
        CASE => roots.case,
        CONTEXT => roots.context,
        DERIVED => roots.derived,
        ITEM => roots.item?,
        _ => return None,
    };
    Some((Type::Record(schema), steps, *root))
}

/// Whether the path leads to a fact.
pub fn ends_somewhere(roots: &Roots, read: &[u8]) -> bool {
    let Some((mut ty, steps, _)) = start(roots, read) else { return false };
    for step in steps {
        ty = match ty {
            Type::Record(schema) if *step < AT => match schema.fields.get(usize::from(*step)) {
                Some(field) => field.ty,
                None => return false,
            },
            Type::List(item) if *step >= AT => *item,
            _ => return false,
        };
    }
    !steps.is_empty()
}

/// Where the item of a table that decides item by item stands in the case.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place(pub Option<usize>);

/// The reason of a row.
pub fn reason(row: &Row<'_>, kind: Kind, records: &Records<'_>, place: Place) -> Reason {
    let roots = kind.roots();
    Reason {
        rule: row.id.to_owned(),
        severity: Severity::ALL.get(usize::from(row.severity)).copied().unwrap_or(Severity::Medium),
        facts: row.reads.iter().filter_map(|read| fact(&roots, records, read, place)).collect(),
        citations: row.sources.iter().map(|(source, locator)| citation(source, locator)).collect(),
    }
}

/// A reason of the table itself.
pub fn of_table(rule: &str, severity: Severity, facts: Vec<Fact>) -> Reason {
    Reason { rule: rule.to_owned(), severity, facts, citations: Vec::new() }
}

fn citation(source: &str, locator: &str) -> Citation {
    Citation { source: source.to_owned(), locator: locator.to_owned() }
}

/// Path and value of one fact.
fn fact(roots: &Roots, records: &Records<'_>, read: &[u8], place: Place) -> Option<Fact> {
    let (mut ty, steps, root) = start(roots, read)?;
    let (mut path, mut value) = match root {
        CASE => (String::new(), Value::Record(records.case)),
        CONTEXT => ("context".to_owned(), Value::Record(records.context)),
        DERIVED => ("derived".to_owned(), Value::Record(records.derived)),
        _ => (place.0.map_or_else(|| "item".to_owned(), |at| format!("episodes[{at}]")), Value::Record(records.item?)),
    };
    for step in steps {
        (ty, value) = match (ty, value) {
            (Type::Record(schema), value) if *step < AT => {
                let field = schema.fields.get(usize::from(*step))?;
                if !path.is_empty() {
                    path.push('.');
                }
                path.extend(field.name.chars().map(|letter| if letter == '_' { '-' } else { letter }));
                let below = if let Value::Record(record) = value { record.get(*step) } else { Value::Unknown };
                (field.ty, below)
            }
            (Type::List(item), value) => {
                let at = usize::from(*step & !AT);
                path.push_str(&format!("[{at}]"));
                let below = if let Value::List(list) = value { list.item(at) } else { Value::Unknown };
                (*item, below)
            }
            _ => return None,
        };
    }
    Some(Fact { path, value: text(ty, value) })
}

/// A value as a reason shows it; a record or list by what it counts.
pub fn text(ty: Type, value: Value<'_>) -> String {
    match (value, ty) {
        (Value::Unknown, _) => "unknown".to_owned(),
        (Value::Bool(value), _) => value.to_string(),
        (Value::Int(value), _) => value.to_string(),
        (Value::Text(value), _) => value.to_owned(),
        (Value::Enum(place), Type::Enum(of)) => (of.text)(place).unwrap_or_default().to_owned(),
        (Value::Enum(place), _) => place.to_string(),
        (Value::Record(_), _) => "given".to_owned(),
        (Value::List(list), _) => list.count().to_string(),
    }
}
