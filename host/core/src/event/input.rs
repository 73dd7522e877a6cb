//! The typed objects of an event's `data` that differ from the contract's records: what the host itself knows or decides
//! is not the caller's to say.

use ombud_rules::contract::after_sale::{ConditionFacts, LineRequest, ParcelContent, RequestKind, Stage};
use ombud_rules::contract::blacklist::{Criterion, Incident, Verdict};
use ombud_rules::contract::types::{Attribute, Bp, Evidence, Fen, InstantMs, Platform, ReasonKind, Tri};
use serde::Deserialize;

use crate::ids::{CustomerRef, MerchantId};
use crate::limits::{EVIDENCE_MAX, INCIDENTS_MAX, LINES_MAX, TZ_OFFSET_MIN};
use crate::schema::Bound;
use crate::schema::bound::{bounded, free};
use crate::schema::contract::ATTRIBUTES;

/// Derives what every object of an event has.
macro_rules! input {
    ($(#[$meta:meta])* $name:ident { $($fields:tt)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($fields)* }
    };
}

input! {
    /// The after-sales case as the platform reports it: the contract's case without order and customer. Counts that the
    /// host keeps too may be left out.
    AfterSaleInput {
        /// The platform's id of the case.
        pub after_sale_id: String,
        /// Set by the event type where that fixes it.
        pub stage: Option<Stage>,
        /// What the buyer asks for.
        pub request: RequestKind,
        /// What was approved earlier in this case; the host's own decisions outrank it.
        pub agreed_resolution: Option<RequestKind>,
        /// Why.
        pub reason: ReasonKind,
        /// When the buyer applied, epoch milliseconds.
        pub applied_at: InstantMs,
        /// The lines and units asked for.
        pub lines: Vec<LineRequest>,
        /// What the buyer wants back, in fen.
        pub requested_amount: Option<Fen>,
        /// What the buyer wants beyond the refund, in fen.
        pub extra_compensation_demand: Option<Fen>,
        /// The state of the goods; what is not said is unknown.
        #[serde(default = "unknown_condition")]
        pub condition: ConditionFacts,
        /// Evidence held, without the media.
        #[serde(default)]
        pub evidence: Vec<Evidence>,
        /// Spoiled part of the goods, in basis points.
        pub spoiled_share: Option<Bp>,
        /// Whether remote help was tried.
        #[serde(default)]
        pub troubleshooting_done: Tri,
        /// Repairs that did not mend it.
        #[serde(default)]
        pub repairs_failed: u32,
        /// Days the goods have been in repair.
        #[serde(default)]
        pub repair_open_days: u32,
        /// When the returned goods arrived.
        pub return_received_at: Option<InstantMs>,
        /// What was in the returned parcel.
        #[serde(default = "unknown_parcel")]
        pub parcel_content: ParcelContent,
        /// Another case for the same units is open; the host counts too.
        #[serde(default)]
        pub duplicate_active: bool,
        /// Applications so far in this case; the host counts too.
        #[serde(default)]
        pub attempts_used: u32,
        /// What version 1 did not foresee.
        #[serde(default)]
        pub attributes: Vec<Attribute>,
    }
}

input! {
    /// What the helpdesk knows of the customer; the host adds its own counts.
    CustomerInput {
        /// The same reference as in `data.customer_ref`, if it is given again.
        pub customer_ref: Option<CustomerRef>,
        /// Confirmed malicious returns in the last 180 days.
        #[serde(default)]
        pub malicious_returns: u32,
        /// Whether extortion was flagged.
        #[serde(default)]
        pub extortion_flag: Tri,
    }
}

input! {
    /// The merchant as the caller names it: checked against the configuration, never taken from the event.
    MerchantClaim {
        /// The merchant of the path.
        pub merchant_id: Option<MerchantId>,
        /// The shop's id on the platform.
        pub shop_id: Option<String>,
        /// The platform.
        pub platform: Option<Platform>,
        /// Minutes east of UTC.
        pub tz_offset_min: Option<i32>,
    }
}

input! {
    /// A blacklist request. Stage, steps, submitter and measure in force are the host's own: a step is one act of the
    /// authenticated person.
    BlacklistRequest {
        /// The request's id; the same id again is the next round.
        pub request_id: String,
        /// What the customer is said to have done.
        pub criterion: Criterion,
        /// The single occurrences.
        #[serde(default)]
        pub incidents: Vec<Incident>,
        /// Evidence held, without the media.
        #[serde(default)]
        pub evidence: Vec<Evidence>,
        /// Whether milder means were tried.
        #[serde(default)]
        pub alternatives_tried: Tri,
        /// Whether the impact was assessed.
        #[serde(default)]
        pub impact_assessed: Tri,
        /// Whether the platform's rules allow it.
        #[serde(default)]
        pub platform_rule_ok: Tri,
        /// Whether nothing but lawful conduct is held against the customer.
        #[serde(default)]
        pub protected_conduct_only: Tri,
        /// Open after-sales cases of the customer that the helpdesk knows of; left out, as many as an earlier act said. The host counts
        /// too.
        pub open_after_sales: Option<u32>,
        /// What version 1 did not foresee.
        #[serde(default)]
        pub attributes: Vec<Attribute>,
    }
}

input! {
    /// One person's verdict on a blacklist request; who it is comes from the API key.
    BlacklistVerdict {
        /// The request.
        pub request_id: String,
        /// The verdict.
        pub verdict: Verdict,
        /// Why.
        #[serde(default)]
        pub note: String,
        /// Evidence added with the verdict.
        #[serde(default)]
        pub evidence: Vec<Evidence>,
        /// Open after-sales cases of the customer that the helpdesk knows of; left out, as many as an earlier act said. The host counts
        /// too.
        pub open_after_sales: Option<u32>,
    }
}

input! {
    /// The measure in force of a request is due for review.
    BlacklistReview {
        /// The request.
        pub request_id: String,
    }
}

input! {
    /// The customer's appeal against the measure that followed from a request; what is appealed is what is in force.
    BlacklistAppeal {
        /// The request.
        pub request_id: String,
    }
}

input! {
    /// The numbers of one window, for alerts and the traffic level.
    Metrics {
        /// Longest wait, in milliseconds.
        pub max_wait_ms: Option<i64>,
        /// Messages nobody has answered.
        pub unanswered_backlog: Option<i64>,
        /// Satisfaction, in basis points.
        pub satisfaction: Option<i64>,
        /// Complaints in the window.
        pub complaints: Option<i64>,
        /// Complaints per inquiries, in basis points.
        pub complaint_rate: Option<i64>,
        /// The same window over the previous seven days, in basis points.
        pub complaint_rate_baseline: Option<i64>,
        /// Inquiries in the window.
        pub inquiries: Option<i64>,
        /// The usual number of inquiries.
        pub inquiries_baseline: Option<i64>,
        /// Time online, in basis points.
        pub online_rate: Option<i64>,
        /// Whether a system failed.
        pub system_error: Option<bool>,
    }
}

/// One act on a blacklist request, or its review by the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlacklistInput {
    /// Submitted, or submitted again.
    Request(BlacklistRequest),
    /// One person's verdict.
    Verdict(BlacklistVerdict),
    /// The measure in force is due for review.
    Review(BlacklistReview),
    /// The customer appeals.
    Appeal(BlacklistAppeal),
}

