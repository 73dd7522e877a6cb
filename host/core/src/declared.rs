//! The rules that a version says it looks at, in its order: what an auditor is shown beside those that matched.

use serde::{Deserialize, Serialize};

use crate::kind::Kind;

/// Rules of one kind.
pub const RULES_MAX: usize = 1_000;
/// A rule's id, in bytes.
pub const RULE_BYTES_MAX: usize = 64;
/// A rule's title, in bytes.
pub const TITLE_BYTES_MAX: usize = 200;

/// A rule that a version looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredRule {
    /// The id that its reason has, such as `DC-011`.
    pub rule: String,
    /// What it is about, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// The rules of each kind that a version decides or reviews, in the order in which it looks at them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DeclaredRules {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    after_sale: Vec<DeclaredRule>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    delay: Vec<DeclaredRule>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    blacklist: Vec<DeclaredRule>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reply: Vec<DeclaredRule>,
}

impl DeclaredRules {
    /// Reads the JSON `{"KIND": [{"rule": "DC-011", "title": "Late by more than a day"}, …], …}`.
    ///
    /// # Errors
    /// What is wrong, where, and what to do.
    pub fn parse(json: &str) -> Result<Self, String> {
        let malformed = |what: &dyn std::fmt::Display| format!("{what}: write {{\"KIND\": [{{\"rule\": …, \"title\": …}}]}}");
        // A list would be read as well, its items for kinds.
        if !json.trim_start().starts_with('{') {
            return Err(malformed(&"not an object"));
        }
        let rules: Self = serde_json::from_str(json).map_err(|error| malformed(&error))?;
        for kind in Kind::ALL {
            check(kind, rules.of(kind))?;
        }
        Ok(rules)
    }

    /// Memory that they take, in bytes.
    pub fn resident_bytes(&self) -> usize {
        let bytes = |own: &DeclaredRule| size_of::<DeclaredRule>() + own.rule.len() + own.title.as_ref().map_or(0, String::len);
        Kind::ALL.into_iter().flat_map(|kind| self.of(kind)).map(bytes).sum()
    }

    /// The rules of a kind, in order.
    pub fn of(&self, kind: Kind) -> &[DeclaredRule] {
        match kind {
            Kind::AfterSale => &self.after_sale,
            Kind::Delay => &self.delay,
            Kind::Blacklist => &self.blacklist,
            Kind::Reply => &self.reply,
        }
    }
}

fn check(kind: Kind, rules: &[DeclaredRule]) -> Result<(), String> {
    if rules.len() > RULES_MAX {
        return Err(format!("`/{kind}` has {} rules, more than {RULES_MAX}: declare groups of them as one", rules.len()));
    }
    let is_line = |text: &str, max: usize| (1..=max).contains(&text.len()) && !text.chars().any(char::is_control);
    let mut seen = std::collections::HashSet::new();
    for (at, DeclaredRule { rule, title }) in rules.iter().enumerate() {
        if !is_line(rule, RULE_BYTES_MAX) {
            return Err(format!("`/{kind}/{at}/rule` is no id of a rule: write it in 1 to {RULE_BYTES_MAX} bytes on one line"));
        }
        if title.as_ref().is_some_and(|title| !is_line(title, TITLE_BYTES_MAX)) {
            return Err(format!("`/{kind}/{at}/title` is no title: write it in 1 to {TITLE_BYTES_MAX} bytes on one line, or leave it out"));
        }
        if !seen.insert(rule) {
            return Err(format!("`/{kind}/{at}/rule`: `{rule}` stands there twice: declare it once"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_delay(rules: &str) -> Result<DeclaredRules, String> {
        DeclaredRules::parse(&format!("{{\"delay\": [{rules}]}}"))
    }

    #[test]
    fn rules_stand_in_their_order_with_or_without_a_title() {
        let rules = of_delay(r#"{"rule": "Z", "title": "last letter"}, {"rule": "A"}"#).unwrap();
        let ids: Vec<_> = rules.of(Kind::Delay).iter().map(|own| (own.rule.as_str(), own.title.as_deref())).collect();
        assert_eq!(ids, [("Z", Some("last letter")), ("A", None)]);
        assert_eq!(rules.of(Kind::Reply), []);
        assert_eq!(DeclaredRules::parse("{}").unwrap(), DeclaredRules::default());
    }

    #[test]
    fn each_limit_is_met_at_its_edge() {
        let id = |bytes: usize| of_delay(&format!("{{\"rule\": \"{}\"}}", "r".repeat(bytes)));
        let title = |bytes: usize| of_delay(&format!("{{\"rule\": \"A\", \"title\": \"{}\"}}", "t".repeat(bytes)));
        let count = |count: usize| of_delay(&(0..count).map(|at| format!("{{\"rule\": \"R-{at}\"}}")).collect::<Vec<_>>().join(","));
        assert!(id(1).is_ok() && id(RULE_BYTES_MAX).is_ok() && title(TITLE_BYTES_MAX).is_ok() && count(RULES_MAX).is_ok());
        for (refused, said) in [
            (id(0), "`/delay/0/rule` is no id"),
            (id(RULE_BYTES_MAX + 1), "1 to 64 bytes"),
            (title(0), "`/delay/0/title` is no title"),
            (title(TITLE_BYTES_MAX + 1), "or leave it out"),
            (count(RULES_MAX + 1), "`/delay` has 1001 rules, more than 1000: declare groups"),
        ] {
            let refused = refused.unwrap_err();
            assert!(refused.contains(said), "{refused}");
        }
    }

    #[test]
    fn what_is_malformed_is_refused_with_its_place() {
        for (rules, said) in [
            (r#"{"delay": [{"rule": "A"}, {"rule": "A"}]}"#, "`/delay/1/rule`: `A` stands there twice"),
            (r#"{"delay": [{"rule": "A\n"}]}"#, "`/delay/0/rule` is no id"),
            (r#"{"delay": [], "delay": []}"#, "duplicate field `delay` at line 1"),
            (r#"{"delays": []}"#, "unknown field `delays`, expected one of `after-sale`"),
            (r#"{"delay": [{"rule": "A", "titel": "t"}]}"#, "unknown field `titel`"),
            (r#"{"delay": ["A"]}"#, "at line 1 column 14"),
            ("[[{\"rule\": \"A\"}]]", "not an object: write {\"KIND\": "),
            ("", "not an object"),
            ("{", "EOF"),
        ] {
            let refused = DeclaredRules::parse(rules).unwrap_err();
            assert!(refused.contains(said), "{rules}: {refused}");
        }
    }
}
