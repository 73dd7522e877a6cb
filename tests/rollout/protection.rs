//! A version that does harm is taken back by itself, once, with the reason on record and announced.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use ombud::service::{Options, Role};
use ombud_core::call_limits::OperatorLimits;
use ombud_tests::guests::{self, package};
use ombud_tests::server::{Merchant, Server, policies_with, wait_for};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{bind, decide, plan, replays, step, whole};

/// What came in at a webhook of one's own.
pub(crate) fn webhook() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&seen);
    std::thread::spawn(move || {
        for (at, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
            let (mut request, mut buffer) = (Vec::new(), [0; 4_096]);
            while !is_whole(&request)
                && let Ok(read @ 1..) = stream.read(&mut buffer)
            {
                request.extend_from_slice(&buffer[..read]);
            }
            // The first attempt fails: it is tried again.
            let status = if at == 0 { "503 Busy" } else { "204 No Content" };
            stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes()).unwrap();
            if at > 0 {
                all.lock().unwrap().push(String::from_utf8(request).unwrap());
            }
        }
    });
    (url, seen)
}

/// Whether a request has come to its end, as its head says where that is.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).map_or(0, |length| length.trim().parse().unwrap());
    let body = request.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    request.len() >= body + length
}

/// Binds the guest that traps.
fn bind_trap(merchant: &Merchant<'_>) {
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].take();
    config["policies"] = json!({"delay": {"policy": "trap"}});
    merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().ok();
}

#[test]
fn a_version_that_faults_in_a_row_is_taken_back_and_stays_back() {
    let made = tempfile::tempdir().unwrap();
    package(made.path(), "trap", &guests::component("trap", "delay-policy"));
    let (_folder, policies) = policies_with(&[&made.path().join("trap")]);
    let data = tempfile::tempdir().unwrap();
    let (url, seen) = webhook();
    let server = Server::with(data.path(), Options { policies: Some(policies), webhook: Some(url), ..Options::default() });
    let merchant = server.merchant(json!({"protection": {"error_streak": 5}}));
    let good = bind(&merchant, 3_000);
    assert_eq!(decide(&merchant, "pr-0")["policy"]["version"], json!(good));
    bind_trap(&merchant);
    let faults: Vec<Value> = (0..5).map(|n| decide(&merchant, &format!("pr-bad-{n}"))).collect();
    for fault in &faults {
        assert_eq!(fault["fault"]["code"], "trap");
    }
    wait_for(|| plan(&merchant)["active"]["version"] == json!(good));
    let now = plan(&merchant);
    assert_eq!((&now["taken_back"][0]["policy"], &now["taken_back"][0]["by"]), (&json!("trap"), &json!("protection")));
    assert_eq!(now["taken_back"][0]["reason"], "5 faults in a row");
    let after = decide(&merchant, "pr-1");
    assert_eq!((&after["policy"]["version"], after.get("fault")), (&json!(good), None));
    // Nothing flaps: a rollback goes further back, never to what was taken back.
    step(&merchant, "rollback", json!({"reason": "further"})).send().ok();
    assert_eq!(plan(&merchant)["active"]["policy"], "delay");
    step(&merchant, "activate", json!({"version": good})).send().ok();
    // On record, as the host's act.
    let acts = merchant.call(Role::Auditor, "GET", "/acts?act=rollout.protected").send().ok();
    let acts = acts["acts"].as_array().unwrap();
    assert_eq!(acts.len(), 1, "once");
    assert_eq!((&acts[0]["by"], &acts[0]["body"]["measure"]), (&json!("protection"), &json!("rolled-back")));
    assert_eq!(acts[0]["body"]["finding"], json!({"why": "error-streak", "faults": 5}));
    let metrics = server.call("GET", "/metrics").key(&server.operator).send().text();
    assert!(metrics.contains("ombud_protection_acts_total{act=\"rolled-back\"} 1"), "{metrics}");
    // Announced, after a first attempt that failed, and signed.
    wait_for(|| !seen.lock().unwrap().is_empty());
    let request = seen.lock().unwrap()[0].clone();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_lowercase().starts_with(name)).unwrap_or_else(|| panic!("{name} in {head}"));
        line.split_once(": ").unwrap().1.to_owned()
    };
    let secret = std::fs::read(data.path().join("webhook.key")).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
    mac.update(format!("{}.{}.{body}", header("webhook-id"), header("webhook-timestamp")).as_bytes());
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(header("webhook-signature"), format!("v1,{signature}"));
    let taken = "ombud_webhook_announcements_total{result=\"taken\"} 1";
    wait_for(|| server.call("GET", "/metrics").key(&server.operator).send().text().contains(taken));
    let event: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (&event["type"], &event["subject"], &event["data"]["measure"]),
        (&json!("ombud.protection"), &json!(merchant.id), &json!("rolled-back"))
    );
    for decision in faults.iter().chain([&after]) {
        replays(&merchant, decision);
    }
    // A person may bring it back, and is protected again.
    let trap = now["taken_back"][0]["version"].as_str().unwrap();
    let path = "/policies/trap/rollout/activate";
    merchant.call(Role::MerchantAdmin, "POST", path).json(&json!({"version": trap, "reason": "try again"})).send().ok();
    (0..5).for_each(|n| _ = decide(&merchant, &format!("pr-again-{n}")));
    wait_for(|| plan(&merchant)["active"]["version"] == json!(good));
    whole(&merchant);
    drop(merchant);
    server.stop();
}

