//! The ruling on a draft: findings, verdict, masked text, reasons with their sources, and what the author should change.

use ombud_sdk::reply::{self, Action, ReplyCase, ReplyRuling, Verdict};
use ombud_sdk::rules::lexicon::{self, Finding, Report, Room};
use ombud_sdk::rules::notes::{self, arg, fact, message};
use ombud_sdk::{Attribute, Context, Fact, Notes, Surface};

use crate::settings::Settings;
use crate::sources;

/// Places of one rule that its reason names.
const PLACES_MAX: usize = 10;

/// Rules on a drafted reply (domain policies 5.4).
pub fn decide(settings: &Settings, ctx: &Context, facts: &ReplyCase) -> ReplyRuling {
    let Report { mut findings, masked } = lexicon::check(facts, ctx, &settings.terms());
    for finding in &mut findings {
        finding.action = settings.raised(finding.rule, finding.action);
    }
    let verdict = verdict(&findings);
    let mut notes = notes_of(&findings, facts);
    let mut findings: Vec<reply::Finding> = findings.iter().map(Finding::to_contract).collect();
    let omitted = keep_the_worst(&mut findings);
    if omitted > 0 {
        notes.attributes.push(Attribute { key: "findings-omitted".to_owned(), value: omitted.to_string() });
    }
    ReplyRuling { verdict, findings, masked_text: masked, notes }
}

/// The worst action of the findings that count.
fn verdict(findings: &[Finding]) -> Verdict {
    match findings.iter().map(|finding| finding.action).max().unwrap_or(Action::None) {
        Action::None => Verdict::Pass,
        Action::Warn => Verdict::PassWithWarnings,
        Action::Mask => Verdict::PassMasked,
        Action::Evidence => Verdict::HoldForEvidence,
        Action::Stop => Verdict::Block,
    }
}

/// One reason and one message for each rule that counts, in the order of the text.
fn notes_of(findings: &[Finding], case: &ReplyCase) -> Notes {
    let mut notes = Notes::empty();
    let counted = || findings.iter().filter(|finding| finding.action != Action::None);
    for first in counted() {
        if notes.reasons.iter().any(|reason| reason.rule == first.rule.id) {
            continue;
        }
        let of_rule = || counted().filter(|finding| finding.rule.id == first.rule.id);
        let worst = of_rule().map(|finding| finding.action).max().unwrap_or(first.action);
        let places = of_rule().take(PLACES_MAX).map(|finding| fact("text", format!("{}..{}", finding.start, finding.end)));
        let rule = notes::Rule { id: first.rule.id, severity: lexicon::severity(worst), sources: sources::of(first.rule.id) };
        notes.reasons.push(rule.reason(places.chain(facts_read(first.rule.id, case)).collect()));
        notes.messages.push(message(&first.suggestion_key(), vec![arg("finding", first.matched.clone())]));
    }
    notes
}

/// The facts that decided about a rule beside the text.
fn facts_read(rule: &str, case: &ReplyCase) -> Vec<Fact> {
    let product = case.product.as_ref();
    let category = || fact("product.category", product.map_or("unknown", |product| product.category.as_str()));
    match rule {
        "RC-405" => {
            let stock = product.and_then(|product| product.stock).map_or("unknown".to_owned(), |stock| stock.to_string());
            vec![fact("product.stock", stock)]
        }
        "RC-406" => vec![fact("product.price-evidence", product.map_or("unknown", |product| product.price_evidence.as_str()))],
        "RC-501" | "RC-502" | "RC-503" | "RC-504" => vec![category()],
        "RC-505" => {
            let claims = product.map_or(0, |product| product.approved_health_claims.len());
            vec![category(), fact("product.approved-health-claims", claims.to_string())]
        }
        "RC-603" => vec![fact("eta", case.eta.map_or("unknown".to_owned(), |eta| eta.to_string()))],
        "RC-605" => {
            let defects = product.map_or(0, |product| product.known_defects.len());
            vec![fact("product.known-defects", defects.to_string())]
        }
        "RC-606" => {
            let refund = case.approved_refund.map(|refund| fact("approved-refund", refund.to_string()));
            [fact("approved-compensation", case.approved_compensation.to_string())].into_iter().chain(refund).collect()
        }
        "RC-705" => vec![fact("surface", Surface::as_str(case.surface))],
        "RC-804" => vec![fact("author-role", case.author_role.as_str()), fact("ai-labelled", case.ai_labelled.to_string())],
        "RC-902" => case.case_reason.map(|reason| fact("case-reason", reason.as_str())).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// All findings are reported (domain policies 5.4). Where a ruling has no room for all of them, the least grave are left out and the rest
/// stays in the order of the text; how many were.
fn keep_the_worst(findings: &mut Vec<reply::Finding>) -> usize {
    let fit = |findings: &[reply::Finding]| {
        let mut room = Room::beside(&[]);
        findings.iter().take_while(|finding| room.takes(finding)).count()
    };
    if fit(findings) == findings.len() {
        return 0;
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.action));
    let (kept, all) = (fit(findings), findings.len());
    findings.truncate(kept);
    findings.sort_by(|one, other| (one.start, one.end, &one.rule).cmp(&(other.start, other.end, &other.rule)));
    all - kept
}
