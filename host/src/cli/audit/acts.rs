//! `ombud audit acts`: a log's acts as a table.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use ombud_core::rollout::{Scope, Step, VersionId};
use ombud_core::shown::one_line;
use serde::Deserialize as _;
use serde_json::Value;

use super::super::api::{self, Api};
use super::super::{EXIT_OK, screen};
use crate::service::acts::{ActView, ActsPage};

/// Acts of one page.
const PAGE: u32 = 200;
/// Characters of a cell for what was done, and for why; what changed is never cut.
const PARTICULARS_SCALARS_MAX: usize = 120;

/// Hexadecimal digits of a digest, of which a table shows the first few.
const DIGEST_DIGITS: usize = 64;

/// Arguments of `ombud audit acts`.
#[derive(Args)]
pub(in crate::cli) struct Acts {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The merchant; without it, the operator's own log.
    #[arg(long, value_name = "MERCHANT")]
    merchant: Option<String>,
    /// Those of one name, such as settings.changed.
    #[arg(long, value_name = "NAME")]
    act: Option<String>,
    /// Those recorded at or after this time: RFC 3339, or a date for its beginning in the merchant's zone.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Those recorded before this time: RFC 3339, or a date for its beginning in the merchant's zone.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// At most this many, the newest.
    #[arg(long, default_value_t = 50, value_name = "NUMBER")]
    last: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Acts {
    pub(super) fn run(self) -> Result<u8> {
        let api = Api::on_existing(&self.data, None)?;
        let acts = self.read(&api).map_err(|error| match &self.merchant {
            Some(merchant) => api.explained(merchant, error),
            None => error,
        })?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&acts)?);
            return Ok(EXIT_OK);
        }
        let mut table = screen::table(&["seq", "at", "act", "by", "what"]);
        for act in acts.into_iter().rev() {
            let what = particulars(&act)?;
            // To the second: the JSON has the rest.
            let at = format!("{}Z", act.recorded_at.split('.').next().unwrap_or_default());
            table.add_row([act.seq.to_string(), at, act.name, one_line(&act.by).into_owned(), what]);
        }
        println!("{table}");
        Ok(EXIT_OK)
    }

    /// The newest acts first, through as many pages as are needed.
    fn read(&self, api: &Api) -> Result<Vec<ActView>> {
        let path = match &self.merchant {
            Some(merchant) => format!("/v1/merchants/{}/acts", api::plain(merchant)),
            None => "/v1/acts".to_owned(),
        };
        let mut acts = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = format!("limit={PAGE}");
            for (name, value) in [("act", &self.act), ("from", &self.from), ("to", &self.to), ("cursor", &cursor)] {
                if let Some(value) = value {
                    query.push_str(&format!("&{name}={}", api::plain(value)));
                }
            }
            let page: ActsPage = api.get(&format!("{path}?{query}"))?;
            acts.extend(page.acts);
            acts.truncate(self.last);
            cursor = page.cursor;
            if acts.len() >= self.last || cursor.is_none() {
                return Ok(acts);
            }
        }
    }
}

/// What an act says beside its name, in a line.
fn particulars(act: &ActView) -> Result<String> {
    let Some(body) = &act.body else { return Ok("(erased)".to_owned()) };
    let json = serde_json::to_value(&body.what)?;
    let mut parts: Vec<String> = Vec::new();
    let changed = json.get("from").zip(json.get("to")).filter(|(from, to)| from.is_object() && to.is_object());
    let changes = changed.map(|(from, to)| changes(from, to)).unwrap_or_default();
    let told = |name: &str| name == "act" || (changed.is_some() && matches!(name, "from" | "to"));
    for (name, value) in json.as_object().into_iter().flatten().filter(|(name, value)| !told(name) && !value.is_null()) {
        parts.push(format!("{name} {}", shown(name, value)));
    }
    let reason = body.reason.as_ref().map(|reason| format!("“{}”", short(reason)));
    let line = [short(&parts.join(", "))].into_iter().chain(reason).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
    let lines = changes.into_iter().chain([line].into_iter().filter(|line| !line.is_empty()));
    Ok(lines.map(|line| one_line(&line).into_owned()).collect::<Vec<_>>().join("\n"))
}

