//! Tests over everything, in one binary.

mod crash;
mod decisions;
mod hostile;
mod money;
