//! Many replays side by side: each thread takes the next part of a log, reads it, opens it and runs it.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::anyhow;
use ombud_core::ids::{DecisionId, MerchantId};
use ombud_core::kind::Kind;
use ombud_core::merchant::MerchantConfig;
use ombud_core::problem::Problem;
use ombud_ledger::Digest;
use ombud_store::{DecisionRecord, Reads, SqliteReaders, Store as _, StoreError, Wanted};

use super::super::error::ServiceError;
use super::super::export::at_ms;
use super::super::listing::window;
use super::super::read::decision_id;
use super::super::snapshot::MerchantDocument;
use super::super::vault::Vault;
use super::left_out::places_of_window;
use super::page::Page;
use crate::replay::{Before, Blobs, Damage, Record, ReplayReport, Replayer, Tally};

/// Decisions that are opened, run and compared together: enough for each step to find its code in the processor's first cache, and
/// so few that their bodies stay in the second.
const TOGETHER: usize = 32;
/// The same where somebody waits: what is run beside the last one that there is time for would be run for nothing, and for how long is up to
/// the policies.
pub(super) const ONE_BY_ONE: usize = 1;
/// Places of a merchant's log in one part: a fraction of a second's work, some megabytes of records.
pub(super) const PART_PLACES: u64 = 256;
/// Decisions of one page.
pub(in super::super) const PAGE_MAX: u32 = 256;

/// Which decisions.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Of these merchants.
    pub merchants: Vec<MerchantId>,
    /// Of this ticket.
    pub ticket: Option<String>,
    /// Received at or after, epoch milliseconds.
    pub from_ms: Option<i64>,
    /// Received before, epoch milliseconds.
    pub to_ms: Option<i64>,
    /// Of these kinds; none named is all.
    pub kinds: Vec<Kind>,
}

/// A part of a merchant's log that one thread replays.
#[derive(Clone, Debug)]
pub struct Part {
    /// The merchant.
    pub merchant: MerchantId,
    /// Which decisions; their places are bounded.
    pub wanted: Wanted,
    /// What is told of its places beside the decisions.
    pub told: Told,
}

/// What is told of the places of a part beside its decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing: other parts cover them, too.
    Nothing,
    /// Those at which nothing is listed.
    Missing,
    /// That they stand behind the log's end, and are none of it.
    Behind,
}

impl Part {
    /// Places of the log that it covers.
    pub const fn places(&self) -> u64 {
        match self.told {
            Told::Behind => 0,
            Told::Nothing | Told::Missing => self.wanted.seqs.end.saturating_sub(self.wanted.seqs.start),
        }
    }

    /// Places of the log that parts cover.
    pub fn all_places<'p>(parts: impl IntoIterator<Item = &'p Self>) -> u64 {
        parts.into_iter().fold(0, |places, part| places.saturating_add(part.places()))
    }
}

/// Components and settings, read from the store when they are first needed.
pub(in crate::service) struct Stored<'a>(pub(in crate::service) &'a SqliteReaders);

impl Blobs for Stored<'_> {
    type Error = StoreError;

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.read(|reads| Blobs::blob(reads, digest))
    }
}

/// Records, what opens them, and what runs them: of a running service, or of a data directory that is only read.
#[derive(Clone, Copy)]
pub struct Replays<'a> {
    /// Where the records are.
    pub(in super::super) store: &'a SqliteReaders,
    /// What opens them.
    pub(in super::super) vault: &'a Vault,
    /// What runs them.
    pub(in super::super) replayer: &'a Replayer,
}

