//! The ladder. What the law gives (an overdue refund, the way out after three days) does not depend on it.

use ombud_rules::after_sale::yuan;
use ombud_rules::civil::{DAY_MS, HOUR_MS, day_of, parse_iso_date};
use ombud_rules::delay::{money_of, must_offer_cancel, overdue_ms, refund_due, share_of, total_refund_due};
use ombud_rules::notes::{Rule, arg, fact, message, obligation};
use ombud_sdk::Severity::{High, Info, Low, Medium};
use ombud_sdk::delay::{Award, CompForm, DelayCase, DelayKind, DelayRuling, Episode, Outcome, Tier};
use ombud_sdk::{ApprovalRequest, Context, Fact, Notes, Role, Tri};

use crate::settings::Settings;

const HANDBOOK: &str = "shop handbook";
const PD_1: Rule = Rule { id: "PD-1", severity: Info, sources: &[(HANDBOOK, "in time")] };
const PD_2: Rule = Rule { id: "PD-2", severity: Info, sources: &[(HANDBOOK, "sales weeks, announced to buyers")] };
const PD_3: Rule = Rule { id: "PD-3", severity: Low, sources: &[(HANDBOOK, "late shipping")] };
const PD_4: Rule = Rule { id: "PD-4", severity: Medium, sources: &[(HANDBOOK, "very late shipping")] };
const PD_5: Rule = Rule { id: "PD-5", severity: High, sources: &[("消费者权益保护法", "第25条")] };
const PD_6: Rule = Rule { id: "PD-6", severity: Low, sources: &[(HANDBOOK, "other delays")] };

/// What one episode comes to.
struct Step {
    rule: &'static Rule,
    outcome: Outcome,
    tier: Tier,
    form: CompForm,
    value: i64,
}

/// The ruling on a case.
pub fn decide(settings: &Settings, ctx: &Context, facts: &DelayCase) -> DelayRuling {
    let mut ruling = DelayRuling {
        outcome: Outcome::None,
        processing_order: Vec::new(),
        awards: Vec::new(),
        total_cash: 0,
        total_coupon: 0,
        total_refund_due: total_refund_due(facts, ctx.now),
        notes: Notes::empty(),
    };
    let mut order: Vec<(usize, &Episode)> = facts.episodes.iter().enumerate().collect();
    order.sort_by_key(|(_, episode)| episode.kind);
    for (index, episode) in order {
        ruling.processing_order.push(episode.episode_id.clone());
        apply(&mut ruling, ctx, facts, episode, index, &step(settings, ctx, facts, episode));
    }
    if facts.extortion_flag != Tri::No {
        // What is owed stays owed; nothing else is paid by a machine under a threat, or where nobody looked.
        raise(&mut ruling, Outcome::HumanReview);
        ruling.notes.reasons.push(PD_6.reason(vec![fact("extortion-flag", facts.extortion_flag.as_str())]));
    }
    if ruling.outcome == Outcome::HumanReview {
        let rule = ruling.notes.reasons.last().map(|reason| reason.rule.clone()).unwrap_or_default();
        let due = Some(ctx.now.saturating_add(DAY_MS));
        ruling.notes.approvals.push(ApprovalRequest { role: Role::Supervisor, rule, due, distinct_from: Vec::new() });
    }
    ruling
}

