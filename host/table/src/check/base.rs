//! The case that every other is made from, and what a made case answers.

use ombud_core::golden::{self, Given};
use ombud_rows::fact::derived::{AfterSaleDerived, BlacklistDerived, DelayDerived, ReplyDerived};
use ombud_rows::program::{Path, Records, Root, Step};
use ombud_rows::ruling::{Draft, by_the_chain};
use ombud_rows::run::{self, Holds};
use ombud_rows::{Kind, Table, Type, Value};
use ombud_rules::after_sale::input_is_broken;
use ombud_rules::contract::after_sale::AfterSaleCase;
use ombud_rules::contract::blacklist::BlacklistCase;
use ombud_rules::contract::delay::DelayCase;
use ombud_rules::contract::reply::ReplyCase;
use ombud_rules::contract::types::Context;
use serde_json::Value as Json;

use super::{Example, shown};

/// An ordinary case of each kind, in the shorthand of golden cases.
const BASE: &str = "
cases:
- {id: after-sale, kind: after-sale, title: base, given: {}, expect: {refund: 0}}
- {id: delay, kind: delay, title: base, given: {episodes: [{kind: shipping, overdue-h: 30, paid: 19900}]}, expect: {cash: 0}}
- {id: blacklist, kind: blacklist, title: base, given: {criterion: malicious-returns, incidents-d: [1, 5]}, expect: {missing: []}}
- {id: reply, kind: reply, title: base, given: {text: 您好, category: apparel}, expect: {verdict: pass}}
";

/// A case with its context.
#[expect(clippy::large_enum_variant, reason = "one at a time")]
pub enum Made {
    AfterSale(Context, AfterSaleCase),
    Delay(Context, DelayCase),
    Blacklist(Context, BlacklistCase),
    Reply(Context, ReplyCase),
}

fn base(kind: Kind) -> Option<(Json, Json)> {
    let cases = golden::load(BASE).ok()?;
    let case = cases.iter().find(|case| case.id == kind.as_str())?;
    let json = |ctx: &Context, case: serde_json::Result<Json>| Some((case.ok()?, serde_json::to_value(ctx).ok()?));
    match &case.given {
        Given::AfterSale(ctx, case) => json(ctx, serde_json::to_value(case)),
        Given::Delay(ctx, case) => json(ctx, serde_json::to_value(case)),
        Given::Blacklist(ctx, case) => json(ctx, serde_json::to_value(case)),
        Given::Reply(ctx, case) => json(ctx, serde_json::to_value(case)),
        _ => None,
    }
}

/// The base case and its context, for tests.
#[cfg(test)]
pub(crate) fn json(kind: Kind) -> (Json, Json) {
    kept(kind).cloned().expect("a base case of every kind")
}

/// The base case's JSON, kept: it is cloned thousands of times.
fn kept(kind: Kind) -> Option<&'static (Json, Json)> {
    static BASES: std::sync::OnceLock<Vec<Option<(Json, Json)>>> = std::sync::OnceLock::new();
    BASES.get_or_init(|| Kind::ALL.map(base).into()).get(kind as usize)?.as_ref()
}

/// The base case, changed; none where the change does not give a case that the table is asked about.
pub fn make(kind: Kind, change: impl FnOnce(&mut Json, &mut Json)) -> Option<Made> {
    let (mut case, mut context) = kept(kind)?.clone();
    change(&mut case, &mut context);
    let ctx: Context = serde_json::from_value(context).ok()?;
    Some(match kind {
        Kind::AfterSale => {
            let case: AfterSaleCase = serde_json::from_value(case).ok()?;
            if input_is_broken(&case) {
                return None;
            }
            Made::AfterSale(ctx, case)
        }
        Kind::Delay => Made::Delay(ctx, serde_json::from_value(case).ok()?),
        Kind::Blacklist => {
            let case: BlacklistCase = serde_json::from_value(case).ok()?;
            if by_the_chain(&ctx, &case).is_some() {
                return None;
            }
            Made::Blacklist(ctx, case)
        }
        Kind::Reply => Made::Reply(ctx, serde_json::from_value(case).ok()?),
    })
}

impl Made {
    /// Puts the case to a table: `with` gets the facts and how each row's condition comes out.
    pub fn ask(&self, table: &Table<'_>, mut with: impl FnMut(Records<'_>, &dyn Fn(usize) -> Holds)) {
        let mut plain = |records: Records<'_>| {
            with(records, &|row| table.rows.get(row).map_or(Holds::No, |row| run::holds(*row, records)));
        };
        match self {
            Self::AfterSale(context, case) => plain(Records { case, context, derived: &AfterSaleDerived::new(context, case), item: None }),
            Self::Delay(context, case) => {
                let Some(episode) = case.episodes.first() else { return };
                plain(Records { case, context, derived: &DelayDerived::new(context, case, episode), item: Some(episode) });
            }
            Self::Blacklist(context, case) => plain(Records { case, context, derived: &BlacklistDerived::new(context, case), item: None }),
            Self::Reply(context, case) => {
                let derived = ReplyDerived::new(context, case);
                let records = Records { case, context, derived: &derived, item: None };
                let draft = Draft::new(case);
                with(records, &|row| table.rows.get(row).map_or(Holds::No, |row| draft.holds(*row, records)));
            }
        }
    }

    /// The case as an example.
    pub fn example(&self, kind: Kind, records: Records<'_>, paths: &[&Path]) -> Example {
        let json = |context: &Context, case: serde_json::Result<Json>| Example {
            facts: paths.iter().filter_map(|path| shown(kind, records, path)).collect(),
            case: case.unwrap_or_default(),
            context: serde_json::to_value(context).unwrap_or_default(),
        };
        match self {
            Self::AfterSale(context, case) => json(context, serde_json::to_value(case)),
            Self::Delay(context, case) => json(context, serde_json::to_value(case)),
            Self::Blacklist(context, case) => json(context, serde_json::to_value(case)),
            Self::Reply(context, case) => json(context, serde_json::to_value(case)),
        }
    }
}

/// The type that a path leads to, and whether it may be unknown.
pub fn type_of(kind: Kind, path: &Path) -> Option<(Type, bool)> {
    let mut ty = Type::Record(kind.roots().of(path.root)?);
    let mut optional = false;
    for step in &path.steps {
        (ty, optional) = match (ty, step) {
            (Type::Record(schema), Step::Field(place)) => {
                let field = schema.fields.get(usize::from(*place))?;
                (field.ty, field.optional)
            }
            (Type::List(item), Step::At(_)) => (*item, true),
            _ => return None,
        };
    }
    Some((ty, optional))
}

/// The number at the end of a path in the base case.
pub fn number(kind: Kind, path: &Path) -> Option<i64> {
    let made = make(kind, |_, _| {})?;
    let table = Table { format: 0, kind: 0, hit: ombud_rows::Hit::First, rows: Vec::new(), default: None };
    let mut found = None;
    made.ask(&table, |records, _| {
        let mut value = match path.root {
            Root::Case => Value::Record(records.case),
            Root::Context => Value::Record(records.context),
            Root::Derived => Value::Record(records.derived),
            Root::Item => records.item.map_or(Value::Unknown, Value::Record),
            Root::Local(_) => Value::Unknown,
        };
        for step in &path.steps {
            value = match (value, step) {
                (Value::Record(record), Step::Field(place)) => record.get(*place),
                (Value::List(list), Step::At(at)) => list.item(usize::from(*at)),
                _ => Value::Unknown,
            };
        }
        if let Value::Int(number) = value {
            found = Some(number);
        }
    });
    found
}
