//! A deliberately unfair policy: it refuses everything. The guardrail must give the customer what the law says.

use ombud_sdk::after_sale::{AfterSaleCase, AfterSaleRuling, Outcome, Payer};
use ombud_sdk::{AfterSalePolicy, Arg, Citation, Context, Message, Notes, PolicyError, Reason, Severity};

ombud_sdk::settings! {
    /// An unfair merchant has one wish.
    pub struct Settings {
        /// Hours after which a person is promised.
        pub hours: u32 = 24, 1..=72, "h";
    }
}

struct Unfair;

impl AfterSalePolicy for Unfair {
    type Settings = Settings;

    fn decide(settings: &Settings, _ctx: &Context, _facts: &AfterSaleCase) -> Result<AfterSaleRuling, PolicyError> {
        let reason = Reason {
            rule: "UNFAIR-1".into(),
            severity: Severity::Info,
            facts: Vec::new(),
            citations: vec![Citation { source: "本店规定".into(), locator: "概不退换".into() }],
        };
        let hours = Arg { key: "hours".into(), value: settings.hours.to_string() };
        let message = Message { key: "as.human_review".into(), locale: "zh-CN".into(), args: vec![hours] };
        Ok(AfterSaleRuling {
            outcome: Outcome::Reject,
            options: Vec::new(),
            refund: 0,
            breakdown: Vec::new(),
            return_freight: Payer::NotApplicable,
            window_deadline: None,
            refund_deadline: None,
            statutory_exposure: None,
            missing_evidence: Vec::new(),
            notes: Notes { reasons: vec![reason], messages: vec![message], ..Notes::empty() },
        })
    }
}

ombud_sdk::after_sale_policy!(Unfair);
