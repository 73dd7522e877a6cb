//! Puts one case to policy and guardrail: the impure middle of a decision. Server, replay, bench and `ombud decide` all
//! use this, so that a policy meets the same sandbox everywhere.

use std::sync::Arc;
use std::time::Instant;

use ombud_core::call_limits::{CallLimits, Limits};
use ombud_core::case::Case;
use ombud_core::chain::{self, Judged};
use ombud_core::decision::{DecisionFault, PolicyRef};
use ombud_core::fallback::Fallbacks;
use ombud_core::fault::{Fault, FaultCode};
use ombud_core::money;
use ombud_core::rollout::{Beside, Chosen, RolloutNote, Stage, better};
use ombud_core::ruling::{Ruling, RulingReview};
use ombud_ledger::Digest;
use ombud_rules::contract::types::Context;
use ombud_sandbox::{Facts, LogLine, Plugin, Run};

use crate::plugins::{Code, Component};

/// A plugin with the settings it is called with.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The policy's name.
    pub name: String,
    /// The readable version.
    pub version: String,
    /// The contract that the component was built for; empty where that is not known, because there is no component.
    pub contract: String,
    /// SHA-256 of the component.
    pub component: Digest,
    /// SHA-256 of the settings' text.
    pub settings_digest: Digest,
    /// The settings' text, as the plugin gets it.
    pub settings: Arc<str>,
    /// Where its plugin comes from.
    pub code: Code,
}

impl Bound {
    /// The plugin, which is loaded now where it is in the code cache.
    ///
    /// # Errors
    /// Why there is none. Nothing is compiled here.
    pub fn plugin(&self) -> Result<Plugin, Arc<str>> {
        match &self.code {
            Code::Held(plugin) => Ok(plugin.clone()),
            Code::Missing(reason) => Err(reason.clone()),
            Code::Shared(plugins) => match plugins.at_hand(&self.component) {
                Some(Component::Loaded(plugin)) => Ok(plugin),
                Some(Component::Refused(reason)) => Err(reason),
                None => Err("its code is not compiled yet, or its component is not stored".into()),
            },
        }
    }

    /// Whether it can be called, as far as that is known without loading it.
    ///
    /// # Errors
    /// Why not.
    pub fn status(&self) -> Result<(), Arc<str>> {
        match &self.code {
            Code::Held(_) => Ok(()),
            Code::Missing(reason) => Err(reason.clone()),
            Code::Shared(plugins) => match plugins.refusal(&self.component) {
                Some(reason) => Err(reason),
                None if plugins.is_at_hand(&self.component) => Ok(()),
                None => Err("its code is not compiled yet, or its component is not stored".into()),
            },
        }
    }

    /// How a decision names it.
    pub fn reference(&self) -> PolicyRef {
        PolicyRef {
            name: self.name.clone(),
            version: self.version.clone(),
            component: self.component.to_string(),
            settings: self.settings_digest.to_string(),
        }
    }
}

/// Microseconds of each phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// Reading the merchant's own records; one reading for all decisions of an event.
    pub history_us: u32,
    /// Lowering the facts.
    pub lower_us: u32,
    /// The policy's call.
    pub policy_us: u32,
    /// The guardrail's call.
    pub guardrail_us: u32,
    /// Encoding, concluding and sealing the bodies.
    pub seal_us: u32,
    /// From handing over to the writer until durable: its queue, the group's other records, the disk.
    pub commit_us: u32,
}

/// What came of a case before the caps.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the policy said.
    pub policy: Result<Ruling, Fault>,
    /// What the guardrail said of it; none where the policy gave no ruling.
    pub review: Option<Result<RulingReview, Fault>>,
    /// The ruling that stands.
    pub judged: Judged,
    /// Fuel the policy used.
    pub policy_fuel: u64,
    /// Fuel the guardrail used.
    pub guardrail_fuel: u64,
    /// What policy and guardrail logged.
    pub log: Vec<LogLine>,
    /// Where the time went.
    pub phases: Phases,
}

/// What the fault says where no policy is bound.
pub const NO_POLICY: &str = "no policy is bound to this kind";

