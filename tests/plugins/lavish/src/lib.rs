//! A deliberately lavish policy: a coupon for every episode, however small the delay. The caps on goodwill must hold it.

use ombud_sdk::delay::{Award, CompForm, DelayCase, DelayRuling, Outcome, Tier};
use ombud_sdk::{Citation, Context, DelayPolicy, Notes, PolicyError, Reason, Severity};

ombud_sdk::settings! {
    /// How lavish it is.
    pub struct Settings {
        /// The coupon for each episode.
        pub coupon_fen: u32 = 10_000, 0..=1_000_000, "fen";
    }
}

struct Lavish;

impl DelayPolicy for Lavish {
    type Settings = Settings;

    fn decide(settings: &Settings, _ctx: &Context, facts: &DelayCase) -> Result<DelayRuling, PolicyError> {
        let value = i64::from(settings.coupon_fen);
        let awards: Vec<Award> = facts
            .episodes
            .iter()
            .map(|episode| Award {
                episode_id: episode.episode_id.clone(),
                kind: episode.kind,
                tier: Tier::Severe,
                overdue_ms: 0,
                form: CompForm::Coupon,
                value,
                refund_due: 0,
                suppressed_by: None,
            })
            .collect();
        let reason = Reason {
            rule: "LAVISH-1".into(),
            severity: Severity::Info,
            facts: Vec::new(),
            citations: vec![Citation { source: "本店规定".into(), locator: "人人有券".into() }],
        };
        Ok(DelayRuling {
            outcome: Outcome::Compensate,
            processing_order: facts.episodes.iter().map(|episode| episode.episode_id.clone()).collect(),
            total_cash: 0,
            total_coupon: awards.iter().map(|award| award.value).sum(),
            total_refund_due: 0,
            awards,
            notes: Notes { reasons: vec![reason], ..Notes::empty() },
        })
    }
}

ombud_sdk::delay_policy!(Lavish);
