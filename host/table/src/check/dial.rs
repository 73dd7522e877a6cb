//! Gives a fact of a case a value: facts of the contract directly, derived ones by changing what they are derived from.

use ombud_rows::fact::Schema;
use ombud_rows::program::{Path, Root, Step};
use ombud_rows::{Kind, Type};
use ombud_rules::civil::{DAY_MS, HOUR_MS, parse_iso_date, start_of_day};
use serde_json::{Value as Json, json};

use super::base;
use super::vary::Choice;

/// Minutes by which the base case's merchant is ahead of UTC.
const TZ_OFFSET_MIN: i32 = 480;

/// Turns one fact. What cannot be had leaves the case as it is; the case is then asked as it came out.
pub fn turn(kind: Kind, path: &Path, choice: &Choice, case: &mut Json, context: &mut Json) {
    if *choice == Choice::Base {
        return;
    }
    match path.root {
        Root::Derived => {
            let field = match path.steps.first() {
                Some(Step::Field(place)) => kind.roots().derived.fields.get(usize::from(*place)),
                _ => None,
            };
            if let Some(field) = field {
                derived(kind, field.name, choice, case, context);
            }
        }
        Root::Context => set(context, kind.roots().context, &path.steps, choice),
        Root::Case => {
            set(case, kind.roots().case, &path.steps, choice);
            if kind == Kind::Blacklist {
                steps_of_stage(case);
            }
        }
        Root::Item => {
            if let (Some(episode), Some(schema)) = (case.pointer_mut("/episodes/0"), kind.roots().item) {
                set(episode, schema, &path.steps, choice);
            }
        }
        Root::Local(_) => {}
    }
}

/// Follows a path and writes its end; a record that is not there is made.
fn set(at: &mut Json, schema: &'static Schema, steps: &[Step], choice: &Choice) {
    let Some((Step::Field(place), rest)) = steps.split_first() else { return };
    let Some(field) = schema.fields.get(usize::from(*place)) else { return };
    let Some(object) = at.as_object_mut() else { return };
    if rest.is_empty() {
        let tri = field.optional && field.ty == Type::Bool;
        if let Some(value) = value(choice, field.ty, tri) {
            object.insert(field.name.to_owned(), value);
        }
        return;
    }
    let entry = object.entry(field.name).or_insert(Json::Null);
    match field.ty {
        Type::Record(below) => {
            if entry.is_null() {
                *entry = template(below.name);
            }
            set(entry, below, rest, choice);
        }
        Type::List(Type::Record(below)) => {
            let Some((Step::At(index), rest)) = rest.split_first() else { return };
            let Some(items) = entry.as_array_mut() else { return };
            while items.len() <= usize::from(*index) && items.len() < 8 {
                items.push(template(below.name));
            }
            if let Some(item) = items.get_mut(usize::from(*index)) {
                set(item, below, rest, choice);
            }
        }
        _ => {}
    }
}

/// The JSON of a value; none where the choice does not fit the type.
fn value(choice: &Choice, ty: Type, tri: bool) -> Option<Json> {
    Some(match (choice, ty) {
        (Choice::Unknown, Type::Bool) if tri => json!("unknown"),
        (Choice::Unknown, Type::Enum(of)) if of.place("unknown").is_some() => json!("unknown"),
        (Choice::Unknown, _) => Json::Null,
        (Choice::Bool(value), Type::Bool) if tri => json!(if *value { "yes" } else { "no" }),
        (Choice::Bool(value), Type::Bool) => json!(value),
        (Choice::Int(number), Type::Int | Type::Instant | Type::Duration) => json!(number),
        (Choice::Text(text), Type::Text) => json!(text),
        (Choice::Name(name), Type::Enum(_)) => json!(name),
        (Choice::Values(values), Type::List(item)) => values.iter().filter_map(|choice| value(choice, *item, false)).collect(),
        (Choice::Items(items), Type::List(Type::Record(schema))) => items.iter().map(|fields| item(schema, fields)).collect(),
        (Choice::Count(count), Type::List(Type::Record(schema))) => (0..*count).map(|_| template(schema.name)).collect(),
        (Choice::Count(count), Type::List(_)) => (0..*count).map(|at| json!(format!("x{at}"))).collect(),
        (Choice::Count(count), Type::Text) => json!("好".repeat(*count)),
        _ => return None,
    })
}

