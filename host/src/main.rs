//! The `ombud` command.

use std::process::ExitCode;

/// A decision makes a few hundred small allocations on one thread and frees many of them on the writer's: the system's
/// allocator spends a fifth of a decision on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ombud::cli::main()
}
