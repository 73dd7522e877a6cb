//! From what a table says to a ruling of the contract, one module for each kind.
//!
//! What the law and the platform ask of a ruling is written here and not in tables: reasons with sources, words to the customer,
//! obligations with their times, amounts by the order's arithmetic. A table that says nothing about a case never refuses anything:
//! a person decides. What hangs on an unknown fact is never refused either (domain model 4.0, rule 4).

mod after_sale;
mod blacklist;
mod delay;
mod less;
mod reply;

use ombud_rules::contract::types::{Fact, Reason, Severity};
use ombud_rules::notes::fact;

use crate::program::Records;
use crate::reason::{Place, of_table, reason};
use crate::run::Answer;
use crate::table::{Hit, Kind, Row};

pub use after_sale::after_sale;
pub use blacklist::{blacklist, by_the_chain};
pub use delay::delay;
pub use reply::{Draft, reply};

/// There is no table for the kind.
pub const NO_TABLE: &str = "TABLE-NONE";
/// No row matches and there is no default.
pub const NO_ROW: &str = "TABLE-NO-ROW";
/// Several rows match where one may.
pub const OVERLAP: &str = "TABLE-OVERLAP";
/// An earlier row hangs on a fact that is not known.
pub const UNKNOWN: &str = "TABLE-UNKNOWN";
/// The amount hangs on a fact that is not known.
pub const AMOUNT: &str = "TABLE-AMOUNT";
/// Rows that decide together contradict each other.
pub const CONFLICT: &str = "TABLE-CONFLICT";
/// The request does not fit the order.
pub const INPUT: &str = "TABLE-INPUT";
/// The steps of a request are not those of its chain.
pub const CHAIN: &str = "TABLE-CHAIN";

/// Why a person decides although nobody wrote a row for it.
fn person(rule: &str, facts: Vec<Fact>) -> Reason {
    of_table(rule, Severity::Medium, facts)
}

/// The reasons of rows.
fn reasons(rows: &[Row<'_>], kind: Kind, records: &Records<'_>, place: Place) -> Vec<Reason> {
    rows.iter().map(|row| reason(row, kind, records, place)).collect()
}

/// The ids of rows as facts of a reason.
fn named(rows: &[Row<'_>]) -> Vec<Fact> {
    rows.iter().map(|row| fact("table.row", row.id)).collect()
}

/// Why a person decides instead of the table, if the answer itself says so.
fn undecided(answer: &Answer<'_>) -> Option<Reason> {
    match answer {
        Answer::NoRow => Some(person(NO_ROW, Vec::new())),
        Answer::Overlap(rows) => Some(person(OVERLAP, named(rows))),
        Answer::Rows(_) | Answer::Ask(_) | Answer::Review(_) => None,
    }
}

/// Whether a row that was passed over would decide without the rows that do: it is not collected beside them, or they are the default.
fn alone(hit: Hit, rows: &[Row<'_>]) -> bool {
    matches!(hit, Hit::First | Hit::Unique) || rows.iter().all(|row| row.when.is_empty())
}

/// A place in one of the contract's enums; a checked table has only those that exist.
fn case_of<T: Copy>(all: &[T], place: u8) -> Option<T> {
    all.get(usize::from(place)).copied()
}
