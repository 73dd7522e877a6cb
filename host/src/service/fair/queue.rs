//! Who is next: start-time fair queueing over merchants. Each merchant has a clock of its own that runs by the time its decisions took, slower the more
//! it weighs; whoever is behind is next. One who was away begins where the others are: nothing is saved up.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Names a merchant here.
pub(super) type Flow = u64;

/// Clock units of one microsecond at the weight 1; the largest weight, so that nothing is lost in whole numbers.
const UNITS: u64 = 10_000;
/// What a merchant's first decision is taken to cost, in microseconds.
const FIRST_COST_US: u64 = 100;

/// How long a merchant is not alone after another one asked.
const BESIDE_FOR: Duration = Duration::from_secs(1);

/// Places that one merchant has at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EachMax {
    /// While nobody else asks.
    pub(super) alone: usize,
    /// While others ask, too: whoever comes next stands behind these at most.
    pub(super) beside: usize,
}

/// What waits for a place.
pub(super) trait Waits {
    /// Whether nobody waits any more.
    fn is_gone(&self) -> bool;
}

/// What became of one who asked for a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// There is one.
    Granted,
    /// It waits.
    Waits,
    /// Too many of its own wait already.
    Full,
}

/// The places and who waits for them.
pub(super) struct Queue<W> {
    free: usize,
    each_max: EachMax,
    /// Who asked last, and when somebody else had before.
    last: Option<Flow>,
    others_at: Option<Instant>,
    /// Whether more than one merchant asks.
    beside: bool,
    flows: HashMap<Flow, State<W>>,
    /// Merchants that wait and may have one more place, by their clocks.
    ready: BTreeSet<(u64, Flow)>,
    /// Merchants that neither wait nor run and are ahead of the others: forgotten when those have caught up.
    resting: BTreeSet<(u64, Flow)>,
    /// Where those are who run.
    clock: u64,
    waiting: usize,
}

struct State<W> {
    weight: u64,
    clock: u64,
    /// Mean cost of a decision in microseconds: what one is taken to cost before it has run.
    cost_us: u64,
    running: usize,
    waiting: VecDeque<W>,
}

impl<W> State<W> {
    fn units(&self, cost_us: u64) -> u64 {
        cost_us.saturating_mul(UNITS) / self.weight.max(1)
    }
}

impl<W: Waits> Queue<W> {
    pub(super) fn new(places: usize, each_max: EachMax) -> Self {
        let (flows, ready, resting) = Default::default();
        Self { free: places, each_max, last: None, others_at: None, beside: false, flows, ready, resting, clock: 0, waiting: 0 }
    }

    /// Notes who asks.
    fn note(&mut self, flow: Flow, now: Instant) {
        if self.last.replace(flow).is_some_and(|last| last != flow) {
            self.others_at = Some(now);
        }
        self.beside = self.others_at.is_some_and(|at| now.saturating_duration_since(at) < BESIDE_FOR);
    }

    /// Places that one merchant has at most as things are.
    const fn most(&self) -> usize {
        if self.beside { self.each_max.beside } else { self.each_max.alone }
    }

    /// How many wait.
    pub(super) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Asks for a place; `waiter` is made only for one who waits.
    pub(super) fn ask(&mut self, flow: Flow, now: Instant, weight: u32, queue_max: usize, waiter: impl FnOnce() -> W) -> Asked {
        self.note(flow, now);
        let (clock, most) = (self.clock, self.most());
        let fresh = || State { weight: 1, clock, cost_us: FIRST_COST_US, running: 0, waiting: VecDeque::new() };
        let state = self.flows.entry(flow).or_insert_with(fresh);
        state.weight = weight.into();
        if state.running == 0 && state.waiting.is_empty() {
            self.resting.remove(&(state.clock, flow));
            state.clock = state.clock.max(clock);
        }
        if self.free > 0 && state.waiting.is_empty() && state.running < most {
            self.start(flow);
            return Asked::Granted;
        }
        if state.waiting.len() >= queue_max {
            let before = state.waiting.len();
            state.waiting.retain(|waiter| !waiter.is_gone());
            self.waiting -= before - state.waiting.len();
        }
        if state.waiting.len() >= queue_max {
            self.rest(flow);
            return Asked::Full;
        }
        state.waiting.push_back(waiter());
        self.waiting += 1;
        self.enlist(flow);
        Asked::Waits
    }

