//! The host's own money limits (domain policies 5.8): after the guardrails, before the record, the same for every policy.
//!
//! The check is pure: what is already used comes in, breaches come out. Counting happens in the transaction that writes
//! the record, so that two decisions at the same moment cannot both pass.

use serde::{Deserialize, Serialize};

use crate::money::{Amounts, Due};

/// The only currency of contract version 1.
pub const CURRENCY: &str = "CNY";

/// The cap that lowers a refund to what is left; the others ask a person.
pub const BALANCE: &str = "CAP-01";

/// The cap on a currency that the amounts are not in.
pub const OTHER_CURRENCY: &str = "CAP-02";

/// The cap that lets no intent be paid twice.
pub const PAID_BEFORE: &str = "CAP-03";

/// A merchant's caps in fen, each at most the operator's bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CapLimits {
    /// CAP-11: automatic refunds of one order over its life.
    pub order_refund_auto_fen_max: i64,
    /// CAP-12: cash and face value of goodwill of one order over its life.
    pub order_goodwill_fen_max: i64,
    /// CAP-21: automatic refunds of one customer in the 24 h before the decision.
    pub customer_24h_refund_fen_max: i64,
    /// CAP-22: goodwill of one customer in the 24 h before the decision.
    pub customer_24h_goodwill_fen_max: i64,
    /// CAP-31: automatic refunds of the merchant's civil day.
    pub merchant_day_refund_fen_max: i64,
    /// CAP-32: goodwill of the merchant's civil day.
    pub merchant_day_goodwill_fen_max: i64,
    /// Share of a cap at which it warns, in basis points, 1 to 10 000.
    pub warn_at_bp: u32,
}

impl Default for CapLimits {
    fn default() -> Self {
        Self {
            order_refund_auto_fen_max: 500_000,
            order_goodwill_fen_max: 20_000,
            customer_24h_refund_fen_max: 1_000_000,
            customer_24h_goodwill_fen_max: 20_000,
            merchant_day_refund_fen_max: 20_000_000,
            merchant_day_goodwill_fen_max: 2_000_000,
            warn_at_bp: 8_000,
        }
    }
}

impl CapLimits {
    /// Names of the caps that are above `bound`, the operator's upper bound.
    pub fn above(&self, bound: &Self) -> Vec<&'static str> {
        let pairs = [
            ("order_refund_auto_fen_max", self.order_refund_auto_fen_max, bound.order_refund_auto_fen_max),
            ("order_goodwill_fen_max", self.order_goodwill_fen_max, bound.order_goodwill_fen_max),
            ("customer_24h_refund_fen_max", self.customer_24h_refund_fen_max, bound.customer_24h_refund_fen_max),
            ("customer_24h_goodwill_fen_max", self.customer_24h_goodwill_fen_max, bound.customer_24h_goodwill_fen_max),
            ("merchant_day_refund_fen_max", self.merchant_day_refund_fen_max, bound.merchant_day_refund_fen_max),
            ("merchant_day_goodwill_fen_max", self.merchant_day_goodwill_fen_max, bound.merchant_day_goodwill_fen_max),
        ];
        pairs.into_iter().filter(|(_, own, most)| *own > *most || *own < 0).map(|(name, _, _)| name).collect()
    }
}

/// What was counted before this decision, in fen; part of the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct CapUsage {
    /// Automatic refunds of the order.
    pub order_refund: i64,
    /// Goodwill of the order.
    pub order_goodwill: i64,
    /// Automatic refunds of the customer, last 24 h.
    pub customer_24h_refund: i64,
    /// Goodwill of the customer, last 24 h.
    pub customer_24h_goodwill: i64,
    /// Automatic refunds of the merchant's day.
    pub merchant_day_refund: i64,
    /// Goodwill of the merchant's day.
    pub merchant_day_goodwill: i64,
}

/// What a ruling asks of the caps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// When the money falls due.
    pub due: Due,
    /// The ruling's amounts.
    pub amounts: Amounts,
    /// What may still be refunded (CAP-01); none where the kind pays no refund.
    pub balance: Option<i64>,
    /// The merchant's settling currency (CAP-02).
    pub currency: String,
    /// An intent of this ruling is already paid (CAP-03).
    pub already_paid: bool,
    /// Part of the refund that restates an intent on record and therefore counts nothing.
    pub restated: i64,
}

/// What the caps say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CapResult {
    /// Within every cap.
    Uphold,
    /// The refund was lowered to the balance.
    Amend,
    /// A person decides.
    Escalate,
}

