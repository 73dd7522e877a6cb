//! Rollouts: which version of a merchant's policies answers which case, moved by persons and by the host's own protection.
//!
//! In reading order: plans and versions from the store ([`load`]), what runs for one case ([`choose`]) and in shadow ([`shadow`]), how
//! persons move a plan ([`step`], [`named`], [`change`], [`apply`]), and two of them where the merchant asks for that ([`proposals`]), what they see
//! of it ([`view`]), and the protection: what versions decided ([`guards`], [`earlier`]), what is done about it ([`protect`], [`webhook`]).

mod apply;
mod change;
mod choose;
mod earlier;
mod guards;
mod load;
mod named;
mod proposals;
mod protect;
mod shadow;
mod step;
mod view;
mod webhook;

pub(super) use apply::WINDOW_KEPT_MS;
pub(super) use choose::{Runs, opened, opens};
pub(super) use guards::Guards;
pub(super) use load::{Moved, NO_REPORT, active_bindings, keep, kept, state_of};
pub use proposals::{ApprovedView, ProposalView, ProposalWord};
pub use protect::Measure;
pub use shadow::ShadowSummary;
pub(super) use shadow::{ShadowJob, ShadowQueue, ShadowRun};
pub use step::{
    ActivateRequest, CanaryRequest, KillRequest, PauseRequest, RollbackRequest, ShadowRequest, StepAnswer, WindowRemoval, WindowRequest,
};
pub use view::{CanaryView, PlacedView, PlanView, RolloutQuery, RolloutView, ShadowView, StopView, TakenView, WindowView};
pub(super) use webhook::Webhook;
