//! Who sets the limits, over HTTP and over restarts.

use std::path::Path;

use ombud::service::{Options, Role};
use ombud_core::call_limits::OperatorLimits;
use ombud_ledger::Entry;
use ombud_tests::client::pointers;
use ombud_tests::events::event;
use ombud_tests::guests::root;
use ombud_tests::ledger;
use ombud_tests::server::{Merchant, Server, only, shared};
use serde_json::{Value, json};

fn config(merchant: &Merchant<'_>, limits: &Value) -> Value {
    json!({"id": merchant.id, "shop_id": "10437917", "platform": "douyin", "limits": limits})
}

/// Sets a merchant's limits as its administrator.
fn put(merchant: &Merchant<'_>, limits: &Value) -> Value {
    merchant.call(Role::MerchantAdmin, "PUT", "").json(&config(merchant, limits)).send().ok()
}

fn refused(merchant: &Merchant<'_>, limits: &Value) -> Value {
    merchant.call(Role::MerchantAdmin, "PUT", "").json(&config(merchant, limits)).send().problem(422)
}

fn acts(merchant: &Merchant<'_>, name: &str) -> Vec<Value> {
    let acts = merchant.call(Role::MerchantAdmin, "GET", "/acts?limit=200").send().ok()["acts"].as_array().unwrap().clone();
    acts.into_iter().filter(|act| act["name"] == name).collect()
}

/// Fuel that the policy of a recorded decision used.
fn policy_fuel(merchant: &Merchant<'_>, decision: &Value) -> u64 {
    let header = ledger::header(&merchant.server.data, &merchant.id, decision["seq"].as_u64().unwrap());
    let Entry::Decision(entry) = header.entry else { panic!("{decision}") };
    entry.policy.unwrap().call.fuel
}

#[track_caller]
fn identical(server: &Server, merchant: &str, decision: &Value) {
    let path = format!("/v1/merchants/{merchant}/decisions/{}/replay", decision["id"].as_str().unwrap());
    let replay = server.call("POST", &path).key(&server.operator).send().ok();
    assert_eq!((&replay["identical"], &replay["fuel_now"]), (&json!(true), &replay["fuel_recorded"]), "{replay}");
}

fn server(data: &Path, limits: Option<Value>) -> Server {
    let limits = limits.map(|limits| OperatorLimits::parse(limits.to_string().as_bytes()).unwrap());
    Server::with(data, Options { policies: Some(root().join("policies")), limits, ..Options::default() })
}

#[test]
fn a_merchant_asks_within_the_operators_bounds_and_no_further() {
    let merchant = shared().merchant(json!({}));
    let view = put(&merchant, &json!({"fuel_base": 50_000_000, "log_bytes_max": 100}));
    assert_eq!((&view["limits"]["in_force"]["fuel_base"], &view["limits"]["in_force"]["log_bytes_max"]), (&json!(50_000_000), &json!(100)));
    assert_eq!((&view["limits"]["in_force"]["deadline_ms"], &view["limits"]["most"]["log_bytes_max"]), (&json!(2_000), &json!(16_384)));
    let changed = acts(&merchant, "limits.changed");
    assert_eq!(changed.len(), 1);
    let body = &changed[0]["body"];
    assert_eq!((&body["from"], &body["to"]), (&json!({}), &json!({"fuel_base": 50_000_000, "log_bytes_max": 100})));
    assert_eq!((&body["actor"], &body["role"]), (&json!("the-merchant-admin"), &json!("merchant-admin")));

    // One more than the operator allows: every one of them by its place, with the bound, and nothing changes.
    let problem = refused(&merchant, &json!({"fuel_base": 50_000_001, "memory_bytes_max": 67_108_865, "log_bytes_max": 16_384}));
    assert_eq!(pointers(&problem), ["/limits/fuel_base", "/limits/memory_bytes_max"]);
    assert!(problem.to_string().contains("at most 50000000") && problem.to_string().contains("at most 67108864"), "{problem}");
    // The operator's own hand goes no further: the bound is in the file.
    let by_operator = merchant.server.call("PUT", &format!("/v1/merchants/{}", merchant.id)).key(&merchant.server.operator);
    let problem = by_operator.json(&config(&merchant, &json!({"deadline_ms": 2_001}))).send().problem(422);
    assert_eq!(pointers(&problem), ["/limits/deadline_ms"]);
    // Below what is possible at all, unknown, and of the wrong type.
    let problem = refused(&merchant, &json!({"fuel_base": 999, "stack_bytes": 1, "deadline_ms": "soon"}));
    assert_eq!(pointers(&problem), ["/limits/deadline_ms", "/limits/fuel_base", "/limits/stack_bytes"]);
    assert_eq!(acts(&merchant, "limits.changed").len(), 1, "what is refused is no act");
    assert_eq!(merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["limits"], view["limits"]);
}

