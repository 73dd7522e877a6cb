//! Backtests that callers ask for and come back to. One runs at a time, on half of the cores, the others wait; merchants take
//! turns. They live in this process: reports that are not fetched are dropped, the oldest first.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ombud_core::ids::MerchantId;
use ombud_core::problem::Problem;
use ombud_ledger::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::candidate::CandidateSource;
use super::run::{Asked, Plan};
use crate::backtest::{BacktestReport, CandidateView};
use crate::clock::now_ms;
use crate::priority::behind_others;
use crate::service::actor::{Principal, Right};
use crate::service::acts::{Look, NewAct, What};
use crate::service::error::{Saturation, ServiceError};
use crate::service::listing::rfc3339;
use crate::service::replay::lanes_for_callers;
use crate::service::wire::{BacktestAnswer, BacktestRequest, BacktestsAnswer};
use crate::service::{Service, blocking};

/// Backtests of one merchant that are kept, those under way included; the oldest finished one makes room.
pub const BACKTESTS_KEPT_MAX: usize = 8;
/// Backtests of all merchants that are kept.
const BACKTESTS_KEPT_ALL_MAX: usize = 64;
/// Backtests of one merchant that wait or run; more are answered 429.
pub const BACKTESTS_UNDER_WAY_MAX: usize = 2;
/// For how long one backtest may run.
pub const BACKTEST_TIME_MAX: Duration = Duration::from_secs(30 * 60);

/// How far a backtest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BacktestState {
    /// Another one runs.
    Queued,
    /// It runs.
    Running,
    /// The report is there.
    Done,
    /// It could not be finished.
    Failed,
    /// It was cancelled.
    Cancelled,
}

/// A backtest as its caller sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BacktestView {
    /// Its id.
    pub id: String,
    /// How far it is.
    pub state: BacktestState,
    /// The candidate.
    pub candidate: CandidateView,
    /// Who asked for it.
    pub by: String,
    /// When it was asked for, RFC 3339.
    pub created_at: String,
    /// Places of the log that were looked at so far.
    pub done: u64,
    /// Places of the log in all.
    pub total: u64,
    /// Places a second so far.
    pub per_second: f64,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

struct Job {
    id: String,
    merchant: MerchantId,
    by: String,
    created_at_ms: i64,
    candidate: CandidateView,
    total: u64,
    /// Given up when it ends: a finished backtest keeps no compiled code.
    plan: Option<Arc<Plan>>,
    progress: Arc<Progress>,
    state: BacktestState,
    report: Option<Arc<BacktestReport>>,
    problem: Option<String>,
}

/// What the running threads tell, and are told.
#[derive(Default)]
struct Progress {
    done: AtomicU64,
    stop: AtomicBool,
    /// When it began, and how long it took.
    time: Mutex<(Option<Instant>, Option<Duration>)>,
}

/// Why there is no report.
enum Unfinished {
    Cancelled,
    Failed(String),
}

/// Every backtest, the oldest first.
#[derive(Default)]
pub(in crate::service) struct Jobs(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// Whether a thread is there that runs them.
    runs: bool,
    /// Whose was the last one.
    last: Option<MerchantId>,
    closed: bool,
}

impl Jobs {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends what runs, and takes nothing more.
    pub(in crate::service) fn close(&self) {
        let mut queue = self.queue();
        queue.closed = true;
        queue.jobs.iter().for_each(|job| job.progress.stop.store(true, Ordering::Relaxed));
    }
}

impl Queue {
    /// Whether there is room for one more of a merchant.
    fn room(&self, merchant: &MerchantId) -> Result<(), ServiceError> {
        if self.closed {
            return Err(ServiceError::Unavailable("the service is shutting down"));
        }
        if self.jobs.iter().filter(|own| own.merchant == *merchant && own.is_under_way()).count() >= BACKTESTS_UNDER_WAY_MAX {
            return Err(Saturation::now(format!("{BACKTESTS_UNDER_WAY_MAX} backtests are under way")).into());
        }
        if self.jobs.iter().filter(|own| own.is_under_way()).count() >= BACKTESTS_KEPT_ALL_MAX {
            return Err(ServiceError::Unavailable("too many backtests wait: try again later"));
        }
        Ok(())
    }

    /// Adds one. The oldest finished one makes room: of this merchant if it has many, else of all.
    fn add(&mut self, job: Job) -> Result<(), ServiceError> {
        self.room(&job.merchant)?;
        let many = self.jobs.iter().filter(|own| own.merchant == job.merchant).count() >= BACKTESTS_KEPT_MAX;
        if many || self.jobs.len() >= BACKTESTS_KEPT_ALL_MAX {
            let oldest = self.jobs.iter().position(|old| !old.is_under_way() && (!many || old.merchant == job.merchant));
            oldest.map(|at| self.jobs.remove(at));
        }
        self.jobs.push_back(job);
        Ok(())
    }

