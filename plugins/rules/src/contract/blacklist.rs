//! The approval chain of a blacklist request: `ombud:policy/blacklist-types`.

use super::types::{Attribute, CustomerMeasure, Evidence, InstantMs, Notes, Role, Tri};

contract_enum! {
    Criterion {
        MaliciousReturns = "malicious-returns",
        Extortion = "extortion",
        Abuse = "abuse",
        FalseComplaint = "false-complaint",
        Other = "other",
    }
}

contract_enum! {
    Stage {
        Draft = "draft",
        Submitted = "submitted",
        SupervisorReviewed = "supervisor-reviewed",
        HeadReviewed = "head-reviewed",
        Executed = "executed",
        Archived = "archived",
        Appealed = "appealed",
    }
}

contract_enum! {
    Verdict {
        Approve = "approve",
        Reject = "reject",
        ReturnForEvidence = "return-for-evidence",
    }
}

contract_record! {
    pub struct Incident {
        pub incident_id: String,
        pub at: InstantMs,
        pub criterion: Criterion,
        pub ticket_id: String,
        pub threat_of_violence: bool,
    }
}

contract_record! {
    /// Steps of the current round only, oldest first.
    pub struct Step {
        pub stage: Stage,
        pub actor_id: String,
        pub role: Role,
        pub verdict: Verdict,
        pub at: InstantMs,
        pub note: String,
    }
}

contract_record! {
    pub struct BlacklistCase {
        pub request_id: String,
        pub stage: Stage,
        pub criterion: Criterion,
        pub submitter_id: String,
        pub submitter_role: Role,
        pub current_measure: CustomerMeasure,
        /// End of the measure in force, if any.
        pub review_by: Option<InstantMs>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub incidents: Vec<Incident>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub evidence: Vec<Evidence>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub alternatives_tried: Tri,
        #[cfg_attr(feature = "serde", serde(default))]
        pub impact_assessed: Tri,
        #[cfg_attr(feature = "serde", serde(default))]
        pub platform_rule_ok: Tri,
        #[cfg_attr(feature = "serde", serde(default))]
        pub protected_conduct_only: Tri,
        pub open_after_sales: u32,
        #[cfg_attr(feature = "serde", serde(default))]
        pub steps: Vec<Step>,
        #[cfg_attr(feature = "serde", serde(default))]
        pub attributes: Vec<Attribute>,
    }
}

contract_enum! {
    Outcome {
        Reject = "reject",
        ReturnForEvidence = "return-for-evidence",
        RecommendMark = "recommend-mark",
        RecommendRestrict = "recommend-restrict",
        ForwardToSupervisor = "forward-to-supervisor",
        ForwardToDeptHead = "forward-to-dept-head",
        Execute = "execute",
        ExecuteDeferred = "execute-deferred",
        Closed = "closed",
        Invalid = "invalid",
        Escalate = "escalate",
    }
}

contract_record! {
    pub struct BlacklistRuling {
        pub outcome: Outcome,
        /// The measure that follows from the outcome; for forward-* the one proposed.
        pub measure: CustomerMeasure,
        pub next_role: Option<Role>,
        pub missing: Vec<String>,
        pub review_by: Option<InstantMs>,
        pub counted_incidents: u32,
        pub notes: Notes,
    }
}
