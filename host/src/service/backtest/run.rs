//! A window of recorded decisions under a candidate: pages of records on every thread, each opened, read and judged there.
//! Only the candidate and the guardrail are executed; what was decided before is read from the record.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::anyhow;
use ombud_core::case::Case;
use ombud_core::fault::FaultCode;
use ombud_core::ids::MerchantId;
use ombud_core::impact::{Fuel, Impact, Observed, Recorded, Skipped, Stand, Stated};
use ombud_core::kind::Kind;
use ombud_core::merchant::MerchantConfig;
use ombud_core::problem::Problem;
use ombud_ledger::{Entry, Header};
use ombud_store::{DecisionRecord, Reads, Store as _, StoreError, StoredRecord};

use super::super::error::ServiceError;
use super::super::listing::rfc3339;
use super::super::replay::{PAGE_MAX, Page, Part, Replays, Scope, Stored, Told, side_by_side};
use super::Backtests;
use super::candidate::{Candidate, CandidateSource};
use super::window::Window;
use crate::backtest::{BacktestReport, CandidateView, PREMISES, segments};
use crate::clock::now_ms;
use crate::judge::Bound;
use crate::replay::{Damage, Record, RecordedCase};

/// Records looked through for a guardrail, where none is in force.
const GUARDRAIL_SOUGHT_MAX: u64 = 1_000;
/// Decisions that one event makes at most: one for each kind.
const DECISIONS_OF_EVENT_MAX: u64 = Kind::ALL.len() as u64;

/// Which candidate on which decisions.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Where the candidate is from.
    pub source: CandidateSource,
    /// Settings instead of its own, JSON.
    pub settings: Option<String>,
    /// Decisions of this kind only.
    pub kind: Option<Kind>,
    /// Those received in the last so many hours, days or weeks.
    pub last: Option<String>,
    /// Those received at or after.
    pub from: Option<String>,
    /// Those received before.
    pub to: Option<String>,
}

/// A backtest that can be run.
#[derive(Clone, Debug)]
pub struct Plan {
    merchant: MerchantId,
    candidate: Candidate,
    kinds: Vec<Kind>,
    window: Window,
    /// The guardrail for decisions on record without one: there was no ruling to review.
    guardrail: Option<Arc<Bound>>,
    parts: Vec<Part>,
}

impl Plan {
    /// The candidate for people and programs.
    pub fn candidate(&self) -> CandidateView {
        self.candidate.view()
    }

    /// The kinds that are compared.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// Both ends of the window, RFC 3339.
    pub fn window(&self) -> [Option<String>; 2] {
        [self.window.from_ms, self.window.to_ms].map(|at_ms| at_ms.map(rfc3339))
    }

    /// Places of the log that it looks through.
    pub fn places(&self) -> u64 {
        Part::all_places(&self.parts)
    }
}

/// What one thread works with.
struct Lane<'a> {
    plan: &'a Plan,
    replays: Replays<'a>,
    stop: &'a AtomicBool,
    impact: Impact,
}

