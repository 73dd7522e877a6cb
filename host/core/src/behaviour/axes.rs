//! Along what a question is moved: numbers with a unit, and facts with a few values.

use std::collections::BTreeSet;

use ombud_rules::civil::{DAY_MS, HOUR_MS};
use serde_json::{Value, json};

use super::document::Document;
use super::leaves::{Holds, Leaf, leaves};
use crate::kind::Kind;

/// What the numbers of an axis count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Milliseconds of a delay or an age.
    Elapsed,
    /// Milliseconds since an event, of which the law counts civil days.
    Civil,
    /// Fen.
    Money,
    /// A count.
    Count,
    /// Basis points.
    Share,
}

/// A number that is moved.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberAxis {
    /// What is moved, in words.
    pub name: String,
    /// What it counts.
    pub unit: Unit,
    /// Where the search begins; ascending.
    pub points: Vec<i64>,
    place: Place,
    /// The instant that durations are counted from.
    pub anchor: Option<i64>,
}

#[derive(Clone, Debug, PartialEq)]
enum Place {
    /// The number itself.
    Field(String),
    /// An instant, so long after the anchor, or before it.
    Instant { pointer: String, from: String, sign: i64, now_follows: bool },
}

impl NumberAxis {
    /// The document with this value; none where it would lie in the future.
    pub fn at(&self, base: &Document, value: i64) -> Option<Document> {
        match &self.place {
            Place::Field(pointer) => Some(base.with(pointer, json!(value))),
            Place::Instant { pointer, sign, now_follows, .. } => {
                let instant = self.anchor.unwrap_or(0).saturating_add(value.saturating_mul(*sign));
                let moved = base.with(pointer, json!(instant));
                match base.number(NOW) {
                    Some(now) if pointer != NOW && now < instant => now_follows.then(|| moved.with(NOW, json!(instant))),
                    _ => Some(moved),
                }
            }
        }
    }

    /// Where what is moved stands: the number itself, or an instant and the one that it is counted from.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        let (own, from) = match &self.place {
            Place::Field(pointer) => (pointer, None),
            Place::Instant { pointer, from, .. } => (pointer, Some(from)),
        };
        std::iter::once(own).chain(from).map(String::as_str)
    }
}

/// A fact with a few values.
#[derive(Clone, Debug, PartialEq)]
pub struct ChoiceAxis {
    /// The fact's path.
    pub name: String,
    pointer: String,
    /// The values.
    pub values: Vec<Value>,
}

impl ChoiceAxis {
    /// The document with this value.
    pub fn at(&self, base: &Document, value: &Value) -> Document {
        base.with(&self.pointer, value.clone())
    }

    /// Where the fact stands.
    pub fn place(&self) -> &str {
        &self.pointer
    }
}

/// Values that the settings of both versions name: a threshold that is a setting is never missed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seeds {
    /// Whole numbers.
    pub numbers: BTreeSet<i64>,
    /// Words and terms.
    pub words: BTreeSet<String>,
}

/// Longest text that is taken from settings, in bytes.
const SEED_BYTES_MAX: usize = 256;
/// Seeds of each sort.
const SEEDS_MAX: usize = 500;

impl Seeds {
    /// Adds every number and text of a version's settings.
    pub fn add(&mut self, settings: &Value) {
        self.walk(settings, true);
    }

    /// Adds every number of the schema of a version's settings: defaults and bounds.
    pub fn add_schema(&mut self, schema: &Value) {
        self.walk(schema, false);
    }

    fn walk(&mut self, json: &Value, words: bool) {
        match json {
            Value::Number(number) if self.numbers.len() < SEEDS_MAX => {
                self.numbers.extend(number.as_i64().filter(|number| *number >= 0));
            }
            Value::String(text) if words && text.len() <= SEED_BYTES_MAX && self.words.len() < SEEDS_MAX => {
                self.words.insert(text.clone());
            }
            Value::Array(items) => items.iter().for_each(|item| self.walk(item, words)),
            Value::Object(members) => members.values().for_each(|member| self.walk(member, words)),
            _ => {}
        }
    }
}

const NOW: &str = "/context/now";

/// Instants that are moved, from where they are counted, and how people say it: the first anchor that is there counts.
struct Clock {
    kind: Kind,
    /// Path of the instant; `*` stands for any index.
    moved: &'static str,
    anchors: &'static [(&'static str, &'static str)],
    unit: Unit,
    /// Before the anchor instead of after it.
    before: bool,
    /// What the question is about cannot be later than now, so that now goes with it; other facts stay in the past.
    now_follows: bool,
}

