//! Plans keep their invariants under any sequence of moves; selection is total, sticky and says what it did.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::kind::Kind;

pub(super) const KIND: Kind = Kind::Delay;
/// 2026-11-11 00:00 in China, as its clocks show it.
const SINGLES_DAY: i64 = 1_794_355_200_000;
const HOUR: i64 = 3_600_000;

pub(super) fn id(n: u8) -> VersionId {
    VersionId { policy: format!("p{}", n % 3), version: format!("1.{n}.0+00000000") }
}

fn window(n: u8, from: i64, to: i64) -> Window {
    Window { version: id(n), from_local_ms: from, to_local_ms: to, set_ms: 0 }
}

fn rollouts(plan: Plan) -> Rollouts {
    Rollouts { plans: [(KIND, plan)].into(), ..Rollouts::default() }
}

/// A version that ran, and by what right.
type Ran = (Stage, VersionId);

/// Who answers at a time, for a customer of a bucket.
fn answers(of: &Rollouts, now: i64, bucket: u16, opened: Option<&Opened>) -> (Result<Ran, Halt>, Option<Ran>) {
    let selected = of.select(&Asked { kind: KIND, now, tz_offset_min: 480, bucket: &|_| bucket, opened });
    (selected.answers.map(|(stage, id)| (stage, id.clone())), selected.beside.map(|(stage, id)| (stage, id.clone())))
}

#[derive(Clone, Debug)]
enum Move {
    Activate(u8),
    Canary(u8, u16),
    Shadow(u8),
    EndShadow(u8),
    Rollback(Option<u8>),
    TakeBack(u8),
    Window(u8, i64, i64),
    RemoveWindow(u8),
    Pause(u8, bool),
    Resume(u8, bool),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let version = 0..6_u8;
    let one = prop_oneof![
        version.clone().prop_map(Move::Activate),
        (version.clone(), 0..=SHARE_ALL).prop_map(|(id, share)| Move::Canary(id, share)),
        version.clone().prop_map(Move::Shadow),
        version.clone().prop_map(Move::EndShadow),
        proptest::option::of(version.clone()).prop_map(Move::Rollback),
        version.clone().prop_map(Move::TakeBack),
        (version.clone(), 0..50_i64, 0..60_i64).prop_map(|(id, from, to)| Move::Window(id, from * HOUR, to * HOUR)),
        version.clone().prop_map(Move::RemoveWindow),
        (version.clone(), any::<bool>()).prop_map(|(id, operator)| Move::Pause(id, operator)),
        (version, any::<bool>()).prop_map(|(id, operator)| Move::Resume(id, operator)),
    ];
    vec(one, 0..40)
}

fn scope(n: u8) -> Scope {
    match n {
        0 => Scope::Merchant,
        1 => Scope::Kind { kind: KIND },
        2 => Scope::Policy { policy: id(n).policy },
        n => Scope::Version { policy: id(n).policy, version: id(n).version },
    }
}