impl Replays<'_> {
    /// A scope of one merchant, with times in RFC 3339 or as dates, which begin in the merchant's zone.
    ///
    /// # Errors
    /// What does not read as a time, and ends that contradict each other; the store fails, or the merchant's document cannot be read.
    pub fn scope(self, merchant: &MerchantId, ticket: Option<&str>, from: Option<&str>, to: Option<&str>) -> Result<Scope, ServiceError> {
        let row = self.store.read(|reads| reads.merchant(merchant))?.ok_or(ServiceError::NotFound("merchant"))?;
        // Only dates ask for the zone: a document that cannot be read hinders no other replay.
        let zone = || -> Result<i32, ServiceError> {
            let unreadable = |cause: String| ServiceError::Internal(anyhow!("the configuration of `{merchant}`: {cause}"));
            let document: MerchantDocument = serde_json::from_str(&row.config).map_err(|error| unreadable(error.to_string()))?;
            let config = MerchantConfig::parse(document.config.to_string().as_bytes());
            let told = |problems: Vec<Problem>| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            config.map(|config| config.tz_offset_min).map_err(|problems| unreadable(told(problems)))
        };
        let zone = match [from, to].into_iter().flatten().all(|time| at_ms(time, 0).is_some() && time.contains('T')) {
            true => 0,
            false => zone()?,
        };
        let (from_ms, to_ms) = window(from, to, zone)?;
        Ok(Scope { merchants: vec![merchant.clone()], ticket: ticket.map(str::to_owned), from_ms, to_ms, kinds: Vec::new() })
    }

    /// Whether anything of a ticket is on record.
    ///
    /// # Errors
    /// The store fails.
    pub fn knows_ticket(self, merchant: &MerchantId, ticket: &str) -> Result<bool, StoreError> {
        self.store.read(|reads| super::known_ticket(reads, merchant, ticket))
    }

    /// Replays the decision at a place of a log; none if the record there is of something else.
    ///
    /// # Errors
    /// The store fails; what is wrong with the record stands in the report.
    pub fn at(self, merchant: &MerchantId, seq: u64) -> Result<Option<ReplayReport>, StoreError> {
        let wanted = Wanted { seqs: seq..seq.saturating_add(1), ..Wanted::default() };
        let page = self.store.read(|reads| Page::read(reads, merchant, &wanted, 1))?;
        let mut report = None;
        self.page(page, ONE_BY_ONE, |own| {
            report = Some(own);
            false
        })?;
        Ok(match report {
            Some(report) => Some(report),
            None => self.left_out(merchant, &wanted)?.into_iter().chain(self.missing(merchant, wanted.seqs)?).next(),
        })
    }

    /// Replays a decision by its id; none if the merchant has no such decision.
    ///
    /// # Errors
    /// The store fails.
    pub fn decision(self, merchant: &MerchantId, id: &DecisionId) -> Result<Option<ReplayReport>, StoreError> {
        let Some(seq) = self.store.read(|reads| reads.place(merchant, id))? else { return Ok(None) };
        // A record that cannot be read does not name its decision: the caller did.
        Ok(self.at(merchant, seq)?.map(|report| ReplayReport { id: id.to_string(), ..report }))
    }

    /// What the log has between two places and nothing is listed of, each place a report of damage; very many together are one.
    /// Whose decisions they were, or whether they were decisions, cannot be told any more.
    ///
    /// # Errors
    /// The store fails.
    pub fn missing(self, merchant: &MerchantId, seqs: Range<u64>) -> Result<Vec<ReplayReport>, StoreError> {
        let runs = self.store.read(|reads| reads.missing(merchant, seqs, usize::MAX))?;
        Ok(runs.into_iter().flat_map(missing).collect())
    }

    /// What is wrong with a log as a whole: each gap, and what is listed behind its end.
    ///
    /// # Errors
    /// The store fails.
    pub fn damage(self, merchant: &MerchantId) -> Result<Vec<ReplayReport>, StoreError> {
        let extent = self.store.read(|reads| reads.extent(merchant))?;
        let mut damage = self.missing(merchant, 0..extent.claimed)?;
        damage.extend(behind_the_end(extent.behind()));
        Ok(damage)
    }

    /// The parts of merchants' logs that a scope covers, up to what is on record now.
    ///
    /// # Errors
    /// The store fails.
    pub fn parts(self, scope: &Scope) -> Result<Vec<Part>, StoreError> {
        let mut parts = Vec::new();
        for merchant in &scope.merchants {
            let wanted = |seqs| Wanted {
                seqs,
                ticket: scope.ticket.clone(),
                kinds: scope.kinds.clone(),
                from_ms: scope.from_ms,
                to_ms: scope.to_ms,
                ..Wanted::default()
            };
            let part = |seqs, told| Part { merchant: merchant.clone(), wanted: wanted(seqs), told };
            self.store.read(|reads| {
                let extent = reads.extent(merchant)?;
                let seqs = places_of_window(reads, merchant, (scope.from_ms, scope.to_ms), extent.records())?;
                // A ticket's decisions are found by their index, wherever they are.
                let places = if scope.ticket.is_some() { u64::MAX } else { PART_PLACES };
                parts.extend(divided(reads, merchant, seqs, places)?.into_iter().map(|seqs| part(seqs, Told::Missing)));
                if scope.to_ms.is_none() && !extent.lost().is_empty() {
                    parts.push(part(extent.lost(), Told::Missing));
                }
                if !extent.behind().is_empty() {
                    parts.push(part(extent.behind(), Told::Behind));
                }
                Ok::<_, StoreError>(())
            })?;
        }
        Ok(parts)
    }

    /// What is told of a part beside its decisions.
    ///
    /// # Errors
    /// The store fails.
    pub fn told(self, part: &Part) -> Result<Vec<ReplayReport>, StoreError> {
        match part.told {
            Told::Nothing => Ok(Vec::new()),
            Told::Missing => self.missing(&part.merchant, part.wanted.seqs.clone()),
            Told::Behind => Ok(behind_the_end(part.wanted.seqs.clone()).into_iter().collect()),
        }
    }

    /// Replays every decision of the parts in so many threads. `done` is called with the places that were passed, from any
    /// thread.
    ///
    /// # Errors
    /// The store fails; what is wrong with a record is counted.
    pub fn run(self, parts: &[Part], lanes: usize, done: impl Fn(u64) + Sync) -> Result<Tally, ServiceError> {
        let never = AtomicBool::new(false);
        let each = |part: &Part, tally: &mut Tally| Ok(self.part(part, tally)?);
        side_by_side(parts, lanes, &never, Tally::default, each, Tally::merge, done)
    }

    fn part(self, part: &Part, tally: &mut Tally) -> Result<(), StoreError> {
        for report in self.told(part)? {
            tally.add(part.merchant.as_str(), report);
        }
        if part.told == Told::Behind {
            return Ok(());
        }
        if part.told == Told::Missing {
            for report in self.left_out(&part.merchant, &part.wanted)? {
                tally.add(part.merchant.as_str(), report);
            }
        }
        let mut wanted = part.wanted.clone();
        while !wanted.seqs.is_empty() {
            let page = self.store.read(|reads| Page::read(reads, &part.merchant, &wanted, PAGE_MAX))?;
            let Some(end) = page.end() else { return Ok(()) };
            self.page(page, TOGETHER, |report| {
                tally.add(part.merchant.as_str(), report);
                true
            })?;
            wanted.seqs.start = end;
        }
        Ok(())
    }

    /// Runs the decisions of a page, so many together, in the order of the log, until `add` says to stop.
    pub(super) fn page(self, page: Page, together: usize, mut add: impl FnMut(ReplayReport) -> bool) -> Result<(), StoreError> {
        let mut before = Before::default();
        page.together(self.vault, together, |rows, records| {
            let opened: Vec<&Record> = records.iter().filter_map(|record| record.as_ref().ok()).collect();
            let mut reports = self.replayer.replay_all(&opened, &Stored(self.store), &mut before)?.into_iter();
            let report = |(row, record)| match record {
                Ok(_) => reports.next().flatten(),
                Err(damage) => Some(damaged(row, damage)),
            };
            Ok(rows.iter().zip(records).filter_map(report).all(&mut add))
        })
    }
}