const fn clock(kind: Kind, moved: &'static str, anchors: &'static [(&'static str, &'static str)], unit: Unit) -> Clock {
    Clock { kind, moved, anchors, unit, before: false, now_follows: false }
}

const fn leading(clock: Clock) -> Clock {
    Clock { now_follows: true, ..clock }
}

const CLOCKS: &[Clock] = &[
    leading(clock(
        Kind::AfterSale,
        "/case/applied_at",
        &[
            ("/case/order/lines/0/picked_up_at", "after pick-up"),
            ("/case/order/lines/0/signed_at", "after signing"),
            ("/case/order/promised_ship_by", "after the promised shipping"),
            ("/case/order/paid_at", "after payment"),
        ],
        Unit::Civil,
    )),
    clock(
        Kind::AfterSale,
        NOW,
        &[("/case/return_received_at", "after the return arrived"), ("/case/applied_at", "after the application")],
        Unit::Elapsed,
    ),
    clock(
        Kind::AfterSale,
        "/case/evidence/*/captured_at",
        &[("/case/order/lines/0/signed_at", "from signing to the evidence")],
        Unit::Elapsed,
    ),
    leading(clock(Kind::Delay, "/case/episodes/*/done", &[("/case/episodes/*/due", "overdue")], Unit::Elapsed)),
    clock(Kind::Delay, "/case/episodes/*/cause_began_at", &[("/case/episodes/*/due", "from due to the cause")], Unit::Elapsed),
    Clock {
        kind: Kind::Blacklist,
        moved: "/case/incidents/*/at",
        anchors: &[(NOW, "since the incident")],
        unit: Unit::Elapsed,
        before: true,
        now_follows: false,
    },
    clock(Kind::Blacklist, NOW, &[("/case/review_by", "after the measure's end")], Unit::Elapsed),
    clock(Kind::Reply, NOW, &[("/case/eta", "after the expected delivery")], Unit::Elapsed),
];

/// Every axis of a document.
pub fn axes(base: &Document, seeds: &Seeds) -> (Vec<NumberAxis>, Vec<ChoiceAxis>) {
    let (mut numbers, mut choices) = (Vec::new(), Vec::new());
    for leaf in leaves(base) {
        let present = base.get(&leaf.pointer).is_some_and(|value| !value.is_null());
        let unit = match &leaf.holds {
            Holds::Money => Some(Unit::Money),
            Holds::Count => Some(Unit::Count),
            Holds::Share => Some(Unit::Share),
            _ => None,
        };
        match unit {
            Some(unit) if present => numbers.push(NumberAxis {
                name: leaf.path.clone(),
                unit,
                points: points(unit, seeds, base.number(&leaf.pointer)),
                place: Place::Field(leaf.pointer.clone()),
                anchor: None,
            }),
            _ => {}
        }
        if leaf.holds == Holds::Instant {
            numbers.extend(instant_axis(base, &leaf, seeds));
        }
        choices.extend(choice_axis(base, leaf));
    }
    choices.extend(texts(base, seeds));
    (numbers, choices)
}

/// The axis of an instant that a clock is about. What is not done yet runs until now.
fn instant_axis(base: &Document, leaf: &Leaf, seeds: &Seeds) -> Option<NumberAxis> {
    let clock = CLOCKS.iter().find(|clock| clock.kind == base.kind() && index_in(&leaf.pointer, clock.moved).is_some())?;
    let index = index_in(&leaf.pointer, clock.moved)?;
    let (from, anchor, words) = clock.anchors.iter().find_map(|(anchor, words)| {
        let from = anchor.replace('*', index);
        base.number(&from).map(|anchor| (from, anchor, *words))
    })?;
    let open = base.number(&leaf.pointer).is_none();
    let pointer = match (open, leaf.pointer.strip_suffix("/done")) {
        (false, _) => leaf.pointer.clone(),
        (true, Some(_)) => NOW.to_owned(),
        (true, None) => return None,
    };
    // The first episode and the first incident are the case; others are told apart by their number.
    let name = if index.is_empty() || index == "0" { words.to_owned() } else { format!("{words} ({})", leaf.path) };
    let sign = if clock.before { -1 } else { 1 };
    let own = base.number(&pointer).map(|instant| instant.saturating_sub(anchor).saturating_mul(sign));
    Some(NumberAxis {
        name,
        unit: clock.unit,
        points: points(clock.unit, seeds, own),
        place: Place::Instant { pointer, from, sign, now_follows: clock.now_follows },
        anchor: Some(anchor),
    })
}

