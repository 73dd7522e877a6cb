//! The self-audit: a thread that runs random records again for as long as the server runs, within a share of one core, and
//! raises an alarm where one diverges.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ombud_core::ids::MerchantId;
use ombud_store::{Store as _, StoreError, Wanted};

use super::super::Service;
use super::super::acts::{By, Host, NewAct, What};
use super::super::error::{ServiceError, causes};
use super::super::listing::rfc3339;
use super::super::wire::Alarm;
use super::lanes::{Stored, damaged};
use super::page::Page;
use crate::clock::now_ms;
use crate::replay::{Divergence, ReplayReport};

/// Places of a log that are looked through for a decision, from a random one on.
const PLACES: u64 = 64;
/// For how long the sizes of the logs are believed.
const SIZES_FOR: Duration = Duration::from_secs(60);
/// The pause where there was nothing to replay.
const IDLE: Duration = Duration::from_secs(1);
/// Alarms that are kept; more of them only count.
pub const ALARMS_MAX: usize = 100;

/// What the self-audit may use: a share of one core, 0 to 1; 0 is off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CpuShare(f64);

/// A share that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no share of a core: 0% to 100%, such as 1% or 0.5%")]
pub struct NoShare(String);

impl std::str::FromStr for CpuShare {
    type Err = NoShare;

    fn from_str(text: &str) -> Result<Self, NoShare> {
        let percent = text.strip_suffix('%').unwrap_or(text).parse::<f64>();
        percent.ok().filter(|percent| (0.0..=100.0).contains(percent)).map(|percent| Self(percent / 100.0)).ok_or(NoShare(text.into()))
    }
}

impl CpuShare {
    /// The pause after work that took so long. Time that passes while others have the processor counts as well, so a busy
    /// machine is audited less; and time without work is not saved up.
    fn pause(self, took: Duration) -> Duration {
        Duration::try_from_secs_f64(took.as_secs_f64() * (1.0 / self.0 - 1.0)).unwrap_or(Duration::MAX)
    }
}

/// The alarms that stand: one for each merchant and cause, raised by the first divergence.
#[derive(Default)]
pub(in super::super) struct Alarms(Mutex<Vec<Alarm>>);

impl Alarms {
    /// Every alarm, the oldest first.
    pub(in super::super) fn all(&self) -> Vec<Alarm> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a divergence; an alarm if it is the first of its merchant and cause.
    fn raise(&self, merchant: &MerchantId, report: &ReplayReport, cause: Divergence) -> Option<Alarm> {
        let mut alarms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = alarms.iter_mut().find(|alarm| alarm.merchant == merchant.as_str() && alarm.cause == cause) {
            known.count += 1;
            return None;
        }
        if alarms.len() >= ALARMS_MAX {
            return None;
        }
        let alarm = Alarm {
            merchant: merchant.to_string(),
            seq: report.seq,
            decision: report.id.clone(),
            cause,
            detail: told(report),
            since: rfc3339(now_ms()),
            count: 1,
        };
        alarms.push(alarm.clone());
        Some(alarm)
    }
}

/// What a divergence is about, without anything that the bodies hold: places only.
fn told(report: &ReplayReport) -> String {
    let places = report.differences.iter().map(|difference| format!("{}{}", difference.body, difference.pointer));
    report.detail.clone().into_iter().chain(places).collect::<Vec<_>>().join(", ")
}

/// The running self-audit. Dropped, it stops.
pub struct SelfAudit {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl SelfAudit {
    /// Starts it; nothing runs with a share of 0.
    ///
    /// # Errors
    /// The thread does not start.
    pub fn start(service: Arc<Service>, share: CpuShare) -> std::io::Result<Self> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let mut thread = None;
        if share.0 > 0.0 {
            let stop = Arc::clone(&stop);
            let audit = move || Audit { service: &service, sizes: Vec::new(), sizes_at: None }.run(share, &stop);
            thread = Some(std::thread::Builder::new().name("self-audit".into()).spawn(audit)?);
        }
        Ok(Self { stop, thread })
    }
}

impl Drop for SelfAudit {
    fn drop(&mut self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        if let Some(thread) = self.thread.take() {
            // One that panicked has nothing left to stop.
            let _ = thread.join();
        }
    }
}

