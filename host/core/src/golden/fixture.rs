//! From the cases' spelling to the contract's: kebab-case keys, ISO times, merged mappings.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde_json::{Map, Value};

use ombud_rules::contract::types::{Context, InstantMs, Platform};

/// The facts every case starts from (golden.md 6.1 `base`).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Base {
    pub context: Map<String, Value>,
    pub order: Map<String, Value>,
    pub line: Map<String, Value>,
    pub after_sale: Map<String, Value>,
}

/// Keys whose text is an ISO time with an offset, milliseconds in the contract.
const TIMES: &[&str] =
    &["now", "applied-at", "captured-at", "paid-at", "picked-up-at", "promised-ship-by", "return-received-at", "shipped-at", "signed-at"];

/// The base mapping with the keys of `over` in place of its own.
pub(super) fn merged(base: &Map<String, Value>, over: Option<&Map<String, Value>>) -> Map<String, Value> {
    let mut merged = base.clone();
    for (key, value) in over.into_iter().flatten() {
        merged.insert(key.clone(), value.clone());
    }
    merged
}

/// Sets `key` unless the mapping has it.
pub(super) fn default(map: &mut Map<String, Value>, key: &str, value: impl Into<Value>) {
    map.entry(key).or_insert_with(|| value.into());
}

/// Reads a record of the contract from a mapping in the cases' spelling.
pub(super) fn record<T: DeserializeOwned>(map: Map<String, Value>) -> Result<T, String> {
    // The contract's serde names are snake_case; the message should name the key as the case's author wrote it.
    serde_json::from_value(wire(Value::Object(map))?).map_err(|error| error.to_string().replace('_', "-"))
}

/// The same value with `snake_case` keys and epoch milliseconds.
pub(super) fn wire(value: Value) -> Result<Value, String> {
    Ok(match value {
        Value::Object(map) => {
            let mut out = Map::new();
            for (key, value) in map {
                let value = match value {
                    Value::String(text) if TIMES.contains(&key.as_str()) => {
                        instant(&text).map_err(|problem| format!("`{key}`: {problem}"))?.into()
                    }
                    value => wire(value)?,
                };
                out.insert(key.replace('-', "_"), value);
            }
            Value::Object(out)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(wire).collect::<Result<_, _>>()?),
        other => other,
    })
}

/// Fields of settings whose value is an object or a list of objects.
const SETTING_FIELDS: &[&str] = &["pay-bp", "trigger-hours", "upto-bp"];

/// Settings with their names in `snake_case`. Keys below may be data, a platform or a criterion, and stay as they are written.
pub(super) fn settings(value: Value) -> Value {
    fn fields(value: Value) -> Value {
        match value {
            Value::Object(map) => {
                let name = |key: String| if SETTING_FIELDS.contains(&key.as_str()) { key.replace('-', "_") } else { key };
                Value::Object(map.into_iter().map(|(key, value)| (name(key), fields(value))).collect())
            }
            Value::Array(items) => Value::Array(items.into_iter().map(fields).collect()),
            other => other,
        }
    }
    match value {
        Value::Object(map) => Value::Object(map.into_iter().map(|(key, value)| (key.replace('-', "_"), fields(value))).collect()),
        other => other,
    }
}

/// Milliseconds of an ISO 8601 time with its offset.
pub(super) fn instant(text: &str) -> Result<InstantMs, String> {
    let time: jiff::Timestamp = text.parse().map_err(|_| format!("`{text}` is not a time of the form 2026-11-06T10:00:00+08:00"))?;
    Ok(time.as_millisecond())
}

/// For serde: an optional ISO time as milliseconds. Explicit nulls are refused where they would assert nothing.
pub(super) fn optional_instant<'de, D: Deserializer<'de>>(input: D) -> Result<Option<InstantMs>, D::Error> {
    let text = String::deserialize(input)?;
    instant(&text).map(Some).map_err(D::Error::custom)
}

/// The context of a case: the base's, with the case's own keys; ids are fixed, for rules do not read them.
pub(super) fn context(base: &Base, over: Option<&Map<String, Value>>) -> Result<Context, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Flat {
        platform: Platform,
        tz_offset_min: i32,
        now: InstantMs,
        non_working: Value,
        statutory_holidays: Value,
    }
    let flat: Flat = record(merged(&base.context, over)).map_err(|problem| format!("context: {problem}"))?;
    let calendar = serde_json::json!({"non_working": flat.non_working, "statutory_holidays": flat.statutory_holidays});
    Ok(Context {
        merchant_id: "m1".to_owned(),
        shop_id: "s1".to_owned(),
        platform: flat.platform,
        tz_offset_min: flat.tz_offset_min,
        now: flat.now,
        calendar: serde_json::from_value(calendar).map_err(|error| format!("context: {error}"))?,
    })
}
