//! Stretches, answers and their differences in words.

use ombud_rules::civil::{DAY_MS, HOUR_MS, day_of};

use super::axes::{NumberAxis, Unit};
use super::ladder::Point;
use super::view::{Aspect, Figure, OUTCOME, QUIET, Sight, View, in_yuan};

const MINUTE_MS: i64 = 60_000;

/// A stretch of an axis: `over 48 h, up to 72 h overdue`.
pub fn stretch(axis: &NumberAxis, from: Option<i64>, to: Option<i64>, tz_offset_min: i32) -> String {
    let value = |value: i64| in_unit(axis, value, tz_offset_min);
    let text = match (from, to) {
        (None, None) => return format!("any {}", axis.name),
        // Nothing lies below zero but times.
        (None, Some(0)) if !matches!(axis.unit, Unit::Elapsed | Unit::Civil) => value(0),
        (Some(from), Some(to)) if from == to => format!("exactly {}", value(from)),
        (Some(from), Some(to)) => format!("{}, {}", lower(axis, from, &value), upper(axis, to, &value)),
        (Some(from), None) => lower(axis, from, &value),
        (None, Some(to)) => upper(axis, to, &value),
    };
    match axis.unit {
        Unit::Elapsed | Unit::Civil => format!("{text} {}", axis.name),
        Unit::Money | Unit::Count | Unit::Share => format!("{} {text}", axis.name),
    }
}

/// The lower end. Where the value before is the rounder one, the end is said by that: `over 72 h` is the millisecond after.
fn lower(axis: &NumberAxis, from: i64, value: &dyn Fn(i64) -> String) -> String {
    if axis.unit != Unit::Count && rounder(axis, from - 1, from) {
        format!("over {}", value(from - 1))
    } else {
        format!("from {}", value(from))
    }
}

fn upper(axis: &NumberAxis, to: i64, value: &dyn Fn(i64) -> String) -> String {
    if axis.unit != Unit::Count && rounder(axis, to + 1, to) { format!("below {}", value(to + 1)) } else { format!("up to {}", value(to)) }
}

/// Whether one value is a rounder number than another.
fn rounder(axis: &NumberAxis, one: i64, other: i64) -> bool {
    let steps = steps(axis.unit);
    let roundness = |value: i64| steps.iter().position(|step| value % step == 0).unwrap_or(steps.len());
    roundness(one) < roundness(other)
}

fn in_unit(axis: &NumberAxis, value: i64, tz_offset_min: i32) -> String {
    match axis.unit {
        Unit::Money => in_yuan(value),
        Unit::Count => value.to_string(),
        Unit::Share => percent(value),
        Unit::Elapsed => duration(value),
        Unit::Civil => civil(axis.anchor.unwrap_or(0), value, tz_offset_min).unwrap_or_else(|| duration(value)),
    }
}

/// Basis points as per cent.
pub fn percent(bp: i64) -> String {
    if bp % 100 == 0 { format!("{} %", bp / 100) } else { format!("{}.{:02} %", bp / 100, bp % 100).replace("0 %", " %") }
}

/// A duration: hours up to ten days, then days; with minutes and milliseconds only where there are any.
fn duration(ms: i64) -> String {
    let sign = if ms < 0 { "−" } else { "" };
    let ms = ms.saturating_abs();
    let (hours, rest) = (ms / HOUR_MS, ms % HOUR_MS);
    if rest == 0 {
        let days = hours % 24 == 0 && hours > 240;
        return if days { format!("{sign}{} d", hours / 24) } else { format!("{sign}{hours} h") };
    }
    let (minutes, rest) = (rest / MINUTE_MS, rest % MINUTE_MS);
    let mut text = format!("{sign}{hours} h {minutes} min");
    if rest > 0 {
        text.push_str(&format!(" {}.{:03} s", rest / 1_000, rest % 1_000));
    }
    text
}

/// Midnight as the day it begins: windows of the law end with a civil day in the merchant's time zone.
fn civil(anchor: i64, value: i64, tz_offset_min: i32) -> Option<String> {
    let offset = i64::from(tz_offset_min) * MINUTE_MS;
    let at = anchor.checked_add(value)?;
    let midnight = at.checked_add(offset)?.rem_euclid(DAY_MS) == 0;
    // An anchor at midnight itself makes every whole day one: hours say it better then.
    let anchored = anchor.checked_add(offset)?.rem_euclid(DAY_MS) == 0;
    let days = i64::from(day_of(at, tz_offset_min)) - i64::from(day_of(anchor, tz_offset_min));
    (midnight && !anchored).then(|| format!("the beginning of day {days}"))
}

/// A share of some money, with what is added or taken off.
pub fn share(bp: i64, of: &str, plus: i64) -> String {
    let share = format!("{} {of}", percent(bp.saturating_abs()));
    match (bp < 0, plus) {
        (false, 0) => share,
        (false, plus) if plus < 0 => format!("{share} − {}", in_yuan(plus.saturating_abs())),
        (false, plus) => format!("{share} + {}", in_yuan(plus)),
        (true, plus) => format!("{} − {share}", in_yuan(plus)),
    }
}

