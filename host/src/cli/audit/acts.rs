//! `ombud audit acts`: a log's acts as a table.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use super::super::api::{self, Api};
use super::super::{EXIT_OK, screen};
use crate::service::acts::{ActView, ActsPage};

/// Acts of one page.
const PAGE: u32 = 200;
/// Characters of a cell for what was done; what changed is never cut.
const PARTICULARS_SCALARS_MAX: usize = 90;

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
            table.add_row([act.seq.to_string(), at, act.name, act.by, what]);
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
    for (name, value) in json.as_object().into_iter().flatten().filter(|(name, _)| !told(name)) {
        parts.push(match value {
            Value::String(text) if text.len() == DIGEST_DIGITS => format!("{name} {}…", text.get(..8).unwrap_or_default()),
            Value::String(text) => format!("{name} {text}"),
            value => format!("{name} {value}"),
        });
    }
    parts.extend(body.reason.as_ref().map(|reason| format!("“{reason}”")));
    let line = parts.join(", ");
    let short: String = line.chars().take(PARTICULARS_SCALARS_MAX).collect();
    let line = if short.len() < line.len() { format!("{short}…") } else { line };
    Ok(changes.into_iter().chain([line].into_iter().filter(|line| !line.is_empty())).collect::<Vec<_>>().join("\n"))
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
    fn only_what_differs_is_shown_with_both_values() {
        let from = json!({"a": 1, "b": {"c": 2, "d": 3}, "gone": true});
        let to = json!({"a": 1, "b": {"c": 2, "d": 4}, "new": "x"});
        assert_eq!(changes(&from, &to), ["b.d 3 → 4", "gone true → none", "new none → \"x\""]);
        assert!(changes(&from, &from).is_empty());
    }
}
