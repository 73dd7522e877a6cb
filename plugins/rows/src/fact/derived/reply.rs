//! What a table of kind reply may read beside the case.

use ombud_rules::contract::reply::ReplyCase;
use ombud_rules::contract::types::Context;

use super::super::{Record, Schema, Type, Value};
use super::{Day, TODAY, WEEKDAY, known};

/// Fields of `derived`.
pub static REPLY: Schema = Schema {
    name: "reply-derived",
    fields: &[
        TODAY,
        WEEKDAY,
        // Characters of the draft.
        known("length", Type::Int),
    ],
};

/// The record.
pub struct ReplyDerived<'a> {
    day: Day<'a>,
    case: &'a ReplyCase,
}

impl<'a> ReplyDerived<'a> {
    /// Of a case.
    pub const fn new(ctx: &'a Context, case: &'a ReplyCase) -> Self {
        Self { day: Day::new(ctx), case }
    }
}

impl Record for ReplyDerived<'_> {
    fn get(&self, place: u8) -> Value<'_> {
        match REPLY.fields.get(usize::from(place)) {
            Some(field) if field.name == "length" => Value::Int(self.case.text.chars().count() as i64),
            Some(field) => self.day.get(field.name),
            None => Value::Unknown,
        }
    }
}
