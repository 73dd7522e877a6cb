//! Fuel by the second: a bucket that fills steadily, holds two seconds' worth, and is emptied by what decisions have used.
//!
//! What a decision uses is known when it is done: one that was begun is finished, and the debt is waited for. Shadow runs have what runs over: both
//! together use no more than fills the bucket, and no answer waits for a shadow run.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ombud_core::share_limits::FUEL_KEPT_S;

/// One merchant's fuel.
#[derive(Debug, Default)]
pub(super) struct Budget(Mutex<Option<Bucket>>);

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// What is left; below zero where more was used than there was.
    fuel: i128,
    /// What ran over: shadow runs have it, so that they never take what an answer needs.
    spare: i128,
    at: Instant,
}

impl Budget {
    /// Whether there is fuel at `now`.
    ///
    /// # Errors
    /// How long it takes until there is.
    pub(super) fn has(&self, fuel_per_s: u64, now: Instant) -> Result<(), Duration> {
        let fuel = self.filled(fuel_per_s, now, 0, 0).fuel;
        if fuel > 0 {
            return Ok(());
        }
        // One unit more than the debt.
        let micros = fuel.unsigned_abs().saturating_add(1).saturating_mul(1_000_000).div_ceil(u128::from(fuel_per_s.max(1)));
        Err(Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX)))
    }

    /// Takes what was used.
    pub(super) fn spend(&self, fuel_per_s: u64, now: Instant, used: u64) {
        self.filled(fuel_per_s, now, used, 0);
    }

    /// Whether there is fuel for a shadow run.
    pub(super) fn has_spare(&self, fuel_per_s: u64, now: Instant) -> bool {
        let bucket = self.filled(fuel_per_s, now, 0, 0);
        bucket.fuel > 0 && bucket.spare > 0
    }

    /// Takes what a shadow run has used.
    pub(super) fn spend_spare(&self, fuel_per_s: u64, now: Instant, used: u64) {
        self.filled(fuel_per_s, now, 0, used);
    }

    fn filled(&self, fuel_per_s: u64, now: Instant, used: u64, by_shadows: u64) -> Bucket {
        let most = i128::from(fuel_per_s) * i128::from(FUEL_KEPT_S);
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = bucket.unwrap_or(Bucket { fuel: most, spare: most, at: now });
        let micros = now.saturating_duration_since(before.at).as_micros();
        let more = i128::try_from(micros).unwrap_or(i128::MAX).saturating_mul(fuel_per_s.into()) / 1_000_000;
        // What is less than a unit is not lost: the time stays where it was.
        let at = if more > 0 { now } else { before.at };
        let filled = before.fuel.saturating_add(more);
        let over = filled.saturating_sub(most).max(0);
        let spare = before.spare.saturating_add(over).min(most) - i128::from(by_shadows);
        let next = Bucket { fuel: filled.min(most) - i128::from(used), spare, at };
        *bucket = Some(next);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_is_waited_for_and_no_longer() {
        let budget = Budget::default();
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        // Two seconds' worth to begin with, less one unit: still fuel.
        budget.spend(1_000, at(0), 1_999);
        assert_eq!(budget.has(1_000, at(0)), Ok(()));
        budget.spend(1_000, at(0), 1);
        assert_eq!(budget.has(1_000, at(0)), Err(Duration::from_millis(1)));
        assert_eq!(budget.has(1_000, at(1)), Ok(()));
        // A large debt takes long.
        budget.spend(1_000, at(1), 10_000);
        assert_eq!(budget.has(1_000, at(1)), Err(Duration::from_secs(10)));
        assert!(budget.has(1_000, at(10_000)).is_err());
        assert_eq!(budget.has(1_000, at(10_001)), Ok(()));
    }

    #[test]
    fn shadow_runs_have_what_answers_leave() {
        let budget = Budget::default();
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        assert!(budget.has_spare(1_000, at(0)));
        budget.spend_spare(1_000, at(0), 2_500);
        assert!(!budget.has_spare(1_000, at(0)));
        assert_eq!(budget.has(1_000, at(0)), Ok(()), "answers have all of theirs");
        // What is filled belongs to answers first, and what runs over pays for shadow runs.
        budget.spend(1_000, at(0), 1_000);
        assert!(!budget.has_spare(1_000, at(1_500)));
        assert!(budget.has_spare(1_000, at(1_501)));
        // While answers wait no shadow run begins.
        budget.spend_spare(1_000, at(100_000), 0);
        budget.spend(1_000, at(100_000), 2_000);
        assert!(!budget.has_spare(1_000, at(100_000)));
        assert!(budget.has_spare(1_000, at(100_001)));
    }

    #[test]
    fn no_more_is_kept_than_two_seconds_worth() {
        let budget = Budget::default();
        let start = Instant::now();
        budget.spend(1_000, start, 0);
        let later = start + Duration::from_secs(1_000);
        budget.spend(1_000, later, 2_000);
        assert!(budget.has(1_000, later).is_err());
    }
}
