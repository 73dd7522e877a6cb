//! Civil dates in the merchant's time zone: day numbers, ISO text, the end of a day, months.
//!
//! A day number counts days since 1970-01-01 of the proleptic Gregorian calendar. Windows are civil days
//! (七日无理由退货办法 art. 10(2); Civil Code 201, 203), never multiples of 24 hours.

use crate::contract::types::{CivilDate, InstantMs};

/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds of a day of 24 hours.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// The civil date at `instant` in the zone `tz_offset_min` minutes east of UTC.
pub fn day_of(instant: InstantMs, tz_offset_min: i32) -> CivilDate {
    let local = instant.saturating_add(i64::from(tz_offset_min) * 60_000);
    local.div_euclid(DAY_MS) as CivilDate
}

/// The instant at which `day` begins (00:00 local).
pub fn start_of_day(day: CivilDate, tz_offset_min: i32) -> InstantMs {
    i64::from(day) * DAY_MS - i64::from(tz_offset_min) * 60_000
}

/// The last whole second of `day` (23:59:59 local), as deadlines are written.
pub fn end_of_day(day: CivilDate, tz_offset_min: i32) -> InstantMs {
    start_of_day(day, tz_offset_min) + DAY_MS - 1000
}

/// Year, month (1–12) and day of the month of a day number.
pub fn from_day(day: CivilDate) -> (i32, u32, u32) {
    // Days-to-civil over 400-year eras that begin on 1 March (H. Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = i64::from(day) + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * day_of_year + 2) / 153;
    let month = if month_shifted < 10 { month_shifted + 3 } else { month_shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month as u32, (day_of_year - (153 * month_shifted + 2) / 5 + 1) as u32)
}

/// The day number of a date; the date must exist.
pub fn to_day(year: i32, month: u32, day: u32) -> CivilDate {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_shifted = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_shifted + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era - 719_468) as CivilDate
}

/// Days of a month (28–31).
pub fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The same day `months` later, or the last day of that month where it is shorter (Civil Code 202).
pub fn add_months(day: CivilDate, months: u32) -> CivilDate {
    let (year, month, day_of_month) = from_day(day);
    let zero_based = i64::from(month) - 1 + i64::from(months);
    let year = year + zero_based.div_euclid(12) as i32;
    let month = zero_based.rem_euclid(12) as u32 + 1;
    to_day(year, month, day_of_month.min(days_in_month(year, month)))
}

/// Day of the week, 0 = Monday … 6 = Sunday.
pub fn weekday(day: CivilDate) -> u32 {
    (i64::from(day) + 3).rem_euclid(7) as u32
}

/// `YYYY-MM-DD`.
pub fn iso_date(day: CivilDate) -> String {
    let (year, month, day) = from_day(day);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The day number of `YYYY-MM-DD`, if the date exists.
pub fn parse_iso_date(text: &str) -> Option<CivilDate> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some()
        || year.len() != 4
        || month.len() != 2
        || day.len() != 2
        || !text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
    {
        return None;
    }
    let (year, month, day) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    ((1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day)).then(|| to_day(year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_four_centuries_survives_the_round_trip() {
        for day in to_day(1800, 1, 1)..to_day(2200, 1, 1) {
            let (year, month, of_month) = from_day(day);
            assert_eq!(to_day(year, month, of_month), day);
            assert_eq!(parse_iso_date(&iso_date(day)), Some(day));
        }
        assert_eq!((to_day(1970, 1, 1), weekday(0)), (0, 3));
    }

    #[test]
    fn months_end_on_the_last_day_where_the_day_is_missing() {
        assert_eq!(add_months(to_day(2026, 8, 31), 6), to_day(2027, 2, 28));
        assert_eq!(add_months(to_day(2026, 11, 5), 6), to_day(2027, 5, 5));
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for text in ["2026-02-29", "2026-13-01", "2026-1-01", "20260101", "2026-01-01-", "+026-01-01"] {
            assert_eq!(parse_iso_date(text), None, "{text}");
        }
    }
}
