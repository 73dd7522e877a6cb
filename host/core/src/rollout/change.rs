//! Every move of a plan. One that is not possible is refused, with what to do instead; one that is done already changes nothing.

use super::plan::{Canary, Hand, Placed, Plan, Rollouts, Scope, Stop, Taken, Window};
use super::time::local_text;
use super::{EARLIER_MAX, SHADOWS_MAX, SHARE_ALL, STOPS_MAX, TAKEN_MAX, VersionId, WINDOWS_MAX};

/// Whether something is another way than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is.
    Yes,
    /// It was that way already.
    No,
}

/// Why a plan is not changed, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It contradicts what stands.
    #[error("{0}")]
    Conflict(String),
    /// It is not possible at all; with the member of the request that says it.
    #[error("{1}")]
    Invalid(&'static str, String),
    /// What is to be changed is not there.
    #[error("{0}")]
    NotThere(String),
}

type Change = Result<Changed, Refused>;

fn conflict<T>(why: impl Into<String>) -> Result<T, Refused> {
    Err(Refused::Conflict(why.into()))
}

impl Plan {
    /// Makes a version the active one. Where it was canary or shadow it is that no more; where it was taken back it is forgiven, for
    /// a person says so.
    pub fn activate(&mut self, id: &VersionId, at_ms: i64) -> Changed {
        if self.active.as_ref().is_some_and(|active| active.version == *id) && !self.is_taken(id) {
            return Changed::No;
        }
        let before = self.active.replace(Placed { version: id.clone(), since_ms: at_ms });
        self.taken.retain(|taken| taken.version != *id);
        self.shadows.retain(|shadow| shadow.version != *id);
        self.canary = self.canary.take().filter(|canary| canary.version != *id);
        if let Some(before) = before.filter(|before| before.version != *id && !self.is_taken(&before.version)) {
            self.remember(before.version);
        }
        self.earlier.retain(|earlier| earlier != id);
        Changed::Yes
    }

    /// Lets a version answer a share of the customers.
    ///
    /// # Errors
    /// The share is none; nothing is active for the others; the version is active; another one is the canary.
    pub fn canary(&mut self, id: &VersionId, share_bp: u16, at_ms: i64) -> Change {
        if share_bp > SHARE_ALL {
            return Err(Refused::Invalid("/share_bp", "is more than everybody: 0 % to 100 %".into()));
        }
        match (&self.active, &self.canary) {
            (None, _) => return conflict("no version is active for the other customers: activate one first"),
            (Some(active), _) if active.version == *id => {
                return conflict(format!("`{id}` is the active version, which answers every customer already: roll out another one"));
            }
            (_, Some(canary)) if canary.version != *id => {
                return conflict(format!("`{}` is the canary: activate it or roll it back first", canary.version));
            }
            (_, Some(canary)) if canary.share_bp == share_bp => return Ok(Changed::No),
            _ => {}
        }
        self.taken.retain(|taken| taken.version != *id);
        self.shadows.retain(|shadow| shadow.version != *id);
        self.canary = Some(Canary { version: id.clone(), share_bp, since_ms: at_ms });
        Ok(Changed::Yes)
    }

    /// Lets a version run beside, unanswered. What was taken back stays so: it answers nobody, and what it would say is seen.
    ///
    /// # Errors
    /// It answers already; enough others run beside.
    pub fn shadow(&mut self, id: &VersionId, at_ms: i64) -> Change {
        if self.shadows.iter().any(|shadow| shadow.version == *id) {
            return Ok(Changed::No);
        }
        if self.active.as_ref().is_some_and(|active| active.version == *id) {
            return conflict(format!("`{id}` is the active version: there is nothing to compare it with"));
        }
        if self.canary.as_ref().is_some_and(|canary| canary.version == *id) {
            return conflict(format!("`{id}` is the canary, and answers customers already: roll it back first"));
        }
        if self.shadows.len() >= SHADOWS_MAX {
            let others: Vec<String> = self.shadows.iter().map(|shadow| format!("`{}`", shadow.version)).collect();
            return conflict(format!("{SHADOWS_MAX} versions run in shadow already ({}): end one first", others.join(", ")));
        }
        self.shadows.push(Placed { version: id.clone(), since_ms: at_ms });
        Ok(Changed::Yes)
    }

