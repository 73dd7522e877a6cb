//! The rules that a version looked at, beside those that matched: as its component declares them, or as the rows of its settings' table are.

use serde::{Deserialize, Serialize};

use super::terms;
use super::text::line as write;
use crate::chain::ReasonBy;
use crate::declared::DeclaredRule;
use crate::messages::Locale;

/// Ids in a line of text.
const LINE_RULES: usize = 12;

/// The rules that one version looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EvaluatedLine {
    /// The policy or the guardrail.
    pub by: ReasonBy,
    /// Its name.
    pub name: String,
    /// Its readable version; of a guardrail whose component is missing, none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// SHA-256 of the recorded component, hex.
    pub component: String,
    /// It ran as well, and its ruling does not stand.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beside: bool,
    /// It gave an answer; else nobody knows how far it came.
    pub answered: bool,
    /// Where its rules are declared.
    pub declared_in: DeclaredIn,
    /// How they are to be read, in words.
    pub how: String,
    /// The rules in the order in which it looks at them; after them those that matched and are not declared.
    pub rules: Vec<EvaluatedRule>,
}

/// Where a version declares its rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeclaredIn {
    /// In its component.
    Component,
    /// In its settings: they are the rows of a table of which the first that matches decides.
    TableFirst,
    /// In its settings: they are the rows of a table that are all looked at.
    TableAll,
    /// Nowhere.
    Nowhere,
    /// The recorded component is missing or damaged.
    ComponentMissing,
    /// The recorded settings, which have the table, are missing or damaged.
    SettingsMissing,
}

impl DeclaredIn {
    /// Whether it is known what the version declares, so that a rule can be said to be none of it.
    const fn is_known(self) -> bool {
        matches!(self, Self::Component | Self::TableFirst | Self::TableAll)
    }
}

/// A rule that a version looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EvaluatedRule {
    /// Its id.
    pub rule: String,
    /// What it is about, in its author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// It is a reason of the answer.
    pub matched: bool,
    /// The version declares it; else its answer alone names it.
    pub declared: bool,
}

/// A call of a version as it is on record.
#[derive(Clone, Debug)]
pub struct RecordedCall {
    /// The policy or the guardrail.
    pub by: ReasonBy,
    /// Its name.
    pub name: String,
    /// Its readable version.
    pub version: Option<String>,
    /// SHA-256 of the component, hex.
    pub component: String,
    /// Its ruling does not stand.
    pub beside: bool,
    /// The rules of its answer's reasons; none where it gave no answer.
    pub given: Option<Vec<String>>,
}

/// What a call looked at.
pub fn evaluated(call: RecordedCall, declared_in: DeclaredIn, declared: &[DeclaredRule], locale: Locale) -> EvaluatedLine {
    let given = call.given.as_deref().unwrap_or_default();
    let mut rules: Vec<EvaluatedRule> = declared
        .iter()
        .map(|own| EvaluatedRule { rule: own.rule.clone(), title: own.title.clone(), matched: given.contains(&own.rule), declared: true })
        .collect();
    for rule in given {
        if !rules.iter().any(|known| known.rule == *rule) {
            rules.push(EvaluatedRule { rule: rule.clone(), title: None, matched: true, declared: false });
        }
    }
    let answered = call.given.is_some();
    let mut how = how(declared_in, locale).to_owned();
    if !answered {
        how.push_str(match locale {
            Locale::ZhCn => "；未得出答复，无法得知检查到了哪一条",
            Locale::En => "; it gave no answer, so how far it came is not known",
        });
    }
    let RecordedCall { by, name, version, component, beside, given: _ } = call;
    EvaluatedLine { by, name, version, component, beside, answered, declared_in, how, rules }
}

const fn how(declared_in: DeclaredIn, locale: Locale) -> &'static str {
    match (declared_in, locale) {
        (DeclaredIn::Component, Locale::ZhCn) => "该版本声明的规则，按其检查顺序；作出决定的规则可能使其后的规则不再检查",
        (DeclaredIn::Component, Locale::En) => {
            "the rules it declares, in its order; one that decides may end the search before those after it"
        }
        (DeclaredIn::TableFirst, Locale::ZhCn) => "决策表的行，自上而下；首个命中的行作出决定，其下的行不再检查",
        (DeclaredIn::TableFirst, Locale::En) => {
            "the rows of its table from the top; the first that matches decides, and those below it are not looked at"
        }
        (DeclaredIn::TableAll, Locale::ZhCn) => "决策表的行，逐行检查",
        (DeclaredIn::TableAll, Locale::En) => "the rows of its table, each of which is looked at",
        (DeclaredIn::Nowhere, Locale::ZhCn) => "该版本未声明规则，仅列出其命中的规则",
        (DeclaredIn::Nowhere, Locale::En) => "this version declares no rules; it names the ones that matched",
        (DeclaredIn::ComponentMissing, Locale::ZhCn) => "记录中的组件缺失或损坏，无法读取其声明的规则，仅列出命中的规则",
        (DeclaredIn::ComponentMissing, Locale::En) => {
            "the recorded component is missing or damaged, so the rules it declares cannot be read; those that matched are named"
        }
        (DeclaredIn::SettingsMissing, Locale::ZhCn) => "记录中的设置缺失或损坏，无法读取其决策表，仅列出命中的行",
        (DeclaredIn::SettingsMissing, Locale::En) => {
            "the recorded settings are missing or damaged, so the rows of its table cannot be read; those that matched are named"
        }
    }
}

/// The text: what matched with its title, the rest as a list of ids.
pub(super) fn text(out: &mut String, lines: &[EvaluatedLine], zh: bool) {
    let label = |chinese: &'static str, english: &'static str| if zh { chinese } else { english };
    for line in lines {
        let by = terms::term(if line.by == ReasonBy::Guardrail { "guardrail" } else { "policy" }, zh);
        let version = line.version.as_deref().unwrap_or_default();
        let beside = if line.beside { label("（另一版本）", " (beside)") } else { "" };
        write(out, "  ", &format!("{by} {} {version}{beside}{}{}", line.name, label("：", ": "), line.how));
        for rule in line.rules.iter().filter(|rule| rule.matched) {
            let title = rule.title.as_ref().map(|title| format!("  {title}")).unwrap_or_default();
            let undeclared = if rule.declared || !line.declared_in.is_known() { "" } else { label("（未声明）", " (not declared)") };
            write(out, "    ", &format!("{} {}{undeclared}{title}", label("命中", "matched"), rule.rule));
        }
        if line.rules.is_empty() && line.answered {
            write(out, "    ", label("无命中", "none matched"));
        }
        let rest: Vec<&str> = line.rules.iter().filter(|rule| !rule.matched).map(|rule| rule.rule.as_str()).collect();
        for (at, ids) in rest.chunks(LINE_RULES).enumerate() {
            let lead = match (at, line.answered) {
                (0, true) => label("未命中：", "not matched: "),
                // What a version without an answer had matched by then nobody was told.
                (0, false) => label("已声明：", "declared: "),
                _ => "  ",
            };
            write(out, "    ", &format!("{lead}{}", ids.join(" ")));
        }
    }
}
