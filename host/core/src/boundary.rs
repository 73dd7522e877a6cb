//! Questions at the bounds of the contract: what a component is asked before it is trusted. Ordinary cases are moved to the edges of every fact,
//! one at a time and all together. What a policy says to them is its own affair; that it never traps is not. Pure: what answers is elsewhere.

use ombud_rules::civil::DAY_MS;
use ombud_rules::contract::types::Context;
use serde_json::{Value, json};

use crate::behaviour::{Document, Holds, Leaf, leaves, ordinary};
use crate::case::Case;
use crate::golden::GoldenError;
use crate::kind::Kind;
use crate::limits::{
    ATTRIBUTES_MAX, EPISODES_MAX, EVIDENCE_MAX, ID_BYTES_MAX, INCIDENTS_MAX, INSTANT_MS_MAX, KNOWN_IDS_MAX, LINES_MAX, LIST_MAX,
    MESSAGE_SCALARS_MAX, MONEY_FEN_MAX, QUANTITY_MAX, STEPS_MAX, TZ_OFFSET_MIN,
};

/// One question.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// The ordinary case, what was moved, and to where.
    pub name: String,
    /// The context.
    pub context: Context,
    /// The facts.
    pub case: Case,
    /// Size as JSON in bytes, by which the fuel of its event grows.
    pub bytes: usize,
    /// Whether it is one of the largest cases: a list or a text as long, or a number as great, as it may be. For these alone a policy's fuel need not
    /// last.
    pub largest: bool,
}

/// Whole days at which windows of law and trade close.
const DAYS: [i64; 8] = [1, 3, 7, 15, 30, 90, 180, 365];
/// Basis points of the whole.
const WHOLE_BP: i64 = 10_000;

/// Every question of a kind, always the same ones in the same order.
///
/// # Errors
/// The built-in cases cannot be read, which a test excludes.
pub fn edges(kind: Kind) -> Result<Vec<Edge>, GoldenError> {
    let mut found = Vec::new();
    for base in ordinary(kind)? {
        let Ok(document) = Document::new(&base.context, &base.case) else { continue };
        let mut edges = Edges { base: &base.name, document: &document, found: &mut found };
        let leaves = leaves(&document);
        edges.facts(&leaves);
        edges.all_together(&leaves);
        edges.texts_and_lists();
    }
    Ok(found)
}

struct Edges<'a> {
    base: &'a str,
    document: &'a Document,
    found: &'a mut Vec<Edge>,
}

impl Edges<'_> {
    fn push(&mut self, what: &str, moved: &Document, largest: bool) {
        let Some((context, case)) = moved.read() else { return };
        let bytes = moved.bytes();
        self.found.push(Edge { name: format!("{}: {what}", self.base), context, case, bytes, largest });
    }

    /// One fact at a time.
    fn facts(&mut self, leaves: &[Leaf]) {
        let document = self.document;
        let now = document.number("/context/now").unwrap_or(0);
        for leaf in leaves {
            let absent = leaf.optional.then_some(Value::Null);
            for value in values(&leaf.holds, now).into_iter().chain(absent) {
                if document.get(&leaf.pointer) != Some(&value) {
                    let largest = is_greatest(&leaf.holds, &value);
                    self.push(&format!("{} = {value}", leaf.path), &document.with(&leaf.pointer, value.clone()), largest);
                }
            }
        }
        for offset in [*TZ_OFFSET_MIN.start(), *TZ_OFFSET_MIN.end()] {
            self.push(&format!("tz-offset-min = {offset}"), &document.with("/context/tz_offset_min", json!(offset)), false);
        }
    }

    /// Every fact at its least, at its greatest, absent, unknown.
    fn all_together(&mut self, leaves: &[Leaf]) {
        let mut together = |what: &str, largest: bool, of: &dyn Fn(&Leaf) -> Option<Value>| {
            let moved = leaves.iter().fold(self.document.clone(), |document, leaf| match of(leaf) {
                Some(value) => document.with(&leaf.pointer, value),
                None => document,
            });
            self.push(what, &moved, largest);
        };
        together("every number at its least", false, &|leaf| bounds(&leaf.holds).map(|(least, _)| json!(least)));
        together("every number at its greatest", true, &|leaf| bounds(&leaf.holds).map(|(_, greatest)| json!(greatest)));
        together("all money at its greatest", true, &|leaf| (leaf.holds == Holds::Money).then(|| json!(MONEY_FEN_MAX)));
        together("all counts at their greatest", true, &|leaf| (leaf.holds == Holds::Count).then(|| json!(QUANTITY_MAX)));
        together("everything optional absent", false, &|leaf| leaf.optional.then_some(Value::Null));
        together("everything unknown", false, &|leaf| match &leaf.holds {
            Holds::Words(words) => words.iter().find(|word| *word == "unknown").map(|word| json!(word)),
            _ => None,
        });
        together("every mark set", false, &|leaf| match &leaf.holds {
            Holds::Set(words) => Some(json!(words)),
            Holds::Flag => Some(json!(true)),
            _ => None,
        });
    }

    /// Texts and ids that are empty, long or strange; lists that are empty, or as long as they may be.
    fn texts_and_lists(&mut self) {
        let document = self.document;
        let (mut texts, mut lists) = (Vec::new(), Vec::new());
        for part in ["/context", "/case"] {
            if let Some(value) = document.get(part) {
                places(value, part, &mut texts, &mut lists);
            }
        }
        for pointer in texts {
            for (what, text) in strange(pointer == "/case/text") {
                self.push(&format!("`{pointer}` is {what}"), &document.with(&pointer, json!(text)), what.starts_with(LONG));
            }
        }
        let mut longest = document.clone();
        for pointer in &lists {
            self.push(&format!("`{pointer}` is empty"), &document.with(pointer, json!([])), false);
            let Some(first) = document.get(pointer).and_then(|list| list.get(0)) else { continue };
            let long = Value::Array((0..length_max(pointer)).map(|at| numbered(first, at)).collect());
            self.push(&format!("`{pointer}` is as long as it may be"), &document.with(pointer, long.clone()), true);
            longest = longest.with(pointer, long);
        }
        self.push("every list is as long as it may be", &longest, true);
    }
}