/// Amounts that move along a stretch: those at its ends. `even`: between them they move evenly.
pub fn from_to(axis: &NumberAxis, (from, low): (i64, i64), (to, high): (i64, i64), even: bool, tz_offset_min: i32) -> String {
    let end = |at: i64, fen: i64| format!("{} at {}", in_yuan(fen), in_unit(axis, at, tz_offset_min));
    let ends = format!("{} … {}", end(from, low), end(to, high));
    if even { ends } else { format!("varying, {ends}") }
}

/// What makes a value of an axis round, the roundest first.
pub const fn steps(unit: Unit) -> &'static [i64] {
    match unit {
        Unit::Elapsed | Unit::Civil => &[DAY_MS, HOUR_MS, MINUTE_MS, 1_000],
        Unit::Money | Unit::Share => &[10_000, 1_000, 100, 10],
        Unit::Count => &[],
    }
}

/// One aspect in which two answers differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct AspectChange {
    /// Which.
    pub aspect: String,
    /// What the old version says and the new one does not.
    pub old: String,
    /// What the new version says and the old one does not.
    pub new: String,
}

/// How much a difference matters, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matter {
    /// Another outcome.
    Outcome,
    /// The same outcome with other money.
    Money,
    /// Who pays freight, who approves, what is asked for or done, by when.
    Conduct,
    /// Reasons and wording only.
    Reasons,
}

/// A difference between two answers to the same question.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Difference {
    /// How much it matters.
    pub matter: Matter,
    /// The old answer, as far as it differs in what matters most.
    pub old: String,
    /// The new answer.
    pub new: String,
    /// Every aspect that differs.
    pub aspects: Vec<AspectChange>,
}

impl Difference {
    /// Whether two differences are told in the same words: then they are one for people.
    pub fn says(&self, other: &Self) -> bool {
        self.old == other.old && self.new == other.new
    }
}

impl AspectChange {
    /// The change of one aspect along a stretch: what is not the same everywhere is told by the first and the last.
    fn along(changes: Vec<Self>) -> Option<Self> {
        let said = |side: fn(&Self) -> &String| {
            let (first, last) = (side(changes.first()?), side(changes.last()?));
            Some(if changes.iter().all(|change| side(change) == first) { first.clone() } else { format!("{first} … {last}") })
        };
        Some(Self { old: said(|change| &change.old)?, new: said(|change| &change.new)?, aspect: changes.first()?.aspect.clone() })
    }
}

/// An instant that is not moved.
const UNMOVED: &str = "as it was";
/// Nothing of a sort.
const NOTHING: &str = "nothing";

/// How amounts of a view are said.
pub type AmountWords<'a> = dyn Fn(&'static str, i64) -> String + 'a;

/// The money of an answer in words; none where there is none.
pub fn money(view: &View, amounts: &AmountWords<'_>) -> Option<String> {
    let parts = view.aspects.iter().filter_map(|(name, sight)| match sight {
        Sight::Money(fen) => Some(format!("{name} {}", amounts(name, *fen))),
        _ => None,
    });
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}

/// Outcome and money of an answer.
pub fn headline(view: &View, amounts: &AmountWords<'_>) -> String {
    match money(view, amounts) {
        Some(money) => format!("{}, {money}", view.outcome()),
        None => view.outcome().to_owned(),
    }
}

/// In what two answers differ; none where they do not. `points`: the same difference at several values, of which what moves with them is told
/// by the first and the last.
pub fn difference(points: &[&Point], old_amounts: &AmountWords<'_>, new_amounts: &AmountWords<'_>) -> Option<Difference> {
    let middle = points.get(points.len() / 2)?;
    let (old, new) = (&middle.old, &middle.new);
    let mut names: Vec<&'static str> = Vec::new();
    for (name, _) in points.iter().flat_map(|point| point.old.aspects.iter().chain(&point.new.aspects)) {
        if !names.contains(name) && points.iter().any(|point| point.old.get(name) != point.new.get(name)) {
            names.push(name);
        }
    }
    let change = |name: &'static str| {
        let at = |point: &&Point| change(name, point.old.get(name), point.new.get(name), old_amounts, new_amounts);
        AspectChange::along(points.iter().map(at).collect())
    };
    let aspects: Vec<AspectChange> = names.into_iter().filter_map(change).collect();
    let outcome = old.outcome() != new.outcome();
    let (matter, mut old_words, mut new_words) = if outcome {
        (Matter::Outcome, headline(old, old_amounts), headline(new, new_amounts))
    } else if sums(old) != sums(new) {
        let words = |view: &View, amounts: &AmountWords<'_>| money(view, amounts).unwrap_or_else(|| NOTHING.to_owned());
        (Matter::Money, words(old, old_amounts), words(new, new_amounts))
    } else {
        // What a policy says about itself matters less than what it does.
        let does = |aspect: &&AspectChange| !QUIET.contains(&aspect.aspect.as_str());
        let matter = if aspects.iter().any(|aspect| does(&aspect)) { Matter::Conduct } else { Matter::Reasons };
        let first = aspects.iter().find(does).or_else(|| aspects.first())?;
        (matter, format!("{}: {}", first.aspect, first.old), format!("{}: {}", first.aspect, first.new))
    };
    if matter == Matter::Money && old_words == new_words {
        // By the same law, but for rounding or between the ends: then an example tells them apart.
        let such = |words: String, view: &View| match money(view, &|_, fen| in_yuan(fen)) {
            Some(example) => format!("{words}, such as {example}"),
            None => words,
        };
        (old_words, new_words) = (such(old_words, old), such(new_words, new));
    }
    Some(Difference { matter, old: old_words, new: new_words, aspects })
}

