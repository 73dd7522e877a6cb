//! Field rows on delays: what the ruling in hand lacks is added, never anything taken away.

use ombud_sdk::Severity::High;
use ombud_sdk::delay::{Award, Cause, CompForm, DelayCase, DelayKind, DelayRuling, Episode, Outcome, Tier};
use ombud_sdk::rules::after_sale::yuan;
use ombud_sdk::rules::civil::HOUR_MS;
use ombud_sdk::rules::delay::{
    blames_buyer, floor_of, money_of, must_offer_cancel, overdue_ms, refund_due as due_of, share_line, total_refund_due,
};
use ombud_sdk::rules::notes::{Rule, arg, obligation};
use ombud_sdk::{Context, Fen, InstantMs, Reason, Role};

use super::facts_of;
use crate::settings::{Floor, Settings};

const GR_201: Rule = Rule {
    id: "GR-201",
    severity: High,
    sources: &[("消费者权益保护法", "第25条"), ("消费者权益保护法", "第53条"), ("网络购买商品七日无理由退货暂行办法", "第13条")],
};
const GR_205: Rule =
    Rule { id: "GR-205", severity: High, sources: &[("消费者权益保护法", "第16条"), ("法释〔2022〕8号", "第10条")] };
const GR_206: Rule =
    Rule { id: "GR-206", severity: High, sources: &[("消费者权益保护法", "第53条"), ("民法典", "第563条第1款第3项")] };

/// GR-201: what is owed of overdue refunds is due, in whole.
pub fn refund_due(ctx: &Context, facts: &DelayCase, ruling: &mut DelayRuling) -> Option<Reason> {
    let due = total_refund_due(facts, ctx.now);
    if ruling.total_refund_due >= due {
        return None;
    }
    ruling.total_refund_due = due;
    compensate(ruling);
    let mut read = Vec::new();
    for (index, episode) in facts.episodes.iter().enumerate() {
        let due = due_of(episode, ctx.now);
        if due == 0 {
            continue;
        }
        let owed = episode.refund_owed.to_string();
        read.extend(facts_of(
            index,
            [("due", episode.due.to_string()), ("refund-owed", owed), ("refund-paid", episode.refund_paid.to_string())],
        ));
        match ruling.awards.iter_mut().find(|award| award.episode_id == episode.episode_id) {
            Some(award) => award.refund_due = award.refund_due.max(due),
            None => ruling.awards.push(entry(episode, CompForm::None, 0, due, ctx.now)),
        }
        if !obliged(ruling, "refund-now", episode) {
            oblige(ruling, "refund-now", episode, Some(ctx.now), Some(due));
        }
    }
    Some(GR_201.reason(read))
}

/// GR-205: the platform's own promise binds, once the operator has set it.
pub fn platform_floor(settings: &Settings, ctx: &Context, facts: &DelayCase, ruling: &mut DelayRuling) -> Option<Reason> {
    let floor = settings.floor.as_ref()?;
    let mut read = Vec::new();
    for (index, episode) in facts.episodes.iter().enumerate() {
        let missing = missing_to_floor(floor, ctx, facts, ruling, episode);
        if missing == 0 {
            continue;
        }
        let in_cash = |award: &&mut Award| award.episode_id == episode.episode_id && is_cash(award.form);
        match ruling.awards.iter_mut().find(in_cash) {
            Some(award) => award.value = award.value.saturating_add(missing),
            None => ruling.awards.push(entry(episode, CompForm::CashRefund, missing, 0, ctx.now)),
        }
        ruling.total_cash = ruling.total_cash.saturating_add(missing);
        compensate(ruling);
        oblige(ruling, "pay-cash", episode, None, Some(missing));
        read.extend(facts_of(index, [("due", episode.due.to_string())]));
    }
    (!read.is_empty()).then(|| GR_205.reason(read))
}

/// Cash that the floor asks for beyond what the ruling gives, and what merchant and platform gave before, for the episode's lines.
fn missing_to_floor(floor: &Floor, ctx: &Context, facts: &DelayCase, ruling: &DelayRuling, episode: &Episode) -> Fen {
    let overdue = overdue_ms(episode, ctx.now);
    let excused = blames_buyer(episode) || episode.cause == Cause::ForceMajeure;
    if episode.kind != DelayKind::Shipping || excused || overdue < i64::from(floor.trigger_hours) * HOUR_MS {
        return 0;
    }
    let paid = money_of(facts, |line| episode.line_ids.iter().any(|wanted| wanted == line)).paid;
    let of_these_lines = |id: &str| {
        id == episode.episode_id
            || facts.episodes.iter().any(|other| other.episode_id == id && share_line(&other.line_ids, &episode.line_ids))
    };
    let awarded = ruling.awards.iter().filter(|award| is_cash(award.form) && of_these_lines(&award.episode_id)).map(|award| award.value);
    let earlier = facts.already.iter().filter(|granted| granted.by_platform || is_cash(granted.form));
    let earlier = earlier.filter(|granted| of_these_lines(&granted.episode_id)).map(|granted| granted.value);
    let given = awarded.chain(earlier).fold(0, |sum: Fen, value| sum.saturating_add(value.max(0)));
    floor_of(paid, floor.bp, floor.min, floor.max).saturating_sub(given).max(0)
}

/// GR-206: who waits for more than three days may leave.
pub fn way_out(ctx: &Context, facts: &DelayCase, ruling: &mut DelayRuling) -> Option<Reason> {
    const OFFER: &str = "offer-cancel-full-refund";
    let mut read = Vec::new();
    for (index, episode) in facts.episodes.iter().enumerate() {
        if must_offer_cancel(facts, episode, ctx.now) && !obliged(ruling, OFFER, episode) {
            oblige(ruling, OFFER, episode, None, None);
            read.extend(facts_of(index, [("due", episode.due.to_string()), ("done", "none".to_owned())]));
        }
    }
    (!read.is_empty()).then(|| GR_206.reason(read))
}

/// Money is due now where nothing was; a ruling that waits for an approval keeps waiting, with the right amounts.
fn compensate(ruling: &mut DelayRuling) {
    if matches!(ruling.outcome, Outcome::None | Outcome::CareOnly) {
        ruling.outcome = Outcome::Compensate;
    }
}

fn entry(episode: &Episode, form: CompForm, value: Fen, refund_due: Fen, now: InstantMs) -> Award {
    Award {
        episode_id: episode.episode_id.clone(),
        kind: episode.kind,
        tier: Tier::None,
        overdue_ms: overdue_ms(episode, now),
        form,
        value,
        refund_due,
        suppressed_by: None,
    }
}

fn is_cash(form: CompForm) -> bool {
    matches!(form, CompForm::CashRefund | CompForm::Solatium)
}

/// Whether the ruling asks for this, for this episode or without naming one.
fn obliged(ruling: &DelayRuling, action: &str, episode: &Episode) -> bool {
    ruling
        .notes
        .obligations
        .iter()
        .filter(|obligation| obligation.action == action)
        .any(|obligation| obligation.args.iter().find(|arg| arg.key == "episode").is_none_or(|arg| arg.value == episode.episode_id))
}

fn oblige(ruling: &mut DelayRuling, action: &str, episode: &Episode, due: Option<InstantMs>, amount: Option<Fen>) {
    let mut args = vec![arg("episode", episode.episode_id.as_str())];
    args.extend(amount.map(|fen| arg("amount", yuan(fen))));
    ruling.notes.obligations.push(obligation(action, Role::Agent, due, args));
}