impl Outcome {
    /// Whether a call ended because it had `first` and not all of `limits`: under those it may end otherwise.
    fn was_cut_short(&self, first: &CallLimits, limits: &CallLimits, event_bytes: usize) -> bool {
        let cut = |fault: Option<&Fault>, first: &Limits, limits: &Limits| match fault.map(|fault| fault.code) {
            Some(FaultCode::Fuel) => first.fuel(event_bytes) < limits.fuel(event_bytes),
            Some(FaultCode::Deadline) => first.deadline_ms < limits.deadline_ms,
            _ => false,
        };
        cut(self.policy.as_ref().err(), &first.policy, &limits.policy)
            || cut(self.review.as_ref().and_then(|review| review.as_ref().err()), &first.guardrail, &limits.guardrail)
    }
}

/// What a case is judged from.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a, 'p> {
    /// Who asks, and when.
    pub ctx: &'a Context,
    /// The facts.
    pub case: &'a Case,
    /// The policy, or why none may run: then the fallback stands.
    pub policy: Result<&'p Bound, &'a Fault>,
    /// The guardrail, which runs under the operator's limits.
    pub guardrail: &'a Bound,
    /// What the calls may use.
    pub limits: &'a CallLimits,
    /// What stands where there is no ruling.
    pub fallbacks: &'a Fallbacks,
    /// Bytes of the event, which scale the fuel.
    pub event_bytes: usize,
}

impl Inputs<'_, '_> {
    fn ruled(&self, facts: &Facts) -> Run<Ruling> {
        match self.policy {
            Err(fault) => no_run(fault.clone()),
            Ok(bound) => match bound.plugin() {
                Ok(plugin) => plugin.decide(facts, &bound.settings, &self.limits.policy, self.event_bytes),
                Err(reason) => no_run(Fault::new(FaultCode::NotLoaded, &*reason)),
            },
        }
    }

    fn reviewed(&self, facts: &Facts, ruled: &Run<Ruling>) -> Option<Run<RulingReview>> {
        chain::accepted(self.case, &ruled.result).ok().map(|ruling| match self.guardrail.plugin() {
            Ok(plugin) => plugin.review(facts, ruling, &self.guardrail.settings, &self.limits.guardrail, self.event_bytes),
            Err(reason) => no_run(Fault::new(FaultCode::NotLoaded, &*reason)),
        })
    }

    fn outcome(&self, ruled: Run<Ruling>, reviewed: Option<Run<RulingReview>>, phases: Phases) -> Outcome {
        let (review, guardrail_fuel, review_log) = match reviewed {
            Some(run) => (Some(run.result), run.fuel, run.log),
            None => (None, 0, Vec::new()),
        };
        let judged = chain::judge(self.case, &ruled.result, review.as_ref(), self.fallbacks, self.ctx.now);
        let log = [ruled.log, review_log].concat();
        Outcome { policy: ruled.result, review, judged, policy_fuel: ruled.fuel, guardrail_fuel, log, phases }
    }
}

/// Judges a case.
pub fn judge(inputs: &Inputs<'_, '_>) -> Outcome {
    let started = Instant::now();
    let facts = Facts::new(inputs.ctx, inputs.case);
    let mut phases = Phases { lower_us: micros(started), ..Phases::default() };
    let started = Instant::now();
    let ruled = inputs.ruled(&facts);
    phases.policy_us = micros(started);
    let started = Instant::now();
    let reviewed = inputs.reviewed(&facts, &ruled);
    phases.guardrail_us = micros(started);
    inputs.outcome(ruled, reviewed, phases)
}

/// What a case comes to by answers that are given, of which none is asked for again.
pub fn by_answers(inputs: &Inputs<'_, '_>, ruling: Result<Ruling, Fault>, review: Option<Result<RulingReview, Fault>>) -> Outcome {
    let ruled = Run { result: ruling, fuel: 0, log: Vec::new() };
    inputs.outcome(ruled, review.map(|result| Run { result, fuel: 0, log: Vec::new() }), Phases::default())
}

/// Judges many cases, which comes to the same: step by step for all of them, so that each step finds its own code and tables in the
/// processor's caches. Where the time goes is not measured.
pub fn judge_all(cases: &[Inputs<'_, '_>]) -> Vec<Outcome> {
    let facts: Vec<Facts> = cases.iter().map(|inputs| Facts::new(inputs.ctx, inputs.case)).collect();
    let asked = || cases.iter().zip(&facts);
    let ruled: Vec<Run<Ruling>> = asked().map(|(inputs, facts)| inputs.ruled(facts)).collect();
    let reviewed: Vec<Option<Run<RulingReview>>> =
        asked().zip(&ruled).map(|((inputs, facts), ruled)| inputs.reviewed(facts, ruled)).collect();
    let answers = cases.iter().zip(ruled).zip(reviewed);
    answers.map(|((inputs, ruled), reviewed)| inputs.outcome(ruled, reviewed, Phases::default())).collect()
}

