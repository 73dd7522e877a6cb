//! Threads for what runs long: beside the runtime's, and behind them in the operating system's eyes, so that usual decisions keep the processors.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};

use crate::priority::behind_others;

type Job = Box<dyn FnOnce() + Send>;

/// The threads; they end when this is dropped and their work is done.
pub(super) struct Lanes(Sender<Job>);

impl Lanes {
    pub(super) fn start(count: usize) -> std::io::Result<Self> {
        let (sender, jobs) = mpsc::channel();
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..count {
            let jobs = Arc::clone(&jobs);
            std::thread::Builder::new().name("long-runner".into()).spawn(move || {
                behind_others();
                while let Some(job) = next(&jobs) {
                    // What a job's panic leaves behind is its own; the caller is told by its closed channel.
                    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).is_err() {
                        tracing::error!("a decision panicked");
                    }
                }
            })?;
        }
        Ok(Self(sender))
    }

    /// Gives a job to the next free thread.
    pub(super) fn run(&self, job: impl FnOnce() + Send + 'static) {
        // The threads take jobs for as long as this stands.
        let _ = self.0.send(Box::new(job));
    }
}

fn next(jobs: &Mutex<Receiver<Job>>) -> Option<Job> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_long_stands_behind_and_survives_a_panic() {
        let lanes = Lanes::start(1).unwrap();
        lanes.run(|| panic!("on purpose"));
        let (sender, told) = mpsc::channel();
        lanes.run(move || sender.send(std::fs::read_to_string("/proc/thread-self/stat").unwrap()).unwrap());
        let stat = told.recv().unwrap();
        // The 19th field, counted behind the name in brackets, which is the second.
        let nice: i32 = stat.rsplit(") ").next().unwrap().split(' ').nth(16).unwrap().parse().unwrap();
        assert!((8..=19).contains(&nice), "{stat}");
    }
}
