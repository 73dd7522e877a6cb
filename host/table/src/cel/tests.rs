//! Compiled conditions mean what the interpreter of the `cel` crate says: random conditions on random cases, answer by answer. What the
//! interpreter answers with an error (a fact that is not there, an overflow) is unknown.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use cel::{Context as Reference, Program, Value as CelValue};
use ombud_core::schema::check::schema_of;
use ombud_rows::fact::derived::AfterSaleDerived;
use ombud_rows::program::{Env, Records, check, encode, eval};
use ombud_rows::{Kind, Type, Value};
use ombud_rules::contract::after_sale::AfterSaleCase;
use ombud_rules::contract::blacklist::BlacklistCase;
use ombud_rules::contract::delay::DelayCase;
use ombud_rules::contract::reply::ReplyCase;
use ombud_rules::contract::types::Context;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};

use super::{expression, fact};
use crate::check::base_json;

/// What a condition may say of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    Unknown,
}

/// A fact as the interpreter knows it; what is unknown is not there.
fn reference(ty: Type, value: Value<'_>) -> Option<CelValue> {
    Some(match (value, ty) {
        (Value::Unknown, _) => return None,
        (Value::Bool(value), _) => CelValue::Bool(value),
        (Value::Int(value), _) => CelValue::Int(value),
        (Value::Text(text), _) => CelValue::String(Arc::new(text.to_owned())),
        (Value::Enum(place), Type::Enum(of)) => CelValue::String(Arc::new((of.text)(place)?.to_owned())),
        (Value::Enum(_), _) => return None,
        (Value::Record(record), Type::Record(schema)) => {
            let fields = (0..).zip(schema.fields);
            let known = fields.filter_map(|(place, field)| Some((field.name.to_owned(), reference(field.ty, record.get(place))?)));
            known.collect::<HashMap<String, CelValue>>().into()
        }
        (Value::Record(_), _) => return None,
        (Value::List(list), Type::List(item)) => {
            CelValue::List(Arc::new((0..list.count()).filter_map(|at| reference(*item, list.item(at))).collect()))
        }
        (Value::List(_), _) => return None,
    })
}

fn interpreted(text: &str, context: &Context, case: &AfterSaleCase) -> Answer {
    let roots = Kind::AfterSale.roots();
    let derived = AfterSaleDerived::new(context, case);
    let mut variables = Reference::default();
    let Some(CelValue::Map(fields)) = reference(Type::Record(roots.case), Value::Record(case)) else { panic!("a record") };
    for (name, value) in fields.map.iter() {
        let cel::objects::Key::String(name) = name else { panic!("a name") };
        variables.add_variable_from_value(name.as_str().to_owned(), value.clone());
    }
    for (name, schema, record) in [("context", roots.context, Value::Record(context)), ("derived", roots.derived, Value::Record(&derived))]
    {
        variables.add_variable_from_value(name, reference(Type::Record(schema), record).expect("a record"));
    }
    // Durations are milliseconds, as the contract has them.
    let millis = |text: Arc<String>| crate::literal::duration(&text).unwrap_or(0);
    variables.add_function("duration", millis).expect("a new function");
    variables
        .add_function("share", |amount: i64, bp: i64| ombud_rules::delay::share_of(amount, u32::try_from(bp).unwrap_or(0)))
        .expect("new");
    match Program::compile(text).expect("the interpreter's own parser").execute(&variables) {
        Ok(CelValue::Bool(true)) => Answer::Yes,
        Ok(CelValue::Bool(false)) => Answer::No,
        Ok(other) => panic!("{text}: {other:?}"),
        Err(_) => Answer::Unknown,
    }
}

fn compiled(text: &str, context: &Context, case: &AfterSaleCase) -> Answer {
    let typed = expression(text, &Kind::AfterSale.roots()).unwrap_or_else(|error| panic!("{text}: {error}"));
    let program = encode(&typed.node).expect("short enough");
    assert_eq!(check(&program, &Kind::AfterSale.roots()), Ok(Type::Bool), "{text}");
    let derived = AfterSaleDerived::new(context, case);
    match eval(&program, &mut Env::new(Records { case, context, derived: &derived, item: None })) {
        Value::Bool(true) => Answer::Yes,
        Value::Bool(false) => Answer::No,
        _ => Answer::Unknown,
    }
}