    /// Gives a place back after `cost_us` of work.
    pub(super) fn leave(&mut self, flow: Flow, cost_us: u64) {
        self.free += 1;
        let Some(state) = self.flows.get_mut(&flow) else { return };
        self.ready.remove(&(state.clock, flow));
        // It was taken to cost the mean; what it did cost is known now.
        let (taken, did) = (state.units(state.cost_us), state.units(cost_us));
        state.clock = state.clock.saturating_add(did).saturating_sub(taken);
        state.cost_us = (state.cost_us.saturating_mul(7).saturating_add(cost_us) / 8).max(1);
        state.running = state.running.saturating_sub(1);
        self.enlist(flow);
        self.rest(flow);
    }

    /// Has a merchant that waits take its turn, if it may have one more place.
    fn enlist(&mut self, flow: Flow) {
        let Some(state) = self.flows.get(&flow) else { return };
        if !state.waiting.is_empty() && state.running < self.most() {
            self.ready.insert((state.clock, flow));
        }
    }

    /// The next one who gets a place, while there is one.
    pub(super) fn next(&mut self) -> Option<(Flow, W)> {
        while self.free > 0 {
            let (clock, flow) = self.ready.pop_first()?;
            let most = self.most();
            // Where others have come since it was enlisted, one of its own may have to leave first.
            let Some(state) = self.flows.get_mut(&flow).filter(|state| state.running < most) else { continue };
            let mut next = None;
            while let Some(waiter) = state.waiting.pop_front() {
                self.waiting -= 1;
                if !waiter.is_gone() {
                    next = Some(waiter);
                    break;
                }
            }
            let Some(waiter) = next else {
                self.rest(flow);
                continue;
            };
            self.clock = self.clock.max(clock);
            self.start(flow);
            return Some((flow, waiter));
        }
        None
    }

    /// Takes a place for one of the merchant's.
    fn start(&mut self, flow: Flow) {
        let Some(state) = self.flows.get_mut(&flow) else { return };
        self.free -= 1;
        state.running += 1;
        self.ready.remove(&(state.clock, flow));
        self.clock = self.clock.max(state.clock);
        state.clock = state.clock.saturating_add(state.units(state.cost_us));
        self.enlist(flow);
        while self.resting.first().is_some_and(|(clock, _)| *clock <= self.clock) {
            if let Some((_, flow)) = self.resting.pop_first() {
                self.flows.remove(&flow);
            }
        }
    }

