//! Personal data: erasure on request and by retention, what is held against it, and who sees text.

mod erasure;
mod holds;
mod kept;
mod retention;
mod view;

pub use erasure::{ErasureAnswer, ErasureRequest};
pub use holds::{HoldRequest, HoldScopeView, HoldView, LiftRequest};
pub use kept::{ERASURES, ErasedAgain, Erasures};
pub use retention::{RETAIN_EVERY, Retained};
pub(in crate::service) use view::Sight;
pub use view::{MASK, UnmaskQuery};
