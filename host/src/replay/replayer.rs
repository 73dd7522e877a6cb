//! The machine that runs recorded decisions again: sandbox, engine, and the plugins met so far. One serves any
//! number of threads.

use std::sync::Arc;

use ombud_core::fault::{Fault, FaultCode};
use ombud_core::ruling::RulingReview;
use ombud_ledger::{Amounts, BodyKind, Call, Caps, DecisionEntry, Digest, Engine, Entry};
use ombud_sandbox::{Plugin, Sandbox};

use super::blobs::Blobs;
use super::calls::{Before, Calls, Missing};
use super::case::{Again, RecordedCase, Rerun};
use super::compare;
use super::record::{Bodies, Record};
use super::report::{Divergence, ReplayReport};
use crate::bodies::{AnswerBody, BesideBody};
use crate::judge::Bound;
use crate::plugins::{Code, Component, Look, Plugins};

/// Runs recorded decisions again.
pub struct Replayer {
    engine: Engine,
    plugins: Arc<Plugins>,
}

/// A replay as far as it goes without running anything.
struct Begun<'r> {
    /// What it says so far; none where the record is no decision's.
    report: Option<ReplayReport>,
    /// What is to be run; none where nothing is.
    ready: Option<(RecordedCase<'r>, Arc<Calls>)>,
}

impl From<ReplayReport> for Begun<'_> {
    fn from(report: ReplayReport) -> Self {
        Self { report: Some(report), ready: None }
    }
}

impl Replayer {
    /// A replayer over a sandbox. Its plugins are those of the process: decisions use them as well.
    pub fn new(sandbox: Arc<Sandbox>) -> Self {
        Self::with(Plugins::new(sandbox))
    }

    /// The same for what strangers recorded: `look` sees each component before this process reads it, for reading one may take hours.
    pub fn of_strangers(sandbox: Arc<Sandbox>, look: Look) -> Self {
        Self::with(Plugins::new(sandbox).with_look(look))
    }

    fn with(plugins: Plugins) -> Self {
        let engine = Engine { profile: Digest(ombud_sandbox::profile_hash()), wasmtime: ombud_sandbox::WASMTIME_VERSION.to_owned() };
        Self { engine, plugins: Arc::new(plugins) }
    }

    /// The engine that everything runs on here.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The plugins met so far.
    pub const fn plugins(&self) -> &Arc<Plugins> {
        &self.plugins
    }

    /// A plugin by its component's digest: loaded before, or from the stored bytes; none where they are missing or
    /// damaged or do not load.
    ///
    /// # Errors
    /// The source of stored bytes fails.
    pub fn plugin<B: Blobs + ?Sized>(&self, digest: &Digest, blobs: &B) -> Result<Option<Plugin>, B::Error> {
        Ok(match self.plugins.component(digest, blobs)? {
            Some(Component::Loaded(plugin)) => Some(plugin),
            Some(Component::Refused(_)) | None => None,
        })
    }

    /// Runs a record's decision again and compares; none if the record is of something else.
    ///
    /// # Errors
    /// The source of stored bytes fails. Whatever is wrong with the record or with what it names stands in the report.
    pub fn replay<B: Blobs + ?Sized>(&self, record: &Record, blobs: &B) -> Result<Option<ReplayReport>, B::Error> {
        Ok(self.replay_all(&[record], blobs, &mut Before::default())?.pop().flatten())
    }

    /// The same for many, in their order. They are made ready, run and compared one step after the other, which is faster than one record
    /// after the other. What the last one before them called is looked up once for all that call the same.
    ///
    /// # Errors
    /// As [`Self::replay`].
    pub fn replay_all<B: Blobs + ?Sized>(
        &self,
        records: &[&Record],
        blobs: &B,
        before: &mut Before,
    ) -> Result<Vec<Option<ReplayReport>>, B::Error> {
        let begun = records.iter().map(|record| self.begin(record, blobs, before)).collect::<Result<Vec<_>, _>>()?;
        let ready: Vec<_> = begun.iter().filter_map(|begun| begun.ready.as_ref()).map(|(case, calls)| (case, &**calls)).collect();
        let mut reruns = RecordedCase::again_all(&ready).into_iter();
        let finish = |(record, begun): (&&Record, Begun<'_>)| {
            let Begun { report, ready } = begun;
            let mut report = report?;
            if let Some((case, _)) = ready
                && let Some(rerun) = reruns.next()
            {
                self.finish(&mut report, record, &case, &rerun, Again { own: true, beside: true });
            }
            Some(report)
        };
        Ok(records.iter().zip(begun).map(finish).collect())
    }

