//! Reads a file of cases.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::expect::{CapsExpect, Expect, ReviewExpect, ReviewVerdict, RulingExpect};
use super::fixture::{self, Base};
use super::{CapsResult, Given, GoldenCase, GoldenError, after_sale, blacklist, caps, delay, reply};
use crate::yaml;

/// Kinds this version does not decide; their cases are kept, not run (domain policies 5.5: a later kind).
const SKIPPED: &[&str] = &["metrics"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    base: Option<Value>,
    cases: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    id: String,
    kind: String,
    title: String,
    settings: Option<Value>,
    given: Value,
    /// Present in guardrail and caps cases: what is reviewed.
    ruling: Option<Value>,
    expect: Value,
    #[serde(default)]
    src: String,
}

/// Reads every case of a YAML text: `cases`, and optionally a `base` that replaces the built-in fixture.
///
/// # Errors
/// The first thing that is wrong, with the id of its case and the key: bad YAML, an unknown key or value, a repeated
/// id, an expectation that asserts nothing.
pub fn load(text: &str) -> Result<Vec<GoldenCase>, GoldenError> {
    let file: File = json(text).and_then(|value| read(value, "")).map_err(GoldenError::File)?;
    let base = match file.base {
        Some(base) => base,
        None => json(include_str!("base.yaml")).map_err(GoldenError::Base)?,
    };
    let base: Base = serde_json::from_value(base).map_err(|error| GoldenError::Base(error.to_string()))?;

    let mut ids = HashSet::new();
    let mut cases = Vec::with_capacity(file.cases.len());
    for (index, raw) in file.cases.into_iter().enumerate() {
        let id = raw.get("id").and_then(Value::as_str).map_or_else(|| format!("number {}", index + 1), str::to_owned);
        let case = case(&base, raw).and_then(|case| match ids.insert(case.id.clone()) {
            true => Ok(case),
            false => Err("the id is used twice".to_owned()),
        });
        cases.push(case.map_err(|problem| GoldenError::Case { id, problem })?);
    }
    Ok(cases)
}

/// YAML to JSON, by way of YAML's own value, which refuses repeated keys.
fn json(text: &str) -> Result<Value, String> {
    serde_json::to_value(yaml::read(text)?).map_err(|error| error.to_string())
}

/// Reads a part of a case; the error names the member that is wrong, from the part on.
pub(super) fn read<T: serde::de::DeserializeOwned>(value: Value, part: &str) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let member = error.path().to_string();
        let place = [part, &member].into_iter().filter(|place| !matches!(*place, "" | ".")).collect::<Vec<_>>().join(": ");
        let said = error.into_inner().to_string();
        let said = ["i64", "u64", "i32", "u32"]
            .iter()
            .fold(said, |said, number| said.replace(&format!("expected {number}"), "expected a whole number"));
        let said = said.replace("expected a sequence", "expected a list");
        if place.is_empty() { said } else { format!("{place}: {said}") }
    })
}

fn case(base: &Base, raw: Value) -> Result<GoldenCase, String> {
    let raw: RawCase = read(raw, "")?;
    if SKIPPED.contains(&raw.kind.as_str()) {
        let given = Given::Skipped { kind: raw.kind.clone() };
        return Ok(GoldenCase {
            id: raw.id,
            title: raw.title,
            kind: raw.kind,
            settings: raw.settings,
            given,
            expect: Expect::Skipped,
            src: raw.src,
        });
    }
    // A null would read as "not listed" and assert nothing.
    asserts_something(&raw.expect)?;
    let given = given(base, &raw.kind, raw.given, raw.ruling)?;
    let expect = expect(&given, raw.expect)?;
    let settings = raw.settings.map(fixture::settings);
    Ok(GoldenCase { id: raw.id, title: raw.title, kind: raw.kind, settings, given, expect, src: raw.src })
}

