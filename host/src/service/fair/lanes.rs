//! Threads for what runs long: beside the runtime's, and behind them in the operating system's eyes, so that usual decisions keep the processors.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};

use core_affinity::CoreId;

use crate::priority::behind_others;
use crate::service::cores;

type Job = Box<dyn FnOnce() + Send>;

/// The threads; they end when this is dropped and their work is done.
pub(super) struct Lanes(Sender<Job>);

impl Lanes {
    pub(super) fn start(count: usize) -> std::io::Result<Self> {
        let (sender, jobs) = mpsc::channel();
        let jobs = Arc::new(Mutex::new(jobs));
        // Where the process has a share of the machine's processors and not some of its own, others run on them, too.
        let cores = core_affinity::get_core_ids().filter(|ids| ids.len() == cores()).unwrap_or_default();
        for lane in 0..count {
            let jobs = Arc::clone(&jobs);
            let core = own_core(&cores, lane);
            std::thread::Builder::new().name("long-runner".into()).spawn(move || {
                behind_others();
                if let Some(core) = core
                    && !core_affinity::set_for_current(core)
                {
                    tracing::debug!(?core, "a thread runs on any processor");
                }
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

/// The processor of a lane: any but the first, which is left to usual decisions. A thread that wakes up does not always take a processor at
/// once from one that runs, however much it goes before it: on a processor without lanes it need not.
fn own_core(cores: &[CoreId], lane: usize) -> Option<CoreId> {
    let (_, others) = cores.split_first()?;
    others.get(lane.checked_rem(others.len())?).copied()
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
