//! A proposal waits for so long, is carried out as it was meant, and lifts no switch that either person may not lift.

use super::super::tests::{KIND, id};
use super::*;

#[test]
fn a_proposal_that_was_overtaken_is_not_what_was_proposed() {
    let mut all = Rollouts::default();
    let plan = all.plans.entry(KIND).or_default();
    plan.activate(&id(0), 0);
    plan.activate(&id(1), 1);
    let step = all.said_plainly(KIND, Step::Rollback { to: None });
    assert_eq!(step, Step::Rollback { to: Some(id(0)) });
    let own = |all: &Rollouts, step: Step| Proposal {
        id: "p".into(),
        kind: Some(KIND),
        takes: all.would_take(KIND, &step),
        step,
        by: "li".into(),
        hand: Some(Hand::Merchant),
        reason: None,
        at_ms: 5,
    };
    let back = own(&all, step);
    assert_eq!((back.takes.clone(), back.overtaken(&all)), (vec![id(1)], None));
    let next = own(&all, Step::Activate { version: id(2) });
    assert_eq!(next.overtaken(&all), None);
    // Another one became active meanwhile; and the version of the other proposal was taken back.
    let plan = all.plans.get_mut(&KIND).unwrap();
    plan.activate(&id(2), 6);
    assert!(back.overtaken(&all).unwrap().contains("would take back `p2 1.2.0+00000000` now"));
    assert_eq!(next.overtaken(&all), None, "done already is not overtaken");
    all.plans.get_mut(&KIND).unwrap().rollback(None, &[], Hand::Protection, "faults", 7).unwrap();
    assert!(next.overtaken(&all).unwrap().contains("was taken back since (faults)"));
    // With a canary the rollback is the canary's alone.
    let plan = all.plans.get_mut(&KIND).unwrap();
    plan.canary(&id(3), 500, 8).unwrap();
    let canarys = own(&all, all.said_plainly(KIND, Step::Rollback { to: None }));
    assert_eq!((canarys.step, canarys.takes), (Step::Rollback { to: Some(id(1)) }, vec![id(3)]));
    // To one that had been taken back before it was proposed.
    let far = Proposal { at_ms: 9, ..own(&all, Step::Rollback { to: Some(id(2)) }) };
    assert_eq!(far.overtaken(&all), None);
    all.plans.get_mut(&KIND).unwrap().activate(&id(4), 10);
    assert!(far.overtaken(&all).unwrap().contains("would take back"));
    // What was paused again since is not what was to be resumed.
    all.pause(Scope::Kind { kind: KIND }, Hand::Merchant, "look", 11).unwrap();
    let resume = Proposal { kind: None, at_ms: 12, ..own(&all, Step::Resume { scope: Scope::Kind { kind: KIND } }) };
    assert_eq!(resume.overtaken(&all), None);
    all.resume(&Scope::Kind { kind: KIND }, Hand::Merchant).unwrap();
    all.pause(Scope::Kind { kind: KIND }, Hand::Protection, "faults", 13).unwrap();
    assert!(resume.overtaken(&all).unwrap().contains("paused since (faults)"));
}

