//! `ombud audit`: what the ledger says of those who administer.

mod acts;

use anyhow::Result;
use clap::{Args, Subcommand};

/// Arguments of `ombud audit`.
#[derive(Args)]
#[command(after_help = "While a server holds the data directory, it is asked through its local socket.\n\n\
Exit codes: 0 done, 2 the command could not run.")]
pub(super) struct Audit {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// List acts: what was administered, when and by whom.
    Acts(acts::Acts),
}

impl Audit {
    pub(super) fn run(self) -> Result<u8> {
        match self.act {
            Act::Acts(command) => command.run(),
        }
    }
}
