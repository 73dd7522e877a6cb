//! Refund, return, exchange and repair: `ombud:policy/after-sale-types`.

use super::types::{Attribute, Bp, Evidence, Fen, InstantMs, ItemCategory, Notes, ReasonKind, Tri};

contract_enum! {
    RequestKind {
        RefundOnly = "refund-only",
        ReturnRefund = "return-refund",
        Exchange = "exchange",
        Repair = "repair",
        Resend = "resend",
        Unspecified = "unspecified",
    }
}

contract_enum! {
    Stage {
        Requested = "requested",
        EvidenceAdded = "evidence-added",
        ReturnInTransit = "return-in-transit",
        ReturnReceived = "return-received",
        Arbitration = "arbitration",
        Closed = "closed",
    }
}

contract_enum! {
    ParcelContent {
        Ok = "ok",
        Empty = "empty",
        WrongItem = "wrong-item",
        Incomplete = "incomplete",
        Unknown = "unknown",
    }
}

contract_enum! {
    /// Art. 7 of the seven-day rules: goods that MAY be excluded when confirmed at purchase.
    MayExcludeClass {
        None = "none",
        OpenedHealthOrQuality = "opened-health-or-quality",
        ActivationDepreciation = "activation-depreciation",
        DisclosedNearExpiry = "disclosed-near-expiry",
        DisclosedDefect = "disclosed-defect",
    }
}

contract_record! {
    pub struct OrderLine {
        pub line_id: String,
        pub sku_id: String,
        pub qty: u32,
        /// Units that came back in earlier cases.
        pub qty_returned: u32,
        /// Deal price of one unit before order-level discounts.
        pub unit_price: Fen,
        /// Platform-reported buyer-paid amount of the whole line; used when every line of the order has it.
        pub paid: Option<Fen>,
        pub category: ItemCategory,
        #[cfg_attr(feature = "serde", serde(default))]
        pub custom_made: Tri,
        pub may_exclude: MayExcludeClass,
        pub exclusion_marked: bool,
        /// Explicit per-purchase confirmation; a pre-ticked box is NOT a confirmation.
        pub exclusion_confirmed: bool,
        pub promised_no_reason_days: Option<u32>,
        pub three_guarantee: bool,
        pub durable_burden: bool,
        pub warranty_days: Option<u32>,
        pub recalled: bool,
        /// First carrier scan; for digital goods and services the time of delivery.
        pub shipped_at: Option<InstantMs>,
        pub signed_at: Option<InstantMs>,
        pub picked_up_at: Option<InstantMs>,
        /// no = handed over in person or no locker scan; unknown = locker scan without a record of consent.
        #[cfg_attr(feature = "serde", serde(default))]
        pub locker_without_consent: Tri,
        /// Goods money already refunded for this line, compensation not included.
        pub refunded: Fen,
    }
}

contract_record! {
    pub struct ThresholdPromo {
        pub threshold: Fen,
        pub reduce_by: Fen,
        pub disclosed: bool,
    }
}

contract_record! {
    pub struct BundlePromo {
        pub line_ids: Vec<String>,
        pub bundle_off: Fen,
        pub disclosed: bool,
    }
}

contract_record! {
    /// returned: yes = came or will come back; no = the buyer keeps it; unknown = not said yet.
    pub struct Gift {
        pub gift_id: String,
        pub tied_to_threshold: Option<Fen>,
        pub tied_to_line: Option<String>,
        pub marked_price: Option<Fen>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub returned: Tri,
    }
}

contract_record! {
    pub struct FreeShip {
        pub threshold: Fen,
        pub would_be_freight: Fen,
        pub disclosed: bool,
    }
}

contract_enum! {
    PayChannel {
        CashChannel = "cash-channel",
        Points = "points",
        PlatformCoupon = "platform-coupon",
        MerchantCoupon = "merchant-coupon",
        Balance = "balance",
        Installment = "installment",
    }
}

contract_record! {
    /// fee = card fee the merchant bore.
    pub struct Payment {
        pub channel: PayChannel,
        pub amount: Fen,
        pub fee: Fen,
    }
}

contract_flags! {
    OrderFlags {
        PRESALE_DEPOSIT = "presale-deposit",
        CROSS_BORDER = "cross-border",
        GIFT_ORDER = "gift-order",
        MINOR_BUYER = "minor-buyer",
    }
}