    /// Ends a version's shadow run.
    ///
    /// # Errors
    /// It is in no shadow run.
    pub fn end_shadow(&mut self, id: &VersionId) -> Change {
        let before = self.shadows.len();
        self.shadows.retain(|shadow| shadow.version != *id);
        if self.shadows.len() == before { Err(Refused::NotThere(format!("`{id}` does not run in shadow"))) } else { Ok(Changed::Yes) }
    }

    /// Takes back what was rolled out last: the canary, if there is one, else the active version; or goes back to the version that is
    /// named. What was taken back answers nobody any more, and has no windows. Returns what it was.
    ///
    /// # Errors
    /// There is nothing to go back to, or nothing that runs under these kill switches.
    pub fn rollback(
        &mut self,
        to: Option<&VersionId>,
        stops: &[Stop],
        by: Hand,
        reason: &str,
        at_ms: i64,
    ) -> Result<(Vec<VersionId>, Changed), Refused> {
        let mut back = Vec::new();
        if let Some(canary) = self.canary.take_if(|canary| to != Some(&canary.version)) {
            self.take(canary.version.clone(), by, reason, at_ms);
            back.push(canary.version);
            if to.is_none() {
                return Ok((back, Changed::Yes));
            }
        }
        if to.is_some() && self.active.as_ref().map(|active| &active.version) == to {
            let changed = if back.is_empty() { Changed::No } else { Changed::Yes };
            return Ok((back, changed));
        }
        let Some(target) = to.cloned().or_else(|| self.before(stops).cloned()) else {
            return conflict(match self.before(&[]).and_then(|id| stops.iter().find(|stop| stop.scope.is_of(id))) {
                None => "there is no earlier version to go back to: name one with `to`, or pause the policy".to_owned(),
                Some(stop) => format!(
                    "every earlier version is paused ({}: {}): resume the one to go back to, name another with `to`, or pause the kind",
                    stop.scope, stop.reason
                ),
            });
        };
        if let Some(bad) = self.active.take() {
            self.take(bad.version.clone(), by, reason, at_ms);
            back.push(bad.version);
        }
        self.activate(&target, at_ms);
        Ok((back, Changed::Yes))
    }

    /// Takes one version back wherever it stands, as the protection does: out of canary, shadow and windows, from the open cases that it
    /// answers where it is retired, and from being active, where `instead` takes its place. False where it is taken back already, or
    /// nothing is there to take its place.
    pub fn take_back(&mut self, id: &VersionId, instead: Option<&VersionId>, by: Hand, reason: &str, at_ms: i64) -> bool {
        let is_active = self.active.as_ref().is_some_and(|active| active.version == *id);
        let is_back = self.is_taken(id) && !self.in_place().any(|own| own == id);
        if is_back || is_active && instead.is_none_or(|instead| instead == id) {
            return false;
        }
        self.canary = self.canary.take().filter(|canary| canary.version != *id);
        self.shadows.retain(|shadow| shadow.version != *id);
        self.take(id.clone(), by, reason, at_ms);
        if is_active && let Some(target) = instead {
            self.activate(target, at_ms);
        }
        true
    }

    /// The version that was active before and may run: neither taken back, nor stopped by a kill switch of its own.
    pub fn before(&self, stops: &[Stop]) -> Option<&VersionId> {
        let active = self.active.as_ref().map(|active| &active.version);
        let may_run = |id: &&VersionId| !self.is_taken(id) && !stops.iter().any(|stop| stop.scope.is_of(id));
        self.earlier.iter().find(|earlier| may_run(earlier) && Some(*earlier) != active)
    }

    /// Lets a version answer at a time of its own, set at `at_ms`. Windows that ended before `forget_ms` of the merchant's clock are
    /// forgotten.
    ///
    /// # Errors
    /// It ends before it begins; it overlaps another one; there are too many.
    pub fn add_window(&mut self, window: Window, at_ms: i64, forget_ms: i64) -> Change {
        if window.to_local_ms <= window.from_local_ms {
            return Err(Refused::Invalid("/to", "is not after `from`: a window has a beginning and a later end".into()));
        }
        self.windows.retain(|known| known.to_local_ms >= forget_ms);
        if self.windows.iter().any(|known| known.is_same(&window)) {
            return Ok(Changed::No);
        }
        let overlaps = |known: &&Window| known.from_local_ms < window.to_local_ms && window.from_local_ms < known.to_local_ms;
        if let Some(known) = self.windows.iter().find(overlaps) {
            return conflict(format!(
                "overlaps the window of `{}` from {} to {}: remove that one first, or choose another time",
                known.version,
                local_text(known.from_local_ms),
                local_text(known.to_local_ms)
            ));
        }
        if self.windows.len() >= WINDOWS_MAX {
            return conflict(format!("there are {WINDOWS_MAX} windows already: remove one first"));
        }
        self.taken.retain(|taken| taken.version != window.version);
        self.had_windows = true;
        self.windows.push(Window { set_ms: at_ms, ..window });
        self.windows.sort_by_key(|window| window.from_local_ms);
        Ok(Changed::Yes)
    }

