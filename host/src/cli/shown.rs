//! A decision as it is shown to people, whether it comes from the service, from a server's answer or from `ombud decide`.

use anyhow::{Context as _, Result};
use console::Style;
use ombud_core::caps::{CapMark, CapResult, CapReview};
use ombud_core::chain::{ReasonBy, ReviewResult};
use ombud_core::deciding::{ReasonHead, deciding};
use ombud_core::decision::{DecisionFault, DecisionMessage, DecisionReason, PolicyRef};
use ombud_core::disposition::Disposition;
use ombud_core::kind::Kind;
use ombud_core::money::{Amounts, Due};
use ombud_core::ruling::Ruling;
use ombud_rules::contract::after_sale::Payer;
use ombud_rules::contract::reply::Action;
use ombud_rules::contract::types::CustomerMeasure;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::screen::{self, yuan};

/// A decision's JSON, read for showing.
#[derive(Debug, Deserialize)]
pub struct Shown {
    /// The decision's id; none where nothing was recorded.
    #[serde(default)]
    pub id: Option<String>,
    /// Its place in the merchant's ledger.
    #[serde(default)]
    pub seq: Option<u64>,
    pub kind: Kind,
    pub outcome: String,
    pub disposition: Disposition,
    pub due: Due,
    pub amounts: Amounts,
    pub reasons: Vec<DecisionReason>,
    pub messages: Vec<DecisionMessage>,
    pub policy: Option<PolicyRef>,
    pub guardrail: ReviewResult,
    pub caps: CapReview,
    #[serde(default)]
    pub fault: Option<DecisionFault>,
    ruling: Box<RawValue>,
}

impl Shown {
    /// Reads a decision's JSON.
    pub fn read(json: &str) -> Result<Self> {
        serde_json::from_str(json).context("the answer is no decision this version knows")
    }

    /// The reason that decided: the cap's if a cap escalated, the guardrail's if it changed the ruling, else the policy's.
    pub fn deciding(&self) -> Option<&DecisionReason> {
        let heads = self.reasons.iter().map(|reason| ReasonHead { rule: &reason.rule, by: reason.by, severity: reason.severity });
        deciding(self.kind, self.guardrail, self.caps.result, heads).and_then(|at| self.reasons.get(at))
    }

    /// Every rule, the deciding one first.
    pub fn rules(&self) -> Vec<&str> {
        let deciding = self.deciding();
        let first = deciding.map(|reason| reason.rule.as_str());
        let others = self.reasons.iter().map(|reason| reason.rule.as_str()).filter(|rule| Some(*rule) != first);
        first.into_iter().chain(others).collect()
    }

    /// Outcome, money and what else the ruling says, in one sentence.
    pub fn sentence(&self) -> String {
        let mut parts = vec![self.outcome.clone()];
        parts.extend(self.money());
        parts.extend(self.extras());
        parts.join("; ")
    }

    /// The money of the decision; nothing where there is none.
    pub fn money(&self) -> Option<String> {
        let Amounts { refund, cash, coupon } = self.amounts;
        let part = |fen: i64, what: &str| (fen > 0).then(|| format!("{} {what}", yuan(fen)));
        let parts: Vec<String> =
            [part(refund, "refund"), part(cash, "in cash"), part(coupon, "as coupon or gift")].into_iter().flatten().collect();
        if parts.is_empty() {
            return None;
        }
        let due = match self.due {
            Due::Now => "paid now",
            Due::Later => "paid once the goods are back",
            Due::Proposal => "proposed to a person",
        };
        Some(format!("{}, {due}", parts.join(" and ")))
    }

