//! Personal data: erasure on request and by retention, what is held against it, and who sees text.

mod erasure;
mod holds;
mod kept;
mod proof;
mod retention;
mod unknown;
mod view;

pub use erasure::{ErasureAnswer, ErasureRequest};
pub use holds::{HoldRequest, HoldScopeView, HoldView, LiftRequest};
pub use kept::{ERASURES, ErasedAgain, Erasures};
pub(crate) use proof::{ACT_LOST, ErasureProof};
pub use retention::{RETAIN_EVERY, Retained};
pub use unknown::{UNKNOWN, set_unknown, unknown_since};
pub(in crate::service) use view::Sight;
pub use view::{MASK, UnmaskQuery};