    /// Removes the windows of a version, or the one that begins at a moment of the merchant's clock.
    ///
    /// # Errors
    /// There is none.
    pub fn remove_window(&mut self, id: &VersionId, from_local_ms: Option<i64>) -> Change {
        let before = self.windows.len();
        self.windows.retain(|window| window.version != *id || from_local_ms.is_some_and(|from| from != window.from_local_ms));
        if self.windows.len() == before { Err(Refused::NotThere(format!("`{id}` has no such window"))) } else { Ok(Changed::Yes) }
    }

    fn remember(&mut self, id: VersionId) {
        self.earlier.retain(|earlier| *earlier != id);
        self.earlier.insert(0, id);
        self.earlier.truncate(EARLIER_MAX);
    }

    fn take(&mut self, id: VersionId, by: Hand, reason: &str, at_ms: i64) {
        self.taken.retain(|taken| taken.version != id);
        self.earlier.retain(|earlier| *earlier != id);
        // A window of it would answer nobody and keep others from its time.
        self.windows.retain(|window| window.version != id);
        self.taken.push(Taken { version: id, by, at_ms, reason: reason.to_owned() });
        let excess = self.taken.len().saturating_sub(TAKEN_MAX);
        self.taken.drain(..excess);
    }
}

impl Rollouts {
    /// Throws a kill switch. Each hand has room of its own, so that nobody's switches keep another's from being thrown. What stops the
    /// merchant or a kind always has: a hand has no more of those than there are kinds, and one. So has what the protection stops, which
    /// is at most each version once.
    ///
    /// # Errors
    /// A person has thrown too many for policies and versions.
    pub fn pause(&mut self, scope: Scope, by: Hand, reason: &str, at_ms: i64) -> Change {
        if self.stops.iter().any(|stop| stop.scope == scope && stop.by == by) {
            return Ok(Changed::No);
        }
        let takes_room = |scope: &Scope| matches!(scope, Scope::Policy { .. } | Scope::Version { .. });
        let thrown = self.stops.iter().filter(|stop| stop.by == by && takes_room(&stop.scope)).count();
        if by != Hand::Protection && takes_room(&scope) && thrown >= STOPS_MAX {
            return conflict(format!(
                "{STOPS_MAX} kill switches of policies and versions are thrown already by the same hand: resume one first, or pause the \
                 kind or the merchant"
            ));
        }
        self.stops.push(Stop { scope, by, at_ms, reason: reason.to_owned() });
        Ok(Changed::Yes)
    }

    /// Takes a kill switch back. A merchant's hand lifts what the merchant or the protection paused, the operator's what the operator
    /// or the protection did.
    ///
    /// # Errors
    /// Only the other hand's switch is there, or none covers exactly this.
    pub fn resume(&mut self, scope: &Scope, by: Hand) -> Change {
        let before = self.stops.len();
        self.stops.retain(|stop| stop.scope != *scope || (stop.by != by && stop.by != Hand::Protection));
        if self.stops.len() < before {
            return Ok(Changed::Yes);
        }
        match self.stops.iter().find(|stop| stop.scope == *scope) {
            Some(stop) => conflict(match stop.by {
                Hand::Operator => format!("the operator paused {scope}: only the operator resumes it"),
                Hand::Merchant | Hand::Protection => format!("the merchant paused {scope}: only the merchant resumes it"),
            }),
            None => Err(Refused::NotThere(match self.stops.as_slice() {
                [] => format!("{scope} is not paused: nothing is"),
                stops => {
                    let paused: Vec<String> = stops.iter().map(|stop| stop.scope.to_string()).collect();
                    format!("{scope} is not paused; paused are: {}", paused.join(", "))
                }
            })),
        }
    }
}

#[cfg(test)]
mod tests;
