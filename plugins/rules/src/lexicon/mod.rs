//! The reply check: which words, patterns and personal data stand in a drafted reply, which exemptions lift them, and
//! what the facts make of the rest (domain policies 5.4). The reply policy runs it with the merchant's terms, the
//! guardrail without.
//!
//! The lexicon is data (`data/lexicon.yaml`, `data/normalise.yaml`), compiled into tables when this crate is built.

mod exempt;
mod facts;
mod finding;
mod numbers;
mod personal;
mod scan;
mod table;
mod terms;
#[cfg(test)]
mod tests;
mod vm;

pub use finding::{FINDINGS_BYTES_MAX, Finding, Room, severity};
pub use table::{Origins, RULES, Rule, Scope};
pub use terms::{ExtraTerm, Phrase, Terms, WordRule};

use crate::contract::reply::{Action, ReplyCase};
use crate::contract::types::{Context, Role, Surface};
use crate::normalise::{self, View};
use exempt::{Exemptions, Grounds};
use facts::Facts;
use personal::Personal;
use scan::Scan;
use table::{Value, WORDS, rule_index};
use vm::{Found, Scratch};

/// A bot's reply must be recognisable as written by AI.
const BOT_LABEL: &str = "RC-804";
/// Slang, and every run of emoji.
const SLANG_AND_EMOJI: &str = "RC-803";
/// Business ids and personal data in public.
const IN_PUBLIC: &str = "RC-705";

/// What the check says of one draft.
pub struct Report {
    /// Every finding, exempt and refuted ones included, in the order of the text.
    pub findings: Vec<Finding>,
    /// The text with personal data masked; the text itself where there is none.
    pub masked: String,
}

/// Whether a rule runs on a case.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Off,
    On,
    /// It runs, but the product that would decide is unknown: what it stops is held instead.
    Hold,
}

/// A finding on view N, before exemptions and facts.
struct Raw {
    rule: u8,
    start: u32,
    end: u32,
    origins: Origins,
    disease: bool,
    /// The group beside `span`: what it is, from, to.
    value: Option<(Value, u32, u32)>,
    /// The action of a merchant's own term.
    own: Option<Action>,
}

/// Checks a draft against the whole lexicon and the merchant's terms.
pub fn check(case: &ReplyCase, ctx: &Context, terms: &Terms) -> Report {
    let public = matches!(case.surface, Surface::PublicComment | Surface::LiveRoom);
    let note = case.surface == Surface::TicketNote;
    let mut scratch = Scratch::default();
    let mut findings = Vec::new();

    // An internal note is no advertisement: only personal data counts (5.4, surfaces).
    let view = if note { View::default() } else { normalise::view_n(&case.text) };
    if !note {
        let grounds =
            Grounds { official_contact_allowed: case.official_contact_allowed, product: case.product.as_ref(), terms: Some(terms) };
        let scan = Scan::of(&view);
        let modes: Vec<Mode> = RULES.iter().map(|rule| mode(rule, case)).collect();
        let raws = raw_findings(&view, &scan, &modes, terms, &mut scratch);
        let mut exemptions = Exemptions::new(&view, &scan, grounds);
        let facts = Facts { ctx, case, view: &view };
        for raw in raws {
            let exemption = exemptions.lifting(&raw, &mut scratch);
            let action = if exemption.is_some() { Action::None } else { acted(&raw, &modes, &facts) };
            findings.push(Finding::on_view(&raw, &view, action, exemption));
        }
        whole_text(case, &mut findings);
    }

    let personal = if note || numbers_possible(&view) || public && !case.known_ids.is_empty() {
        personal::find(&case.text, &case.known_ids, &mut scratch)
    } else {
        Personal { known: Vec::new(), spans: Vec::new() }
    };
    findings.extend(personal.spans.iter().map(|span| Finding::plain(span.rule, span.start, span.end)));
    if public && let Some(rule) = rule_index(IN_PUBLIC) {
        let spans = personal.known.iter().copied().chain(personal.spans.iter().map(|span| (span.start, span.end)));
        findings.extend(spans.map(|(start, end)| Finding::plain(rule, start, end)));
    }
    finding::settle(&mut findings, &case.text, &personal.spans);
    let masked = personal::masked(&case.text, &personal, &case.known_ids, &mut scratch);
    Report { findings, masked }
}

