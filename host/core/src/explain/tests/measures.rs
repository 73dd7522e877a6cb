//! Of a measure the customer is told what stands: that it is in force, stays or ended, and never the opposite.

use ombud_rules::contract::blacklist::{BlacklistCase, Outcome, Stage, Step, Verdict};
use ombud_rules::contract::types::CustomerMeasure;

use super::*;

#[test]
fn what_is_told_of_measures_passes_the_reply_check() {
    for told in outcomes::of_measures() {
        for locale in Locale::ALL {
            let words = told.words(Kind::Blacklist, locale);
            assert!(told.concerns_customer(Kind::Blacklist) && findings(words, 0, 0).is_empty(), "{told:?}: {words}");
        }
    }
}

/// The request that a decision is on.
fn request(recorded: &mut RecordedDecision) -> &mut BlacklistCase {
    let Some(Case::Blacklist(request)) = &mut recorded.case else { panic!("no request") };
    request
}

/// What a customer reads of a decision on a request: its stage, which of supervisor and head approved or rejected, the measure in
/// force before, the outcome and the measure of the ruling.
fn on_request(stage: Stage, verdicts: &[Verdict], before: CustomerMeasure, outcome: Outcome, measure: CustomerMeasure) -> ForCustomer {
    let (_, mut recorded) = decided().into_iter().find(|(_, own)| own.request().is_some()).unwrap();
    let Ruling::Blacklist(ruling) = &mut recorded.decision.ruling else { panic!("a request has a ruling of its kind") };
    (ruling.outcome, ruling.measure) = (outcome, measure);
    recorded.decision.outcome = outcome.as_str().to_owned();
    (recorded.decision.fault, recorded.decision.kind) = (None, Kind::Blacklist);
    let request = request(&mut recorded);
    (request.stage, request.current_measure) = (stage, before);
    let step = |(stage, verdict): (&Stage, &Verdict)| Step {
        stage: *stage,
        actor_id: stage.as_str().to_owned(),
        role: Role::Supervisor,
        verdict: *verdict,
        at: 1_788_000_000_000,
        note: String::new(),
    };
    request.steps = [Stage::SupervisorReviewed, Stage::HeadReviewed].iter().zip(verdicts).map(step).collect();
    for_customer("d1", &recorded, Since::default(), WHEN, Locale::En)
}