#[test]
fn limits_under_which_a_policy_takes_no_settings_are_refused() {
    let merchant = shared().merchant(json!({}));
    let problem = refused(&merchant, &json!({"memory_bytes_max": 65_536}));
    assert_eq!(pointers(&problem), ["/limits"; 4]);
    assert!(problem.to_string().contains("are too low for the policy of delay: memory"), "{problem}");
    assert!(merchant.decide(&event("delay.detected", "still-well")).get("fault").is_none());
}

#[test]
fn a_merchants_limits_are_its_own_to_the_unit_of_fuel() {
    let (tight, other) = (shared().merchant(json!({})), shared().merchant(json!({})));
    // The least fuel that is enough for an event, found without recording anything.
    let enough = |event: &Value| {
        let faults = |fuel: u64| {
            put(&tight, &json!({"fuel_base": fuel, "fuel_per_event_byte": 0}));
            only(&tight.call(Role::Agent, "POST", "/preview").event(event).send().ok()).get("fault").is_some()
        };
        let (mut low, mut high) = (1_000, 50_000_000);
        while low < high {
            let middle = u64::midpoint(low, high);
            if faults(middle) { low = middle + 1 } else { high = middle }
        }
        low
    };
    let with = |fuel: u64, event: &Value| {
        put(&tight, &json!({"fuel_base": fuel, "fuel_per_event_byte": 0}));
        tight.decide(event)
    };
    let (one, another) = (event("delay.detected", "one"), event("delay.detected", "another"));
    let beyond = with(enough(&one) - 1, &one);
    assert_eq!(
        (&beyond["fault"]["code"], &beyond["fault"]["of"], &beyond["outcome"]),
        (&json!("fuel"), &json!("policy"), &json!("human-review"))
    );
    // The guardrail has what the operator gives: it reviewed, on more fuel than the merchant's policies have.
    let within = with(enough(&another), &another);
    assert_eq!((within.get("fault"), &within["guardrail"]), (None, &json!("uphold")), "{within}");
    // Nobody else notices, and the limits that were in force then make the replay.
    assert!(other.decide(&one).get("fault").is_none());
    put(&tight, &json!({}));
    for decision in [&beyond, &within] {
        identical(tight.server, &tight.id, decision);
    }
    assert!(tight.decide(&event("delay.detected", "as-before")).get("fault").is_none());
}

#[test]
fn the_operators_limits_are_kept_recorded_and_clamp_what_merchants_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let raised = json!({"default": {"log_bytes_max": 200}, "most": {"log_bytes_max": 1_000_000, "fuel_base": 100_000_000}});
    let running = server(data.path(), Some(raised));
    let merchant = running.merchant(json!({"limits": {"log_bytes_max": 900_000}}));
    let (id, quiet) = (merchant.id.clone(), running.merchant(json!({})).id);
    let plenty = merchant.decide(&event("delay.detected", "plenty"));
    assert!(plenty.get("fault").is_none(), "{plenty}");
    let fuel = policy_fuel(&merchant, &plenty);
    let in_force = |server: &Server, id: &str, limit: &str| {
        server.call("GET", &format!("/v1/merchants/{id}")).key(&server.operator).send().ok()["limits"]["in_force"][limit].clone()
    };
    assert_eq!((in_force(&running, &id, "log_bytes_max"), in_force(&running, &quiet, "log_bytes_max")), (json!(900_000), json!(200)));
    drop(running);

    // Without a file they hold as they were.
    let running = server(data.path(), None);
    assert_eq!((in_force(&running, &id, "log_bytes_max"), in_force(&running, &quiet, "log_bytes_max")), (json!(900_000), json!(200)));
    drop(running);

    // With less for everybody: who asked for more has the new bound, and what was decided replays under its own limits.
    let running = server(data.path(), Some(json!({"default": {"log_bytes_max": 100, "fuel_base": fuel - 1, "fuel_per_event_byte": 0}})));
    assert_eq!((in_force(&running, &id, "log_bytes_max"), in_force(&running, &id, "fuel_base")), (json!(100), json!(fuel - 1)));
    let agent =
        running.call("POST", &format!("/v1/merchants/{id}/keys")).key(&running.operator).json(&json!({"role": "agent", "label": "late"}));
    let key = agent.send().with(201)["secret"].as_str().unwrap().to_owned();
    let answer =
        running.call("POST", &format!("/v1/merchants/{id}/events")).key(&key).event(&event("delay.detected", "starved")).send().ok();
    let starved = answer["decisions"][0].clone();
    assert_eq!(starved["fault"]["code"], "fuel", "{starved}");
    identical(&running, &id, &plenty);
    identical(&running, &id, &starved);
    drop(running);

    let running = server(data.path(), Some(json!({})));
    identical(&running, &id, &starved);
    let acts = running.call("GET", "/v1/acts?limit=200").key(&running.operator).send().ok()["acts"].as_array().unwrap().clone();
    let changes: Vec<&Value> = acts.iter().filter(|act| act["name"] == "operator-limits.changed").collect();
    assert_eq!(changes.len(), 3, "each change once");
    assert_eq!(
        (&changes[0]["body"]["from"]["default"]["log_bytes_max"], &changes[0]["body"]["to"]["default"]["log_bytes_max"]),
        (&json!(100), &json!(16_384))
    );
}