/// Least and greatest of a number.
fn bounds(holds: &Holds) -> Option<(i64, i64)> {
    match holds {
        Holds::Money => Some((0, MONEY_FEN_MAX)),
        Holds::Count => Some((0, i64::from(QUANTITY_MAX))),
        Holds::Share => Some((0, WHOLE_BP)),
        Holds::Instant => Some((0, INSTANT_MS_MAX)),
        Holds::Words(_) | Holds::Set(_) | Holds::Flag => None,
    }
}

/// Whether a number is as great as it may be, or nearly.
fn is_greatest(holds: &Holds, value: &Value) -> bool {
    bounds(holds).zip(value.as_i64()).is_some_and(|((_, greatest), own)| own >= greatest - 1)
}

/// The edges of one fact and their neighbours.
fn values(holds: &Holds, now: i64) -> Vec<Value> {
    let mut numbers: Vec<i64> =
        bounds(holds).into_iter().flat_map(|(least, greatest)| [least, least + 1, greatest - 1, greatest]).collect();
    match holds {
        Holds::Words(words) => return words.iter().map(|word| json!(word)).collect(),
        Holds::Set(words) => {
            return std::iter::once(json!([])).chain(words.iter().map(|word| json!([word]))).chain([json!(words)]).collect();
        }
        Holds::Flag => return vec![json!(false), json!(true)],
        Holds::Instant => {
            numbers.extend([now - 1, now, now + 1]);
            numbers.extend(DAYS.iter().flat_map(|days| [now - days * DAY_MS, now - days * DAY_MS - 1, now + days * DAY_MS]));
        }
        // The contract does not bound a share: AS-001 refuses more than the whole.
        Holds::Share => numbers.extend([WHOLE_BP + 1, i64::from(u32::MAX)]),
        Holds::Money | Holds::Count => {}
    }
    numbers.into_iter().map(Value::from).collect()
}

/// Where texts and lists stand; of a list's items the first.
fn places(value: &Value, pointer: &str, texts: &mut Vec<String>, lists: &mut Vec<String>) {
    match value {
        // Words of the contract are no texts: what leaves their enum cannot be read again and is not asked.
        Value::String(_) => texts.push(pointer.to_owned()),
        Value::Array(items) => {
            lists.push(pointer.to_owned());
            if let Some(first) = items.first() {
                places(first, &format!("{pointer}/0"), texts, lists);
            }
        }
        Value::Object(members) => members.iter().for_each(|(name, member)| places(member, &format!("{pointer}/{name}"), texts, lists)),
        _ => {}
    }
}

/// What texts as long as they may be are called.
const LONG: &str = "long";

