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
    calls: Option<(Called<'r>, Arc<Calls>)>,
}

impl<'r> Before<'r> {
    /// Them, if this one calls the same.
    pub(super) fn same(&self, entry: &'r DecisionEntry) -> Option<Arc<Calls>> {
        let (before, calls) = self.calls.as_ref()?;
        (*before == called(entry)).then(|| Arc::clone(calls))
    }

    /// Has the next decisions compared with this one.
    pub(super) fn keep(&mut self, entry: &'r DecisionEntry, calls: Calls) -> Arc<Calls> {
        let calls = Arc::new(calls);
        self.calls = Some((called(entry), Arc::clone(&calls)));
        calls
    }
}

/// Component and settings.
type Runs = (Digest, Digest);
/// A policy: name, version, and what it runs.
type Policy<'e> = (&'e str, &'e str, Runs);
/// The policy, its guardrail, and those of the version beside.
type Called<'e> = (Option<Policy<'e>>, Option<Runs>, Option<(Policy<'e>, Option<Runs>)>);

/// Everything that a decision called; with how much fuel is no matter.
fn called(entry: &DecisionEntry) -> Called<'_> {
    let beside = entry.beside.as_ref().map(|beside| (policy(&beside.policy), beside.guardrail.as_ref().map(runs)));
    (entry.policy.as_ref().map(policy), entry.guardrail.as_ref().map(runs), beside)
}

fn policy(call: &PolicyCall) -> Policy<'_> {
    (&call.name, &call.version, runs(&call.call))
}

const fn runs(call: &Call) -> Runs {
    (call.component, call.settings)
}
