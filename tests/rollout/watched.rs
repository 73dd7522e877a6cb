//! Whom the protection leaves alone, and that nothing makes it forget: not a restart, not a word that was said once, not another way of
//! binding the same version.

use ombud::service::Role;
use ombud_tests::events::event;
use ombud_tests::forge::Forge;
use ombud_tests::guests::{self, root};
use ombud_tests::server::{Merchant, Server, policies_with, shared, wait_for};
use serde_json::{Value, json};

use super::{LATE, bind, coupon, decide, delay, plan, step, whole};

const HOUR: i64 = 3_600_000;
/// What a person must approve: the policy asks for one from ¥50 on.
const STOPS_EVERYTHING: i64 = 12_000;

/// What the protection did, the latest first.
fn protected(merchant: &Merchant<'_>) -> Vec<Value> {
    let acts = merchant.call(Role::Auditor, "GET", "/acts?act=rollout.protected").send().ok();
    acts["acts"].as_array().unwrap().iter().map(|act| act["body"].clone()).collect()
}

fn active(merchant: &Merchant<'_>) -> Value {
    plan(merchant)["active"]["version"].clone()
}

fn decide_many(merchant: &Merchant<'_>, name: &str, count: usize) {
    (0..count).for_each(|n| _ = decide(merchant, &format!("{name}-{n}")));
}

fn configure(merchant: &Merchant<'_>, protection: Value) {
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].take();
    config["protection"] = protection;
    merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().ok();
}

