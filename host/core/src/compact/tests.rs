//! What is read and compared here is what `serde_json` reads and writes: values, golden cases, and damaged texts.

use std::collections::BTreeMap;

use ombud_rules::contract::after_sale::AfterSaleCase;
use ombud_rules::contract::types::Context;
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::*;
use crate::call_limits::CallLimits;
use crate::caps::CapLimits;
use crate::decision::Terms;
use crate::edition::Edition;
use crate::fallback::Fallbacks;
use crate::golden::{self, Given};

/// Reads a text both ways: what is read here is what `serde_json` reads.
fn agrees<T: DeserializeOwned + PartialEq + std::fmt::Debug>(text: &str) -> bool {
    match read::<T>(text) {
        Some(value) => {
            assert_eq!(serde_json::from_str::<T>(text).unwrap(), value, "{text}");
            true
        }
        None => false,
    }
}

/// Compares a value with bytes both ways.
fn is_same<T: Serialize>(value: &T, bytes: &[u8]) -> bool {
    let same = is_written_as(value, bytes);
    assert!(!same || serde_json::to_vec(value).unwrap() == bytes, "{}", String::from_utf8_lossy(bytes));
    same
}

/// Every sort of value that a body may hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sorts {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    absent: Option<String>,
    texts: Vec<String>,
    #[serde(rename = "ref")]
    named: i64,
    unsigned: u64,
    small: (u8, i8),
    #[serde(default)]
    defaulted: bool,
    kind: Kind,
    map: BTreeMap<String, Kind>,
    unit: (),
    letter: char,
    more: Option<Box<Self>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    #[default]
    AsItIs,
    Wrapped(i32),
    Pair(u8, String),
    Named {
        one: u8,
        other: Option<u8>,
    },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Tagged {
    One { value: u8 },
    Other { text: String },
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::AsItIs),
        any::<i32>().prop_map(Kind::Wrapped),
        (any::<u8>(), any::<String>()).prop_map(|(one, other)| Kind::Pair(one, other)),
        (any::<u8>(), any::<Option<u8>>()).prop_map(|(one, other)| Kind::Named { one, other }),
    ]
}

fn sorts() -> impl Strategy<Value = Sorts> {
    let texts = prop::collection::vec(any::<String>(), 0..4);
    let map = prop::collection::btree_map(any::<String>(), kinds(), 0..3);
    let leaf = (any::<Option<String>>(), texts, any::<i64>(), any::<u64>(), any::<(u8, i8)>(), any::<bool>(), kinds(), map, any::<char>());
    let leaf = leaf.prop_map(|(absent, texts, named, unsigned, small, defaulted, kind, map, letter)| Sorts {
        absent,
        texts,
        named,
        unsigned,
        small,
        defaulted,
        kind,
        map,
        letter,
        ..Sorts::default()
    });
    let leaf = leaf.boxed();
    (leaf.clone(), any::<Option<()>>(), leaf).prop_map(|(outer, more, inner)| Sorts { more: more.map(|()| Box::new(inner)), ..outer })
}

/// The text with one of its bytes changed, doubled or left out, if it still is a text.
fn changed(text: &str, at: usize, byte: u8, how: u8) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let at = at % bytes.len();
    match how % 4 {
        0 => bytes[at] = byte,
        1 => bytes.insert(at, byte),
        2 => bytes.insert(at, bytes[at]),
        _ => drop(bytes.remove(at)),
    }
    String::from_utf8(bytes).ok()
}