    /// What the kind's ruling says beside outcome and money.
    fn extras(&self) -> Vec<String> {
        let Ok(ruling) = Ruling::from_json(self.kind, self.ruling.get().as_bytes()) else { return Vec::new() };
        let mut extras = Vec::new();
        match &ruling {
            Ruling::AfterSale(ruling) => {
                if ruling.return_freight != Payer::NotApplicable {
                    extras.push(format!("return freight: {}", ruling.return_freight));
                }
                if !ruling.options.is_empty() {
                    let options: Vec<String> = ruling.options.iter().map(ToString::to_string).collect();
                    extras.push(format!("the buyer may choose {}", options.join(" or ")));
                }
                if !ruling.missing_evidence.is_empty() {
                    extras.push(format!("still needed: {}", ruling.missing_evidence.join(", ")));
                }
                if let Some(exposure) = ruling.statutory_exposure {
                    extras.push(format!("the law may add {} (never paid by a machine)", yuan(exposure)));
                }
            }
            Ruling::Delay(_) => {}
            Ruling::Blacklist(ruling) => {
                if ruling.measure != CustomerMeasure::None {
                    use ombud_rules::contract::blacklist::Outcome;
                    let asked = matches!(
                        ruling.outcome,
                        Outcome::RecommendMark | Outcome::RecommendRestrict | Outcome::ForwardToSupervisor | Outcome::ForwardToDeptHead
                    );
                    extras.push(format!("{}: {}", if asked { "measure asked for" } else { "measure in force" }, ruling.measure));
                }
                if let Some(role) = ruling.next_role {
                    extras.push(format!("next: {role}"));
                }
                if !ruling.missing.is_empty() {
                    extras.push(format!("missing: {}", ruling.missing.join(", ")));
                }
            }
            Ruling::Reply(ruling) => {
                let found = ruling.findings.iter().filter(|finding| finding.action != Action::None).count();
                if found > 0 {
                    extras.push(screen::count(found as u64, "finding"));
                }
            }
        }
        let approvals: Vec<String> = ruling.notes().approvals.iter().map(|asked| asked.role.to_string()).collect();
        if !approvals.is_empty() && !matches!(ruling, Ruling::Blacklist(_)) {
            extras.push(format!("waits for: {}", approvals.join(", ")));
        }
        extras
    }

    /// What a reply check found in the draft, and the masked text where it differs from the draft.
    pub fn reply(&self) -> Option<(Vec<String>, String)> {
        let Ok(Ruling::Reply(ruling)) = Ruling::from_json(self.kind, self.ruling.get().as_bytes()) else { return None };
        let found = ruling
            .findings
            .iter()
            .filter(|finding| finding.action != Action::None)
            .map(|finding| format!("{} “{}”", finding.rule, finding.matched))
            .collect();
        Some((found, ruling.masked_text))
    }

    /// Prints outcome, rules with their basis, what guardrail and caps did, faults.
    pub fn print(&self, detail: Detail) {
        let full = detail != Detail::Brief;
        let (sign, style) = screen::disposition(self.disposition);
        screen::field_in("outcome", &format!("{sign} {}", self.sentence()), &style);
        let deciding = self.deciding();
        if let Some(reason) = deciding {
            screen::field("rule", &basis(reason));
            if let Detail::Full { tz_offset_min } = detail
                && !reason.facts.is_empty()
            {
                let facts = reason.facts.iter().map(|fact| format!("{} = {}", fact.path, readable(&fact.value, tz_offset_min)));
                screen::field_in("read", &facts.collect::<Vec<_>>().join(", "), &screen::dim());
            }
        }
        let others: Vec<&DecisionReason> = self.reasons.iter().filter(|reason| Some(*reason) != deciding).collect();
        if full {
            others.iter().for_each(|reason| screen::field("and", &basis(reason)));
        } else if !others.is_empty() && self.kind != Kind::Reply {
            let rules: Vec<&str> = others.iter().map(|reason| reason.rule.as_str()).collect();
            screen::field("with", &rules.join(", "));
        }
        if let Some((found, masked)) = self.reply() {
            if !found.is_empty() {
                screen::field("found", &found.join(", "));
            }
            if self.outcome == "pass-masked" {
                screen::field("sent", &masked);
            }
        }
        self.print_guardrail();
        self.print_caps();
        if let Some(fault) = &self.fault {
            let whose = serde_json::to_value(fault.of).ok().and_then(|of| of.as_str().map(str::to_owned)).unwrap_or_default();
            screen::field_in(
                "fault",
                &format!("the {whose} gave no ruling, its fallback stands: {} ({})", fault.code, fault.detail),
                &screen::bad(),
            );
        }
        if let Detail::Full { tz_offset_min } = detail {
            self.print_to_do(tz_offset_min);
        }
        let told = if full { self.messages.len() } else { self.messages.len().min(1) };
        let reader = if self.kind == Kind::Reply { "to author" } else { "to buyer" };
        for message in self.messages.iter().take(told) {
            screen::field(reader, &message.zh_cn);
            if full {
                screen::field_in("", &message.en, &screen::dim());
            }
        }
    }

    /// Deadlines and obligations.
    fn print_to_do(&self, tz_offset_min: i32) {
        let Ok(ruling) = Ruling::from_json(self.kind, self.ruling.get().as_bytes()) else { return };
        let until = |instant: i64| readable(&instant.to_string(), tz_offset_min);
        if let Ruling::AfterSale(ruling) = &ruling {
            let deadlines = [("window ends", ruling.window_deadline), ("refund due", ruling.refund_deadline)];
            let deadlines: Vec<String> =
                deadlines.into_iter().filter_map(|(what, instant)| Some(format!("{what} {}", until(instant?)))).collect();
            if !deadlines.is_empty() {
                screen::field("deadlines", &deadlines.join(", "));
            }
        }
        let obligations = ruling.notes().obligations.iter().map(|obligation| {
            let due = obligation.due.map(|due| format!(" by {}", until(due))).unwrap_or_default();
            format!("{} ({}{due})", obligation.action, obligation.owner)
        });
        let obligations: Vec<String> = obligations.collect();
        if !obligations.is_empty() {
            screen::field("to do", &obligations.join(", "));
        }
    }

