//! What a table of kind blacklist may read beside the case.

use ombud_rules::blacklist::{counted, has, is_usable, required_evidence, violence_threatened};
use ombud_rules::contract::blacklist::{BlacklistCase, Verdict};
use ombud_rules::contract::types::{Context, Role};

use super::super::{Fact, Record, Schema, Type, Value};
use super::{Day, TODAY, WEEKDAY, known, open};

/// Days that incidents are looked back on (domain policies 5.3).
pub const LOOKBACK_DAYS: u32 = 180;

/// Fields of `derived`.
pub static BLACKLIST: Schema = Schema {
    name: "blacklist-derived",
    fields: &[
        TODAY,
        WEEKDAY,
        // Distinct incidents of the case's criterion in the last 180 days: one for each ticket and civil day.
        known("incidents_counted", Type::Int),
        // One of the last 180 days carries a threat of violence.
        known("violence", Type::Bool),
        // Every kind of evidence that the criterion requires is there; every item is usable.
        known("evidence_complete", Type::Bool),
        known("evidence_usable", Type::Bool),
        // The last step: what was said, by which role.
        open("last_verdict", Verdict::TYPE),
        open("last_role", Role::TYPE),
    ],
};

/// The record.
pub struct BlacklistDerived<'a> {
    day: Day<'a>,
    ctx: &'a Context,
    case: &'a BlacklistCase,
}

impl<'a> BlacklistDerived<'a> {
    /// Of a case.
    pub const fn new(ctx: &'a Context, case: &'a BlacklistCase) -> Self {
        Self { day: Day::new(ctx), ctx, case }
    }
}

impl Record for BlacklistDerived<'_> {
    fn get(&self, place: u8) -> Value<'_> {
        let Some(field) = BLACKLIST.fields.get(usize::from(place)) else { return Value::Unknown };
        let case = self.case;
        match field.name {
            "incidents_counted" => Value::Int(counted(case, self.ctx, LOOKBACK_DAYS).len() as i64),
            "violence" => Value::Bool(violence_threatened(case, self.ctx, LOOKBACK_DAYS)),
            "evidence_complete" => Value::Bool(required_evidence(case.criterion).iter().all(|kinds| has(case, kinds, false))),
            "evidence_usable" => Value::Bool(case.evidence.iter().all(is_usable)),
            "last_verdict" => case.steps.last().map_or(Value::Unknown, |step| Value::Enum(step.verdict as u8)),
            "last_role" => case.steps.last().map_or(Value::Unknown, |step| Value::Enum(step.role as u8)),
            name => self.day.get(name),
        }
    }
}
