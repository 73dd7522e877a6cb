//! Rows 1 to 13 of the table (domain policies 5.3): what the stage and the steps alone decide.

use ombud_sdk::blacklist::{BlacklistCase, BlacklistRuling, Criterion, Outcome, Stage, Verdict};
use ombud_sdk::rules::blacklist::{acted_by_bot, acted_twice, role_allowed, steps_lead_to, violence_threatened};
use ombud_sdk::rules::notes::{arg, fact};
use ombud_sdk::{Context, CustomerMeasure, Role, Tri};

use crate::draft::{Draft, in_days};
use crate::evidence::missing_kinds;
use crate::settings::Settings;
use crate::words::{self, chat_end};

/// The ruling if one of these rows fits.
pub fn decide(settings: &Settings, ctx: &Context, facts: &BlacklistCase) -> Option<BlacklistRuling> {
    at_the_door(settings, ctx, facts).or_else(|| in_force(ctx, facts)).or_else(|| no_ground(facts)).or_else(|| steps(facts))
}

/// BL-050, BL-004, BL-003, BL-043: before any request is looked at.
fn at_the_door(settings: &Settings, ctx: &Context, facts: &BlacklistCase) -> Option<BlacklistRuling> {
    let early = matches!(facts.stage, Stage::Draft | Stage::Submitted);
    if early && violence_threatened(facts, ctx, settings.lookback_days) {
        // The chat ends, a person takes over; the police where the threat is real. The chain itself goes on.
        let draft = Draft::new(facts, Outcome::Escalate, &words::BL_050, vec![fact("incidents.threat-of-violence", "true")])
            .measure(CustomerMeasure::Marked, in_days(ctx, settings.review_after_days))
            .next(Role::Supervisor, &words::BL_050, Some(ctx.now))
            .oblige("end-chat-politely", Role::Agent, Some(ctx.now), Vec::new())
            .oblige("hand-over-supervisor", Role::Agent, Some(ctx.now), Vec::new())
            .oblige("preserve-evidence", Role::Agent, None, vec![arg("if-real", "police")])
            .alert(&words::BL_050, "violence")
            .tell(chat_end());
        return Some(draft.done());
    }
    if facts.stage == Stage::Draft {
        let missing = std::iter::once("submission".to_owned()).chain(missing_kinds(facts));
        return Some(Draft::new(facts, Outcome::ReturnForEvidence, &words::BL_004, Vec::new()).missing(missing).done());
    }
    if acted_by_bot(facts) {
        let read = vec![fact("submitter-role", facts.submitter_role.as_str())];
        return Some(Draft::new(facts, Outcome::Invalid, &words::BL_003, read).done());
    }
    // The measure stays until the appeal is decided, by a person who had no part in it.
    (facts.stage == Stage::Appealed)
        .then(|| Draft::new(facts, Outcome::Escalate, &words::BL_043, Vec::new()).next(Role::Compliance, &words::BL_043, None).done())
}

/// BL-041, BL-042: a measure that is in force.
fn in_force(ctx: &Context, facts: &BlacklistCase) -> Option<BlacklistRuling> {
    if !matches!(facts.stage, Stage::Executed | Stage::Archived) {
        return None;
    }
    let read = || {
        vec![fact("review-by", facts.review_by.map_or_else(|| "none".to_owned(), |at| at.to_string())), fact("now", ctx.now.to_string())]
    };
    let draft = if facts.review_by.is_some_and(|at| ctx.now >= at) {
        Draft::new(facts, Outcome::Closed, &words::BL_041, read())
            .lifted()
            .oblige("lift-measure", Role::Admin, Some(ctx.now), Vec::new())
            .oblige("archive-record", Role::Admin, None, Vec::new())
    } else {
        Draft::new(facts, Outcome::Closed, &words::BL_042, read())
    };
    Some(draft.done())
}

/// BL-002, BL-001: conduct that is nobody's to sanction.
fn no_ground(facts: &BlacklistCase) -> Option<BlacklistRuling> {
    if facts.protected_conduct_only == Tri::Yes {
        // Honest bad reviews, complaints to 12315, lawful claims, asking for a person: the agent is told what they are.
        let draft = Draft::new(facts, Outcome::Reject, &words::BL_002, vec![fact("protected-conduct-only", Tri::Yes.as_str())]).oblige(
            "log-decision",
            Role::Supervisor,
            None,
            vec![arg("note", "coach-agent")],
        );
        return Some(draft.done());
    }
    (facts.criterion == Criterion::Other)
        .then(|| Draft::new(facts, Outcome::Reject, &words::BL_001, vec![fact("criterion", facts.criterion.as_str())]).done())
}

/// BL-034 to BL-037, BL-033: who did which step, and what they said.
fn steps(facts: &BlacklistCase) -> Option<BlacklistRuling> {
    let read = || {
        facts
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| fact(["steps[", &index.to_string(), "].role"].concat(), step.role.as_str()))
            .collect()
    };
    let invalid = |rule| Some(Draft::new(facts, Outcome::Invalid, rule, read()).done());
    if acted_twice(facts) {
        return invalid(&words::BL_034);
    }
    // A file sent back begins a new round: a step after it stands on nothing.
    let earlier = facts.steps.len().saturating_sub(1);
    let went_on = facts.steps.iter().take(earlier).any(|step| step.verdict == Verdict::ReturnForEvidence);
    if !steps_lead_to(&facts.steps, facts.stage) || went_on {
        return invalid(&words::BL_035);
    }
    if !facts.steps.iter().all(role_allowed) {
        return invalid(&words::BL_036);
    }
    if facts.steps.iter().any(|step| step.verdict == Verdict::Reject) {
        let draft = Draft::new(facts, Outcome::Closed, &words::BL_033, read()).oblige("archive-record", Role::Admin, None, Vec::new());
        return Some(draft.done());
    }
    facts
        .steps
        .last()
        .is_some_and(|step| step.verdict == Verdict::ReturnForEvidence)
        .then(|| Draft::new(facts, Outcome::ReturnForEvidence, &words::BL_037, read()).missing(["more-evidence".to_owned()]).done())
}
