//! What versions decided lately, as the protection remembers it. In memory; after a start what is on record is put before it
//! ([`super::earlier`]).

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::protect::{Finding, Sample, Watched};
use ombud_core::rollout::{Rollouts, Scope, Standing, VersionId};

use super::earlier::Unread;
use crate::service::snapshot::Tenant;

/// Versions of one kind that are watched at the same time; of more, one that has no place goes first, then the one that was heard of
/// least lately.
pub(super) const ARMS_MAX: usize = 6;
/// What was told while earlier decisions are read, at most; of more the oldest are forgotten.
const TOLD_MAX: usize = 2_000;

/// What every version decided lately.
#[derive(Default)]
pub struct Guards {
    watches: Mutex<HashMap<(MerchantId, Kind), Watch>>,
    pub(super) unread: Mutex<Unread>,
}

/// The versions of one kind.
struct Watch {
    arms: Vec<Arm>,
    /// From this place in the log on decisions are told; those before it are read.
    from_seq: u64,
    /// What was told since the start, until the earlier ones are read.
    told: Option<VecDeque<Told>>,
}

/// One version of a kind, as it answers or in shadow.
struct Arm {
    version: VersionId,
    in_shadow: bool,
    watched: Watched,
    /// Found and acted on: it is not said again while it stands there.
    found: bool,
}

/// What one decision says of a version.
#[derive(Clone)]
pub(super) struct Told {
    /// The version.
    pub version: VersionId,
    /// Whether it ran in shadow.
    pub in_shadow: bool,
    /// What it came to.
    pub sample: Sample,
}

/// A version that does harm.
#[derive(Clone)]
pub(super) struct Found {
    /// The version.
    pub version: VersionId,
    /// Why.
    pub finding: Finding,
    /// Where it stood when that was seen.
    pub stood: Standing,
}

/// What came of telling.
#[derive(Default)]
pub(super) struct Heard {
    /// Versions that do harm.
    pub found: Vec<Found>,
    /// Whether earlier decisions are to be read.
    pub is_first: bool,
}

impl Guards {
    fn lock(&self) -> MutexGuard<'_, HashMap<(MerchantId, Kind), Watch>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what the decision at a place in the log says of versions.
    pub(super) fn tell(&self, tenant: &Tenant, kind: Kind, seq: u64, all: impl Iterator<Item = Told>) -> Heard {
        let mut heard = Heard::default();
        let mut watches = self.lock();
        let watch = watches.entry((tenant.config.id.clone(), kind)).or_insert_with(|| {
            heard.is_first = true;
            Watch { arms: Vec::new(), from_seq: seq, told: Some(VecDeque::new()) }
        });
        for own in all {
            // What is read from the log is not told as well.
            if seq < watch.from_seq && !own.in_shadow {
                continue;
            }
            let id = own.version.clone();
            if let Some(told) = &mut watch.told {
                if told.len() >= TOLD_MAX {
                    told.pop_front();
                }
                told.push_back(own.clone());
            }
            let at = take(&mut watch.arms, &tenant.rollouts, kind, own);
            let standing = tenant.rollouts.plan(kind).map(|plan| plan.standing(&id));
            if let Some(stood) = standing
                && let Some(finding) = at.and_then(|at| judged(&mut watch.arms, at, tenant, kind, &stood))
            {
                heard.found.push(Found { version: id, finding, stood });
            }
        }
        heard
    }

    /// Puts what is on record before what was told since. What a version decided before a person gave it its place is not its any more.
    pub(super) fn put_before(&self, tenant: &Tenant, kind: Kind, older: Vec<(i64, Told)>) {
        let mut watches = self.lock();
        let Some(watch) = watches.get_mut(&(tenant.config.id.clone(), kind)) else { return };
        let Some(told) = watch.told.take() else { return };
        let plan = tenant.rollouts.plan(kind);
        let since = |id: &VersionId| plan.and_then(|plan| plan.standing(id).answers_ms()).unwrap_or(i64::MIN);
        let older = older.into_iter().filter(|(at_ms, own)| *at_ms >= since(&own.version)).map(|(_, own)| own);
        let before = std::mem::take(&mut watch.arms);
        for own in older.chain(told) {
            take(&mut watch.arms, &tenant.rollouts, kind, own);
        }
        for arm in &mut watch.arms {
            arm.found = before.iter().any(|was| was.found && (&was.version, was.in_shadow) == (&arm.version, arm.in_shadow));
        }
    }