    fn begin<'r, B: Blobs + ?Sized>(&self, record: &'r Record, blobs: &B, before: &mut Before) -> Result<Begun<'r>, B::Error> {
        let Entry::Decision(entry) = &record.header.entry else { return Ok(Begun { report: None, ready: None }) };
        let report = ReplayReport {
            id: entry.id.to_string(),
            seq: record.header.seq,
            identical: false,
            compared: true,
            divergence: None,
            detail: None,
            fault: entry.fault.as_ref().map(|fault| fault.code),
            engine: Some((&entry.engine).into()),
            fuel_recorded: entry.calls().map(|call| call.fuel).sum(),
            fuel_now: 0,
            differences: Vec::new(),
            late: Vec::new(),
        };
        if matches!(record.bodies, Bodies::Erased) {
            return Ok(report.not_compared(Divergence::Erased).into());
        }
        let case = match RecordedCase::read(entry, record) {
            Ok(case) => case,
            Err(damage) => return Ok(ReplayReport::damaged(report.id, report.seq, damage).into()),
        };
        let faulted = |code: Option<FaultCode>| code.and_then(|code| self.incomparable(code, entry));
        let (own, others) = (faulted(entry.fault.as_ref().map(|fault| fault.code)), faulted(case.beside_fault));
        if let Some(reason) = own.or(others) {
            let again = Again { own: own.is_none(), beside: others.is_none() };
            return Ok(self.in_part(report, record, &case, blobs, again, reason)?.into());
        }
        let calls = match before.same(entry) {
            Some(calls) => calls,
            None => match self.recorded(entry, blobs)? {
                Ok(calls) => before.keep(entry, calls),
                Err(missing) => return Ok(report.missing(missing).into()),
            },
        };
        Ok(Begun { report: Some(report), ready: Some((case, calls)) })
    }

    /// A decision of which an answer cannot be had again: the other version's is compared, and what follows from both.
    fn in_part<B: Blobs + ?Sized>(
        &self,
        mut report: ReplayReport,
        record: &Record,
        case: &RecordedCase<'_>,
        blobs: &B,
        again: Again,
        reason: Divergence,
    ) -> Result<ReplayReport, B::Error> {
        let calls = match self.recorded_of(case.entry, again, blobs)? {
            Ok(calls) => calls,
            Err(missing) => return Ok(report.missing(missing)),
        };
        let rerun = match case.in_part(record, &calls, again) {
            Ok(rerun) => rerun,
            Err(damage) => return Ok(ReplayReport::damaged(report.id, report.seq, damage)),
        };
        self.finish(&mut report, record, case, &rerun, again);
        Ok(if report.identical { report.not_compared(reason) } else { report })
    }

    fn finish(&self, report: &mut ReplayReport, record: &Record, case: &RecordedCase<'_>, rerun: &Rerun, again: Again) {
        let beside = rerun.beside.as_ref().map_or(0, |(_, outcome)| outcome.policy_fuel + outcome.guardrail_fuel);
        report.late.clone_from(&rerun.late);
        report.fuel_now = rerun.policy_fuel + rerun.guardrail_fuel + beside;
        self.compare(report, record, case, rerun, again);
        report.identical = report.divergence.is_none();
        report.compared = report.divergence.is_none_or(Divergence::diverged);
    }

    /// A fault that cannot be met again here: of the clock or the host, or of a limit that belongs to another engine.
    fn incomparable(&self, code: FaultCode, entry: &DecisionEntry) -> Option<Divergence> {
        if code.environmental() {
            return Some(Divergence::Environmental);
        }
        let bound_to_engine = matches!(code, FaultCode::Fuel | FaultCode::Stack | FaultCode::Memory);
        (bound_to_engine && entry.engine != self.engine).then_some(Divergence::OtherEngine)
    }

    /// Policy and guardrail as the record names them, or what of them is missing.
    ///
    /// # Errors
    /// The source of stored bytes fails.
    pub fn recorded<B: Blobs + ?Sized>(&self, entry: &DecisionEntry, blobs: &B) -> Result<Result<Calls, Missing>, B::Error> {
        self.recorded_of(entry, Again { own: true, beside: true }, blobs)
    }

    /// The same of those that are run again; the others are named only.
    fn recorded_of<B: Blobs + ?Sized>(&self, entry: &DecisionEntry, again: Again, blobs: &B) -> Result<Result<Calls, Missing>, B::Error> {
        let policy = match &entry.policy {
            None => None,
            Some(call) if !again.own => Some(Calls::named(call)),
            Some(call) => match self.bound(&call.name, &call.version, &call.call, blobs)? {
                Ok(bound) => Some(bound),
                Err(missing) => return Ok(Err(missing)),
            },
        };
        let beside = match &entry.beside {
            None => None,
            Some(beside) if !again.beside => Some(Calls::named(&beside.policy)),
            Some(beside) => match self.bound(&beside.policy.name, &beside.policy.version, &beside.policy.call, blobs)? {
                Ok(bound) => Some(bound),
                Err(missing) => return Ok(Err(missing)),
            },
        };
        // Both are reviewed by the same guardrail, which may have been asked of one only.
        let own = entry.guardrail.as_ref().filter(|_| again.own);
        let guardrail = own.or_else(|| entry.beside.as_ref().filter(|_| again.beside).and_then(|beside| beside.guardrail.as_ref()));
        Ok(match guardrail {
            None => Ok(Calls { policy, beside, guardrail: Calls::not_asked() }),
            Some(call) => self.bound("guardrail", "", call, blobs)?.map(|guardrail| Calls { policy, beside, guardrail }),
        })
    }

    /// The guardrail as the record names it, or what of it is missing; none where it was not asked.
    ///
    /// # Errors
    /// The source of stored bytes fails.
    pub fn guardrail<B: Blobs + ?Sized>(&self, entry: &DecisionEntry, blobs: &B) -> Result<Option<Result<Bound, Missing>>, B::Error> {
        entry.guardrail.as_ref().map(|call| self.bound("guardrail", "", call, blobs)).transpose()
    }

    /// A recorded component with its recorded settings.
    ///
    /// # Errors
    /// The source of stored bytes fails.
    pub fn bound<B: Blobs + ?Sized>(&self, name: &str, version: &str, call: &Call, blobs: &B) -> Result<Result<Bound, Missing>, B::Error> {
        let plugin = match self.stored(name, &call.component, blobs)? {
            Ok(plugin) => plugin,
            Err(missing) => return Ok(Err(missing)),
        };
        let Some(settings) = self.plugins.settings(&call.settings, blobs)? else {
            let detail = format!("the settings {} of `{name}` are missing or damaged", call.settings);
            return Ok(Err(Missing { divergence: Divergence::Settings, detail }));
        };
        Ok(Ok(Bound {
            name: name.to_owned(),
            version: version.to_owned(),
            contract: plugin.inspection().contract.clone(),
            component: call.component,
            settings_digest: call.settings,
            settings,
            code: Code::Held(plugin),
        }))
    }

    /// A stored component, loaded, or why it is not.
    ///
    /// # Errors
    /// The source of stored bytes fails.
    pub fn stored<B: Blobs + ?Sized>(&self, name: &str, component: &Digest, blobs: &B) -> Result<Result<Plugin, Missing>, B::Error> {
        let missing = |detail: String| Err(Missing { divergence: Divergence::ComponentMissing, detail });
        Ok(match self.plugins.component(component, blobs)? {
            Some(Component::Loaded(plugin)) => Ok(plugin),
            Some(Component::Refused(reason)) => missing(format!("the component {component} of `{name}` does not load: {reason}")),
            None => missing(format!("the component {component} of `{name}` is missing or damaged")),
        })
    }

    /// Ruling, review, decision and header against the record, byte for byte; then the fuel, under the same engine only. Answers and fuel are those
    /// of what was run again.
    fn compare(&self, report: &mut ReplayReport, record: &Record, case: &RecordedCase<'_>, rerun: &Rerun, again: Again) {
        if let Some(fault) = &rerun.failed {
            report.divergence = Some(Divergence::Environmental);
            report.detail = Some(compare::cause(fault));
            return;
        }
        let recorded = |kind: BodyKind| record.bytes(kind).unwrap_or_default();
        let differences = &mut report.differences;
        if again.own {
            compare::body(differences, "ruling", recorded(BodyKind::Ruling), Some(&AnswerBody::of(&rerun.policy, &rerun.log)));
            let review = rerun.review.as_ref().map(|review| AnswerBody::of(review, &[]));
            compare::body(differences, "review", recorded(BodyKind::Review), review.as_ref());
        }
        if again.beside {
            let beside = rerun.beside.as_ref().map(|(_, outcome)| BesideBody::of(outcome));
            compare::body(differences, "beside", recorded(BodyKind::Beside), beside.as_ref());
        }
        let same_engine = case.entry.engine == self.engine;
        if !differences.is_empty() {
            report.divergence = Some(if same_engine { Divergence::Guest } else { Divergence::Engine });
        }
        compare::body(differences, "decision", case.decision.as_bytes(), Some(&rerun.decision));
        header(differences, case.entry, rerun);
        if report.divergence.is_none() && !differences.is_empty() {
            report.divergence = Some(Divergence::Host);
        }
        if report.divergence.is_none() && same_engine {
            let recorded = case.entry.beside.as_ref();
            let beside = rerun.beside.as_ref().map(|(_, outcome)| outcome);
            let own = [
                (
                    "/policy/fuel",
                    fuel(case.entry.policy.as_ref().map(|policy| policy.call)),
                    rerun.policy_fuel,
                    rerun.policy.as_ref().err(),
                ),
                ("/guardrail/fuel", fuel(case.entry.guardrail), rerun.guardrail_fuel, fault(rerun.review.as_ref())),
            ];
            let others = [
                (
                    "/beside/policy/fuel",
                    fuel(recorded.map(|beside| beside.policy.call)),
                    beside.map_or(0, |outcome| outcome.policy_fuel),
                    beside.and_then(|outcome| outcome.policy.as_ref().err()),
                ),
                (
                    "/beside/guardrail/fuel",
                    fuel(recorded.and_then(|beside| beside.guardrail)),
                    beside.map_or(0, |outcome| outcome.guardrail_fuel),
                    beside.and_then(|outcome| fault(outcome.review.as_ref())),
                ),
            ];
            let calls = own.into_iter().filter(|_| again.own).chain(others.into_iter().filter(|_| again.beside));
            // How deep a guest comes before its stack ends hangs on the frames beneath it, which are those of a build on a processor and no
            // matter of the engine's profile.
            let comparable = calls.filter(|(.., fault)| fault.is_none_or(|fault| fault.code != FaultCode::Stack));
            for (pointer, recorded, now, _) in comparable {
                compare::member(differences, "header", pointer, &recorded, &now);
            }
            report.divergence = (!differences.is_empty()).then_some(Divergence::Fuel);
        }
    }
}

