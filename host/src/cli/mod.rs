//! The command line: arguments, then one module for each command.
//!
//! Exit codes: 0 as expected, 1 findings (a case that differs, a replay that diverges, a refused component), 2 usage or
//! environment (a bad argument, a missing file, no toolchain).

/// Everything that a command prints goes through [`screen::out`].
macro_rules! println {
    () => { $crate::cli::screen::out("\n") };
    ($($text:tt)*) => { $crate::cli::screen::out(&(std::format!($($text)*) + "\n")) };
}

/// The same for standard error.
macro_rules! eprintln {
    ($($text:tt)*) => { $crate::cli::screen::err(&(std::format!($($text)*) + "\n")) };
}

/// The same without an end of line.
macro_rules! print {
    ($($text:tt)*) => { $crate::cli::screen::out(&std::format!($($text)*)) };
}

mod audit;
mod backtest;
mod backup;
mod bench;
mod build;
mod check;
mod compile_worker;
mod contracts;
mod decide;
mod demo;
mod diff;
mod explain;
mod key;
mod limits;
mod merchant;
mod new;
mod push;
mod replay;
mod restore;
mod rollout;
mod serve;
mod table;
mod test;
mod upgrade_check;

mod api;
mod data;
mod packages;
mod progress;
mod screen;
mod shown;
mod source;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::gate;
use crate::service::causes;

pub(crate) use data::explain;
pub use shown::Shown;

/// Everything was as expected.
pub const EXIT_OK: u8 = 0;
/// The command ran and found something.
pub const EXIT_FINDINGS: u8 = 1;
/// The command could not run.
pub const EXIT_USAGE: u8 = 2;

#[derive(Parser)]
#[command(
    name = "ombud",
    version,
    about = "A plugin-based WebAssembly policy engine for after-sales service",
    after_help = "Exit codes: 0 as expected, 1 findings (a case that differs, a replay that diverges, a refused component), 2 usage or environment."
)]
struct Arguments {
    /// The file of the master key that wraps the keys of customers, tickets and merchants: 32 bytes, or 64 hexadecimal digits.
    /// OMBUD_MASTER_KEY holds the digits themselves. Without either it is `master.key` in the data directory.
    #[arg(long, global = true, value_name = "FILE", env = "OMBUD_MASTER_KEY_FILE")]
    master_key: Option<OsString>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the whole thing: three merchants, example tickets of every kind, replays; then serve.
    Demo(demo::Demo),
    /// Serve a data directory over HTTP.
    Serve(serve::Serve),
    /// Decide one event from a file: no server, nothing stored.
    Decide(decide::Decide),
    /// Run recorded decisions again and compare them byte for byte.
    Replay(replay::Replay),
    /// Run a candidate version on recorded decisions: what it would have changed, in money.
    Backtest(backtest::Backtest),
    /// List what was administered, export records for an auditor, check such an export, erase customers, hold data.
    Audit(audit::Audit),
    /// Say why a decision is what it is: for the customer in plain words, for an auditor in full.
    Explain(explain::Explain),
    /// Manage keys: of callers, of the ledger, of policies that are signed, and the master key.
    Key(key::Key),
    /// Create, change and show merchants.
    Merchant(merchant::Merchant),
    /// Show which merchants use which version of the contract.
    Contracts(contracts::Contracts),
    /// Roll versions of a policy out: shadow, canary, activate, rollback, windows, kill switches.
    Rollout(rollout::Rollout),
    /// Run the latest decisions of every active policy under this binary's engine, before it serves.
    UpgradeCheck(upgrade_check::UpgradeCheck),
    /// Copy a data directory beside its running server, and check the copy.
    Backup(backup::Backup),
    /// Make a data directory from a backup, held against what was published.
    Restore(restore::Restore),
    /// Begin a policy: in Rust, TypeScript or Python, or as a decision table.
    New(new::New),
    /// Build a policy's folder into a component with its cases and settings schema.
    Build(build::Build),
    /// Check a component or a policy's folder: contract, limits, settings, cases, repeatability.
    Check(check::Check),
    /// Upload a policy: it passes the gate, and is a draft then.
    Push(push::Push),
    /// Run cases against policies, in the server's own sandbox.
    Test(test::Test),
    /// Compare two versions of a policy without history: every boundary where their answers part.
    Diff(diff::Diff),
    /// Compile decision tables, written as YAML or CSV, into settings of the policy `table`.
    Table(table::Table),
    /// Measure the promised speeds against floors of the same run.
    Bench(bench::Bench),
    /// Compile one component from standard input to standard output.
    #[command(hide = true)]
    CompileWorker(compile_worker::CompileWorker),
    /// Check one policy from standard input, step by step.
    #[command(hide = true)]
    CheckWorker,
}

/// A reader that has seen enough, such as `head`, ends the command quietly instead of with a panic.
fn end_with_the_reader() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload().downcast_ref::<String>().map_or("", String::as_str);
        if message.starts_with("failed printing to stdout") {
            std::process::exit(EXIT_USAGE.into());
        }
        usual(panic);
    }));
}

/// A file that may not grow any more (`ulimit -f`) is told as an error, as a full disk is: without a handler the system ends the process.
fn outlive_large_files() {
    // SIGXFSZ on Linux and macOS.
    const FILE_TOO_LARGE: i32 = 25;
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
    // The handler stays when the runtime is gone, and nobody has to listen.
    _ = runtime.block_on(async { signal(SignalKind::from_raw(FILE_TOO_LARGE)).map(drop) });
}

/// Parses the arguments and runs the command.
pub fn main() -> ExitCode {
    end_with_the_reader();
    outlive_large_files();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { EXIT_USAGE } else { EXIT_OK });
        }
    };
    let result = data::use_master_key(arguments.master_key).and_then(|()| arguments.command.run());
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("ombud: {}", causes(&error));
            ExitCode::from(EXIT_USAGE)
        }
    }
}

impl Command {
    /// Runs it; the exit code.
    fn run(self) -> Result<u8> {
        match self {
            Self::Demo(command) => command.run(),
            Self::Serve(command) => command.run(),
            Self::Decide(command) => command.run(),
            Self::Replay(command) => command.run(),
            Self::Backtest(command) => command.run(),
            Self::UpgradeCheck(command) => command.run(),
            Self::Audit(command) => command.run(),
            Self::Key(command) => command.run(),
            Self::Merchant(command) => command.run(),
            Self::Rollout(command) => command.run(),
            Self::Contracts(command) => command.run(),
            Self::Backup(command) => command.run(),
            Self::Restore(command) => command.run(),
            Self::New(command) => command.run(),
            Self::Build(command) => command.run(),
            Self::Check(command) => command.run(),
            Self::Push(command) => command.run(),
            Self::Test(command) => command.run(),
            Self::Diff(command) => command.run(),
            Self::Explain(command) => command.run(),
            Self::Table(command) => command.run(),
            Self::Bench(command) => command.run(),
            Self::CompileWorker(command) => command.run(),
            Self::CheckWorker => std::process::exit(gate::check_worker()),
        }
    }
}
