//! The canonical bytes of an event, for the comparison of two deliveries.
//!
//! Every event is brought into this form, so the tree borrows its strings from the text and keeps members in a list.

use std::borrow::Cow;
use std::fmt;

use ombud_rules::contract::types::InstantMs;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::envelope::Text;
use super::types::EventType;

/// `{"data":…,"time":…,"type":…}` with sorted members and without white space; `time` in epoch milliseconds, so that the
/// same instant under another offset is the same.
pub(super) fn bytes(event_type: EventType, time: InstantMs, data: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + 64);
    out.extend_from_slice(b"{\"data\":");
    match serde_json::from_str::<Tree<'_>>(data) {
        Ok(tree) => tree.write(&mut out),
        // Data that was read before is JSON; its own text is as good a witness.
        Err(_) => out.extend_from_slice(data.as_bytes()),
    }
    out.extend_from_slice(format!(",\"time\":{time},\"type\":\"{event_type}\"}}").as_bytes());
    out
}

/// JSON with the members of each object sorted by name.
enum Tree<'a> {
    Null,
    Flag(bool),
    Whole(i64),
    Large(u64),
    Fraction(f64),
    Text(Cow<'a, str>),
    List(Vec<Tree<'a>>),
    Object(Vec<(Cow<'a, str>, Tree<'a>)>),
}

impl Tree<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Flag(flag) => scalar(flag, out),
            Self::Whole(number) => scalar(number, out),
            Self::Large(number) => scalar(number, out),
            Self::Fraction(number) => scalar(number, out),
            Self::Text(text) => string(text, out),
            Self::List(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (at, (name, member)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    string(name, out);
                    out.push(b':');
                    member.write(out);
                }
                out.push(b'}');
            }
        }
    }
}

fn string(text: &str, out: &mut Vec<u8>) {
    if text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        return scalar(text, out);
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Writes a string, number or boolean; writing to memory cannot fail.
fn scalar<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, value);
}

impl<'de: 'a, 'a> Deserialize<'de> for Tree<'a> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Json;

        impl<'de> Visitor<'de> for Json {
            type Value = Tree<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_unit<E: Error>(self) -> Result<Tree<'de>, E> {
                Ok(Tree::Null)
            }
            fn visit_bool<E: Error>(self, flag: bool) -> Result<Tree<'de>, E> {
                Ok(Tree::Flag(flag))
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Tree<'de>, E> {
                Ok(Tree::Whole(number))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Tree<'de>, E> {
                Ok(Tree::Large(number))
            }
            fn visit_f64<E: Error>(self, number: f64) -> Result<Tree<'de>, E> {
                Ok(Tree::Fraction(number))
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Tree<'de>, E> {
                Ok(Tree::Text(text.into()))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Tree<'de>, E> {
                Ok(Tree::Text(text.to_owned().into()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree<'de>, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Tree::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Tree<'de>, A::Error> {
                let mut object = Vec::with_capacity(8);
                while let Some((Text(name), member)) = members.next_entry()? {
                    object.push((name, member));
                }
                object.sort_by(|(one, _): &(Cow<'_, str>, _), (other, _)| one.cmp(other));
                Ok(Tree::Object(object))
            }
        }

        input.deserialize_any(Json)
    }
}