/// The amounts of an answer.
fn sums(view: &View) -> Vec<Aspect> {
    view.aspects.iter().filter(|(_, sight)| matches!(sight, Sight::Money(_))).cloned().collect()
}

fn change(
    name: &'static str,
    old: Option<&Sight>,
    new: Option<&Sight>,
    old_amounts: &AmountWords<'_>,
    new_amounts: &AmountWords<'_>,
) -> AspectChange {
    let say = |sight: Option<&Sight>, amounts: &AmountWords<'_>| match sight {
        None => NOTHING.to_owned(),
        Some(Sight::Word(word)) => word.clone(),
        Some(Sight::Money(fen)) => amounts(name, *fen),
        Some(Sight::Instant(_) | Sight::Figures(_)) => "set".to_owned(),
    };
    let (old_words, new_words) = match (old, new) {
        // Instants differ from question to question; how far they are apart does not.
        (Some(Sight::Instant(old)), Some(Sight::Instant(new))) => moved(*old, *new),
        (Some(Sight::Figures(old)), Some(Sight::Figures(new))) => other_figures(old, new),
        (Some(Sight::Word(old)), Some(Sight::Word(new))) if name != OUTCOME => only(old, new),
        _ => (say(old, old_amounts), say(new, new_amounts)),
    };
    AspectChange { aspect: name.to_owned(), old: old_words, new: new_words }
}

fn moved(old: i64, new: i64) -> (String, String) {
    let apart = duration(new.saturating_sub(old).saturating_abs());
    if new == old {
        return (UNMOVED.to_owned(), UNMOVED.to_owned());
    }
    (UNMOVED.to_owned(), if new > old { format!("{apart} later") } else { format!("{apart} earlier") })
}

/// The figures in which two answers differ. What stands in one answer only belongs to a message or an obligation of its own.
fn other_figures(old: &[(String, Figure)], new: &[(String, Figure)]) -> (String, String) {
    if old == new {
        return (UNMOVED.to_owned(), UNMOVED.to_owned());
    }
    let (mut olds, mut news): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let nth = |figures: &[(String, Figure)], at: usize| {
        let of = figures.get(at).map(|(of, _)| of);
        figures.iter().take(at).filter(|(other, _)| Some(other) == of).count()
    };
    for (at, (of, was)) in old.iter().enumerate() {
        let Some((_, is)) = new.iter().filter(|(other, _)| other == of).nth(nth(old, at)) else { continue };
        let (was, is) = match (was, is) {
            (was, is) if was == is => continue,
            (Figure::Instant(was), Figure::Instant(is)) => moved(*was, *is),
            (was, is) => (figure(*was), figure(*is)),
        };
        let (was, is) = (format!("{of} {was}"), format!("{of} {is}"));
        if !news.contains(&is) {
            olds.push(was);
            news.push(is);
        }
    }
    if olds.is_empty() { ("some".to_owned(), "others".to_owned()) } else { (olds.join(", "), news.join(", ")) }
}

fn figure(figure: Figure) -> String {
    match figure {
        Figure::Number(number) => number.to_string(),
        Figure::Instant(_) => "a date".to_owned(),
    }
}

/// The items of two lists that are in one of them only.
fn only(old: &str, new: &str) -> (String, String) {
    let (olds, news): (Vec<&str>, Vec<&str>) = (old.split(", ").collect(), new.split(", ").collect());
    let without = |own: &[&str], others: &[&str]| {
        let rest: Vec<&str> = own.iter().copied().filter(|item| !others.contains(item)).collect();
        if rest.is_empty() { NOTHING.to_owned() } else { rest.join(", ") }
    };
    let (old_only, new_only) = (without(&olds, &news), without(&news, &olds));
    // The same items in another order, or more often.
    if old_only == NOTHING && new_only == NOTHING { (old.to_owned(), new.to_owned()) } else { (old_only, new_only) }
}
