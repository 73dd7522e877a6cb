//! What the protection finds, and that it finds nothing where there is nothing.

use proptest::prelude::*;

use super::*;
use crate::caps::{CapLimits, CapUsage, Demand};

const GOOD: Sample = Sample { fault: None, is_first: true, approved: true, money: 3_000 };
const REFUSED: Sample = Sample { fault: None, is_first: true, approved: false, money: 0 };

fn fault(code: FaultCode) -> Sample {
    Sample { fault: Some(code), ..REFUSED }
}

fn watched(samples: &[(u32, Sample)]) -> Watched {
    let mut watched = Watched::default();
    for (times, sample) in samples {
        (0..*times).for_each(|_| watched.add(*sample));
    }
    watched
}

#[test]
fn what_is_harmful_is_found_at_its_limit_and_not_below() {
    let limits = Protection::default();
    let trap = fault(FaultCode::Trap);
    let past = watched(&[(60, GOOD), (40, REFUSED)]);
    let cases: &[(&str, Watched, Option<&Watched>, bool)] = &[
        ("a streak", watched(&[(5, GOOD), (10, trap)]), None, true),
        ("one less", watched(&[(5, GOOD), (9, trap)]), None, false),
        ("a streak that ended", watched(&[(9, trap), (1, GOOD), (9, trap)]), None, false),
        ("a fifth of the sample", watched(&[(40, GOOD), (9, trap), (1, GOOD), (1, trap), (1, GOOD)]), None, false),
        ("a fifth and more", watched(&[(40, GOOD), (9, trap), (1, GOOD), (2, trap), (1, GOOD)]), None, true),
        ("a fifth of too few", watched(&[(30, GOOD), (9, trap), (1, GOOD)]), None, false),
        ("late ten times", watched(&[(30, GOOD), (10, fault(FaultCode::Deadline))]), None, true),
        ("late nine times", watched(&[(30, GOOD), (9, fault(FaultCode::Deadline))]), None, false),
        ("the host's own", watched(&[(50, fault(FaultCode::Host)), (50, fault(FaultCode::NotLoaded))]), None, false),
        ("approves everything", watched(&[(60, GOOD)]), Some(&past), true),
        ("approves nothing", watched(&[(60, REFUSED)]), Some(&past), true),
        ("approves a little more", watched(&[(48, GOOD), (12, REFUSED)]), Some(&past), false),
        ("too few to say", watched(&[(49, REFUSED)]), Some(&past), false),
        ("dear", watched(&[(36, Sample { money: 20_000, ..GOOD }), (24, REFUSED)]), Some(&past), true),
        ("twice as dear", watched(&[(36, Sample { money: 6_000, ..GOOD }), (24, REFUSED)]), Some(&past), false),
        ("cheap", watched(&[(36, Sample { money: 100, ..GOOD }), (24, REFUSED)]), Some(&past), false),
    ];
    for (name, own, other, harmful) in cases {
        let found = own.judge(*other, &limits);
        assert_eq!(found.is_some(), *harmful, "{name}: {found:?}");
    }
    // What another version did at another time excuses nothing.
    let late = watched(&[(30, GOOD), (30, fault(FaultCode::Deadline))]);
    assert_eq!(late.judge(Some(&late.clone()), &limits), Some(Finding::DeadlineHits { hits: 30, decisions: 60 }));
}

#[test]
fn only_answers_of_the_version_are_compared() {
    let limits = Protection { fault_share_bp: 10_000, error_streak: 1_000, deadline_hits: 1_000, ..Protection::default() };
    let past = watched(&[(100, GOOD)]);
    // While the machine was ill nothing was answered, and nothing approved: most of the decisions, or all but one.
    for code in [FaultCode::Host, FaultCode::NotLoaded, FaultCode::Deadline, FaultCode::Trap] {
        for good in [60, 1] {
            assert_eq!(watched(&[(good, GOOD), (100, fault(code))]).judge(Some(&past), &limits), None, "{code}, {good}");
        }
        // As a yardstick it is none either.
        let ill = watched(&[(100, GOOD), (200, fault(code))]);
        assert_eq!(watched(&[(100, GOOD)]).judge(Some(&ill), &limits), None, "{code}");
    }
    // The guardrail's fault is not the version's, and what stands then is no answer of it.
    let told = |body: serde_json::Value| {
        let recorded: Recorded = serde_json::from_value(body).unwrap();
        recorded.heard(true)[0].as_ref().unwrap().sample
    };
    let policy = serde_json::json!({"name": "delay", "version": "1.0.0", "component": "0", "settings": "0"});
    let (due, amounts) = (crate::money::Due::Proposal, crate::money::Amounts::default());
    let demand = Demand { due, amounts, balance: None, currency: "CNY".into(), already_paid: false, restated: 0 };
    let caps = crate::caps::check(&demand, &CapUsage::default(), &CapLimits::default());
    let body = |fault: serde_json::Value| serde_json::json!({"disposition": "human-review", "due": due, "amounts": amounts, "policy": policy, "caps": caps, "fault": fault});
    let (deadline, guardrail, none) = (
        told(body(serde_json::json!({"code": "deadline", "of": "policy", "detail": "300 ms"}))),
        told(body(serde_json::json!({"code": "trap", "of": "guardrail", "detail": "unreachable"}))),
        told(body(serde_json::Value::Null)),
    );
    assert_eq!((deadline.fault, deadline.is_first), (Some(FaultCode::Deadline), false));
    assert_eq!((guardrail.fault, guardrail.is_first), (None, false));
    assert_eq!((none.fault, none.is_first), (None, true));
}

