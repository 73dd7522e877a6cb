//! One finding of the check, and how findings are put together.

use super::Raw;
use super::personal::{Slices, Span};
use super::table::{Origins, RULES, Rule};
use crate::contract::reply::{self, Action};
use crate::contract::types::Severity;
use crate::normalise::View;

/// Scalars of the text that a finding repeats; its span says where the rest is.
const MATCHED_MAX: u32 = 60;
/// Bytes of findings in one ruling, counted as the host counts: with the longest text masked, its reasons and messages a ruling stays
/// within `ruling_bytes_max`, 256 KiB. A text that is forbidden words and nothing else takes half of it.
pub const FINDINGS_BYTES_MAX: usize = 200 << 10;
/// Bytes of a finding beside its texts.
const FINDING_BYTES: usize = 16;

/// What is left of [`FINDINGS_BYTES_MAX`].
pub struct Room(usize);

impl Room {
    /// Beside the findings that a ruling has already.
    pub fn beside(findings: &[reply::Finding]) -> Self {
        let mut room = Self(FINDINGS_BYTES_MAX);
        for finding in findings {
            room.takes(finding);
        }
        room
    }

    /// Whether one more finding fits; after the first that does not, none does.
    pub fn takes(&mut self, finding: &reply::Finding) -> bool {
        let texts = [&finding.rule, &finding.category, &finding.matched, &finding.suggestion_key].map(String::len);
        let bytes = texts.iter().sum::<usize>() + finding.exemption.as_ref().map_or(0, String::len) + FINDING_BYTES;
        self.0 = self.0.saturating_sub(bytes);
        self.0 > 0
    }
}

/// A rule met at a place of the text.
#[derive(Clone)]
pub struct Finding {
    pub rule: &'static Rule,
    /// Unicode scalar values of the original text, half-open.
    pub start: u32,
    pub end: u32,
    /// What it asks for; none = exempt or refuted by the facts.
    pub action: Action,
    /// Where the word comes from.
    pub origins: Origins,
    /// The exemption that lifts it.
    pub exemption: Option<&'static str>,
    /// The original text of the span, personal data in it masked, cut short with `…` after 60 scalars.
    pub matched: String,
}

impl Finding {
    pub(super) fn on_view(raw: &Raw, view: &View, action: Action, exemption: Option<&'static str>) -> Self {
        let (start, end) = view.original(raw.start as usize, raw.end as usize);
        let rule = &RULES[usize::from(raw.rule)];
        Self { rule, start, end, action, origins: raw.origins, exemption, matched: String::new() }
    }

    /// A finding of the original text that acts as its rule says.
    pub(super) fn plain(rule: usize, start: u32, end: u32) -> Self {
        let rule = &RULES[rule];
        Self { rule, start, end, action: rule.action, origins: Origins::PATTERN, exemption: None, matched: String::new() }
    }

    /// As the contract writes it.
    pub fn to_contract(&self) -> reply::Finding {
        reply::Finding {
            rule: self.rule.rule_id(),
            category: self.rule.name.to_owned(),
            severity: severity(self.action),
            action: self.action,
            start: self.start,
            end: self.end,
            matched: self.matched.clone(),
            exemption: self.exemption.map(str::to_owned),
            suggestion_key: self.suggestion_key(),
        }
    }

    /// The key of the advice to the author, `rc.fix.RC-101`.
    pub fn suggestion_key(&self) -> String {
        ["rc.fix.", self.rule.id].concat()
    }
}

/// How grave an action is.
pub fn severity(action: Action) -> Severity {
    match action {
        Action::None => Severity::Info,
        Action::Warn => Severity::Low,
        Action::Mask | Action::Evidence => Severity::Medium,
        Action::Stop => Severity::High,
    }
}

/// Brings findings in the order of the text, makes one of those that say the same, and fills in what they matched.
pub(super) fn settle(findings: &mut Vec<Finding>, text: &str, spans: &[Span]) {
    // The strictest of equal findings comes first and stands for the others.
    findings.sort_by_key(|finding| (finding.start, finding.end, finding.rule.id, std::cmp::Reverse(finding.action)));
    findings.dedup_by(|later, kept| {
        let same = (later.rule.id, later.start, later.end) == (kept.rule.id, kept.start, kept.end);
        if same && later.action == kept.action {
            kept.origins = Origins(kept.origins.0 | later.origins.0);
        }
        same
    });
    if findings.is_empty() {
        return;
    }
    let slices = Slices::of(text);
    for finding in findings {
        let shown = finding.end.min(finding.start + MATCHED_MAX);
        finding.matched = slices.replaced(spans, finding.start, shown);
        if shown < finding.end {
            finding.matched.push('…');
        }
    }
}
