//! The canonical bytes of an event, for the comparison of two deliveries.

use ombud_rules::contract::types::InstantMs;
use serde_json::Value;

use super::types::EventType;

/// `{"data":…,"time":…,"type":…}` with sorted members and without white space; `time` in epoch milliseconds, so that the
/// same instant under another offset is the same.
pub(super) fn bytes(event_type: EventType, time: InstantMs, data: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + 64);
    out.extend_from_slice(b"{\"data\":");
    match serde_json::from_str(data) {
        Ok(value) => write(&value, &mut out),
        // Data that was read before is JSON; its own text is as good a witness.
        Err(_) => out.extend_from_slice(data.as_bytes()),
    }
    out.extend_from_slice(format!(",\"time\":{time},\"type\":\"{event_type}\"}}").as_bytes());
    out
}

/// Writes a value with its members sorted by name, whatever order the map keeps.
fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            out.push(b'{');
            for (at, (name, member)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                scalar(name, out);
                out.push(b':');
                write(member, out);
            }
            out.push(b'}');
        }
        scalar_value => scalar(scalar_value, out),
    }
}

/// Writes a string, number, boolean or null; writing to memory cannot fail.
fn scalar<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, value);
}
