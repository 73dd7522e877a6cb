//! The only clock of service and interface.
//!
//! It is the machine's, with one exception: the demonstration's tickets carry dates, and an event must not lie in the future. On a
//! machine whose clock stands before them, a demonstration's clock begins behind the last of them and goes on from there.

use std::sync::atomic::{AtomicI64, Ordering};

/// How far this process' clock is ahead of the machine's, in milliseconds; never negative.
static AHEAD_MS: AtomicI64 = AtomicI64::new(0);

/// Now, epoch milliseconds.
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond().saturating_add(AHEAD_MS.load(Ordering::Relaxed))
}

/// From now on no instant before this one, epoch milliseconds: a clock that stands earlier is moved to it. For demonstrations and
/// tests, whose events have dates. Gives how far the clock is ahead of the machine's, in milliseconds.
pub fn not_before(at_ms: i64) -> i64 {
    let short = at_ms.saturating_sub(jiff::Timestamp::now().as_millisecond()).max(0);
    AHEAD_MS.fetch_max(short, Ordering::Relaxed).max(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_moved_forward_and_never_back() {
        let machine = jiff::Timestamp::now().as_millisecond();
        assert_eq!(not_before(machine - 1_000_000), 0);
        let ahead = not_before(machine + 3_600_000);
        assert!((3_590_000..=3_600_000).contains(&ahead), "{ahead}");
        assert!(now_ms() >= machine + 3_590_000);
        assert_eq!(not_before(0), ahead, "an earlier instant changes nothing");
    }
}