/// Texts that trip code which counts bytes, halves or letters.
fn strange(message: bool) -> Vec<(&'static str, String)> {
    let most = if message { MESSAGE_SCALARS_MAX } else { ID_BYTES_MAX };
    let wide = |letter: char| letter.to_string().repeat(if message { most } else { most / letter.len_utf8() });
    vec![
        ("empty", String::new()),
        ("one letter", "a".into()),
        (LONG, "a".repeat(most)),
        ("long in Chinese", wide('退')),
        ("long in signs beyond the first plane", wide('🧾')),
        ("of combining marks", "e\u{301}\u{200d}\u{202e}退\u{feff}".into()),
        ("of quotes and zeros", "\"'\\\u{0}\n{}[]%s{{0}}".into()),
    ]
}

/// The bound of a list by its name.
fn length_max(pointer: &str) -> usize {
    match pointer.rsplit('/').next().unwrap_or_default() {
        "lines" | "line_ids" => LINES_MAX,
        "evidence" => EVIDENCE_MAX,
        "incidents" => INCIDENTS_MAX,
        "steps" => STEPS_MAX,
        "episodes" => EPISODES_MAX,
        "known_ids" => KNOWN_IDS_MAX,
        "attributes" => ATTRIBUTES_MAX,
        _ => LIST_MAX,
    }
}

/// An item again with ids of its own; the first keeps them, because the rest of the case names it.
fn numbered(item: &Value, at: usize) -> Value {
    let Value::Object(members) = item else { return item.clone() };
    let own = members.iter().map(|(name, value)| match value {
        Value::String(text) if at > 0 && (name.ends_with("_id") || name == "key") => (name.clone(), json!(format!("{text}-{at}"))),
        _ => (name.clone(), value.clone()),
    });
    Value::Object(own.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{LINES_MAX, MONEY_FEN_MAX};

    #[test]
    fn every_kind_has_its_edges_and_they_stay() {
        for kind in Kind::ALL {
            let all = edges(kind).unwrap();
            assert!(all.len() > 100, "{kind}: {}", all.len());
            assert!(all.iter().all(|edge| edge.case.kind() == kind && edge.bytes > 100));
            assert_eq!(all, edges(kind).unwrap(), "{kind}: the same questions every time");
        }
    }

    #[test]
    fn most_questions_are_as_small_as_ordinary_ones() {
        for kind in Kind::ALL {
            let all = edges(kind).unwrap();
            let of = |end: &str| all.iter().filter(|edge| edge.name.ends_with(end)).map(|edge| edge.largest).collect::<Vec<_>>();
            assert!(of("now = 0").iter().all(|largest| !largest) && !of("now = 0").is_empty(), "{kind}");
            assert!(of("every list is as long as it may be").iter().all(|largest| *largest), "{kind}");
            assert!(of(&format!("now = {INSTANT_MS_MAX}")).iter().all(|largest| *largest), "{kind}");
            assert!(all.iter().filter(|edge| edge.largest).count() * 2 < all.len(), "{kind}");
        }
    }

    #[test]
    fn both_sides_of_every_bound_are_asked() {
        let all = edges(Kind::AfterSale).unwrap();
        let prices: Vec<i64> = all
            .iter()
            .filter_map(|edge| match &edge.case {
                Case::AfterSale(case) => case.order.lines.first().map(|line| line.unit_price),
                _ => None,
            })
            .collect();
        for fen in [0, 1, MONEY_FEN_MAX - 1, MONEY_FEN_MAX] {
            assert!(prices.contains(&fen), "{fen}");
        }
        assert!(prices.iter().all(|fen| (0..=MONEY_FEN_MAX).contains(fen)), "nothing lies outside the contract");
        let lines = |edge: &Edge| match &edge.case {
            Case::AfterSale(case) => case.order.lines.len(),
            _ => 0,
        };
        assert!(all.iter().any(|edge| lines(edge) == 0) && all.iter().any(|edge| lines(edge) == LINES_MAX));
        assert!(all.iter().all(|edge| lines(edge) <= LINES_MAX));
    }

    #[test]
    fn texts_reach_their_bound_and_not_beyond() {
        let all = edges(Kind::Reply).unwrap();
        let longest = all.iter().filter_map(|edge| match &edge.case {
            Case::Reply(case) => Some(case.text.chars().count()),
            _ => None,
        });
        assert_eq!(longest.max(), Some(MESSAGE_SCALARS_MAX));
    }
}
