//! Many replays side by side: each thread takes the next part of a log, reads it, opens it and runs it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::anyhow;
use ombud_core::ids::{DecisionId, MerchantId};
use ombud_ledger::Digest;
use ombud_store::{SqliteReaders, Store as _, StoreError, Wanted};

use super::super::error::ServiceError;
use super::super::listing::instant;
use super::super::vault::Vault;
use super::page::Page;
use crate::replay::{Blobs, ReplayReport, Replayer, Tally};

/// Places of a merchant's log in one part: a fraction of a second's work, some megabytes of records.
pub(super) const PART_PLACES: u64 = 256;
/// Decisions of one page.
pub(super) const PAGE_MAX: u32 = 256;

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
}

impl Scope {
    /// A scope with times in RFC 3339.
    pub fn new(merchants: Vec<MerchantId>, ticket: Option<String>, from: Option<&str>, to: Option<&str>) -> Result<Self, ServiceError> {
        Ok(Self { merchants, ticket, from_ms: instant("/from", from)?, to_ms: instant("/to", to)? })
    }
}

/// A part of a merchant's log that one thread replays.
#[derive(Clone, Debug)]
pub struct Part {
    /// The merchant.
    pub merchant: MerchantId,
    /// Which decisions; their places are bounded.
    pub wanted: Wanted,
}

impl Part {
    /// Places of the log that it covers.
    pub const fn places(&self) -> u64 {
        self.wanted.seqs.end.saturating_sub(self.wanted.seqs.start)
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
    pub(super) store: &'a SqliteReaders,
    /// What opens them.
    pub(super) vault: &'a Vault,
    /// What runs them.
    pub(super) replayer: &'a Replayer,
}

impl Replays<'_> {
    /// Replays the decision at a place of a log; none if the record there is of something else.
    ///
    /// # Errors
    /// The store fails; what is wrong with the record stands in the report.
    pub fn at(self, merchant: &MerchantId, seq: u64) -> Result<Option<ReplayReport>, StoreError> {
        let wanted = Wanted { seqs: seq..seq.saturating_add(1), ..Wanted::default() };
        let page = self.store.read(|reads| Page::read(reads, merchant, &wanted, 1))?;
        let mut report = None;
        self.page(page, |own| {
            report = Some(own);
            false
        })?;
        Ok(report)
    }

    /// Replays a decision by its id; none if the merchant has no such decision.
    ///
    /// # Errors
    /// The store fails.
    pub fn decision(self, merchant: &MerchantId, id: &DecisionId) -> Result<Option<ReplayReport>, StoreError> {
        let Some(record) = self.store.read(|reads| reads.decision(merchant, id))? else { return Ok(None) };
        // A record that cannot be read does not name its decision: the caller did.
        Ok(self.at(merchant, record.seq)?.map(|report| ReplayReport { id: id.to_string(), ..report }))
    }

    /// The parts of merchants' logs that a scope covers, up to what is on record now.
    ///
    /// # Errors
    /// The store fails.
    pub fn parts(self, scope: &Scope) -> Result<Vec<Part>, StoreError> {
        let mut parts = Vec::new();
        for merchant in &scope.merchants {
            let size = self.store.read(|reads| reads.log_size(merchant))?;
            let wanted =
                |seqs| Wanted { seqs, ticket: scope.ticket.clone(), from_ms: scope.from_ms, to_ms: scope.to_ms, ..Wanted::default() };
            // A ticket's decisions are found by their index, wherever they are.
            let places = if scope.ticket.is_some() { size.max(1) } else { PART_PLACES };
            let begins = (0..size.div_ceil(places)).map(|at| at * places);
            parts.extend(begins.map(|begin| Part { merchant: merchant.clone(), wanted: wanted(begin..size.min(begin + places)) }));
        }
        Ok(parts)
    }

    /// Replays every decision of the parts in so many threads. `done` is called with the places that were passed, from any
    /// thread.
    ///
    /// # Errors
    /// The store fails; what is wrong with a record is counted.
    pub fn run(self, parts: &[Part], lanes: usize, done: impl Fn(u64) + Sync) -> Result<Tally, ServiceError> {
        let next = AtomicUsize::new(0);
        let failed = AtomicBool::new(false);
        let failure = Mutex::new(None);
        let fail = |error: ServiceError| {
            failed.store(true, Ordering::Relaxed);
            failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        };
        let work = || {
            let mut tally = Tally::default();
            while !failed.load(Ordering::Relaxed)
                && let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed))
            {
                if let Err(error) = self.part(part, &mut tally) {
                    fail(error.into());
                }
                done(part.places());
            }
            tally
        };
        let mut tally = Tally::default();
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..lanes.clamp(1, parts.len().max(1))).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                match worker.join() {
                    Ok(part) => tally.merge(part),
                    Err(_) => fail(ServiceError::Internal(anyhow!("a replay panicked"))),
                }
            }
        });
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(tally),
        }
    }

    fn part(self, part: &Part, tally: &mut Tally) -> Result<(), StoreError> {
        let mut wanted = part.wanted.clone();
        while !wanted.seqs.is_empty() {
            let page = self.store.read(|reads| Page::read(reads, &part.merchant, &wanted, PAGE_MAX))?;
            let Some(end) = page.end() else { return Ok(()) };
            self.page(page, |report| {
                tally.add(part.merchant.as_str(), report);
                true
            })?;
            wanted.seqs.start = end;
        }
        Ok(())
    }

    /// Runs the decisions of a page, in the order of the log, until `add` says to stop.
    pub(super) fn page(self, mut page: Page, mut add: impl FnMut(ReplayReport) -> bool) -> Result<(), StoreError> {
        page.each(self.vault, |seq, record| {
            let report = match record {
                Ok(record) => self.replayer.replay(&record, &Stored(self.store))?,
                Err(damage) => Some(ReplayReport::damaged(String::new(), seq, damage)),
            };
            Ok(report.is_none_or(&mut add))
        })
    }
}

/// How many threads the machine has room for.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
