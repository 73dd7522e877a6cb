//! Plans of rollouts, moved once more as the acts say, with the functions that moved them.

use ombud_core::kind::Kind;
use ombud_core::rollout::{Hand, Plan, Proposal, Refused, Rollouts, Scope, VersionId, Window, local_ms, parse_local};
use ombud_ledger::Digest;
use serde_json::Value;

use crate::service::actor::Role;
use crate::service::acts::{ActBody, RolloutAct};
use crate::service::rollout::{Measure, WINDOW_KEPT_MS};

/// How much later than the plan an act of an earlier release may be, in milliseconds.
const LATER_MS: u64 = 60_000;
/// Where a plan says when something was done.
const TIMES: [&str; 3] = ["since_ms", "at_ms", "set_ms"];

/// The plans that the acts give.
#[derive(Default)]
pub(super) struct Moves {
    /// As they are after the acts so far.
    pub(super) rollouts: Rollouts,
    /// The first act that cannot be carried out on what the acts before it give: its place, and why.
    failed: Option<(u64, Refused)>,
    /// The digest of the document that the last act left which says it.
    document: Option<String>,
    /// Acts that found another document than the acts before had left.
    moved: Vec<u64>,
    /// Whether an act is of a release whose acts say nothing of that, and were timed a moment after what they did.
    is_old: bool,
}

impl Moves {
    /// Holds the document that a change found against the one that the acts before it left.
    pub(super) fn found(&mut self, act: &ActBody, seq: u64) {
        let Some(found) = &act.plans_before else { return };
        let is_known = match &self.document {
            Some(left) => found == left,
            // Nothing is said of it: there was none, or one without a plan, or a release moved it whose acts say nothing.
            None => {
                let empty = serde_json::to_string(&Rollouts::default()).unwrap_or_default();
                self.is_old || ["", &empty].iter().any(|text| *found == Digest::of(text.as_bytes()).to_string())
            }
        };
        if !is_known {
            self.moved.push(seq);
        }
    }

    /// The acts that found plans which somebody had moved by hand.
    pub(super) fn moved_by_hand(&self) -> impl Iterator<Item = (u64, String)> {
        self.moved.iter().map(|seq| (*seq, "the rollouts that it found are others than the acts before it had left".to_owned()))
    }

    /// Notes what an act that moves plans says of their document.
    pub(super) fn says(&mut self, act: &ActBody) {
        self.is_old |= act.plans.is_none();
        self.document.clone_from(&act.plans);
    }

    /// Whether this is the document that the acts left, byte for byte. Then it follows from them, however an earlier release moved plans.
    pub(super) fn left(&self, stored: Option<&str>) -> bool {
        let digest = stored.map(|text| Digest::of(text.as_bytes()).to_string());
        digest.is_some() && digest == self.document
    }

    /// Whether the last act that moved plans is of a release whose acts do not say what they left. Such a release moved windows, shadows
    /// and what was taken back in another way: of these nothing can be said.
    pub(super) const fn is_unsaid(&self) -> bool {
        self.is_old && self.document.is_none()
    }

    /// Binds a version to a kind, as a change of the merchant does.
    pub(super) fn bind(&mut self, kind: Kind, id: &VersionId, at_ms: i64) {
        plan(&mut self.rollouts, kind).activate(id, at_ms);
    }

    /// Carries out what an act says of rollouts.
    pub(super) fn act(&mut self, act: &ActBody, rollout: &RolloutAct, (seq, at_ms): (u64, i64), tz_offset_min: i32) {
        let moved = moved(&mut self.rollouts, act, rollout, at_ms, tz_offset_min);
        if let Err(refused) = moved {
            self.failed.get_or_insert((seq, refused));
        }
    }

    /// An act that does not follow from those before it, with its place.
    pub(super) fn broken(&self) -> Option<(u64, String)> {
        let (seq, why) = self.failed.as_ref()?;
        Some((*seq, format!("its act cannot be carried out on the rollouts that the acts before it give ({why}): an act is missing")))
    }

