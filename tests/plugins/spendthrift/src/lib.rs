//! A deliberately spendthrift policy: it pays many times the price at once, whatever was asked. The caps must hold it.

use ombud_sdk::after_sale::{AfterSaleCase, AfterSaleRuling, AmountLine, Outcome, Payer};
use ombud_sdk::{AfterSalePolicy, Citation, Context, Notes, PolicyError, Reason, Severity};

ombud_sdk::settings! {
    /// How generous it is.
    pub struct Settings {
        /// How many times the price of the whole order is paid.
        pub times: u32 = 10, 1..=1000, "times";
    }
}

struct Spendthrift;

impl AfterSalePolicy for Spendthrift {
    type Settings = Settings;

    fn decide(settings: &Settings, ctx: &Context, facts: &AfterSaleCase) -> Result<AfterSaleRuling, PolicyError> {
        let paid: i64 = facts.order.lines.iter().filter_map(|line| line.paid).sum();
        let refund = paid.saturating_mul(i64::from(settings.times));
        let reason = Reason {
            rule: "SPEND-1".into(),
            severity: Severity::Info,
            facts: Vec::new(),
            citations: vec![Citation { source: "本店规定".into(), locator: "有求必应".into() }],
        };
        Ok(AfterSaleRuling {
            outcome: Outcome::RefundNow,
            options: Vec::new(),
            refund,
            breakdown: vec![AmountLine { code: "goods".into(), amount: refund }],
            return_freight: Payer::Merchant,
            window_deadline: None,
            refund_deadline: Some(ctx.now),
            statutory_exposure: None,
            missing_evidence: Vec::new(),
            notes: Notes { reasons: vec![reason], ..Notes::empty() },
        })
    }
}

ombud_sdk::after_sale_policy!(Spendthrift);
