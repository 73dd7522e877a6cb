//! Outcome rows on blacklist requests, top-down; the first that fits decides.

use ombud_sdk::Severity::High;
use ombud_sdk::blacklist::{BlacklistCase, BlacklistRuling, Outcome, Stage, Verdict};
use ombud_sdk::rules::blacklist::{acted_by_bot, acted_twice, counted, is_usable, role_allowed, steps_lead_to, violence_threatened};
use ombud_sdk::rules::notes::{Rule, fact, obligation};
use ombud_sdk::{Context, CustomerMeasure, Fact, Notes, Role, Tri};

use super::{Effect, executes};

const PRIVACY_LAW: &str = "个人信息保护法";
const CONSUMER_LAW: &str = "消费者权益保护法";
/// The training material.
const MATERIAL: &str = "003_8b0dd9d774a2b4b6.txt";

const GR_001: Rule = Rule { id: "GR-001", severity: High, sources: &[(PRIVACY_LAW, "第24条第3款"), (PRIVACY_LAW, "第48条")] };
const GR_301: Rule =
    Rule {
        id: "GR-301", severity: High, sources: &[(PRIVACY_LAW, "第24条第3款"), (PRIVACY_LAW, "第55条"), (MATERIAL, "拉黑流程規範")]
    };
const GR_302: Rule =
    Rule {
        id: "GR-302", severity: High, sources: &[(CONSUMER_LAW, "第15条"), (CONSUMER_LAW, "第39条"), ("电子商务法", "第39条")]
    };
const GR_303: Rule = Rule { id: "GR-303", severity: High, sources: &[(PRIVACY_LAW, "第6条"), (MATERIAL, "必須基於充分證據")] };
const GR_306: Rule = Rule { id: "GR-306", severity: High, sources: &[(PRIVACY_LAW, "第24条第3款")] };
const GR_307: Rule = Rule { id: "GR-307", severity: High, sources: &[(PRIVACY_LAW, "第24条第3款"), (PRIVACY_LAW, "第50条")] };
const GR_308: Rule = Rule { id: "GR-308", severity: High, sources: &[(PRIVACY_LAW, "第19条")] };
const GR_309: Rule = Rule { id: "GR-309", severity: High, sources: &[(PRIVACY_LAW, "第6条"), (MATERIAL, "拉黑前的注意事項")] };

/// Days that incidents are looked back on; the merchant's own setting is never read.
const LOOKBACK_DAYS: u32 = 180;
/// Fewer incidents are no pattern (003 多次).
const INCIDENTS_MIN: usize = 2;

