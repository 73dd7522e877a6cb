//! What the demonstration prints: each ticket with what came of it, the replays, the sum.

use std::sync::Arc;

use anyhow::Result;
use console::style;
use serde_json::{Value, json};

use super::super::replay;
use super::super::screen;
use super::super::shown::Detail;
use crate::demo::{MERCHANTS, Sent, Ticket};
use crate::replay::Tally;
use crate::service::Service;

/// What was shown so far.
pub(super) struct Show {
    /// For programs: everything is said at the end.
    json: bool,
    /// The heading under which the last ticket stands.
    section: String,
    tickets: Vec<Value>,
    decisions: u64,
    known: u64,
    differences: Vec<String>,
    tally: Tally,
    /// The first decision's id.
    first: Option<String>,
}

impl Show {
    /// Nothing was shown yet.
    pub(super) fn new(json: bool) -> Self {
        Self {
            json,
            section: String::new(),
            tickets: Vec::new(),
            decisions: 0,
            known: 0,
            differences: Vec::new(),
            tally: Tally::default(),
            first: None,
        }
    }

    /// The first decision's id.
    pub(super) fn first(&self) -> Option<&str> {
        self.first.as_deref()
    }

    /// Counts a ticket with what came of it, and prints it for people.
    pub(super) fn ticket(&mut self, number: usize, ticket: &Ticket, sent: &Sent) {
        let differences = ticket.differences(&sent.decisions);
        self.decisions += sent.decisions.len() as u64;
        self.known += u64::from(sent.answer.duplicate);
        if self.first.is_none() {
            self.first = sent.decisions.first().and_then(|decision| decision.id.clone());
        }
        if !self.json {
            self.print(number, ticket, sent, &differences);
        }
        self.tickets.push(json!({
            "ticket": ticket.name,
            "title": ticket.title,
            "merchant": ticket.merchant,
            "as_expected": differences.is_empty(),
            "differences": differences,
            "took_us": u64::try_from(sent.took.as_micros()).unwrap_or(u64::MAX),
            "answer": sent.answer,
        }));
        self.differences.extend(differences.into_iter().map(|difference| format!("{}: {difference}", ticket.name)));
    }

    fn print(&mut self, number: usize, ticket: &Ticket, sent: &Sent, differences: &[String]) {
        let sells = MERCHANTS.iter().find(|merchant| merchant.id == ticket.merchant).map_or("", |merchant| merchant.sells);
        let under = ticket.under.as_ref().map(|policy| format!(", under the policy `{policy}`")).unwrap_or_default();
        let section = format!("{} · {sells}{under}", ticket.merchant);
        if self.section != section {
            screen::heading(&section);
            self.section = section;
        }
        let kinds: Vec<&str> = sent.decisions.iter().map(|decision| decision.kind.as_str()).collect();
        println!();
        screen::line(
            &format!("{} {}", style(format!("{number:>3}.")).dim(), style(&ticket.title).bold()),
            &style(kinds.join(", ")).dim().to_string(),
        );
        screen::field("ticket", &ticket.summary());
        if let Some(draft) = ticket.draft() {
            screen::field("draft", &draft);
        }
        for decision in &sent.decisions {
            decision.print(Detail::Brief);
        }
        let took = screen::millis(sent.took.as_micros());
        screen::field("took", &if sent.answer.duplicate { format!("{took} (on record from an earlier run)") } else { took });
        for difference in differences {
            screen::field_in("DIFFERS", difference, &screen::bad());
        }
    }

    /// Replays every decision of every merchant.
    pub(super) fn replays(&mut self, service: &Arc<Service>) -> Result<()> {
        if !self.json {
            screen::heading("replays");
        }
        for merchant in MERCHANTS {
            let tally = replay::every(service, merchant.id)?;
            if !self.json {
                let total = tally.total();
                println!("     {:<15} {} of {} identical", merchant.id, total.identical, total.replayed());
            }
            self.tally.merge(tally);
        }
        if !self.json && self.tally.total().diverged() > 0 {
            replay::print_divergences(&self.tally);
        }
        Ok(())
    }

    /// Prints the sum; whether all was as expected.
    pub(super) fn conclude(&self) -> Result<bool> {
        let as_expected = self.differences.is_empty();
        let total = self.tally.total();
        let (identical, replayed) = (total.identical, total.replayed());
        let all = as_expected && identical == replayed;
        if self.json {
            let replays = json!({"replayed": replayed, "identical": identical, "divergences": total.divergences});
            println!("{}", serde_json::to_string_pretty(&json!({"as_expected": all, "tickets": self.tickets, "replays": replays}))?);
            return Ok(all);
        }
        screen::heading("result");
        let say = |good: bool, text: String| {
            let sign = if good { screen::good().apply_to("✓") } else { screen::bad().apply_to("✗") };
            println!("   {sign} {text}");
        };
        let tickets = screen::count(self.tickets.len() as u64, "ticket");
        let earlier = if self.known > 0 { format!(" ({} on record from an earlier run)", self.known) } else { String::new() };
        let verdict = if as_expected { "all as expected".to_owned() } else { format!("not as expected: {}", self.differences.join("; ")) };
        say(as_expected, format!("{tickets}{earlier}, {}, {verdict}", screen::count(self.decisions, "decision")));
        say(identical == replayed, format!("{identical} of {replayed} replays identical, byte for byte"));
        Ok(all)
    }
}