/// So low that a test needs few decisions.
fn quick(more: Value) -> Value {
    let mut all = json!({"sample_min": 20});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

#[test]
fn a_draft_in_shadow_is_no_yardstick_for_the_active_version() {
    let merchant = shared().merchant(json!({"protection": quick(json!({}))}));
    // A draft that pays a sixth, and one that lets nothing pass; the active version has one before it to go back to.
    let drafts = [bind(&merchant, 500), bind(&merchant, STOPS_EVERYTHING)];
    let _before = bind(&merchant, 3_000);
    let good = bind(&merchant, 3_001);
    for draft in &drafts {
        // Never active but by the test's own way of making it: taken back, so that it is nothing earlier.
        step(&merchant, "activate", json!({"version": draft})).send().ok();
        step(&merchant, "rollback", json!({"reason": "a draft", "to": good})).send().ok();
        step(&merchant, "shadow", json!({"version": draft})).send().ok();
    }
    decide_many(&merchant, "wd", 45);
    // The one that lets nothing pass is found, and it alone.
    wait_for(|| !protected(&merchant).is_empty());
    decide_many(&merchant, "wd2", 5);
    assert_eq!(active(&merchant), json!(good));
    assert!(protected(&merchant).iter().all(|act| act["version"]["version"] == json!(drafts[1])), "{:?}", protected(&merchant));
}

#[test]
fn a_version_that_decides_like_the_one_before_is_left_alone_whatever_follows_its_cases() {
    let merchant = shared().merchant(json!({"protection": quick(json!({}))}));
    bind(&merchant, 3_000);
    // Each order is heard of five times; the coupon is granted the first time.
    let follow = |order: usize, at: i64| _ = merchant.decide(&delay(&format!("wf-{order}"), &at.to_string(), LATE + at * HOUR));
    (0..25).for_each(|order| (0..5).for_each(|at| follow(order, at)));
    let same = bind(&merchant, 3_001);
    // New cases come first, and old ones go on: of these the version before is the one that stands.
    (25..50).for_each(|order| follow(order, 0));
    (0..25).for_each(|order| follow(order, 5));
    (50..75).for_each(|order| follow(order, 0));
    assert_eq!((active(&merchant), protected(&merchant)), (json!(same), vec![]));
}

#[test]
fn what_was_announced_is_done_once_the_merchant_lets_it_be_done() {
    let merchant = shared().merchant(json!({"protection": quick(json!({"on": false}))}));
    let good = bind(&merchant, 3_000);
    decide_many(&merchant, "wa", 20);
    let bad = bind(&merchant, STOPS_EVERYTHING);
    decide_many(&merchant, "wb", 20);
    wait_for(|| protected(&merchant).len() == 1);
    assert_eq!((&protected(&merchant)[0]["measure"], active(&merchant)), (&json!("announced"), json!(bad)));
    configure(&merchant, quick(json!({"on": true})));
    decide(&merchant, "wc");
    wait_for(|| active(&merchant) == json!(good));
    // Bound again by whatever way, it begins anew, and is taken back anew.
    let again = bind(&merchant, STOPS_EVERYTHING);
    assert_eq!(again, bad);
    decide_many(&merchant, "wd", 19);
    assert_eq!(active(&merchant), json!(bad));
    decide(&merchant, "we");
    wait_for(|| active(&merchant) == json!(good));
}

#[test]
fn no_restart_makes_the_protection_forget() {
    let folder = tempfile::tempdir().unwrap();
    let policies = root().join("policies");
    let (mut good, mut bad) = (String::new(), String::new());
    let mut merchant_id = String::new();
    for round in 0..4 {
        let server = Server::on(folder.path(), &policies);
        if round == 0 {
            let merchant = server.merchant(json!({"protection": quick(json!({}))}));
            good = bind(&merchant, 3_000);
            decide_many(&merchant, "wr-good", 25);
            bad = bind(&merchant, STOPS_EVERYTHING);
            merchant_id.clone_from(&merchant.id);
        }
        let merchant = server.known(&merchant_id);
        // Seven a round are never enough for one life of the server.
        decide_many(&merchant, &format!("wr-{round}"), 7);
        if round < 2 {
            assert_eq!(active(&merchant), json!(bad), "round {round}");
        }
        if round == 2 {
            wait_for(|| {
                decide(&merchant, &format!("wr-more-{}", merchant.records()));
                active(&merchant) == json!(good)
            });
            assert!(merchant.records() < 25 + 21 + 10, "{} records", merchant.records());
            assert_eq!(protected(&merchant)[0]["finding"]["why"], "approval-jump");
        }
        if round == 3 {
            assert_eq!(active(&merchant), json!(good));
            // A person brings it back: what it did before is not held against it, not even after a restart.
            step(&merchant, "activate", json!({"version": bad})).send().ok();
        }
        drop(merchant);
        server.stop();
    }
    let server = Server::on(folder.path(), &policies);
    let merchant = server.known(&merchant_id);
    decide_many(&merchant, "wr-last", 12);
    assert_eq!(active(&merchant), json!(bad));
    drop(merchant);
    server.stop();
}

#[test]
fn a_restart_forgets_neither_a_rare_kind_nor_an_older_version_nor_everything_for_one_record() {
    let folder = tempfile::tempdir().unwrap();
    let policies = root().join("policies");
    let server = Server::on(folder.path(), &policies);
    let merchant = server.merchant(json!({"protection": quick(json!({}))}));
    let good = bind(&merchant, 3_000);
    decide_many(&merchant, "wx-good", 25);
    // Much of other kinds comes in between.
    for batch in 0..3 {
        let events: Vec<Value> = (0..1_000).map(|n| event("order.paid", &format!("wx-{batch}-{n}"))).collect();
        let call = merchant.call(Role::Agent, "POST", "/events:batch").header("content-type", "application/cloudevents-batch+json");
        let items = call.body(json!(events).to_string()).send().ok();
        assert!(items.as_array().unwrap().iter().all(|item| item["status"] == 200));
    }
    let bad = bind(&merchant, STOPS_EVERYTHING);
    decide_many(&merchant, "wx-bad", 12);
    assert_eq!(active(&merchant), json!(bad));
    let (id, damaged) = (merchant.id.clone(), decide(&merchant, "wx-damaged")["seq"].as_u64().unwrap());
    drop(merchant);
    server.stop();
    Forge::on(folder.path()).flip(&id, damaged, "sealed", |bits| bits / 2);
    let server = Server::on(folder.path(), &policies);
    let merchant = server.known(&id);
    // The record that cannot be read is one of twenty that are needed.
    wait_for(|| {
        let again = merchant.records();
        decide(&merchant, &format!("wx-more-{again}"));
        active(&merchant) == json!(good)
    });
    assert!(merchant.records() < 25 + 3_000 + 13 + 15, "{} records", merchant.records());
    assert_eq!(protected(&merchant)[0]["finding"]["why"], "approval-jump");
    drop(merchant);
    server.stop();
}

#[test]
fn what_asks_for_more_than_the_caps_allow_is_a_jump_too() {
    // Every coupon of the new version is above the order's cap, so that a person gets every case.
    let caps = json!({"order_goodwill_fen_max": 3_500});
    let merchant = shared().merchant(json!({"protection": quick(json!({"money_factor_pct": 150})), "caps": caps}));
    let good = bind(&merchant, 3_000);
    decide_many(&merchant, "wm", 20);
    bind(&merchant, 4_900);
    decide_many(&merchant, "wn", 20);
    wait_for(|| active(&merchant) == json!(good));
    assert_eq!(protected(&merchant)[0]["finding"], json!({"why": "money-jump", "mean_fen": 4_900, "other_fen": 3_000}));
}

#[test]
fn nobody_goes_back_to_what_a_person_paused() {
    let merchant = shared().merchant(json!({"protection": quick(json!({}))}));
    let first = active(&merchant);
    let oldest = bind(&merchant, 3_000);
    decide_many(&merchant, "wp", 20);
    let paused = bind(&merchant, 3_001);
    bind(&merchant, STOPS_EVERYTHING);
    for version in [&json!(paused), &first] {
        step(&merchant, "pause", json!({"version": version, "reason": "a mistake in it"})).send().ok();
    }
    decide_many(&merchant, "wq", 20);
    wait_for(|| active(&merchant) == json!(oldest));
    assert_eq!((&protected(&merchant)[0]["measure"], coupon(&decide(&merchant, "wr"))), (&json!("rolled-back"), 3_000));
    // Of what is left everything is paused: a person says where to.
    let problem = step(&merchant, "rollback", json!({"reason": "further"})).send().problem(409);
    let words = "every earlier version is paused (the version `delay ";
    assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("a mistake in it): resume the one to go back to, name another with `to`"),
        "{problem}"
    );
    step(&merchant, "rollback", json!({"reason": "further", "to": paused})).send().problem(409);
    step(&merchant, "resume", json!({"version": paused, "reason": "mended"})).send().ok();
    step(&merchant, "rollback", json!({"reason": "further"})).send().ok();
    assert_eq!(active(&merchant), json!(paused));
    whole(&merchant);
}

