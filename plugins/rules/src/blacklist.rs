//! What the blacklist policy and the guardrail share (domain policies 5.3 and 5.7): who may do what, how incidents are counted, which
//! evidence a criterion requires.

use crate::civil::{DAY_MS, day_of, iso_date};
use crate::contract::blacklist::{BlacklistCase, Criterion, Incident, Stage, Step};
use crate::contract::types::{Context, CustomerMeasure, Evidence, EvidenceKind, InstantMs, Message, Role};
use crate::notes::{arg, message};

/// The stages whose steps lead to execution, in their order (003 拉黑流程: 一線客服 → 主管 → 部門負責人).
pub const CHAIN: [Stage; 3] = [Stage::Submitted, Stage::SupervisorReviewed, Stage::HeadReviewed];

/// Whether the submitter or the actor of a step is a bot (BL-003; PIPL 24(3)).
pub fn acted_by_bot(facts: &BlacklistCase) -> bool {
    facts.submitter_role == Role::SystemBot || facts.steps.iter().any(|step| step.role == Role::SystemBot)
}

/// Whether one person did two steps, or the submitter reviewed what he submitted (BL-034).
pub fn acted_twice(facts: &BlacklistCase) -> bool {
    let reviewed = |(index, step): (usize, &Step)| {
        let submitted_it = index > 0 && step.actor_id == facts.submitter_id;
        submitted_it || facts.steps.iter().take(index).any(|earlier| earlier.actor_id == step.actor_id)
    };
    facts.steps.iter().enumerate().any(reviewed)
}

/// Whether the role may do the step of this stage (BL-036).
pub fn role_allowed(step: &Step) -> bool {
    match step.stage {
        Stage::SupervisorReviewed => matches!(step.role, Role::Supervisor | Role::AfterSaleSupervisor),
        Stage::HeadReviewed => step.role == Role::DeptHead,
        _ => step.role != Role::SystemBot,
    }
}

/// Whether the steps are exactly those that lead to the stage, in their order (BL-035).
pub fn steps_lead_to(steps: &[Step], stage: Stage) -> bool {
    let wanted = CHAIN.iter().position(|known| *known == stage).map_or(0, |last| last + 1);
    wanted > 0 && steps.len() == wanted && steps.iter().zip(CHAIN).all(|(step, stage)| step.stage == stage)
}

/// The incidents of the case's criterion within the look-back, both ends included, that are distinct: oldest first, one counts if neither its
/// ticket nor its civil day has counted before.
pub fn counted<'a>(facts: &'a BlacklistCase, ctx: &Context, lookback_days: u32) -> Vec<&'a Incident> {
    let mut of_criterion: Vec<&Incident> = Vec::new();
    for incident in
        facts.incidents.iter().filter(|incident| incident.criterion == facts.criterion && is_recent(incident, ctx, lookback_days))
    {
        // A few incidents, in order as a rule: inserting is quicker than a sort, and a component carries less.
        of_criterion.insert(of_criterion.partition_point(|earlier| earlier.at <= incident.at), incident);
    }
    let day = |incident: &Incident| day_of(incident.at, ctx.tz_offset_min);
    let mut counted: Vec<&Incident> = Vec::new();
    for incident in of_criterion {
        if !counted.iter().any(|earlier| earlier.ticket_id == incident.ticket_id || day(earlier) == day(incident)) {
            counted.push(incident);
        }
    }
    counted
}

/// Whether an incident within the look-back, of whatever criterion, carries a threat of violence (BL-050).
pub fn violence_threatened(facts: &BlacklistCase, ctx: &Context, lookback_days: u32) -> bool {
    facts.incidents.iter().any(|incident| incident.threat_of_violence && is_recent(incident, ctx, lookback_days))
}

/// A look-back is a clock of the shop, a day has 24 h; what lies in the future has not happened.
fn is_recent(incident: &Incident, ctx: &Context, lookback_days: u32) -> bool {
    let age = ctx.now.saturating_sub(incident.at);
    (0..=i64::from(lookback_days) * DAY_MS).contains(&age)
}

/// The evidence a criterion requires (matrix of 5.3; 003 證據). Of each entry any one kind will do; alternatives in alphabetical order.
pub fn required_evidence(criterion: Criterion) -> &'static [&'static [EvidenceKind]] {
    use EvidenceKind::{ChatLog, LogisticsRecord, OrderScreenshot, Photo, PlatformRuling, RegulatorFinding, Video};
    match criterion {
        Criterion::MaliciousReturns => &[&[OrderScreenshot], &[LogisticsRecord], &[ChatLog], &[Photo, Video]],
        Criterion::Extortion => &[&[OrderScreenshot], &[ChatLog]],
        Criterion::Abuse => &[&[ChatLog]],
        Criterion::FalseComplaint => &[&[OrderScreenshot], &[ChatLog], &[PlatformRuling, RegulatorFinding]],
        Criterion::Other => &[],
    }
}

/// Whether an item of evidence says when it was captured and is unbroken since (003 時間戳和完整性).
pub fn is_usable(evidence: &Evidence) -> bool {
    evidence.captured_at.is_some() && evidence.intact
}

/// Whether an item of one of these kinds is there, and whether such an item is usable.
pub fn has(facts: &BlacklistCase, kinds: &[EvidenceKind], usable: bool) -> bool {
    facts.evidence.iter().any(|item| kinds.contains(&item.kind) && (!usable || is_usable(item)))
}

/// The notice of a measure: why, what it touches, how long, and that rights and appeal stay (PIPL 24(3), 48, 50). The template itself says
/// the last two.
pub fn notice(criterion: Criterion, measure: CustomerMeasure, until: InstantMs, ctx: &Context) -> Message {
    let reason = match criterion {
        Criterion::MaliciousReturns => "多次异常退货",
        Criterion::Extortion => "以差评要挟额外赔偿",
        Criterion::Abuse => "多次使用不文明用语",
        Criterion::FalseComplaint => "多次不实投诉",
        Criterion::Other => "多次违反店铺规则",
    };
    let scope = match measure {
        CustomerMeasure::Blacklisted => "购买与咨询",
        _ => "额外优惠与优先接待",
    };
    let until = iso_date(day_of(until, ctx.tz_offset_min));
    message("bl.notice", vec![arg("reason", reason), arg("scope", scope), arg("until", until)])
}