proptest! {
    #[test]
    fn every_sort_is_read_and_compared(value in sorts()) {
        let text = serde_json::to_string(&value).unwrap();
        prop_assert!(agrees::<Sorts>(&text));
        prop_assert!(agrees::<Value>(&text));
        prop_assert!(is_same(&value, text.as_bytes()));
        prop_assert!(is_same(&serde_json::from_str::<Value>(&text).unwrap(), serde_json::from_str::<Value>(&text).unwrap().to_string().as_bytes()));
        let longer = format!("{text} ");
        prop_assert!(!is_same(&value, longer.as_bytes()) && !agrees::<Sorts>(&longer));
        prop_assert!(!is_same(&value, &text.as_bytes()[1..]));
    }

    #[test]
    fn what_was_changed_is_never_taken_for_something_else(
        value in sorts(), at in any::<usize>(), byte in prop_oneof![any::<u8>(), prop::sample::select(br#"{}[]",:\-0123ntf. "#.to_vec())], how in any::<u8>(),
    ) {
        let text = serde_json::to_string(&value).unwrap();
        if let Some(other) = changed(&text, at, byte, how) {
            agrees::<Sorts>(&other);
            agrees::<Value>(&other);
            prop_assert_eq!(is_same(&value, other.as_bytes()), other == text);
        }
    }

    #[test]
    fn texts_of_any_characters_are_read_as_they_are(text in r#"(\\["\\/bfnrtu]?|[\x00-\x1f"0-9a-f退]){0,8}"#) {
        let text = format!("\"{text}\"");
        agrees::<String>(&text);
        agrees::<Value>(&format!("[{text}]"));
    }

    #[test]
    fn numbers_are_read_as_they_are(text in "-?[0-9]{0,21}([.eE][0-9]?)?") {
        agrees::<Value>(&text);
        agrees::<i64>(&text);
        agrees::<u8>(&text);
    }
}

/// What the two may leave to `serde_json` costs time only: what records hold is not left to it.
#[test]
fn golden_cases_are_read_and_compared_here() {
    let cases = golden::load(include_str!("../../../../tests/cases/golden.yaml")).unwrap();
    macro_rules! both {
        ($ctx:expr, $case:expr, $of:ty) => {{
            let text = serde_json::to_string($case).unwrap();
            assert_eq!(read::<$of>(&text).as_ref(), Some($case));
            assert!(is_same($case, text.as_bytes()));
            let text = serde_json::to_string($ctx).unwrap();
            assert_eq!(read::<Context>(&text).as_ref(), Some($ctx));
            assert!(is_same($ctx, text.as_bytes()));
        }};
    }
    for case in &cases {
        match &case.given {
            Given::AfterSale(ctx, case) => both!(ctx, case, AfterSaleCase),
            Given::Delay(ctx, case) => both!(ctx, case, ombud_rules::contract::delay::DelayCase),
            Given::Blacklist(ctx, case) => both!(ctx, case, ombud_rules::contract::blacklist::BlacklistCase),
            Given::Reply(ctx, case) => both!(ctx, case, ombud_rules::contract::reply::ReplyCase),
            _ => {}
        }
    }
    let terms = Terms {
        caps: CapLimits::default(),
        currency: "CNY".into(),
        fallback: Fallbacks::default(),
        limits: CallLimits::default(),
        edition: Edition::NEWEST,
    };
    assert_eq!(read(&serde_json::to_string(&terms).unwrap()), Some(terms));
}

#[test]
fn members_may_stand_in_any_order_and_be_absent() {
    let Value::Object(members) = serde_json::to_value(Sorts { letter: '退', ..Sorts::default() }).unwrap() else { unreachable!() };
    let mut members: Vec<(String, String)> = members.into_iter().map(|(name, value)| (name, value.to_string())).collect();
    let object = |members: &[(String, String)]| {
        let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    };
    for _ in 0..members.len() {
        members.rotate_left(1);
        assert!(agrees::<Sorts>(&object(&members)), "{members:?}");
        let twice = [&members[..], &members[..1]].concat();
        let unknown = [&members[..], &[("unknown".to_owned(), "1".to_owned())]].concat();
        assert!(!agrees::<Sorts>(&object(&twice)) && !agrees::<Sorts>(&object(&unknown)), "{members:?}");
    }
    members.retain(|(name, _)| name != "defaulted");
    assert!(agrees::<Sorts>(&object(&members)));
    members.retain(|(name, _)| name != "texts");
    assert!(!agrees::<Sorts>(&object(&members)));
    // A name may be written in another way.
    assert!(agrees::<Tagged>(r#"{"kind":"one","value":1}"#) && agrees::<Tagged>(r#"{"text":"x","k\u0069nd":"other"}"#));
}

#[test]
fn values_within_values_are_read_up_to_a_depth() {
    let lists = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(agrees::<Value>(&lists(64)));
    assert!(!agrees::<Value>(&lists(65)));
    assert!(!agrees::<Value>(&lists(100_000)));
}

#[test]
fn a_text_that_does_not_stand_for_itself_is_found_wherever_it_does_not() {
    for len in [1, 7, 8, 9, 15, 16, 17, 33] {
        for (at, odd) in (0..len).flat_map(|at| ['"', '\\', '\0', '\u{1f}'].map(|odd| (at, odd))) {
            let text: String = (0..len).map(|place| if place == at { odd } else { 'x' }).collect();
            assert!(!is_same(&text, format!("\"{text}\"").as_bytes()), "{text:?}");
            assert!(is_same(&text, &serde_json::to_vec(&text).unwrap()), "{text:?}");
        }
        // The bytes beside those stand for themselves.
        let text = " !#[]\u{7f}".repeat(len);
        assert!(is_same(&text, format!("\"{text}\"").as_bytes()));
    }
}

#[test]
fn what_is_not_known_here_is_left() {
    for text in ["1.0", "1e3", "-0", "18446744073709551616", "[1, 2]", " 1", "", "{\"a\":1,}", "[1,]", "tru", "nul", "\"\u{1}\""] {
        assert!(!agrees::<Value>(text), "{text}");
    }
    let raw: Box<serde_json::value::RawValue> = serde_json::from_str("1").unwrap();
    assert!(!is_same(&raw, b"1") && !is_same(&raw, br#"{"$serde_json::private::RawValue":"1"}"#));
    assert!(read::<Box<serde_json::value::RawValue>>("1").is_none());
    assert!(!is_same(&1.0, b"1.0"));
    assert!(!is_same(&BTreeMap::from([(1, 2)]), br#"{"1":2}"#));
    assert!(is_same(&json!({"a": [null, true, -1, "\n退"]}), r#"{"a":[null,true,-1,"\n退"]}"#.as_bytes()));
}

proptest! {
    #[test]
    fn beginnings_are_found_at_every_length(bytes in prop::collection::vec(0_u8..3, 0..40), len in 0_usize..40, changed in any::<usize>()) {
        let mut with = bytes.get(..len.min(bytes.len())).unwrap().to_vec();
        prop_assert!(begins_with(&bytes, &with));
        prop_assert!(!begins_with(&bytes, &[bytes.as_slice(), &[0]].concat()));
        if !with.is_empty() {
            let at = changed % with.len();
            with[at] ^= 1;
            prop_assert_eq!(begins_with(&bytes, &with), bytes.starts_with(&with));
        }
    }
}

proptest! {
    #[test]
    fn the_first_byte_that_is_escaped_is_found(text in prop::collection::vec(prop_oneof![any::<u8>(), 0x1e_u8..0x24, 0x5b_u8..0x5e], 0..40)) {
        prop_assert_eq!(plain_bytes(&text), text.iter().position(|byte| is_escaped(*byte)));
    }
}

#[test]
fn each_byte_in_each_place_is_told_from_its_neighbours() {
    for byte in 0..=u8::MAX {
        for (place, neighbour) in (0..17).flat_map(|place| [b'a', 0x7f, 0x80, 0xff, 0x20, 0x21, 0x23].map(|near| (place, near))) {
            let mut text = [neighbour; 17];
            text[place] = byte;
            assert_eq!(plain_bytes(&text), is_escaped(byte).then_some(place), "{byte:#x} among {neighbour:#x}");
        }
    }
}
