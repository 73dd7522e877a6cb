//! What the host's own records say about a case, fetched before the policy is called. It becomes part of the case and so of
//! the record: a replay needs no database.

use ombud_rules::contract::after_sale::RequestKind;
use ombud_rules::contract::blacklist::{Criterion, Incident, Stage, Step};
use ombud_rules::contract::delay::Granted;
use ombud_rules::contract::types::{Attribute, CustomerMeasure, Evidence, Fen, InstantMs, ReasonKind, Role, Tri};
use serde::{Deserialize, Serialize};

use crate::ids::ActorId;

/// Everything the host knows that may bear on one event. The default is an empty ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Of the order.
    pub order: OrderHistory,
    /// Of the after-sales case.
    pub case: CaseHistory,
    /// Of the customer.
    pub customer: CustomerHistory,
    /// Of the order's delays.
    pub delay: DelayHistory,
    /// Of the blacklist request.
    pub blacklist: BlacklistHistory,
    /// Of the case a drafted reply is about.
    pub reply: ReplyHistory,
}

/// What was refunded and came back of an order so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderHistory {
    /// By line; lines without records may be left out.
    pub lines: Vec<LineHistory>,
    /// Freight refunded so far, in fen.
    pub freight_refunded: Fen,
}

/// What was refunded and came back of one line so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineHistory {
    /// The line.
    pub line_id: String,
    /// Goods money refunded so far, in fen, compensation not included.
    pub refunded: Fen,
    /// Units that came back in earlier cases.
    pub qty_returned: u32,
}

/// What the host decided in an after-sales case so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseHistory {
    /// Another case for the same units is open.
    pub duplicate_open: bool,
    /// Applications so far in this case.
    pub attempts: u32,
    /// Whether the host has decided in this case: from then on what was approved comes from its own records alone.
    pub decided: bool,
    /// What was approved, if anything.
    pub approved: Option<RequestKind>,
}

/// What the host knows of a customer of this merchant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerHistory {
    /// Malicious returns that a supervisor confirmed in the last 180 days.
    pub malicious_returns: u32,
    /// Whether extortion was flagged.
    pub extortion: bool,
    /// After-sales cases that are open.
    pub open_after_sales: u32,
}

/// What was granted and paid for the delays of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DelayHistory {
    /// What was refunded of the order's lines so far, but by the episodes at hand: those state it again.
    pub lines: Vec<LineHistory>,
    /// Compensation granted so far.
    pub grants: Vec<Granted>,
    /// Episodes that go by the id of an after-sales case of the order: a late refund is that case's.
    pub own_cases: Vec<String>,
    /// After-sales cases that the delay's attributes name and that belong to another order or customer.
    pub foreign_cases: Vec<String>,
}

/// What the host knows for a blacklist case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlacklistHistory {
    /// The request, once it was submitted.
    pub request: Option<RequestState>,
    /// The measure in force against the customer.
    pub measure: CustomerMeasure,
    /// End of that measure.
    pub review_by: Option<InstantMs>,
    /// Whether it is in force on this very request.
    pub on_this_request: bool,
}

impl Default for BlacklistHistory {
    fn default() -> Self {
        Self { request: None, measure: CustomerMeasure::None, review_by: None, on_this_request: false }
    }
}

/// A blacklist request as its records leave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestState {
    /// The customer.
    pub customer_ref: String,
    /// How far the chain has come.
    pub stage: Stage,
    /// What the customer is said to have done.
    pub criterion: Criterion,
    /// Who submitted the current round.
    pub submitter_id: String,
    /// In which role.
    pub submitter_role: Role,
    /// The single occurrences.
    pub incidents: Vec<Incident>,
    /// Evidence held.
    pub evidence: Vec<Evidence>,
    /// Whether milder means were tried.
    pub alternatives_tried: Tri,
    /// Whether the impact was assessed.
    pub impact_assessed: Tri,
    /// Whether the platform's rules allow it.
    pub platform_rule_ok: Tri,
    /// Whether nothing but lawful conduct is held against the customer.
    pub protected_conduct_only: Tri,
    /// Open after-sales cases of the customer that the helpdesk knows of, by the last act that said how many; none said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_after_sales: Option<u32>,
    /// Steps of the current round, oldest first.
    pub steps: Vec<Step>,
    /// What version 1 did not foresee.
    pub attributes: Vec<Attribute>,
}

/// What was approved in the case a drafted reply is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplyHistory {
    /// Whether the host has decided in that case: from then on its amounts alone count.
    pub decided: bool,
    /// Compensation approved, in fen.
    pub compensation: Fen,
    /// Refund approved, in fen; none = no after-sales case.
    pub refund: Option<Fen>,
    /// Why the buyer applied, where the event does not say it.
    pub reason: Option<ReasonKind>,
}

/// The authenticated person behind a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub id: ActorId,
    /// In which role, as the contract names roles.
    pub role: Role,
}
