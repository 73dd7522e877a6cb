//! The writer: one thread that takes waiting jobs, runs them in one transaction, commits, and answers each.
//!
//! A lone commit costs a flush of the disk; jobs that wait while one group is flushed make the next group, so that load
//! makes groups larger instead of making answers slower. Behind a group of several jobs the next one waits a moment for more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::StoreError;
use crate::store::{Group, Transactions};

/// How long a group waits for more jobs where the one before had several. Where one comes after the other nothing waits;
/// where many come, groups are larger, and with fewer of them each job costs less: every group writes the last page of every
/// index again.
const GATHER: Duration = Duration::from_micros(300);

/// The bounds of a writer.
#[derive(Clone, Copy, Debug)]
pub struct WriterLimits {
    /// Jobs that may wait; more are refused as busy.
    pub queue_jobs_max: usize,
    /// Jobs of one group.
    pub group_jobs_max: usize,
}

impl Default for WriterLimits {
    fn default() -> Self {
        Self { queue_jobs_max: 4096, group_jobs_max: 256 }
    }
}

/// Why a job has no answer of its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError<E, S = StoreError> {
    /// What the job answered. It has written nothing.
    #[error("{0}")]
    Job(E),
    /// The store failed or refused the group: nothing of it is durable.
    #[error("{0}")]
    Store(S),
}

/// A group that was committed, for whoever counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupDone {
    /// Jobs of the group.
    pub jobs: usize,
    /// Records that they appended.
    pub records: u64,
    /// From its first job's turn until it was durable.
    pub took: Duration,
    /// Jobs that wait for the next one.
    pub waiting: usize,
}

/// The running writer. Dropping it finishes what waits.
pub struct Writer {
    queue: Option<SyncSender<Box<dyn Queued>>>,
    waiting: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
    refusing: RwLock<Option<Arc<str>>>,
}