    /// The next one that waits, of another merchant than the last one if there is one; none ends the thread.
    fn next(&mut self) -> Option<(String, Arc<Plan>, Arc<Progress>)> {
        let waits = |job: &Job| job.state == BacktestState::Queued;
        let of_another = self.jobs.iter().position(|job| waits(job) && self.last.as_ref() != Some(&job.merchant));
        let at = of_another.or_else(|| self.jobs.iter().position(waits)).filter(|_| !self.closed);
        let found = at.and_then(|at| self.jobs.get_mut(at)).and_then(|job| {
            job.state = BacktestState::Running;
            Some((job.merchant.clone(), (job.id.clone(), job.plan.clone()?, Arc::clone(&job.progress))))
        });
        self.runs = found.is_some();
        let (merchant, next) = found?;
        self.last = Some(merchant);
        Some(next)
    }

    fn finish(&mut self, id: &str, result: Result<BacktestReport, Unfinished>) {
        let Some(job) = self.jobs.iter_mut().find(|job| job.id == id) else { return };
        job.plan = None;
        match result {
            Ok(report) => (job.state, job.report) = (BacktestState::Done, Some(Arc::new(report))),
            Err(Unfinished::Cancelled) => job.state = BacktestState::Cancelled,
            Err(Unfinished::Failed(problem)) => (job.state, job.problem) = (BacktestState::Failed, Some(problem)),
        }
    }

    fn of(&self, merchant: &MerchantId, id: &str) -> Result<usize, ServiceError> {
        let at = self.jobs.iter().position(|job| job.id == id && job.merchant == *merchant);
        at.ok_or(ServiceError::NotFound("backtest"))
    }
}

impl Job {
    const fn is_under_way(&self) -> bool {
        matches!(self.state, BacktestState::Queued | BacktestState::Running)
    }

    fn view(&self) -> BacktestView {
        let done = self.progress.done.load(Ordering::Relaxed);
        let seconds = self.progress.took().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let per_second = if seconds > 0.0 { done as f64 / seconds } else { 0.0 };
        BacktestView {
            id: self.id.clone(),
            state: self.state,
            candidate: self.candidate.clone(),
            by: self.by.clone(),
            created_at: rfc3339(self.created_at_ms),
            done,
            total: self.total,
            per_second,
            problem: self.problem.clone(),
        }
    }
}

impl Progress {
    fn time(&self) -> MutexGuard<'_, (Option<Instant>, Option<Duration>)> {
        self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) {
        self.time().0 = Some(Instant::now());
    }

    fn end(&self) {
        let took = self.took();
        self.time().1 = Some(took);
    }

    fn took(&self) -> Duration {
        let (began, took) = *self.time();
        took.or_else(|| began.map(|began| began.elapsed())).unwrap_or_default()
    }
}

