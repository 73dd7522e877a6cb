//! Stretches, answers and their differences in words.

use ombud_rules::civil::{DAY_MS, HOUR_MS, day_of};

use super::axes::{NumberAxis, Unit};
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
    let steps: &[i64] = match axis.unit {
        Unit::Elapsed | Unit::Civil => &[DAY_MS, HOUR_MS, MINUTE_MS, 1_000],
        Unit::Money | Unit::Share => &[10_000, 1_000, 100, 10],
        Unit::Count => &[],
    };
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

/// An amount of an answer: as a share where it grows with the money of the case, else in yuan. `doubled` is the same aspect
/// of the answer to the same question with twice the money.
pub fn amount(fen: i64, doubled: Option<i64>, bases: &[(&'static str, i64)]) -> String {
    let grows = doubled.is_some_and(|doubled| doubled.abs_diff(fen.saturating_mul(2)) <= 1);
    let share = |(words, base): &(&'static str, i64)| {
        let (fen, base) = (i128::from(fen), i128::from(*base));
        if base <= 0 {
            return None;
        }
        let bp = (fen * 10_000 + base / 2) / base;
        let exact = (base * bp + 5_000) / 10_000 == fen && bp % 10 == 0;
        exact.then(|| (bp, format!("{} {words}", percent(i64::try_from(bp).unwrap_or(i64::MAX)))))
    };
    // The whole of one thing is what is meant, whatever share it is of another; and more than the whole seldom is.
    let meant = |(bp, _): &(i128, String)| (*bp != 10_000, *bp > 10_000);
    match grows {
        true => bases.iter().filter_map(share).min_by_key(meant).map_or_else(|| "a share of the money".to_owned(), |(_, words)| words),
        false => in_yuan(fen),
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

/// In what two answers differ; none where they do not.
pub fn difference(old: &View, new: &View, old_amounts: &AmountWords<'_>, new_amounts: &AmountWords<'_>) -> Option<Difference> {
    let names = old.aspects.iter().chain(&new.aspects).map(|(name, _)| *name);
    let mut aspects: Vec<AspectChange> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for name in names {
        if seen.contains(&name) || old.get(name) == new.get(name) {
            continue;
        }
        seen.push(name);
        aspects.push(change(name, old.get(name), new.get(name), old_amounts, new_amounts));
    }
    let outcome = old.outcome() != new.outcome();
    let sums =
        |view: &View| -> Vec<Aspect> { view.aspects.iter().filter(|(_, sight)| matches!(sight, Sight::Money(_))).cloned().collect() };
    let money_differs = sums(old) != sums(new);
    let (matter, old_words, new_words) = if outcome {
        (Matter::Outcome, headline(old, old_amounts), headline(new, new_amounts))
    } else if money_differs {
        let words = |view: &View, amounts: &AmountWords<'_>| money(view, amounts).unwrap_or_else(|| NOTHING.to_owned());
        (Matter::Money, words(old, old_amounts), words(new, new_amounts))
    } else {
        // What a policy says about itself matters less than what it does.
        let does = |aspect: &&AspectChange| !QUIET.contains(&aspect.aspect.as_str());
        let matter = if aspects.iter().any(|aspect| does(&aspect)) { Matter::Conduct } else { Matter::Reasons };
        let first = aspects.iter().find(does).or_else(|| aspects.first())?;
        (matter, format!("{}: {}", first.aspect, first.old), format!("{}: {}", first.aspect, first.new))
    };
    Some(Difference { matter, old: old_words, new: new_words, aspects })
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
    ("as it was".to_owned(), if new > old { format!("{apart} later") } else { format!("{apart} earlier") })
}

/// The figures in which two answers differ. What stands in one answer only belongs to a message or an obligation of its own.
fn other_figures(old: &[(String, Figure)], new: &[(String, Figure)]) -> (String, String) {
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