impl Writer {
    /// Starts the thread that drives `transactions`. `seen` is called on it after each group: with what was committed, or with why the
    /// store took nothing of it.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(
        transactions: impl Transactions + 'static,
        limits: WriterLimits,
        seen: impl Fn(Result<GroupDone, &StoreError>) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (queue, jobs) = sync_channel(limits.queue_jobs_max);
        let waiting = Arc::new(AtomicUsize::new(0));
        let queued = Waiting { jobs, count: Arc::clone(&waiting) };
        let thread = std::thread::Builder::new().name("ombud-writer".to_owned()).spawn(move || drive(transactions, &queued, limits, &seen));
        let thread = thread.map_err(|error| StoreError::backend("start the writer", error))?;
        Ok(Self { queue: Some(queue), waiting, thread: Some(thread), refusing: RwLock::default() })
    }

    /// From now on every job is refused with these words, or taken again where there are none.
    pub fn refuse(&self, why: Option<&str>) {
        *self.refusing.write().unwrap_or_else(PoisonError::into_inner) = why.map(Arc::from);
    }

    /// Whether the thread runs: once it has ended every job is refused.
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Puts a job into the queue. `done` is called on the writer's thread, once, after the job's group is durable or has
    /// failed; it must be quick: hand the answer on.
    ///
    /// The job looks first and writes when nothing can go wrong any more. One that fails or panics after its first write is
    /// answered with [`StoreError::Aborted`], and its group is rolled back and run again one by one, so that it hurts nobody
    /// else; for that a job can run twice. What it leaves outside the group must wait for `done`.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where the queue is full, [`StoreError::Closed`] where the writer is gone, [`StoreError::Refused`] where
    /// nothing may be written; `done` is then dropped.
    pub fn submit<T, E>(
        &self,
        job: impl FnMut(&mut dyn Group) -> Result<T, E> + Send + 'static,
        done: impl FnOnce(Result<T, JobError<E>>) + Send + 'static,
    ) -> Result<(), StoreError>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        if let Some(why) = &*self.refusing.read().unwrap_or_else(PoisonError::into_inner) {
            return Err(StoreError::Refused(Arc::clone(why)));
        }
        let queued = Box::new(Job { job, result: None, done });
        let queue = self.queue.as_ref().ok_or(StoreError::Closed)?;
        // Counted before it can be taken out again.
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let refused = match queue.try_send(queued) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Full(_)) => StoreError::Busy,
            Err(TrySendError::Disconnected(_)) => StoreError::Closed,
        };
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        Err(refused)
    }

    /// Puts a job into the queue and waits for its answer. Not for the threads of an asynchronous runtime.
    ///
    /// # Errors
    /// What the job answers; the store's failures, a full queue among them.
    pub fn wait<T, E>(&self, job: impl FnMut(&mut dyn Group) -> Result<T, E> + Send + 'static) -> Result<T, JobError<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let (answer, answered) = sync_channel(1);
        // Nobody waits for the answer where the caller's thread is gone.
        self.submit(job, move |result| _ = answer.send(result)).map_err(JobError::Store)?;
        answered.recv().unwrap_or(Err(JobError::Store(StoreError::Closed)))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

/// A job with its type erased.
trait Queued: Send {
    /// Runs the job, perhaps for the second time; false where it failed.
    fn run(&mut self, group: &mut dyn Group) -> bool;
    /// Hands the answer on.
    fn finish(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Job<J, T, E, D> {
    job: J,
    result: Option<Result<T, E>>,
    done: D,
}

impl<J, T, E, D> Queued for Job<J, T, E, D>
where
    J: FnMut(&mut dyn Group) -> Result<T, E> + Send,
    D: FnOnce(Result<T, JobError<E>>) + Send,
    T: Send,
    E: Send,
{
    fn run(&mut self, group: &mut dyn Group) -> bool {
        // Where the job panics, nothing of an earlier run must be left.
        self.result = None;
        self.result = Some((self.job)(group));
        matches!(self.result, Some(Ok(_)))
    }

    fn finish(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { job, result, done } = *self;
        // Whoever waits for the answer then has the last hold on what the job worked on, and frees it where it was made:
        // memory that another thread frees has to be collected there.
        drop(job);
        done(match (committed, result) {
            (Ok(()), Some(result)) => result.map_err(JobError::Job),
            (Ok(()), None) => Err(JobError::Store(StoreError::Closed)),
            (Err(error), _) => Err(JobError::Store(error)),
        });
    }
}

/// The jobs that wait, counted.
struct Waiting {
    jobs: Receiver<Box<dyn Queued>>,
    count: Arc<AtomicUsize>,
}

impl Waiting {
    /// Waits for a job and takes what waits with it, up to the size of a group; false where nothing will come any more.
    fn take(&self, group: &mut Vec<Box<dyn Queued>>, jobs_max: usize, gather: bool) -> bool {
        let Ok(first) = self.jobs.recv() else { return false };
        group.push(first);
        if gather {
            std::thread::sleep(GATHER);
        }
        group.extend(self.jobs.try_iter().take(jobs_max.saturating_sub(1)));
        self.count.fetch_sub(group.len(), Ordering::Relaxed);
        true
    }
}

fn drive(mut transactions: impl Transactions, waiting: &Waiting, limits: WriterLimits, seen: &impl Fn(Result<GroupDone, &StoreError>)) {
    let mut group = Vec::with_capacity(limits.group_jobs_max);
    let mut jobs = 0;
    while waiting.take(&mut group, limits.group_jobs_max, jobs > 1) {
        let started = Instant::now();
        jobs = group.len();
        match run(&mut transactions, &mut group) {
            // One job broke the group: alone, only that one fails.
            Err(StoreError::Aborted(_)) if group.len() > 1 => {
                for job in group.drain(..) {
                    let (started, mut alone) = (Instant::now(), [job]);
                    let committed = run(&mut transactions, &mut alone);
                    answer(&transactions, alone.into_iter(), &committed, started.elapsed(), waiting, seen);
                }
            }
            committed => answer(&transactions, group.drain(..), &committed, started.elapsed(), waiting, seen),
        }
        transactions.between_groups();
    }
}

/// Hands the answers of a group on, and tells what became of it.
fn answer(
    transactions: &impl Transactions,
    group: impl ExactSizeIterator<Item = Box<dyn Queued>>,
    committed: &Result<(), StoreError>,
    took: Duration,
    waiting: &Waiting,
    seen: &impl Fn(Result<GroupDone, &StoreError>),
) {
    // Who is answered that nothing could be stored finds it said already.
    if let Err(error) = committed {
        seen(Err(error));
    }
    let jobs = group.len();
    group.for_each(|job| finish(job, committed.clone()));
    if committed.is_ok() {
        seen(Ok(GroupDone { jobs, records: transactions.appended(), took, waiting: waiting.count.load(Ordering::Relaxed) }));
    }
}

/// Runs and commits one group, or leaves nothing of it.
fn run(transactions: &mut impl Transactions, group: &mut [Box<dyn Queued>]) -> Result<(), StoreError> {
    let committed = run_all(transactions, group).and_then(|()| transactions.commit());
    let committed = committed.map_err(|error| transactions.unwritable().unwrap_or(error));
    if committed.is_err() {
        transactions.rollback();
    }
    committed
}

fn run_all(transactions: &mut impl Transactions, group: &mut [Box<dyn Queued>]) -> Result<(), StoreError> {
    transactions.begin()?;
    for job in group {
        let before = transactions.writes();
        // The state after a panic is thrown away with the transaction.
        let ran = catch_unwind(AssertUnwindSafe(|| job.run(transactions.group())));
        match ran {
            Ok(true) => {}
            Ok(false) if transactions.writes() == before => {}
            Ok(false) => return Err(StoreError::Aborted("the job failed after it had written")),
            Err(_) => return Err(StoreError::Aborted("the job panicked")),
        }
    }
    Ok(())
}

/// Hands a job's answer on. A caller's panic must not stop the writer for all others.
fn finish(job: Box<dyn Queued>, committed: Result<(), StoreError>) {
    _ = catch_unwind(AssertUnwindSafe(|| job.finish(committed)));
}
