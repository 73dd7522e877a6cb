//! Limits: what is frozen, both sides of every bound, the operator's file, what a merchant may ask for.

use serde_json::json;

use super::*;

fn parse(file: &Value) -> Result<OperatorLimits, Vec<String>> {
    OperatorLimits::parse(file.to_string().as_bytes()).map_err(|problems| problems.into_iter().map(|problem| problem.pointer).collect())
}

/// A record without limits was made under these: they never change.
#[test]
fn what_a_record_leaves_out_is_frozen() {
    let frozen = json!({
        "fuel_base": 50_000_000, "fuel_per_event_byte": 1_000, "deadline_ms": 2_000, "memory_bytes_max": 67_108_864,
        "table_elements_max": 100_000, "instances_max": 64, "hostcall_bytes_max": 1_048_576, "ruling_bytes_max": 262_144,
        "log_bytes_max": 16_384,
    });
    assert_eq!(serde_json::to_value(Limits::default()).unwrap(), frozen);
}

#[test]
fn an_empty_file_has_what_is_built_in() {
    assert_eq!(parse(&json!({})).unwrap(), OperatorLimits::default());
}

#[test]
fn most_is_as_default_where_it_says_nothing() {
    let limits = parse(&json!({"default": {"fuel_base": 70_000_000}, "most": {"deadline_ms": 5_000}})).unwrap();
    assert_eq!((limits.default.fuel_base, limits.most.fuel_base), (70_000_000, 70_000_000));
    assert_eq!((limits.default.deadline_ms, limits.most.deadline_ms), (2_000, 5_000));
    assert_eq!(limits.most.memory_bytes_max, 64 << 20);
}

#[test]
fn every_problem_of_a_file_is_named() {
    let file = json!({
        "default": {"fuel_base": 999, "deadline_ms": "soon", "stack_bytes": 1},
        "most": {"memory_bytes_max": (256 << 20) + 1},
        "load": {"compile_cpu_s": 0},
        "least": {},
    });
    let mut places = parse(&file).unwrap_err();
    places.sort();
    let expected =
        ["/default/deadline_ms", "/default/fuel_base", "/default/stack_bytes", "/least", "/load/compile_cpu_s", "/most/memory_bytes_max"];
    assert_eq!(places, expected);
}

#[test]
fn both_sides_of_every_bound() {
    for (name, least, most) in [
        ("fuel_base", 1_000_u64, 10_000_000_000_u64),
        ("fuel_per_event_byte", 0, 1_000_000),
        ("deadline_ms", 1, 10_000),
        ("memory_bytes_max", 65_536, 268_435_456),
        ("table_elements_max", 0, 100_000),
        ("instances_max", 1, 64),
        ("hostcall_bytes_max", 1_024, 16_777_216),
        ("ruling_bytes_max", 1_024, 1_048_576),
        ("log_bytes_max", 0, 1_048_576),
    ] {
        for value in [least, most] {
            let limits = parse(&json!({"default": {name: value}})).unwrap();
            assert_eq!(serde_json::to_value(limits.default).unwrap()[name], value);
        }
        let place = vec![format!("/default/{name}")];
        assert_eq!(parse(&json!({"default": {name: most + 1}})), Err(place.clone()));
        assert_eq!(parse(&json!({"default": {name: i64::try_from(least).unwrap() - 1}})), Err(place));
    }
}

#[test]
fn no_default_is_above_its_bound() {
    assert_eq!(
        parse(&json!({"default": {"log_bytes_max": 101}, "most": {"log_bytes_max": 100}})),
        Err(vec!["/default/log_bytes_max".into()])
    );
    parse(&json!({"default": {"log_bytes_max": 100}, "most": {"log_bytes_max": 100}})).unwrap();
}

#[test]
fn a_merchant_has_what_it_asks_for_within_the_bound() {
    let operator = parse(&json!({"default": {"fuel_base": 10_000}, "most": {"fuel_base": 20_000}})).unwrap();
    let asked = |fuel: u64| SomeLimits { fuel_base: Some(fuel), ..SomeLimits::default() };
    assert_eq!(operator.refuse(&asked(20_000)), []);
    let refused = operator.refuse(&asked(20_001));
    assert_eq!((refused.len(), refused[0].pointer.as_str()), (1, "/limits/fuel_base"));
    assert!(refused[0].to_string().contains("20000"), "{}", refused[0]);

    assert_eq!(operator.in_force(&SomeLimits::default()).policy.fuel_base, 10_000);
    assert_eq!(operator.in_force(&asked(5_000)).policy.fuel_base, 5_000);
    assert_eq!(operator.in_force(&asked(20_000)).policy.fuel_base, 20_000);
    // Asked for under a bound that has been lowered since.
    assert_eq!(operator.in_force(&asked(30_000)).policy.fuel_base, 20_000);
    // Whatever a merchant asks for, the guardrail has what the operator gives.
    assert_eq!(operator.in_force(&asked(5_000)).guardrail, operator.default);
}