#[test]
fn with_nothing_before_it_a_version_is_paused_only_where_the_merchant_wants_that() {
    let made = tempfile::tempdir().unwrap();
    package(made.path(), "trap", &guests::component("trap", "delay-policy"));
    let (_folder, policies) = policies_with(&[&made.path().join("trap")]);
    let data = tempfile::tempdir().unwrap();
    let server = Server::with(data.path(), Options { policies: Some(policies), ..Options::default() });
    for (settings, measure, code) in [
        (json!({"error_streak": 3}), "announced", "trap"),
        (json!({"error_streak": 3, "pause_last": true}), "paused", "paused"),
        (json!({"error_streak": 3, "pause_last": true, "on": false}), "announced", "trap"),
    ] {
        let merchant = server.merchant(json!({"protection": settings, "policies": {"delay": {"policy": "trap"}}}));
        (0..3).for_each(|n| _ = decide(&merchant, &format!("{}-{n}", merchant.id)));
        let acts = || merchant.call(Role::Auditor, "GET", "/acts?act=rollout.protected").send().ok()["acts"].as_array().unwrap().clone();
        wait_for(|| acts().len() == 1);
        assert_eq!(acts()[0]["body"]["measure"], measure);
        wait_for(|| decide(&merchant, &format!("{}-after-{}", merchant.id, merchant.records()))["fault"]["code"] == code);
        assert_eq!(acts().len(), 1, "it is said once");
        whole(&merchant);
    }
    // Beyond the bounds nothing is taken.
    let merchant = server.merchant(json!({}));
    for wrong in [json!({"error_streak": 2}), json!({"error_streak": 1_001}), json!({"sample_min": 19}), json!({"unknown": 1})] {
        let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].take();
        config["protection"] = wrong;
        merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().problem(422);
    }
    drop(merchant);
    server.stop();
}

/// A service that lets a call run for as long as the clock says, with one more policy of delays.
fn patient(data: &std::path::Path, name: &str, component: &[u8], deadline_ms: u64) -> (tempfile::TempDir, Server) {
    let made = tempfile::tempdir().unwrap();
    package(made.path(), name, component);
    let (folder, policies) = policies_with(&[&made.path().join(name)]);
    let limits = json!({"default": {"fuel_base": 10_000_000_000_u64, "deadline_ms": deadline_ms}});
    let limits = OperatorLimits::parse(limits.to_string().as_bytes()).unwrap();
    (folder, Server::with(data, Options { policies: Some(policies), limits: Some(limits), ..Options::default() }))
}

#[test]
fn a_version_that_meets_its_deadline_is_taken_back() {
    let data = tempfile::tempdir().unwrap();
    let (_folder, server) = patient(data.path(), "late", &guests::component("endless-loop", "delay-policy"), 2_000);
    let merchant = server.merchant(json!({"protection": {"deadline_hits": 2}, "limits": {"deadline_ms": 300}}));
    let good = bind(&merchant, 3_000);
    assert!(decide(&merchant, "late-0").get("fault").is_none());
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].take();
    config["policies"] = json!({"delay": {"policy": "late"}});
    merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().ok();
    for n in 1..=2 {
        assert_eq!(decide(&merchant, &format!("late-{n}"))["fault"]["code"], "deadline");
    }
    // For a moment it is waited for what others say of the machine; nobody else is asked here.
    let mut more = 0;
    wait_for(|| {
        more += 1;
        decide(&merchant, &format!("late-more-{more}"));
        plan(&merchant)["active"]["version"] == json!(good)
    });
    let taken = &plan(&merchant)["taken_back"][0];
    assert!(taken["reason"].as_str().unwrap().ends_with(" calls met the deadline"), "{taken}");
    drop(merchant);
    server.stop();
}

