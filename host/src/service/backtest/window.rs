//! A window of time: the last so many days, or from one moment to another.

use ombud_core::problem::Problem;
use ombud_rules::civil::HOUR_MS;

use super::super::export::at_ms;

/// Decisions received in here are compared; an open end is the ledger's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// At or after, epoch milliseconds.
    pub from_ms: Option<i64>,
    /// Before, epoch milliseconds.
    pub to_ms: Option<i64>,
}

impl Window {
    /// The window of `last`, or of `from` and `to`, whose dates begin so many minutes east of UTC; nothing at all is the whole
    /// ledger.
    ///
    /// # Errors
    /// What does not read as a time, and ends that contradict each other.
    pub fn read(last: Option<&str>, from: Option<&str>, to: Option<&str>, tz_offset_min: i32, now_ms: i64) -> Result<Self, Vec<Problem>> {
        if let Some(last) = last {
            if from.is_some() || to.is_some() {
                return Err(vec![Problem::at("/last", "says where the window begins: it goes with neither `from` nor `to`")]);
            }
            let allowed = "a whole number with `h`, `d` or `w`, such as 90d";
            let length = length_ms(last).ok_or_else(|| vec![Problem::at("/last", "is no length of time").allowed(allowed)])?;
            return Ok(Self { from_ms: Some(now_ms.saturating_sub(length)), to_ms: None });
        }
        Self::between(from, to, tz_offset_min)
    }

    /// The window from one moment to another, or open where there is none.
    ///
    /// # Errors
    /// What does not read as a time, and ends that contradict each other.
    pub fn between(from: Option<&str>, to: Option<&str>, tz_offset_min: i32) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut moment = |pointer: &str, text: Option<&str>| {
            let text = text?;
            let found = at_ms(text, tz_offset_min);
            if found.is_none() {
                let allowed = "RFC 3339, such as 2026-07-01T00:00:00+08:00, or a date, such as 2026-07-01";
                problems.push(Problem::at(pointer, "is not a time").allowed(allowed));
            }
            found
        };
        let window = Self { from_ms: moment("/from", from), to_ms: moment("/to", to) };
        if window.from_ms.zip(window.to_ms).is_some_and(|(from, to)| from > to) {
            problems.push(Problem::at("/to", "is before `from`").allowed("`from` or later; `to` itself is not in it"));
        }
        if problems.is_empty() { Ok(window) } else { Err(problems) }
    }
}

/// Milliseconds of a length of time; a day is 24 hours.
fn length_ms(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let hours = match unit {
        "h" => 1,
        "d" => 24,
        "w" => 7 * 24,
        _ => return None,
    };
    let is_plain = number.bytes().all(|digit| digit.is_ascii_digit());
    let number: i64 = number.parse().ok().filter(|number| is_plain && *number > 0)?;
    number.checked_mul(hours)?.checked_mul(HOUR_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_a_length_or_two_moments() {
        let now = 1_000 * 24 * HOUR_MS;
        let read = |last, from, to| Window::read(last, from, to, 480, now).map_err(|problems| problems[0].to_string());
        assert_eq!(read(Some("90d"), None, None).unwrap(), Window { from_ms: Some(910 * 24 * HOUR_MS), to_ms: None });
        assert_eq!(read(Some("2w"), None, None).unwrap().from_ms, Some(986 * 24 * HOUR_MS));
        assert_eq!(read(Some("36h"), None, None).unwrap().from_ms, Some(now - 36 * HOUR_MS));
        assert_eq!(read(None, None, None).unwrap(), Window::default());
        let day = Window { from_ms: Some(24 * HOUR_MS), to_ms: None };
        assert_eq!(read(None, Some("1970-01-02T08:00:00+08:00"), None).unwrap(), day);
        assert_eq!(read(None, Some("1970-01-02"), None).unwrap().from_ms, Some(16 * HOUR_MS), "a date begins in the merchant's zone");
        let from = Some("1970-01-02T00:00:00Z");
        assert_eq!(read(None, from, from).unwrap().to_ms, Some(24 * HOUR_MS), "an empty window is one");
        assert_eq!(
            read(None, from, Some("1970-01-01")).unwrap_err(),
            "`/to`: is before `from`; allowed: `from` or later; `to` itself is not in it"
        );
        assert!(read(Some("9d"), from, None).unwrap_err().starts_with("`/last`: says where"));
        for bad in ["", "d", "90", "90m", "-1d", "+1d", "0d", "1.5d", "９d", "d9", "999999999999999999d"] {
            assert!(read(Some(bad), None, None).unwrap_err().starts_with("`/last`: is no length of time"), "{bad}");
        }
        assert!(read(None, Some("yesterday"), None).unwrap_err().starts_with("`/from`: is not a time"));
    }
}
