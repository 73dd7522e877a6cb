//! The merchant's clock: windows are said, kept and compared in it, so that a sales day is the day its customers see.

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, tz};

/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// An instant as the merchant's clocks show it: milliseconds from 1970-01-01 00:00 of that clock.
pub fn local_ms(at_ms: i64, tz_offset_min: i32) -> i64 {
    at_ms.saturating_add(i64::from(tz_offset_min) * MINUTE_MS)
}

/// A moment of the merchant's clock: `2026-11-11`, `2026-11-11T08:00` or `2026-11-11T08:00:00`, or an instant with an offset of its
/// own (`2026-11-11T00:00:00Z`), which is put on the merchant's clock. A date alone is its first moment, or with `last` the first
/// of the next day, so that the day belongs to what it ends.
pub fn parse_local(text: &str, tz_offset_min: i32, last: bool) -> Option<i64> {
    let civil = |time: DateTime| time.to_zoned(tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_millisecond());
    // A text with an offset also reads as a civil time, which would leave the offset out.
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(local_ms(instant.as_millisecond(), tz_offset_min));
    }
    if text.len() == "2026-11-11".len() {
        let date = text.parse::<Date>().ok()?;
        let date = if last { date.tomorrow().ok()? } else { date };
        return civil(date.to_datetime(jiff::civil::Time::midnight()));
    }
    if !text.contains('T') {
        return None;
    }
    civil(text.parse::<DateTime>().ok()?)
}

/// A moment of the merchant's clock in words: `2026-11-11T00:00:00`.
pub fn local_text(local_ms: i64) -> String {
    Timestamp::from_millisecond(local_ms).map_or_else(|_| local_ms.to_string(), |at| tz::TimeZone::UTC.to_datetime(at).to_string())
}