#[test]
fn a_retired_version_that_does_harm_to_its_open_cases_is_taken_back() {
    let made = tempfile::tempdir().unwrap();
    guests::package(made.path(), "trap", &guests::component("trap", "delay-policy"));
    let (_folder, policies) = policies_with(&[&made.path().join("trap")]);
    let data = tempfile::tempdir().unwrap();
    let server = Server::on(data.path(), &policies);
    let merchant = server.merchant(json!({"protection": {"error_streak": 5}}));
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].take();
    config["policies"] = json!({"delay": {"policy": "trap"}});
    merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().ok();
    (0..3).for_each(|n| _ = decide(&merchant, &format!("wt-{n}")));
    let good = bind(&merchant, 3_000);
    let again = |id: &str| merchant.decide(&delay("wt-0", id, LATE + HOUR));
    for id in ["2", "3"] {
        let decision = again(id);
        let sides = [&decision["policy"], &decision["rollout"]["beside"]["policy"]];
        assert!(sides.iter().any(|policy| policy["name"] == "trap"), "{decision}");
    }
    wait_for(|| !protected(&merchant).is_empty());
    assert_eq!((&protected(&merchant)[0]["measure"], active(&merchant)), (&json!("rolled-back"), json!(good)));
    assert_eq!(plan(&merchant)["taken_back"][0]["policy"], "trap");
    assert!(plan(&merchant)["earlier"].as_array().unwrap().iter().all(|id| id["policy"] != "trap"));
    // Its cases are the active version's, alone.
    let decision = again("4");
    assert_eq!((&decision["policy"]["version"], &decision["rollout"]), (&json!(good), &Value::Null));
    assert_eq!(protected(&merchant).len(), 1);
    whole(&merchant);
    drop(merchant);
    server.stop();
}

#[test]
fn a_retired_version_is_not_held_against_the_one_that_answers_now() {
    let merchant = shared().merchant(json!({"protection": quick(json!({"pause_last": true}))}));
    let generous = bind(&merchant, 3_000);
    decide_many(&merchant, "wg", 25);
    // Not found itself, for it is not let be: the merchant wants it so.
    configure(&merchant, quick(json!({"on": false})));
    let strict = bind(&merchant, STOPS_EVERYTHING);
    decide_many(&merchant, "wh", 25);
    wait_for(|| protected(&merchant).len() == 1);
    // An old case of the generous one goes on.
    merchant.decide(&delay("wg-0", "2", LATE + HOUR));
    merchant.decide(&delay("wg-1", "2", LATE + HOUR));
    decide_many(&merchant, "wi", 2);
    let acts = protected(&merchant);
    assert!(acts.iter().all(|act| act["version"]["version"] == json!(strict)), "{acts:?}");
    assert_eq!(plan(&merchant)["earlier"][0]["version"], json!(generous));
}