#[test]
fn a_replay_waits_and_a_ruling_is_given_again_whatever_it_takes() {
    let limits = CallLimits::default();
    let (patient, generous) = (limits.patient(), limits.generous());
    assert_eq!((patient.policy.fuel_base, patient.policy.deadline_ms), (limits.policy.fuel_base, 60_000));
    assert!(generous.guardrail.fuel_base > 1 << 60 && generous.guardrail.memory_bytes_max == limits.guardrail.memory_bytes_max);
    assert!(limits.are_default() && !patient.are_default());
}

/// Both ends of each limit of a share, in the operator's file.
#[test]
fn a_share_is_within_its_bounds() {
    let ends = [
        ("weight", 1, 10_000),
        ("decisions_max", 1, 4_096),
        ("queue_max", 0, 4_096),
        ("queue_ms", 1, 20_000),
        ("fuel_per_s", 1_000, 1_000_000_000_000_u64),
    ];
    for (name, least, most) in ends {
        for value in [least, most] {
            let limits = parse(&json!({"share": {name: value}})).unwrap();
            assert_eq!(serde_json::to_value(limits.share).unwrap()[name], value);
        }
        assert_eq!(parse(&json!({"share": {name: most + 1}})).unwrap_err(), [format!("/share/{name}")]);
        let below = i64::try_from(least).unwrap() - 1;
        assert_eq!(parse(&json!({"share": {name: below}})).unwrap_err(), [format!("/share/{name}")]);
    }
}

/// What was kept before there were shares is read with what is built in.
#[test]
fn limits_that_were_kept_without_a_share_are_read() {
    let mut kept = serde_json::to_value(OperatorLimits::default()).unwrap();
    kept.as_object_mut().unwrap().remove("share");
    for later in ["loaded_bytes_max", "code_cache_bytes_max"] {
        kept["load"].as_object_mut().unwrap().remove(later);
    }
    kept["upload"].as_object_mut().unwrap().remove("read_cpu_s");
    assert_eq!(serde_json::from_value::<OperatorLimits>(kept).unwrap(), OperatorLimits::default());
}

/// At first a call has no more than it has anyway, and no more than the first fuel.
#[test]
fn at_first_there_is_less() {
    let limits = CallLimits::default();
    let first = limits.at_first(1 << 20);
    assert_eq!((first.policy.fuel(1 << 20), first.policy.deadline_ms), (FIRST_FUEL, FIRST_DEADLINE_MS));
    assert_eq!(first.policy.memory_bytes_max, limits.policy.memory_bytes_max);
    let small = Limits { fuel_base: FIRST_FUEL - 7, fuel_per_event_byte: 1, deadline_ms: 3, ..Limits::default() };
    let first = CallLimits { policy: small.clone(), guardrail: small }.at_first(6);
    assert_eq!((first.policy.fuel(6), first.guardrail.deadline_ms), (FIRST_FUEL - 1, 3));
}

#[test]
fn what_is_on_record_is_at_most_what_an_operator_can_set() {
    let limits = |json: Value| CallLimits { policy: serde_json::from_value(json).unwrap(), guardrail: Limits::default() };
    let most = json!({
        "fuel_base": 10_000_000_000_u64, "fuel_per_event_byte": 1_000_000, "deadline_ms": 10_000, "memory_bytes_max": 268_435_456,
        "table_elements_max": 100_000, "instances_max": 64, "hostcall_bytes_max": 16_777_216, "ruling_bytes_max": 1_048_576,
        "log_bytes_max": 1_048_576,
    });
    assert_eq!(limits(most.clone()).within_bounds(), limits(most.clone()));
    let above = most.as_object().unwrap().keys().map(|name| (name.clone(), u64::MAX.into())).collect();
    assert_eq!(limits(Value::Object(above)).within_bounds(), limits(most));
    assert_eq!(CallLimits::default().within_bounds(), CallLimits::default());
}
