//! What versions decided lately, as the protection remembers it. In memory; after a start what is on record is put before it
//! ([`super::earlier`]).

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use ombud_core::fault::FaultCode;
use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::protect::{Finding, Lateness, Sample, Watched};
use ombud_core::rollout::{Rollouts, Scope, Standing, VersionId};

use super::earlier::Unread;
use crate::service::snapshot::Tenant;

/// Versions of one kind that are watched at the same time; of more, one that has no place goes first, then the one that was heard of
/// least lately.
pub(super) const ARMS_MAX: usize = 6;
/// What was told while earlier decisions are read, at most; of more the oldest are forgotten.
const TOLD_MAX: usize = 2_000;

/// Milliseconds for which a call that met its deadline waits for what others say of the machine: who was asked at the same moment.
const LATE_MS: u64 = 2_000;
/// Calls that wait so, of all merchants; of more the oldest are forgotten.
const LATE_MAX: usize = 10_000;
/// Of them, settled beside one decision.
const SETTLED_MAX: usize = 100;

/// What every version decided lately.
pub struct Guards {
    all: Mutex<All>,
    /// By which those who are asked are told apart.
    digest: RandomState,
    started: Instant,
    pub(super) unread: Mutex<Unread>,
}

#[derive(Default)]
struct All {
    watches: HashMap<(MerchantId, Kind), Watch>,
    lateness: Lateness,
    late: VecDeque<Late>,
}

/// A call that met its deadline.
struct Late {
    at_ms: u64,
    of: (MerchantId, Kind),
    version: VersionId,
}

/// The versions of one kind.
struct Watch {
    arms: Vec<Arm>,
    /// From this place in the log on decisions are told; those before it are read.
    from_seq: u64,
    /// What was told since the start, until the earlier ones are read.
    told: Option<VecDeque<Told>>,
}