fn given(base: &Base, kind: &str, given: Value, ruling: Option<Value>) -> Result<Given, String> {
    Ok(match (kind, ruling) {
        ("after-sale", None) => {
            let (context, facts) = after_sale::given(base, given)?;
            Given::AfterSale(context, facts)
        }
        ("after-sale", Some(ruling)) => {
            let (context, facts) = after_sale::given(base, given)?;
            Given::ReviewAfterSale(context, facts, after_sale::ruling(ruling)?)
        }
        ("delay", None) => {
            let (context, facts) = delay::given(base, given)?;
            Given::Delay(context, facts)
        }
        ("delay", Some(ruling)) => {
            let (context, facts) = delay::given(base, given)?;
            let ruling = delay::ruling(ruling, &facts, context.now)?;
            Given::ReviewDelay(context, facts, ruling)
        }
        ("blacklist", None) => {
            let (context, facts) = blacklist::given(base, given)?;
            Given::Blacklist(context, facts)
        }
        ("blacklist", Some(ruling)) => {
            let (context, facts) = blacklist::given(base, given)?;
            let ruling = blacklist::ruling(ruling, &facts, context.now)?;
            Given::ReviewBlacklist(context, facts, ruling)
        }
        ("reply", None) => {
            let (context, facts) = reply::given(base, given)?;
            Given::Reply(context, facts)
        }
        ("reply", Some(ruling)) => {
            let (context, facts) = reply::given(base, given)?;
            let ruling = reply::ruling(ruling, &facts)?;
            Given::ReviewReply(context, facts, ruling)
        }
        ("caps", Some(ruling)) => Given::Caps(caps::given(given, ruling)?),
        ("caps", None) => return Err("a case of kind `caps` needs a `ruling`".to_owned()),
        (kind, _) => return Err(format!("`{kind}` is no kind of case")),
    })
}

fn expect(given: &Given, expect: Value) -> Result<Expect, String> {
    Ok(match given {
        Given::Caps(_) => {
            #[derive(Deserialize)]
            #[serde(deny_unknown_fields)]
            struct Raw {
                result: CapsResult,
                caps: Option<Vec<String>>,
                ruling: Option<Refund>,
            }
            #[derive(Deserialize)]
            #[serde(deny_unknown_fields)]
            struct Refund {
                refund: i64,
            }
            let raw: Raw = read(expect, "expect")?;
            Expect::Caps(CapsExpect { result: raw.result, caps: raw.caps, refund: raw.ruling.map(|ruling| ruling.refund) })
        }
        Given::ReviewAfterSale(..) | Given::ReviewDelay(..) | Given::ReviewBlacklist(..) | Given::ReviewReply(..) => {
            #[derive(Deserialize)]
            #[serde(deny_unknown_fields)]
            struct Raw {
                review: ReviewVerdict,
                rules: Option<Vec<String>>,
                ruling: Option<Value>,
            }
            let raw: Raw = read(expect, "expect")?;
            if raw.ruling.is_some() && raw.review != ReviewVerdict::Amend {
                return Err("expect: only an amendment has a `ruling`".to_owned());
            }
            let ruling = raw.ruling.map(|ruling| ruling_expect(given, ruling)).transpose()?;
            Expect::Review(ReviewExpect { review: raw.review, rules: raw.rules, ruling })
        }
        _ => Expect::Ruling(ruling_expect(given, expect)?),
    })
}

fn ruling_expect(given: &Given, expect: Value) -> Result<RulingExpect, String> {
    Ok(match given {
        Given::AfterSale(..) | Given::ReviewAfterSale(..) => RulingExpect::AfterSale(read(expect, "expect")?),
        Given::Delay(..) | Given::ReviewDelay(..) => RulingExpect::Delay(read(expect, "expect")?),
        Given::Blacklist(..) | Given::ReviewBlacklist(..) => RulingExpect::Blacklist(read(expect, "expect")?),
        Given::Reply(..) | Given::ReviewReply(..) => RulingExpect::Reply(read(expect, "expect")?),
        Given::Caps(_) | Given::Skipped { .. } => return Err("expect: this kind has no ruling".to_owned()),
    })
}

/// Refuses empty expectations and nulls.
fn asserts_something(expect: &Value) -> Result<(), String> {
    fn null_key(map: &Map<String, Value>) -> Option<&String> {
        map.iter().find_map(|(key, value)| match value {
            Value::Null => Some(key),
            Value::Object(inner) => null_key(inner),
            _ => None,
        })
    }
    match expect {
        Value::Object(map) if map.is_empty() => Err("expect: nothing is expected".to_owned()),
        Value::Object(map) => null_key(map).map_or(Ok(()), |key| Err(format!("expect: `{key}` is null and asserts nothing"))),
        _ => Err("expect: not a mapping".to_owned()),
    }
}
