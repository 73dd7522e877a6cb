//! Decision tables as a policy runs them: facts by path, compiled conditions, rows, hit policies, rulings.
//!
//! The author's side, which reads YAML and CSV and compiles CEL, is the host's (`ombud-table`). What runs in a policy is here, with no
//! parser: pure functions that host and policy share, so that a table means the same to both.

pub mod fact;
pub mod program;
pub mod reason;
pub mod ruling;
pub mod run;
pub mod settings;
pub mod table;

pub use fact::{Record, Type, Value};
pub use settings::{Problem, Tables};
pub use table::{Hit, Kind, Packed, Row, Table, WhenUnknown};
