//! Fair shares: so many decisions run at the same time as there are processors, and who is next is decided by merchant, by weight and by the time that its
//! decisions took. How many are under way, from their turn until they are durable, is bounded as well: whoever comes next stands behind these at most.
//!
//! A decision runs where its request is handled, at first with fuel for some milliseconds (`CallLimits::at_first`). One that needs more is run again from
//! the beginning, which gives the same, on a thread of its own behind the others (`lanes`), where it has all it may use; for a while the merchant's
//! decisions of that kind go there at once. So nobody's policy holds a processor that others need for longer than those milliseconds.

mod budget;
mod lanes;
mod queue;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ombud_core::kind::Kind;
use ombud_core::share_limits::ShareLimits;
use tokio::sync::oneshot;

use super::cores;
use super::error::Saturation;
use crate::metrics::{Metrics, Queued, Turned};
use budget::Budget;
use lanes::Lanes;
use queue::{Asked, EachMax, Flow, Queue, Waits};

/// Threads of the runtime: as many as decisions run at the same time, and one that goes on reading requests meanwhile. More of them would take the
/// processors from the writer.
pub fn runtime_threads() -> usize {
    cores() + 1
}

/// Usual decisions under way for each processor, from their turn until they are durable: enough to keep the processors and the writer's groups busy.
const UNDER_WAY_PER_CORE: usize = 32;

/// How many of them one merchant has at most while others decide as well. Each of theirs stands behind these, on the processors and in the writer's
/// group; with fewer, the processors would be idle while a group is written.
const fn beside_max(cores: usize) -> usize {
    cores * 2
}

/// Long decisions under way for each processor: more than one, so that a long one of one merchant is not waited for by another's.
const LANES_PER_CORE: usize = 2;

/// How long a merchant's decisions of a kind are taken to be long after one that was, in milliseconds.
const LONG_FOR_MS: u64 = 10_000;

/// What one merchant's decisions take, over changes of its configuration.
#[derive(Debug)]
pub(super) struct Taken {
    flow: Flow,
    under_way: AtomicUsize,
    budget: Budget,
    /// Until when decisions of each kind are taken to be long, in milliseconds since the service began.
    long_until_ms: [AtomicU64; Kind::ALL.len()],
}

impl Default for Taken {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            flow: NEXT.fetch_add(1, Ordering::Relaxed),
            under_way: AtomicUsize::new(0),
            budget: Budget::default(),
            long_until_ms: Default::default(),
        }
    }
}

/// One decision or replay under way; given back when it is dropped.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Taken>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where decisions run.
pub(super) struct Fair {
    /// Of usual decisions, from their turn until they are durable.
    held: Arc<Places>,
    /// On the runtime's threads, by weight and time.
    first: Arc<Places>,
    /// On threads of their own.
    long: Arc<Places>,
    lanes: Lanes,
    metrics: Arc<Metrics>,
    began: Instant,
}

impl Fair {
    /// Places for so many processors.
    ///
    /// # Errors
    /// No threads can be started.
    pub(super) fn start(cores: usize, metrics: Arc<Metrics>) -> std::io::Result<Self> {
        let lanes = cores * LANES_PER_CORE;
        let places = |count, alone, beside| Arc::new(Places(Mutex::new(Queue::new(count, EachMax { alone, beside }))));
        Ok(Self {
            held: places(cores * UNDER_WAY_PER_CORE, cores * UNDER_WAY_PER_CORE, beside_max(cores)),
            first: places(cores, cores, cores),
            // Half of them at most: there is one for whoever comes next.
            long: places(lanes, lanes / 2, lanes / 2),
            lanes: Lanes::start(lanes)?,
            metrics,
            began: Instant::now(),
        })
    }

    /// Takes one more decision or replay of a merchant in.
    ///
    /// # Errors
    /// The merchant has too many under way, or has used up its fuel.
    pub(super) fn admit(&self, taken: &Arc<Taken>, limits: &ShareLimits) -> Result<UnderWay, Saturation> {
        let before = taken.under_way.fetch_add(1, Ordering::Relaxed);
        let one = UnderWay(Arc::clone(taken));
        if before >= limits.decisions_max {
            self.metrics.turned_away(Turned::Decisions);
            return Err(Saturation::now(format!("{} decisions and replays are under way (decisions_max)", limits.decisions_max)));
        }
        if let Err(wait) = taken.budget.has(limits.fuel_per_s, Instant::now()) {
            self.metrics.turned_away(Turned::Fuel);
            return Err(Saturation::after(wait, format!("the fuel of {} a second is used up (fuel_per_s)", limits.fuel_per_s)));
        }
        Ok(one)
    }

    /// Notes what a decision has used.
    pub(super) fn used(&self, taken: &Taken, limits: &ShareLimits, fuel: u64) {
        taken.budget.spend(limits.fuel_per_s, Instant::now(), fuel);
    }

    /// Whether a merchant's fuel lasts for a shadow run, which takes none that its answers need.
    pub(super) fn has_spare(&self, taken: &Taken, limits: &ShareLimits) -> bool {
        taken.budget.has_spare(limits.fuel_per_s, Instant::now())
    }

    /// Notes what a shadow run has used.
    pub(super) fn used_in_shadow(&self, taken: &Taken, limits: &ShareLimits, fuel: u64) {
        taken.budget.spend_spare(limits.fuel_per_s, Instant::now(), fuel);
    }

    /// Whether decisions of these kinds are taken to be long.
    pub(super) fn is_long(&self, taken: &Taken, mut kinds: impl Iterator<Item = Kind>) -> bool {
        let until = |kind: Kind| taken.long_until_ms.get(kind as usize).map_or(0, |until| until.load(Ordering::Relaxed));
        let latest = |kind| until(kind) > self.now_ms();
        kinds.any(latest)
    }