#[test]
fn a_window_that_was_set_since_is_not_removed_by_an_older_word() {
    let mut all = Rollouts::default();
    let window = |from, to| Window { version: id(1), from_local_ms: from, to_local_ms: to, set_ms: 0 };
    let add = |all: &mut Rollouts, from, to, at_ms| {
        all.plans.entry(KIND).or_default().add_window(window(from, to), at_ms, 0).unwrap();
    };
    assert_eq!(all.latest_ms(), None);
    add(&mut all, 10, 20, 4);
    assert_eq!(all.latest_ms(), Some(4));
    let own = |from_local_ms| Proposal {
        id: "p".into(),
        kind: Some(KIND),
        takes: Vec::new(),
        step: Step::RemoveWindow { version: id(1), from_local_ms },
        by: "li".into(),
        hand: None,
        reason: None,
        at_ms: 5,
    };
    let (every, one) = (own(None), own(Some(10)));
    assert_eq!([every.overtaken(&all), one.overtaken(&all)], [None, None]);
    assert_eq!(all.propose(every.clone()), Ok(Changed::Yes));
    assert_eq!(all.propose(Proposal { id: "q".into(), at_ms: 6, ..every.clone() }), Ok(Changed::No));
    add(&mut all, 30, 40, 5);
    assert_eq!(all.propose(Proposal { id: "q".into(), at_ms: 6, ..every.clone() }), Ok(Changed::Yes), "the first one was overtaken");
    assert_eq!((all.proposal("p", 6), all.proposal("q", 6).is_ok()), (Err(Waited::NotThere), true));
    assert!(every.overtaken(&all).unwrap().contains("was set since"));
    assert_eq!(one.overtaken(&all), None, "the other one is not meant");
    // Of those that were there some are gone: the rest is what was meant.
    all.plans.get_mut(&KIND).unwrap().remove_window(&id(1), Some(30)).unwrap();
    assert_eq!(every.overtaken(&all), None);
    all.plans.get_mut(&KIND).unwrap().remove_window(&id(1), Some(10)).unwrap();
    add(&mut all, 10, 90, 6);
    assert!(one.overtaken(&all).unwrap().contains("1970-01-01T00:00:00"), "another one that begins then");
}

#[test]
fn who_approves_may_lift_what_who_proposed_lifts() {
    let mut all = Rollouts::default();
    let scope = Scope::Kind { kind: KIND };
    let [merchant, operator] = [Hand::Merchant, Hand::Operator];
    let none = |all: &Rollouts, hands| all.lifted_by_other(&scope, hands).is_none();
    all.pause(scope.clone(), Hand::Protection, "faults", 1).unwrap();
    assert!(none(&all, (operator, merchant)) && none(&all, (merchant, operator)), "either resumes what the protection paused");
    all.pause(scope.clone(), operator, "audit", 2).unwrap();
    assert_eq!(all.latest_ms(), Some(2));
    assert!(none(&all, (operator, merchant)), "it is not the merchant's to lift");
    assert_eq!(all.lifted_by_other(&scope, (merchant, operator)).unwrap().reason, "audit");
    assert!(none(&all, (operator, operator)) && none(&all, (merchant, merchant)));
}

#[test]
fn proposals_wait_seven_days_and_no_longer() {
    let (mut all, version) = (Rollouts::default(), id(1));
    let proposal = |id: &str, by: &str, at_ms| Proposal {
        id: id.to_owned(),
        kind: Some(KIND),
        step: Step::Activate { version: version.clone() },
        takes: Vec::new(),
        by: by.to_owned(),
        hand: None,
        reason: None,
        at_ms,
    };
    assert_eq!(all.propose(proposal("a", "li", 0)), Ok(Changed::Yes));
    assert_eq!(all.propose(proposal("b", "li", 1)), Ok(Changed::No), "the same again");
    assert_eq!(all.propose(proposal("c", "wang", 1)), Ok(Changed::Yes));
    assert!(all.proposal("a", PROPOSAL_MS - 1).is_ok());
    assert_eq!(all.proposal("a", PROPOSAL_MS), Err(Waited::TooLong(PROPOSAL_MS)));
    let back: Rollouts = serde_json::from_str(&serde_json::to_string(&all).unwrap()).unwrap();
    assert_eq!(back, all);
    all.propose(proposal("d", "zhao", PROPOSAL_MS)).unwrap();
    assert_eq!(all.proposals.iter().map(|own| own.id.as_str()).collect::<Vec<_>>(), ["c", "d"]);
    all.settle("c");
    assert_eq!(all.proposal("c", 2), Err(Waited::NotThere));
    for n in all.proposals.len()..PROPOSALS_MAX {
        all.propose(proposal(&n.to_string(), &n.to_string(), PROPOSAL_MS)).unwrap();
    }
    assert!(matches!(all.propose(proposal("x", "x", PROPOSAL_MS)), Err(Refused::Conflict(_))));
}
