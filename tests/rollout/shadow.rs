//! Shadow runs: kept and compared, never answered, counting nothing.

use ombud::service::Role;
use ombud_tests::ledger;
use ombud_tests::server::{Merchant, shared, wait_for};
use serde_json::{Value, json};

use super::{LATE, bind, coupon, decide, delay, plan, replays, step, whole};

fn compared(merchant: &Merchant<'_>) -> Value {
    let rollout = merchant.call(Role::Auditor, "GET", "/policies/delay/rollout").send().ok();
    let plan = rollout["kinds"].as_array().unwrap().iter().find(|plan| plan["kind"] == "delay").unwrap();
    plan["shadows"][0]["compared"].clone()
}

#[test]
fn a_shadow_is_compared_and_never_answered() {
    let merchant = shared().merchant(json!({}));
    let (same, dearer, active) = (bind(&merchant, 3_000), bind(&merchant, 4_700), bind(&merchant, 3_700));
    let before = decide(&merchant, "sh-0");
    step(&merchant, "shadow", json!({"version": dearer})).send().ok();
    step(&merchant, "shadow", json!({"version": same})).send().ok();
    let third = bind(&merchant, 3_700);
    assert_eq!(third, active);
    let refused = bind(&merchant, 3_800);
    step(&merchant, "activate", json!({"version": active})).send().ok();
    let problem = step(&merchant, "shadow", json!({"version": refused})).send().problem(409);
    assert!(problem["detail"].as_str().unwrap().contains("end one first"), "{problem}");
    step(&merchant, "shadow", json!({"version": same, "on": false})).send().ok();
    step(&merchant, "shadow", json!({"version": same, "on": false})).send().problem(409);
    let used = |decision: &Value| decision["caps"]["used"]["merchant_day_goodwill"].as_i64().unwrap();
    let decisions: Vec<Value> = (1..=6).map(|n| decide(&merchant, &format!("sh-{n}"))).collect();
    for (at, decision) in decisions.iter().enumerate() {
        assert_eq!((coupon(decision), &decision["policy"]["version"]), (3_700, &json!(active)), "the answer is the active version's");
        assert!(decision.get("rollout").is_none(), "{decision}");
        assert_eq!(used(decision), coupon(&before) * (at as i64 + 1), "nothing of a shadow is counted");
        replays(&merchant, decision);
    }
    // A preview runs nothing in shadow.
    merchant.call(Role::Agent, "POST", "/preview").event(&delay("sh-p", "1", LATE)).send().ok();
    wait_for(|| compared(&merchant)["decisions"] == 6);
    let report = compared(&merchant);
    assert_eq!((&report["agree"], &report["agreement_bp"]), (&json!(0), &json!(0)), "{report}");
    let total = &report["impact"]["total"];
    assert_eq!((&total["flips"], &total["money_only"]), (&json!(0), &json!(6)));
    let paid = |side: &str| total["money"][side]["paid"]["coupon"].clone();
    assert_eq!((paid("before"), paid("after")), (json!(6 * 3_700), json!(6 * 4_700)));
    assert_eq!(report["impact"]["faults"], json!([]));
    // Since a moment that is to come there is nothing.
    let later = merchant.call(Role::Auditor, "GET", "/policies/delay/rollout?since=2999-01-01T00:00:00Z").send().ok();
    let shadow = later["kinds"].as_array().unwrap().iter().find(|plan| plan["kind"] == "delay").unwrap()["shadows"][0].clone();
    assert_eq!(shadow["compared"]["decisions"], 0);
    merchant.call(Role::Auditor, "GET", "/policies/delay/rollout?since=yesterday").send().problem(422);
    // Nothing of it is in the ledger; activated, it is in shadow no more.
    let records = merchant.records();
    assert_eq!(records, 7);
    assert!(ledger::count(&shared().data, "SELECT count(*) FROM shadow_results") >= 6);
    step(&merchant, "activate", json!({"version": dearer})).send().ok();
    assert_eq!(plan(&merchant)["shadows"], json!([]));
    assert_eq!(coupon(&decide(&merchant, "sh-9")), 4_700);
    whole(&merchant);
}

#[test]
fn what_was_taken_back_answers_nobody_while_it_runs_in_shadow() {
    let merchant = shared().merchant(json!({}));
    let (bad, good) = (bind(&merchant, 4_600), bind(&merchant, 3_600));
    step(&merchant, "canary", json!({"version": bad, "share_bp": 10_000})).send().ok();
    let opened = decide(&merchant, "st-1");
    assert_eq!(opened["policy"]["version"], json!(bad));
    step(&merchant, "rollback", json!({"reason": "too dear"})).send().ok();
    // To see how bad it is, it runs beside; the case that it opened is the good one's nevertheless.
    step(&merchant, "shadow", json!({"version": bad})).send().ok();
    let next = merchant.decide(&delay("st-1", "2", LATE + 3_600_000));
    assert_eq!((&next["policy"]["version"], next.get("rollout")), (&json!(good), None), "{next}");
    wait_for(|| compared(&merchant)["decisions"] == 1);
    assert_eq!(plan(&merchant)["taken_back"][0]["version"], json!(bad));
    replays(&merchant, &next);
    // Activated, it is forgiven.
    step(&merchant, "activate", json!({"version": bad})).send().ok();
    assert_eq!((plan(&merchant)["taken_back"].clone(), plan(&merchant)["shadows"].clone()), (json!([]), json!([])));
}
