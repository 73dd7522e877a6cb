//! The case of a recorded decision with everything else that the decision was made from: what a replay and a backtest
//! begin with.

use ombud_core::call_limits::CallLimits;
use ombud_core::caps::CapReview;
use ombud_core::case::Case;
use ombud_core::compact;
use ombud_core::decision::{Counted, Decision, PolicyRef, Terms, conclude};
use ombud_core::fault::{Fault, FaultCode};
use ombud_core::kind::Kind;
use ombud_core::money::{Amounts, Intent};
use ombud_core::rollout::Chosen;
use ombud_core::ruling::{Ruling, RulingReview};
use ombud_ledger::{BodyKind, DecisionEntry, Digest};
use ombud_rules::contract::types::Context;
use ombud_sandbox::LogLine;
use serde::de::DeserializeOwned;

use super::calls::Calls;
use super::record::{Damage, Record};
use crate::bodies::{AnswerBodyBack, BesideBodyBack, CaseBodyBack, read_body};
use crate::judge::{self, Answered, Bound, Inputs, NO_POLICY, Outcome, beside, judge_all};

/// A recorded decision's own inputs: with a policy and a guardrail the decision follows from them.
#[derive(Debug)]
pub struct RecordedCase<'a> {
    /// What the header says.
    pub entry: &'a DecisionEntry,
    /// The context, `now` included.
    pub context: Context,
    /// The facts put to the policy; history is among them as it was then.
    pub case: Case,
    /// The merchant's terms then.
    pub terms: Terms,
    /// What the caps had counted then.
    pub counted: Counted,
    /// What the decision counts itself.
    pub counts: Amounts,
    /// Bytes of the event, which scale the fuel.
    pub event_bytes: usize,
    /// What the rollout had chosen.
    pub chosen: Option<Chosen>,
    /// What the version beside had faulted with, if one ran and did.
    pub beside_fault: Option<FaultCode>,
    /// The decision body as recorded, JSON.
    pub decision: &'a str,
}

/// Which versions are run again: one whose fault cannot be met again is taken by its recorded answers.
#[derive(Clone, Copy, Debug)]
pub struct Again {
    /// The one whose ruling stands.
    pub own: bool,
    /// The one beside.
    pub beside: bool,
}

/// The versions that a case was put to.
struct Versions<'c> {
    /// The one that was asked first, or why none was.
    first: Result<&'c Bound, Fault>,
    first_limits: CallLimits,
    /// The one beside.
    second: Option<&'c Bound>,
    second_limits: CallLimits,
}

/// A recorded case judged and concluded once more.
#[derive(Debug)]
pub struct Rerun {
    /// What the policy says.
    pub policy: Result<Ruling, Fault>,
    /// What the guardrail says of it; none where the policy gave no ruling.
    pub review: Option<Result<RulingReview, Fault>>,
    /// The decision.
    pub decision: Decision,
    /// The payments it stands for.
    pub paid: Vec<Intent>,
    /// Fuel the policy used.
    pub policy_fuel: u64,
    /// Fuel the guardrail used.
    pub guardrail_fuel: u64,
    /// What policy and guardrail logged.
    pub log: Vec<LogLine>,
    /// A fault of the host's own in what was run: nothing can be compared.
    pub failed: Option<Fault>,
    /// What was run and ended at the deadline: components with their settings.
    pub late: Vec<(Digest, Digest)>,
    /// What the version beside came to, with its name; none where none ran.
    pub beside: Option<(PolicyRef, Outcome)>,
}

/// How calls ended that say nothing of what is on record.
#[derive(Debug, Default)]
struct Ended {
    failed: Option<Fault>,
    late: Vec<(Digest, Digest)>,
}

impl Ended {
    /// With what was run of a version.
    fn with(mut self, outcome: &Outcome, policy: Option<&Bound>, guardrail: &Bound) -> Self {
        let review = outcome.review.as_ref().and_then(|review| review.as_ref().err());
        for (fault, bound) in [(outcome.policy.as_ref().err(), policy), (review, Some(guardrail))] {
            match fault {
                Some(fault) if fault.code == FaultCode::Host => self.failed = Some(fault.clone()),
                Some(fault) if fault.code == FaultCode::Deadline => {
                    self.late.extend(bound.map(|bound| (bound.component, bound.settings_digest)));
                }
                _ => {}
            }
        }
        self
    }
}

