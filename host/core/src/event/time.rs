//! RFC 3339 times, as CloudEvents wants them.

use ombud_rules::contract::types::InstantMs;

use crate::ids::is_on_record;
use crate::limits::INSTANT_MS_MAX;

/// What is allowed.
pub(super) const ALLOWED: &str = "an RFC 3339 time from 1970 on with an offset, such as 2026-11-06T10:00:00+08:00";

/// The epoch milliseconds of an RFC 3339 time; parts of a millisecond are dropped. Some on record were taken with an offset of a day and more.
pub(super) fn parse(text: &str) -> Option<InstantMs> {
    if !is_on_record() && !is_within_a_day(text) {
        return None;
    }
    if !has_the_form(text.as_bytes()) {
        return None;
    }
    // The form is RFC 3339's; that date, time and offset exist is the library's to say. It reads a leap second as :59.
    let instant = text.parse::<jiff::Timestamp>().ok()?.as_millisecond();
    (0..=INSTANT_MS_MAX).contains(&instant).then_some(instant)
}

/// Whether the offset of a time has at most 23 hours. The library takes more, and reads another day.
fn is_within_a_day(text: &str) -> bool {
    text.ends_with(['Z', 'z']) || text.len().checked_sub(5).and_then(|at| text.get(at..at + 2)).is_some_and(|hours| hours <= "23")
}

/// `YYYY-MM-DDThh:mm:ss[.fraction](Z|±hh:mm)`. The library alone takes more: other separators, no seconds, zone names.
fn has_the_form(text: &[u8]) -> bool {
    let digits = |range: std::ops::Range<usize>| text.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    let byte = |at: usize, allowed: &[u8]| text.get(at).is_some_and(|byte| allowed.contains(byte));
    let date_and_time = digits(0..4)
        && byte(4, b"-")
        && digits(5..7)
        && byte(7, b"-")
        && digits(8..10)
        && byte(10, b"Tt")
        && digits(11..13)
        && byte(13, b":")
        && digits(14..16)
        && byte(16, b":")
        && digits(17..19);
    if !date_and_time {
        return false;
    }
    let fraction = if byte(19, b".") { text.iter().skip(20).take_while(|byte| byte.is_ascii_digit()).count() } else { 0 };
    let offset = match (byte(19, b"."), fraction) {
        (false, _) => 19,
        (true, 1..=9) => 20 + fraction,
        (true, _) => return false,
    };
    match text.len() - offset {
        1 => byte(offset, b"Zz"),
        6 => byte(offset, b"+-") && digits(offset + 1..offset + 3) && byte(offset + 3, b":") && digits(offset + 4..offset + 6),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::ids::on_record;

    #[test]
    fn rfc_3339_is_read_whatever_the_offset() {
        let instant = Some(1_793_930_400_000);
        for text in [
            "2026-11-06T02:00:00Z",
            "2026-11-06T10:00:00+08:00",
            "2026-11-06t02:00:00z",
            "2026-11-06T02:00:00.000Z",
            "2026-11-06T02:00:00.000999999Z",
            "2026-11-05T21:00:00-05:00",
            "2026-11-06T02:00:00-00:00",
            "2026-11-07T01:59:00+23:59",
            "2026-11-05T02:01:00-23:59",
        ] {
            assert_eq!(parse(text), instant, "{text}");
        }
        assert_eq!(parse("2026-11-06T02:00:00.5Z"), instant.map(|ms| ms + 500));
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "2026-11-06",
            "2026-11-06T02:00:00",
            "2026-11-06 02:00:00Z",
            "2026-11-06T02:00Z",
            "20261106T020000Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-06T25:00:00Z",
            "2026-11-06T02:00:00.Z",
            "2026-11-06T02:00:00.0000000000Z",
            "2026-11-06T02:00:00+0800",
            "2026-11-07T02:00:00+24:00",
            "2026-11-05T02:00:00-24:00",
            "2026-11-06T02:00:00+08:60",
            "2026-11-06T02:00:00+08:00[Asia/Shanghai]",
            "2026-11-06T02:00:00Z ",
            "1969-12-31T23:59:59Z",
            "1793930400000",
            "２０２６-11-06T02:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_on_record_is_read_as_it_was() {
        let recorded = |text| on_record(|| parse(text));
        assert_eq!(recorded("2026-11-07T02:00:00+24:00"), parse("2026-11-06T02:00:00Z"));
        assert_eq!(recorded("2026-11-06T10:00:00+08:00"), parse("2026-11-06T10:00:00+08:00"));
    }
}
