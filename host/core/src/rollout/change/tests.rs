//! Kill switches: whose they are, and how many there may be.

use super::*;
use crate::kind::Kind;

#[test]
fn each_hand_lifts_its_own_switch() {
    let mut all = Rollouts::default();
    let scope = Scope::Merchant;
    all.pause(scope.clone(), Hand::Operator, "stop", 0).unwrap();
    assert_eq!(all.pause(scope.clone(), Hand::Operator, "stop", 1), Ok(Changed::No));
    assert!(matches!(all.resume(&scope, Hand::Merchant), Err(Refused::Conflict(_))));
    all.pause(scope.clone(), Hand::Merchant, "stop", 0).unwrap();
    all.resume(&scope, Hand::Merchant).unwrap();
    assert_eq!(all.stops.len(), 1, "the operator's stands");
    all.resume(&scope, Hand::Operator).unwrap();
    assert!(matches!(all.resume(&scope, Hand::Operator), Err(Refused::NotThere(_))));
    all.pause(Scope::Kind { kind: Kind::Delay }, Hand::Protection, "faults", 0).unwrap();
    all.resume(&Scope::Kind { kind: Kind::Delay }, Hand::Merchant).unwrap();
}

/// A kill switch that is refused is none: only what one hand has thrown of policies and versions is counted, and only against it.
#[test]
fn no_hand_takes_anothers_switch_away() {
    let policy = |n: usize| Scope::Policy { policy: format!("p{n}") };
    let version = |n: usize| Scope::Version { policy: "p".into(), version: n.to_string() };
    let mut all = Rollouts::default();
    let mut full = Vec::new();
    for hand in [Hand::Merchant, Hand::Operator, Hand::Protection] {
        let mut pause = |scope: Scope| all.pause(scope, hand, "stop", 0);
        for n in 0..STOPS_MAX {
            let scope = if n % 2 == 0 { policy(n) } else { version(n) };
            assert_eq!(pause(scope), Ok(Changed::Yes), "{hand:?} {n}");
        }
        assert_eq!(pause(policy(0)), Ok(Changed::No), "what is stopped is no more");
        full.push([policy(STOPS_MAX), version(STOPS_MAX)].map(|scope| pause(scope).is_err()));
        for scope in Kind::ALL.map(|kind| Scope::Kind { kind }).into_iter().chain([Scope::Merchant]) {
            assert_eq!(pause(scope.clone()), Ok(Changed::Yes), "{hand:?} {scope}");
        }
    }
    assert_eq!(full, [[true; 2], [true; 2], [false; 2]], "the protection always has room");
    all.resume(&policy(0), Hand::Operator).unwrap();
    assert_eq!(all.pause(policy(STOPS_MAX), Hand::Operator, "stop", 1), Ok(Changed::Yes));
    let refused = all.pause(version(STOPS_MAX), Hand::Operator, "stop", 1).unwrap_err();
    assert!(refused.to_string().contains("by the same hand: resume one first"), "{refused}");
}