impl<'a> RecordedCase<'a> {
    /// Reads the case of a decision's record.
    ///
    /// # Errors
    /// A body is not there or does not read as this version writes it.
    pub fn read(entry: &'a DecisionEntry, record: &'a Record) -> Result<Self, Damage> {
        if let Some(stray) = record.header.stray() {
            return Err(stray.into());
        }
        let called = [(BodyKind::Ruling, true), (BodyKind::Review, entry.guardrail.is_some()), (BodyKind::Beside, entry.beside.is_some())];
        if let Some((kind, _)) = called.into_iter().find(|(kind, called)| *called && record.bytes(*kind).is_none()) {
            return Err(unreadable(kind, "it is missing"));
        }
        let body = |kind: BodyKind| record.body(kind).ok_or_else(|| unreadable(kind, "it is missing"));
        let case = |error: serde_json::Error| unreadable(BodyKind::Case, error);
        let mut facts = case_of(entry.kind, body(BodyKind::Case)?).map_err(case)?;
        facts.terms.limits = facts.terms.limits.within_bounds();
        let decision = body(BodyKind::Decision)?;
        let caps = caps_of(decision).map_err(|error| unreadable(BodyKind::Decision, error))?;
        Ok(Self {
            entry,
            case: facts.case,
            context: facts.context,
            terms: facts.terms,
            counted: Counted { usage: caps.used, on_record: caps.on_record, restated: caps.restated, beside: caps.beside },
            counts: caps.counted,
            event_bytes: facts.event_bytes,
            chosen: facts.rollout,
            beside_fault: record
                .body(BodyKind::Beside)
                .map(beside_fault)
                .transpose()
                .map_err(|error| unreadable(BodyKind::Beside, error))?
                .flatten(),
            decision,
        })
    }

    /// Judges and concludes the case under a policy and a guardrail alone, as a backtest does. The caps count what they had counted
    /// then. The limits then are those of the recorded terms.
    pub fn rerun(&self, policy: &Bound, guardrail: &Bound, limits: &CallLimits) -> Rerun {
        let outcome = judge::judge(&self.inputs(Ok(policy), guardrail, limits));
        let ended = Ended::default().with(&outcome, Some(policy), guardrail);
        self.conclude(Answered { policy: Some(policy), outcome, beside: None, note: None }, ended)
    }

