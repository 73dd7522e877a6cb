//! Facts that are computed from a case, so that a table need not: windows, amounts, counts. One record for each kind, under the name
//! `derived`; every field is computed when a condition reads it.

mod after_sale;
mod blacklist;
mod delay;
mod reply;

use core::cell::OnceCell;

use ombud_rules::civil::{day_of, iso_date, weekday};
use ombud_rules::contract::types::Context;

use super::{Field, Type, Value};

pub use after_sale::{AFTER_SALE, AfterSaleDerived};
pub use blacklist::{BLACKLIST, BlacklistDerived, LOOKBACK_DAYS};
pub use delay::{DELAY, DelayDerived};
pub use reply::{REPLY, ReplyDerived};

/// A field that is always known.
const fn known(name: &'static str, ty: Type) -> Field {
    Field { name, ty, optional: false, unit: "" }
}

/// A field that may be unknown.
const fn open(name: &'static str, ty: Type) -> Field {
    Field { name, ty, optional: true, unit: "" }
}

/// An amount that is always known.
const fn fen(name: &'static str) -> Field {
    Field { name, ty: Type::Int, optional: false, unit: "fen" }
}

/// The civil date of the decision as `2026-11-11`.
const TODAY: Field = known("today", Type::Text);
/// Its day of the week, 1 = Monday to 7 = Sunday.
const WEEKDAY: Field = known("weekday", Type::Int);

/// What every kind derives from the context.
struct Day<'a> {
    ctx: &'a Context,
    today: OnceCell<String>,
}

impl<'a> Day<'a> {
    const fn new(ctx: &'a Context) -> Self {
        Self { ctx, today: OnceCell::new() }
    }

    fn get(&self, name: &str) -> Value<'_> {
        let day = || day_of(self.ctx.now, self.ctx.tz_offset_min);
        match name {
            "today" => Value::Text(self.today.get_or_init(|| iso_date(day()))),
            "weekday" => Value::Int(i64::from(weekday(day())) + 1),
            _ => Value::Unknown,
        }
    }
}

fn bool_or_unknown(value: Option<bool>) -> Value<'static> {
    value.map_or(Value::Unknown, Value::Bool)
}

fn int_or_unknown(value: Option<i64>) -> Value<'static> {
    value.map_or(Value::Unknown, Value::Int)
}
