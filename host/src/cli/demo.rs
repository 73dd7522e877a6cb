//! `ombud demo`: the example tickets on a service of its own, their replays, and then the service itself.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use console::style;

use super::replay::{self, Tally};
use super::shown::Detail;
use super::{EXIT_FINDINGS, EXIT_OK, data, screen, serve};
use crate::demo::{self, DemoKeys, KEYS_FILE, MERCHANTS, Sent, Ticket};
use crate::http::HttpLimits;
use crate::service::{Role, Service};

/// Where the demonstration keeps its data unless told otherwise.
const FOLDER: &str = "ombud-demo";

/// Arguments of `ombud demo`.
#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 every ticket had the expected outcome and every replay was identical, 1 not so, 2 the command could not run."
)]
pub(super) struct Demo {
    /// Send the tickets, replay the decisions, and exit.
    #[arg(long)]
    once: bool,
    /// The data directory; `ombud-demo` in the working directory unless given, with --once a temporary one that is removed.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address and port to listen on afterwards; port 0 takes any free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// Folder of the policy packages.
    #[arg(long, value_name = "FOLDER", default_value = "policies", env = "OMBUD_POLICIES")]
    policies: PathBuf,
}

impl Demo {
    pub(super) fn run(self) -> Result<u8> {
        // Kept until the end: dropping it removes the directory.
        let temporary = match (&self.data, self.once) {
            (None, true) => Some(tempfile::tempdir().context("no temporary directory can be created: name one with --data")?),
            _ => None,
        };
        let folder = match (&self.data, &temporary) {
            (Some(folder), _) => folder.clone(),
            (None, Some(temporary)) => temporary.path().to_path_buf(),
            (None, None) => PathBuf::from(FOLDER),
        };
        let runtime = data::runtime()?;
        // Taken first: a port that is in use is said before anything else is done.
        let listener = if self.once { None } else { Some(runtime.block_on(data::listen(self.listen))?) };
        let service = data::open(&folder, Some(&self.policies))?;
        demo::create_merchants(&service)?;
        let keys = DemoKeys::take(&service, &folder)?;
        introduce(&folder, &self.policies);

        let mut shown = Show::default();
        for (at, ticket) in demo::tickets()?.iter().enumerate() {
            let sent = runtime.block_on(demo::send(&service, &keys, ticket)).map_err(|error| {
                error.context(format!(
                    "`{}` holds something else under the demonstration's ids: name an empty directory with --data",
                    folder.display()
                ))
            });
            shown.ticket(at + 1, ticket, &sent?);
        }
        shown.replays(&service)?;
        let as_expected = shown.conclude();

        if let Some(listener) = listener {
            invite(&listener.local_addr()?.to_string(), &folder, &keys, shown.first.as_deref());
            runtime.block_on(serve::until_stopped(listener, service, HttpLimits::default()))?;
        }
        Ok(if as_expected { EXIT_OK } else { EXIT_FINDINGS })
    }
}

fn introduce(folder: &Path, policies: &Path) {
    println!("{} {}", style("Ombud").bold(), env!("CARGO_PKG_VERSION"));
    let merchants: Vec<String> = MERCHANTS.iter().map(|merchant| format!("{} ({})", merchant.id, merchant.sells)).collect();
    screen::field("merchants", &merchants.join(", "));
    screen::field("policies", &policies.display().to_string());
    screen::field("data", &folder.display().to_string());
}

/// What was shown so far.
#[derive(Default)]
struct Show {
    merchant: String,
    tickets: u64,
    decisions: u64,
    known: u64,
    differences: Vec<String>,
    tally: Tally,
    /// The first decision's id.
    first: Option<String>,
}

impl Show {
    /// Prints a ticket and what came of it.
    fn ticket(&mut self, number: usize, ticket: &Ticket, sent: &Sent) {
        if self.merchant != ticket.merchant {
            self.merchant.clone_from(&ticket.merchant);
            let sells = MERCHANTS.iter().find(|merchant| merchant.id == ticket.merchant).map_or("", |merchant| merchant.sells);
            screen::heading(&format!("{} · {sells}", ticket.merchant));
        }
        self.tickets += 1;
        self.decisions += sent.decisions.len() as u64;
        self.known += u64::from(sent.answer.duplicate);
        if self.first.is_none() {
            self.first = sent.decisions.first().and_then(|decision| decision.id.clone());
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
        for difference in ticket.differences(&sent.decisions) {
            screen::field_in("DIFFERS", &difference, &screen::bad());
            self.differences.push(format!("{}: {difference}", ticket.name));
        }
    }

    /// Replays every decision of every merchant.
    fn replays(&mut self, service: &Arc<Service>) -> Result<()> {
        screen::heading("replays");
        for merchant in MERCHANTS {
            let tally = replay::every(service, merchant.id)?;
            println!("     {:<15} {} of {} identical", merchant.id, tally.identical, tally.replayed());
            self.tally.merge(tally);
        }
        if self.tally.diverged() > 0 {
            self.tally.print();
        }
        Ok(())
    }

    /// Prints the sum; whether all was as expected.
    fn conclude(&self) -> bool {
        screen::heading("result");
        let mut all = true;
        let mut say = |good: bool, text: String| {
            all &= good;
            let sign = if good { screen::good().apply_to("✓") } else { screen::bad().apply_to("✗") };
            println!("   {sign} {text}");
        };
        let earlier = if self.known > 0 { format!(" ({} on record from an earlier run)", self.known) } else { String::new() };
        let as_expected = self.differences.is_empty();
        let verdict = if as_expected { "all as expected".to_owned() } else { format!("not as expected: {}", self.differences.join("; ")) };
        say(
            as_expected,
            format!("{}{earlier}, {}, {verdict}", screen::count(self.tickets, "ticket"), screen::count(self.decisions, "decision")),
        );
        let (identical, replayed) = (self.tally.identical, self.tally.replayed());
        say(identical == replayed, format!("{identical} of {replayed} replays identical, byte for byte"));
        all
    }
}

/// Where the service is, and two commands to try.
fn invite(address: &str, folder: &Path, keys: &DemoKeys, decision: Option<&str>) {
    screen::heading("the service is running; stop it with Ctrl-C");
    screen::field("address", &format!("http://{address}   (description: http://{address}/openapi.json)"));
    screen::field("keys", &format!("in {}; those of {merchant}:", folder.join(KEYS_FILE).display(), merchant = MERCHANTS[0].id));
    let merchant = MERCHANTS[0].id;
    for role in [Role::Agent, Role::Supervisor, Role::Auditor] {
        println!("               {:<11} {}", role.as_str(), keys.of(merchant, role).unwrap_or_default());
    }
    let agent = keys.of(merchant, Role::Agent).unwrap_or_default();
    let base = format!("http://{address}/v1/merchants/{merchant}");
    println!("\n     Check a drafted reply:\n");
    println!("curl -s {base}/events \\");
    println!("  -H 'Authorization: Bearer {agent}' \\");
    println!("  -H 'Content-Type: application/cloudevents+json' \\");
    println!("  -d '{}'", demo::TRY_EVENT.trim());
    if let Some(decision) = decision {
        println!("\n     Read the first decision with the facts it was made on:\n");
        println!("curl -s {base}/decisions/{decision} \\");
        println!("  -H 'Authorization: Bearer {agent}'\n");
    }
}