impl Watch {
    /// Keeps what was told until what is on record is put before it.
    fn remember(&mut self, own: Told) {
        if let Some(told) = &mut self.told {
            if told.len() >= TOLD_MAX {
                told.pop_front();
            }
            told.push_back(own);
        }
    }
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

impl Default for Guards {
    fn default() -> Self {
        Self { all: Mutex::default(), digest: RandomState::new(), started: Instant::now(), unread: Mutex::default() }
    }
}

impl Guards {
    fn lock(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One who is asked on this machine: a version, or the guardrail beside it.
    fn who(&self, merchant: &MerchantId, kind: Kind, version: Option<&VersionId>) -> u64 {
        self.digest.hash_one((merchant, kind, version))
    }

    /// Takes in whether the guardrail of a kind was in time.
    pub(super) fn tell_guardrail(&self, merchant: &MerchantId, kind: Kind, is_late: bool) {
        let (who, at_ms) = (self.who(merchant, kind, None), self.now_ms());
        self.lock().lateness.hear(who, at_ms, is_late);
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Calls that were late some time ago are their versions', where the machine was not slow for everybody.
    fn settle(&self, all: &mut All, now_ms: u64) {
        for _ in 0..SETTLED_MAX {
            let Some(late) = all.late.pop_front_if(|late| late.at_ms.saturating_add(LATE_MS) <= now_ms) else { return };
            if all.lateness.is_everybodys(self.who(&late.of.0, late.of.1, Some(&late.version)), now_ms) {
                continue;
            }
            let Some(watch) = all.watches.get_mut(&late.of) else { continue };
            let sample = Sample { fault: Some(FaultCode::Deadline), is_first: false, approved: false, money: 0 };
            watch.remember(Told { version: late.version.clone(), in_shadow: false, sample });
            if let Some(arm) = watch.arms.iter_mut().find(|arm| arm.version == late.version && !arm.in_shadow) {
                arm.watched.add(sample);
            }
        }
    }

    /// Takes in what the decision at a place in the log says of versions.
    pub(super) fn tell(&self, tenant: &Tenant, kind: Kind, seq: u64, all: impl Iterator<Item = Told>) -> Heard {
        let mut heard = Heard::default();
        let (of, now_ms) = ((tenant.config.id.clone(), kind), self.now_ms());
        let mut locked = self.lock();
        let all_of = &mut *locked;
        self.settle(all_of, now_ms);
        let All { watches, lateness, late } = all_of;
        let watch = watches.entry(of.clone()).or_insert_with(|| {
            heard.is_first = true;
            Watch { arms: Vec::new(), from_seq: seq, told: Some(VecDeque::new()) }
        });
        for own in all {
            // What is read from the log is not told as well.
            if seq < watch.from_seq && !own.in_shadow {
                continue;
            }
            let id = own.version.clone();
            let is_late = own.sample.fault == Some(FaultCode::Deadline);
            // In shadow it runs behind all others: how long it takes there says nothing.
            if own.in_shadow && is_late {
                continue;
            }
            let was_asked = is_late || !own.sample.fault.is_some_and(FaultCode::environmental);
            if was_asked && !own.in_shadow {
                lateness.hear(self.who(&of.0, kind, Some(&id)), now_ms, is_late);
            }
            let at = if is_late {
                late.push_back(Late { at_ms: now_ms, of: of.clone(), version: id.clone() });
                if late.len() > LATE_MAX {
                    late.pop_front();
                }
                arm(&mut watch.arms, &tenant.rollouts, kind, &own)
            } else {
                watch.remember(own.clone());
                take(&mut watch.arms, &tenant.rollouts, kind, &own)
            };
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
        let mut all = self.lock();
        let Some(watch) = all.watches.get_mut(&(tenant.config.id.clone(), kind)) else { return };
        let Some(told) = watch.told.take() else { return };
        let plan = tenant.rollouts.plan(kind);
        let since = |id: &VersionId| plan.and_then(|plan| plan.standing(id).answers_ms()).unwrap_or(i64::MIN);
        let older = older.into_iter().filter(|(at_ms, own)| *at_ms >= since(&own.version)).map(|(_, own)| own);
        let before = std::mem::take(&mut watch.arms);
        for own in older.chain(told) {
            take(&mut watch.arms, &tenant.rollouts, kind, &own);
        }
        for arm in &mut watch.arms {
            arm.found = before.iter().any(|was| was.found && (&was.version, was.in_shadow) == (&arm.version, arm.in_shadow));
        }
    }

    /// A version begins anew, for a person placed it.
    pub fn forget(&self, merchant: &MerchantId, kind: Kind, id: &VersionId) {
        let (mut all, of) = (self.lock(), (merchant.clone(), kind));
        all.late.retain(|late| late.of != of || late.version != *id);
        if let Some(watch) = all.watches.get_mut(&of) {
            watch.arms.retain(|arm| arm.version != *id);
            if let Some(told) = &mut watch.told {
                told.retain(|own| own.version != *id);
            }
        }
    }

    /// Forgets every version that a kill switch of this scope covered.
    pub fn forget_under(&self, merchant: &MerchantId, scope: &Scope) {
        let mut all = self.lock();
        all.late.retain(|late| late.of.0 != *merchant || !scope.covers(late.of.1, &late.version));
        for ((_, kind), watch) in all.watches.iter_mut().filter(|((of, _), _)| of == merchant) {
            watch.arms.retain(|arm| !scope.covers(*kind, &arm.version));
            if let Some(told) = &mut watch.told {
                told.retain(|own| !scope.covers(*kind, &own.version));
            }
        }
    }

    /// What was found is found again, if it is still so: something changed that bears on what is done about it.
    pub fn look_again(&self, merchant: &MerchantId, kinds: &[Kind]) {
        let mut all = self.lock();
        for kind in kinds {
            let watch = all.watches.get_mut(&(merchant.clone(), *kind));
            watch.into_iter().flat_map(|watch| &mut watch.arms).for_each(|arm| arm.found = false);
        }
    }
}

/// Takes a sample in; the place of its arm.
fn take(arms: &mut Vec<Arm>, rollouts: &Rollouts, kind: Kind, own: &Told) -> Option<usize> {
    let at = arm(arms, rollouts, kind, own)?;
    arms.get_mut(at)?.watched.add(own.sample);
    Some(at)
}

/// The place of a version's arm, which is the last one now.
fn arm(arms: &mut Vec<Arm>, rollouts: &Rollouts, kind: Kind, own: &Told) -> Option<usize> {
    let known = arms.iter().position(|arm| arm.version == own.version && arm.in_shadow == own.in_shadow);
    let arm = match known {
        Some(at) => arms.remove(at),
        None => {
            if arms.len() >= ARMS_MAX {
                let plan = rollouts.plan(kind);
                let has_place =
                    |arm: &Arm| plan.is_some_and(|plan| plan.in_place().chain(plan.before(&rollouts.stops)).any(|id| *id == arm.version));
                let last = arms.iter().position(|arm| !has_place(arm)).unwrap_or(0);
                arms.remove(last);
            }
            Arm { version: own.version.clone(), in_shadow: own.in_shadow, watched: Watched::default(), found: false }
        }
    };
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
