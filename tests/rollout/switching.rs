//! Versions switched under load: no decision is lost, none is of two versions, and each is in the ledger as it was answered.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ombud::service::Role;
use ombud_tests::server::{shared, wait_for};
use serde_json::{Value, json};

use super::{LATE, bind, coupon, delay, step};

#[test]
fn versions_switched_under_load_leave_every_decision_whole() {
    let merchant = shared().merchant(json!({"caps": {"merchant_day_goodwill_fen_max": 1_000_000_000_i64}}));
    let values = [3_001, 3_002, 3_003];
    let versions = values.map(|value| bind(&merchant, value));
    let (done, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let decisions: Vec<Value> = std::thread::scope(|scope| {
        let client = |lane: usize| {
            let (merchant, done, asked) = (&merchant, &done, &asked);
            move || {
                let mut made = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    let n = asked.fetch_add(1, Ordering::Relaxed);
                    made.push(merchant.decide(&delay(&format!("sw-{lane}-{n}"), "1", LATE)));
                }
                made
            }
        };
        let clients: Vec<_> = (0..4).map(|lane| scope.spawn(client(lane))).collect();
        for round in 0..30 {
            let version = &versions[round % 3];
            let name = ["activate", "rollback", "canary"][round % 3];
            let body = match name {
                "activate" => json!({"version": version, "reason": "load"}),
                "rollback" => json!({"to": version, "reason": "load"}),
                _ => json!({"version": version, "share_bp": 5_000}),
            };
            let reply = step(&merchant, name, body).send();
            assert!(matches!(reply.status, 200 | 409), "{}", reply.text());
            // However fast the switches are, decisions come between them.
            let from = asked.load(Ordering::Relaxed);
            wait_for(|| asked.load(Ordering::Relaxed) > from + 4);
        }
        done.store(true, Ordering::Relaxed);
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    assert!(decisions.len() >= 30, "{} decisions", decisions.len());
    for decision in &decisions {
        let at = versions.iter().position(|version| decision["policy"]["version"] == json!(version)).expect("one of the three");
        assert_eq!(coupon(decision), values[at], "the version that it names is the one that ruled");
        assert!(decision.get("fault").is_none(), "{decision}");
    }
    let seen: std::collections::BTreeSet<&str> = decisions.iter().map(|own| own["policy"]["version"].as_str().unwrap()).collect();
    assert!(seen.len() > 1, "the switches were felt");
    assert_eq!(merchant.decisions("").len(), decisions.len(), "none is lost");
    // However many there were, and however many fit into one request.
    let (mut identical, mut cursor) = (0, Some(Value::Null));
    while let Some(from) = cursor {
        let report = merchant.call(Role::Auditor, "POST", "/replays").json(&json!({"cursor": from})).send().ok();
        assert_eq!(report["diverging"], json!([]), "{report}");
        identical += report["identical"].as_u64().unwrap();
        cursor = report.get("cursor").filter(|cursor| !cursor.is_null()).cloned();
    }
    assert_eq!(identical, decisions.len() as u64);
}
