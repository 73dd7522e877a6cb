//! Replay: a recorded decision made again, and compared byte for byte. It needs no service and no database: records, keys
//! and stored bytes are given to it, by the store or by an auditor's file.
//!
//! In reading order: a record with its bodies opened ([`Record`]), the case it holds ([`RecordedCase`]), the stored bytes
//! it names ([`Blobs`]), what its header says in clear ([`contradictions`]), the machine that runs it ([`Replayer`]), what came of it ([`ReplayReport`]), and
//! what came of many ([`Tally`]).

mod blobs;
mod calls;
mod case;
mod claims;
mod compare;
mod record;
mod replayer;
mod report;
mod tally;

pub use blobs::Blobs;
pub use calls::{Before, Calls, Missing};
pub use case::{RecordedCase, Rerun};
pub use claims::{contradictions, event_of, of_case, of_decision};
pub(crate) use compare::cut;
pub use record::{Bodies, Damage, Record};
pub use replayer::Replayer;
pub use report::{Difference, Divergence, EngineSeen, ReplayReport};
pub use tally::{Counts, DIVERGING_MAX, EngineCounts, Tally};