/// As much of a text as a cell has room for.
fn short(text: &str) -> String {
    match text.char_indices().nth(PARTICULARS_SCALARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A member as people read it: moves, what is switched off and versions in words, digests by their beginning.
fn shown(name: &str, value: &Value) -> String {
    let words = match (name, value) {
        ("proposed", value) => Step::deserialize(value).ok().map(|step| step.to_string()),
        ("scope", value) => Scope::deserialize(value).ok().map(|scope| scope.to_string()),
        (_, Value::Object(members)) if members.len() == 2 => VersionId::deserialize(value).ok().map(|id| format!("`{id}`")),
        (_, Value::Array(list)) => Some(list.iter().map(|one| shown(name, one)).collect::<Vec<_>>().join(", ")),
        (_, Value::String(text)) if text.len() == DIGEST_DIGITS => Some(format!("{}…", text.get(..8).unwrap_or_default())),
        (_, Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    words.unwrap_or_else(|| value.to_string())
}

/// The members that differ, each with its place and both values.
fn changes(from: &Value, to: &Value) -> Vec<String> {
    let mut changes = Vec::new();
    differing("", from, to, &mut changes);
    changes
}

fn differing(place: &str, from: &Value, to: &Value, changes: &mut Vec<String>) {
    if from == to {
        return;
    }
    let (Some(before), Some(after)) = (from.as_object(), to.as_object()) else {
        let shown = |value: &Value| if value.is_null() { "none".to_owned() } else { value.to_string() };
        changes.push(format!("{place} {} → {}", shown(from), shown(to)));
        return;
    };
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
        differing(&place, before.get(name).unwrap_or(&Value::Null), after.get(name).unwrap_or(&Value::Null), changes);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn moves_and_versions_are_shown_in_words_and_a_reason_is_not_cut_for_them() {
        let id = json!({"policy": "delay", "version": "1"});
        for (name, value, expected) in [
            ("version", id.clone(), "`delay 1`"),
            ("taken", json!([id, id]), "`delay 1`, `delay 1`"),
            ("proposed", json!({"step": "canary", "version": id, "share_bp": 250}), "let `delay 1` answer 2.5 % of the customers"),
            ("scope", json!({"of": "policy", "policy": "delay"}), "the policy `delay`"),
            ("row", json!("ab".repeat(32)), "abababab…"),
            ("share_bp", json!(5), "5"),
            ("active", json!({"delay": id}), r#"{"delay":{"policy":"delay","version":"1"}}"#),
        ] {
            assert_eq!(shown(name, &value), expected, "{name}");
        }
        let body = json!({"act": "rollout.rolled-back", "kind": "delay", "taken": vec![id; 40], "active": null, "actor": "li", "at": "",
            "reason": "too dear"});
        let of = |body: Value| ActView {
            seq: 0,
            leaf: String::new(),
            recorded_at: String::new(),
            name: String::new(),
            by: String::new(),
            body: Some(serde_json::from_value(body).unwrap()),
        };
        let line = particulars(&of(body)).unwrap();
        assert!(line.starts_with("kind delay, taken `delay 1`") && line.ends_with("…, “too dear”"), "{line}");
        let pause = json!({"act": "rollout.paused", "scope": {"of": "merchant"}, "actor": "li", "at": "", "reason": "x".repeat(121)});
        let line = particulars(&of(pause)).unwrap();
        assert_eq!(line, format!("scope every policy of the merchant, “{}…”", "x".repeat(120)));
    }

    #[test]
    fn only_what_differs_is_shown_with_both_values() {
        let from = json!({"a": 1, "b": {"c": 2, "d": 3}, "gone": true});
        let to = json!({"a": 1, "b": {"c": 2, "d": 4}, "new": "x"});
        assert_eq!(changes(&from, &to), ["b.d 3 → 4", "gone true → none", "new none → \"x\""]);
        assert!(changes(&from, &from).is_empty());
    }
}