    /// What of the stored plans is another than the acts give.
    pub(super) fn differences(&self, stored: Option<&str>) -> Vec<String> {
        if self.left(stored) {
            return Vec::new();
        }
        let Some(text) = stored else {
            return if without_empty(&self.rollouts) == Rollouts::default() { Vec::new() } else { vec!["it is missing".to_owned()] };
        };
        let stored: Rollouts = match serde_json::from_str(text) {
            Ok(stored) => stored,
            Err(error) => return vec![format!("it cannot be read: {error}")],
        };
        let (is, gives) = (without_empty(&stored), without_empty(&self.rollouts));
        let mut differences = Vec::new();
        if self.is_unsaid() {
            differing("", &answering(&is), &answering(&gives), LATER_MS, &mut differences);
            return differences;
        }
        differing("", &json(&is), &json(&gives), if self.is_old { LATER_MS } else { 0 }, &mut differences);
        let is_other = self.document.is_some() || serde_json::to_string(&stored).is_ok_and(|own| own != text);
        if differences.is_empty() && is_other {
            differences.push("it is another document than the last act that moved plans left".to_owned());
        }
        differences
    }
}

fn moved(rollouts: &mut Rollouts, act: &ActBody, rollout: &RolloutAct, at_ms: i64, tz_offset_min: i32) -> Result<(), Refused> {
    let reason = act.reason.as_deref().unwrap_or_default();
    let hand = match act.role {
        Some(Role::Operator) => Hand::Operator,
        Some(_) => Hand::Merchant,
        None => Hand::Protection,
    };
    match rollout {
        RolloutAct::Planned { active } => {
            rollouts.plans.clear();
            for (kind, id) in active {
                plan(rollouts, *kind).activate(id, at_ms);
            }
        }
        RolloutAct::Activated { kind, version } => _ = plan(rollouts, *kind).activate(version, at_ms),
        RolloutAct::Canary { kind, version, share_bp } => _ = plan(rollouts, *kind).canary(version, *share_bp, at_ms)?,
        RolloutAct::Shadow { kind, version, on: true } => _ = plan(rollouts, *kind).shadow(version, at_ms)?,
        RolloutAct::Shadow { kind, version, on: false } => _ = plan(rollouts, *kind).end_shadow(version)?,
        // To what it went back the act says, whether somebody had named it or not.
        RolloutAct::RolledBack { kind, active, hand: own, .. } => {
            plan(rollouts, *kind).rollback(active.as_ref(), &[], own.unwrap_or(hand), reason, at_ms)?;
        }
        RolloutAct::Window { kind, version, from, to } => {
            let window = Window {
                version: version.clone(),
                from_local_ms: moment(from, tz_offset_min)?,
                to_local_ms: moment(to, tz_offset_min)?,
                set_ms: 0,
            };
            plan(rollouts, *kind).add_window(window, at_ms, local_ms(at_ms.saturating_sub(WINDOW_KEPT_MS), tz_offset_min))?;
        }
        RolloutAct::WindowRemoved { kind, version, from } => {
            let from = from.as_deref().map(|from| moment(from, tz_offset_min)).transpose()?;
            plan(rollouts, *kind).remove_window(version, from)?;
        }
        RolloutAct::Protected { kind, version, measure, active, .. } => match measure {
            Measure::RolledBack => _ = plan(rollouts, *kind).take_back(version, active.as_ref(), hand, reason, at_ms),
            Measure::Paused => {
                let scope = Scope::Version { policy: version.policy.clone(), version: version.version.clone() };
                rollouts.pause(scope, hand, reason, at_ms)?;
            }
            Measure::Announced => {}
        },
        RolloutAct::Proposed { proposal, kind, proposed } => {
            let (by, reason) = (act.actor.clone(), act.reason.clone());
            let takes = kind.map(|kind| rollouts.would_take(kind, proposed)).unwrap_or_default();
            // Releases whose acts say nothing of the plans that they found kept nothing of the hand either.
            let hand = act.plans_before.is_some().then_some(hand);
            rollouts.propose(Proposal { id: proposal.clone(), kind: *kind, step: proposed.clone(), takes, by, hand, reason, at_ms })?;
        }
        RolloutAct::Approved { proposal, .. } | RolloutAct::Withdrawn { proposal, .. } => rollouts.settle(proposal),
        RolloutAct::ApprovalsOff if act.plans_before.is_some() => rollouts.settle_approvals_off(),
        RolloutAct::ApprovalsOff => {}
        RolloutAct::Paused { scope } => _ = rollouts.pause(scope.clone(), hand, reason, at_ms)?,
        RolloutAct::Resumed { scope, hand: own } => _ = rollouts.resume(scope, own.unwrap_or(hand))?,
    }
    Ok(())
}

