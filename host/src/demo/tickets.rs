//! The example tickets: each a CloudEvent as a helpdesk posts it, in a file of its own; who sends it and what must come of
//! it stand in `tickets/expected.yaml`, in the order in which they are sent.

use anyhow::{Context as _, Result, bail};
use ombud_core::caps::CapReview;
use ombud_core::chain::ReviewResult;
use ombud_core::kind::Kind;
use serde::Deserialize;
use serde_json::Value;

use crate::cli::Shown;
use crate::service::Role;

/// Names the event files.
macro_rules! events {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("tickets/", $name, ".json")))),+]
    };
}

/// Every event by the name of its file.
const EVENTS: &[(&str, &str)] = events![
    "01-unopened-lipstick",
    "02-used-cream",
    "03-allergy",
    "04-broken-promotion",
    "05-late-parcel",
    "06-reply-forbidden",
    "07-reply-phone",
    "08-reply-fine",
    "09-spoiled-peaches",
    "10-fresh-no-reason",
    "11-food-poisoning",
    "12-very-late-parcel",
    "13-asked-again",
    "14-peaches-again",
    "15-above-the-cap",
    "16-reply-price",
    "17-dead-phone",
    "18-dead-phone-confirmed",
    "19-late-refund",
    "20-day-seven-is-sunday",
    "21-phone-came-back",
    "22-reply-no-return",
    "23-blacklist-submitted",
    "24-blacklist-supervisor",
    "25-blacklist-head",
    "26-blacklisted-and-right",
    "27-unfair-no-reason",
    "28-unfair-fault",
    "29-spendthrift",
];

/// A ticket.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// The name of its file.
    pub name: String,
    /// What it is about.
    pub title: String,
    /// Whose it is.
    pub merchant: String,
    /// Whose key sends it.
    pub role: Role,
    /// The policy that the merchant binds to after-sale for this ticket alone, instead of its own.
    pub under: Option<String>,
    /// The event, JSON.
    pub event: &'static str,
    /// What must come of it, one for each kind that decides.
    pub expected: Vec<Expected>,
}

/// What must come of a ticket.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The kind that decides.
    pub kind: Kind,
    /// The outcome.
    pub outcome: String,
    /// The deciding rule.
    pub rule: Option<String>,
    /// Fen.
    #[serde(default)]
    pub refund: i64,
    /// Fen.
    #[serde(default)]
    pub cash: i64,
    /// Fen.
    #[serde(default)]
    pub coupon: i64,
    /// What the guardrail did.
    #[serde(default = "upheld")]
    pub guardrail: ReviewResult,
    /// The caps that were exceeded.
    #[serde(default)]
    pub caps: Vec<String>,
    /// The text that is sent in place of a drafted reply.
    pub masked: Option<String>,
}

const fn upheld() -> ReviewResult {
    ReviewResult::Uphold
}

/// One entry of `expected.yaml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    ticket: String,
    title: String,
    merchant: String,
    #[serde(default = "agent")]
    sent_by: Role,
    under: Option<String>,
    expect: Vec<Expected>,
}

const fn agent() -> Role {
    Role::Agent
}

/// Every ticket in the order in which it is sent.
pub fn tickets() -> Result<Vec<Ticket>> {
    let entries: Vec<Entry> = serde_norway::from_str(include_str!("tickets/expected.yaml")).context("tickets/expected.yaml")?;
    if entries.len() != EVENTS.len() {
        bail!("tickets/expected.yaml names {} tickets, there are {} events", entries.len(), EVENTS.len());
    }
    entries.into_iter().map(ticket).collect()
}

fn ticket(entry: Entry) -> Result<Ticket> {
    let (_, event) =
        EVENTS.iter().find(|(name, _)| *name == entry.ticket).with_context(|| format!("there is no event `{}`", entry.ticket))?;
    Ok(Ticket {
        name: entry.ticket,
        title: entry.title,
        merchant: entry.merchant,
        role: entry.sent_by,
        under: entry.under,
        event,
        expected: entry.expect,
    })
}

impl Ticket {
    /// The ticket's id, what happened and when, and who sends it.
    pub fn summary(&self) -> String {
        let event = self.json();
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let time: String = text("/time").replace('T', " ").chars().take(16).collect();
        format!("{} · {} · {time} · customer {} · by {}", text("/data/ticket_id"), text("/type"), text("/data/customer_ref"), self.role)
    }

    /// The drafted reply, if it is about one.
    pub fn draft(&self) -> Option<String> {
        self.json().pointer("/data/reply/text").and_then(Value::as_str).map(str::to_owned)
    }

    fn json(&self) -> Value {
        // What is no JSON is refused when it is sent, with its problems.
        serde_json::from_str(self.event).unwrap_or_default()
    }

    /// How the decisions differ from what must come of the ticket; empty where they do not.
    pub fn differences(&self, decisions: &[Shown]) -> Vec<String> {
        let kinds = |kinds: &mut dyn Iterator<Item = Kind>| kinds.map(|kind| kind.to_string()).collect::<Vec<_>>().join(", ");
        let wanted = kinds(&mut self.expected.iter().map(|expected| expected.kind));
        let got = kinds(&mut decisions.iter().map(|decision| decision.kind));
        if wanted != got {
            return vec![format!("decided by `{got}` instead of `{wanted}`")];
        }
        self.expected.iter().zip(decisions).flat_map(|(expected, decision)| expected.differences(decision)).collect()
    }
}

impl Expected {
    fn differences(&self, decision: &Shown) -> Vec<String> {
        let breached = |caps: &CapReview| caps.breaches.iter().map(|mark| mark.cap.clone()).collect::<Vec<_>>();
        let mut found = Vec::new();
        let mut compare = |what: &str, wanted: String, got: String| {
            if wanted != got {
                found.push(format!("{what} `{got}` instead of `{wanted}`"));
            }
        };
        compare("outcome", self.outcome.clone(), decision.outcome.clone());
        compare("refund", self.refund.to_string(), decision.amounts.refund.to_string());
        compare("cash", self.cash.to_string(), decision.amounts.cash.to_string());
        compare("coupon", self.coupon.to_string(), decision.amounts.coupon.to_string());
        compare("guardrail", format!("{:?}", self.guardrail), format!("{:?}", decision.guardrail));
        compare("caps", self.caps.join(", "), breached(&decision.caps).join(", "));
        if let Some(rule) = &self.rule {
            compare("deciding rule", rule.clone(), decision.deciding().map_or_else(String::new, |reason| reason.rule.clone()));
        }
        if let Some(masked) = &self.masked {
            compare("masked text", masked.clone(), decision.reply().map_or_else(String::new, |(_, masked)| masked));
        }
        found
    }
}