/// What could not be read, and from which place of whose log on.
struct Failed {
    at: Option<(MerchantId, u64)>,
    error: ServiceError,
}

struct Audit<'a> {
    service: &'a Service,
    /// Each merchant's log with its size, those with records only.
    sizes: Vec<(MerchantId, u64)>,
    sizes_at: Option<Instant>,
}

impl Audit<'_> {
    fn run(mut self, share: CpuShare, stop: &(Mutex<bool>, Condvar)) {
        // What went wrong last is said once, not each second.
        let mut said = String::new();
        loop {
            let began = Instant::now();
            let found = self.one().unwrap_or_else(|failed| {
                let Failed { at, error } = failed;
                let error = causes(&anyhow::Error::from(error));
                if said != error {
                    let (merchant, seq) = at.map(|(merchant, seq)| (merchant.to_string(), seq)).unzip();
                    tracing::error!(
                        merchant,
                        from_seq = seq,
                        error,
                        "the self-audit could not read a record; it goes on with others: `ombud audit check` says what is damaged"
                    );
                    said = error;
                }
                false
            });
            let took = began.elapsed();
            self.service.metrics.audited_for(took);
            let pause = share.pause(took).max(if found { Duration::ZERO } else { IDLE });
            let stopped = stop.0.lock().unwrap_or_else(PoisonError::into_inner);
            let stopped = stop.1.wait_timeout_while(stopped, pause, |stopped| !*stopped).unwrap_or_else(PoisonError::into_inner);
            if *stopped.0 {
                return;
            }
        }
    }

    /// Runs one random decision again; false where none was met.
    fn one(&mut self) -> Result<bool, Failed> {
        let Some((merchant, wanted)) = self.somewhere().map_err(|error| Failed { at: None, error })? else { return Ok(false) };
        self.one_of(&merchant, &wanted).map_err(|error| Failed { at: Some((merchant, wanted.seqs.start)), error })
    }

    /// The same behind a place of a log.
    fn one_of(&self, merchant: &MerchantId, wanted: &Wanted) -> Result<bool, ServiceError> {
        let replays = self.service.own_replays();
        let page = replays.store.read(|reads| Page::read(reads, merchant, wanted, 1))?;
        // What is not listed any more is met like a record that stands there.
        let reached = page.end().unwrap_or(wanted.seqs.end);
        let passed = Wanted { seqs: wanted.seqs.start..reached, ..Wanted::default() };
        let left_out = replays.left_out(merchant, &passed)?;
        if let Some(report) = replays.missing(merchant, passed.seqs)?.first().or(left_out.first()) {
            self.judge(merchant, report);
            return Ok(true);
        }
        let found = page.len() > 0;
        let mut met = None;
        page.each(replays.vault, |row, record| {
            met = match record {
                Err(damage) => Some(damaged(row, damage)),
                Ok(record) => replays.replayer.replay(&record, &Stored(replays.store))?,
            };
            Ok::<_, StoreError>(true)
        })?;
        if let Some(report) = met {
            self.judge(merchant, &report);
        }
        Ok(found)
    }

    /// A random place of a random log, each record as likely as any other.
    fn somewhere(&mut self) -> Result<Option<(MerchantId, Wanted)>, ServiceError> {
        if self.sizes_at.is_none_or(|at| at.elapsed() > SIZES_FOR) {
            let merchants: Vec<MerchantId> = self.service.snapshot.load().tenants.keys().cloned().collect();
            // Where the last records are listed no more, one place of theirs is enough to meet them.
            let size = |id: &MerchantId| {
                let extent = self.service.store.read(|reads| reads.extent(id))?;
                Ok::<_, StoreError>(extent.claimed.min(extent.listed.saturating_add(1)))
            };
            let sizes = merchants.into_iter().map(|id| Ok((size(&id)?, id)));
            let sizes = sizes.collect::<Result<Vec<_>, StoreError>>()?;
            self.sizes = sizes.into_iter().filter(|(size, _)| *size > 0).map(|(size, id)| (id, size)).collect();
            self.sizes_at = (!self.sizes.is_empty()).then(Instant::now);
        }
        let total = self.sizes.iter().fold(0_u64, |total, (_, size)| total.saturating_add(*size));
        if total == 0 {
            return Ok(None);
        }
        let random = getrandom::u64().map_err(|error| ServiceError::Internal(anyhow::anyhow!("no random bytes: {error}")))?;
        let mut place = random % total;
        for (merchant, size) in &self.sizes {
            if place < *size {
                let seqs = place..(*size).min(place.saturating_add(PLACES));
                return Ok(Some((merchant.clone(), Wanted { seqs, ..Wanted::default() })));
            }
            place -= size;
        }
        Ok(None)
    }

    /// Counts a report; the first divergence of its kind is an alarm: in the log, in the metrics, and on record.
    fn judge(&self, merchant: &MerchantId, report: &ReplayReport) {
        self.service.metrics.audited(report.divergence, now_ms());
        let Some(cause) = report.divergence.filter(|divergence| divergence.diverged()) else { return };
        let Some(alarm) = self.service.alarms.raise(merchant, report, cause) else { return };
        self.service.metrics.set_alarms(self.service.alarms.all().len());
        let (decision, seq) = (report.id.as_str(), report.seq);
        tracing::error!(%merchant, seq, decision, cause = cause.as_str(), detail = told(report), "a recorded decision diverges when it is run again");
        if let Some(webhook) = &self.service.webhook {
            webhook.alarm(&alarm);
        }
        let what = What::SelfAuditDiverged { decision: report.id.clone(), seq, cause };
        let act = NewAct::new(By::host(Host::SelfAudit), what);
        let (vault, log) = (self.service.vault.clone(), merchant.clone());
        let recorded = self.service.writer.wait(move |group| act.append(group, &vault, &log).map(|_| ()));
        if let Err(error) = recorded.map_err(ServiceError::from) {
            tracing::error!(%merchant, %error, "the alarm could not be recorded");
        }
    }
}

