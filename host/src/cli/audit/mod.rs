//! `ombud audit`: what an auditor reads of a ledger, bundles of records that are made here and checked elsewhere, erasures and holds.

mod acts;
pub(super) mod check;
mod erase;
mod export;
mod hold;
mod verify;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::{EXIT_FINDINGS, EXIT_OK, progress, screen};

/// Arguments of `ombud audit`.
#[derive(Args)]
#[command(after_help = "While a server holds the data directory, it is asked through its local socket.\n\n\
Exit codes: 0 done and well, 1 findings, 2 the command could not run; `verify` has more.")]
pub(super) struct Audit {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// List acts: what was administered, when and by whom.
    Acts(acts::Acts),
    /// Write a merchant's records into one file, with everything to check them.
    Export(export::Export),
    /// Check a bundle without network, database or data directory, and run its decisions again.
    Verify(verify::Verify),
    /// Check a whole data directory: logs, tiles, checkpoints, records, bodies, components.
    Check(check::Check),
    /// Erase a customer: destroy the keys that everything about the customer is sealed with.
    Erase(erase::Erase),
    /// Set, list and lift legal holds: what they hold is not erased.
    Hold(hold::Hold),
}

impl Audit {
    pub(super) fn run(self) -> Result<u8> {
        match self.act {
            Act::Acts(command) => command.run(),
            Act::Export(command) => command.run(),
            Act::Verify(command) => command.run(),
            Act::Check(command) => command.run(),
            Act::Erase(command) => command.run(),
            Act::Hold(command) => command.run(),
        }
    }
}