impl BlacklistInput {
    /// The request it is about.
    pub fn request_id(&self) -> &str {
        match self {
            Self::Request(request) => &request.request_id,
            Self::Verdict(verdict) => &verdict.request_id,
            Self::Review(review) => &review.request_id,
            Self::Appeal(appeal) => &appeal.request_id,
        }
    }
}

impl From<BlacklistRequest> for BlacklistInput {
    fn from(request: BlacklistRequest) -> Self {
        Self::Request(request)
    }
}

impl From<BlacklistVerdict> for BlacklistInput {
    fn from(verdict: BlacklistVerdict) -> Self {
        Self::Verdict(verdict)
    }
}

impl From<BlacklistAppeal> for BlacklistInput {
    fn from(appeal: BlacklistAppeal) -> Self {
        Self::Appeal(appeal)
    }
}

impl From<BlacklistReview> for BlacklistInput {
    fn from(review: BlacklistReview) -> Self {
        Self::Review(review)
    }
}

fn unknown_condition() -> ConditionFacts {
    ConditionFacts {
        opened: Tri::Unknown,
        inner_seal_broken: Tri::Unknown,
        tags_removed: Tri::Unknown,
        soiled_or_damaged: Tri::Unknown,
        activated: Tri::Unknown,
        used_beyond_inspection: Tri::Unknown,
        unauthorized_repair: Tri::Unknown,
        accessories_complete: Tri::Unknown,
        human_damage: Tri::Unknown,
    }
}