    fn print_guardrail(&self) {
        let rules: Vec<&str> =
            self.reasons.iter().filter(|reason| reason.by == ReasonBy::Guardrail).map(|reason| reason.rule.as_str()).collect();
        let (text, style) = match self.guardrail {
            ReviewResult::Uphold => ("upheld".to_owned(), Style::new()),
            ReviewResult::Skipped => ("not asked".to_owned(), Style::new()),
            ReviewResult::Amend => (format!("amended the policy's ruling by {}", rules.join(", ")), screen::warn()),
            ReviewResult::Escalate => (format!("handed the policy's ruling to a person by {}", rules.join(", ")), screen::warn()),
            ReviewResult::Fault => ("gave no answer".to_owned(), screen::bad()),
        };
        screen::field_in("guardrail", &text, &style);
    }

    /// Caps are shown where they did something or came near.
    fn print_caps(&self) {
        let mark = |mark: &CapMark| match mark.cap.as_str() {
            "CAP-01" => format!("CAP-01 leaves {}, {} asked", yuan(mark.limit), yuan(mark.asked)),
            "CAP-02" => "CAP-02 pays CNY only".to_owned(),
            "CAP-03" => format!("CAP-03 was paid before ({})", self.caps.on_record.join(", ")),
            cap => format!("{cap} allows {}, {} used, {} asked", yuan(mark.limit), yuan(mark.used), yuan(mark.asked)),
        };
        let breaches: Vec<String> = self.caps.breaches.iter().map(mark).collect();
        match self.caps.result {
            CapResult::Uphold => {}
            CapResult::Amend => screen::field_in("caps", &format!("lowered the amount: {}", breaches.join("; ")), &screen::warn()),
            CapResult::Escalate => screen::field_in("caps", &format!("a person decides: {}", breaches.join("; ")), &screen::warn()),
        }
        let warnings: Vec<String> = self.caps.warnings.iter().map(mark).collect();
        if !warnings.is_empty() {
            screen::field_in("caps", &format!("nearly used up: {}", warnings.join("; ")), &screen::dim());
        }
    }
}

/// How much of a decision is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The deciding rule and one message.
    Brief,
    /// Every rule with its basis and what it read, every message in both languages; times in the merchant's zone.
    Full { tz_offset_min: i32 },
}

/// A fact's value; an instant, which no amount or count comes near, as the merchant's clock shows it.
fn readable(value: &str, tz_offset_min: i32) -> String {
    let instant = value.parse::<i64>().ok().filter(|ms| (1_000_000_000_000..10_000_000_000_000).contains(ms));
    let shown = instant.and_then(|ms| {
        let offset = jiff::tz::Offset::from_seconds(tz_offset_min.checked_mul(60)?).ok()?;
        Some(offset.to_datetime(jiff::Timestamp::from_millisecond(ms).ok()?).strftime("%Y-%m-%d %H:%M:%S").to_string())
    });
    shown.unwrap_or_else(|| value.to_owned())
}

/// A rule with its legal or business basis.
fn basis(reason: &DecisionReason) -> String {
    if let Some(cap) = cap(&reason.rule) {
        return format!("{}  the platform's money cap on {cap}", reason.rule);
    }
    let citations: Vec<String> =
        reason.citations.iter().map(|citation| format!("{} {}", source(&citation.source), citation.locator)).collect();
    if citations.is_empty() { reason.rule.clone() } else { format!("{}  {}", reason.rule, citations.join("; ")) }
}

/// What a money cap limits (domain policies 5.8).
fn cap(rule: &str) -> Option<&'static str> {
    Some(match rule {
        "CAP-01" => "what may still be refunded",
        "CAP-02" => "the currency paid without a person",
        "CAP-03" => "payments: each intent is paid once",
        "CAP-11" => "automatic refunds of one order",
        "CAP-12" => "goodwill of one order",
        "CAP-21" => "automatic refunds to one customer in 24 hours",
        "CAP-22" => "goodwill to one customer in 24 hours",
        "CAP-31" => "automatic refunds of the shop in one day",
        "CAP-32" => "goodwill of the shop in one day",
        _ => return None,
    })
}

/// A source as people call it: the training material is cited by the name of its file.
fn source(cited: &str) -> &str {
    if cited == "003_8b0dd9d774a2b4b6.txt" { "客服培训课件" } else { cited }
}
