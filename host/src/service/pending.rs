//! An event judged and waiting for the writer: everything that does not depend on the sequence number or the counters.

use std::sync::Arc;

use ombud_core::case::Case;
use ombud_core::chain::{self, Judged};
use ombud_core::decision::{At, Counted, Decision, PolicyRef, Terms, conclude};
use ombud_core::event::Event;
use ombud_core::fault::Fault;
use ombud_core::ids::{DecisionId, MerchantId};
use ombud_core::kind::Kind;
use ombud_core::money::{self, Due, Intent};
use ombud_core::rollout::RolloutNote;
use ombud_core::ruling::{Ruling, RulingReview};
use ombud_ledger::keys::DataKey;
use ombud_ledger::seal::{Of, SealError, seal};
use ombud_ledger::{BesideCall, BodyKind, Call, Detached, Digest, PolicyCall};

use super::acts::By;
use super::owner::Owner;
use super::rollout::ShadowRun;
use super::snapshot::Tenant;
use crate::bodies::{BesideBody, answer_body, decision_body};
use crate::judge::{Answered, Bound, Outcome, Phases};

/// An event with its judged cases.
pub struct Pending {
    /// The merchant.
    pub tenant: Arc<Tenant>,
    /// Who sent the event.
    pub by: By,
    /// The event.
    pub event: Event,
    /// The event in structured mode: the event body.
    pub event_body: Vec<u8>,
    /// By which a redelivery is recognised.
    pub body_digest: Digest,
    /// When the host received it, epoch milliseconds.
    pub received_at_ms: i64,
    /// W3C trace id.
    pub trace_id: Option<[u8; 16]>,
    /// Under whose key the bodies are sealed.
    pub owner: Owner,
    /// One for each kind that decides.
    pub items: Vec<Item>,
}

/// One judged case.
pub struct Item {
    /// The decision's id.
    pub id: DecisionId,
    /// The kind.
    pub kind: Kind,
    /// The facts put to the policy.
    pub case: Case,
    /// Whether it is the first decision of its case.
    pub opens: bool,
    /// What the policy said.
    ruled: Result<Ruling, Fault>,
    /// What the guardrail said of it.
    review: Option<Result<RulingReview, Fault>>,
    /// The payments that the ruling asks for now; none where nothing falls due now, so that no counter bears on the decision.
    pub asked: Option<Vec<Intent>>,
    /// How the header names the policy's call.
    pub policy_call: Option<PolicyCall>,
    /// How the header names the guardrail's call.
    pub guardrail_call: Option<Call>,
    /// How the header names the calls of the version whose ruling does not stand.
    pub beside_call: Option<BesideCall>,
    /// The bodies of case, ruling and review.
    pub bodies: Bodies,
    /// What runs in shadow when it is answered.
    pub shadow: Option<Box<ShadowRun>>,
    /// Where the time went.
    pub phases: Phases,
    /// Decision and sealed bodies, made before the writer's turn.
    pub ready: Sealed,
}

/// A decision with its sealed bodies. It holds as long as the counters are those it was made with and the key is the
/// subject's; else the writer makes it again.
#[derive(Clone)]
pub struct Sealed {
    /// What was counted when it was made.
    pub counted: Counted,
    /// The decision.
    pub decision: Decision,
    /// The payments it stands for.
    pub paid: Vec<Intent>,
    /// The decision body.
    pub body: String,
    /// What the header commits to.
    pub detached: Detached,
    /// The sealed bodies.
    pub bytes: Vec<u8>,
}

/// What a judged case leaves before it is concluded.
pub struct Draft {
    id: DecisionId,
    case: Case,
    ruled: Result<Ruling, Fault>,
    review: Option<Result<RulingReview, Fault>>,
    judged: Judged,
    asked: Option<Vec<Intent>>,
    policy: Option<PolicyRef>,
    note: Option<RolloutNote>,
    policy_call: Option<PolicyCall>,
    guardrail_call: Option<Call>,
    beside_call: Option<BesideCall>,
    beside_body: Vec<u8>,
    case_body: Vec<u8>,
    ruling_body: Vec<u8>,
    review_body: Vec<u8>,
    phases: Phases,
}

/// How a header names a call.
fn call_of(bound: &Bound, fuel: u64) -> Call {
    Call { component: bound.component, settings: bound.settings_digest, fuel }
}

fn policy_call(bound: &Bound, fuel: u64) -> PolicyCall {
    PolicyCall { name: bound.name.clone(), version: bound.version.clone(), contract: bound.contract.clone(), call: call_of(bound, fuel) }
}