contract_record! {
    pub struct Order {
        pub order_id: String,
        pub paid_at: Option<InstantMs>,
        pub promised_ship_by: Option<InstantMs>,
        pub freight_paid: Fen,
        pub freight_refunded: Fen,
        pub lines: Vec<OrderLine>,
        pub threshold: Option<ThresholdPromo>,
        pub bundle: Option<BundlePromo>,
        /// All platform-funded reductions, platform coupons included.
        pub platform_discount: Fen,
        pub free_ship: Option<FreeShip>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub gifts: Vec<Gift>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub payments: Vec<Payment>,
        pub freight_insurance: bool,
        pub merchant_pays_return_freight: bool,
        pub buyer_chose_carrier: bool,
        pub special: OrderFlags,
    }
}

contract_record! {
    pub struct ConditionFacts {
        #[cfg_attr(feature = "serde", serde(default))]
        pub opened: Tri,
        #[cfg_attr(feature = "serde", serde(default))]
        pub inner_seal_broken: Tri,
        #[cfg_attr(feature = "serde", serde(default))]
        pub tags_removed: Tri,
        #[cfg_attr(feature = "serde", serde(default))]
        pub soiled_or_damaged: Tri,
        /// Activated, or downloaded.
        #[cfg_attr(feature = "serde", serde(default))]
        pub activated: Tri,
        #[cfg_attr(feature = "serde", serde(default))]
        pub used_beyond_inspection: Tri,
        #[cfg_attr(feature = "serde", serde(default))]
        pub unauthorized_repair: Tri,
        #[cfg_attr(feature = "serde", serde(default))]
        pub accessories_complete: Tri,
        #[cfg_attr(feature = "serde", serde(default))]
        pub human_damage: Tri,
    }
}

contract_record! {
    pub struct LineRequest {
        pub line_id: String,
        pub qty: u32,
    }
}

contract_record! {
    pub struct CustomerFacts {
        /// Pseudonymous id, scoped to one merchant. Never a phone or open id in clear.
        pub customer_ref: String,
        /// Confirmed malicious returns in the last 180 days.
        pub malicious_returns: u32,
        #[cfg_attr(feature = "serde", serde(default))]
        pub extortion_flag: Tri,
    }
}

contract_record! {
    pub struct AfterSaleCase {
        pub after_sale_id: String,
        pub stage: Stage,
        pub request: RequestKind,
        /// What was approved earlier in this case, if anything.
        pub agreed_resolution: Option<RequestKind>,
        pub reason: ReasonKind,
        pub applied_at: InstantMs,
        pub lines: Vec<LineRequest>,
        pub requested_amount: Option<Fen>,
        pub extra_compensation_demand: Option<Fen>,
        pub condition: ConditionFacts,
        #[cfg_attr(feature = "serde", serde(default))]
        pub evidence: Vec<Evidence>,
        pub spoiled_share: Option<Bp>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub troubleshooting_done: Tri,
        pub repairs_failed: u32,
        pub repair_open_days: u32,
        pub return_received_at: Option<InstantMs>,
        /// Read at stage return-received only.
        pub parcel_content: ParcelContent,
        pub duplicate_active: bool,
        pub attempts_used: u32,
        pub order: Order,
        pub customer: CustomerFacts,
        #[cfg_attr(feature = "serde", serde(default))]
        pub attributes: Vec<Attribute>,
    }
}

contract_enum! {
    Outcome {
        ApproveRefundOnly = "approve-refund-only",
        ApproveReturnRefund = "approve-return-refund",
        ApproveExchange = "approve-exchange",
        ApproveRepair = "approve-repair",
        ApproveResend = "approve-resend",
        ApprovePartialRefund = "approve-partial-refund",
        RefundNow = "refund-now",
        OfferOptions = "offer-options",
        InterceptThenRefund = "intercept-then-refund",
        Investigate = "investigate",
        NeedEvidence = "need-evidence",
        RejectWithAlternative = "reject-with-alternative",
        Reject = "reject",
        RejectDuplicate = "reject-duplicate",
        HumanReview = "human-review",
        Escalate = "escalate",
        InvalidInput = "invalid-input",
    }
}

contract_enum! {
    Payer {
        Merchant = "merchant",
        Buyer = "buyer",
        Insurer = "insurer",
        Carrier = "carrier",
        NotApplicable = "not-applicable",
    }
}

contract_record! {
    pub struct AmountLine {
        pub code: String,
        pub amount: Fen,
    }
}

contract_record! {
    pub struct AfterSaleRuling {
        pub outcome: Outcome,
        pub options: Vec<RequestKind>,
        pub refund: Fen,
        pub breakdown: Vec<AmountLine>,
        pub return_freight: Payer,
        pub window_deadline: Option<InstantMs>,
        pub refund_deadline: Option<InstantMs>,
        pub statutory_exposure: Option<Fen>,
        pub missing_evidence: Vec<String>,
        pub notes: Notes,
    }
}
