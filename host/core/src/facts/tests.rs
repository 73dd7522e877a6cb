//! Cases from events and records.

mod follows;

use ombud_rules::contract::after_sale::{AfterSaleCase, RequestKind, Stage as CaseStage};
use ombud_rules::contract::blacklist::{BlacklistCase, Stage, Verdict};
use ombud_rules::contract::delay::{CompForm, DelayCase, Granted};
use ombud_rules::contract::types::{CustomerMeasure, ReasonKind, Role, Tri};
use serde_json::{Value, json};

use super::{build_case, differing};
use crate::case::Case;
use crate::event::tests::{RECEIVED, example_value};
use crate::event::{EventType, structured};
use crate::history::{Actor, CaseHistory, History, LineHistory, RequestState};
use crate::ids::ActorId;
use crate::kind::Kind;
use crate::limits::STEPS_MAX;
use crate::merchant::MerchantConfig;
use crate::problem::Problem;

fn merchant() -> MerchantConfig {
    MerchantConfig::parse(br#"{"id": "m_001", "shop_id": "10437917", "platform": "douyin"}"#).unwrap()
}

fn actor(id: &str, role: Role) -> Actor {
    Actor { id: ActorId::new(id).unwrap(), role }
}

fn build(kind: Kind, event: &Value, history: &History, actor: Option<&Actor>) -> Result<Case, Vec<Problem>> {
    let event = structured(event.to_string().as_bytes(), RECEIVED).unwrap();
    let (context, case) = build_case(kind, &event, &merchant(), history, actor)?;
    assert_eq!((context.now, context.merchant_id.as_str(), case.kind()), (event.now(), "m_001", kind));
    assert_eq!(differing(&event, &case), [""; 0], "whatever the host knew, a case follows from its event");
    Ok(case)
}

fn after_sale(event: &Value, history: &History) -> AfterSaleCase {
    match build(Kind::AfterSale, event, history, None) {
        Ok(Case::AfterSale(case)) => case,
        other => panic!("{other:?}"),
    }
}

fn delay(event: &Value, history: &History) -> DelayCase {
    match build(Kind::Delay, event, history, None) {
        Ok(Case::Delay(case)) => case,
        other => panic!("{other:?}"),
    }
}

fn blacklist(event: &Value, history: &History, actor: &Actor) -> BlacklistCase {
    match build(Kind::Blacklist, event, history, Some(actor)) {
        Ok(Case::Blacklist(case)) => case,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_example_that_decides_gives_a_case_of_each_of_its_kinds() {
    let known =
        History { blacklist: crate::history::BlacklistHistory { request: Some(state()), ..Default::default() }, ..History::default() };
    for event_type in EventType::ALL {
        let value = example_value(*event_type);
        let event = structured(value.to_string().as_bytes(), RECEIVED).unwrap();
        let history = if *event_type == EventType::BlacklistRequested { &History::default() } else { &known };
        for kind in Kind::ALL {
            let case = build_case(kind, &event, &merchant(), history, Some(&actor("u2", Role::Supervisor)));
            assert_eq!(case.is_ok(), event.kinds().any(|bound| bound == kind), "{event_type} {kind}: {case:?}");
            if let Ok((_, case)) = case {
                let json = serde_json::to_string(&case).unwrap();
                assert_eq!(Case::from_json(kind, &json).unwrap(), case);
            }
        }
    }
}

#[test]
fn counts_and_refunds_are_the_larger_of_both() {
    let mut event = example_value(EventType::AftersaleRequested);
    event["data"]["order"]["lines"][1]["refunded"] = json!(500);
    event["data"]["after_sale"]["attempts_used"] = json!(2);
    event["data"]["order"]["freight_refunded"] = json!(100);
    let plain = after_sale(&event, &History::default());
    assert_eq!((plain.order.lines[0].refunded, plain.order.lines[1].refunded, plain.attempts_used), (0, 500, 2));
    assert_eq!(plain.customer.customer_ref, "c_9f3a");

    let mut history = History::default();
    history.order.lines = vec![
        LineHistory { line_id: "L1".into(), refunded: 700, qty_returned: 1 },
        LineHistory { line_id: "L2".into(), refunded: 400, qty_returned: 1 },
        LineHistory { line_id: "L9".into(), refunded: 9, qty_returned: 9 },
    ];
    history.order.freight_refunded = 90;
    history.case = CaseHistory { duplicate_open: true, attempts: 1, decided: false, approved: None };
    history.customer.malicious_returns = 3;
    history.customer.extortion = true;
    let case = after_sale(&event, &history);
    assert_eq!((case.order.lines[0].refunded, case.order.lines[0].qty_returned), (700, 1));
    assert_eq!((case.order.lines[1].refunded, case.order.lines[1].qty_returned), (500, 1));
    assert_eq!((case.order.freight_refunded, case.attempts_used, case.duplicate_active), (100, 2, true));
    assert_eq!((case.customer.malicious_returns, case.customer.extortion_flag), (3, Tri::Yes));
    assert_eq!(case.order.lines.len(), 2);
}

#[test]
fn what_was_approved_is_the_hosts_word_once_it_has_decided() {
    let mut event = example_value(EventType::AftersaleReturnReceived);
    event["data"]["after_sale"]["agreed_resolution"] = json!("exchange");
    let decided = |decided, approved| History { case: CaseHistory { decided, approved, ..Default::default() }, ..History::default() };
    let agreed = |history| after_sale(&event, &history).agreed_resolution;
    assert_eq!(agreed(decided(false, None)), Some(RequestKind::Exchange));
    assert_eq!(agreed(decided(true, Some(RequestKind::ReturnRefund))), Some(RequestKind::ReturnRefund));
    assert_eq!(agreed(decided(true, None)), None);
}

#[test]
fn the_stage_is_the_event_types_or_the_events_own() {
    let stage = |event_type| after_sale(&example_value(event_type), &History::default()).stage;
    assert_eq!(stage(EventType::AftersaleModified), CaseStage::Requested);
    assert_eq!(stage(EventType::GuaranteeUpdated), CaseStage::EvidenceAdded);
    assert_eq!(stage(EventType::AftersaleReturnReceived), CaseStage::ReturnReceived);
    assert_eq!(stage(EventType::DisputeRuled), CaseStage::Arbitration);
    let mut event = example_value(EventType::LogisticsUpdated);
    event["data"]["after_sale"]["stage"] = json!("return-in-transit");
    assert_eq!(after_sale(&event, &History::default()).stage, CaseStage::ReturnInTransit);
}

#[test]
fn grants_are_united_and_none_counts_twice() {
    let event = example_value(EventType::DelayDetected);
    let grant = |form, value, by_platform| Granted { episode_id: "ep1".into(), form, value, by_platform };
    let with = |grants: Vec<Granted>| {
        let mut history = History::default();
        history.delay.grants = grants;
        delay(&event, &history).already
    };
    // The helpdesk reports the coupon of 3000 that the records also hold.
    assert_eq!(with(vec![grant(CompForm::Coupon, 3000, false)]), [grant(CompForm::Coupon, 3000, false)]);
    assert_eq!(
        with(vec![grant(CompForm::Coupon, 1000, false), grant(CompForm::Coupon, 2500, false), grant(CompForm::CashRefund, 100, false)]),
        [grant(CompForm::Coupon, 3000, false), grant(CompForm::Coupon, 500, false), grant(CompForm::CashRefund, 100, false)]
    );
    assert_eq!(with(vec![grant(CompForm::Coupon, 3000, true)]).len(), 2);
    assert_eq!(with(vec![]).len(), 1);
}

#[test]
fn a_delay_knows_what_was_refunded() {
    let mut history = History::default();
    history.delay.lines = vec![LineHistory { line_id: "L1".into(), refunded: 18903, qty_returned: 0 }];
    // What was refunded of the order of an after-sales case in the same event is that order's.
    history.order.lines = vec![LineHistory { line_id: "L2".into(), refunded: 50, qty_returned: 0 }];
    let case = delay(&example_value(EventType::DelayDetected), &history);
    assert_eq!((case.lines[0].refunded, case.lines[1].refunded), (18903, 0));
}

#[test]
fn a_late_refund_that_goes_by_its_cases_id_names_that_case() {
    let mut event = example_value(EventType::AftersaleRefunded);
    let named = |event: &Value, own: &str| {
        let mut history = History::default();
        history.delay.own_cases = vec![own.into()];
        let attributes = delay(event, &history).attributes;
        attributes.into_iter().map(|attribute| (attribute.key, attribute.value)).collect::<Vec<_>>()
    };
    let episode = event["data"]["delay"]["episodes"][0]["episode_id"].as_str().unwrap().to_owned();
    let key = format!("after-sale-id:{episode}");
    assert_eq!(named(&event, &episode), [(key.clone(), episode.clone())]);
    assert_eq!(named(&event, "another"), []);
    // What the event names stays.
    event["data"]["delay"]["attributes"] = json!([{"key": key, "value": "another"}]);
    assert_eq!(named(&event, &episode), [(key, "another".to_owned())]);
}

#[test]
fn a_reply_is_held_against_what_the_host_approved() {
    let event = example_value(EventType::ReplyDrafted);
    let reply = |history: &History| match build(Kind::Reply, &event, history, None) {
        Ok(Case::Reply(case)) => (case.approved_compensation, case.approved_refund, case.case_reason),
        other => panic!("{other:?}"),
    };
    assert_eq!(reply(&History::default()), (0, Some(18903), Some(ReasonKind::Quality)));
    let mut history = History::default();
    history.reply.refund = Some(1);
    assert_eq!(reply(&history).1, Some(18903));
    history.reply.decided = true;
    assert_eq!(reply(&history), (0, Some(1), Some(ReasonKind::Quality)));
}

/// A request that waits for its supervisor.
fn state() -> RequestState {
    let case = blacklist(&example_value(EventType::BlacklistRequested), &History::default(), &actor("u1", Role::Agent));
    after(&case)
}

/// What the records hold after a case.
fn after(case: &BlacklistCase) -> RequestState {
    RequestState {
        customer_ref: "c_77b0".into(),
        stage: case.stage,
        criterion: case.criterion,
        submitter_id: case.submitter_id.clone(),
        submitter_role: case.submitter_role,
        incidents: case.incidents.clone(),
        evidence: case.evidence.clone(),
        alternatives_tried: case.alternatives_tried,
        impact_assessed: case.impact_assessed,
        platform_rule_ok: case.platform_rule_ok,
        protected_conduct_only: case.protected_conduct_only,
        open_after_sales: Some(case.open_after_sales),
        steps: case.steps.clone(),
        attributes: case.attributes.clone(),
    }
}

fn knowing(state: RequestState) -> History {
    let mut history = History::default();
    history.blacklist.request = Some(state);
    history
}

#[test]
fn a_request_is_the_first_step_of_the_authenticated_person() {
    let mut history = History::default();
    history.blacklist.measure = CustomerMeasure::Marked;
    history.customer.open_after_sales = 2;
    let case = blacklist(&example_value(EventType::BlacklistRequested), &history, &actor("u1", Role::Agent));
    assert_eq!((case.stage, case.submitter_id.as_str(), case.submitter_role), (Stage::Submitted, "u1", Role::Agent));
    assert_eq!((case.steps.len(), case.steps[0].stage, case.steps[0].at), (1, Stage::Submitted, 1_793_710_000_000));
    assert_eq!((case.current_measure, case.open_after_sales, case.incidents.len()), (CustomerMeasure::Marked, 2, 2));
    let draft = blacklist(&example_value(EventType::BlacklistRequested), &History::default(), &actor("bot", Role::SystemBot));
    assert_eq!((draft.stage, draft.steps.len()), (Stage::Draft, 0));
}

#[test]
fn steps_follow_one_another_whoever_makes_them() {
    let step = example_value(EventType::BlacklistStep);
    let second = blacklist(&step, &knowing(state()), &actor("u2", Role::Supervisor));
    assert_eq!((second.stage, second.steps.len(), second.evidence.len()), (Stage::SupervisorReviewed, 2, 3));
    assert_eq!(
        (second.steps[1].actor_id.as_str(), second.steps[1].role, second.steps[1].verdict),
        ("u2", Role::Supervisor, Verdict::Approve)
    );
    assert_eq!(second.steps[1].note, "聊天记录属实");
    // The wrong role or the same person is the policy's to refuse (BL-034, BL-036), so the case says what happened.
    let third = blacklist(&step, &knowing(after(&second)), &actor("u2", Role::Agent));
    assert_eq!((third.stage, third.steps.len(), third.steps[2].role), (Stage::HeadReviewed, 3, Role::Agent));
    let fourth = blacklist(&step, &knowing(after(&third)), &actor("u9", Role::DeptHead));
    assert_eq!((fourth.stage, fourth.steps.len(), fourth.steps[3].stage), (Stage::HeadReviewed, 4, Stage::HeadReviewed));
    let mut long = after(&fourth);
    long.steps = vec![fourth.steps[3].clone(); STEPS_MAX];
    let problems = build(Kind::Blacklist, &step, &knowing(long), Some(&actor("u9", Role::DeptHead))).unwrap_err();
    assert_eq!(problems[0].pointer, "/data/blacklist/request_id");
}

#[test]
fn an_act_that_says_no_number_of_open_cases_takes_none_back() {
    let mut request = example_value(EventType::BlacklistRequested);
    request["data"]["blacklist"]["open_after_sales"] = json!(2);
    let submitted = blacklist(&request, &History::default(), &actor("u1", Role::Agent));
    assert_eq!(submitted.open_after_sales, 2);
    let mut history = knowing(after(&submitted));
    let says = |number: Option<u32>, history: &History| {
        let mut step = example_value(EventType::BlacklistStep);
        if let Some(number) = number {
            step["data"]["blacklist"]["open_after_sales"] = json!(number);
        }
        blacklist(&step, history, &actor("u2", Role::Supervisor)).open_after_sales
    };
    assert_eq!((says(None, &history), says(Some(0), &history), says(Some(1), &history)), (2, 0, 1));
    // The host counts too; and where nobody said a number, it alone does.
    history.customer.open_after_sales = 1;
    assert_eq!((says(None, &history), says(Some(0), &history)), (2, 1));
    history.blacklist.request.as_mut().unwrap().open_after_sales = None;
    assert_eq!(says(None, &history), 1);
    let tick = example_value(EventType::TimerTick);
    assert_eq!(blacklist(&tick, &knowing(after(&submitted)), &actor("u2", Role::Supervisor)).open_after_sales, 2);
    // A new round that says nothing.
    request["data"]["blacklist"].as_object_mut().unwrap().remove("open_after_sales");
    assert_eq!(blacklist(&request, &knowing(after(&submitted)), &actor("u1", Role::Agent)).open_after_sales, 2);
    assert_eq!(blacklist(&request, &History::default(), &actor("u1", Role::Agent)).open_after_sales, 0);
}

#[test]
fn a_new_round_starts_the_chain_again_and_keeps_what_was_gathered() {
    let returned = {
        let mut step = example_value(EventType::BlacklistStep);
        step["data"]["blacklist"]["verdict"] = json!("return-for-evidence");
        after(&blacklist(&step, &knowing(state()), &actor("u2", Role::Supervisor)))
    };
    let step = example_value(EventType::BlacklistStep);
    let problems = build(Kind::Blacklist, &step, &knowing(returned.clone()), Some(&actor("u3", Role::DeptHead))).unwrap_err();
    assert_eq!(problems[0].message, "was returned for evidence");

    let mut again = example_value(EventType::BlacklistRequested);
    let problems = build(Kind::Blacklist, &again, &knowing(returned.clone()), Some(&actor("u4", Role::AgentSenior))).unwrap_err();
    assert_eq!(problems[0].message, "is dated before the last act on this request");
    again["time"] = step["time"].clone();
    again["data"]["blacklist"]["evidence"] = json!([
        {"evidence_id": "e9", "kind": "chat-log", "strength": "strong", "captured_at": 1, "intact": true, "ref": "sha256:new"},
        {"evidence_id": "e12", "kind": "photo", "strength": "weak", "intact": false, "ref": ""},
    ]);
    let case = blacklist(&again, &knowing(returned), &actor("u4", Role::AgentSenior));
    assert_eq!((case.stage, case.steps.len(), case.submitter_id.as_str()), (Stage::Submitted, 1, "u4"));
    let evidence: Vec<_> = case.evidence.iter().map(|item| (item.evidence_id.as_str(), item.ref_.as_str())).collect();
    assert_eq!(evidence, [("e9", "sha256:new"), ("e10", "sha256:92bb"), ("e11", "sha256:93cc"), ("e12", "")]);
    assert_eq!(case.incidents.len(), 2);
}

#[test]
fn what_is_over_stays_what_it_is() {
    for stage in [Stage::Executed, Stage::Archived, Stage::Appealed] {
        let mut done = state();
        done.stage = stage;
        for event_type in [EventType::BlacklistRequested, EventType::BlacklistStep, EventType::TimerTick] {
            let case = blacklist(&example_value(event_type), &knowing(done.clone()), &actor("u5", Role::Supervisor));
            assert_eq!(after(&case), done, "{event_type}");
        }
    }
}

#[test]
fn an_appeal_is_against_the_measure_in_force_on_its_own_request() {
    let mut appeal = example_value(EventType::PrivacyRequest);
    appeal["data"]["customer_ref"] = json!("c_77b0");
    appeal["data"]["blacklist"] = json!({"request_id": "bl-77"});
    let mut history = knowing(state());
    let built = |history: &History| build(Kind::Blacklist, &appeal, history, Some(&actor("u1", Role::Agent)));
    for (measure, on_this_request) in
        [(CustomerMeasure::None, false), (CustomerMeasure::None, true), (CustomerMeasure::ServiceRestricted, false)]
    {
        (history.blacklist.measure, history.blacklist.on_this_request) = (measure, on_this_request);
        let problems = built(&history).unwrap_err();
        assert_eq!(problems[0].message, "has no measure in force to appeal against", "{measure}");
    }
    history.blacklist.on_this_request = true;
    let Ok(Case::Blacklist(case)) = built(&history) else { panic!("it may be appealed") };
    assert_eq!((case.stage, case.current_measure), (Stage::Appealed, CustomerMeasure::ServiceRestricted));
}

#[test]
fn an_act_needs_its_request_its_customer_and_its_person() {
    let step = example_value(EventType::BlacklistStep);
    let supervisor = actor("u2", Role::Supervisor);
    let problem = |event: &Value, history: &History, actor| build(Kind::Blacklist, event, history, actor).unwrap_err().remove(0);
    assert_eq!(problem(&step, &History::default(), Some(&supervisor)).message, "is not a known request");
    assert_eq!(problem(&step, &knowing(state()), None).pointer, "/data/blacklist");
    let mut other = step.clone();
    other["data"]["customer_ref"] = json!("c_other");
    assert_eq!(problem(&other, &knowing(state()), Some(&supervisor)).pointer, "/data/customer_ref");
    // The clock is no person.
    assert!(build(Kind::Blacklist, &example_value(EventType::TimerTick), &knowing(state()), None).is_ok());
    // Incidents of many rounds have a bound, and say so.
    let mut full = state();
    full.incidents = (0..200)
        .map(|at| ombud_rules::contract::blacklist::Incident { incident_id: format!("x{at}"), ..full.incidents[0].clone() })
        .collect();
    let again = example_value(EventType::BlacklistRequested);
    assert_eq!(problem(&again, &knowing(full), Some(&supervisor)).pointer, "/data/blacklist/incidents");
}