/// What stands in place of a ruling; the measure in force stays but for `Closed`.
#[derive(Clone, Copy)]
pub enum Instead {
    Reject,
    Invalid,
    /// The file goes back for this.
    Return(&'static str),
    /// The measure ends.
    Closed,
}

/// The first row that fits, with the facts it read.
pub fn row(ctx: &Context, facts: &BlacklistCase, ruling: &BlacklistRuling) -> Option<(&'static Rule, Vec<Fact>, Effect)> {
    let outcome = ruling.outcome;
    let restricts = outcome == Outcome::RecommendRestrict || executes(outcome);
    let advances = restricts || matches!(outcome, Outcome::RecommendMark | Outcome::ForwardToSupervisor | Outcome::ForwardToDeptHead);
    let stage = || vec![fact("stage", facts.stage.as_str())];
    let protected = || vec![fact("protected-conduct-only", facts.protected_conduct_only.as_str())];

    if facts.stage == Stage::Appealed && !appeal_kept(ruling) {
        return Some((&GR_307, stage(), Effect::Escalate));
    }
    // The rows below would leave the measure in force as it is, past its end: what goes on with the request counts as keeping it.
    let keeps = ruling.measure != CustomerMeasure::None || (advances && facts.current_measure != CustomerMeasure::None);
    if expired(ctx, facts) && keeps {
        let until = facts.review_by.map_or_else(String::new, |at| at.to_string());
        return Some((&GR_308, vec![fact("review-by", until)], Effect::Amend(Instead::Closed)));
    }
    if facts.protected_conduct_only == Tri::Yes && advances {
        return Some((&GR_302, protected(), Effect::Amend(Instead::Reject)));
    }
    if acted_by_bot(facts) && advances {
        return Some((&GR_306, vec![fact("submitter-role", facts.submitter_role.as_str())], Effect::Amend(Instead::Invalid)));
    }
    if executes(outcome) && !fully_approved(facts) {
        return Some((&GR_301, stage(), Effect::Amend(Instead::Invalid)));
    }
    if facts.protected_conduct_only == Tri::Unknown && (restricts || outcome == Outcome::ForwardToDeptHead) {
        return Some((&GR_302, protected(), Effect::Amend(Instead::Return("protected-conduct-check"))));
    }
    if restricts && !facts.evidence.iter().any(is_usable) {
        return Some((
            &GR_303,
            vec![fact("evidence", facts.evidence.len().to_string())],
            Effect::Amend(Instead::Return("evidence-integrity")),
        ));
    }
    if executes(outcome) {
        let incidents = counted(facts, ctx, LOOKBACK_DAYS).len();
        if incidents < INCIDENTS_MIN && !violence_threatened(facts, ctx, LOOKBACK_DAYS) {
            return Some((&GR_309, vec![fact("incidents", incidents.to_string())], Effect::Escalate));
        }
    }
    (restricts && ruling.notes.reasons.is_empty()).then(|| (&GR_001, vec![fact("reasons", "none")], Effect::Escalate))
}

/// An appeal was sent on to a person, or the measure it is about was ended.
fn appeal_kept(ruling: &BlacklistRuling) -> bool {
    match ruling.outcome {
        Outcome::Escalate | Outcome::Invalid => true,
        Outcome::Closed => ruling.measure == CustomerMeasure::None,
        _ => false,
    }
}

fn expired(ctx: &Context, facts: &BlacklistCase) -> bool {
    matches!(facts.stage, Stage::Executed | Stage::Archived) && facts.review_by.is_some_and(|at| ctx.now >= at)
}

/// Exactly three approving steps by three people in the roles of BL-036.
fn fully_approved(facts: &BlacklistCase) -> bool {
    facts.stage == Stage::HeadReviewed
        && steps_lead_to(&facts.steps, Stage::HeadReviewed)
        && facts.steps.iter().all(|step| step.verdict == Verdict::Approve && role_allowed(step))
        && !acted_twice(facts)
}

/// The ruling with another outcome. What the old outcome asked to be done, approved or said falls away with it.
pub fn amended(facts: &BlacklistCase, ruling: &BlacklistRuling, instead: Instead, ctx: &Context) -> BlacklistRuling {
    let (outcome, missing) = match instead {
        Instead::Reject => (Outcome::Reject, None),
        Instead::Invalid => (Outcome::Invalid, None),
        Instead::Return(missing) => (Outcome::ReturnForEvidence, Some(missing.to_owned())),
        Instead::Closed => (Outcome::Closed, None),
    };
    let mut amended = BlacklistRuling {
        outcome,
        measure: facts.current_measure,
        next_role: None,
        missing: missing.into_iter().collect(),
        review_by: facts.review_by,
        counted_incidents: ruling.counted_incidents,
        notes: Notes { reasons: ruling.notes.reasons.clone(), attributes: ruling.notes.attributes.clone(), ..Notes::empty() },
    };
    if matches!(instead, Instead::Closed) {
        amended.measure = CustomerMeasure::None;
        amended.review_by = None;
        amended.notes.obligations = vec![
            obligation("lift-measure", Role::Admin, Some(ctx.now), Vec::new()),
            obligation("archive-record", Role::Admin, None, Vec::new()),
        ];
    }
    amended
}