fn item(schema: &'static Schema, fields: &[(u8, Choice)]) -> Json {
    let mut item = template(schema.name);
    for (place, choice) in fields {
        set(&mut item, schema, &[Step::Field(*place)], choice);
    }
    item
}

/// An ordinary record of a list or an option.
fn template(name: &str) -> Json {
    match name {
        "evidence" => {
            json!({"evidence_id": "e1", "kind": "photo", "strength": "moderate", "captured_at": 1_762_000_000_000_i64, "intact": true, "ref": "ref:e1"})
        }
        "attribute" => json!({"key": "key", "value": "value"}),
        "order-line" => base::make(Kind::AfterSale, |_, _| {})
            .and_then(|made| match made {
                base::Made::AfterSale(_, case) => case.order.lines.first().and_then(|line| serde_json::to_value(line).ok()),
                _ => None,
            })
            .unwrap_or_default(),
        "threshold-promo" => json!({"threshold": 30_000, "reduce_by": 5_000, "disclosed": true}),
        "bundle-promo" => json!({"line_ids": ["L1"], "bundle_off": 1_000, "disclosed": true}),
        "gift" => json!({"gift_id": "g1", "tied_to_threshold": null, "tied_to_line": "L1", "marked_price": 1_000, "returned": "unknown"}),
        "free-ship" => json!({"threshold": 9_900, "would_be_freight": 1_000, "disclosed": true}),
        "payment" => json!({"channel": "cash-channel", "amount": 19_900, "fee": 0}),
        "line-request" => json!({"line_id": "L1", "qty": 1}),
        "delay-line" => json!({"line_id": "L1", "paid": 19_900, "refunded": 0}),
        "granted" => json!({"episode_id": "e1", "form": "coupon", "value": 1_000, "by_platform": false}),
        "incident" => {
            json!({"incident_id": "i9", "at": 1_762_000_000_000_i64, "criterion": "abuse", "ticket_id": "t9", "threat_of_violence": false})
        }
        "product-facts" => {
            json!({"category": "apparel", "stock": null, "known_defects": [], "substantiated": [], "approved_health_claims": [], "price_evidence": "unknown"})
        }
        "substantiation" => json!({"phrase": "phrase", "source": "test report"}),
        _ => Json::Null,
    }
}

/// Changes what a derived fact is derived from.
fn derived(kind: Kind, name: &str, choice: &Choice, case: &mut Json, context: &mut Json) {
    match (name, choice) {
        ("today", Choice::Text(date)) => {
            if let Some(day) = parse_iso_date(date) {
                move_to(case, context, start_of_day(day, TZ_OFFSET_MIN) + 10 * HOUR_MS);
            }
        }
        ("weekday", Choice::Int(weekday)) => {
            // The week of Monday, 2026-11-02.
            let monday = parse_iso_date("2026-11-02").unwrap_or_default();
            let day = i32::try_from(*weekday - 1).ok().filter(|day| (0..7).contains(day));
            if let Some(day) = day {
                move_to(case, context, start_of_day(monday + day, TZ_OFFSET_MIN) + 10 * HOUR_MS);
            }
        }
        _ => match kind {
            Kind::AfterSale => after_sale(name, choice, case),
            Kind::Delay => delay(name, choice, case, context),
            Kind::Blacklist => blacklist(name, choice, case, context),
            Kind::Reply => {
                if let ("length", Choice::Int(length)) = (name, choice) {
                    write(case, "/text", json!("好".repeat(usize::try_from(*length).unwrap_or(0).min(4_000))));
                }
            }
        },
    }
}

