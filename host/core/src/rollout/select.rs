//! Which version answers a case, which one runs beside for the consumer's sake, and which run in shadow.

use super::plan::{Plan, Rollouts};
use super::time::local_ms;
use super::{Opened, SHARE_ALL, Stage, VersionId};
use crate::kind::Kind;

/// Into how many parts customers are divided: one for each hundredth of a percent.
pub const BUCKETS: u16 = SHARE_ALL;

/// One case that is to be decided.
pub struct Asked<'a, 'b> {
    /// Its kind.
    pub kind: Kind,
    /// The event's time, epoch milliseconds.
    pub now: i64,
    /// The merchant's zone, minutes east of UTC.
    pub tz_offset_min: i32,
    /// The customer's part under a version's own division ([`bucket`]), 0 to 9 999.
    pub bucket: &'b dyn Fn(&VersionId) -> u16,
    /// Under which version the case was opened; none for a new case.
    pub opened: Option<&'a Opened>,
}

/// What runs for a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected<'a> {
    /// Who answers, or why nobody does.
    pub answers: Result<(Stage, &'a VersionId), Halt>,
    /// Who runs beside, so that the better answer for the consumer stands.
    pub beside: Option<(Stage, &'a VersionId)>,
    /// Who runs in shadow.
    pub shadows: Vec<&'a VersionId>,
}

/// Why nothing runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// No version was ever placed.
    NoPolicy,
    /// A kill switch is thrown, or everything was taken back; in words for the fault.
    Paused(String),
}

/// The part of the customers that a keyed digest of (version, customer) falls into. Each version divides them anew, so that not
/// always the same ones come first; within one version a growing share keeps those who were in.
pub fn bucket(digest: &[u8; 32]) -> u16 {
    let head = digest.first_chunk::<8>().copied().unwrap_or_default();
    u16::try_from(u64::from_be_bytes(head) % u64::from(BUCKETS)).unwrap_or(0)
}

impl Rollouts {
    /// What runs for a case.
    pub fn select<'a>(&'a self, asked: &Asked<'a, '_>) -> Selected<'a> {
        let halted = |halt| Selected { answers: Err(halt), beside: None, shadows: Vec::new() };
        if let Some(stop) = self.stops.iter().find(|stop| stop.scope.covers_kind(asked.kind)) {
            return halted(Halt::Paused(format!("{} is paused", stop.scope)));
        }
        let Some(plan) = self.plan(asked.kind) else { return halted(Halt::NoPolicy) };
        let current = self.current(plan, asked);
        // A case keeps the version of its first decision (domain model 4.0, rule 8), as long as that one may run.
        let own = asked.opened.filter(|opened| self.may_run(plan, asked.kind, &opened.version));
        let (answers, beside) = match (own, current) {
            (Some(opened), Ok((stage, id, since_ms))) if opened.version != *id => {
                let is_newer = since_ms > opened.at_ms;
                (Ok((Stage::Opened, &opened.version)), is_newer.then_some((stage, id)))
            }
            (Some(opened), Err(_)) => (Ok((Stage::Opened, &opened.version)), None),
            (_, current) => (current.map(|(stage, id, _)| (stage, id)), None),
        };
        let runs = |id: &VersionId| answers.as_ref().is_ok_and(|(_, own)| *own == id) || beside.is_some_and(|(_, other)| other == id);
        let shadows = plan.shadows.iter().map(|placed| &placed.version);
        let shadows = shadows.filter(|id| self.stop_of(asked.kind, id).is_none() && !runs(id)).collect();
        Selected { answers, beside, shadows }
    }

    /// Who answers a new case, with the moment since when.
    fn current<'a>(&'a self, plan: &'a Plan, asked: &Asked<'_, '_>) -> Result<(Stage, &'a VersionId, i64), Halt> {
        let may_run = |id: &VersionId| self.may_run(plan, asked.kind, id);
        let local = local_ms(asked.now, asked.tz_offset_min);
        let window = plan.windows.iter().find(|window| (window.from_local_ms..window.to_local_ms).contains(&local));
        if let Some(window) = window.filter(|window| may_run(&window.version)) {
            // It came into force when it began, or when it was set, if that was later.
            let began = window.from_local_ms - local_ms(0, asked.tz_offset_min);
            return Ok((Stage::Window, &window.version, began.max(window.set_ms)));
        }
        if let Some(canary) = plan.canary.as_ref().filter(|canary| may_run(&canary.version))
            && (asked.bucket)(&canary.version) < canary.share_bp
        {
            return Ok((Stage::Canary, &canary.version, canary.since_ms));
        }
        match &plan.active {
            Some(active) if may_run(&active.version) => Ok((Stage::Active, &active.version, active.since_ms)),
            Some(active) => Err(Halt::Paused(match self.stop_of(asked.kind, &active.version) {
                Some(stop) => format!("{} is paused", stop.scope),
                None => format!("the version `{}` was taken back, and there is none before it", active.version),
            })),
            None if plan.taken.is_empty() => Err(Halt::NoPolicy),
            None => Err(Halt::Paused("every version was taken back".into())),
        }
    }

    /// Whether a version may answer: it was not taken back, and no switch is thrown.
    fn may_run(&self, plan: &Plan, kind: Kind, id: &VersionId) -> bool {
        !plan.is_taken(id) && self.stop_of(kind, id).is_none()
    }
}
