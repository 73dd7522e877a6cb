//! Delay cases: episodes in shorthand to the contract's records.

use ombud_rules::civil::{DAY_MS, HOUR_MS};
use ombud_rules::contract::delay::{Award, Cause, CompForm, DelayCase, DelayKind, DelayLine, DelayRuling, Episode, Granted, Outcome, Tier};
use ombud_rules::contract::types::{Arg, Context, Fen, InstantMs, Tri};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::fixture::{self, Base};
use super::load::read;
use super::notes;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct DelayGiven {
    context: Option<Map<String, Value>>,
    episodes: Vec<EpisodeGiven>,
    demanded: Option<Fen>,
    extortion_flag: Option<Tri>,
    // Facts about the customer are no part of a delay case (DC-092): the host drops them, and so does the loader.
    #[serde(rename = "high-value")]
    _high_value: Option<bool>,
    #[serde(rename = "measure")]
    _measure: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct EpisodeGiven {
    id: Option<String>,
    kind: DelayKind,
    overdue_h: Option<i64>,
    overdue_s: Option<i64>,
    /// Days since the clock's basis.
    basis_d: Option<i64>,
    cause: Option<Cause>,
    cause_proven: Option<Tri>,
    notified: Option<bool>,
    #[serde(default)]
    began_late: bool,
    #[serde(default)]
    merchant_marked: bool,
    scanned: Option<bool>,
    line: Option<String>,
    lines: Option<Vec<String>>,
    /// Buyer-paid goods money of the episode's lines.
    paid: Fen,
    #[serde(default)]
    refunded: Fen,
    // Freight is not goods money; the contract's delay case has no field for it.
    #[serde(rename = "freight")]
    _freight: Option<Fen>,
    #[serde(default)]
    refund_owed: Fen,
    #[serde(default)]
    refund_paid: Fen,
    granted: Option<Fen>,
    platform_paid: Option<Fen>,
}

pub(super) fn given(base: &Base, given: Value) -> Result<(Context, DelayCase), String> {
    let given: DelayGiven = read(given, "given")?;
    let context = fixture::context(base, given.context.as_ref())?;
    let mut case = DelayCase {
        order_id: "o1".to_owned(),
        lines: Vec::new(),
        episodes: Vec::new(),
        already: Vec::new(),
        demanded: given.demanded,
        extortion_flag: given.extortion_flag.unwrap_or(Tri::No),
        attributes: Vec::new(),
    };
    for (index, one) in given.episodes.into_iter().enumerate() {
        let id = one.id.clone().unwrap_or_else(|| format!("e{}", index + 1));
        add_episode(&mut case, id.clone(), one, context.now).map_err(|problem| format!("given: episode `{id}`: {problem}"))?;
    }
    Ok((context, case))
}

fn add_episode(case: &mut DelayCase, id: String, one: EpisodeGiven, now: InstantMs) -> Result<(), String> {
    let overdue = match (one.overdue_h, one.overdue_s) {
        (Some(hours), None) => hours * HOUR_MS,
        (None, Some(seconds)) => seconds * 1000,
        _ => return Err("needs either `overdue-h` or `overdue-s`".to_owned()),
    };
    let line_ids = match (one.line, one.lines) {
        (Some(_), Some(_)) => return Err("`line` and `lines` exclude each other".to_owned()),
        (Some(line), None) => vec![line],
        (None, Some(lines)) => lines,
        (None, None) => vec!["L1".to_owned()],
    };
    add_lines(&mut case.lines, &line_ids, one.paid, one.refunded)?;

    for (value, form, by_platform) in [(one.granted, CompForm::Coupon, false), (one.platform_paid, CompForm::CashRefund, true)] {
        case.already.extend(value.map(|value| Granted { episode_id: id.clone(), form, value, by_platform }));
    }

    // "done or now − due": what is not scanned is not done, and the clock runs until now.
    let due = now - overdue;
    let began = if one.began_late { due + HOUR_MS } else { due - DAY_MS };
    case.episodes.push(Episode {
        episode_id: id,
        kind: one.kind,
        basis_at: one.basis_d.map_or(due - 3 * DAY_MS, |days| now - days * DAY_MS),
        due,
        done: one.scanned.unwrap_or(false).then_some(now),
        merchant_marked_done: one.merchant_marked.then_some(due),
        cause: one.cause.unwrap_or(Cause::MerchantOps),
        cause_proven: one.cause_proven.unwrap_or(Tri::Yes),
        cause_began_at: Some(began),
        cause_notified_at: one.notified.unwrap_or(true).then_some(began + HOUR_MS),
        line_ids,
        refund_owed: one.refund_owed,
        refund_paid: one.refund_paid,
    });
    Ok(())
}

/// Adds the episode's lines; `paid` and `refunded` are of all of them together, shared out evenly.
fn add_lines(lines: &mut Vec<DelayLine>, ids: &[String], paid: Fen, refunded: Fen) -> Result<(), String> {
    let count = Fen::try_from(ids.len()).unwrap_or(Fen::MAX);
    let share = |total: Fen, index: usize| total / count + if index == 0 { total % count } else { 0 };
    for (index, id) in ids.iter().enumerate() {
        let line = DelayLine { line_id: id.clone(), paid: share(paid, index), refunded: share(refunded, index) };
        match lines.iter().find(|known| known.line_id == *id) {
            None => lines.push(line),
            Some(known) if *known == line => {}
            Some(known) => {
                return Err(format!("line `{id}` has `paid` {} and `refunded` {} in an earlier episode", known.paid, known.refunded));
            }
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RulingGiven {
    outcome: Outcome,
    #[serde(default)]
    cash: Fen,
    #[serde(default)]
    coupon: Fen,
    #[serde(default)]
    refund_due: Fen,
    /// Ids of the episodes that the ruling awards.
    #[serde(default)]
    awards: Vec<String>,
    /// An arg of key `condition`.
    condition: Option<String>,
    #[serde(default)]
    obligations: Vec<String>,
    reasons: Option<Vec<String>>,
}

/// The merchant's ruling of a guardrail case; what it does not list is neutral.
pub(super) fn ruling(ruling: Value, case: &DelayCase, now: InstantMs) -> Result<DelayRuling, String> {
    let given: RulingGiven = read(ruling, "ruling")?;
    let mut awards = Vec::new();
    for id in &given.awards {
        let episode = case.episodes.iter().find(|episode| episode.episode_id == *id);
        awards.push(neutral_award(episode.ok_or_else(|| format!("ruling: `awards` names `{id}`, which the case does not have"))?, now));
    }
    if let Some(first) = awards.first_mut() {
        first.refund_due = given.refund_due;
        match (given.cash, given.coupon) {
            (0, 0) => {}
            (0, coupon) => (first.form, first.value, first.tier) = (CompForm::Coupon, coupon, Tier::Slight),
            (cash, 0) if first.kind == DelayKind::RefundProcessing => {
                (first.form, first.value, first.tier) = (CompForm::Solatium, cash, Tier::Severe)
            }
            (cash, 0) => (first.form, first.value, first.tier) = (CompForm::CashRefund, cash, Tier::Moderate),
            _ => return Err("ruling: one award cannot be both `cash` and `coupon`".to_owned()),
        }
    }
    let mut notes = notes::neutral(given.reasons, given.obligations);
    if let Some(condition) = given.condition {
        // Awards carry no args; GR-204 looks at obligations and messages.
        let action = if given.coupon > 0 { "issue-coupon" } else { "pay-cash" };
        notes.obligations.push(notes::obligation(action, vec![Arg { key: "condition".to_owned(), value: condition }]));
    }
    Ok(DelayRuling {
        outcome: given.outcome,
        processing_order: case.episodes.iter().map(|episode| episode.episode_id.clone()).collect(),
        awards,
        total_cash: given.cash,
        total_coupon: given.coupon,
        total_refund_due: given.refund_due,
        notes,
    })
}

fn neutral_award(episode: &Episode, now: InstantMs) -> Award {
    Award {
        episode_id: episode.episode_id.clone(),
        kind: episode.kind,
        tier: Tier::None,
        overdue_ms: episode.done.unwrap_or(now) - episode.due,
        form: CompForm::None,
        value: 0,
        refund_due: 0,
        suppressed_by: None,
    }
}