/// The index that stands for `*`, if a pointer has the shape; empty where the shape has none.
fn index_in<'a>(pointer: &'a str, shape: &str) -> Option<&'a str> {
    let Some((before, after)) = shape.split_once('*') else { return (pointer == shape).then_some("") };
    let index = pointer.strip_prefix(before)?.strip_suffix(after)?;
    (!index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit())).then_some(index)
}

fn choice_axis(base: &Document, leaf: Leaf) -> Option<ChoiceAxis> {
    let Leaf { pointer, path, holds, optional } = leaf;
    let own = base.get(&pointer)?.clone();
    let mut values: Vec<Value> = match holds {
        Holds::Words(words) => words.into_iter().map(Value::from).collect(),
        Holds::Flag => vec![json!(false), json!(true)],
        Holds::Set(words) => std::iter::once(json!([])).chain(words.into_iter().map(|word| json!([word]))).collect(),
        // An optional number, present or not; which number is an axis of its own.
        Holds::Money if optional => vec![present(&own, json!(10_000))],
        Holds::Count if optional => vec![present(&own, json!(1))],
        Holds::Share if optional => vec![present(&own, json!(5_000))],
        Holds::Instant if optional => vec![present(&own, json!(base.number(NOW)?))],
        Holds::Money | Holds::Count | Holds::Share | Holds::Instant => return None,
    };
    if optional {
        values.push(Value::Null);
    }
    Some(ChoiceAxis { name: path, pointer, values })
}

fn present(own: &Value, usual: Value) -> Value {
    if own.is_null() { usual } else { own.clone() }
}

/// The axis of a reply's text.
pub(super) const TEXT: &str = "text";

/// A reply's text: the draft as it is, and each term that a setting names in an ordinary sentence.
fn texts(base: &Document, seeds: &Seeds) -> Option<ChoiceAxis> {
    let text = base.get("/case/text").filter(|_| base.kind() == Kind::Reply)?.clone();
    let sentences = seeds.words.iter().map(|term| json!(format!("您好，{term}，谢谢。")));
    Some(ChoiceAxis { name: TEXT.into(), pointer: "/case/text".into(), values: std::iter::once(text).chain(sentences).collect() })
}

/// Where the search begins: close together where limits usually lie, at every seed with its neighbours, and at the base's
/// own value.
fn points(unit: Unit, seeds: &Seeds, own: Option<i64>) -> Vec<i64> {
    let mut points: BTreeSet<i64> = own.into_iter().collect();
    let mut around = |value: i64, step: i64| {
        for at in [value.saturating_sub(step), value, value.saturating_add(step)] {
            points.insert(at);
        }
    };
    match unit {
        Unit::Elapsed | Unit::Civil => {
            (-24..=240).for_each(|hour| around(hour * HOUR_MS, 0));
            (11..=120).for_each(|day| around(day * DAY_MS, 0));
            (5..=36).for_each(|month| around(month * 30 * DAY_MS, 0));
            for seed in seeds.numbers.iter().filter(|seed| **seed <= 10_000) {
                around(seed * HOUR_MS, HOUR_MS);
                around(seed * DAY_MS, HOUR_MS);
            }
        }
        Unit::Money => {
            for decade in [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000] {
                [1, 2, 3, 5].into_iter().for_each(|digit| around(digit * decade, 0));
            }
            seeds.numbers.iter().for_each(|seed| around(*seed, 1));
        }
        Unit::Count => {
            (0..=31).chain([45, 60, 90, 100, 180, 365, 366, 1_000]).for_each(|count| around(count, 0));
            seeds.numbers.iter().filter(|seed| **seed <= 10_000).for_each(|seed| around(*seed, 1));
        }
        Unit::Share => {
            (0..=20).for_each(|twentieth| around(twentieth * 500, 0));
            seeds.numbers.iter().filter(|seed| **seed <= 10_000).for_each(|seed| around(*seed, 1));
        }
    }
    points.insert(0);
    let least = if matches!(unit, Unit::Elapsed | Unit::Civil) { -24 * HOUR_MS } else { 0 };
    points.into_iter().filter(|point| *point >= least).collect()
}
