//! What became of a decision: by persons' acts on it, and of a measure by the later records of its request.

use ombud_rules::contract::blacklist::{Outcome, Stage};
use ombud_rules::contract::types::CustomerMeasure;
use serde::{Deserialize, Serialize};

use super::outcomes::{CANCELLED, DISMISSED, Told};
use super::recorded::RecordedDecision;
use super::text::date;
use super::{ActOf, PersonAct, Since, paid};
use crate::kind::Kind;
use crate::measure::{Effect, effect};
use crate::messages::Locale;
use crate::ruling::Ruling;

/// What became of a decision later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LaterLine {
    /// The civil date in the shop's time zone.
    pub on: String,
    /// What stands since.
    pub text: String,
}

/// What became of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// The customer appealed.
    Appealed,
    /// A person let it stand.
    Dismissed,
    /// The appeal was taken back.
    Withdrawn,
    /// A person lifted it on appeal.
    Granted,
    /// It ended by the rules.
    Ended,
    /// A later decision put a measure in its place.
    Replaced,
}

/// A step in the life of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeasureStep {
    /// When, epoch milliseconds.
    pub at_ms: i64,
    /// What became of it.
    pub became: Became,
}

impl Became {
    /// Whether the measure is none any more.
    const fn is_end(self) -> bool {
        matches!(self, Self::Granted | Self::Ended | Self::Replaced)
    }
}

/// What a later decision, on the same request or another one of the same customer, made of the measure of `request_id`.
pub fn became(later: &RecordedDecision, request_id: &str) -> Option<Became> {
    let (Some(request), Ruling::Blacklist(ruling)) = (later.request(), &later.decision.ruling) else { return None };
    match effect(request, ruling, request.current_measure) {
        Effect::Puts(_) => Some(Became::Replaced),
        Effect::Lifts(_) => Some(Became::Ended),
        Effect::Leaves(_) | Effect::Nothing => {
            let appealed = request.request_id == request_id && request.stage == Stage::Appealed && ruling.outcome == Outcome::Escalate;
            appealed.then_some(Became::Appealed)
        }
    }
}

/// What a person's act on an appeal made of the measure that it is against.
pub fn became_by(act: ActOf, outcome: &str) -> Became {
    match act {
        _ if outcome == Outcome::Closed.as_str() => Became::Granted,
        ActOf::Cancel => Became::Withdrawn,
        ActOf::Approve | ActOf::Amend => Became::Dismissed,
    }
}

/// By what a measure ended; none while it is in force.
pub(super) fn ended_by(steps: &[MeasureStep]) -> Option<Became> {
    steps.iter().map(|step| step.became).find(|became| became.is_end())
}

/// When a measure begins that does not begin at once.
pub(super) fn begins(told: Told<'_>, locale: Locale) -> Vec<String> {
    if told != Told::Outcome(Outcome::ExecuteDeferred.as_str()) {
        return Vec::new();
    }
    vec![
        match locale {
            Locale::ZhCn => "该限制在您未完结的售后全部办结后才开始。",
            Locale::En => "It begins only once your open after-sales cases are closed.",
        }
        .to_owned(),
    ]
}

/// A kind, and the currency of its money.
type OfMoney<'a> = (Kind, &'a str);

/// A line for each act and for each step up to the measure's end, in the order of time. The measures are the one that was in force before the
/// decision, and the one that stood after it.
pub(super) fn later(
    of: OfMoney<'_>,
    since: Since<'_>,
    (in_force, measure): (Option<CustomerMeasure>, Option<CustomerMeasure>),
    tz_offset_min: i32,
    locale: Locale,
) -> Vec<LaterLine> {
    let by_persons = since.acts.iter().map(|act| {
        let stands = Told::by_person(of.0, act, in_force).words(of.0, locale);
        (act.at_ms, act_text(of, act, stands, locale))
    });
    let ends = since.measure.iter().position(|step| step.became.is_end()).map_or(since.measure.len(), |at| at + 1);
    let steps = since.measure.get(..ends).unwrap_or_default();
    let of_measure = steps.iter().enumerate().filter_map(|(at, step)| {
        let waits = at + 1 == steps.len();
        Some((step.at_ms, step_text(step.became, measure?, waits, locale)))
    });
    let mut lines: Vec<(i64, String)> = by_persons.chain(of_measure).collect();
    lines.sort_by_key(|(at_ms, _)| *at_ms);
    lines.into_iter().map(|(at_ms, text)| LaterLine { on: date(at_ms, tz_offset_min), text }).collect()
}

/// A step in words; `waits`: nothing followed it.
fn step_text(became: Became, measure: CustomerMeasure, waits: bool, locale: Locale) -> String {
    let say = |told: Told<'_>| told.words(Kind::Blacklist, locale);
    let (by_person, words) = match became {
        Became::Appealed if waits => (false, say(Told::Appealed(measure))),
        Became::Appealed => (false, if locale == Locale::ZhCn { "您提出了申诉" } else { "You appealed" }),
        Became::Dismissed => (true, say(Told::Outcome(DISMISSED))),
        Became::Withdrawn => (false, say(Told::Outcome(CANCELLED))),
        Became::Granted => (true, say(Told::Ended(measure))),
        Became::Ended => (false, say(Told::Ended(measure))),
        Became::Replaced => (false, if locale == Locale::ZhCn { "已由此后的另一项决定取代" } else { "A later decision took its place" }),
    };
    match (locale, by_person) {
        (Locale::ZhCn, true) => format!("经人工复核：{words}。"),
        (Locale::ZhCn, false) => format!("{words}。"),
        (Locale::En, true) => format!("Reviewed by a person: {words}."),
        (Locale::En, false) => format!("{words}."),
    }
}

fn act_text((kind, currency): OfMoney<'_>, act: &PersonAct, stands: &str, locale: Locale) -> String {
    let money = paid::of_act(kind, act, currency, locale);
    let text = match (locale, act.act) {
        // Of an appeal: who approves the decision on it lets the measure stand.
        (Locale::ZhCn, _) if kind == Kind::Blacklist => format!("经人工复核：{stands}"),
        (Locale::En, _) if kind == Kind::Blacklist => format!("Reviewed by a person: {stands}"),
        (Locale::ZhCn, ActOf::Approve) => "经人工复核同意".to_owned(),
        (Locale::ZhCn, ActOf::Amend) => format!("经人工复核改为：{stands}"),
        (Locale::ZhCn, ActOf::Cancel) => "经人工复核，该处理已撤销".to_owned(),
        (Locale::En, ActOf::Approve) => "Approved by a person".to_owned(),
        (Locale::En, ActOf::Amend) => format!("Changed by a person: {stands}"),
        (Locale::En, ActOf::Cancel) => "Taken back by a person".to_owned(),
    };
    match (money, locale) {
        (None, Locale::ZhCn) => format!("{text}。"),
        (None, Locale::En) => format!("{text}."),
        (Some(money), Locale::ZhCn) => format!("{text}；{money}。"),
        (Some(money), Locale::En) => format!("{text}; {money}."),
    }
}