impl Backtests<'_> {
    /// Plans a backtest on what is on record now.
    ///
    /// # Errors
    /// There is no such merchant or candidate, the candidate refuses its settings or does not decide the kind, the window is none.
    pub fn plan(&self, merchant: &MerchantId, asked: Asked) -> Result<Plan, ServiceError> {
        let document = self.document(merchant)?.ok_or(ServiceError::NotFound("merchant"))?;
        let config = MerchantConfig::parse(document.config.to_string().as_bytes()).map_err(|problems| {
            let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
            ServiceError::Internal(anyhow!("the configuration of `{merchant}`: {}", told.join("; ")))
        })?;
        let Asked { source, settings, kind, last, from, to } = asked;
        let window = Window::read(last.as_deref(), from.as_deref(), to.as_deref(), config.tz_offset_min, now_ms());
        let window = window.map_err(ServiceError::Invalid)?;
        let bound_kind = if let CandidateSource::Bound(kind) = &source { Some(*kind) } else { None };
        let candidate = self.candidate(merchant, &document.policies, source, settings)?;
        let kind = kind.or(bound_kind);
        let kinds: Vec<Kind> = candidate.kinds.iter().copied().filter(|own| kind.is_none_or(|kind| kind == *own)).collect();
        if kinds.is_empty() {
            let decides: Vec<&str> = candidate.kinds.iter().map(|own| own.as_str()).collect();
            let problem = Problem::at("/kind", "is not decided by the candidate").allowed(decides.join(", "));
            return Err(ServiceError::Invalid(vec![problem]));
        }
        let scope =
            Scope { merchants: vec![merchant.clone()], ticket: None, from_ms: window.from_ms, to_ms: window.to_ms, kinds: kinds.clone() };
        let parts = self.replays.parts(&scope)?;
        Ok(Plan { merchant: merchant.clone(), candidate, kinds, window, guardrail: self.guardrail_for(merchant)?, parts })
    }

    /// The guardrail in force; where that is not known, the one of the newest record.
    fn guardrail_for(&self, merchant: &MerchantId) -> Result<Option<Arc<Bound>>, ServiceError> {
        if let Some(own) = self.guardrail.as_ref().filter(|own| own.status().is_ok()) {
            return Ok(Some(Arc::clone(own)));
        }
        let (store, replayer) = (self.replays.store, self.replays.replayer);
        let size = store.read(|reads| reads.extent(merchant))?.records();
        for seq in (size.saturating_sub(GUARDRAIL_SOUGHT_MAX)..size).rev() {
            let Some(record) = unless_damaged(store.read(|reads| reads.record(merchant, seq)))? else { continue };
            let Ok(Header { entry: Entry::Decision(entry), .. }) = Header::decode(&record.header) else { continue };
            if let Some(Ok(guardrail)) = replayer.guardrail(&entry, &Stored(store))? {
                return Ok(Some(Arc::new(guardrail)));
            }
        }
        Ok(None)
    }

    /// Runs a backtest in so many threads until it is done or `stop` is set. `done` is called with the places of the log that
    /// were passed, from any thread.
    ///
    /// # Errors
    /// The store fails; what is wrong with a record is counted.
    pub fn run(&self, plan: &Plan, lanes: usize, stop: &AtomicBool, done: impl Fn(u64) + Sync) -> Result<BacktestReport, ServiceError> {
        let began = Instant::now();
        let start = || Lane { plan, replays: self.replays, stop, impact: Impact::default() };
        let each = |part: &Part, lane: &mut Lane<'_>| Ok(lane.part(part)?);
        let merge = |own: &mut Lane<'_>, other: Lane<'_>| own.impact.merge(other.impact);
        let impact = side_by_side(&plan.parts, lanes, stop, start, each, merge, done)?.impact;
        let elapsed = began.elapsed();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let per_second = impact.decisions() as f64 / elapsed.as_secs_f64().max(1e-6);
        let [from, to] = plan.window();
        Ok(BacktestReport {
            merchant: plan.merchant.to_string(),
            candidate: plan.candidate.view(),
            kinds: plan.kinds.clone(),
            from,
            to,
            made_at: rfc3339(now_ms()),
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            per_second,
            premises: PREMISES.iter().map(|premise| (*premise).to_owned()).collect(),
            impact: impact.report(),
        })
    }
}

