//! The fast and the slow path agree on every event, however it is damaged.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::{EventType, data, references, schemas};
use super::{RECEIVED, example_value};
use crate::ids::on_record;

/// What is done to one place of an event's data.
#[derive(Clone, Debug)]
enum Damage {
    Delete,
    Negate,
    Lengthen(usize),
    Repeat(usize),
    Replace(Value),
    Insert(String, Value),
    /// Another place's value moves here.
    Move(usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        2 => Just(Damage::Delete),
        1 => Just(Damage::Negate),
        2 => prop::sample::select(vec![1, 60, 63, 64, 255, 256, 511, 512, 4000]).prop_map(Damage::Lengthen),
        1 => prop::sample::select(vec![31, 32, 99, 100, 199, 200]).prop_map(Damage::Repeat),
        4 => replacement().prop_map(Damage::Replace),
        1 => (name(), replacement()).prop_map(|(name, value)| Damage::Insert(name, value)),
        2 => any::<usize>().prop_map(Damage::Move),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "stage",
        "steps",
        "delay",
        "order",
        "after_sale",
        "blacklist",
        "tier",
        "customer_ref",
        "attributes",
        "note",
        "",
        "a/b~c",
    ])
    .prop_map(str::to_owned)
}

fn replacement() -> impl Strategy<Value = Value> {
    let words = vec![
        "",
        "yes",
        "no",
        "unknown",
        "requested",
        "return-received",
        "other",
        "none",
        "CNY",
        "cny",
        "13812345678",
        "c_9f3a",
        "c_other",
        "L1",
        "a\nb",
        "\u{7f}",
        "客",
        // Seen by nobody, taken by earlier releases.
        "\u{16fe4}",
        "L1\u{3164}",
        "L1\u{3000}",
        "2026-11-06",
    ];
    let numbers: Vec<Value> = vec![
        json!(0),
        json!(1),
        json!(-1),
        json!(1.0),
        json!(-0.0),
        json!(1.5),
        json!(1e300),
        json!(10_001),
        json!(1_000_000),
        json!(1_000_001),
        json!(u32::MAX),
        json!(1_000_000_000_000_i64),
        json!(1_000_000_000_001_i64),
        json!(253_402_300_799_999_i64),
        json!(i64::MAX),
        json!(u64::MAX),
    ];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        prop::sample::select(numbers),
        prop::sample::select(words).prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([null])),
        Just(json!({"line_id": "L1", "qty": 1})),
        Just(json!([{"key": "k", "value": "v"}])),
        prop::sample::select(vec!["presale-deposit", "vip"]).prop_map(|flag| json!([flag, flag])),
    ]
}

/// Every place of a value, as JSON pointers.
fn places(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(at, item)| places(item, &format!("{here}/{at}"), found)),
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| places(member, &crate::problem::below(here, name), found));
        }
        _ => {}
    }
}

fn apply(data: &mut Value, place: &str, damage: &Damage, places: &[String]) {
    let other = match damage {
        Damage::Move(from) => data.pointer(&places[from % places.len()]).cloned(),
        _ => None,
    };
    if let Damage::Delete = damage {
        let Some((parent, last)) = place.rsplit_once('/') else { return };
        match data.pointer_mut(parent) {
            Some(Value::Object(members)) => {
                members.remove(&last.replace("~1", "/").replace("~0", "~"));
            }
            Some(Value::Array(items)) => {
                let at = last.parse::<usize>().unwrap();
                if at < items.len() {
                    items.remove(at);
                }
            }
            _ => {}
        }
        return;
    }
    let Some(target) = data.pointer_mut(place) else { return };
    match damage {
        Damage::Delete => {}
        Damage::Negate => match target {
            Value::Bool(flag) => *flag = !*flag,
            Value::Number(number) => *target = number.as_i64().map_or(json!(-0.5), |number| json!(number.saturating_neg())),
            _ => {}
        },
        Damage::Lengthen(by) => {
            if let Value::String(text) = target {
                text.push_str(&"长".repeat(by / 3));
                text.push_str(&"x".repeat(by % 3));
            }
        }
        Damage::Repeat(times) => {
            if let Value::Array(items) = target {
                let first = items.first().cloned().unwrap_or(json!({"key": "k", "value": "v"}));
                *items = vec![first; times + 1];
            }
        }
        Damage::Replace(value) => *target = value.clone(),
        Damage::Insert(name, value) => {
            if let Value::Object(members) = target {
                members.insert(name.clone(), value.clone());
            }
        }
        Damage::Move(_) => *target = other.unwrap_or(Value::Object(Map::new())),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    #[test]
    fn both_paths_accept_the_same_data(
        event_type in prop::sample::select(EventType::ALL),
        as_type in prop::option::weighted(0.1, prop::sample::select(EventType::ALL)),
        damages in prop::collection::vec((any::<usize>(), damage()), 0..4),
    ) {
        let mut data = example_value(event_type)["data"].take();
        for (at, damage) in &damages {
            let mut found = Vec::new();
            places(&data, "", &mut found);
            apply(&mut data, &found[at % found.len()], damage, &found);
        }
        let event_type = as_type.unwrap_or(event_type);
        let json = data.to_string();
        let fast = data::read(event_type, &json).is_some();
        let problems = schemas::problems(event_type, &json, "").unwrap();
        prop_assert_eq!(fast, problems.is_empty(), "{} {}\n{:#?}", event_type, json, problems);

        // And as a whole event: the answer is the same, unless what is read does not belong together, and whatever is refused has a
        // place in the body.
        let whole = data::read(event_type, &json).is_some_and(|data| references::broken(&data, "").is_empty());
        let mut event = example_value(event_type);
        event["data"] = data;
        // Ids that an earlier release took are read where they stand on record, and nowhere else.
        let on_record = on_record(|| data::read(event_type, &json).is_some());
        prop_assert!(on_record || !fast);
        prop_assert_eq!(super::super::recorded(event.to_string().as_bytes(), RECEIVED).is_ok(), on_record);
        match super::super::structured(event.to_string().as_bytes(), RECEIVED) {
            Ok(_) => prop_assert!(whole),
            Err(problems) => {
                prop_assert!(!whole && !problems.is_empty());
                for problem in problems.iter().filter(|problem| !problem.message.starts_with("and ")) {
                    prop_assert!(problem.pointer.starts_with("/data") && problem.header.is_none(), "{}", problem);
                    // The place exists, or it is a member that is missing from one that does.
                    let parent = problem.pointer.rsplit_once('/').unwrap().0;
                    prop_assert!(event.pointer(parent).is_some(), "{}", problem);
                }
            }
        }
    }

    #[test]
    fn no_bytes_at_all_are_read_in_a_way_that_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), at in any::<usize>()) {
        let _ = super::super::structured(&bytes, RECEIVED);
        let _ = super::super::batch(&bytes, RECEIVED);
        // The same in the middle of a good event.
        let mut event = example_value(EventType::TimerTick).to_string().into_bytes();
        let at = at % event.len();
        event.splice(at..at, bytes.iter().copied().take(3));
        if let Err(problems) = super::super::structured(&event, RECEIVED) {
            prop_assert!(!problems.is_empty());
        }
    }
}