#[test]
fn of_a_measure_the_customer_is_told_what_stands() {
    use CustomerMeasure as M;
    let (both, supervisor) = ([Verdict::Approve, Verdict::Approve], [Verdict::Approve]);
    let persons = "Decided by a supervisor and a head of department, one after the other.";
    for (stage, verdicts, before, outcome, measure, result, how) in [
        // Put in force by a supervisor, or by both.
        (
            Stage::SupervisorReviewed,
            &supervisor[..],
            M::None,
            Outcome::RecommendRestrict,
            M::ServiceRestricted,
            "Some services were restricted for you",
            "Decided by a supervisor.",
        ),
        (
            Stage::SupervisorReviewed,
            &supervisor[..],
            M::None,
            Outcome::RecommendMark,
            M::Marked,
            "A mark was set on your record, no service is restricted",
            "Decided by a supervisor.",
        ),
        (
            Stage::HeadReviewed,
            &both[..],
            M::Marked,
            Outcome::RecommendRestrict,
            M::Blacklisted,
            "Some services were restricted for you",
            persons,
        ),
        (Stage::HeadReviewed, &both[..], M::None, Outcome::Execute, M::Blacklisted, "Some services were restricted for you", persons),
        (
            Stage::HeadReviewed,
            &both[..],
            M::None,
            Outcome::ExecuteDeferred,
            M::Blacklisted,
            "Some services will be restricted for you",
            persons,
        ),
    ] {
        let told = on_request(stage, verdicts, before, outcome, measure);
        assert_eq!((told.result.as_str(), told.how.as_str()), (result, how), "{outcome}");
        assert!(told.rights.contains("appeal") && !told.basis.is_empty(), "{outcome}: {}", told.rights);
    }
    // A measure that was in force: it stays, it ends, or an appeal against it waits.
    for (stage, before, outcome, measure, result, how) in [
        (Stage::Executed, M::Blacklisted, Outcome::Closed, M::Blacklisted, "The restriction has not changed", "a check inside the shop"),
        (Stage::Executed, M::Marked, Outcome::Closed, M::Marked, "The mark on your record has not changed", "a check inside the shop"),
        (Stage::Executed, M::ServiceRestricted, Outcome::Closed, M::None, "The restriction has ended", "it ended by fixed rules"),
        (Stage::Executed, M::Marked, Outcome::Closed, M::None, "The mark on your record was removed", "it ended by fixed rules"),
        (Stage::Appealed, M::Blacklisted, Outcome::Escalate, M::Blacklisted, "A person is handling your appeal", "no part in it"),
    ] {
        let told = on_request(stage, &both, before, outcome, measure);
        assert!(told.result.starts_with(result) && told.how.contains(how), "{outcome}: {} {}", told.result, told.how);
        assert!(told.rights.contains("appeal"), "{outcome}: {}", told.rights);
    }
    let lesser = on_request(Stage::SupervisorReviewed, &supervisor, M::Blacklisted, Outcome::RecommendMark, M::Blacklisted);
    assert!(lesser.result.starts_with("The restriction has not changed"), "{}", lesser.result);
    // Nothing came of it: it waits for a supervisor, a supervisor rejected it, or it had been put away.
    for (stage, verdicts, outcome, measure) in [
        (Stage::Submitted, &[][..], Outcome::RecommendRestrict, M::ServiceRestricted),
        (Stage::SupervisorReviewed, &[Verdict::Reject][..], Outcome::RecommendMark, M::Marked),
        (Stage::SupervisorReviewed, &[Verdict::Reject][..], Outcome::Closed, M::None),
        (Stage::Archived, &both[..], Outcome::Closed, M::None),
    ] {
        let told = on_request(stage, verdicts, M::None, outcome, measure);
        assert_eq!(told.result, "This is an internal step; nothing was decided about you", "{outcome}");
        assert!(!told.how.contains("Decided by") && !told.rights.contains("appeal"), "{outcome}: {} {}", told.how, told.rights);
    }
}

#[test]
fn of_an_appeal_the_customer_is_told_what_a_person_decided() {
    let (_, mut recorded) = decided().into_iter().find(|(_, own)| own.request().is_some()).unwrap();
    recorded.decision.fault = None;
    for (by, outcome, before, result) in [
        (ActOf::Approve, "appeal-dismissed", CustomerMeasure::Blacklisted, "Your appeal was not granted, the restriction stays"),
        (ActOf::Amend, "closed", CustomerMeasure::Blacklisted, "The restriction has ended"),
        (ActOf::Amend, "closed", CustomerMeasure::Marked, "The mark on your record was removed"),
        (ActOf::Cancel, "cancelled", CustomerMeasure::Blacklisted, "Your appeal was withdrawn, the restriction stays"),
    ] {
        request(&mut recorded).current_measure = before;
        let told = for_customer(
            "d1",
            &recorded,
            since(&[PersonAct { amounts: crate::money::Amounts::default(), ..act(by, outcome) }]),
            WHEN,
            Locale::En,
        );
        assert_eq!((told.result.as_str(), told.later[0].text.as_str()), (result, format!("Reviewed by a person: {result}.").as_str()));
        assert!(told.rights.contains("appeal"), "{}", told.rights);
    }
}

#[test]
fn of_an_erased_request_nothing_is_claimed_of_a_measure() {
    for (outcome, result) in [("closed", "The matter was closed"), ("recommend-restrict", "A measure was proposed")] {
        let told = erased("d1", Kind::Blacklist, outcome, &[], WHEN, Locale::En);
        assert_eq!(told.result, format!("The result at the time: {result}"));
    }
}
