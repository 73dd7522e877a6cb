//! A policy of contract version 1.1: drafts with words that the shop does not use are held, however the words are spelt. The host finds
//! them (import `text`).

use ombud_sdk::reply::{Action, Finding, ReplyCase, ReplyRuling, Verdict};
use ombud_sdk::{Citation, Context, Fact, Notes, PolicyError, Reason, ReplyPolicy, Severity, text};

/// Findings told at most.
const FINDINGS_MAX: usize = 100;

ombud_sdk::settings! {
    /// The shop's wording.
    pub struct Settings {
        /// Words that the shop does not use.
        pub words: Vec<String> = vec!["保值".to_owned()], 0..=100;
    }
}

struct Wording;

impl ReplyPolicy for Wording {
    type Settings = Settings;

    fn decide(settings: &Settings, _ctx: &Context, facts: &ReplyCase) -> Result<ReplyRuling, PolicyError> {
        let found = text::find(&facts.text, &settings.words);
        let findings: Vec<Finding> = found.into_iter().take(FINDINGS_MAX).map(finding).collect();
        let verdict = if findings.is_empty() { Verdict::Pass } else { Verdict::HoldForEvidence };
        let mut notes = Notes::empty();
        if let Some(first) = findings.first() {
            notes.reasons.push(Reason {
                rule: "WORDING-1".into(),
                severity: Severity::Medium,
                facts: vec![Fact { path: "text".into(), value: format!("{}..{}", first.start, first.end) }],
                citations: vec![Citation { source: "本店规定".into(), locator: "用语".into() }],
            });
        }
        Ok(ReplyRuling { verdict, findings, masked_text: facts.text.clone(), notes })
    }
}

fn finding(found: text::Found) -> Finding {
    Finding {
        rule: "WORDING-1".into(),
        category: "wording".into(),
        severity: Severity::Medium,
        action: Action::Evidence,
        start: found.start,
        end: found.end,
        matched: found.matched,
        exemption: None,
        suggestion_key: "rc.fix.WORDING-1".into(),
    }
}

ombud_sdk::reply_policy!(Wording);