impl Draft {
    /// Puts together what a judged case leaves. `case_body` is the case as its record has it.
    pub fn new(id: DecisionId, case: Case, case_body: Vec<u8>, guardrail: &Bound, answered: Answered<'_>) -> Self {
        let Answered { policy, outcome, beside, note } = answered;
        let Outcome { policy: ruled, review, judged, policy_fuel, guardrail_fuel, log, phases } = outcome;
        Self {
            id,
            policy: policy.map(Bound::reference),
            policy_call: policy.map(|bound| policy_call(bound, policy_fuel)),
            beside_call: beside.as_ref().map(|(bound, outcome)| BesideCall {
                policy: policy_call(bound, outcome.policy_fuel),
                guardrail: outcome.review.as_ref().map(|_| call_of(guardrail, outcome.guardrail_fuel)),
            }),
            beside_body: beside.as_ref().map(|(_, outcome)| BesideBody::of(outcome).to_json()).unwrap_or_default(),
            note,
            guardrail_call: review.is_some().then(|| call_of(guardrail, guardrail_fuel)),
            case_body,
            ruling_body: answer_body(&ruled, &log),
            review_body: review.as_ref().map(|review| answer_body(review, &[])).unwrap_or_default(),
            ruled,
            review,
            asked: (money::due(&judged.ruling) == Due::Now).then(|| asked(&case, &judged.ruling)),
            judged,
            case,
            phases,
        }
    }

    /// The facts.
    pub const fn case(&self) -> &Case {
        &self.case
    }

    /// The payments that the ruling asks for now, if anything falls due now.
    pub fn asked(&self) -> Option<&[Intent]> {
        self.asked.as_deref()
    }

    /// Concludes and seals ahead of the writer's turn.
    pub fn seal(
        self,
        merchant: &MerchantId,
        terms: &Terms,
        counted: Counted,
        at: At,
        key: &DataKey,
        event_body: &[u8],
    ) -> Result<Item, SealError> {
        let Self {
            id,
            case,
            ruled,
            review,
            judged,
            asked,
            policy,
            note,
            policy_call,
            guardrail_call,
            beside_call,
            beside_body,
            case_body,
            ruling_body,
            review_body,
            phases,
        } = self;
        let bodies = Bodies { case_body, ruling_body, review_body, beside_body };
        let (mut decision, paid) = conclude(&case, judged, policy, terms, &counted, at);
        decision.rollout = note;
        let ready = bodies.seal(merchant, &id, key, event_body, counted, decision, paid)?;
        Ok(Item {
            kind: case.kind(),
            id,
            case,
            opens: false,
            ruled,
            review,
            asked,
            policy_call,
            guardrail_call,
            beside_call,
            bodies,
            shadow: None,
            phases,
            ready,
        })
    }
}

/// The bodies that do not depend on counters.
pub struct Bodies {
    case_body: Vec<u8>,
    ruling_body: Vec<u8>,
    review_body: Vec<u8>,
    beside_body: Vec<u8>,
}

impl Bodies {
    #[expect(clippy::too_many_arguments, reason = "a sealed decision has these parts")]
    fn seal(
        &self,
        merchant: &MerchantId,
        id: &DecisionId,
        key: &DataKey,
        event_body: &[u8],
        counted: Counted,
        decision: Decision,
        paid: Vec<Intent>,
    ) -> Result<Sealed, SealError> {
        let body = decision_body(&decision);
        let mut bodies: Vec<(BodyKind, &[u8])> =
            vec![(BodyKind::Event, event_body), (BodyKind::Case, &self.case_body), (BodyKind::Ruling, &self.ruling_body)];
        if !self.review_body.is_empty() {
            bodies.push((BodyKind::Review, &self.review_body));
        }
        bodies.push((BodyKind::Decision, body.as_bytes()));
        if !self.beside_body.is_empty() {
            bodies.push((BodyKind::Beside, &self.beside_body));
        }
        let mut bytes = Vec::new();
        let detached = seal(key, merchant, Of::Decision(id, decision.kind), &bodies, &mut bytes)?;
        Ok(Sealed { counted, decision, paid, body, detached, bytes })
    }
}

impl Item {
    /// The version that ruled; none where no policy is bound.
    pub const fn policy(&self) -> Option<&PolicyRef> {
        self.ready.decision.policy.as_ref()
    }

    /// Fuel of policy and guardrail.
    pub fn fuel(&self) -> u64 {
        let beside = self.beside_call.as_ref().map_or(0, |beside| beside.policy.call.fuel + beside.guardrail.map_or(0, |call| call.fuel));
        self.policy_call.as_ref().map_or(0, |policy| policy.call.fuel) + self.guardrail_call.map_or(0, |call| call.fuel) + beside
    }

    /// Concludes and seals again: the counters moved, or another record drew the subject's key first.
    pub fn again(
        &self,
        merchant: &MerchantId,
        terms: &Terms,
        counted: Counted,
        at: At,
        key: &DataKey,
        event_body: &[u8],
    ) -> Result<Sealed, SealError> {
        let judged = chain::judge(&self.case, &self.ruled, self.review.as_ref(), &terms.fallback, at.now);
        let (mut decision, paid) = conclude(&self.case, judged, self.policy().cloned(), terms, &counted, at);
        decision.rollout.clone_from(&self.ready.decision.rollout);
        self.bodies.seal(merchant, &self.id, key, event_body, counted, decision, paid)
    }
}

/// The payments that a ruling asks for, and every other name under which its late refunds may be on record.
fn asked(case: &Case, ruling: &Ruling) -> Vec<Intent> {
    let mut asked = money::intents(case, ruling);
    if let Case::Delay(case) = case
        && money::amounts(ruling).refund > 0
    {
        let others = money::late_keys(case).into_iter().filter(|late| asked.iter().all(|own| own.name() != late.name()));
        asked.extend(others.collect::<Vec<_>>());
    }
    asked
}
