//! What a table of kind delay may read beside the case. A delay's table is asked once for each episode.

use ombud_rules::contract::delay::{DelayCase, Episode};
use ombud_rules::contract::types::Context;
use ombud_rules::delay::{Money, blames_buyer, excused_by_force_majeure, money_of, overdue_ms, refund_due};

use super::super::{Record, Schema, Type, Value};
use super::{Day, TODAY, WEEKDAY, fen, known};

/// Fields of `derived`.
pub static DELAY: Schema = Schema {
    name: "delay-derived",
    fields: &[
        TODAY,
        WEEKDAY,
        // How late the episode is or was; negative before its time.
        known("overdue", Type::Duration),
        // What the buyer paid for the episode's lines, and what of it was not refunded: the base of a percentage.
        fen("paid"),
        fen("left"),
        // What is still owed of an overdue refund.
        fen("refund_due"),
        // Force majeure that is proven, notified and began in time.
        known("excused", Type::Bool),
        // The cause names the buyer, or a date the buyer agreed to.
        known("blames_buyer", Type::Bool),
    ],
};

/// The record.
pub struct DelayDerived<'a> {
    day: Day<'a>,
    ctx: &'a Context,
    case: &'a DelayCase,
    episode: &'a Episode,
}

impl<'a> DelayDerived<'a> {
    /// Of an episode of a case.
    pub const fn new(ctx: &'a Context, case: &'a DelayCase, episode: &'a Episode) -> Self {
        Self { day: Day::new(ctx), ctx, case, episode }
    }

    fn money(&self) -> Money {
        money_of(self.case, |line| self.episode.line_ids.iter().any(|wanted| wanted == line))
    }
}

impl Record for DelayDerived<'_> {
    fn get(&self, place: u8) -> Value<'_> {
        let Some(field) = DELAY.fields.get(usize::from(place)) else { return Value::Unknown };
        match field.name {
            "overdue" => Value::Int(overdue_ms(self.episode, self.ctx.now)),
            "paid" => Value::Int(self.money().paid),
            "left" => Value::Int(self.money().left),
            "refund_due" => Value::Int(refund_due(self.episode, self.ctx.now)),
            "excused" => Value::Bool(excused_by_force_majeure(self.episode)),
            "blames_buyer" => Value::Bool(blames_buyer(self.episode)),
            name => self.day.get(name),
        }
    }
}