/// What the header says in clear of the decision in its bodies: whoever reads only the log must not be told otherwise.
fn header(differences: &mut Vec<super::Difference>, entry: &DecisionEntry, again: &Rerun) {
    let decision = &again.decision;
    compare::member(differences, "header", "/outcome", &entry.outcome, &decision.outcome);
    let fault = entry.fault.as_ref().map(|fault| (fault.of, fault.code));
    let fault_now = decision.fault.as_ref().map(|fault| (fault.of, fault.code));
    compare::member(differences, "header", "/fault", &fault, &fault_now);
    // A decision tells none.
    compare::member(differences, "header", "/fault/limit", &entry.fault.as_ref().and_then(|fault| fault.limit.as_deref()), &None);
    let Amounts { refund, cash, coupon, .. } = entry.amounts;
    for (pointer, recorded, now) in [
        ("/amounts/refund", refund, decision.amounts.refund),
        ("/amounts/cash", cash, decision.amounts.cash),
        ("/amounts/coupon", coupon, decision.amounts.coupon),
    ] {
        compare::member(differences, "header", pointer, &recorded, &now);
    }
    compare::member(differences, "header", "/amounts/currency", &entry.amounts.currency.to_string(), &decision.currency);
    let beside = entry.beside.as_ref().map(|beside| (&beside.policy.name, &beside.policy.version));
    let beside_now = again.beside.as_ref().map(|(policy, _)| (&policy.name, &policy.version));
    compare::member(differences, "header", "/beside", &beside, &beside_now);
    let caps = Caps::from(&decision.caps);
    if entry.caps != caps {
        compare::member(differences, "header", "/caps", &format!("{:?}", entry.caps), &format!("{caps:?}"));
    }
}

fn fault(review: Option<&Result<RulingReview, Fault>>) -> Option<&Fault> {
    review.and_then(|review| review.as_ref().err())
}

fn fuel(call: Option<Call>) -> u64 {
    call.map_or(0, |call| call.fuel)
}
