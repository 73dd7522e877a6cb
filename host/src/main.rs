//! The `ombud` command.

fn main() {}