#[test]
fn what_the_machine_failed_to_ask_neither_counts_nor_ends_a_row_of_faults() {
    let limits = Protection::default();
    let trap = fault(FaultCode::Trap);
    let ill = [(9, trap), (20, fault(FaultCode::NotLoaded)), (5, fault(FaultCode::Deadline))];
    assert_eq!(watched(&ill).judge(None, &limits), None);
    let mut one_more = watched(&ill);
    one_more.add(trap);
    assert_eq!(one_more.judge(None, &limits), Some(Finding::ErrorStreak { faults: 10 }));
    // Nine faults of forty-nine that it was asked; the others nobody asked.
    let few = watched(&[(36, GOOD), (9, trap), (4, GOOD), (20, fault(FaultCode::Host))]);
    assert_eq!((few.decisions(), few.judge(None, &limits)), (49, None));
}

#[test]
fn what_is_long_past_is_forgotten() {
    let mut own = watched(&[(40, fault(FaultCode::Trap))]);
    for _ in 0..u32::try_from(PARTS).unwrap() * PART {
        own.add(GOOD);
    }
    assert_eq!(own.judge(None, &Protection::default()), None);
    assert!(own.decisions() <= u32::try_from(PARTS).unwrap() * PART);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Two versions that decide alike are never told apart, whatever comes first.
    #[test]
    fn versions_that_decide_alike_are_left_alone(
        seed in proptest::collection::vec((0..10_u8, 0..50_000_i64), 400), approves in 0..=10_u8,
    ) {
        let mut arms = [Watched::default(), Watched::default()];
        for (at, (draw, money)) in seed.iter().enumerate() {
            let approved = *draw < approves;
            arms[at % 2].add(Sample { fault: None, is_first: true, approved, money: if approved { *money } else { 0 } });
            let [own, other] = &arms;
            let found = own.judge(Some(other), &Protection::default());
            prop_assert!(found.is_none(), "{found:?} after {at}");
        }
    }

    #[test]
    fn nothing_that_is_fed_in_panics(samples in proptest::collection::vec((0..20_usize, any::<bool>(), any::<i64>()), 0..600)) {
        let mut own = Watched::default();
        for (code, approved, money) in samples {
            own.add(Sample { fault: FaultCode::ALL.get(code).copied(), is_first: code % 2 == 0, approved, money });
            _ = own.judge(Some(&own.clone()), &Protection::default());
        }
    }
}

#[test]
fn a_merchant_is_as_lenient_as_the_operator_lets_it_be() {
    let most = ProtectionMost { always_on: true, error_streak: Some(5), fault_share_bp: Some(3_000), ..ProtectionMost::default() };
    let asked = |error_streak, on| Protection { error_streak, on, ..Protection::default() };
    let pointers = |own: &Protection| most.refuse(own).into_iter().map(|problem| problem.pointer).collect::<Vec<_>>();
    assert_eq!(pointers(&asked(5, true)), [""; 0]);
    assert_eq!(pointers(&asked(6, true)), ["/protection/error_streak"]);
    assert_eq!(pointers(&asked(5, false)), ["/protection/on"]);
    // Who asks for nothing has what is in force.
    assert_eq!(pointers(&Protection::default()), [""; 0]);
    let now = most.in_force(&Protection::default());
    assert_eq!((now.on, now.error_streak, now.fault_share_bp, now.sample_min), (true, 5, 2_000, 50));
    assert_eq!(most.in_force(&asked(900, false)), asked(5, true), "and so has who asked before");
    assert_eq!(ProtectionMost::default().in_force(&asked(900, false)), asked(900, false));
    assert_eq!(serde_json::to_string(&ProtectionMost::default()).unwrap(), "{}");
}