fn write(at: &mut Json, pointer: &str, value: Json) {
    if let Some(place) = at.pointer_mut(pointer) {
        *place = value;
    } else if let Some((parent, name)) = pointer.rsplit_once('/')
        && let Some(Json::Object(object)) = at.pointer_mut(parent)
    {
        object.insert(name.to_owned(), value);
    }
}

/// The whole case takes place at another time: every instant moves as far as the decision does.
fn move_to(case: &mut Json, context: &mut Json, now: i64) {
    let Some(before) = context.get("now").and_then(Json::as_i64) else { return };
    write(context, "/now", json!(now));
    shift(case, now - before);
}

fn shift(value: &mut Json, by: i64) {
    match value {
        Json::Object(fields) => {
            for (name, value) in fields {
                let instant =
                    name.ends_with("_at") || matches!(name.as_str(), "at" | "due" | "done" | "promised_ship_by" | "review_by" | "eta");
                match value.as_i64().filter(|_| instant) {
                    Some(at) => *value = json!(at + by),
                    None => shift(value, by),
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| shift(item, by)),
        _ => {}
    }
}

fn after_sale(name: &str, choice: &Choice, case: &mut Json) {
    const LINE: &str = "/order/lines/0";
    let line = |field: &str| format!("{LINE}/{field}");
    let condition = |case: &mut Json, said: &str| {
        for field in [
            "inner_seal_broken",
            "tags_removed",
            "soiled_or_damaged",
            "activated",
            "used_beyond_inspection",
            "unauthorized_repair",
            "opened",
        ] {
            write(case, &format!("/condition/{field}"), json!(said));
        }
    };
    match (name, choice) {
        ("category", Choice::Name(category)) => write(case, &line("category"), json!(category)),
        ("reason_class", Choice::Name(class)) => {
            let reason = match *class {
                "fault" => "quality",
                "safety" => "counterfeit",
                "lost" => "not-received",
                "open" => "other",
                "price-drop" => "price-drop",
                _ => "no-reason",
            };
            write(case, "/reason", json!(reason));
        }
        ("lines", Choice::Items(items)) => {
            if let (Some(fields), Some(Json::Object(of_line)), Type::Record(schema)) =
                (items.first(), case.pointer_mut(LINE), <ombud_rules::contract::after_sale::OrderLine as ombud_rows::fact::Fact>::TYPE)
            {
                let mut changed = Json::Object(of_line.clone());
                for (place, choice) in fields {
                    set(&mut changed, schema, &[Step::Field(*place)], choice);
                }
                write(case, LINE, changed);
            }
        }
        ("shipped", Choice::Bool(false)) => {
            write(case, &line("shipped_at"), Json::Null);
            write(case, &line("signed_at"), Json::Null);
        }
        ("received", Choice::Bool(false)) | ("days_since_receipt" | "in_no_reason_window", Choice::Unknown) => {
            write(case, &line("signed_at"), Json::Null);
        }
        ("days_since_receipt", Choice::Int(days)) => received_before(case, *days),
        ("in_no_reason_window", Choice::Bool(inside)) => received_before(case, if *inside { 1 } else { 40 }),
        ("in_warranty", Choice::Bool(inside)) => write(case, &line("warranty_days"), if *inside { json!(365) } else { Json::Null }),
        ("intact", Choice::Bool(intact)) => condition(case, if *intact { "no" } else { "yes" }),
        ("intact", Choice::Unknown) => condition(case, "unknown"),
        ("excluded", Choice::Bool(excluded)) => write(case, &line("custom_made"), json!(if *excluded { "yes" } else { "no" })),
        ("evidence_strength", Choice::Unknown) => write(case, "/evidence", json!([])),
        ("evidence_strength", Choice::Name(strength)) => {
            let mut item = template("evidence");
            write(&mut item, "/strength", json!(strength));
            write(case, "/evidence", json!([item]));
        }
        ("price" | "refund_due" | "refund_fault" | "refund_no_reason" | "balance", Choice::Int(fen)) => {
            write(case, &line("unit_price"), json!((*fen).max(0)));
        }
        _ => {}
    }
}

/// The goods came so many civil days before the application; paid and shipped some days earlier.
fn received_before(case: &mut Json, days: i64) {
    let Some(applied) = case.get("applied_at").and_then(Json::as_i64) else { return };
    let signed = applied.saturating_sub(days.clamp(0, 3_000) * DAY_MS);
    write(case, "/order/lines/0/signed_at", json!(signed));
    write(case, "/order/lines/0/shipped_at", json!(signed - 2 * DAY_MS));
    write(case, "/order/paid_at", json!(signed - 3 * DAY_MS));
}

fn delay(name: &str, choice: &Choice, case: &mut Json, context: &Json) {
    const EPISODE: &str = "/episodes/0";
    let of = |field: &str| format!("{EPISODE}/{field}");
    let now = context.get("now").and_then(Json::as_i64).unwrap_or(0);
    match (name, choice) {
        ("overdue", Choice::Int(millis)) => {
            let due = now.saturating_sub(*millis);
            write(case, &of("due"), json!(due));
            write(case, &of("basis_at"), json!(due.saturating_sub(2 * DAY_MS)));
            write(case, &of("done"), Json::Null);
        }
        ("paid" | "left", Choice::Int(fen)) => {
            write(case, "/lines/0/paid", json!((*fen).max(0)));
            write(case, "/lines/0/refunded", json!(0));
        }
        ("refund_due", Choice::Int(fen)) => {
            write(case, &of("kind"), json!("refund-processing"));
            write(case, &of("refund_owed"), json!((*fen).max(0)));
            write(case, &of("refund_paid"), json!(0));
        }
        ("excused", Choice::Bool(true)) => {
            let due = case.pointer(&of("due")).and_then(Json::as_i64).unwrap_or(now);
            write(case, &of("cause"), json!("force-majeure"));
            write(case, &of("cause_proven"), json!("yes"));
            write(case, &of("cause_began_at"), json!(due - DAY_MS));
            write(case, &of("cause_notified_at"), json!(due - HOUR_MS));
        }
        ("blames_buyer", Choice::Bool(true)) => write(case, &of("cause"), json!("buyer")),
        ("excused" | "blames_buyer", Choice::Bool(false)) => write(case, &of("cause"), json!("merchant-ops")),
        _ => {}
    }
}

fn blacklist(name: &str, choice: &Choice, case: &mut Json, context: &Json) {
    let now = context.get("now").and_then(Json::as_i64).unwrap_or(0);
    match (name, choice) {
        ("incidents_counted", Choice::Int(count)) => {
            let criterion = case.get("criterion").cloned().unwrap_or_default();
            let incident = |at: i64| {
                json!({"incident_id": format!("i{at}"), "at": now - at * DAY_MS, "criterion": criterion, "ticket_id": format!("t{at}"),
                       "threat_of_violence": false})
            };
            let incidents: Json = (1..=(*count).clamp(0, 50)).map(incident).collect();
            write(case, "/incidents", incidents);
        }
        ("violence", Choice::Bool(violence)) => write(case, "/incidents/0/threat_of_violence", json!(violence)),
        ("evidence_complete", Choice::Bool(false)) => write(case, "/evidence", json!([])),
        ("evidence_usable", Choice::Bool(usable)) => write(case, "/evidence/0/intact", json!(usable)),
        _ => {}
    }
}

/// A request at a stage has the steps that led there.
fn steps_of_stage(case: &mut Json) {
    let stage = case.get("stage").and_then(Json::as_str).unwrap_or_default().to_owned();
    let all = [("submitted", "u1", "agent"), ("supervisor-reviewed", "u2", "supervisor"), ("head-reviewed", "u3", "dept-head")];
    let Some(last) = all.iter().position(|(name, ..)| *name == stage) else { return };
    let step = |(stage, actor, role): &(&str, &str, &str)| json!({"stage": stage, "actor_id": actor, "role": role, "verdict": "approve", "at": 1_762_000_000_000_i64, "note": ""});
    let steps: Json = all.iter().take(last + 1).map(step).collect();
    write(case, "/steps", steps);
}
