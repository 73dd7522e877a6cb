//! One text for one JSON value: keys sorted by their bytes, no white space, the shortest escapes of RFC 8785.
//!
//! Unlike RFC 8785, integers keep all their digits: platform ids of 19 digits go beyond what a double tells apart.

use std::io::Write as _;

use serde_json::{Map, Number, Value};

pub(super) fn value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend(b"null"),
        Value::Bool(true) => out.extend(b"true"),
        Value::Bool(false) => out.extend(b"false"),
        Value::Number(one) => number(one, out),
        Value::String(text) => string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                separate(index, out);
                self::value(item, out);
            }
            out.push(b']');
        }
        Value::Object(map) => object(map, out),
    }
}

fn object(map: &Map<String, Value>, out: &mut Vec<u8>) {
    // The map's own order depends on a feature of serde_json that any crate may turn on.
    let mut members: Vec<_> = map.iter().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    out.push(b'{');
    for (index, (name, member)) in members.into_iter().enumerate() {
        separate(index, out);
        string(name, out);
        out.push(b':');
        value(member, out);
    }
    out.push(b'}');
}

fn separate(index: usize, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
}

/// The largest magnitude below which every double without a fraction is written as an integer.
const INTEGRAL_MAX: f64 = 1e38;

fn number(number: &Number, out: &mut Vec<u8>) {
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    match (whole, number.as_f64()) {
        (Some(whole), _) => integer(whole, out),
        (None, Some(double)) if double.fract() == 0.0 && double.abs() < INTEGRAL_MAX => integer(double as i128, out),
        // Writing into a vector cannot fail.
        (None, Some(double)) => _ = write!(out, "{double:e}"),
        (None, None) => _ = write!(out, "{number}"),
    }
}

pub(super) fn integer(integer: i128, out: &mut Vec<u8>) {
    _ = write!(out, "{integer}");
}

pub(super) fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend(br#"\""#),
            b'\\' => out.extend(br"\\"),
            0..0x20 => _ = write!(out, "\\u{byte:04x}"),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
