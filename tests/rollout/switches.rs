//! Kill switches and validity windows.

use ombud::service::Role;
use ombud_core::rollout::STOPS_MAX;
use ombud_tests::client::Call;
use ombud_tests::server::shared;
use serde_json::{Value, json};

use super::{LATE, bind, coupon, decide, delay, plan, replays, step, whole};

#[test]
fn what_is_paused_does_not_run_and_its_fallback_says_so() {
    let merchant = shared().merchant(json!({}));
    bind(&merchant, 3_000);
    let operator = |path: &str, body: Value| {
        let path = format!("/v1/merchants/{}/rollout/{path}", merchant.id);
        shared().call("POST", &path).key(&shared().operator).json(&body).send()
    };
    let own = |path: &str, body: Value| merchant.call(Role::MerchantAdmin, "POST", &format!("/rollout/{path}")).json(&body).send();
    let paused = |order: &str, words: &str| {
        let decision = decide(&merchant, order);
        assert_eq!((&decision["fault"]["code"], &decision["outcome"]), (&json!("paused"), &json!("human-review")), "{decision}");
        assert!(decision["fault"]["detail"].as_str().unwrap().contains(words), "{decision}");
        assert_eq!((&decision["policy"], &decision["amounts"]["coupon"]), (&Value::Null, &json!(0)));
        replays(&merchant, &decision);
    };
    let runs = |order: &str| assert_eq!(coupon(&decide(&merchant, order)), 3_000);
    runs("ps-0");
    // The policy.
    step(&merchant, "pause", json!({"reason": "complaints"})).send().ok();
    paused("ps-1", "the policy `delay` is paused");
    assert_eq!(step(&merchant, "pause", json!({"reason": "complaints"})).send().ok()["changed"], false);
    step(&merchant, "resume", json!({"reason": "mended"})).send().ok();
    runs("ps-2");
    // The kind: others run.
    own("pause", json!({"kind": "delay", "reason": "sale"})).ok();
    paused("ps-3", "the kind delay is paused");
    assert!(merchant.decide(&ombud_tests::events::event("reply.drafted", "ps")).get("fault").is_none());
    own("resume", json!({"kind": "delay", "reason": "over"})).ok();
    // The operator's switch the merchant does not lift.
    operator("pause", json!({"reason": "audit"})).ok();
    paused("ps-4", "every policy of the merchant is paused");
    let problem = own("resume", json!({"reason": "mine"})).problem(409);
    assert!(problem["detail"].as_str().unwrap().contains("only the operator"), "{problem}");
    let view = merchant.call(Role::Auditor, "GET", "/rollout").send().ok();
    assert_eq!((&view["paused"][0]["by"], &view["paused"][0]["reason"]), (&json!("operator"), &json!("audit")));
    operator("resume", json!({"reason": "done"})).ok();
    runs("ps-5");
    own("pause", json!({"kind": "ops", "reason": "r"})).problem(422);
    // A paused version is not rolled out by mistake.
    let (old, _) = (bind(&merchant, 3_900), bind(&merchant, 3_000));
    step(&merchant, "pause", json!({"version": old, "reason": "broken"})).send().ok();
    let problem = step(&merchant, "activate", json!({"version": old})).send().problem(409);
    assert!(problem["detail"].as_str().unwrap().contains("resume it first"), "{problem}");
    runs("ps-6");
    whole(&merchant);
}

/// Room for kill switches is each hand's own: a merchant that has used all of its own keeps nobody from stopping everything.
#[test]
fn a_merchants_switches_do_not_keep_the_operators_from_being_thrown() {
    let merchant = shared().merchant(json!({}));
    let switch = |call: Call, body: Value| call.json(&body).send();
    let own = |path: &str, body: Value| switch(merchant.call(Role::MerchantAdmin, "POST", path), body);
    let operator = |path: &str, body: Value| {
        let path = format!("/v1/merchants/{}{path}", merchant.id);
        switch(shared().call("POST", &path).key(&shared().operator), body)
    };
    let versions: Vec<String> = (3_000..).take(STOPS_MAX + 1).map(|value| bind(&merchant, value)).collect();
    let pause = |version: &str| json!({"version": version, "reason": "a mistake in it"});
    let (last, first) = versions.split_last().unwrap();
    for version in first {
        assert_eq!(own("/policies/delay/rollout/pause", pause(version)).ok()["changed"], true);
    }
    let problem = own("/policies/delay/rollout/pause", pause(last)).problem(409);
    assert!(problem["detail"].as_str().unwrap().contains("pause the kind or the merchant"), "{problem}");
    // The remedy is one, and nobody else needs it.
    for body in [json!({"kind": "delay", "reason": "sale"}), json!({"reason": "everything"})] {
        assert_eq!(own("/rollout/pause", body.clone()).ok()["changed"], true);
        assert_eq!(operator("/rollout/pause", body).ok()["changed"], true);
    }
    assert_eq!(operator("/policies/delay/rollout/pause", pause(last)).ok()["changed"], true);
    assert_eq!(decide(&merchant, "ps-full")["fault"]["code"], "paused");
    assert_eq!(own("/policies/delay/rollout/resume", pause(&versions[0])).ok()["changed"], true);
    assert_eq!(own("/policies/delay/rollout/pause", pause(last)).ok()["changed"], true);
    whole(&merchant);
}