/// Whether a text holds a finding of one of these rules that no exemption lifts, whatever the facts. The guardrail asks it
/// of the texts that a ruling sends (GR-204).
pub fn hits(rule_ids: &[&str], text: &str) -> bool {
    let view = normalise::view_n(text);
    let scan = Scan::of(&view);
    let mut scratch = Scratch::default();
    let modes: Vec<Mode> = RULES.iter().map(|rule| if rule_ids.contains(&rule.id) { Mode::On } else { Mode::Off }).collect();
    let raws = raw_findings(&view, &scan, &modes, &Terms::default(), &mut scratch);
    let mut exemptions = Exemptions::new(&view, &scan, Grounds::default());
    raws.iter().any(|raw| exemptions.lifting(raw, &mut scratch).is_none())
}

/// Whether the rule runs on this surface and for this product.
fn mode(rule: &Rule, case: &ReplyCase) -> Mode {
    match (&rule.scope, &case.product) {
        (Scope::All, _) => Mode::On,
        // RC-705 has no words: it reads what the personal data rules found.
        (Scope::Public, _) => Mode::Off,
        (Scope::Categories(_), None) => Mode::Hold,
        (Scope::Categories(categories), Some(product)) if categories.contains(&product.category) => Mode::On,
        (Scope::Categories(_), Some(_)) => Mode::Off,
    }
}

/// Words, merchant's words and patterns of the rules that run.
fn raw_findings(view: &View, scan: &Scan, modes: &[Mode], terms: &Terms, scratch: &mut Scratch) -> Vec<Raw> {
    let runs = |rule: u8| modes[usize::from(rule)] != Mode::Off;
    let mut raws = Vec::new();
    for hit in &scan.words {
        let word = &WORDS[usize::from(hit.word)];
        if runs(word.rule) {
            let (rule, origins, disease) = (word.rule, word.origins, word.disease);
            raws.push(Raw { rule, start: hit.start, end: hit.end, origins, disease, value: None, own: None });
        }
    }
    for (extra, start, end) in terms.extra_in(&view.scalars) {
        if runs(extra.rule_index()) {
            let own = Some(extra.action);
            raws.push(Raw { rule: extra.rule_index(), start, end, origins: Origins::GUIDE, disease: false, value: None, own });
        }
    }
    for (rule, known) in (0..).zip(&RULES) {
        if known.on_view_p || !runs(rule) {
            continue;
        }
        for pattern in known.patterns.0..known.patterns.1 {
            let kind = table::PATTERNS[usize::from(pattern)].value;
            scan.matches(pattern, view, scratch, |Found { span: (start, end), value, .. }| {
                let value = value.map(|(from, to)| (kind, from, to));
                raws.push(Raw { rule, start, end, origins: Origins::PATTERN, disease: false, value, own: None });
            });
        }
    }
    raws
}

/// The action of a finding that no exemption lifts.
fn acted(raw: &Raw, modes: &[Mode], facts: &Facts<'_>) -> Action {
    let rule = &RULES[usize::from(raw.rule)];
    let action = match (facts.action(rule.id, rule.action, raw), raw.own) {
        (Action::None, _) => Action::None,
        // What refutes the rule refutes the merchant's word; otherwise the merchant says how strict it is.
        (_, Some(own)) => own,
        (action, None) => action,
    };
    if modes[usize::from(raw.rule)] == Mode::Hold { action.min(Action::Evidence) } else { action }
}

/// Rules that read the original text as a whole.
fn whole_text(case: &ReplyCase, findings: &mut Vec<Finding>) {
    if let Some(rule) = rule_index(SLANG_AND_EMOJI) {
        findings.extend(normalise::emoji_runs(&case.text).into_iter().map(|(start, end)| Finding::plain(rule, start, end)));
    }
    if case.author_role == Role::SystemBot
        && !case.ai_labelled
        && let Some(rule) = rule_index(BOT_LABEL)
    {
        findings.push(Finding::plain(rule, 0, case.text.chars().count() as u32));
    }
}

/// Whether view P could hold a number of personal data: the shortest has eleven digits.
fn numbers_possible(view: &View) -> bool {
    // Set 0 of the tables is "an Arabic or Chinese digit"; what is a digit on view P is one on view N.
    view.classes.iter().filter(|class| vm::contains(0, **class)).nth(10).is_some()
}