fn plan(rollouts: &mut Rollouts, kind: Kind) -> &mut Plan {
    rollouts.plans.entry(kind).or_default()
}

/// A moment of the merchant's clock, as an act has it.
fn moment(text: &str, tz_offset_min: i32) -> Result<i64, Refused> {
    parse_local(text, tz_offset_min, false).ok_or_else(|| Refused::NotThere(format!("`{text}` is no moment")))
}

/// A plan in which nothing was ever placed is none.
fn without_empty(rollouts: &Rollouts) -> Rollouts {
    let mut rollouts = rollouts.clone();
    rollouts.plans.retain(|_, plan| *plan != Plan::default());
    rollouts
}

/// What of the plans answers whom, and what is switched off: every release moved it in the same way.
fn answering(rollouts: &Rollouts) -> Value {
    let plans: std::collections::BTreeMap<_, _> =
        rollouts.plans.iter().map(|(kind, plan)| (kind, serde_json::json!({"active": plan.active, "canary": plan.canary}))).collect();
    serde_json::json!({"plans": plans, "stops": rollouts.stops})
}

fn json(rollouts: &Rollouts) -> Value {
    serde_json::to_value(rollouts).unwrap_or_default()
}

/// The places at which two documents differ, with both values.
fn differing(place: &str, is: &Value, gives: &Value, later_ms: u64, differences: &mut Vec<String>) {
    let is_time = TIMES.iter().any(|name| place.ends_with(name));
    match (is, gives) {
        (is, gives) if is == gives => {}
        (Value::Number(is), Value::Number(gives))
            if is_time && is.as_i64().zip(gives.as_i64()).is_some_and(|(is, gives)| is.abs_diff(gives) <= later_ms) => {}
        (Value::Object(is), Value::Object(gives)) => {
            let names: std::collections::BTreeSet<&String> = is.keys().chain(gives.keys()).collect();
            for name in names {
                let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                let [is, gives] = [is, gives].map(|own| own.get(name).unwrap_or(&Value::Null));
                differing(&place, is, gives, later_ms, differences);
            }
        }
        (Value::Array(is), Value::Array(gives)) if is.len() == gives.len() => {
            for (at, (is, gives)) in is.iter().zip(gives).enumerate() {
                differing(&format!("{place}[{at}]"), is, gives, later_ms, differences);
            }
        }
        (is, gives) => differences.push(format!("`{place}` is {}, and the acts give {}", shown(is), shown(gives))),
    }
}