#[test]
fn a_machine_that_is_slow_for_everybody_is_held_against_nobody() {
    // Its guest works for a tenth of a second and longer, and then fails for reasons of its own.
    let text = guests::text("endless-loop");
    let work =
        "(loop $work (local.set 1 (i32.add (local.get 1) (i32.const 1))) (br_if $work (i32.lt_u (local.get 1) (i32.const 300000000))))";
    let text = text
        .replace("(loop $for_ever (br $for_ever))", work)
        .replace("(param i32) (result i32)\n    (loop", "(param i32) (result i32) (local i32)\n    (loop");
    let data = tempfile::tempdir().unwrap();
    let (_folder, server) = patient(data.path(), "works", &guests::component_of("works", "delay-policy", &text), 10_000);
    let protection = json!({"deadline_hits": 3, "error_streak": 1_000, "fault_share_bp": 10_000, "sample_min": 10_000});
    let merchants: Vec<Merchant<'_>> = (0..3).map(|_| server.merchant(json!({"protection": protection}))).collect();
    let configure = |merchant: &Merchant<'_>, policy: &str, deadline_ms: u64| {
        let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].take();
        config["policies"] = json!({"delay": {"policy": policy}});
        config["limits"] = json!({"deadline_ms": deadline_ms});
        merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().ok();
    };
    let codes = |merchant: &Merchant<'_>, name: &str, count: usize| -> Vec<String> {
        let code = |n| decide(merchant, &format!("{name}-{n}"))["fault"]["code"].as_str().unwrap().to_owned();
        (0..count).map(code).collect()
    };
    let policy = |merchant: &Merchant<'_>| plan(merchant)["active"]["policy"].clone();
    for merchant in &merchants {
        bind(merchant, 3_000);
        configure(merchant, "works", 10_000);
        assert_eq!(codes(merchant, "calm", 2), ["trap"; 2]);
        // The clock of everybody runs faster now, as it does on a machine that is slow.
        configure(merchant, "works", 40);
    }
    for round in 0..4 {
        for merchant in &merchants {
            assert_eq!(codes(merchant, &format!("slow-{round}"), 1), ["deadline"]);
        }
    }
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    for merchant in &merchants {
        assert_eq!((codes(merchant, "settled", 1), policy(merchant)), (vec!["deadline".to_owned()], json!("works")));
    }
    // For the others it is as fast as ever again: now it is the version's.
    for merchant in &merchants[1..] {
        configure(merchant, "works", 10_000);
        assert_eq!(codes(merchant, "fast", 10), ["trap"; 10]);
    }
    codes(&merchants[0], "own", 4);
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    let mut more = 0;
    wait_for(|| {
        more += 1;
        decide(&merchants[0], &format!("more-{more}"));
        policy(&merchants[0]) == "delay"
    });
    assert!(merchants[1..].iter().all(|merchant| policy(merchant) == "works"));
    drop(merchants);
    server.stop();
}

#[test]
fn a_policy_that_is_slow_to_take_its_settings_keeps_nobody_from_changes() {
    // Its `prepare` runs until the clock ends it.
    let text = guests::text("endless-loop");
    let (before, after) = text.split_once("(i32.store (local.get $at) (i32.const 0))").expect("where settings are taken");
    let text = format!("{before}(loop $for_ever (br $for_ever)){after}");
    let data = tempfile::tempdir().unwrap();
    let (_folder, server) = patient(data.path(), "slow", &guests::component_of("slow", "delay-policy", &text), 10_000);
    let (slow, other) = (server.merchant(json!({})), server.merchant(json!({})));
    std::thread::scope(|scope| {
        let mut config = slow.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].take();
        config["policies"] = json!({"delay": {"policy": "slow"}});
        let bound = scope.spawn(move || slow.call(Role::MerchantAdmin, "PUT", "").json(&config).send().problem(422));
        std::thread::sleep(std::time::Duration::from_millis(500));
        let own =
            |name: &str| other.call(Role::MerchantAdmin, "POST", &format!("/rollout/{name}")).json(&json!({"reason": "now"})).send().ok();
        assert_eq!((own("pause")["changed"].clone(), own("resume")["changed"].clone()), (json!(true), json!(true)));
        bind(&other, 3_000);
        assert!(!bound.is_finished(), "the slow one still runs");
        assert_eq!(bound.join().unwrap()["problems"][0]["pointer"], "/policies/delay/settings");
    });
    drop(other);
    server.stop();
}
