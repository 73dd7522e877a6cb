//! The facts of a question that can be moved, found by walking the contract's JSON Schema beside the document: a field that
//! the contract gains is probed without a change here.

use std::sync::OnceLock;

use ombud_rules::contract::after_sale::AfterSaleCase;
use ombud_rules::contract::blacklist::BlacklistCase;
use ombud_rules::contract::delay::DelayCase;
use ombud_rules::contract::reply::ReplyCase;
use ombud_rules::contract::types::Context;
use serde_json::{Value, json};

use super::document::Document;
use crate::kind::Kind;
use crate::limits::{INSTANT_MS_MAX, MONEY_FEN_MAX, QUANTITY_MAX};
use crate::schema::Bound;
use crate::schema::check::schema_of;

/// Items of one list that are moved; more are like these.
const ITEMS_MAX: usize = 3;
/// Basis points of the whole: what a share may be is not bounded by the contract (AS-001 refuses more).
const SHARE: Bound = Bound::Whole(0, 10_000);

/// Bounds of records that the host itself puts together, so that no event is checked against them.
const OWN: &[(&str, &[(&str, Bound)])] = &[
    ("Context", &[("now", Bound::INSTANT)]),
    (
        "AfterSaleCase",
        &[
            ("applied_at", Bound::INSTANT),
            ("requested_amount", Bound::MONEY),
            ("extra_compensation_demand", Bound::MONEY),
            ("spoiled_share", SHARE),
            ("repairs_failed", Bound::QUANTITY),
            ("repair_open_days", Bound::QUANTITY),
            ("return_received_at", Bound::INSTANT),
            ("attempts_used", Bound::QUANTITY),
        ],
    ),
    ("CustomerFacts", &[("malicious_returns", Bound::QUANTITY)]),
    ("BlacklistCase", &[("review_by", Bound::INSTANT), ("open_after_sales", Bound::QUANTITY)]),
    ("Step", &[("at", Bound::INSTANT)]),
];

/// What a fact holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// One of these words.
    Words(Vec<String>),
    /// Any of these words.
    Set(Vec<String>),
    /// Yes or no.
    Flag,
    /// Fen.
    Money,
    /// Epoch milliseconds.
    Instant,
    /// A count.
    Count,
    /// Basis points.
    Share,
}

/// One fact that can be moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Where it stands.
    pub pointer: String,
    /// Its path for people, as reasons name facts.
    pub path: String,
    /// What it holds.
    pub holds: Holds,
    /// Whether it may be absent.
    pub optional: bool,
}

/// Every fact of a document that can be moved, in the order of the contract.
pub fn leaves(document: &Document) -> Vec<Leaf> {
    let mut found = Vec::new();
    let (context, case) = schemas(document.kind());
    for (schema, part) in [(context, "/context"), (case, "/case")] {
        if let Some(value) = document.get(part) {
            Walk { root: schema, found: &mut found }.value(schema, value, part.to_owned(), String::new());
        }
    }
    found
}

fn schemas(kind: Kind) -> (&'static Value, &'static Value) {
    static SCHEMAS: OnceLock<[Value; 5]> = OnceLock::new();
    let [context, after_sale, delay, blacklist, reply] = SCHEMAS.get_or_init(|| {
        [
            schema_of::<Context>(OWN),
            schema_of::<AfterSaleCase>(OWN),
            schema_of::<DelayCase>(OWN),
            schema_of::<BlacklistCase>(OWN),
            schema_of::<ReplyCase>(OWN),
        ]
    });
    let case = match kind {
        Kind::AfterSale => after_sale,
        Kind::Delay => delay,
        Kind::Blacklist => blacklist,
        Kind::Reply => reply,
    };
    (context, case)
}

struct Walk<'a> {
    root: &'static Value,
    found: &'a mut Vec<Leaf>,
}

impl Walk<'_> {
    fn value(&mut self, schema: &'static Value, value: &Value, pointer: String, path: String) {
        let (schema, optional) = self.resolved(schema);
        if let Some(holds) = holds(schema, self.root) {
            self.found.push(Leaf { pointer, path, holds, optional });
            return;
        }
        match value {
            Value::Object(members) => {
                let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
                for (name, property) in properties {
                    if let Some(member) = members.get(name) {
                        let word = name.replace('_', "-");
                        let below = if path.is_empty() { word } else { format!("{path}.{word}") };
                        self.value(property, member, format!("{pointer}/{name}"), below);
                    }
                }
            }
            Value::Array(items) => {
                let Some(each) = schema.get("items") else { return };
                for (at, item) in items.iter().enumerate().take(ITEMS_MAX) {
                    self.value(each, item, format!("{pointer}/{at}"), format!("{path}[{at}]"));
                }
            }
            _ => {}
        }
    }

    /// The schema behind references, and whether null is allowed.
    fn resolved(&self, schema: &'static Value) -> (&'static Value, bool) {
        if let Some(branches) = schema.get("anyOf").and_then(Value::as_array) {
            let null = branches.iter().any(|branch| branch.get("type") == Some(&json!("null")));
            let other = branches.iter().find(|branch| branch.get("type") != Some(&json!("null")));
            return (other.map_or(schema, |other| self.resolved(other).0), null);
        }
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let target = name.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            return target.map_or((schema, false), |target| self.resolved(target));
        }
        (schema, type_is(schema, "null"))
    }
}

fn type_is(schema: &Value, name: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(own)) => own == name,
        Some(Value::Array(own)) => own.iter().any(|own| own == name),
        _ => false,
    }
}

fn words(schema: &Value) -> Option<Vec<String>> {
    let words = schema.get("enum")?.as_array()?;
    Some(words.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// What a schema of a single fact holds; none for records, lists of records, ids and free text.
fn holds(schema: &Value, root: &Value) -> Option<Holds> {
    if let Some(words) = words(schema) {
        return Some(Holds::Words(words));
    }
    if type_is(schema, "boolean") {
        return Some(Holds::Flag);
    }
    if type_is(schema, "array") {
        let items = schema.get("items")?;
        let items = items.get("$ref").and_then(Value::as_str).and_then(|name| root.pointer(name.strip_prefix('#')?)).unwrap_or(items);
        return words(items).map(Holds::Set);
    }
    if !type_is(schema, "integer") {
        return None;
    }
    Some(match schema.get("maximum").and_then(Value::as_i64) {
        Some(MONEY_FEN_MAX) => Holds::Money,
        Some(INSTANT_MS_MAX) => Holds::Instant,
        Some(10_000) => Holds::Share,
        Some(max) if max == i64::from(QUANTITY_MAX) => Holds::Count,
        // The time zone.
        _ => return None,
    })
}
