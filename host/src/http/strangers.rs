//! Connections on which nobody has shown a key yet. When every place is taken, the one that has said nothing for longest gives way: whoever opens
//! thousands and is silent keeps nobody out.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Every stranger, the oldest first.
#[derive(Default)]
pub struct Strangers(Mutex<State>);

#[derive(Default)]
struct State {
    next: u64,
    waiting: BTreeMap<u64, (Instant, Arc<Notify>)>,
}

/// One connection; it stays with its requests.
pub struct Stranger {
    all: Arc<Strangers>,
    number: AtomicU64,
    known: AtomicBool,
    leave: Arc<Notify>,
}

impl Strangers {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that was opened now.
    pub fn enter(self: &Arc<Self>) -> Stranger {
        let leave = Arc::new(Notify::new());
        let number = AtomicU64::new(self.add(&leave));
        Stranger { all: self.clone(), number, known: AtomicBool::new(false), leave }
    }

    fn add(&self, leave: &Arc<Notify>) -> u64 {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.waiting.insert(number, (Instant::now(), leave.clone()));
        number
    }

    /// Sends the oldest one away, if it is here for `least` already; else how long until it is. None where there is no stranger.
    pub fn send_away(&self, least: Duration) -> Option<Duration> {
        let mut state = self.lock();
        let oldest = state.waiting.first_entry()?;
        let here = oldest.get().0.elapsed();
        if here < least {
            return Some(least - here);
        }
        oldest.remove().1.notify_one();
        Some(Duration::ZERO)
    }
}

impl Stranger {
    /// A key was shown, and it is one.
    pub fn is_known(&self) {
        if !self.known.swap(true, Ordering::Relaxed) {
            self.all.lock().waiting.remove(&self.number.load(Ordering::Relaxed));
        }
    }

    /// It is one again: nothing is expected of it any more.
    pub fn enter_again(&self) {
        self.is_known();
        self.number.store(self.all.add(&self.leave), Ordering::Relaxed);
        self.known.store(false, Ordering::Relaxed);
    }

    /// Ready when this one has to go.
    pub async fn sent_away(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.is_known();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_goes_first_and_who_is_known_stays() {
        let all = Arc::new(Strangers::default());
        assert_eq!(all.send_away(Duration::ZERO), None);
        let (known, first, second) = (all.enter(), all.enter(), all.enter());
        known.is_known();
        assert!(tokio::time::timeout(Duration::from_millis(20), known.sent_away()).await.is_err());
        assert!(all.send_away(Duration::from_secs(60)).unwrap() > Duration::from_secs(50), "too young to go");
        assert_eq!(all.send_away(Duration::ZERO), Some(Duration::ZERO));
        first.sent_away().await;
        known.enter_again();
        assert_eq!(
            (all.send_away(Duration::ZERO), all.send_away(Duration::ZERO)),
            (Some(Duration::ZERO), Some(Duration::ZERO)),
            "second, then known"
        );
        known.sent_away().await;
        drop(second);
        assert_eq!(all.send_away(Duration::ZERO), None, "who has gone is not sent away");
    }
}