impl Service {
    /// Begins a backtest. Who backtests what is an act on record before anything runs.
    pub async fn begin_backtest(
        self: &Arc<Self>,
        who: &Principal,
        merchant: &str,
        request: BacktestRequest,
    ) -> Result<BacktestView, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Backtest, "run backtests")?;
        let merchant = tenant.config.id.clone();
        let asked = asked(request)?;
        self.backtests.queue().room(&merchant)?;
        let _under_way = self.under_way(&tenant)?;
        let (service, planned) = (Arc::clone(self), merchant.clone());
        let plan = blocking(move || service.own_backtests().plan(&planned, asked)).await?;
        let mut id = [0_u8; 8];
        getrandom::fill(&mut id).map_err(|error| ServiceError::Internal(anyhow::anyhow!("no random bytes: {error}")))?;
        let id = format!("bt_{}", hex::encode(id));
        let candidate = plan.candidate();
        let [from, to] = plan.window();
        let what = What::Backtested {
            backtest: id.clone(),
            policy: candidate.name.clone(),
            version: candidate.version.clone(),
            component: candidate.component.clone(),
            kinds: plan.kinds().to_vec(),
            from,
            to,
        };
        self.record(&merchant, vec![NewAct::new(who, what).change(None, Digest::parse(&candidate.settings))]).await?;
        let job = Job {
            id,
            merchant,
            by: who.actor.to_string(),
            created_at_ms: now_ms(),
            candidate,
            total: plan.places(),
            plan: Some(Arc::new(plan)),
            progress: Arc::default(),
            state: BacktestState::Queued,
            report: None,
            problem: None,
        };
        let view = job.view();
        let mut queue = self.backtests.queue();
        queue.add(job)?;
        if !queue.runs {
            let service = Arc::clone(self);
            std::thread::Builder::new()
                .name("backtests".into())
                .spawn(move || service.run_backtests())
                .map_err(|error| ServiceError::Internal(error.into()))?;
            queue.runs = true;
        }
        Ok(view)
    }

    /// Every backtest of a merchant that is kept, the newest first.
    pub async fn backtests(self: &Arc<Self>, who: &Principal, merchant: &str) -> Result<BacktestsAnswer, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Backtest, "see backtests")?;
        self.looked(who, &tenant, Look::Backtests).await?;
        let queue = self.backtests.queue();
        Ok(BacktestsAnswer { backtests: queue.jobs.iter().rev().filter(|job| job.merchant == tenant.config.id).map(Job::view).collect() })
    }

    /// One backtest, with its report once it is done.
    pub async fn backtest(self: &Arc<Self>, who: &Principal, merchant: &str, id: &str) -> Result<BacktestAnswer, ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Backtest, "see backtests")?;
        self.looked(who, &tenant, Look::Backtests).await?;
        let queue = self.backtests.queue();
        let job = queue.of(&tenant.config.id, id).map(|at| queue.jobs.get(at))?.ok_or(ServiceError::NotFound("backtest"))?;
        Ok(BacktestAnswer { view: job.view(), report: job.report.clone() })
    }

    /// Cancels a backtest that waits or runs; one that has ended is forgotten.
    pub fn cancel_backtest(&self, who: &Principal, merchant: &str, id: &str) -> Result<(), ServiceError> {
        let tenant = self.tenant(who, merchant, Right::Backtest, "cancel backtests")?;
        let mut queue = self.backtests.queue();
        let at = queue.of(&tenant.config.id, id)?;
        if let Some(job) = queue.jobs.get_mut(at) {
            match job.state {
                BacktestState::Running => job.progress.stop.store(true, Ordering::Relaxed),
                BacktestState::Queued => (job.state, job.plan) = (BacktestState::Cancelled, None),
                BacktestState::Done | BacktestState::Failed | BacktestState::Cancelled => drop(queue.jobs.remove(at)),
            }
        }
        Ok(())
    }

    /// Runs what waits, one after the other, until nothing waits.
    fn run_backtests(self: Arc<Self>) {
        behind_others();
        loop {
            let Some((id, plan, progress)) = self.backtests.queue().next() else { return };
            progress.begin();
            let result = self.run_job(&plan, &progress);
            progress.end();
            self.backtests.queue().finish(&id, result);
        }
    }

    /// Runs one to its end; what was stopped has no report.
    fn run_job(&self, plan: &Plan, progress: &Progress) -> Result<BacktestReport, Unfinished> {
        let late = AtomicBool::new(false);
        let done = |places: u64| {
            progress.done.fetch_add(places, Ordering::Relaxed);
            if progress.took() > BACKTEST_TIME_MAX {
                late.store(true, Ordering::Relaxed);
                progress.stop.store(true, Ordering::Relaxed);
            }
        };
        let report = self.own_backtests().run(plan, lanes_for_callers(), &progress.stop, done).map_err(|error| {
            tracing::error!(error = format!("{error:?}"), "a backtest failed");
            Unfinished::Failed(error.to_string())
        })?;
        if late.load(Ordering::Relaxed) {
            let minutes = BACKTEST_TIME_MAX.as_secs() / 60;
            let remedy = "ask for a smaller window, or use `ombud backtest --data`";
            return Err(Unfinished::Failed(format!("it took longer than {minutes} minutes: {remedy}")));
        }
        if progress.stop.load(Ordering::Relaxed) { Err(Unfinished::Cancelled) } else { Ok(report) }
    }
}

/// Where the candidate is from.
fn asked(request: BacktestRequest) -> Result<Asked, ServiceError> {
    let problem = |pointer: &str, what: &str| ServiceError::Invalid(vec![Problem::at(pointer, what)]);
    let BacktestRequest { policy, version, component, settings, kind, last, from, to } = request;
    if policy.is_none() && version.is_some() {
        return Err(problem("/version", "is of no policy: name it as `policy`"));
    }
    let source = match (policy, component, kind) {
        (Some(_), Some(_), _) => return Err(problem("/component", "stands beside a policy: name one or the other")),
        (Some(policy), None, _) => CandidateSource::Named { policy, version },
        (None, Some(digest), _) => {
            let allowed = || ServiceError::Invalid(vec![Problem::at("/component", "is no SHA-256").allowed("64 hexadecimal digits")]);
            CandidateSource::Stored(Digest::parse(&digest).ok_or_else(allowed)?)
        }
        (None, None, Some(kind)) => CandidateSource::Bound(kind),
        (None, None, None) => return Err(problem("/policy", "is missing: name a policy, a component, or the kind whose policy it is")),
    };
    let settings = settings.map(|settings| serde_json::Value::Object(settings).to_string());
    Ok(Asked { source, settings, kind, last, from, to })
}
