//! What a recorded decision called: policy, guardrail, and the version beside.

use std::sync::Arc;

use ombud_ledger::{Call, DecisionEntry, Digest, PolicyCall};

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
        Bound {
            name: "guardrail".into(),
            version: String::new(),
            contract: String::new(),
            component: Digest([0; 32]),
            settings_digest: Digest([0; 32]),
            settings: "{}".into(),
            code: Code::Missing("not asked when the decision was made".into()),
        }
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
pub(super) struct Before<'r> {
    calls: Option<(&'r DecisionEntry, Arc<Calls>)>,
}

impl<'r> Before<'r> {
    /// Them, if this one calls the same.
    pub(super) fn same(&self, entry: &DecisionEntry) -> Option<Arc<Calls>> {
        let (before, calls) = self.calls.as_ref()?;
        call_the_same(before, entry).then(|| Arc::clone(calls))
    }

    /// Has the next decision compared with this one.
    pub(super) fn keep(&mut self, entry: &'r DecisionEntry, calls: &Arc<Calls>) {
        self.calls = Some((entry, Arc::clone(calls)));
    }
}

/// Whether two decisions called the same: policies by name and version, components and settings; with how much fuel is no matter.
fn call_the_same(one: &DecisionEntry, other: &DecisionEntry) -> bool {
    let code = |call: &Call| (call.component, call.settings);
    let codes = |one: Option<&Call>, other: Option<&Call>| one.map(code) == other.map(code);
    let policies = |one: &PolicyCall, other: &PolicyCall| {
        one.name == other.name && one.version == other.version && code(&one.call) == code(&other.call)
    };
    let policy = match (&one.policy, &other.policy) {
        (Some(one), Some(other)) => policies(one, other),
        (one, other) => one.is_none() && other.is_none(),
    };
    let beside = match (&one.beside, &other.beside) {
        (Some(one), Some(other)) => policies(&one.policy, &other.policy) && codes(one.guardrail.as_ref(), other.guardrail.as_ref()),
        (one, other) => one.is_none() && other.is_none(),
    };
    policy && beside && codes(one.guardrail.as_ref(), other.guardrail.as_ref())
}
