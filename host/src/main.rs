//! The `ombud` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ombud::cli::main()
}