#[test]
fn a_window_answers_its_day_by_the_merchants_clock_and_keeps_its_cases() {
    let merchant = shared().merchant(json!({}));
    let (sale, usual) = (bind(&merchant, 4_800), bind(&merchant, 2_900));
    // The example's day, 4 November, in a merchant's zone of UTC+8.
    let added = step(&merchant, "windows", json!({"version": sale, "from": "2026-11-04", "to": "2026-11-04"})).send().ok();
    assert_eq!(added["changed"], true);
    assert_eq!(plan(&merchant)["windows"][0]["from"], "2026-11-04T00:00:00");
    assert_eq!(plan(&merchant)["windows"][0]["to"], "2026-11-05T00:00:00");
    for (from, to) in [("2026-11-04T12:00", "2026-11-05"), ("2026-11-03", "2026-11-04"), ("2026-11-04T23:59", "2026-11-06")] {
        let problem = step(&merchant, "windows", json!({"version": usual, "from": from, "to": to})).send().problem(409);
        assert!(problem["detail"].as_str().unwrap().contains("overlaps the window"), "{problem}");
    }
    for (from, to) in [("2026-11-06", "2026-11-05"), ("tomorrow", "2026-11-06"), ("2026-11-06", "06.11.2026")] {
        step(&merchant, "windows", json!({"version": usual, "from": from, "to": to})).send().problem(422);
    }
    let midnight = LATE - 18 * 3_600_000;
    let at = |order: &str, ms: i64| merchant.decide(&delay(order, "1", ms));
    let stage = |decision: &Value| (decision["policy"]["version"].clone(), decision["rollout"]["stage"].clone());
    assert_eq!(stage(&at("wi-1", midnight + 24 * 3_600_000 - 1_000)), (json!(sale), json!("window")));
    assert_eq!(stage(&at("wi-2", midnight + 24 * 3_600_000)), (json!(usual), Value::Null), "its end is not in it");
    let during = at("wi-3", LATE);
    assert_eq!((coupon(&during), stage(&during).0), (4_800, json!(sale)));
    // The day is over; the case keeps the version of the day.
    let after = merchant.decide(&delay("wi-3", "2", midnight + 26 * 3_600_000));
    assert_eq!(stage(&after), (json!(sale), json!("opened")), "{after}");
    for decision in [&during, &after] {
        replays(&merchant, decision);
    }
    step(&merchant, "windows/remove", json!({"version": sale})).send().ok();
    assert_eq!(stage(&at("wi-4", LATE)), (json!(usual), Value::Null));
    step(&merchant, "windows/remove", json!({"version": sale})).send().problem(409);
    whole(&merchant);
}

#[test]
fn a_window_goes_with_what_is_taken_back() {
    let merchant = shared().merchant(json!({}));
    let (usual, sale) = (bind(&merchant, 2_910), bind(&merchant, 4_810));
    let window = |version: &str| step(&merchant, "windows", json!({"version": version, "from": "2026-12-12", "to": "2026-12-12"})).send();
    window(&sale).ok();
    step(&merchant, "rollback", json!({"reason": "too dear"})).send().ok();
    assert_eq!(plan(&merchant)["windows"], json!([]));
    window(&usual).ok();
    step(&merchant, "activate", json!({"version": sale})).send().ok();
    assert_eq!(plan(&merchant)["windows"][0]["version"], json!(usual), "nothing comes back by itself");
}

#[test]
fn a_window_that_is_set_while_a_case_is_open_is_newer_than_the_case() {
    let merchant = shared().merchant(json!({}));
    let (sale, usual) = (bind(&merchant, 4_820), bind(&merchant, 2_920));
    let first = decide(&merchant, "wo-1");
    assert_eq!(coupon(&first), 2_920);
    step(&merchant, "windows", json!({"version": sale, "from": "2026-11-04", "to": "2026-11-04"})).send().ok();
    // The window began at midnight and was set after the case was opened: both run, and what is better stands.
    let second = merchant.decide(&delay("wo-1", "2", LATE + 3_600_000));
    assert_eq!((&second["policy"]["version"], &second["rollout"]["stage"]), (&json!(sale), &json!("window")), "{second}");
    assert_eq!(second["rollout"]["beside"]["policy"]["version"], json!(usual));
    replays(&merchant, &second);
}