fn shown(value: &Value) -> String {
    if value.is_null() { "nothing".to_owned() } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::acts::What;

    fn version(name: &str) -> VersionId {
        VersionId { policy: "p".into(), version: name.into() }
    }

    /// Takes an act at a moment; of this release it says what it leaves.
    fn act(moves: &mut Moves, rollout: RolloutAct, at_ms: i64, is_new: bool) {
        let mut left = Moves { rollouts: moves.rollouts.clone(), ..Moves::default() };
        let body = |plans| ActBody {
            what: What::Rollout(rollout.clone()),
            actor: "me".into(),
            role: Some(Role::MerchantAdmin),
            by_key: None,
            at: String::new(),
            reason: None,
            before: None,
            after: None,
            plans_before: None,
            plans,
        };
        left.act(&body(None), &rollout, (0, at_ms), 480);
        let document = serde_json::to_string(&left.rollouts).unwrap();
        let said = body(is_new.then(|| Digest::of(document.as_bytes()).to_string()));
        moves.says(&said);
        moves.act(&said, &rollout, (0, at_ms), 480);
    }

    fn window(moves: &mut Moves, is_new: bool) {
        let (from, to) = ("2027-11-11T00:00:00".to_owned(), "2027-11-12T00:00:00".to_owned());
        act(moves, RolloutAct::Window { kind: Kind::Delay, version: version("2"), from, to }, 9, is_new);
    }

    #[test]
    fn what_an_earlier_release_left_is_compared_in_what_answers() {
        let mut moves = Moves::default();
        act(&mut moves, RolloutAct::Activated { kind: Kind::Delay, version: version("1") }, 5, false);
        window(&mut moves, false);
        let mut stored = moves.rollouts.clone();
        let said = |moves: &Moves, stored: &Rollouts| moves.differences(Some(&serde_json::to_string(stored).unwrap()));
        stored.plans.get_mut(&Kind::Delay).unwrap().windows[0].set_ms = 0;
        // It was timed a moment later than it was done.
        stored.plans.get_mut(&Kind::Delay).unwrap().active.as_mut().unwrap().since_ms = 4;
        assert_eq!(said(&moves, &stored), [""; 0]);
        stored.plans.get_mut(&Kind::Delay).unwrap().active.as_mut().unwrap().version = version("3");
        assert_eq!(said(&moves, &stored), ["`plans.delay.active.version` is \"3\", and the acts give \"1\""]);
        // The next act says what it leaves, whatever it was before.
        stored.plans.get_mut(&Kind::Delay).unwrap().active.as_mut().unwrap().version = version("1");
        moves.rollouts = stored.clone();
        act(&mut moves, RolloutAct::Canary { kind: Kind::Delay, version: version("2"), share_bp: 7 }, 11, true);
        assert!(moves.left(Some(&serde_json::to_string(&moves.rollouts).unwrap())));
        let mut changed = moves.rollouts.clone();
        changed.plans.get_mut(&Kind::Delay).unwrap().windows.clear();
        assert_eq!(said(&moves, &changed).len(), 1, "{:?}", said(&moves, &changed));
    }

    #[test]
    fn what_an_act_found_is_held_against_what_was_left() {
        let digest = |rollouts: &Rollouts| Digest::of(serde_json::to_string(rollouts).unwrap().as_bytes()).to_string();
        let finds = |moves: &mut Moves, found: Option<String>| {
            let what = What::MerchantChanged { members: Vec::new() };
            let act = ActBody {
                what,
                actor: "me".into(),
                role: None,
                by_key: None,
                at: String::new(),
                reason: None,
                before: None,
                after: None,
                plans_before: found,
                plans: None,
            };
            moves.found(&act, 7);
            std::mem::take(&mut moves.moved)
        };
        let mut moves = Moves::default();
        let nothing = Digest::of(b"").to_string();
        let activate = |moves: &mut Moves, is_new| {
            act(moves, RolloutAct::Activated { kind: Kind::Delay, version: version("1") }, 5, is_new);
        };
        for fits in [nothing.clone(), digest(&Rollouts::default())] {
            assert_eq!(finds(&mut moves, Some(fits)), [0; 0]);
        }
        let nobodys = Rollouts { plans: [(Kind::Delay, Plan::default())].into(), ..Rollouts::default() };
        assert_eq!(finds(&mut moves, Some(digest(&nobodys))), [7]);
        activate(&mut moves, true);
        let left = digest(&moves.rollouts);
        assert_eq!(finds(&mut moves, Some(left.clone())), [0; 0]);
        assert_eq!(finds(&mut moves, Some(nothing.clone())), [7]);
        // Acts of an earlier release say nothing of what they found, or nothing at all.
        assert_eq!(finds(&mut moves, None), [0; 0]);
        let mut old = Moves::default();
        activate(&mut old, false);
        assert_eq!(finds(&mut old, Some(left)), [0; 0]);
        assert_eq!(finds(&mut old, Some(nothing)), [0; 0]);
    }

    #[test]
    fn an_act_that_does_not_follow_is_named() {
        let mut moves = Moves::default();
        act(&mut moves, RolloutAct::Canary { kind: Kind::Delay, version: version("2"), share_bp: 7 }, 1, true);
        assert!(moves.broken().unwrap().1.contains("an act is missing"));
        assert_eq!(moves.differences(None), [""; 0]);
        act(&mut moves, RolloutAct::Activated { kind: Kind::Delay, version: version("1") }, 5, true);
        assert_eq!(moves.differences(None), ["it is missing"]);
    }
}
