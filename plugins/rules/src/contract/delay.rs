//! Compensation for delays: `ombud:policy/delay-types`.

use super::types::{Attribute, Fen, InstantMs, Notes, Tri};

contract_enum! {
    /// Declared in descending priority.
    DelayKind {
        RefundProcessing = "refund-processing",
        Exchange = "exchange",
        Repair = "repair",
        Shipping = "shipping",
        InTransit = "in-transit",
    }
}

contract_enum! {
    Cause {
        MerchantStock = "merchant-stock",
        MerchantOps = "merchant-ops",
        Carrier = "carrier",
        Buyer = "buyer",
        AgreedExtension = "agreed-extension",
        ForceMajeure = "force-majeure",
        Platform = "platform",
        PaymentChannel = "payment-channel",
        Unknown = "unknown",
    }
}

contract_enum! {
    CompForm {
        None = "none",
        Coupon = "coupon",
        SampleGift = "sample-gift",
        CashRefund = "cash-refund",
        Solatium = "solatium",
    }
}

contract_record! {
    /// One for all lines that share kind, due and done.
    pub struct Episode {
        pub episode_id: String,
        pub kind: DelayKind,
        /// Start of the clock: payment, goods received back, application approved.
        pub basis_at: InstantMs,
        pub due: InstantMs,
        pub done: Option<InstantMs>,
        pub merchant_marked_done: Option<InstantMs>,
        pub cause: Cause,
        /// Proof held for a cause that would excuse (buyer, agreed-extension, force-majeure).
        #[cfg_attr(feature = "serde", serde(default))]
        pub cause_proven: Tri,
        pub cause_began_at: Option<InstantMs>,
        pub cause_notified_at: Option<InstantMs>,
        pub line_ids: Vec<String>,
        pub refund_owed: Fen,
        pub refund_paid: Fen,
    }
}

contract_record! {
    pub struct DelayLine {
        pub line_id: String,
        pub paid: Fen,
        pub refunded: Fen,
    }
}

contract_record! {
    pub struct Granted {
        pub episode_id: String,
        pub form: CompForm,
        pub value: Fen,
        pub by_platform: bool,
    }
}

contract_record! {
    /// Carries nothing about the customer but the extortion flag: the same delay gives the same money.
    pub struct DelayCase {
        pub order_id: String,
        pub lines: Vec<DelayLine>,
        pub episodes: Vec<Episode>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub already: Vec<Granted>,
        pub demanded: Option<Fen>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub extortion_flag: Tri,
        #[cfg_attr(feature = "serde", serde(default))]
        pub attributes: Vec<Attribute>,
    }
}

contract_enum! {
    Tier {
        None = "none",
        Slight = "slight",
        Moderate = "moderate",
        Severe = "severe",
    }
}

contract_record! {
    pub struct Award {
        pub episode_id: String,
        pub kind: DelayKind,
        pub tier: Tier,
        pub overdue_ms: i64,
        pub form: CompForm,
        pub value: Fen,
        pub refund_due: Fen,
        pub suppressed_by: Option<String>,
    }
}

contract_enum! {
    Outcome {
        None = "none",
        CareOnly = "care-only",
        Compensate = "compensate",
        CompensateWithApproval = "compensate-with-approval",
        HumanReview = "human-review",
        Escalate = "escalate",
    }
}

contract_record! {
    pub struct DelayRuling {
        pub outcome: Outcome,
        pub processing_order: Vec<String>,
        pub awards: Vec<Award>,
        pub total_cash: Fen,
        pub total_coupon: Fen,
        pub total_refund_due: Fen,
        pub notes: Notes,
    }
}
