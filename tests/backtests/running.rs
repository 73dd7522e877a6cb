//! Backtests under way: cancelled, waiting for each other, ended with the server; and candidates that were uploaded.

use std::time::Instant;

use ombud::service::{Options, Role, Service};
use ombud_core::call_limits::OperatorLimits;
use ombud_tests::guests;
use ombud_tests::server::{Merchant, Server, policies_with, wait_for};
use ombud_tests::uploads::{ended, form, policy};
use serde_json::{Value, json};

use super::{backtest, begin, counts, delay, paid};

/// Records of which each takes a looping candidate a good part of a second.
const RECORDS: usize = 40;
/// What it burns of each.
const FUEL: u64 = 1_000_000_000;

/// A server with a candidate that uses up its fuel.
fn with_slow(data: &std::path::Path) -> Server {
    let made = tempfile::tempdir().unwrap();
    let loops = guests::package(made.path(), "endless-loop", &guests::component("endless-loop", "delay-policy"));
    let (_folder, policies) = policies_with(&[&loops]);
    let limits = Some(OperatorLimits::parse(json!({"most": {"fuel_base": FUEL}}).to_string().as_bytes()).unwrap());
    Server::with(data, Options { policies: Some(policies), limits, ..Options::default() })
}

fn filled<'a>(server: &'a Server, own: &str) -> Merchant<'a> {
    // Limits of the record: so much fuel each decision has.
    let merchant = server.merchant(json!({"limits": {"fuel_base": FUEL}}));
    for at in 0..RECORDS {
        merchant.decide(&delay(&format!("{own}-{at}"), &format!("c_{own}{at}"), 30));
    }
    merchant
}

fn state(merchant: &Merchant<'_>, begun: &Value) -> Value {
    merchant.call(Role::MerchantAdmin, "GET", &format!("/backtests/{}", begun["id"].as_str().unwrap())).send().ok()
}

fn cancel(merchant: &Merchant<'_>, begun: &Value) -> u16 {
    merchant.call(Role::MerchantAdmin, "DELETE", &format!("/backtests/{}", begun["id"].as_str().unwrap())).send().status
}

#[test]
fn what_waits_or_runs_is_cancelled_and_ends_with_the_server() {
    let data = tempfile::tempdir().unwrap();
    let server = with_slow(data.path());
    let (merchant, other) = (filled(&server, "cancel"), filled(&server, "other"));
    let slow = json!({"policy": "endless-loop", "kind": "delay"});
    let (first, second) = (begin(&merchant, &slow), begin(&merchant, &slow));
    merchant.call(Role::MerchantAdmin, "POST", "/backtests").json(&slow).send().problem(429);
    // Merchants take turns: the other one's is the next, although it was asked for last.
    let others = begin(&other, &slow);
    wait_for(|| state(&merchant, &first)["state"] == "running");
    assert_eq!((&state(&merchant, &second)["state"], &state(&other, &others)["state"]), (&json!("queued"), &json!("queued")));
    assert_eq!(cancel(&merchant, &first), 204);
    wait_for(|| state(&merchant, &first)["state"] == "cancelled");
    let cancelled = state(&merchant, &first);
    assert_eq!(cancelled.get("report"), None, "{cancelled}");
    wait_for(|| state(&other, &others)["state"] == "running");
    assert_eq!(state(&merchant, &second)["state"], "queued");
    // One that waits is cancelled at once.
    assert_eq!(cancel(&merchant, &second), 204);
    assert_eq!(state(&merchant, &second)["state"], "cancelled");
    // Nobody cancels another merchant's.
    let theirs = format!("/backtests/{}", others["id"].as_str().unwrap());
    merchant.call(Role::MerchantAdmin, "DELETE", &theirs).send().problem(404);
    assert_eq!(state(&other, &others)["state"], "running");
    // A server that is stopped ends what runs, and lets go of its directory.
    let stopped = Instant::now();
    server.stop();
    wait_for(|| Service::open(data.path(), Options { policies: None, ..Options::default() }).is_ok());
    assert!(stopped.elapsed().as_secs() < 20, "{:?}", stopped.elapsed());
}

#[test]
fn an_uploaded_draft_is_a_candidate_before_it_decides_anything() {
    let merchant = super::server().merchant(json!({}));
    merchant.decide(&delay("draft-1", "c_draft1", 30));
    merchant.decide(&delay("draft-2", "c_draft2", 30));
    let parts: [(&str, &[u8]); 3] =
        [("component", &policy("delay")), ("settings", b"{\"ship_slight_value\": 4500}"), ("name", b"our-delays")];
    let (status, detail) = ended(&merchant, &form(&merchant, &parts).send());
    assert_eq!(status, 201, "{detail}");
    let version = merchant.call(Role::Agent, "GET", "/policies/our-delays/versions").send().ok()["versions"][0]["version"].clone();
    for request in [json!({"policy": "our-delays"}), json!({"policy": "our-delays", "version": version})] {
        let report = backtest(&merchant, &request);
        assert_eq!((counts(&report), &report["candidate"]["version"]), ([2, 0, 2, 0], &version));
        assert_eq!((paid(&report, "before"), paid(&report, "after")), ([0, 0, 6_000], [0, 0, 9_000]));
    }
    // Another merchant has no such version.
    let other = super::server().merchant(json!({}));
    let refused = other.call(Role::MerchantAdmin, "POST", "/backtests").json(&json!({"policy": "our-delays"})).send().problem(422);
    assert_eq!(ombud_tests::client::pointers(&refused), ["/policy"]);
}