/// The report of a decision that cannot be opened, named as it is listed.
pub(super) fn damaged(row: &DecisionRecord, damage: Damage) -> ReplayReport {
    ReplayReport::damaged(row.decision.as_ref().map(decision_id).unwrap_or_default(), row.seq, damage)
}

/// Reports of places at which nothing is listed.
fn missing(run: Range<u64>) -> impl Iterator<Item = ReplayReport> {
    let (start, end) = (run.start, run.end);
    let single = end - start <= PART_PLACES;
    let each = run.take(if single { usize::MAX } else { 0 }).map(|seq| ReplayReport::damaged(String::new(), seq, Damage::Missing(seq)));
    let all = (!single).then(|| ReplayReport::damaged(String::new(), start, Damage::AllMissing(start, end)));
    each.chain(all)
}

/// The one report of places behind a log's end; none where there are none.
pub(super) fn behind_the_end(places: Range<u64>) -> Option<ReplayReport> {
    let told = |Range { start, end }: Range<u64>| ReplayReport::damaged(String::new(), start, Damage::Behind(start, end));
    (!places.is_empty()).then(|| told(places))
}

/// Places of a log in parts of so many. A gap goes with the part before it, however wide it is: there are no more parts than records, whatever
/// the places are said to be.
pub(super) fn divided(reads: &dyn Reads, merchant: &MerchantId, seqs: Range<u64>, places: u64) -> Result<Vec<Range<u64>>, StoreError> {
    let mut parts = Vec::new();
    let mut begin = seqs.start;
    while begin < seqs.end {
        let full = begin.saturating_add(places).min(seqs.end);
        let end = reads.listed_from(merchant, full)?.map_or(seqs.end, |next| next.clamp(full, seqs.end));
        parts.push(begin..end);
        begin = end;
    }
    Ok(parts)
}

/// Works through parts in so many threads, each with a sum of its own, until all are done or `stop` is set. `done` is called
/// with the places that were passed, from any thread.
///
/// # Errors
/// The first error of a part, which ends the work.
pub(in super::super) fn side_by_side<A: Send>(
    parts: &[Part],
    lanes: usize,
    stop: &AtomicBool,
    start: impl Fn() -> A + Sync,
    each: impl Fn(&Part, &mut A) -> Result<(), ServiceError> + Sync,
    mut merge: impl FnMut(&mut A, A),
    done: impl Fn(u64) + Sync,
) -> Result<A, ServiceError> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let failure = Mutex::new(None);
    let fail = |error: ServiceError| {
        failed.store(true, Ordering::Relaxed);
        failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    };
    let work = || {
        let mut sum = start();
        while !failed.load(Ordering::Relaxed)
            && !stop.load(Ordering::Relaxed)
            && let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed))
        {
            if let Err(error) = each(part, &mut sum) {
                fail(error);
            }
            done(part.places());
        }
        sum
    };
    let mut sum = start();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..lanes.clamp(1, parts.len().max(1))).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            match worker.join() {
                Ok(part) => merge(&mut sum, part),
                Err(_) => fail(ServiceError::Internal(anyhow!("a thread panicked"))),
            }
        }
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(sum),
    }
}

/// How many threads the machine has room for.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
