//! The ruling on a blacklist request (domain policies 5.3), top-down, the first row that fits: first the chain, then the merits.

use ombud_sdk::blacklist::{BlacklistCase, BlacklistRuling, Criterion, Incident, Outcome, Stage};
use ombud_sdk::rules::blacklist::{counted, notice};
use ombud_sdk::rules::notes::{Rule, fact};
use ombud_sdk::{Context, CustomerMeasure, Fact, InstantMs, Role, Tri};

use crate::chain;
use crate::draft::{Draft, in_days, in_hours};
use crate::evidence::{all_usable, missing_kinds};
use crate::settings::{Levels, Settings};
use crate::words;

/// The ruling on a request.
pub fn decide(settings: &Settings, ctx: &Context, facts: &BlacklistCase) -> BlacklistRuling {
    let counted = counted(facts, ctx, settings.lookback_days);
    let mut ruling =
        chain::decide(settings, ctx, facts).or_else(|| incomplete(facts)).unwrap_or_else(|| merits(settings, ctx, facts, &counted));
    ruling.counted_incidents = u32::try_from(counted.len()).unwrap_or(u32::MAX);
    ruling
}

/// BL-010, BL-011, BL-024: the file is not complete.
fn incomplete(facts: &BlacklistCase) -> Option<BlacklistRuling> {
    let missing: Vec<String> = missing_kinds(facts).collect();
    if !missing.is_empty() {
        let read = missing.iter().map(|kinds| fact("evidence", ["no ", kinds].concat())).collect();
        return Some(Draft::new(facts, Outcome::ReturnForEvidence, &words::BL_010, read).missing(missing).done());
    }
    if !all_usable(facts) {
        return Some(returned(facts, &words::BL_011, "evidence-integrity", Vec::new()));
    }
    // Unknown harms nobody: first it is asked whether the conduct is anybody's to sanction.
    let unknown = facts.protected_conduct_only == Tri::Unknown;
    unknown.then(|| returned(facts, &words::BL_024, "protected-conduct-check", vec![fact("protected-conduct-only", Tri::Unknown.as_str())]))
}

/// BL-019 and below: a complete file, weighed.
fn merits(settings: &Settings, ctx: &Context, facts: &BlacklistCase, counted: &[&Incident]) -> BlacklistRuling {
    let count = weight(settings, facts.criterion, counted);
    let read = || vec![fact("criterion", facts.criterion.as_str()), fact("incidents", count.to_string())];
    let reached = settings.thresholds.of(facts.criterion).and_then(|levels| reached(levels, count));
    let until = in_days(ctx, settings.review_after_days);
    match reached {
        None => Draft::new(facts, Outcome::Reject, &words::BL_019, read()).done(),
        Some(CustomerMeasure::Blacklisted) => {
            cautions(settings, ctx, facts, until).unwrap_or_else(|| forward(settings, ctx, facts, until, read()))
        }
        Some(measure) => {
            let draft = recommend(settings, ctx, facts, measure, until, &words::BL_020, read());
            if facts.criterion == Criterion::Extortion {
                draft.oblige("report-to-platform", Role::Supervisor, None, Vec::new())
            } else {
                draft
            }
            .done()
        }
    }
}

/// Distinct incidents; one of abuse that threatens violence counts for several.
fn weight(settings: &Settings, criterion: Criterion, counted: &[&Incident]) -> u32 {
    let one = |incident: &&Incident| {
        if criterion == Criterion::Abuse && incident.threat_of_violence { settings.violence_weight } else { 1 }
    };
    counted.iter().map(one).fold(0, u32::saturating_add)
}

/// The strongest measure whose level is reached.
fn reached(levels: &Levels, count: u32) -> Option<CustomerMeasure> {
    let by_strength = [
        (levels.blacklist, CustomerMeasure::Blacklisted),
        (levels.restrict, CustomerMeasure::ServiceRestricted),
        (levels.mark, CustomerMeasure::Marked),
    ];
    by_strength.into_iter().find(|(level, _)| level.is_some_and(|level| count >= level)).map(|(_, measure)| measure)
}