/// Expressions that are yes or no, as text. `local` is the variable of the list around, with what it has.
fn bools(local: Option<&'static str>) -> BoxedStrategy<String> {
    let mut paths = vec![
        "duplicate_active",
        "customer.extortion_flag",
        "condition.opened",
        "condition.tags_removed",
        "order.freight_insurance",
        "derived.received",
        "derived.intact",
        "derived.in_no_reason_window",
        "order.lines[0].recalled",
        "order.threshold.disclosed",
        "has(order.threshold.reduce_by)",
        "has(order.lines[0].paid)",
        "has(condition.opened)",
        "has(order.paid_at)",
        "true",
        "false",
        "'gift-order' in order.special",
        "reason in ['quality', 'spoiled', 'injury']",
        "reason == 'quality'",
        "reason != 'spoiled'",
        "derived.category == 'apparel'",
        "agreed_resolution == 'exchange'",
        "parcel_content != 'ok'",
        "after_sale_id == 'as1'",
        "'other' != after_sale_id",
        "after_sale_id.startsWith('as')",
        "order.order_id.contains('x')",
        "context.merchant_id.endsWith('1')",
        "attempts_used in [0, 1, -2]",
        "context.now - order.lines[0].signed_at < duration('72h')",
        "order.paid_at + duration('1h') <= applied_at",
        "derived.today >= '2026-11-06'",
    ];
    paths.extend(match local {
        Some("e") => {
            vec!["e.intact", "e.kind == 'photo'", "e.kind in ['video', 'photo']", "has(e.captured_at)", "e.captured_at < context.now"]
        }
        Some("l") => vec!["l.recalled", "l.custom_made", "l.paid > 100", "has(l.paid)", "l.qty == 1"],
        _ => vec![],
    });
    let leaf = prop_oneof![
        select(paths).prop_map(str::to_owned),
        (ints(local), select(vec!["==", "!=", "<", "<=", ">", ">="]), ints(local))
            .prop_map(|(left, op, right)| format!("{left} {op} {right}")),
    ];
    leaf.prop_recursive(4, 24, 3, move |inner| {
        let mut shapes = vec![
            inner.clone().prop_map(|of| format!("!({of})")).boxed(),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left} && {right})")).boxed(),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left} || {right})")).boxed(),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(test, yes, no)| format!("(({test}) ? ({yes}) : ({no}))")).boxed(),
        ];
        if local.is_none() {
            for (list, name) in [("evidence", "e"), ("order.lines", "l"), ("derived.lines", "l")] {
                for walk in ["exists", "all"] {
                    shapes.push(bools(Some(name)).prop_map(move |holds| format!("{list}.{walk}({name}, {holds})")).boxed());
                }
            }
        }
        proptest::strategy::Union::new(shapes)
    })
    .boxed()
}

fn ints(local: Option<&'static str>) -> BoxedStrategy<String> {
    let mut paths = vec![
        "requested_amount",
        "spoiled_share",
        "repairs_failed",
        "attempts_used",
        "order.freight_paid",
        "order.lines[0].unit_price",
        "order.lines[1].qty",
        "order.threshold.reduce_by",
        "derived.price",
        "derived.refund_due",
        "derived.days_since_receipt",
        "0",
        "1",
        "7",
        "19900",
        "-3",
        "9223372036854775807",
        "size(evidence)",
        "order.lines.size()",
        "size(after_sale_id)",
    ];
    if local == Some("l") {
        paths.extend(["l.unit_price", "l.paid", "l.qty"]);
    }
    let leaf = select(paths).prop_map(str::to_owned);
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), select(vec!["+", "-", "*", "/", "%"]), inner.clone())
                .prop_map(|(left, op, right)| format!("({left} {op} {right})")),
            inner.prop_map(|of| format!("share({of}, 1000)")),
        ]
    })
    .boxed()
}

