//! People act on requests through an interface of their own, whose acts are events like any other.

use super::*;

/// An act through the interface for people, at the time of the call.
fn act(merchant: &Merchant<'_>, role: Role, path: &str, id: &str, blacklist: Value) -> Value {
    let act = json!({"event_id": id, "customer_ref": "c_people", "ticket_id": "t_people", "blacklist": blacklist});
    only(&merchant.call(role, "POST", path).json(&act).send().ok())
}

#[test]
fn people_act_through_their_own_interface() {
    let merchant = shared().merchant(json!({}));
    let now = ombud::clock::now_ms();
    let mut blacklist = request("bl-7", "c_people", now, "extortion", &[1, 20])["data"]["blacklist"].take();
    let submit = || act(&merchant, Role::Agent, "/blacklist/requests", "s1", blacklist.clone());
    let submitted = submit();
    assert_eq!(outcome(&submitted).0, "forward-to-supervisor");
    assert_eq!(submit(), submitted, "the same act again repeats nothing");
    // Sent twice at once, as a client does that does not wait.
    for round in 0..8 {
        let own = request(&format!("bl-twice-{round}"), "c_people", now, "extortion", &[1, 20])["data"]["blacklist"].take();
        let send = || act(&merchant, Role::Agent, "/blacklist/requests", &format!("twice-{round}"), own.clone());
        let (one, other) = std::thread::scope(|scope| {
            let one = scope.spawn(send);
            let other = send();
            (one.join().unwrap(), other)
        });
        assert_eq!(one, other, "round {round}");
    }
    let steps = "/blacklist/requests/bl-7/steps";
    assert_eq!(outcome(&act(&merchant, Role::Supervisor, steps, "s2", json!({"verdict": "approve"}))).0, "forward-to-dept-head");
    assert_eq!(outcome(&act(&merchant, Role::DepartmentHead, steps, "s3", json!({"verdict": "approve"}))), ("execute", "blacklisted"));
    let listed = merchant.call(Role::Auditor, "GET", "/blacklist/requests").send().ok();
    let of_people = listed["requests"].as_array().unwrap().iter().find(|request| request["request_id"] == "bl-7").unwrap();
    assert_eq!(listed["requests"].as_array().unwrap().len(), 9);
    assert_eq!((&listed["cursor"], &of_people["request_id"], &of_people["measure"]), (&Value::Null, &json!("bl-7"), &json!("blacklisted")));
    assert_eq!(measures(&merchant, "c_people"), merchant.call(Role::Auditor, "GET", "/blacklist/measures").send().ok());
    // The path names the request, and the body no other.
    blacklist["request_id"] = "bl-8".into();
    let body =
        json!({"event_id": "s4", "customer_ref": "c_people", "ticket_id": "t", "blacklist": {"request_id": "bl-8", "verdict": "approve"}});
    assert_eq!(pointers(&merchant.call(Role::Supervisor, "POST", steps).json(&body).send().problem(422)), ["/blacklist/request_id"]);
    merchant.call(Role::Auditor, "POST", steps).json(&body).send().problem(422);
    merchant.call(Role::Auditor, "GET", "/blacklist/requests/bl-none").send().problem(404);
}
