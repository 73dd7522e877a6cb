//! The window of an export, from times and dates.

use jiff::civil::Date;
use jiff::tz::Offset;
use ombud_core::problem::Problem;
use ombud_ledger::bundle::Window;

use super::ExportQuery;
use crate::service::error::ServiceError;

/// The window that a query asks for; dates begin so many minutes east of UTC.
pub(super) fn window(tz_offset_min: i32, query: &ExportQuery) -> Result<Window, ServiceError> {
    let mut problems = Vec::new();
    let mut moment = |pointer: &str, text: &Option<String>| {
        let text = text.as_deref()?;
        let found = at_ms(text, tz_offset_min);
        if found.is_none() {
            let allowed = "RFC 3339, such as 2026-07-01T00:00:00+08:00, or a date, such as 2026-07-01";
            problems.push(Problem::at(pointer, "is not a time").allowed(allowed));
        }
        found
    };
    let window = Window { from_ms: moment("/from", &query.from), to_ms: moment("/to", &query.to) };
    if window.from_ms.zip(window.to_ms).is_some_and(|(from, to)| from > to) {
        problems.push(Problem::at("/to", "is before `from`"));
    }
    if problems.is_empty() { Ok(window) } else { Err(ServiceError::Invalid(problems)) }
}

/// A moment, or the beginning of a date so many minutes east of UTC.
pub(in super::super) fn at_ms(text: &str, tz_offset_min: i32) -> Option<i64> {
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(moment.as_millisecond());
    }
    // A date and nothing more: jiff would read the date of a time without a zone as well.
    let date = text.parse::<Date>().ok().filter(|date| date.to_string() == text)?;
    let offset = Offset::from_seconds(tz_offset_min.checked_mul(60)?).ok()?;
    Some(offset.to_timestamp(date.at(0, 0, 0, 0)).ok()?.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_begin_in_the_merchants_zone() {
        assert_eq!(at_ms("2026-07-01", 480), at_ms("2026-07-01T00:00:00+08:00", 0));
        assert_eq!(at_ms("2026-07-01", -720), at_ms("2026-07-01T12:00:00Z", 480));
        assert_eq!(at_ms("1970-01-01", 0), Some(0));
        for bad in ["", "yesterday", "2026-02-30", "2026-07-01T00:00:00", "20260701", "2026-7-1", "2026-07-01 "] {
            assert_eq!(at_ms(bad, 480), None, "{bad}");
        }
    }
}
