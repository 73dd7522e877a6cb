//! Hostile policies bound to a merchant: their fault is an answer, on record, and nobody else's trouble.

use ombud::service::Role;
use ombud_tests::client::pointers;
use ombud_tests::events::{event, refund, set};
use ombud_tests::guests::{self, package};
use ombud_tests::ledger;
use ombud_tests::server::{Merchant, Server, policies_with, rules};
use serde_json::json;

/// Guests of the world `delay-policy`, each with the fault that it ends in.
const HOSTILE: [(&str, &str); 9] = [
    ("endless-loop", "fuel"),
    ("deep-recursion", "stack"),
    ("memory-hog", "memory"),
    ("exhausts-tables", "memory"),
    ("trap", "trap"),
    ("ill-formed-ruling", "output"),
    ("bad-enum", "output"),
    ("huge-ruling", "output"),
    ("log-flood", "log"),
];

/// A server with every hostile guest, and with packages that cannot be loaded, beside the real policies.
fn server() -> &'static Server {
    static SERVER: std::sync::OnceLock<Server> = std::sync::OnceLock::new();
    SERVER.get_or_init(|| {
        let made = tempfile::tempdir().unwrap();
        for (name, _) in HOSTILE {
            package(made.path(), name, &guests::component(name, "delay-policy"));
        }
        let whole = guests::component("trap", "delay-policy");
        package(made.path(), "truncated", &whole[..whole.len() / 2]);
        package(made.path(), "core-module", &wat::parse_str("(module)").unwrap());
        package(
            made.path(),
            "wants-a-clock",
            &wat::parse_str(r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance)))"#).unwrap(),
        );
        package(made.path(), "wrong-world", &wat::parse_str("(component)").unwrap());
        package(made.path(), "tampered", &whole);
        std::fs::write(made.path().join("tampered/p.wasm"), b"something else").unwrap();
        package(made.path(), "no-manifest", &whole);
        std::fs::write(made.path().join("no-manifest/policy.toml"), "name = ").unwrap();
        let packages: Vec<_> = std::fs::read_dir(made.path()).unwrap().flatten().map(|entry| entry.path()).collect();
        let (folder, policies) = policies_with(&packages.iter().map(std::path::PathBuf::as_path).collect::<Vec<_>>());
        let server = Server::start(tempfile::tempdir().unwrap(), &policies);
        drop((folder, made));
        server
    })
}

fn with_policy(name: &str) -> Merchant<'static> {
    server().merchant(json!({"policies": {"delay": {"policy": name}}}))
}

#[test]
fn a_fault_is_an_answer_on_record() {
    for (name, code) in HOSTILE {
        let merchant = with_policy(name);
        let late = event("delay.detected", name);
        let decision = merchant.decide(&late);
        assert_eq!((&decision["fault"]["code"], &decision["fault"]["of"]), (&json!(code), &json!("policy")), "{name}: {decision}");
        assert!(decision["fault"]["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{name}");
        // The kind's fallback: a person, and no money.
        assert_eq!(
            (&decision["outcome"], &decision["disposition"], &decision["guardrail"]),
            (&json!("human-review"), &json!("human-review"), &json!("skipped"))
        );
        assert_eq!(decision["amounts"], json!({"refund": 0, "cash": 0, "coupon": 0}), "{name}");
        assert_eq!(rules(&decision), ["HOST-FALLBACK"], "{name}");
        assert_eq!(decision["policy"]["name"], name);
        // Once is once, for faults as well, and the same fault comes again.
        assert_eq!(merchant.decide(&late), decision, "{name}");
        assert_eq!(merchant.records(), 1);
        let replay = merchant.call(Role::Auditor, "POST", &format!("/decisions/{}/replay", decision["id"].as_str().unwrap())).send().ok();
        assert_eq!((&replay["identical"], &replay["fuel_now"]), (&json!(true), &replay["fuel_recorded"]), "{name}: {replay}");
        // The merchant's other kinds are decided as ever.
        assert_eq!(merchant.decide(&refund(name, "c_other_kind", 1_000))["outcome"], "approve-refund-only");
        ledger::gap_free(&server().data, &merchant.id);
    }
}

#[test]
fn the_fallback_is_the_merchants() {
    let merchant = server().merchant(json!({"policies": {"delay": {"policy": "trap"}}, "fallback": {"delay": "escalate"}}));
    assert_eq!(merchant.decide(&event("delay.detected", "fallback"))["outcome"], "escalate");
}

#[test]
fn a_merchant_with_hostile_policies_does_not_hold_up_another() {
    let (hostile, quiet) = (with_policy("endless-loop"), server().merchant(json!({})));
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (hostile, stop) = (&hostile, &stop);
            scope.spawn(move || {
                for at in 0.. {
                    if stop.load(std::sync::atomic::Ordering::Relaxed) {
                        return;
                    }
                    let decision = hostile.decide(&event("delay.detected", &format!("hog-{thread}-{at}")));
                    assert_eq!(decision["fault"]["code"], "fuel");
                }
            });
        }
        for at in 0..20 {
            let mut late = event("delay.detected", &format!("quiet-{at}"));
            set(&mut late, "/data/delay/already", json!([]));
            assert_eq!(quiet.decide(&late)["outcome"], "compensate");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    ledger::gap_free(&server().data, &quiet.id);
    assert_eq!(quiet.records(), 20);
    ledger::gap_free(&server().data, &hostile.id);
}

#[test]
fn what_cannot_be_loaded_is_bound_to_nobody_and_stops_nobody() {
    let merchant = server().merchant(json!({}));
    for name in ["truncated", "core-module", "wants-a-clock", "wrong-world", "tampered", "no-manifest"] {
        let config = json!({"id": merchant.id, "shop_id": "1", "platform": "douyin", "policies": {"delay": {"policy": name}}});
        let refused = merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().problem(422);
        assert_eq!(pointers(&refused), ["/policies/delay/policy"], "{name}");
    }
    let policies = merchant.call(Role::MerchantAdmin, "GET", "/policies").send().ok();
    assert!(policies.as_array().unwrap().iter().all(|policy| policy["status"] == "loaded"), "{policies}");
    assert!(merchant.decide(&event("delay.detected", "still")).get("fault").is_none());
}