    /// Forgets a merchant that neither waits nor runs, or remembers by how much it is ahead.
    fn rest(&mut self, flow: Flow) {
        let Some(state) = self.flows.get(&flow).filter(|state| state.running == 0 && state.waiting.is_empty()) else { return };
        self.ready.remove(&(state.clock, flow));
        if state.clock > self.clock {
            self.resting.insert((state.clock, flow));
        } else {
            self.flows.remove(&flow);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Job(bool);

    impl Waits for Job {
        fn is_gone(&self) -> bool {
            self.0
        }
    }

    const HERE: Job = Job(false);

    const fn each(most: usize) -> EachMax {
        EachMax { alone: most, beside: most }
    }

    /// Runs one place for so many turns while everybody always waits; who ran how often.
    fn turns(weights: &[u32], costs_us: &[u64], turns: usize) -> Vec<usize> {
        let mut queue = Queue::new(1, each(1));
        assert_eq!(queue.ask(99, Instant::now(), 100, 9, || HERE), Asked::Granted);
        let ask = |queue: &mut Queue<Job>, flow: usize| {
            assert_eq!(queue.ask(flow as u64, Instant::now(), weights[flow], 9, || HERE), Asked::Waits)
        };
        (0..weights.len()).for_each(|flow| ask(&mut queue, flow));
        queue.leave(99, 1);
        let mut ran = vec![0; weights.len()];
        for _ in 0..turns {
            let (flow, _) = queue.next().unwrap();
            ran[flow as usize] += 1;
            ask(&mut queue, flow as usize);
            queue.leave(flow, costs_us[flow as usize]);
        }
        ran
    }

    #[test]
    fn time_is_shared_by_weight_and_not_by_requests() {
        assert_eq!(turns(&[100, 100], &[50, 50], 1_000), [500, 500]);
        let ran = turns(&[100, 300], &[50, 50], 1_000);
        assert!(ran[0].abs_diff(250) <= 2, "{ran:?}");
        // Who takes ten times as long comes a tenth as often.
        let ran = turns(&[100, 100], &[1_000, 100], 1_100);
        assert!(ran[0].abs_diff(100) <= 2, "{ran:?}");
        assert_eq!(turns(&[1, 10_000], &[100, 100], 1_000)[0], 1, "the ends of the scale");
    }

    #[test]
    fn who_was_away_has_saved_nothing_up_and_who_comes_waits_for_no_crowd() {
        let mut queue = Queue::new(1, each(1));
        assert_eq!(queue.ask(1, Instant::now(), 100, 1_000, || HERE), Asked::Granted);
        for _ in 0..200 {
            queue.ask(1, Instant::now(), 100, 1_000, || HERE);
        }
        for _ in 0..100 {
            queue.leave(1, 100);
            assert_eq!(queue.next().unwrap().0, 1);
        }
        for _ in 0..10 {
            assert_eq!(queue.ask(2, Instant::now(), 100, 1_000, || HERE), Asked::Waits);
        }
        queue.leave(1, 100);
        let mut order = Vec::new();
        while let Some((flow, _)) = queue.next() {
            order.push(flow);
            queue.leave(flow, 100);
        }
        assert_eq!(order[0], 2, "a crowd of another is not waited for");
        let first = order.iter().take(20).filter(|flow| **flow == 2).count();
        assert!((9..=11).contains(&first), "{order:?}");
        assert_eq!((queue.waiting(), queue.flows.len(), queue.free), (0, queue.resting.len(), 1));
        assert!(queue.flows.len() <= 1, "who is not ahead is forgotten");
    }

    #[test]
    fn a_merchant_has_no_more_places_and_no_longer_a_queue_than_it_may() {
        let mut queue = Queue::new(3, each(2));
        let ask = |queue: &mut Queue<Job>, flow| queue.ask(flow, Instant::now(), 100, 2, || HERE);
        let asked: Vec<Asked> = (0..5).map(|_| ask(&mut queue, 1)).collect();
        assert_eq!(asked, [Asked::Granted, Asked::Granted, Asked::Waits, Asked::Waits, Asked::Full]);
        assert_eq!(queue.next(), None, "the third place is for others");
        assert_eq!(ask(&mut queue, 2), Asked::Granted);
        assert_eq!(queue.ask(3, Instant::now(), 100, 0, || HERE), Asked::Full, "without a queue");
        queue.leave(1, 100);
        assert_eq!(queue.next(), Some((1, HERE)));
        assert_eq!((queue.next(), queue.waiting()), (None, 1));
    }

    #[test]
    fn a_merchant_takes_all_while_nobody_else_asks_and_few_beside_others() {
        let mut queue = Queue::new(6, EachMax { alone: 6, beside: 2 });
        let ask = |queue: &mut Queue<Job>, flow, now| queue.ask(flow, now, 100, 99, || HERE);
        let began = Instant::now();
        let asked: Vec<Asked> = (0..8).map(|_| ask(&mut queue, 1, began)).collect();
        assert_eq!(asked, [[Asked::Granted; 6].as_slice(), &[Asked::Waits; 2]].concat());
        // Another one comes: it is next, and the first has no turn before all but one of its own have left.
        assert_eq!(ask(&mut queue, 2, began), Asked::Waits);
        queue.leave(1, 100);
        assert_eq!((queue.next(), queue.next()), (Some((2, HERE)), None));
        for _ in 0..3 {
            queue.leave(1, 100);
            assert_eq!(queue.next(), None);
        }
        queue.leave(1, 100);
        assert_eq!((queue.next(), queue.next()), (Some((1, HERE)), None), "two at a time");
        // The first comes back a moment before the others are forgotten, and again a moment after.
        let last = began + Duration::from_millis(10);
        assert_eq!(ask(&mut queue, 1, last), Asked::Waits, "which is a change of who asks");
        assert_eq!(ask(&mut queue, 1, last + BESIDE_FOR - Duration::from_millis(1)), Asked::Waits);
        assert_eq!(queue.next(), None);
        ask(&mut queue, 1, last + BESIDE_FOR);
        assert_eq!(std::iter::from_fn(|| queue.next()).count(), 3, "all places are its own again");
    }

    #[test]
    fn who_has_gone_takes_neither_a_place_nor_room() {
        let mut queue = Queue::new(1, each(1));
        queue.ask(1, Instant::now(), 100, 2, || HERE);
        for _ in 0..2 {
            assert_eq!(queue.ask(2, Instant::now(), 100, 2, || Job(true)), Asked::Waits);
        }
        assert_eq!(queue.ask(2, Instant::now(), 100, 2, || HERE), Asked::Waits, "those who have gone make room");
        queue.ask(3, Instant::now(), 100, 2, || Job(true));
        queue.leave(1, 100);
        assert_eq!(queue.next(), Some((2, HERE)));
        queue.leave(2, 100);
        assert_eq!((queue.next(), queue.waiting(), queue.free), (None, 0, 1));
    }
}