/// A case answered: by the version that answers new ones, or by the better of two for the consumer.
#[derive(Clone, Debug)]
pub struct Answered<'a> {
    /// The version whose ruling stands; none where none may run.
    pub policy: Option<&'a Bound>,
    /// What came of it.
    pub outcome: Outcome,
    /// The version whose ruling does not stand, with what came of it.
    pub beside: Option<(&'a Bound, Outcome)>,
    /// How the decision says it.
    pub note: Option<RolloutNote>,
}

impl Answered<'_> {
    fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        std::iter::once(&self.outcome).chain(self.beside.iter().map(|(_, outcome)| outcome))
    }

    /// Fuel of all calls.
    pub fn fuel(&self) -> u64 {
        self.outcomes().map(|outcome| outcome.policy_fuel + outcome.guardrail_fuel).sum()
    }

    /// Whether a call ended because it had `first` and not all of `limits`.
    pub fn was_cut_short(&self, first: &CallLimits, limits: &CallLimits, event_bytes: usize) -> bool {
        self.outcomes().any(|outcome| outcome.was_cut_short(first, limits, event_bytes))
    }
}

/// Puts a case to the version that answers, or to the two of which the better answer for the consumer stands (domain model 4.0,
/// rule 8). Each runs under limits of its own: a replay is patient with what faulted only.
pub fn answer<'p>(inputs: &Inputs<'_, 'p>, second: Option<(&'p Bound, &CallLimits)>, chosen: Option<&Chosen>) -> Answered<'p> {
    beside(inputs, judge(inputs), second, chosen)
}

/// The same once the first version was asked.
pub fn beside<'p>(
    inputs: &Inputs<'_, 'p>,
    outcome: Outcome,
    second: Option<(&'p Bound, &CallLimits)>,
    chosen: Option<&Chosen>,
) -> Answered<'p> {
    let newer = |second: &(&'p Bound, &CallLimits)| judge(&Inputs { policy: Ok(second.0), limits: second.1, ..*inputs });
    weighed(inputs.policy.ok(), outcome, second.map(|second| (second.0, move || newer(&second))), chosen)
}

/// The same of what both came to; the second version is asked where it counts.
pub fn weighed<'p>(
    first: Option<&'p Bound>,
    outcome: Outcome,
    second: Option<(&'p Bound, impl FnOnce() -> Outcome)>,
    chosen: Option<&Chosen>,
) -> Answered<'p> {
    let Some(first) = first else { return Answered { policy: None, outcome, beside: None, note: None } };
    let (Some((second, newer)), Some(chosen)) = (second, chosen) else {
        return Answered { policy: Some(first), outcome, beside: None, note: chosen.and_then(|chosen| chosen.note(None)) };
    };
    let newer = newer();
    let newer_stage = chosen.beside.unwrap_or(Stage::Active);
    let ((policy, outcome, stage), (other, beside, other_stage)) = if better(&outcome.judged.ruling, &newer.judged.ruling) {
        ((second, newer, newer_stage), (first, outcome, chosen.stage))
    } else {
        ((first, outcome, chosen.stage), (second, newer, newer_stage))
    };
    let ruling = &beside.judged.ruling;
    let told = Beside {
        stage: other_stage,
        policy: other.reference(),
        outcome: ruling.outcome().to_owned(),
        due: money::due(ruling),
        amounts: money::amounts(ruling),
        fault: beside.judged.fault.clone().map(|(of, fault)| DecisionFault { of, code: fault.code, detail: fault.detail }),
    };
    Answered { policy: Some(policy), outcome, beside: Some((other, beside)), note: Some(RolloutNote { stage, beside: Some(told) }) }
}

fn no_run<T>(fault: Fault) -> Run<T> {
    Run { result: Err(fault), fuel: 0, log: Vec::new() }
}

/// Microseconds since a moment.
pub fn micros(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX)
}
