//! `serve --limits`: the operator's limits from a file, kept with the directory, and what merchants may ask for.

use serde_json::{Value, json};

use super::run::{Served, folder, ombud_in, root};

#[test]
fn a_file_that_is_wrong_starts_no_server_and_says_why() {
    let data = folder();
    let file = data.path().join("limits.toml");
    let serve = ["serve", "--data", "DATA/d", "--listen", "127.0.0.1:0", "--limits", "DATA/limits.toml"];
    ombud_in(data.path(), &serve).exits(2).complains("limits.toml");
    for (text, says) in [
        ("[default\n", "is not TOML"),
        ("[default]\nfuel_base = 999\n", "/default/fuel_base"),
        ("[most]\ndeadline_ms = 10001\n", "/most/deadline_ms"),
        ("[default]\nstack_bytes = 1\n", "/default/stack_bytes"),
        ("[load]\ncompile_cpu_s = 0\n", "/load/compile_cpu_s"),
        ("[protection]\nerror_streak = 2\n", "/protection/error_streak"),
        ("[protection]\non = true\n", "/protection/on"),
        ("[default]\nlog_bytes_max = 101\n[most]\nlog_bytes_max = 100\n", "is above /most/log_bytes_max, 100"),
    ] {
        std::fs::write(&file, text).unwrap();
        ombud_in(data.path(), &serve).exits(2).complains(says);
        assert!(!data.path().join("d").exists(), "nothing was begun");
    }
}

#[test]
fn the_operators_limits_bound_what_merchants_ask_for_with_and_without_a_server() {
    let data = folder();
    let file = data.write(
        "limits.toml",
        "[default]\nlog_bytes_max = 100\n[most]\nlog_bytes_max = 1000\nfuel_base = 60000000\n[load]\ncomponent_bytes_max = 400000\n\
         [protection]\nalways_on = true\nerror_streak = 5\n",
    );
    let merchant = |name: &str, more: &Value| {
        let mut config = json!({"id": "m-one", "shop_id": "1", "platform": "own-site"});
        config.as_object_mut().unwrap().append(&mut more.as_object().unwrap().clone());
        data.write(name, &config.to_string())
    };
    let within = merchant("within.json", &json!({"limits": {"log_bytes_max": 1_000, "fuel_base": 60_000_000}}));
    let beyond = merchant("beyond.json", &json!({"limits": {"log_bytes_max": 1_001, "fuel_base": 60_000_001}}));
    let lenient = merchant("lenient.json", &json!({"protection": {"on": false, "error_streak": 6}}));
    let strict = merchant("strict.json", &json!({"limits": {"log_bytes_max": 1_000}, "protection": {"error_streak": 3}}));
    let table = merchant("table.json", &json!({"policies": {"delay": {"policy": "table", "settings": {}}}}));
    let put = |file: &str| ombud_in(data.path(), &["merchant", "put", file, "--data", "DATA/d"]);
    let refused = |file: &str| {
        put(file)
            .exits(2)
            .complains("/limits/fuel_base")
            .complains("at most 60000000")
            .complains("/limits/log_bytes_max")
            .complains("at most 1000");
    };

    let served = Served::start(&["serve", "--data", &format!("{}/d", data.text()), "--listen", "127.0.0.1:0", "--limits", &file]);
    put(&within).exits(0).says("log_bytes_max");
    refused(&beyond);
    // The protection is as lenient as the operator lets it be, also for who asked for nothing.
    put(&lenient).exits(2).complains("/protection/on").complains("/protection/error_streak").complains("at most 5");
    let in_force = || {
        let shown = ombud_in(data.path(), &["merchant", "show", "m-one", "--data", "DATA/d", "--json"]).exits(0).json();
        shown["limits"]["protection"]["error_streak"].clone()
    };
    assert_eq!(in_force(), 5);
    put(&strict).exits(0);
    assert_eq!(in_force(), 3);
    // A component of 500 kB is more than the operator takes.
    put(&table).exits(2).complains("/policies/delay/policy");
    assert_eq!(served.stop(), Some(0));

    refused(&beyond);
    let shown = ombud_in(data.path(), &["merchant", "show", "m-one", "--data", "DATA/d", "--json"]).exits(0).json();
    assert_eq!((&shown["limits"]["in_force"]["log_bytes_max"], &shown["limits"]["most"]["log_bytes_max"]), (&json!(1_000), &json!(1_000)));
    let acts = ombud_in(data.path(), &["audit", "acts", "--data", "DATA/d"]);
    acts.exits(0).says("operator-limits.changed");
    ombud_in(data.path(), &["audit", "acts", "--data", "DATA/d", "--merchant", "m-one"]).exits(0).says("limits.changed");
}

#[test]
fn an_event_is_decided_under_the_merchants_limits_without_a_server() {
    let data = folder();
    let event = root().join("tests/events/delay.detected.json");
    let event = event.to_str().unwrap();
    let merchant = |limits: Value| {
        let config = json!({"id": "m-default", "shop_id": "10437917", "platform": "douyin", "limits": limits});
        data.write("merchant.json", &config.to_string())
    };
    let file = merchant(json!({"fuel_base": 1_000, "fuel_per_event_byte": 0}));
    ombud_in(data.path(), &["decide", event, "--merchant", &file]).exits(1).says("fuel");
    let file = merchant(json!({"fuel_base": 50_000_001}));
    ombud_in(data.path(), &["decide", event, "--merchant", &file]).exits(2).complains("/limits/fuel_base").complains("at most 50000000");
}