/// One cap that was exceeded, or nears its limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CapMark {
    /// `CAP-01` …
    pub cap: String,
    /// Fen counted before.
    pub used: i64,
    /// Fen asked for now.
    pub asked: i64,
    /// The cap in fen.
    pub limit: i64,
}

/// An intent on record that a decision states again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Restated {
    /// `PAYMENT KEY`.
    pub intent: String,
    /// Fen on record; 0 where they are another order's or another customer's, of which nothing may be stated again (CAP-03).
    pub amount: i64,
}

/// What another decision of the same event refunds of a line of the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LineRefund {
    /// The line.
    pub line_id: String,
    /// Fen.
    pub refunded: i64,
}

/// The caps' part of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CapReview {
    /// What follows.
    pub result: CapResult,
    /// Every cap exceeded.
    pub breaches: Vec<CapMark>,
    /// Caps that this decision brings to `warn_at_bp` or above.
    pub warnings: Vec<CapMark>,
    /// What was counted before.
    pub used: CapUsage,
    /// Intents of this decision that were on record before it, as `PAYMENT KEY`.
    pub on_record: Vec<String>,
    /// How much of those a decision may state again without counting it. Records from before amounts were kept have none:
    /// in them a restatement counts nothing at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restated: Vec<Restated>,
    /// What decisions of the same event that come before this one refund of the order's lines: its case, which was there before them, does not
    /// have it. Only where there is some, and not in records from before the third edition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<LineRefund>,
    /// The caps in force.
    pub limits: CapLimits,
    /// What this decision counts, in fen; zero unless its money is due and nothing was exceeded.
    pub counted: Amounts,
    /// The refund that stands, in fen.
    pub refund: i64,
}

/// Checks a demand. Exactly the cap is allowed; all breaches are reported.
pub fn check(demand: &Demand, used: &CapUsage, limits: &CapLimits) -> CapReview {
    let mut review = CapReview {
        result: CapResult::Uphold,
        breaches: Vec::new(),
        warnings: Vec::new(),
        used: *used,
        on_record: Vec::new(),
        restated: Vec::new(),
        beside: Vec::new(),
        limits: limits.clone(),
        counted: Amounts::default(),
        refund: demand.amounts.refund,
    };
    if demand.due == Due::Proposal {
        return review;
    }
    if let Some(balance) = demand.balance.map(|balance| balance.max(0)).filter(|balance| demand.amounts.refund > *balance) {
        review.breach(BALANCE, 0, demand.amounts.refund, balance);
        review.refund = balance;
        review.result = CapResult::Amend;
    }
    let amounts = Amounts { refund: review.refund, ..demand.amounts };
    let mut escalate = false;
    if amounts.any() && demand.currency != CURRENCY {
        review.breach(OTHER_CURRENCY, 0, amounts.refund.saturating_add(amounts.goodwill()), 0);
        escalate = true;
    }
    if demand.due == Due::Now {
        if demand.already_paid {
            review.breach(PAID_BEFORE, 1, 1, 1);
            escalate = true;
        }
        let refund = amounts.refund.saturating_sub(demand.restated).max(0);
        let goodwill = amounts.goodwill();
        for (cap, used, asked, limit) in [
            ("CAP-11", used.order_refund, refund, limits.order_refund_auto_fen_max),
            ("CAP-12", used.order_goodwill, goodwill, limits.order_goodwill_fen_max),
            ("CAP-21", used.customer_24h_refund, refund, limits.customer_24h_refund_fen_max),
            ("CAP-22", used.customer_24h_goodwill, goodwill, limits.customer_24h_goodwill_fen_max),
            ("CAP-31", used.merchant_day_refund, refund, limits.merchant_day_refund_fen_max),
            ("CAP-32", used.merchant_day_goodwill, goodwill, limits.merchant_day_goodwill_fen_max),
        ] {
            let total = used.saturating_add(asked);
            if asked > 0 && total > limit {
                review.breach(cap, used, asked, limit);
                escalate = true;
            } else if asked > 0 && i128::from(total) * 10_000 >= i128::from(limit) * i128::from(limits.warn_at_bp) {
                review.warnings.push(CapMark { cap: cap.into(), used, asked, limit });
            }
        }
        if !escalate {
            review.counted = Amounts { refund, ..amounts };
        }
    }
    if escalate {
        review.result = CapResult::Escalate;
    }
    review
}

impl CapReview {
    fn breach(&mut self, cap: &str, used: i64, asked: i64, limit: i64) {
        self.breaches.push(CapMark { cap: cap.to_owned(), used, asked, limit });
    }
}
