//! Many replays side by side: each thread takes the next page of decisions, reads it, opens it and runs it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::anyhow;
use ombud_core::ids::MerchantId;
use ombud_store::{SqliteStore, Store as _, StoreError, Wanted};

use super::super::error::ServiceError;
use super::super::listing::instant;
use super::super::vault::Vault;
use super::page::Page;
use crate::replay::{Blobs, Replayer, Tally};

/// Places of a merchant's log in one page: a fraction of a second's work, a megabyte or two of records.
pub const PAGE_PLACES: u64 = 256;

/// Decisions of one page.
pub const PAGE_MAX: u32 = PAGE_PLACES as u32;

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

impl Scope {
    /// A scope with times in RFC 3339.
    pub fn new(merchants: Vec<MerchantId>, ticket: Option<String>, from: Option<&str>, to: Option<&str>) -> Result<Self, ServiceError> {
        Ok(Self { merchants, ticket, from_ms: instant("/from", from)?, to_ms: instant("/to", to)? })
    }

    /// The parts of merchants' logs that the scope covers, up to what is on record now.
    pub fn parts(&self, store: &SqliteStore) -> Result<Vec<Part>, StoreError> {
        let mut parts = Vec::new();
        for merchant in &self.merchants {
            let size = store.read(|reads| reads.log_size(merchant))?;
            let wanted = |seqs| Wanted { seqs, ticket: self.ticket.clone(), from_ms: self.from_ms, to_ms: self.to_ms };
            // A ticket's decisions are found by their index, wherever they are.
            let places = if self.ticket.is_some() { size.max(1) } else { PAGE_PLACES };
            let begins = (0..size.div_ceil(places)).map(|at| at * places);
            parts.extend(begins.map(|begin| Part { merchant: merchant.clone(), wanted: wanted(begin..size.min(begin + places)) }));
        }
        Ok(parts)
    }
}

/// Components and settings, read from the store when they are first needed.
pub struct Stored<'a>(pub &'a SqliteStore);

impl Blobs for Stored<'_> {
    type Error = StoreError;

    fn blob(&self, digest: &ombud_ledger::Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.read(|reads| Blobs::blob(reads, digest))
    }
}

/// What replays need of the service.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// Where the records are.
    pub store: &'a SqliteStore,
    /// What opens them.
    pub vault: &'a Vault,
    /// What runs them.
    pub replayer: &'a Replayer,
}

impl Tools<'_> {
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
        loop {
            let page = self.store.read(|reads| Page::read(reads, &part.merchant, &wanted, PAGE_MAX))?;
            let Some(end) = page.end() else { return Ok(()) };
            self.page(page, |report| {
                tally.add(part.merchant.as_str(), report);
                true
            })?;
            wanted.seqs.start = end;
            if wanted.seqs.is_empty() {
                return Ok(());
            }
        }
    }
}

/// How many threads the machine has room for.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
