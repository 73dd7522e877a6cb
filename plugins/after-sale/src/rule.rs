//! The default after-sale policy (domain policies 5.1): a pure function of settings, context and case.
//!
//! The table is run once for each requested line, top-down; the first terminal row wins. Lines that agree give one ruling with one
//! amount, lines that do not go to a person (AS-005).

use ombud_rules::after_sale::{Bill, Draft, ExchangeFor, Requested, Terms, duplicate, input_is_broken, requested};
use ombud_rules::contract::after_sale::{AfterSaleCase, AfterSaleRuling, Outcome};
use ombud_rules::contract::types::Context;
use ombud_rules::notes::fact;

use crate::effects;
use crate::fault;
use crate::money;
use crate::no_reason;
use crate::run::{LineRuling, Met, Run};
use crate::settings::Settings;
use crate::standing;
use crate::table::{AS_001, AS_002, AS_005};
use crate::transit;

/// The ruling on a case.
pub fn decide(settings: &Settings, ctx: &Context, case: &AfterSaleCase) -> AfterSaleRuling {
    let lines = requested(case).unwrap_or_default();
    let terms = terms(settings);
    if lines.is_empty() || input_is_broken(case) {
        let mut draft = Draft::new(ctx, case, &lines, terms, Outcome::InvalidInput);
        draft.because(&AS_001);
        effects::refuse(&mut draft, &AS_001);
        return draft.ruling;
    }
    let bill = Bill::of(&case.order);
    let run = Run::new(settings, ctx, case, &lines, &bill);
    if duplicate(case) {
        let met = Met::default().end(&AS_002, Outcome::RejectDuplicate);
        return compose(&run, terms, &met);
    }
    let rulings: Vec<LineRuling> = lines.iter().map(|line| rule_on(&run, line)).collect();
    match one_answer(&rulings) {
        Some(ruling) => compose(&run, terms, &ruling),
        None => differ(&run, terms, &rulings),
    }
}

/// The table for one line, from row 25 on.
fn rule_on(run: &Run<'_>, line: &Requested<'_>) -> LineRuling {
    let met = &mut Met::default();
    let early = standing::settled_before(run, line, met)
        .or_else(|| standing::safety(run, line, met))
        .or_else(|| transit::not_there(run, line, met));
    if let Some(ruling) = early {
        return ruling;
    }
    if run.case.class().is_fault() {
        fault::shown(run, line, met).or_else(|| fault::refund_only(run, met)).unwrap_or_else(|| fault::remedy(run, line, met))
    } else {
        fault::refund_only(run, met).unwrap_or_else(|| no_reason::right(run, line, met))
    }
}

/// One ruling for all lines if they agree; the `+` rows of any line count.
fn one_answer(rulings: &[LineRuling]) -> Option<LineRuling> {
    let (first, others) = rulings.split_first()?;
    if others.iter().any(|other| !other.agrees_with(first)) {
        return None;
    }
    let mut whole = first.clone();
    for other in others {
        for (place, row) in other.reasons.iter().enumerate() {
            if whole.reasons.iter().all(|known| known.id != row.id) {
                whole.reasons.insert(place.min(whole.reasons.len()), row);
            }
        }
    }
    Some(whole)
}

fn compose(run: &Run<'_>, terms: Terms, answer: &LineRuling) -> AfterSaleRuling {
    let mut draft = Draft::new(run.ctx, run.case, run.lines, terms, answer.outcome);
    draft.ruling.return_freight = answer.payer;
    draft.ruling.options = answer.options.to_vec();
    draft.ruling.missing_evidence = answer.missing.iter().map(|entry| (*entry).to_owned()).collect();
    for row in &answer.reasons {
        draft.because(row);
    }
    money::apply(run, &mut draft, answer);
    for row in &answer.reasons {
        effects::of_row(&mut draft, row);
    }
    effects::refuse(&mut draft, answer.row);
    draft.settle(answer.row, answer.exchange);
    draft.ruling
}

/// AS-005: the lines need different answers, so a person gives them; one reason for each line, and the `+` rows that all lines met.
fn differ(run: &Run<'_>, terms: Terms, rulings: &[LineRuling]) -> AfterSaleRuling {
    let mut draft = Draft::new(run.ctx, run.case, run.lines, terms, Outcome::HumanReview);
    let shared: Vec<_> = rulings
        .first()
        .map_or(&[][..], |first| &first.reasons)
        .iter()
        .filter(|row| rulings.iter().all(|ruling| ruling.row.id != row.id && ruling.reasons.iter().any(|met| met.id == row.id)))
        .collect();
    for row in &shared {
        draft.because(row);
    }
    for (line, ruling) in run.lines.iter().zip(rulings) {
        let mut reason = AS_005.reason(run.ctx, run.case, core::slice::from_ref(line));
        let path = |field: &str| ["lines[", &line.asked.to_string(), "].", field].concat();
        reason.facts.push(fact(path("line-id"), line.line.line_id.as_str()));
        reason.facts.push(fact(path("ruling.rule"), ruling.row.id));
        reason.facts.push(fact(path("ruling.outcome"), ruling.outcome.as_str()));
        draft.ruling.notes.reasons.push(reason);
    }
    for row in &shared {
        effects::of_row(&mut draft, row);
    }
    draft.ruling.window_deadline = money::window_deadline(run);
    draft.settle(&AS_005, ExchangeFor::Other);
    draft.ruling
}

const fn terms(settings: &Settings) -> Terms {
    Terms {
        send_back_days: settings.send_back_days,
        refund_days: settings.refund_after_receipt_days,
        exchange_ship_days: settings.exchange_ship_days,
        repair_days: settings.repair_days,
        sign_proof_hours: settings.sign_proof_hours,
    }
}