fn cases() -> impl Strategy<Value = (Context, AfterSaleCase)> {
    let tri = || select(vec!["yes", "no", "unknown"]);
    let evidence = (select(vec!["photo", "video", "invoice"]), any::<bool>(), proptest::option::of(0..2_000_000_000_000_i64)).prop_map(
        |(kind, intact, at)| json!({"evidence_id": "e", "kind": kind, "strength": "weak", "captured_at": at, "intact": intact, "ref": "r"}),
    );
    let line = (proptest::option::of(0..50_000_i64), tri(), any::<bool>(), any::<bool>(), select(vec!["apparel", "fresh"]));
    (
        (tri(), tri(), tri(), any::<bool>(), select(vec!["ok", "empty", "unknown"])),
        (
            proptest::option::of(0..30_000_i64),
            proptest::option::of(0..10_000_u32),
            proptest::option::of(select(vec!["exchange", "repair"])),
        ),
        proptest::collection::vec(evidence, 0..3),
        proptest::collection::vec(line, 1..3),
        (any::<bool>(), select(vec!["quality", "spoiled", "no-reason"]), any::<bool>()),
    )
        .prop_map(|((opened, tags, threat, duplicate, parcel), (asked, share, agreed), evidence, lines, (threshold, reason, gift))| {
            let (mut case, context) = base_json(Kind::AfterSale);
            case["condition"]["opened"] = json!(opened);
            case["condition"]["tags_removed"] = json!(tags);
            case["customer"]["extortion_flag"] = json!(threat);
            case["duplicate_active"] = json!(duplicate);
            case["parcel_content"] = json!(parcel);
            case["requested_amount"] = json!(asked);
            case["spoiled_share"] = json!(share);
            case["agreed_resolution"] = json!(agreed);
            case["evidence"] = Json::Array(evidence);
            case["reason"] = json!(reason);
            if threshold {
                case["order"]["threshold"] = json!({"threshold": 10_000, "reduce_by": 500, "disclosed": true});
            }
            if gift {
                case["order"]["special"] = json!(["gift-order"]);
            }
            let first = case["order"]["lines"][0].clone();
            case["order"]["lines"] = lines
                .into_iter()
                .enumerate()
                .map(|(at, (paid, custom, recalled, signed, category))| {
                    let mut line = first.clone();
                    line["line_id"] = json!(format!("L{}", at + 1));
                    line["paid"] = json!(paid);
                    line["custom_made"] = json!(custom);
                    line["recalled"] = json!(recalled);
                    line["category"] = json!(category);
                    if !signed {
                        line["signed_at"] = Json::Null;
                    }
                    line
                })
                .collect();
            let read = |value: Json| serde_json::from_value(value).expect("a context");
            (read(context), serde_json::from_value(case).expect("a case"))
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn compiled_conditions_mean_what_the_interpreter_says(text in bools(None), asked in proptest::collection::vec(cases(), 4)) {
        for (context, case) in &asked {
            prop_assert_eq!(compiled(&text, context, case), interpreted(&text, context, case), "{}", text);
        }
    }

    /// Whatever stands in a cell or condition, the answer is a program or an error with words.
    #[test]
    fn no_text_is_too_strange(text in "[a-z_.0-9 ()\\[\\]'!&|<>=?:,*+-]{0,60}") {
        let answer = expression(&text, &Kind::Delay.roots());
        if let Err(message) = answer {
            prop_assert!(!message.is_empty());
        }
    }
}

fn error(text: &str, kind: Kind) -> String {
    expression(text, &kind.roots()).expect_err(text)
}

#[test]
fn errors_say_where_and_what_instead() {
    let with = |text: &str, part: &str| {
        let message = error(text, Kind::AfterSale);
        assert!(message.contains(part), "{text}: {message}");
    };
    with("reason == 'qualty'", "`qualty` is no reason-kind");
    with("reason == 'qualty'", "at character 11");
    with("resaon == 'quality'", "there is no fact `resaon` in after-sale-case");
    with("order.lines.category == 'fresh'", "a list has no field `category`");
    with("order.freight_paid > '5'", "`>` of a number and a text");
    with("context.now - applied_at > 3", "duration('72h')");
    with("order.freight_paid > 5.0", "no fractions");
    with("reason.matches('q.*')", "no regular expressions");
    with("evidence.map(e, e.kind)", "has, exists and all");
    with("evidence.exists_one(e, e.intact)", "has, exists and all");
    with("parcel_content == 'unknown'", "write `!known(…)`");
    with("condition == order", "cannot be compared");
    with("reason ==", "not CEL");
    for (open, close) in [("(", ")"), ("[", "]")] {
        let nested = |levels: usize| format!("{}1{} == 1", open.repeat(levels), close.repeat(levels));
        let said = error(&nested(600), Kind::AfterSale);
        assert_eq!(said, "not CEL, at character 50: brackets stand in each other more than 48 deep: write it flatter, or as several rows");
    }
    with("order.lines[100].qty == 1", "0 to 99");
    with("today('x')", "there is no function `today`");
    assert!(error("known(reason == 'quality')", Kind::AfterSale).contains("only facts have fields"));
    assert!(error("episode.kind == 'shipping'", Kind::AfterSale).contains("there is no fact `episode`"));
}

#[test]
fn what_nobody_stated_is_known_to_be_unknown() {
    let (case, context) = base_json(Kind::AfterSale);
    let (case, context): (AfterSaleCase, Context) = (serde_json::from_value(case).unwrap(), serde_json::from_value(context).unwrap());
    for (text, answer) in [
        ("known(condition.opened)", Answer::No),
        ("!known(order.threshold.reduce_by)", Answer::Yes),
        ("has(order.threshold.reduce_by)", Answer::Unknown),
        ("has(order.threshold)", Answer::No),
        ("condition.opened", Answer::Unknown),
        ("condition.opened || true", Answer::Yes),
        ("condition.opened && false", Answer::No),
        ("max(order.freight_paid, 5) == 5 && min(2, 1) == 1", Answer::Yes),
        ("timestamp('2026-11-06T10:00:00+08:00') == context.now", Answer::Yes),
        ("evidence.exists(e, true)", Answer::No),
    ] {
        assert_eq!(compiled(text, &context, &case), answer, "{text}");
    }
}

#[test]
fn paths_may_be_written_as_the_contract_does() {
    let roots = Kind::Delay.roots();
    let (one, _) = fact("episode.refund-owed", &roots).unwrap();
    let (other, field) = fact("episode.refund_owed", &roots).unwrap();
    assert_eq!((one, field.unit), (other, "fen"));
    assert!(fact("episode", &roots).is_err());
    assert!(fact("1 + 1", &roots).is_err());
}

/// Walks a record as facts beside the contract's schema: fields that are no facts, and facts that are open on one side only.
fn beside(all: &Json, record: &'static ombud_rows::fact::Schema, stated: &Json, found: &mut BTreeSet<String>) {
    let resolved = |node: &Json| -> Json {
        let node = node["anyOf"].as_array().map_or(node, |choices| &choices[0]);
        let name = node["$ref"].as_str().and_then(|path| path.strip_prefix('#'));
        name.map_or(node, |path| all.pointer(path).expect("a definition")).clone()
    };
    for (name, node) in resolved(stated)["properties"].as_object().expect("a record") {
        let Some((_, field)) = record.field(name) else {
            found.insert(format!("{}.{name} is no fact", record.name));
            continue;
        };
        let own = resolved(node);
        let is_null = |one: &Json| one == "null" || one["type"] == "null";
        let nullable = [&node["anyOf"], &node["type"]].into_iter().filter_map(Json::as_array).flatten().any(is_null);
        let words = ["enum", "oneOf"].into_iter().filter_map(|list| own[list].as_array()).flatten();
        let open = nullable || words.into_iter().any(|word| *word == "unknown" || word["const"] == "unknown");
        if open != field.optional {
            found.insert(format!("{}.{name} is open: {open} in the contract, {} as a fact", record.name, field.optional));
        }
        match field.ty {
            Type::Record(inner) => beside(all, inner, node, found),
            Type::List(Type::Record(inner)) => beside(all, inner, &own["items"], found),
            _ => {}
        }
    }
}

#[test]
fn every_field_of_the_contract_is_a_fact_or_left_out_on_purpose() {
    let mut found = BTreeSet::new();
    for (kind, schema) in [
        (Kind::AfterSale, schema_of::<AfterSaleCase>(&[])),
        (Kind::Delay, schema_of::<DelayCase>(&[])),
        (Kind::Blacklist, schema_of::<BlacklistCase>(&[])),
        (Kind::Reply, schema_of::<ReplyCase>(&[])),
    ] {
        beside(&schema, kind.roots().case, &schema, &mut found);
    }
    let context = schema_of::<Context>(&[]);
    beside(&context, Kind::Delay.roots().context, &context, &mut found);
    // The calendar is asked through `derived`; what a piece of evidence refers to is a place outside of the case; a note is for people.
    let left_out = ["context.calendar is no fact", "evidence.ref is no fact", "step.note is no fact"];
    assert_eq!(found, left_out.map(str::to_owned).into());
}