impl Lane<'_> {
    fn part(&mut self, part: &Part) -> Result<(), StoreError> {
        // Whether they were decisions of these kinds cannot be told any more.
        self.replays.told(part)?.iter().for_each(|_| self.impact.skip(Skipped::Damaged));
        if part.told == Told::Behind {
            return Ok(());
        }
        let mut wanted = part.wanted.clone();
        while !wanted.seqs.is_empty() {
            let (page, known) = self.replays.store.read(|reads| {
                let page = Page::read(reads, &part.merchant, &wanted, PAGE_MAX)?;
                let known = known_customers(reads, &page, &part.merchant)?;
                Ok::<_, StoreError>((page, known))
            })?;
            let Some(end) = page.end() else { return Ok(()) };
            page.each(self.replays.vault, |row, record| {
                self.decision(row, record, &known)?;
                Ok::<_, StoreError>(!self.stop.load(Ordering::Relaxed))
            })?;
            wanted.seqs.start = end;
        }
        Ok(())
    }

    fn decision(&mut self, row: &DecisionRecord, record: Result<Record, Damage>, known: &HashMap<u64, bool>) -> Result<(), StoreError> {
        let Ok(record) = record else {
            self.impact.skip(Skipped::Damaged);
            return Ok(());
        };
        let Entry::Decision(entry) = &record.header.entry else { return Ok(()) };
        if record.is_erased() {
            self.impact.skip(Skipped::Erased);
            return Ok(());
        }
        let read = RecordedCase::read(entry, &record).ok().and_then(|case| Some((Recorded::read(&case.case, case.decision).ok()?, case)));
        let Some((before, case)) = read else {
            self.impact.skip(Skipped::Damaged);
            return Ok(());
        };
        let recorded = self.replays.replayer.guardrail(entry, &Stored(self.replays.store))?;
        let guardrail = match &recorded {
            Some(Ok(recorded)) => Some(recorded),
            Some(Err(_)) => None,
            None => self.plan.guardrail.as_deref(),
        };
        let Some(guardrail) = guardrail else {
            self.impact.skip(Skipped::Guardrail);
            return Ok(());
        };
        // The limits that were in force then, but for the clock: nobody waits for a backtest.
        let again = case.rerun(&self.plan.candidate.bound, guardrail, &case.terms.limits.patient());
        let (after, stated) = (Stand::of(&again.decision), Stated::of(&case.case, &again.decision));
        // The clock and a full pool say nothing about the candidate.
        if matches!(after.fault, Some(FaultCode::Deadline | FaultCode::Host)) {
            self.impact.skip(Skipped::Environmental);
            return Ok(());
        }
        let received_at_ms = record.header.received_at_ms;
        let segments = segments(&case, before.tier, received_at_ms, known.get(&row.seq).copied());
        let same_engine = entry.engine == *self.replays.replayer.engine();
        let recorded_fuel = Fuel {
            policy: entry.policy.as_ref().map_or(0, |policy| policy.call.fuel),
            guardrail: entry.guardrail.map_or(0, |guardrail| guardrail.fuel),
        };
        self.impact.add(&Observed {
            id: entry.id.as_str(),
            seq: record.header.seq,
            ticket: row.ticket.as_deref(),
            received_at_ms,
            kind: entry.kind,
            segments: &segments,
            before: &before.stand,
            after: &after,
            of_case: case_id(&case.case).map(|id| (id, [&before.stated, &stated])),
            fuel: Fuel { policy: again.policy_fuel, guardrail: again.guardrail_fuel },
            recorded_fuel: same_engine.then_some(recorded_fuel),
        });
        Ok(())
    }
}

/// What a case that has money is called among those of its kind.
fn case_id(case: &Case) -> Option<&str> {
    match case {
        Case::AfterSale(case) => Some(&case.after_sale_id),
        Case::Delay(case) => Some(&case.order_id),
        Case::Blacklist(_) | Case::Reply(_) => None,
    }
}

/// Which decisions of a page are of customers whom the ledger knew before the decision's event; those without a customer are
/// left out.
fn known_customers(reads: &dyn Reads, page: &Page, merchant: &MerchantId) -> Result<HashMap<u64, bool>, StoreError> {
    let mut firsts: HashMap<&str, Option<u64>> = HashMap::new();
    let mut known = HashMap::new();
    for row in page.rows() {
        let Some(customer) = row.customer.as_deref() else { continue };
        let first = match firsts.get(customer) {
            Some(first) => *first,
            None => *firsts.entry(customer).or_insert(reads.first_of_customer(merchant, customer)?),
        };
        let Some(first) = first else { continue };
        let before = row.seq.saturating_sub(first);
        // The decisions of one event stand side by side: a first record so near may be of the same event.
        let of_this_event = before < DECISIONS_OF_EVENT_MAX && (before == 0 || same_event(reads, merchant, row, first)?);
        known.insert(row.seq, !of_this_event);
    }
    Ok(known)
}

/// A record; none where it is damaged, which is told where it is looked at for itself.
fn unless_damaged(record: Result<Option<StoredRecord>, StoreError>) -> Result<Option<StoredRecord>, StoreError> {
    match record {
        Err(StoreError::Damaged(_)) => Ok(None),
        other => other,
    }
}

fn same_event(reads: &dyn Reads, merchant: &MerchantId, row: &DecisionRecord, first: u64) -> Result<bool, StoreError> {
    let event = |header: &[u8]| match Header::decode(header).ok()?.entry {
        Entry::Decision(entry) => Some(entry.event.key),
        Entry::Event(event) => Some(event.key),
        Entry::Act(_) => None,
    };
    let first = unless_damaged(reads.record(merchant, first))?;
    Ok(first.and_then(|record| event(&record.header)) == row.record.as_ref().and_then(|record| event(&record.header)))
}
