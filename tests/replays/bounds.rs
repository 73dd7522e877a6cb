//! What a record says that was in force, held against what any operator can set.

use super::*;

/// Whoever makes a record says what was in force: a guest has no more of what takes memory than any operator can set.
#[test]
fn limits_on_record_that_no_operator_can_set_are_not_granted() {
    let made = tempfile::tempdir().unwrap();
    let flood = guests::package(made.path(), "log-flood", &guests::component("log-flood", "delay-policy"));
    let (_folder, policies) = policies_with(&[&flood]);
    let data = tempfile::tempdir().unwrap();
    let server = Server::on(data.path(), &policies);
    let config = json!({"id": MERCHANT, "shop_id": "1", "platform": "douyin", "policies": {"delay": {"policy": "log-flood"}}});
    server.call("PUT", &format!("/v1/merchants/{MERCHANT}")).key(&server.operator).json(&config).send().ok();
    let owner = Service::owner().unwrap();
    let agent = server.service.create_key_now(&owner, Some(MERCHANT), Role::Agent, "agent").unwrap().secret;
    let late = event("delay.detected", "late");
    let answer = server.call("POST", &format!("/v1/merchants/{MERCHANT}/events")).key(&agent).event(&late).send().ok();
    let seq = ombud_tests::server::only(&answer)["seq"].as_u64().unwrap();
    server.stop();

    // What the guest needed to fill its log says how much of it there was.
    let used = |log_bytes_max: u64| {
        let copy = tempfile::tempdir().unwrap();
        copy_folder(data.path(), copy.path());
        let limits = format!(r#""terms":{{"limits":{{"policy":{{"log_bytes_max":{log_bytes_max}}},"guardrail":{{}}}},"#);
        Forge::on(copy.path()).rewrite(MERCHANT, seq, |_, bodies| bodies.replace(BodyKind::Case, r#""terms":{"#, &limits));
        let report = report(&service(copy.path()), seq);
        assert_eq!(report.fault, Some(FaultCode::Log), "{report:?}");
        report.fuel_now
    };
    let most = used(1 << 20);
    assert!(used((1 << 20) - 2_000) < most);
    assert_eq!((used((1 << 20) + 2_000), used(64 << 20)), (most, most));
}
