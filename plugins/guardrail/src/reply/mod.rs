//! Drafted replies under review (domain policies 5.7). The guardrail runs the lexicon itself, without the merchant's terms: what a statute
//! forbids is not sent, and personal data is sent masked. It only ever makes a verdict stricter.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use ombud_sdk::Severity::High;
use ombud_sdk::reply::{Action, ReplyCase, ReplyRuling, Verdict};
use ombud_sdk::rules::lexicon::{self, Finding, Origins, Room, Terms};
use ombud_sdk::rules::notes::{Rule, fact};
use ombud_sdk::{Context, Fact, Reason, Review};

/// Places of the text that a reason names.
const PLACES_MAX: usize = 10;

/// A row that blocks: the findings it asks for.
struct Row {
    rule: Rule,
    /// The rules of the reply check it stands on; a finding counts where it stops.
    stands_on: &'static [&'static str],
    /// Words of these origins only.
    origins: Origins,
}

const ANY: Origins = Origins(u8::MAX);

const fn row(id: &'static str, stands_on: &'static [&'static str], sources: &'static [(&'static str, &'static str)]) -> Row {
    Row { rule: Rule { id, severity: High, sources }, stands_on, origins: ANY }
}

/// GR-402 to GR-408: never sent, whatever the merchant's policy says.
const BLOCKING: [Row; 7] = [
    row("GR-402", &["RC-705"], &[("个人信息保护法", "第25条"), ("消费者权益保护法", "第29条")]),
    row("GR-403", &["RC-601", "RC-602"], &[("网络反不正当竞争暂行规定", "第9条第5项")]),
    row(
        "GR-404",
        &["RC-501", "RC-502", "RC-504", "RC-505"],
        &[("广告法", "第17条、第18条、第20条"), ("食品安全法", "第73条"), ("化妆品监督管理条例", "第43条")],
    ),
    Row { origins: Origins::LAW, ..row("GR-405", &["RC-101"], &[("广告法", "第9条第3项")]) },
    row(
        "GR-406",
        &["RC-901", "RC-902", "RC-903"],
        &[("消费者权益保护法", "第24条、第26条"), ("侵害消费者权益行为处罚办法", "第9条、第12条"), ("法释〔2022〕8号", "第1条、第3条")],
    ),
    row(
        "GR-407",
        &["RC-405", "RC-603", "RC-605"],
        &[("消费者权益保护法", "第20条"), ("广告法", "第28条"), ("网络交易监督管理办法", "第14条第3项")],
    ),
    row("GR-408", &["RC-801"], &[("消费者权益保护法", "第27条")]),
];

/// GR-401: personal data goes out masked or not at all.
const GR_401: Rule =
    Rule { id: "GR-401", severity: High, sources: &[("消费者权益保护法", "第29条"), ("个人信息保护法", "第51条")] };
const PERSONAL_DATA: [&str; 3] = ["RC-701", "RC-702", "RC-703"];

/// Reviews a ruling on a drafted reply.
pub fn review(ctx: &Context, facts: &ReplyCase, ruling: &ReplyRuling) -> Review<ReplyRuling> {
    if ruling.verdict == Verdict::Block {
        return Review::Uphold;
    }
    let report = lexicon::check(facts, ctx, &Terms::default());
    let blocking: Vec<(&Row, Vec<&Finding>)> = BLOCKING
        .iter()
        .map(|row| (row, report.findings.iter().filter(|finding| row.fits(finding)).collect::<Vec<_>>()))
        .filter(|(_, findings)| !findings.is_empty())
        .collect();
    let personal: Vec<&Finding> = report.findings.iter().filter(|finding| PERSONAL_DATA.contains(&finding.rule.id)).collect();

    let mut amended = ruling.clone();
    let reasons: Vec<Reason> = if !blocking.is_empty() {
        amended.verdict = Verdict::Block;
        blocking.iter().map(|(row, findings)| row.rule.reason(places(findings, facts))).collect()
    } else if !personal.is_empty() && sent(facts, ruling).is_some_and(|sent| sent != report.masked) {
        amended.verdict = Verdict::PassMasked;
        vec![GR_401.reason(places(&personal, facts))]
    } else {
        return Review::Uphold;
    };
    amended.masked_text = report.masked.clone();
    // The merchant's own come first.
    let mut room = Room::beside(&ruling.findings);
    let mut known: BTreeSet<(u32, u32, &str)> = ruling.findings.iter().map(|own| (own.start, own.end, own.rule.as_str())).collect();
    for finding in blocking.iter().flat_map(|(_, findings)| findings).chain(&personal) {
        let new = known.insert((finding.start, finding.end, finding.rule.id));
        let finding = finding.to_contract();
        if new && room.takes(&finding) {
            amended.findings.push(finding);
        }
    }
    amended.notes.reasons.extend(reasons.iter().cloned());
    Review::Amend { ruling: amended, reasons }
}

impl Row {
    /// Whether the row stands on a finding. What an exemption lifts, the facts refute or only evidence is missing for is not stopped.
    fn fits(&self, finding: &Finding) -> bool {
        finding.action == Action::Stop && self.stands_on.contains(&finding.rule.id) && finding.origins.touches(self.origins)
    }
}

/// The text that goes out under a ruling, if any does.
fn sent<'a>(facts: &'a ReplyCase, ruling: &'a ReplyRuling) -> Option<&'a str> {
    match ruling.verdict {
        Verdict::Pass | Verdict::PassWithWarnings => Some(&facts.text),
        Verdict::PassMasked => Some(&ruling.masked_text),
        Verdict::HoldForEvidence | Verdict::Block => None,
    }
}

/// Where in the text, and on which surface.
fn places(findings: &[&Finding], facts: &ReplyCase) -> Vec<Fact> {
    let place = |finding: &&Finding| fact("text", format!("{}..{}", finding.start, finding.end));
    findings.iter().take(PLACES_MAX).map(place).chain([fact("surface", facts.surface.as_str())]).collect()
}
