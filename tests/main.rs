//! Tests over everything, in one binary.

mod hostile;
