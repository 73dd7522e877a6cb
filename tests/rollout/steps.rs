//! Every step of a rollout, its conflicts, and what is on record of it.

use ombud::service::Role;
use ombud_tests::guests::root;
use ombud_tests::server::{Server, shared};
use serde_json::{Value, json};

use super::{LATE, bind, coupon, decide, delay, plan, replays, step, whole};

#[test]
fn a_version_is_activated_and_taken_back_with_the_next_event() {
    let merchant = shared().merchant(json!({}));
    let (old, new) = (bind(&merchant, 3_100), bind(&merchant, 4_200));
    assert_ne!(old, new);
    let first = decide(&merchant, "ac-1");
    assert_eq!((coupon(&first), &first["policy"]["version"]), (4_200, &json!(new)));
    assert!(first.get("rollout").is_none(), "the active version answered alone: {first}");
    // Back to the one before, in one call.
    let back = step(&merchant, "rollback", json!({"reason": "too dear"})).send().ok();
    assert_eq!(back["changed"], true);
    let second = decide(&merchant, "ac-2");
    assert_eq!((coupon(&second), &second["policy"]["version"]), (3_100, &json!(old)));
    let now = plan(&merchant);
    assert_eq!(now["active"]["version"], json!(old));
    assert_eq!((&now["taken_back"][0]["version"], &now["taken_back"][0]["reason"]), (&json!(new), &json!("too dear")));
    // A case that the bad version opened is judged by the one that answers now.
    let later = merchant.decide(&delay("ac-1", "2", LATE + 3_600_000));
    assert_eq!(later["policy"]["version"], json!(old));
    // A person may say that it is good after all; the same again changes nothing.
    let activate = || step(&merchant, "activate", json!({"version": new, "reason": "it was right"})).send().ok();
    assert_eq!((activate()["changed"].clone(), activate()["changed"].clone()), (json!(true), json!(false)));
    assert_eq!(coupon(&decide(&merchant, "ac-3")), 4_200);
    let states = plan(&merchant);
    assert_eq!((&states["taken_back"], &states["earlier"][0]["version"]), (&json!([]), &json!(old)));
    for decision in [&first, &second, &later] {
        replays(&merchant, decision);
    }
    // Who did what, and why, is in the ledger, with the change.
    let acts = merchant.call(Role::Auditor, "GET", "/acts?limit=200").send().ok();
    let acts: Vec<&Value> =
        acts["acts"].as_array().unwrap().iter().filter(|act| act["name"].as_str().unwrap().starts_with("rollout.")).collect();
    let names: Vec<&str> = acts.iter().map(|act| act["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["rollout.activated", "rollout.rolled-back"]);
    assert_eq!((&acts[1]["body"]["reason"], &acts[1]["by"]), (&json!("too dear"), &json!("the-merchant-admin")));
    assert_eq!(acts[1]["body"]["taken"][0]["version"], json!(new));
    // By name to any earlier version.
    let oldest = bind(&merchant, 1_000);
    step(&merchant, "rollback", json!({"to": old, "reason": "far back"})).send().ok();
    assert_eq!(
        (plan(&merchant)["active"]["version"].clone(), plan(&merchant)["taken_back"][0]["version"].clone()),
        (json!(old), json!(oldest))
    );
    whole(&merchant);
}

#[test]
fn a_canary_answers_its_share_and_keeps_its_customers() {
    let merchant = shared().merchant(json!({}));
    let (new, old) = (bind(&merchant, 4_300), bind(&merchant, 3_200));
    let canary = |share: u32| step(&merchant, "canary", json!({"version": new, "share_bp": share})).send().ok();
    let inside = |round: u32| -> Vec<bool> {
        let customers = 0..60;
        let ask = |n| {
            // The same customers with other orders.
            let mut event = delay(&format!("ca-{round}-{n}"), "1", LATE);
            event["data"]["customer_ref"] = format!("c_canary_{n}").into();
            let decision = merchant.decide(&event);
            let is_in = decision["policy"]["version"] == json!(new);
            assert_eq!(coupon(&decision), if is_in { 4_300 } else { 3_200 });
            assert_eq!(decision["rollout"]["stage"], if is_in { json!("canary") } else { Value::Null });
            if n % 20 == 0 {
                replays(&merchant, &decision);
            }
            is_in
        };
        customers.map(ask).collect()
    };
    canary(0);
    assert!(inside(1).iter().all(|is_in| !is_in), "nobody");
    canary(3_000);
    let some = inside(2);
    let count = some.iter().filter(|is_in| **is_in).count();
    assert!((5..35).contains(&count), "{count} of 60");
    assert_eq!(inside(3), some, "the same customers each time");
    canary(6_000);
    let more = inside(4);
    assert!(some.iter().zip(&more).all(|(before, after)| !before || *after), "who was in stays in");
    assert!(more.iter().filter(|is_in| **is_in).count() > count);
    canary(10_000);
    assert!(inside(5).iter().all(|is_in| *is_in), "everybody");
    assert_eq!(plan(&merchant)["active"]["version"], json!(old), "the active version is what it was");
    // Taken back, nobody is in.
    step(&merchant, "rollback", json!({"reason": "enough"})).send().ok();
    assert!(inside(6).iter().all(|is_in| !is_in));
    whole(&merchant);
}

#[test]
fn what_cannot_be_rolled_out_is_refused_and_changes_nothing() {
    let merchant = shared().merchant(json!({}));
    let (old, new) = (bind(&merchant, 3_300), bind(&merchant, 4_400));
    let before = merchant.call(Role::Auditor, "GET", "/rollout").send().ok();
    let acts = || merchant.call(Role::Auditor, "GET", "/acts?limit=200").send().ok()["acts"].as_array().unwrap().len();
    let known = acts();
    let missing = json!({"version": "9.9.9+00000000", "share_bp": 500, "reason": "r", "to": "9.9.9+00000000"});
    for (name, pointer) in [("activate", "/version"), ("canary", "/version"), ("shadow", "/version"), ("rollback", "/to")] {
        let mut body = missing.clone();
        let wanted: &[&str] = match name {
            "activate" | "shadow" => &["version"],
            "canary" => &["version", "share_bp"],
            _ => &["to", "reason"],
        };
        body.as_object_mut().unwrap().retain(|member, _| wanted.contains(&member.as_str()));
        let problem = step(&merchant, name, body).send().problem(422);
        assert_eq!(problem["problems"][0]["pointer"], pointer, "{problem}");
        let remedy = problem.to_string();
        assert!(remedy.contains(&old) && remedy.contains(&new), "it names the versions there are: {remedy}");
    }
    // Another policy's path, another kind, shares beyond everybody, no reason.
    merchant.call(Role::MerchantAdmin, "POST", "/policies/nothing/rollout/activate").json(&json!({"version": new})).send().problem(404);
    step(&merchant, "activate", json!({"version": old, "kind": "reply"})).send().problem(409);
    step(&merchant, "activate", json!({"version": old, "kind": "ops"})).send().problem(422);
    for share in [json!(10_001), json!(-1), json!(0.5), json!("5%"), Value::Null] {
        step(&merchant, "canary", json!({"version": old, "share_bp": share})).send().problem(422);
    }
    for reason in [json!(""), Value::Null] {
        step(&merchant, "rollback", json!({"reason": reason})).send().problem(422);
        step(&merchant, "pause", json!({"reason": reason})).send().problem(422);
    }
    // What contradicts the plan says what to do.
    let conflict = |name: &str, body: Value| step(&merchant, name, body).send().problem(409)["detail"].as_str().unwrap().to_owned();
    assert!(conflict("canary", json!({"version": new, "share_bp": 500})).contains("answers every customer already"));
    assert!(conflict("shadow", json!({"version": new})).contains("nothing to compare it with"));
    assert!(conflict("resume", json!({"reason": "r"})).contains("is not paused"));
    assert_eq!(merchant.call(Role::Auditor, "GET", "/rollout").send().ok(), before);
    assert_eq!(acts(), known, "a refused step is no act; looks are recorded once an hour");
    step(&merchant, "canary", json!({"version": old, "share_bp": 500})).send().ok();
    let third = bind(&merchant, 5_500);
    assert!(conflict("canary", json!({"version": new, "share_bp": 500})).contains("activate it or roll it back first"));
    assert!(conflict("shadow", json!({"version": old})).contains("roll it back first"));
    assert_eq!(plan(&merchant)["active"]["version"], json!(third));
    whole(&merchant);
}

#[test]
fn a_plan_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let policies = root().join("policies");
    let server = Server::on(folder.path(), &policies);
    let merchant = server.merchant(json!({}));
    let (new, old) = (bind(&merchant, 4_500), bind(&merchant, 3_400));
    step(&merchant, "canary", json!({"version": new, "share_bp": 2_500})).send().ok();
    step(&merchant, "pause", json!({"version": old, "reason": "look at it"})).send().ok();
    let (id, before) = (merchant.id.clone(), merchant.call(Role::Auditor, "GET", "/rollout").send().ok());
    drop(merchant);
    server.stop();
    let server = Server::on(folder.path(), &policies);
    let after = server.call("GET", &format!("/v1/merchants/{id}/rollout")).key(&server.operator).send().ok();
    assert_eq!(after, before);
    server.stop();
}