/// The step of the ladder that an episode has reached.
fn step(settings: &Settings, ctx: &Context, facts: &DelayCase, episode: &Episode) -> Step {
    let plain = |rule, outcome| Step { rule, outcome, tier: Tier::None, form: CompForm::None, value: 0 };
    let overdue = overdue_ms(episode, ctx.now);
    match episode.kind {
        _ if overdue <= 0 => plain(&PD_1, Outcome::None),
        DelayKind::RefundProcessing if refund_due(episode, ctx.now) > 0 => {
            let value = settings.refund_solatium;
            Step { rule: &PD_5, outcome: Outcome::Compensate, tier: Tier::Severe, form: CompForm::Solatium, value }
        }
        DelayKind::Shipping => {
            let grace = if in_promotion(settings, ctx, episode) { i64::from(settings.promotion_grace_hours) * HOUR_MS } else { 0 };
            let late = overdue - grace;
            if late > i64::from(settings.share_after_hours) * HOUR_MS {
                let left = money_of(facts, |line| episode.line_ids.iter().any(|wanted| wanted == line)).left;
                let value = share_of(left, settings.share);
                Step { rule: &PD_4, outcome: Outcome::Compensate, tier: Tier::Moderate, form: CompForm::CashRefund, value }
            } else if late >= i64::from(settings.coupon_from_hours) * HOUR_MS {
                Step { rule: &PD_3, outcome: Outcome::Compensate, tier: Tier::Slight, form: CompForm::Coupon, value: settings.coupon }
            } else {
                plain(if grace > 0 { &PD_2 } else { &PD_1 }, Outcome::CareOnly)
            }
        }
        _ => plain(&PD_6, Outcome::HumanReview),
    }
}

/// Whether the parcel was due on a day of the sales weeks.
fn in_promotion(settings: &Settings, ctx: &Context, episode: &Episode) -> bool {
    let day = |text: &Option<String>| text.as_deref().and_then(parse_iso_date);
    match (day(&settings.promotion_from), day(&settings.promotion_to)) {
        (Some(from), Some(to)) => (from..=to).contains(&day_of(episode.due, ctx.tz_offset_min)),
        _ => false,
    }
}

fn apply(ruling: &mut DelayRuling, ctx: &Context, facts: &DelayCase, episode: &Episode, index: usize, step: &Step) {
    let id = || vec![arg("episode", episode.episode_id.as_str())];
    let owed = refund_due(episode, ctx.now);
    let notes = &mut ruling.notes;
    if must_offer_cancel(facts, episode, ctx.now) {
        notes.obligations.push(obligation("offer-cancel-full-refund", Role::Agent, None, id()));
    }
    if owed > 0 {
        notes.obligations.push(obligation("refund-now", Role::Agent, Some(ctx.now), id()));
    }
    notes.reasons.push(step.rule.reason(read(index, episode)));
    let amount = || arg("amount", yuan(step.value));
    match step.form {
        CompForm::Coupon if step.value > 0 => {
            notes.messages.push(message("dc.ship.slight", vec![amount()]));
            ruling.total_coupon += step.value;
        }
        CompForm::Solatium if step.value > 0 => {
            notes.messages.push(message("dc.refund.severe", vec![arg("refund", yuan(owed)), amount()]));
            ruling.total_cash += step.value;
        }
        CompForm::None | CompForm::Coupon | CompForm::Solatium | CompForm::SampleGift => {}
        CompForm::CashRefund => {
            notes.messages.push(message("dc.care", vec![arg("status", "待发货"), arg("eta", "24小时内更新进度")]));
            ruling.total_cash += step.value;
        }
    }
    if step.form != CompForm::None || owed > 0 {
        ruling.awards.push(Award {
            episode_id: episode.episode_id.clone(),
            kind: episode.kind,
            tier: step.tier,
            overdue_ms: overdue_ms(episode, ctx.now),
            form: step.form,
            value: step.value,
            refund_due: owed,
            suppressed_by: None,
        });
    }
    raise(ruling, step.outcome);
}

/// The most careful outcome of all episodes stands.
fn raise(ruling: &mut DelayRuling, outcome: Outcome) {
    let rank = |outcome| [Outcome::None, Outcome::CareOnly, Outcome::Compensate].iter().position(|known| *known == outcome).unwrap_or(3);
    if rank(outcome) > rank(ruling.outcome) {
        ruling.outcome = outcome;
    }
}

fn read(index: usize, episode: &Episode) -> Vec<Fact> {
    let path = |field: &str| format!("episodes[{index}].{field}");
    let done = episode.done.map_or_else(|| "none".to_owned(), |done| done.to_string());
    vec![fact(path("due"), episode.due.to_string()), fact(path("done"), done)]
}
