//! In what two versions of a policy differ, found without any history: base cases are moved along every fact, and where the
//! answers change is located by bisection. Pure: what answers a case is a trait, the sandbox is elsewhere.
//!
//! Each base is moved along one fact at a time. A difference that shows only where two facts are moved together is found if
//! a base has one of them already: golden cases are the bases, because they stand on both sides of the rules and have the
//! attributes that rules of a shop's own look at.

mod axes;
mod bases;
mod document;
mod findings;
mod ladder;
mod law;
mod leaves;
mod pieces;
mod probe;
mod remarks;
mod telling;
mod view;
mod words;

use ombud_rules::contract::types::Context;

pub use self::axes::{Seeds, Unit};
pub(crate) use self::bases::ordinary;
pub use self::bases::{BASES_MAX, Bases, Carried, bases_of};
pub(crate) use self::document::Document;
pub use self::findings::{FINDINGS_MAX, Finding, Found, Place, REMARKS_MAX, Remark, RemarkLine, RemarkSort, Sort, Which};
pub use self::ladder::QUESTIONS_MAX;
pub(crate) use self::leaves::{Holds, Leaf, leaves};
pub use self::probe::{Base, Versions, probe};
pub use self::view::View;
pub use self::words::{AspectChange, Difference, Matter};
use crate::case::Case;
use crate::fault::Fault;
use crate::ruling::Ruling;

/// One version: it answers a case, always in the same way.
pub trait Answers: Sync {
    /// The ruling, or why there is none.
    fn answer(&self, context: &Context, case: &Case) -> Result<Ruling, Fault>;
}

#[cfg(test)]
mod tests;
