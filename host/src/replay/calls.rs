//! What a recorded decision called: policy, guardrail, and the version beside.

use std::sync::Arc;

use ombud_ledger::{BesideCall, Call, DecisionEntry, Digest, PolicyCall};

use super::report::Divergence;
use crate::judge::Bound;
use crate::plugins::Code;

/// Policy and guardrail as a record names them.
pub struct Calls {
    /// The policy; none where none was bound, or none might run.
    pub policy: Option<Bound>,
    /// The version that ran beside.
    pub beside: Option<Bound>,
    /// The guardrail; one that cannot be asked where there was no ruling to review.
    pub guardrail: Bound,
}

impl Calls {
    /// Stands where the guardrail was not asked: it is not asked again either.
    pub(super) fn not_asked() -> Bound {
        let call = Call { component: Digest([0; 32]), settings: Digest([0; 32]), fuel: 0 };
        unasked("guardrail", "", &call, "not asked when the decision was made")
    }

    /// Stands where a policy is not asked again: what it said is on record.
    pub(super) fn named(call: &PolicyCall) -> Bound {
        unasked(&call.name, &call.version, &call.call, "not asked again")
    }
}

/// Stands for what is not asked.
fn unasked(name: &str, version: &str, call: &Call, why: &str) -> Bound {
    Bound {
        name: name.to_owned(),
        version: version.to_owned(),
        contract: String::new(),
        component: call.component,
        settings_digest: call.settings,
        settings: "{}".into(),
        code: Code::Missing(why.into()),
    }
}

/// Why a call cannot be made again.
pub struct Missing {
    /// The cause.
    pub divergence: Divergence,
    /// What is missing.
    pub detail: String,
}

/// What the decision before called: the next one mostly calls the same.
#[derive(Default)]
pub struct Before(Option<Kept>);

struct Kept {
    policy: Option<PolicyCall>,
    guardrail: Option<Call>,
    beside: Option<BesideCall>,
    calls: Arc<Calls>,
}

impl Before {
    /// Them, if this one calls the same.
    pub(super) fn same(&self, entry: &DecisionEntry) -> Option<Arc<Calls>> {
        let Kept { policy, guardrail, beside, calls } = self.0.as_ref()?;
        let before = called(policy.as_ref(), guardrail.as_ref(), beside.as_ref());
        (before == called(entry.policy.as_ref(), entry.guardrail.as_ref(), entry.beside.as_ref())).then(|| Arc::clone(calls))
    }

    /// Has the next decisions compared with this one.
    pub(super) fn keep(&mut self, entry: &DecisionEntry, calls: Calls) -> Arc<Calls> {
        let calls = Arc::new(calls);
        let (policy, guardrail, beside) = (entry.policy.clone(), entry.guardrail, entry.beside.clone());
        self.0 = Some(Kept { policy, guardrail, beside, calls: Arc::clone(&calls) });
        calls
    }
}

/// Component and settings.
type Runs = (Digest, Digest);
/// A policy: name, version, and what it runs.
type Policy<'e> = (&'e str, &'e str, Runs);
/// The policy, its guardrail, and those of the version beside.
type Called<'e> = (Option<Policy<'e>>, Option<Runs>, Option<(Policy<'e>, Option<Runs>)>);

/// Everything that is called; with how much fuel is no matter.
fn called<'e>(policy: Option<&'e PolicyCall>, guardrail: Option<&Call>, beside: Option<&'e BesideCall>) -> Called<'e> {
    let beside = beside.map(|beside| (named(&beside.policy), beside.guardrail.as_ref().map(runs)));
    (policy.map(named), guardrail.map(runs), beside)
}

fn named(call: &PolicyCall) -> Policy<'_> {
    (&call.name, &call.version, runs(&call.call))
}

const fn runs(call: &Call) -> Runs {
    (call.component, call.settings)
}