    /// Judges and concludes each case as it was: under the recorded versions, of which there may have been two, or none because
    /// nothing might run. Those that answered first are asked together.
    pub fn again_all(cases: &[(&Self, &Calls)]) -> Vec<Rerun> {
        let versions: Vec<Versions<'_>> = cases.iter().map(|(case, calls)| case.versions(calls)).collect();
        let asked = cases.iter().zip(&versions);
        let inputs: Vec<Inputs<'_, '_>> = asked
            .map(|((case, calls), versions)| case.inputs(versions.first.as_ref().copied(), &calls.guardrail, &versions.first_limits))
            .collect();
        let outcomes = judge_all(&inputs);
        let again = |(((case, _), versions), (inputs, outcome)): (((&Self, _), &Versions<'_>), (&Inputs<'_, '_>, Outcome))| {
            let second = versions.second.map(|second| (second, &versions.second_limits));
            let answered = beside(inputs, outcome, second, case.chosen.as_ref());
            let mut ended = Ended::default().with(&answered.outcome, answered.policy, inputs.guardrail);
            if let Some((bound, outcome)) = &answered.beside {
                ended = ended.with(outcome, Some(bound), inputs.guardrail);
            }
            case.conclude(answered, ended)
        };
        cases.iter().copied().zip(&versions).zip(inputs.iter().zip(outcomes)).map(again).collect()
    }

    /// Concludes the case once more where a version's fault cannot be met again: of that version by what the record says that it and the guardrail
    /// answered, of the other one by running it, if it is in `again`. What such a fault leads to is the same everywhere.
    ///
    /// # Errors
    /// A body is not there or does not read as this version writes it.
    pub fn in_part(&self, record: &Record, calls: &Calls, again: Again) -> Result<Rerun, Damage> {
        let kind = self.entry.kind;
        let parsed = |of: BodyKind| {
            record.body(of).map(serde_json::from_str::<AnswerBodyBack<'_>>).transpose().map_err(|error| unreadable(of, error))
        };
        let ruling = parsed(BodyKind::Ruling)?.ok_or_else(|| unreadable(BodyKind::Ruling, "it is missing"))?;
        let ruling = ruling.ruling(kind).map_err(|error| unreadable(BodyKind::Ruling, error))?;
        let review = parsed(BodyKind::Review)?.map(|review| review.review(kind)).transpose();
        let review = review.map_err(|error| unreadable(BodyKind::Review, error))?;
        let others = |error| unreadable(BodyKind::Beside, error);
        let beside: Option<BesideBodyBack<'_>> = record.body(BodyKind::Beside).map(serde_json::from_str).transpose().map_err(others)?;
        let beside = match beside {
            Some(body) => {
                let review = body.review.map(|review| review.review(kind)).transpose().map_err(others)?;
                Some((body.ruling.ruling(kind).map_err(others)?, review))
            }
            None => None,
        };
        let versions = self.versions(calls);
        let is_first = |bound: &Bound| calls.policy.as_ref().is_some_and(|own| std::ptr::eq(own, bound));
        let first = versions.first.as_ref().ok().copied();
        let own_is_first = beside.is_none() || first.is_some_and(is_first);
        let mut ended = Ended::default();
        let mut outcome = |is_own: bool, (ruling, review)| {
            let (policy, limits) = match versions.second {
                Some(second) if is_own != own_is_first => (Ok(second), &versions.second_limits),
                _ => (versions.first.as_ref().copied(), &versions.first_limits),
            };
            let inputs = self.inputs(policy, &calls.guardrail, limits);
            let runs = if is_own { again.own } else { again.beside };
            if !runs {
                return judge::by_answers(&inputs, ruling, review);
            }
            let outcome = judge::judge(&inputs);
            ended = std::mem::take(&mut ended).with(&outcome, policy.ok(), &calls.guardrail);
            outcome
        };
        let own = outcome(true, (ruling, review));
        let others = beside.map(|answers| outcome(false, answers));
        let (outcome, newer) = match others {
            Some(others) if !own_is_first => (others, Some(own)),
            others => (own, others),
        };
        let second = versions.second.zip(newer).map(|(bound, newer)| (bound, move || newer));
        Ok(self.conclude(judge::weighed(first, outcome, second, self.chosen.as_ref()), ended))
    }

    fn inputs<'i, 'p>(&'i self, policy: Result<&'p Bound, &'i Fault>, guardrail: &'i Bound, limits: &'i CallLimits) -> Inputs<'i, 'p> {
        let (ctx, case, fallbacks) = (&self.context, &self.case, &self.terms.fallback);
        Inputs { ctx, case, policy, guardrail, limits, fallbacks, event_bytes: self.event_bytes }
    }

    /// Which versions ran, in their order, each under the limits that were in force then: what they are by now is no matter of this
    /// decision.
    fn versions<'c>(&self, calls: &'c Calls) -> Versions<'c> {
        let limits = |faulted: bool| if faulted { self.terms.limits.patient() } else { self.terms.limits.generous() };
        let (own, others) = (limits(self.entry.fault.is_some()), limits(self.beside_fault.is_some()));
        let is_opened = |bound: &Bound| {
            let opened = self.chosen.as_ref().and_then(|chosen| chosen.opened.as_ref());
            opened.is_some_and(|opened| opened.version.policy == bound.name && opened.version.version == bound.version)
        };
        match (calls.policy.as_ref(), calls.beside.as_ref()) {
            (Some(policy), Some(beside)) if is_opened(beside) => {
                Versions { first: Ok(beside), first_limits: others, second: Some(policy), second_limits: own }
            }
            (Some(policy), second) => Versions { first: Ok(policy), first_limits: own, second, second_limits: others },
            (None, _) => {
                let absent = match self.chosen.as_ref().and_then(|chosen| chosen.halted.as_ref()) {
                    Some(why) => Fault::new(FaultCode::Paused, why.as_str()),
                    None => Fault::new(FaultCode::NoPolicy, NO_POLICY),
                };
                Versions { first: Err(absent), first_limits: own, second: None, second_limits: others }
            }
        }
    }

