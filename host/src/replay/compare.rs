//! What differs between two bodies, member by member, for people who look for the cause.

use ombud_core::compact::is_written_as;
use serde::Serialize;
use serde_json::Value;

use super::report::Difference;
use crate::bodies::json;

/// Differences listed for one replay: the first ones say where to look.
const DIFFERENCES_MAX: usize = 8;
/// Characters of a text or of a list shown in a difference.
const VALUE_CHARS_MAX: usize = 200;
/// Characters of a place, or of a cause in words: the members of a record that somebody else made are called as its maker likes.
const PLACE_CHARS_MAX: usize = 1_000;

/// Adds what differs between a body on record and the same body now; nothing where neither is there. Bodies that are no JSON differ as
/// a whole.
pub(super) fn body<T: Serialize>(differences: &mut Vec<Difference>, body: &'static str, recorded: &[u8], now: Option<&T>) {
    // Most are the same, which is seen without writing them.
    if now.is_some_and(|now| is_written_as(now, recorded)) {
        return;
    }
    let now = now.map(json).unwrap_or_default();
    bodies(differences, body, recorded, &now);
}

fn bodies(differences: &mut Vec<Difference>, body: &'static str, recorded: &[u8], now: &[u8]) {
    if recorded == now {
        return;
    }
    let value = |bytes: &[u8]| match bytes {
        [] => Value::Null,
        bytes => serde_json::from_slice(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into()),
    };
    let (one, other) = (value(recorded), value(now));
    let before = differences.len();
    values(differences, body, &mut String::new(), &one, &other);
    if differences.len() == before {
        // The same members with other bytes: another order or spelling.
        push(differences, body, "", &String::from_utf8_lossy(recorded).into(), &String::from_utf8_lossy(now).into());
    }
}

/// Adds one member that differs.
pub(super) fn member<T: Serialize + PartialEq>(
    differences: &mut Vec<Difference>,
    body: &'static str,
    pointer: &str,
    recorded: &T,
    now: &T,
) {
    if recorded != now {
        let value = |of: &T| serde_json::to_value(of).unwrap_or_default();
        push(differences, body, pointer, &value(recorded), &value(now));
    }
}

fn values(differences: &mut Vec<Difference>, body: &'static str, pointer: &mut String, recorded: &Value, now: &Value) {
    if recorded == now || differences.len() >= DIFFERENCES_MAX {
        return;
    }
    let length = pointer.len();
    let mut below = |pointer: &mut String, name: &str, one: Option<&Value>, other: Option<&Value>| {
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        values(differences, body, pointer, one.unwrap_or(&Value::Null), other.unwrap_or(&Value::Null));
        pointer.truncate(length);
    };
    match (recorded, now) {
        (Value::Object(one), Value::Object(other)) => {
            for (name, value) in one {
                below(pointer, name, Some(value), other.get(name));
            }
            for (name, value) in other.iter().filter(|(name, _)| !one.contains_key(*name)) {
                below(pointer, name, None, Some(value));
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            for at in 0..one.len().max(other.len()) {
                below(pointer, &at.to_string(), one.get(at), other.get(at));
            }
        }
        _ => push(differences, body, pointer, recorded, now),
    }
}

fn push(differences: &mut Vec<Difference>, body: &'static str, pointer: &str, recorded: &Value, now: &Value) {
    if differences.len() < DIFFERENCES_MAX {
        let (recorded, now) = (short(recorded), short(now));
        differences.push(Difference { body: body.to_owned(), pointer: cut(pointer, PLACE_CHARS_MAX), recorded, now });
    }
}

/// A value that fits a line.
fn short(value: &Value) -> Value {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => value.to_string(),
        _ => return value.clone(),
    };
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some(_) => cut(&text, VALUE_CHARS_MAX).into(),
        None => value.clone(),
    }
}

/// A text of at most so many characters.
pub fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A cause in words, as a report has it.
pub(super) fn cause(text: impl ToString) -> String {
    cut(&text.to_string(), PLACE_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn differing(recorded: &Value, now: &Value) -> Vec<(String, Value, Value)> {
        let mut differences = Vec::new();
        bodies(&mut differences, "decision", recorded.to_string().as_bytes(), now.to_string().as_bytes());
        differences.into_iter().map(|found| (found.pointer, found.recorded, found.now)).collect()
    }

    #[test]
    fn every_differing_member_is_named_by_its_place() {
        let recorded = json!({"outcome": "approve", "amounts": {"refund": 100, "cash": 0}, "reasons": [{"rule": "AS-1"}], "a/b": 1});
        assert_eq!(differing(&recorded, &recorded), []);
        let mut now = recorded.clone();
        now["amounts"]["refund"] = json!(90);
        now["reasons"].as_array_mut().unwrap().push(json!({"rule": "AS-2"}));
        now["a/b"] = json!(2);
        now["new"] = json!(true);
        let expected = [
            ("/a~1b".to_owned(), json!(1), json!(2)),
            ("/amounts/refund".to_owned(), json!(100), json!(90)),
            ("/reasons/1".to_owned(), Value::Null, json!({"rule": "AS-2"})),
            ("/new".to_owned(), Value::Null, json!(true)),
        ];
        assert_eq!(differing(&recorded, &now), expected);
    }

    #[test]
    fn the_list_and_its_values_are_short() {
        let many = |value: i64| Value::Array((0..100).map(|at| json!(at + value)).collect());
        assert_eq!(differing(&many(0), &many(1)).len(), DIFFERENCES_MAX);
        let at_the_limit = "退".repeat(VALUE_CHARS_MAX);
        let over = "退".repeat(VALUE_CHARS_MAX + 1);
        assert_eq!(differing(&json!(at_the_limit), &json!(1))[0].1, json!(at_the_limit));
        assert_eq!(differing(&json!(over), &json!(1))[0].1, json!(format!("{at_the_limit}…")));
    }

    #[test]
    fn places_and_causes_are_short_however_members_are_called() {
        let member = |chars: usize| json!({"退".repeat(chars): 1});
        let place = |chars: usize| differing(&member(chars), &json!({})).remove(0).0;
        assert_eq!(place(PLACE_CHARS_MAX - 1), format!("/{}", "退".repeat(PLACE_CHARS_MAX - 1)));
        assert_eq!(place(PLACE_CHARS_MAX), format!("/{}…", "退".repeat(PLACE_CHARS_MAX - 1)));
        assert_eq!(cause("x".repeat(1 << 20)).len(), PLACE_CHARS_MAX + "…".len());
    }

    #[test]
    fn bytes_that_differ_only_in_spelling_are_shown_whole() {
        let mut differences = Vec::new();
        bodies(&mut differences, "ruling", br#"{"a":1}"#, br#"{"a": 1}"#);
        assert_eq!((differences.len(), differences[0].pointer.as_str()), (1, ""));
        differences.clear();
        bodies(&mut differences, "review", b"", br#"{"answer":1}"#);
        assert_eq!((&differences[0].recorded, &differences[0].now), (&Value::Null, &json!({"answer": 1})));
    }
}