    /// A version begins anew, for a person placed it.
    pub fn forget(&self, merchant: &MerchantId, kind: Kind, id: &VersionId) {
        if let Some(watch) = self.lock().get_mut(&(merchant.clone(), kind)) {
            watch.arms.retain(|arm| arm.version != *id);
            if let Some(told) = &mut watch.told {
                told.retain(|own| own.version != *id);
            }
        }
    }

    /// Forgets every version that a kill switch of this scope covered.
    pub fn forget_under(&self, merchant: &MerchantId, scope: &Scope) {
        for ((_, kind), watch) in self.lock().iter_mut().filter(|((of, _), _)| of == merchant) {
            watch.arms.retain(|arm| !scope.covers(*kind, &arm.version));
            if let Some(told) = &mut watch.told {
                told.retain(|own| !scope.covers(*kind, &own.version));
            }
        }
    }

    /// What was found is found again, if it is still so: something changed that bears on what is done about it.
    pub fn look_again(&self, merchant: &MerchantId, kinds: &[Kind]) {
        let mut watches = self.lock();
        for kind in kinds {
            let watch = watches.get_mut(&(merchant.clone(), *kind));
            watch.into_iter().flat_map(|watch| &mut watch.arms).for_each(|arm| arm.found = false);
        }
    }
}

/// Takes a sample in; the place of its arm.
fn take(arms: &mut Vec<Arm>, rollouts: &Rollouts, kind: Kind, own: Told) -> Option<usize> {
    let known = arms.iter().position(|arm| arm.version == own.version && arm.in_shadow == own.in_shadow);
    let mut arm = match known {
        Some(at) => arms.remove(at),
        None => {
            if arms.len() >= ARMS_MAX {
                let plan = rollouts.plan(kind);
                let has_place =
                    |arm: &Arm| plan.is_some_and(|plan| plan.in_place().chain(plan.before(&rollouts.stops)).any(|id| *id == arm.version));
                let last = arms.iter().position(|arm| !has_place(arm)).unwrap_or(0);
                arms.remove(last);
            }
            Arm { version: own.version, in_shadow: own.in_shadow, watched: Watched::default(), found: false }
        }
    };
    arm.watched.add(own.sample);
    arms.push(arm);
    arms.len().checked_sub(1)
}

fn judged(arms: &mut [Arm], at: usize, tenant: &Tenant, kind: Kind, stood: &Standing) -> Option<Finding> {
    let arm = arms.get(at).filter(|arm| !arm.found)?;
    let other = compared_with(arms, &tenant.rollouts, kind, stood, (&arm.version, arm.in_shadow));
    let found = arm.watched.judge(other, &tenant.protection)?;
    arms.get_mut(at)?.found = true;
    Some(found)
}

/// What a version is compared with: the active version with one that was active before, in shadow if it runs there, for it is then asked the
/// same; every other one with the active version. What never was active is no yardstick for what is. What is retired has faults only: it
/// opens no cases, and what it approved while it did was measured then.
fn compared_with<'a>(
    arms: &'a [Arm],
    rollouts: &Rollouts,
    kind: Kind,
    stood: &Standing,
    (own, in_shadow): (&VersionId, bool),
) -> Option<&'a Watched> {
    let plan = rollouts.plan(kind).filter(|_| stood.is_placed())?;
    let arm = |id: &VersionId, shadow: bool| arms.iter().find(|arm| arm.version == *id && arm.in_shadow == shadow).map(|arm| &arm.watched);
    let active = plan.active.as_ref().map(|active| &active.version);
    if in_shadow || active != Some(own) {
        return active.and_then(|active| arm(active, false));
    }
    let was_active = plan.shadows.iter().filter(|shadow| plan.earlier.contains(&shadow.version));
    let shadow = was_active.filter_map(|shadow| arm(&shadow.version, true)).next();
    shadow.or_else(|| plan.before(&rollouts.stops).and_then(|before| arm(before, false)))
}