    fn conclude(&self, answered: Answered<'_>, ended: Ended) -> Rerun {
        let Answered { policy, outcome, beside, note } = answered;
        let reference = policy.map(Bound::reference);
        let (mut decision, paid) = conclude(&self.case, outcome.judged, reference, &self.terms, &self.counted, (&self.context).into());
        decision.rollout = note;
        Rerun {
            beside: beside.map(|(bound, outcome)| (bound.reference(), outcome)),
            policy: outcome.policy,
            review: outcome.review,
            decision,
            paid,
            policy_fuel: outcome.policy_fuel,
            guardrail_fuel: outcome.guardrail_fuel,
            log: outcome.log,
            failed: ended.failed,
            late: ended.late,
        }
    }
}

/// The fault of a version beside, from its body.
fn beside_fault(body: &str) -> serde_json::Result<Option<FaultCode>> {
    #[derive(serde::Deserialize)]
    struct Body {
        ruling: Part,
        review: Option<Part>,
    }
    #[derive(serde::Deserialize)]
    struct Part {
        fault: Option<Fault>,
    }
    let body: Body = serde_json::from_str(body)?;
    Ok(body.ruling.fault.or_else(|| body.review.and_then(|review| review.fault)).map(|fault| fault.code))
}

fn unreadable(body: BodyKind, detail: impl ToString) -> Damage {
    Damage::Body { body: body.as_str(), detail: detail.to_string() }
}

/// The case body with a case of its kind.
fn case_of(kind: Kind, json: &str) -> serde_json::Result<CaseBodyBack<Case>> {
    match kind {
        Kind::AfterSale => read(json, Case::AfterSale),
        Kind::Delay => read(json, Case::Delay),
        Kind::Blacklist => read(json, Case::Blacklist),
        Kind::Reply => read(json, Case::Reply),
    }
}

fn read<C: DeserializeOwned>(json: &str, of: impl FnOnce(C) -> Case) -> serde_json::Result<CaseBodyBack<Case>> {
    let CaseBodyBack { context, case, terms, event_bytes, rollout } = read_body::<CaseBodyBack<C>>(json)?;
    Ok(CaseBodyBack { context, case: of(case), terms, event_bytes, rollout })
}

/// The caps' part of a decision body: what was counted then.
fn caps_of(decision: &str) -> serde_json::Result<CapReview> {
    #[derive(serde::Deserialize)]
    struct Part {
        caps: CapReview,
    }
    // A text cannot hold these bytes, for its quotes are escaped: the last ones of their kind begin the decision's own caps,
    // unless something else wrote the body. Then all of it is read.
    const MARK: &str = ",\"caps\":";
    let own = decision.rfind(MARK).and_then(|at| decision.get(at + MARK.len()..));
    if let Some((caps, _)) = own.and_then(compact::read_first) {
        return Ok(caps);
    }
    serde_json::from_str::<Part>(decision).map(|part| part.caps)
}

#[cfg(test)]
mod tests {
    use ombud_core::caps::{CapLimits, CapResult, CapUsage};

    use super::*;

    /// The caps' part of a body, with an intent on record.
    fn caps(on_record: &str) -> String {
        let review = CapReview {
            result: CapResult::Uphold,
            breaches: Vec::new(),
            warnings: Vec::new(),
            used: CapUsage::default(),
            on_record: vec![on_record.to_owned()],
            limits: CapLimits::default(),
            counted: Amounts::default(),
            refund: 0,
            restated: Vec::new(),
            beside: Vec::new(),
        };
        serde_json::to_string(&review).unwrap()
    }

    #[test]
    fn the_caps_of_a_body_are_its_own_wherever_they_stand() {
        let (own, other) = (caps("own"), caps("other"));
        for body in [
            format!(r#"{{"kind":"delay","caps":{own},"fault":null}}"#),
            // The same words in a text, and further out or in.
            format!(r#"{{"kind":"delay","caps":{own},"fault":",\"caps\":{{}}"}}"#),
            format!(r#"{{"caps":{own},"kind":"delay"}}"#),
            format!(r#"{{"kind":"delay", "caps" : {own}}}"#),
            format!(r#"{{"ruling":{{"outcome":"x","caps":{other}}},"caps":{own}}}"#),
            format!(r#"{{"kind":"delay","caps":{own},"later":{{"x":0,"caps":7}}}}"#),
        ] {
            assert_eq!(caps_of(&body).unwrap().on_record, ["own"], "{body}");
        }
        for bad in ["{}", r#"{"kind":"delay","caps":7}"#, "", &own] {
            assert!(caps_of(bad).is_err(), "{bad}");
        }
    }
}
