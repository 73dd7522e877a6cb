//! A question to a policy as one JSON tree, so that any fact of it can be moved by its place.

use ombud_rules::contract::types::Context;
use serde_json::{Value, json};

use crate::case::Case;
use crate::kind::Kind;

/// Context and case.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    kind: Kind,
    json: Value,
}

impl Document {
    /// The document of a question.
    ///
    /// # Errors
    /// The contract's types are strings, integers and lists of them, which JSON holds: there is none in practice.
    pub fn new(context: &Context, case: &Case) -> serde_json::Result<Self> {
        Ok(Self { kind: case.kind(), json: json!({"context": serde_json::to_value(context)?, "case": serde_json::to_value(case)?}) })
    }

    /// The kind of the case.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The question again; none where a moved fact left its type, such as a count below zero.
    pub fn read(&self) -> Option<(Context, Case)> {
        let context = serde::Deserialize::deserialize(self.json.get("context")?).ok()?;
        let case = self.json.get("case")?;
        let case = match self.kind {
            Kind::AfterSale => Case::AfterSale(serde::Deserialize::deserialize(case).ok()?),
            Kind::Delay => Case::Delay(serde::Deserialize::deserialize(case).ok()?),
            Kind::Blacklist => Case::Blacklist(serde::Deserialize::deserialize(case).ok()?),
            Kind::Reply => Case::Reply(serde::Deserialize::deserialize(case).ok()?),
        };
        Some((context, case))
    }

    /// The fact at a place.
    pub fn get(&self, pointer: &str) -> Option<&Value> {
        self.json.pointer(pointer)
    }

    /// Size as JSON, in bytes.
    pub fn bytes(&self) -> usize {
        self.json.to_string().len()
    }

    /// The whole number at a place.
    pub fn number(&self, pointer: &str) -> Option<i64> {
        self.get(pointer).and_then(Value::as_i64)
    }

    /// The same with one fact put in place of another.
    pub fn with(&self, pointer: &str, value: Value) -> Self {
        let mut changed = self.clone();
        if let Some(place) = changed.json.pointer_mut(pointer) {
            *place = value;
        }
        changed
    }
}
