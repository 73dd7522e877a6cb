//! Why the service gives no answer: each error becomes one problem document (RFC 9457).

use ombud_core::problem::Problem;
use ombud_store::{JobError, StoreError};

use crate::gate::Step;

/// Why a request was refused or failed. Faults of policies are not here: they are answers.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// No key, or one that is not known: 401.
    #[error("no valid API key: send `Authorization: Bearer KEY`")]
    Unauthenticated,
    /// The key lacks the right: 403.
    #[error("the role `{role}` may not {what}")]
    Forbidden { role: &'static str, what: &'static str },
    /// It does not exist, or belongs to another merchant: 404.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The body breaks its schema or bounds: 422.
    #[error("{} problems in the request", .0.len())]
    Invalid(Vec<Problem>),
    /// The body is not JSON at all: 400.
    #[error("{0}")]
    Malformed(String),
    /// Conflicts with what is on record: 409.
    #[error("{0}")]
    Conflict(String),
    /// It will be there in a moment: 409.
    #[error("{0}: ask again in a second")]
    NotYet(&'static str),
    /// The gate refused a policy: 422, or 409 where it contradicts a version that is there.
    #[error("{detail}")]
    Refused {
        /// Why, and what to do.
        detail: String,
        /// Whether it contradicts a version that is there.
        conflict: bool,
        /// The steps.
        report: Vec<Step>,
    },
    /// The merchant has too many uploads under way: 429.
    #[error("{0} uploads of this merchant are under way: wait until one is done")]
    Uploading(usize),
    /// The merchant takes all that it may: 429.
    #[error("{0}")]
    Saturated(Saturation),
    /// The service is full or draining: 503.
    #[error("{0}")]
    Unavailable(&'static str),
    /// What is on record is not what was recorded, or is gone: 500. The detail names the place and holds nothing of what is recorded.
    #[error("{0}")]
    Damaged(String),
    /// The service failed; the detail goes to the log, not to the caller: 500.
    #[error("internal error")]
    Internal(#[source] anyhow::Error),
}

/// An error with its causes, each said once: many a message holds its cause already.
pub fn causes(error: &anyhow::Error) -> String {
    error
        .chain()
        .map(ToString::to_string)
        .reduce(|said, cause| if said.contains(&cause) { said } else { format!("{said}: {cause}") })
        .unwrap_or_default()
}

/// What is answered where the disk takes nothing. Where and why is the operator's to know: the log and readiness say it.
const UNWRITABLE: &str = "nothing can be recorded at the moment, and nothing of this was: send it again later; whoever runs the server finds \
                          the cause in its log and at `/readyz`";

/// What of a merchant's is taken, and when to ask again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the merchant takes all that it may: {what}")]
pub struct Saturation {
    what: String,
    /// Seconds after which there may be room.
    pub retry_after_s: u64,
}

impl Saturation {
    /// There may be room in a moment.
    pub fn now(what: impl Into<String>) -> Self {
        Self { what: what.into(), retry_after_s: 1 }
    }

    /// There is room after some time.
    pub fn after(wait: std::time::Duration, what: impl Into<String>) -> Self {
        Self { what: what.into(), retry_after_s: wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1) }
    }
}

impl From<Saturation> for ServiceError {
    fn from(saturation: Saturation) -> Self {
        Self::Saturated(saturation)
    }
}

impl From<anyhow::Error> for ServiceError {
    fn from(error: anyhow::Error) -> Self {
        if error.chain().filter_map(|cause| cause.downcast_ref()).any(takes_nothing) {
            tracing::error!(cause = causes(&error), "a file of the data directory cannot be written");
            return Self::Unavailable(UNWRITABLE);
        }
        Self::Internal(error)
    }
}

/// Whether a disk, or what somebody may have of it, is full, or is there for reading only.
fn takes_nothing(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge | ReadOnlyFilesystem)
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::Unavailable("the write queue is full: try again in a moment"),
            StoreError::Closed => Self::Unavailable("the service is shutting down"),
            StoreError::Cursor => {
                Self::Invalid(vec![Problem::at("/cursor", "is not a cursor of this list").allowed("start again without it")])
            }
            StoreError::Unwritable { .. } => Self::Unavailable(UNWRITABLE),
            damaged @ (StoreError::Damaged(_) | StoreError::Refused(_)) => Self::Damaged(damaged.to_string()),
            // Where it is is the operator's to know.
            malformed @ StoreError::Malformed { .. } => Self::Damaged(malformed.without_place().to_string()),
            other => Self::Internal(other.into()),
        }
    }
}

impl From<JobError<Self>> for ServiceError {
    fn from(error: JobError<Self>) -> Self {
        match error {
            JobError::Job(error) => error,
            JobError::Store(error) => error.into(),
        }
    }
}
