//! Many replays side by side.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, anyhow};

use super::super::progress::Progress;
use super::Tally;
use crate::service::wire::ReplayReport;

/// How many threads the machine has room for.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Replays every item in so many lanes; the first error ends it.
pub(super) fn run<T: Sync>(items: &[T], lanes: usize, replay: impl Fn(&T) -> Result<Option<ReplayReport>> + Sync) -> Result<Tally> {
    let progress = Progress::new(items.len() as u64, "records");
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let failure = Mutex::new(None);
    let fail = |error: anyhow::Error| {
        failed.store(true, Ordering::Relaxed);
        failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    };
    let work = || {
        let mut tally = Tally::default();
        while !failed.load(Ordering::Relaxed)
            && let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed))
        {
            match replay(item) {
                Ok(report) => report.into_iter().for_each(|report| tally.add(report)),
                Err(error) => fail(error),
            }
            progress.step();
        }
        tally
    };
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..lanes.clamp(1, items.len().max(1))).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            match worker.join() {
                Ok(part) => tally.merge(part),
                Err(_) => fail(anyhow!("a replay panicked")),
            }
        }
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(tally),
    }
}