    /// Notes that a decision of a kind was long.
    pub(super) fn was_long(&self, taken: &Taken, kind: Kind) {
        if let Some(until) = taken.long_until_ms.get(kind as usize) {
            until.store(self.now_ms() + LONG_FOR_MS, Ordering::Relaxed);
        }
    }

    fn now_ms(&self) -> u64 {
        // Never zero, which stands for never.
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// A place among the decisions under way, until its records are durable. Taken before [`Self::first`].
    ///
    /// # Errors
    /// As of [`Self::first`].
    pub(super) async fn held(&self, taken: &Taken, limits: &ShareLimits) -> Result<Place, Saturation> {
        self.place(&self.held, Queued::First, taken, limits).await
    }

    /// A place on the runtime's threads, at once or when it is the merchant's turn.
    ///
    /// # Errors
    /// Too many of the merchant's wait, or it was not its turn in time.
    pub(super) async fn first(&self, taken: &Taken, limits: &ShareLimits) -> Result<Place, Saturation> {
        self.place(&self.first, Queued::First, taken, limits).await
    }

    /// Runs a long decision on a thread of its own when it is the merchant's turn; none where it panicked.
    ///
    /// # Errors
    /// As of [`Self::first`].
    pub(super) async fn long<T: Send + 'static>(
        &self,
        taken: &Taken,
        limits: &ShareLimits,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, Saturation> {
        let place = self.place(&self.long, Queued::Long, taken, limits).await?;
        let (answer, answered) = oneshot::channel();
        self.lanes.run(move || {
            let done = work();
            drop(place);
            // Nobody waits where the caller has gone.
            let _ = answer.send(done);
        });
        Ok(answered.await.ok())
    }

    async fn place(&self, places: &Arc<Places>, queued: Queued, taken: &Taken, limits: &ShareLimits) -> Result<Place, Saturation> {
        let waits = match places.ask(taken.flow, limits) {
            Ok(Now(place)) => return Ok(place),
            Ok(Later(waits)) => waits,
            Err(()) => {
                self.metrics.turned_away(Turned::Queue);
                return Err(Saturation::now(format!("{} decisions wait already (queue_max)", limits.queue_max)));
            }
        };
        let began = Instant::now();
        let granted = tokio::time::timeout(Duration::from_millis(limits.queue_ms), waits).await;
        self.metrics.waited(queued, began.elapsed());
        match granted {
            Ok(Ok(place)) => Ok(place.begun()),
            // Whoever waits is only ever dropped by itself.
            Ok(Err(_)) | Err(_) => {
                self.metrics.turned_away(Turned::Wait);
                Err(Saturation::now(format!("it was not the merchant's turn within {} ms (queue_ms)", limits.queue_ms)))
            }
        }
    }

    /// How many decisions wait, at first and long ones.
    pub(super) fn waiting(&self) -> [(Queued, usize); 2] {
        [(Queued::First, self.held.lock().waiting() + self.first.lock().waiting()), (Queued::Long, self.long.lock().waiting())]
    }
}

/// Places of one sort.
struct Places(Mutex<Queue<Waiter>>);

/// Told when it has a place; the place goes back by itself where nobody takes it.
struct Waiter(oneshot::Sender<Place>);

impl Waits for Waiter {
    fn is_gone(&self) -> bool {
        self.0.is_closed()
    }
}

enum Given {
    Now(Place),
    Later(oneshot::Receiver<Place>),
}
use Given::{Later, Now};

impl Places {
    fn lock(&self) -> MutexGuard<'_, Queue<Waiter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(self: &Arc<Self>, flow: Flow, limits: &ShareLimits) -> Result<Given, ()> {
        let mut later = None;
        let waiter = || {
            let (sender, receiver) = oneshot::channel();
            later = Some(receiver);
            Waiter(sender)
        };
        match self.lock().ask(flow, Instant::now(), limits.weight, limits.queue_max, waiter) {
            Asked::Granted => Ok(Now(self.place(flow))),
            Asked::Waits | Asked::Full => later.map(Later).ok_or(()),
        }
    }

    fn place(self: &Arc<Self>, flow: Flow) -> Place {
        Place { places: Arc::clone(self), flow, began: Instant::now(), worked: None }
    }

    /// Gives a place back and hands out what is free.
    fn leave(self: &Arc<Self>, flow: Flow, cost_us: u64) {
        let mut granted = Vec::new();
        {
            let mut queue = self.lock();
            queue.leave(flow, cost_us);
            while let Some(next) = queue.next() {
                granted.push(next);
            }
        }
        for (flow, waiter) in granted {
            // Where nobody takes it any more, dropping it hands it on.
            drop(waiter.0.send(self.place(flow)));
        }
    }
}

/// A place; given back when it is dropped. Its time is what the merchant is charged, or that of the work alone where it was held for longer.
pub(super) struct Place {
    places: Arc<Places>,
    flow: Flow,
    began: Instant,
    worked: Option<Duration>,
}

impl Place {
    fn begun(mut self) -> Self {
        self.began = Instant::now();
        self
    }

    /// The work was done at another place, which took as long as it is held by now.
    pub(super) fn worked_at(&mut self, other: &Self) {
        self.worked = Some(other.began.elapsed());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let cost_us = u64::try_from(self.worked.unwrap_or_else(|| self.began.elapsed()).as_micros()).unwrap_or(u64::MAX).max(1);
        self.places.leave(self.flow, cost_us);
    }
}
