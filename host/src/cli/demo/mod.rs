//! `ombud demo`: the example tickets on a service of its own, their replays, and then the service itself.

mod show;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use console::style;

use super::{EXIT_FINDINGS, EXIT_OK, data, screen, serve};
use crate::demo::{self, DemoKeys, KEYS_FILE, MERCHANTS};
use crate::http::HttpLimits;
use crate::service::Role;
use show::Show;

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
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8787", value_parser = data::address)]
    listen: SocketAddr,
    /// Folder of the policy packages.
    #[arg(long, value_name = "FOLDER", default_value = "policies", env = "OMBUD_POLICIES")]
    policies: PathBuf,
    /// Print JSON, with --once.
    #[arg(long, requires = "once")]
    json: bool,
}

impl Demo {
    pub(super) fn run(self) -> Result<u8> {
        // Kept until the end: dropping them removes the directories.
        let make_temporary =
            || tempfile::tempdir().context("no temporary directory can be created: set TMPDIR to a folder that can be written");
        let bad_policies = make_temporary()?;
        demo::write_packages(bad_policies.path())?;
        let temporary = match (&self.data, self.once) {
            (None, true) => Some(make_temporary()?),
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
        demo::set_clock();
        let service = data::open_with(&folder, Some(&self.policies), vec![bad_policies.path().to_path_buf()])?;
        service.check_published(false)?;
        demo::create_merchants(&service)?;
        let keys = DemoKeys::take(&service, &folder)?;
        if !self.json {
            introduce(&folder, &self.policies);
        }
        let mut shown = Show::new(self.json);
        for (at, ticket) in demo::tickets()?.iter().enumerate() {
            if let Some(policy) = &ticket.under {
                demo::bind(&service, &ticket.merchant, Some(policy))?;
            }
            let sent = runtime.block_on(demo::send(&service, &keys, ticket));
            if ticket.under.is_some() {
                demo::bind(&service, &ticket.merchant, None)?;
            }
            shown.ticket(at + 1, ticket, &sent?);
        }
        shown.replays(&service)?;
        let as_expected = shown.conclude()?;

        if let Some(listener) = listener {
            // Within the runtime, which the socket and the signals register with.
            let (listeners, stop) = runtime.block_on(async { (serve::listeners(listener, &folder), serve::stop()) });
            invite(&listeners.tcp.local_addr()?.to_string(), &folder, &keys, shown.first());
            runtime.block_on(serve::until_stopped(listeners, service, HttpLimits::default(), stop))?;
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
