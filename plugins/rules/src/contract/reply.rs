//! Compliance of a drafted reply: `ombud:policy/reply-types`.

use super::types::{Attribute, Fen, InstantMs, ItemCategory, Notes, ReasonKind, Role, RuleId, Severity, Surface, Tri};

contract_record! {
    /// phrase = the literal claim; source = test report, price log id, award.
    pub struct Substantiation {
        pub phrase: String,
        pub source: String,
    }
}

contract_record! {
    pub struct ProductFacts {
        pub category: ItemCategory,
        pub stock: Option<u32>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub known_defects: Vec<String>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub substantiated: Vec<Substantiation>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub approved_health_claims: Vec<String>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub price_evidence: Tri,
    }
}

contract_record! {
    pub struct ReplyCase {
        pub reply_id: String,
        pub text: String,
        pub author_role: Role,
        /// A bot's reply is shown as written by AI.
        pub ai_labelled: bool,
        pub surface: Surface,
        pub official_contact_allowed: bool,
        pub product: Option<ProductFacts>,
        /// Numbers that look like personal data but are business ids (order, tracking, after-sale ids).
        #[cfg_attr(feature = "serde", serde(default))]
        pub known_ids: Vec<String>,
        /// Reason of the after-sale case under discussion, if any.
        pub case_reason: Option<ReasonKind>,
        /// Delivery time expected by the carrier.
        pub eta: Option<InstantMs>,
        pub approved_compensation: Fen,
        /// Refund decided in the case under discussion; none = no case.
        pub approved_refund: Option<Fen>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub attributes: Vec<Attribute>,
    }
}

contract_enum! {
    Verdict {
        Pass = "pass",
        PassWithWarnings = "pass-with-warnings",
        PassMasked = "pass-masked",
        HoldForEvidence = "hold-for-evidence",
        Block = "block",
    }
}

contract_enum! {
    Action {
        None = "none",
        Warn = "warn",
        Mask = "mask",
        Evidence = "evidence",
        Stop = "stop",
    }
}

contract_record! {
    pub struct Finding {
        pub rule: RuleId,
        pub category: String,
        pub severity: Severity,
        /// none = exempt or refuted by the facts; recorded, never counted.
        pub action: Action,
        /// Unicode scalar values of the ORIGINAL text, half-open.
        pub start: u32,
        pub end: u32,
        pub matched: String,
        pub exemption: Option<String>,
        pub suggestion_key: String,
    }
}

contract_record! {
    pub struct ReplyRuling {
        pub verdict: Verdict,
        pub findings: Vec<Finding>,
        pub masked_text: String,
        pub notes: Notes,
    }
}
