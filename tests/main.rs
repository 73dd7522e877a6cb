//! Tests over everything, in one binary.

mod decisions;
mod hostile;