impl Service {
    /// What the self-audit found since the start, the oldest first.
    pub fn alarms(&self) -> Vec<Alarm> {
        self.alarms.all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage() {
        for (text, share) in [("1%", 0.01), ("0.5%", 0.005), ("0", 0.0), ("0%", 0.0), ("100%", 1.0), ("25", 0.25)] {
            assert_eq!(text.parse(), Ok(CpuShare(share)), "{text}");
        }
        for bad in ["", "%", "-1%", "100.1%", "NaN%", "inf", "many"] {
            assert_eq!(bad.parse::<CpuShare>(), Err(NoShare(bad.into())), "{bad}");
        }
    }

    #[test]
    fn the_pause_makes_the_work_its_share_of_the_time() {
        let pause = |share: &str, ms| share.parse::<CpuShare>().unwrap().pause(Duration::from_millis(ms)).as_millis();
        assert_eq!((pause("1%", 5), pause("25%", 5), pause("100%", 5)), (495, 15, 0));
        assert_eq!(CpuShare(f64::MIN_POSITIVE).pause(Duration::from_secs(1)), Duration::MAX);
    }

    #[test]
    fn an_alarm_stands_for_all_of_its_kind_and_there_are_not_endlessly_many() {
        let alarms = Alarms::default();
        let report = |seq| ReplayReport::damaged("d".into(), seq, "a detail");
        let merchant = |number: usize| MerchantId::new(format!("m{number}").as_str()).unwrap();
        assert!(alarms.raise(&merchant(0), &report(7), Divergence::Guest).is_some());
        assert!(alarms.raise(&merchant(0), &report(8), Divergence::Guest).is_none());
        assert!(alarms.raise(&merchant(0), &report(9), Divergence::Host).is_some());
        let all = alarms.all();
        assert_eq!((all[0].seq, all[0].count, all[1].seq, all[1].count), (7, 2, 9, 1));
        let raised = (1..=ALARMS_MAX).filter(|number| alarms.raise(&merchant(*number), &report(1), Divergence::Guest).is_some()).count();
        assert_eq!((raised, alarms.all().len()), (ALARMS_MAX - 2, ALARMS_MAX));
    }
}