/// BL-021, BL-022, BL-023: what the source asks before a blacklist (003 注意事項).
fn cautions(settings: &Settings, ctx: &Context, facts: &BlacklistCase, until: InstantMs) -> Option<BlacklistRuling> {
    let read = |path: &str, value: Tri| vec![fact(path, value.as_str())];
    if facts.alternatives_tried != Tri::Yes {
        return Some(returned(facts, &words::BL_021, "alternatives-tried", read("alternatives-tried", facts.alternatives_tried)));
    }
    if facts.impact_assessed != Tri::Yes {
        return Some(returned(facts, &words::BL_022, "impact-assessed", read("impact-assessed", facts.impact_assessed)));
    }
    let read = read("platform-rule-ok", facts.platform_rule_ok);
    match facts.platform_rule_ok {
        Tri::Yes => None,
        Tri::No => Some(recommend(settings, ctx, facts, CustomerMeasure::ServiceRestricted, until, &words::BL_023, read).done()),
        Tri::Unknown => Some(returned(facts, &words::BL_023B, "platform-rule-check", read)),
    }
}

/// BL-030, BL-031, BL-032: one step further up the chain, at its end the execution.
fn forward(settings: &Settings, ctx: &Context, facts: &BlacklistCase, until: InstantMs, read: Vec<Fact>) -> BlacklistRuling {
    let proposed = |outcome, rule: &Rule, role, hours| {
        Draft::new(facts, outcome, rule, read.clone())
            .measure(CustomerMeasure::Blacklisted, until)
            .next(role, rule, Some(in_hours(ctx, hours)))
            .done()
    };
    match facts.stage {
        Stage::Submitted => proposed(Outcome::ForwardToSupervisor, &words::BL_030, Role::Supervisor, settings.supervisor_hours),
        Stage::SupervisorReviewed => proposed(Outcome::ForwardToDeptHead, &words::BL_031, Role::DeptHead, settings.head_hours),
        _ => execute(ctx, facts, until, read),
    }
}

/// BL-032, with BL-040 while an after-sale case is open: its channels stay open, and the block waits for it.
fn execute(ctx: &Context, facts: &BlacklistCase, until: InstantMs, read: Vec<Fact>) -> BlacklistRuling {
    let open = facts.open_after_sales > 0;
    let outcome = if open { Outcome::ExecuteDeferred } else { Outcome::Execute };
    let draft = Draft::new(facts, outcome, &words::BL_032, read)
        .decided(CustomerMeasure::Blacklisted, until)
        .oblige("execute-in-platform", Role::Admin, None, Vec::new())
        .oblige("archive-record", Role::Admin, None, Vec::new())
        .oblige("schedule-review", Role::Admin, Some(until), Vec::new())
        .oblige("notify-customer-of-measure", Role::Agent, Some(ctx.now), Vec::new())
        .tell(notice(facts.criterion, CustomerMeasure::Blacklisted, until, ctx));
    if open { draft.joined_by(&words::BL_040, vec![fact("open-after-sales", facts.open_after_sales.to_string())]) } else { draft }.done()
}

/// A lesser measure, in force once a supervisor approves.
fn recommend<'a>(
    settings: &Settings,
    ctx: &Context,
    facts: &'a BlacklistCase,
    measure: CustomerMeasure,
    until: InstantMs,
    rule: &Rule,
    read: Vec<Fact>,
) -> Draft<'a> {
    let due = Some(in_hours(ctx, settings.supervisor_hours));
    if measure == CustomerMeasure::Marked {
        return Draft::new(facts, Outcome::RecommendMark, rule, read).measure(measure, until).next(Role::Supervisor, rule, due);
    }
    Draft::new(facts, Outcome::RecommendRestrict, rule, read).measure(measure, until).next(Role::Supervisor, rule, due).tell(notice(
        facts.criterion,
        measure,
        until,
        ctx,
    ))
}

fn returned(facts: &BlacklistCase, rule: &Rule, missing: &str, read: Vec<Fact>) -> BlacklistRuling {
    Draft::new(facts, Outcome::ReturnForEvidence, rule, read).missing([missing.to_owned()]).done()
}