fn unknown_parcel() -> ParcelContent {
    ParcelContent::Unknown
}

free!(CustomerRef, MerchantId);

/// A share or rate, in basis points; a rate of complaints may exceed the whole.
const RATE: Bound = Bound::QUANTITY;
/// A duration in milliseconds: at most a year.
const DURATION: Bound = Bound::Whole(0, 366 * 24 * 3_600_000);
const TZ_OFFSET: Bound = Bound::Whole(*TZ_OFFSET_MIN.start() as i64, *TZ_OFFSET_MIN.end() as i64);

bounded! { INPUT:
    AfterSaleInput {
        after_sale_id: Bound::Id, stage: Bound::Free, request: Bound::Free, agreed_resolution: Bound::Free, reason: Bound::Free,
        applied_at: Bound::INSTANT, lines: Bound::records(LINES_MAX), requested_amount: Bound::MONEY,
        extra_compensation_demand: Bound::MONEY, condition: Bound::Nested, evidence: Bound::records(EVIDENCE_MAX),
        spoiled_share: Bound::QUANTITY, troubleshooting_done: Bound::Free, repairs_failed: Bound::QUANTITY,
        repair_open_days: Bound::QUANTITY, return_received_at: Bound::INSTANT, parcel_content: Bound::Free,
        duplicate_active: Bound::Free, attempts_used: Bound::QUANTITY, attributes: ATTRIBUTES,
    }
    CustomerInput { customer_ref: Bound::Free, malicious_returns: Bound::QUANTITY, extortion_flag: Bound::Free }
    MerchantClaim { merchant_id: Bound::Free, shop_id: Bound::TEXT, platform: Bound::Free, tz_offset_min: TZ_OFFSET }
    BlacklistRequest {
        request_id: Bound::Id, criterion: Bound::Free, incidents: Bound::records(INCIDENTS_MAX), evidence: Bound::records(EVIDENCE_MAX),
        alternatives_tried: Bound::Free, impact_assessed: Bound::Free, platform_rule_ok: Bound::Free, protected_conduct_only: Bound::Free,
        open_after_sales: Bound::QUANTITY, attributes: ATTRIBUTES,
    }
    BlacklistVerdict {
        request_id: Bound::Id, verdict: Bound::Free, note: Bound::TEXT, evidence: Bound::records(EVIDENCE_MAX),
        open_after_sales: Bound::QUANTITY,
    }
    BlacklistReview { request_id: Bound::Id }
    BlacklistAppeal { request_id: Bound::Id }
    Metrics {
        max_wait_ms: DURATION, unanswered_backlog: Bound::QUANTITY, satisfaction: RATE, complaints: Bound::QUANTITY,
        complaint_rate: RATE, complaint_rate_baseline: RATE, inquiries: Bound::QUANTITY, inquiries_baseline: Bound::QUANTITY,
        online_rate: RATE, system_error: Bound::Free,
    }
}