fn make(of: &mut Rollouts, one: &Move, at_ms: i64) {
    let hand = |operator: &bool| if *operator { Hand::Operator } else { Hand::Merchant };
    let plan = of.plans.entry(KIND).or_default();
    match one {
        Move::Activate(n) => _ = plan.activate(&id(*n), at_ms),
        Move::Canary(n, share) => _ = plan.canary(&id(*n), *share, at_ms),
        Move::Shadow(n) => _ = plan.shadow(&id(*n), at_ms),
        Move::EndShadow(n) => _ = plan.end_shadow(&id(*n)),
        Move::Rollback(to) => _ = plan.rollback(to.map(id).as_ref(), &of.stops, Hand::Merchant, "bad", at_ms),
        Move::TakeBack(n) => {
            let instead = plan.before(&of.stops).cloned();
            plan.take_back(&id(*n), instead.as_ref(), Hand::Protection, "faults", at_ms);
        }
        Move::Window(n, from, to) => {
            _ = plan.add_window(window(*n, *from, *to), at_ms, i64::MIN);
        }
        Move::RemoveWindow(n) => _ = plan.remove_window(&id(*n), None),
        Move::Pause(n, operator) => _ = of.pause(scope(*n), hand(operator), "stop", at_ms),
        Move::Resume(n, operator) => _ = of.resume(&scope(*n), hand(operator)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_is_done_the_plan_is_sound_and_what_is_out_does_not_run(
        moves in moves(), now in 0..60_i64, bucket in 0..BUCKETS, opened in proptest::option::of((0..6_u8, 0..60_i64)),
    ) {
        let mut all = Rollouts::default();
        for (at, one) in (0..).zip(&moves) {
            make(&mut all, one, at);
            let plan = &all.plans[&KIND];
            let active = plan.active.as_ref().map(|active| &active.version);
            let canary = plan.canary.as_ref().map(|canary| &canary.version);
            prop_assert!(active.is_none() || active != canary);
            prop_assert!(plan.shadows.len() <= SHADOWS_MAX);
            prop_assert!(plan.shadows.iter().all(|shadow| Some(&shadow.version) != active && Some(&shadow.version) != canary));
            for pair in plan.windows.windows(2) {
                prop_assert!(pair[0].from_local_ms < pair[0].to_local_ms && pair[0].to_local_ms <= pair[1].from_local_ms);
            }
            prop_assert!(active.is_none_or(|active| !plan.earlier.contains(active) && !plan.is_taken(active)));
            prop_assert!(plan.earlier.iter().all(|earlier| !plan.is_taken(earlier)));
            prop_assert!(canary.is_none_or(|canary| !plan.is_taken(canary)));
            prop_assert!(plan.windows.iter().all(|window| !plan.is_taken(&window.version)));
            // The document is what is kept.
            let back: Rollouts = serde_json::from_str(&serde_json::to_string(&all).unwrap()).unwrap();
            prop_assert_eq!(&back, &all);
        }
        let opened = opened.map(|(n, at)| Opened { version: id(n), at_ms: at });
        let asked = Asked { kind: KIND, now: now * HOUR, tz_offset_min: 0, bucket: &|_| bucket, opened: opened.as_ref() };
        let selected = all.select(&asked);
        let runs = selected.answers.iter().map(|(_, id)| *id).chain(selected.beside.map(|(_, id)| id)).chain(selected.shadows.iter().copied());
        let mut seen = Vec::new();
        for own in runs {
            prop_assert!(!seen.contains(&own), "{own} runs twice");
            prop_assert!(all.stop_of(KIND, own).is_none(), "{own} is paused");
            prop_assert!(selected.shadows.contains(&own) || !all.plans[&KIND].is_taken(own), "{own} was taken back");
            seen.push(own);
        }
        // A second one runs only beside the version of the first decision.
        prop_assert!(selected.beside.is_none() || matches!(selected.answers, Ok((Stage::Opened, _))));
    }

    #[test]
    fn a_growing_share_keeps_those_who_were_in(digest in any::<[u8; 32]>(), less in 0..=SHARE_ALL, more in 0..=SHARE_ALL) {
        let (less, more) = (less.min(more), less.max(more));
        let mut plan = Plan::default();
        plan.activate(&id(0), 0);
        let part = bucket(&digest);
        prop_assert!(part < BUCKETS);
        plan.canary(&id(1), less, 1).unwrap();
        let before = answers(&rollouts(plan.clone()), 0, part, None).0.unwrap();
        plan.canary(&id(1), more, 2).unwrap();
        let after = answers(&rollouts(plan), 0, part, None).0.unwrap();
        prop_assert!(before.0 != Stage::Canary || after.0 == Stage::Canary);
    }

    #[test]
    fn the_share_of_a_canary_is_what_was_asked_for(share in 0..=SHARE_ALL) {
        use sha2::Digest as _;
        let inside = (0..4_000_u32).filter(|n| bucket(&sha2::Sha256::digest(n.to_be_bytes()).into()) < share).count();
        let expected = 4_000.0 * f64::from(share) / f64::from(SHARE_ALL);
        prop_assert!((inside as f64 - expected).abs() < 160.0, "{inside} instead of {expected}");
    }
}

#[test]
fn nobody_is_in_a_canary_of_nothing_and_everybody_in_one_of_all() {
    let mut plan = Plan::default();
    plan.activate(&id(0), 0);
    plan.canary(&id(1), 0, 1).unwrap();
    for part in [0, 1, BUCKETS - 1] {
        assert_eq!(answers(&rollouts(plan.clone()), 0, part, None).0, Ok((Stage::Active, id(0))));
    }
    plan.canary(&id(1), SHARE_ALL, 1).unwrap();
    for part in [0, 1, BUCKETS - 1] {
        assert_eq!(answers(&rollouts(plan.clone()), 0, part, None).0, Ok((Stage::Canary, id(1))));
    }
    assert!(matches!(plan.canary(&id(1), SHARE_ALL + 1, 1), Err(Refused::Invalid("/share_bp", _))));
    assert_eq!(plan.canary(&id(1), SHARE_ALL, 2), Ok(Changed::No), "the same again");
}

#[test]
fn a_case_keeps_its_version_and_a_newer_one_runs_beside() {
    let mut plan = Plan::default();
    plan.activate(&id(0), 0);
    let opened = Opened { version: id(0), at_ms: 10 };
    assert_eq!(answers(&rollouts(plan.clone()), 0, 0, Some(&opened)), (Ok((Stage::Active, id(0))), None));
    plan.activate(&id(1), 20);
    assert_eq!(answers(&rollouts(plan.clone()), 0, 0, Some(&opened)), (Ok((Stage::Opened, id(0))), Some((Stage::Active, id(1)))));
    // One that was in force when the case was opened is not newer: the case was another's, of a canary or a window.
    let canarys = Opened { version: id(2), at_ms: 30 };
    assert_eq!(answers(&rollouts(plan.clone()), 0, 0, Some(&canarys)), (Ok((Stage::Opened, id(2))), None));
    // Taken back, it runs for nobody; what answers new cases does.
    plan.rollback(None, &[], Hand::Merchant, "bad", 40).unwrap();
    let under_bad = Opened { version: id(1), at_ms: 30 };
    assert_eq!(answers(&rollouts(plan.clone()), 0, 0, Some(&under_bad)), (Ok((Stage::Active, id(0))), None));
    // Paused, the same; with nothing left the fallback stands.
    let mut all = rollouts(plan);
    all.pause(Scope::Policy { policy: id(0).policy }, Hand::Merchant, "stop", 50).unwrap();
    let (halted, beside) = answers(&all, 0, 0, Some(&opened));
    assert_eq!((halted, beside), (Err(Halt::Paused("the policy `p0` is paused".into())), None));
    let other = Opened { version: id(2), at_ms: 30 };
    assert_eq!(answers(&all, 0, 0, Some(&other)), (Ok((Stage::Opened, id(2))), None), "its own version is not paused");
    all.pause(Scope::Kind { kind: KIND }, Hand::Operator, "stop", 60).unwrap();
    assert_eq!(answers(&all, 0, 0, Some(&other)).0, Err(Halt::Paused("the kind delay is paused".into())));
}

#[test]
fn a_window_is_on_the_merchants_clock_and_holds_its_first_and_not_its_last_moment() {
    let day = |last| parse_local("2026-11-11", 480, last).unwrap();
    assert_eq!((day(false), day(true)), (SINGLES_DAY, SINGLES_DAY + 24 * HOUR));
    assert_eq!(parse_local("2026-11-11T08:00", 480, true), Some(SINGLES_DAY + 8 * HOUR));
    assert_eq!(parse_local("2026-11-11T08:00:00", -300, false), Some(SINGLES_DAY + 8 * HOUR));
    assert_eq!(parse_local("2026-11-11T00:00:00Z", 480, false), Some(SINGLES_DAY + 8 * HOUR));
    assert_eq!(parse_local("2026-11-11T00:00:00+09:00", 480, false), Some(SINGLES_DAY - HOUR));
    for bad in ["", "2026-13-01", "2026-02-29", "tomorrow", "2026-11-11 08:00", "1794355200000"] {
        assert_eq!(parse_local(bad, 480, false), None, "{bad}");
    }
    assert_eq!(local_text(SINGLES_DAY), "2026-11-11T00:00:00");

    let mut plan = Plan::default();
    plan.activate(&id(0), 0);
    plan.add_window(window(1, day(false), day(true)), 0, 0).unwrap();
    let all = rollouts(plan);
    let begins = SINGLES_DAY - 8 * HOUR;
    for (now, stage) in
        [(begins - 1, Stage::Active), (begins, Stage::Window), (begins + 24 * HOUR - 1, Stage::Window), (begins + 24 * HOUR, Stage::Active)]
    {
        assert_eq!(answers(&all, now, 0, None).0.unwrap().0, stage, "{now}");
    }
    // A case of the day keeps its version; one from before the day gets the better of both.
    let during = Opened { version: id(1), at_ms: begins };
    assert_eq!(answers(&all, begins + 48 * HOUR, 0, Some(&during)), (Ok((Stage::Opened, id(1))), None));
    let before = Opened { version: id(0), at_ms: begins - 1 };
    assert_eq!(answers(&all, begins, 0, Some(&before)), (Ok((Stage::Opened, id(0))), Some((Stage::Window, id(1)))));
}

#[test]
fn a_window_set_while_a_case_is_open_is_newer_than_it() {
    let mut plan = Plan::default();
    plan.activate(&id(0), 0);
    let begins = SINGLES_DAY - 8 * HOUR;
    // Set at noon for the whole day; the case is of eight in the morning.
    plan.add_window(window(1, SINGLES_DAY, SINGLES_DAY + 24 * HOUR), begins + 12 * HOUR, 0).unwrap();
    let all = rollouts(plan);
    let opened = |at_ms| Opened { version: id(0), at_ms };
    let beside = |at_ms| answers(&all, begins + 13 * HOUR, 0, Some(&opened(at_ms))).1;
    assert_eq!(beside(begins + 8 * HOUR), Some((Stage::Window, id(1))));
    assert_eq!(beside(begins + 12 * HOUR), None, "not newer than what was opened at the same moment");
}

#[test]
fn what_was_taken_back_runs_in_shadow_and_answers_nobody() {
    let mut plan = Plan::default();
    plan.activate(&id(0), 0);
    plan.canary(&id(1), SHARE_ALL, 1).unwrap();
    plan.add_window(window(1, 0, HOUR), 1, 0).unwrap();
    plan.rollback(None, &[], Hand::Merchant, "bad", 2).unwrap();
    assert_eq!(plan.windows, [], "its windows go with it");
    plan.add_window(window(2, 0, HOUR), 3, 0).unwrap();
    plan.shadow(&id(1), 4).unwrap();
    let opened = Opened { version: id(1), at_ms: 1 };
    let all = rollouts(plan);
    let asked = Asked { kind: KIND, now: SINGLES_DAY, tz_offset_min: 480, bucket: &|_| 0, opened: Some(&opened) };
    let selected = all.select(&asked);
    assert_eq!((selected.answers, selected.beside), (Ok((Stage::Active, &id(0))), None));
    assert_eq!(selected.shadows, [&id(1)]);
}

#[test]
fn windows_that_overlap_are_refused_and_those_that_touch_are_not() {
    let mut plan = Plan::default();
    plan.add_window(window(1, 10, 20), 1, 0).unwrap();
    for (from, to) in [(10, 20), (5, 11), (19, 25), (12, 13), (0, 100)] {
        let Err(Refused::Conflict(why)) = plan.add_window(window(2, from, to), 1, 0) else { panic!("{from} to {to}") };
        assert!(why.contains("overlaps the window of `p1 1.1.0+00000000`"), "{why}");
    }
    assert_eq!(plan.add_window(window(1, 10, 20), 1, 0), Ok(Changed::No), "the very same");
    plan.add_window(window(2, 20, 30), 1, 0).unwrap();
    plan.add_window(window(2, 0, 10), 1, 0).unwrap();
    assert!(matches!(plan.add_window(window(2, 40, 40), 1, 0), Err(Refused::Invalid("/to", _))));
    // Long past ones make room.
    plan.add_window(window(2, 50, 60), 1, 25).unwrap();
    assert_eq!(plan.windows.iter().map(|window| window.from_local_ms).collect::<Vec<_>>(), [20, 50]);
    plan.remove_window(&id(2), Some(50)).unwrap();
    assert!(matches!(plan.remove_window(&id(1), None), Err(Refused::NotThere(_))));
}

#[test]
fn a_rollback_takes_back_what_came_last_and_goes_to_any_earlier_version() {
    let mut plan = Plan::default();
    for n in 0..4 {
        plan.activate(&id(n), n.into());
    }
    assert_eq!(plan.earlier, [id(2), id(1), id(0)]);
    plan.canary(&id(5), 500, 5).unwrap();
    assert_eq!(plan.rollback(None, &[], Hand::Merchant, "canary", 6).unwrap().0, [id(5)]);
    assert_eq!(plan.active.as_ref().unwrap().version, id(3), "the others never noticed");
    assert_eq!(plan.rollback(Some(&id(0)), &[], Hand::Merchant, "far back", 7).unwrap().0, [id(3)]);
    assert_eq!(plan.active.as_ref().unwrap().version, id(0));
    assert_eq!(plan.rollback(Some(&id(0)), &[], Hand::Merchant, "again", 8).unwrap(), (vec![], Changed::No));
    // Never back to what was taken back, unless it is named.
    assert_eq!(plan.before(&[]), Some(&id(2)));
    plan.rollback(Some(&id(3)), &[], Hand::Merchant, "it was innocent", 9).unwrap();
    assert!(!plan.is_taken(&id(3)));
    let mut fresh = Plan::default();
    fresh.activate(&id(0), 0);
    assert!(matches!(fresh.rollback(None, &[], Hand::Merchant, "bad", 1), Err(Refused::Conflict(_))));
    assert_eq!(fresh.active.as_ref().unwrap().version, id(0), "nothing was changed");
    assert!(!fresh.take_back(&id(0), None, Hand::Protection, "bad", 1), "nothing is there to take its place");
}

#[test]
fn nobody_goes_back_to_what_is_paused() {
    let mut plan = Plan::default();
    // p0, p1, p2, and p0 again.
    for n in 0..4 {
        plan.activate(&id(n), n.into());
    }
    let mut all = rollouts(plan);
    all.pause(scope(2), Hand::Merchant, "a mistake in it", 5).unwrap();
    let back = |all: &Rollouts| all.plans[&KIND].before(&all.stops).cloned();
    assert_eq!(back(&all), Some(id(1)), "the policy of the one before is paused");
    all.pause(Scope::Version { policy: id(1).policy, version: id(1).version }, Hand::Operator, "no", 6).unwrap();
    assert_eq!(back(&all), Some(id(0)));
    // What answers whichever way it goes keeps nobody from going back.
    all.pause(scope(0), Hand::Merchant, "everything", 7).unwrap();
    all.pause(scope(1), Hand::Merchant, "the kind", 7).unwrap();
    assert_eq!(back(&all), Some(id(0)));
    let mut gone = all.clone();
    let plan = gone.plans.get_mut(&KIND).unwrap();
    assert_eq!(plan.rollback(None, &all.stops, Hand::Merchant, "bad", 8).unwrap().0, [id(3)]);
    assert_eq!(plan.active.as_ref().unwrap().version, id(0));
    // With all of them paused there is none, and a person is told so.
    all.pause(Scope::Policy { policy: id(0).policy }, Hand::Merchant, "all bad", 9).unwrap();
    assert_eq!(back(&all), None);
    let stops = all.stops.clone();
    let plan = all.plans.get_mut(&KIND).unwrap();
    let before = plan.clone();
    let Err(Refused::Conflict(why)) = plan.rollback(None, &stops, Hand::Merchant, "bad", 10) else { panic!("it went back") };
    assert!(why.contains("every earlier version is paused (the policy `p2`: a mistake in it): resume"), "{why}");
    assert!(!plan.take_back(&id(3), before.before(&stops), Hand::Protection, "bad", 10));
    assert_eq!(*plan, before);
}

#[test]
fn what_is_retired_and_does_harm_answers_its_open_cases_no_more() {
    let mut plan = Plan::default();
    (0..3).for_each(|n| _ = plan.activate(&id(n), n.into()));
    let opened = Opened { version: id(0), at_ms: 0 };
    assert_eq!(answers(&rollouts(plan.clone()), 0, 0, Some(&opened)).0, Ok((Stage::Opened, id(0))));
    assert!(plan.take_back(&id(0), None, Hand::Protection, "faults", 9));
    assert_eq!((plan.earlier.as_slice(), plan.taken.len()), ([id(1)].as_slice(), 1));
    assert_eq!(answers(&rollouts(plan.clone()), 0, 0, Some(&opened)), (Ok((Stage::Active, id(2))), None));
    // Also one that only ever had a share, or a window; once.
    assert!(plan.take_back(&id(5), None, Hand::Protection, "faults", 10));
    assert!(!plan.take_back(&id(5), None, Hand::Protection, "faults", 11));
    assert_eq!(plan.active.as_ref().unwrap().version, id(2));
}

#[test]
fn a_version_that_is_placed_anew_stands_otherwise() {
    let mut plan = Plan::default();
    let mut seen = Vec::new();
    let mut look = |plan: &Plan| {
        let now = plan.standing(&id(1));
        assert!(!seen.contains(&now), "{now:?}");
        seen.push(now);
    };
    look(&plan);
    plan.activate(&id(0), 0);
    plan.shadow(&id(1), 1).unwrap();
    look(&plan);
    plan.canary(&id(1), 100, 2).unwrap();
    look(&plan);
    plan.canary(&id(1), 200, 3).unwrap();
    look(&plan);
    plan.activate(&id(1), 4);
    look(&plan);
    plan.add_window(window(1, 0, 1), 5, 0).unwrap();
    look(&plan);
    plan.rollback(None, &[], Hand::Merchant, "bad", 6).unwrap();
    look(&plan);
    plan.activate(&id(1), 7);
    look(&plan);
    // What is done about others leaves it alone.
    let before = plan.standing(&id(1));
    plan.canary(&id(2), 100, 8).unwrap();
    plan.shadow(&id(3), 8).unwrap();
    assert_eq!(plan.standing(&id(1)), before);
}
