//! What is held is not erased, whichever way it would be.

use super::*;

#[test]
fn what_is_held_is_not_erased() {
    let merchant = shared().merchant(json!({}));
    for (own, customer, ticket) in [("h1", "c_h1", "t_h1"), ("h2", "c_h2", "t_h2"), ("h3", "c_h3", "t_h3")] {
        merchant.decide(&refund_in(own, customer, ticket, 100));
    }
    let hold = |about: Value| {
        let mut request = about;
        request["reason"] = "court file 7".into();
        merchant.call(Role::Compliance, "POST", "/holds").json(&request).send()
    };
    let try_erase = |customer: &str| {
        let request = json!({"customer": customer, "reason": "asked"});
        merchant.call(Role::MerchantAdmin, "POST", "/erasures").json(&request).send()
    };
    let lift = |hold: &Value| {
        let path = format!("/holds/{}/lift", hold["id"].as_str().unwrap());
        merchant.call(Role::Compliance, "POST", &path).json(&json!({"reason": "settled"})).send().status
    };
    let of_customer = hold(json!({"customer": "c_h1"})).with(201);
    let of_ticket = hold(json!({"ticket": "t_h2"})).with(201);
    assert_eq!(
        (&of_customer["scope"], &of_customer["subject"], &of_customer["set_by"]),
        (&json!("customer"), &json!("c_h1"), &json!("the-compliance"))
    );
    for (customer, hold) in [("c_h1", &of_customer), ("c_h2", &of_ticket)] {
        let refused = try_erase(customer).problem(409);
        assert!(refused["detail"].as_str().unwrap().contains(hold["id"].as_str().unwrap()), "{refused}");
    }
    try_erase("c_h3").with(201);
    let whole = hold(json!({})).with(201);
    assert_eq!((&whole["scope"], &whole["subject"]), (&json!("merchant"), &Value::Null));
    assert_eq!(merchant.call(Role::Auditor, "GET", "/holds").send().ok().as_array().unwrap().len(), 3);
    assert_eq!(lift(&of_customer), 204);
    assert_eq!(lift(&of_customer), 404);
    try_erase("c_h1").problem(409);
    assert_eq!(lift(&whole), 204);
    try_erase("c_h1").with(201);
    try_erase("c_h2").problem(409);
    assert_eq!(lift(&of_ticket), 204);
    try_erase("c_h2").with(201);
    // Every step is on record; those about an erased customer went with the customer.
    let acts = merchant.call(Role::MerchantAdmin, "GET", "/acts?limit=200").send().ok()["acts"].as_array().unwrap().clone();
    let count = |name: &str, open: bool| acts.iter().filter(|act| act["name"] == name && act["body"].is_null() != open).count();
    assert_eq!((count("hold.set", true), count("hold.set", false), count("hold.lifted", true), count("hold.lifted", false)), (1, 2, 1, 2));
    assert_eq!(mentions(&merchant, "c_h"), 0);
    // Who may, and on what.
    for role in [Role::Agent, Role::Supervisor, Role::MerchantAdmin, Role::Auditor] {
        merchant.call(role, "POST", "/holds").json(&json!({"reason": "x"})).send().problem(403);
    }
    hold(json!({"customer": "c_nobody"})).problem(404);
    hold(json!({"ticket": "t_nothing"})).problem(404);
    assert_eq!(pointers(&hold(json!({"customer": "c", "ticket": "t"})).problem(422)), ["/ticket"]);
    merchant.call(Role::Compliance, "POST", "/holds").json(&json!({"customer": "c_h1"})).send().problem(422);
}

#[test]
fn the_reason_of_a_hold_is_told_however_many_were_set_since() {
    let merchant = shared().merchant(json!({}));
    merchant.decide(&refund_in("r1", "c_r1", "t_r1", 100));
    let hold = |about: Value, reason: &str| {
        let mut request = about;
        request["reason"] = reason.into();
        merchant.call(Role::Compliance, "POST", "/holds").json(&request).send().with(201)["id"].as_str().unwrap().to_owned()
    };
    let first = [
        (hold(json!({}), "all of it"), "all of it"),
        (hold(json!({"customer": "c_r1"}), "court file 7"), "court file 7"),
        (hold(json!({"ticket": "t_r1"}), "court file 8"), "court file 8"),
    ];
    // A thousand acts of the same name since.
    for number in 0..1_001 {
        hold(json!({"customer": "c_r1"}), &format!("file {number}"));
    }
    let listed = merchant.call(Role::Auditor, "GET", "/holds").send().ok();
    let reason = |id: &str| listed.as_array().unwrap().iter().find(|hold| hold["id"] == id).unwrap()["reason"].clone();
    for (id, expected) in &first {
        assert_eq!(reason(id), *expected);
    }
    assert_eq!(listed.as_array().unwrap().len(), 1_004);
    assert!(listed.as_array().unwrap().iter().all(|hold| hold["reason"].is_string()));
}

/// Two customers of one ticket were erased and came back, so that their records are sealed with the ticket. While one of them is held
/// the ticket's key stays, whichever way the other one is erased; what is the other one's alone goes.
#[test]
fn what_is_held_of_one_customer_of_a_ticket_stays_when_another_is_erased() {
    let server = Server::start(tempfile::tempdir().unwrap(), &root().join("policies"));
    let merchant = server.merchant(json!({}));
    let kept = server.merchant(json!({"retention_days": 30}));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let now = ombud::clock::now_ms();
    let retain = |days: i64| {
        let retained = runtime.block_on(server.service.retain(now + days * DAY_MS)).unwrap();
        (retained.customers, retained.tickets)
    };
    let decided = |merchant: &Merchant<'_>| {
        for customer in ["c_one", "c_two"] {
            merchant.decide(&refund_in(&format!("first-{customer}"), customer, "t_before", 100));
            erase(merchant, customer);
        }
        let one = merchant.decide(&refund_in("one", "c_one", "t_both", 100));
        let alone = merchant.decide(&refund_in("alone", "c_one", "t_alone", 100));
        let two = merchant.decide(&refund_in("two", "c_two", "t_both", 100));
        let hold =
            merchant.call(Role::Compliance, "POST", "/holds").json(&json!({"customer": "c_two", "reason": "court"})).send().with(201);
        (one, alone, two, hold["id"].as_str().unwrap().to_owned())
    };
    let lift = |merchant: &Merchant<'_>, hold: &str| {
        let call = merchant.call(Role::Compliance, "POST", &format!("/holds/{hold}/lift"));
        assert_eq!(call.json(&json!({"reason": "settled"})).send().status, 204);
    };

    // By request.
    let (one, alone, two, hold) = decided(&merchant);
    let holds = merchant.call(Role::Auditor, "GET", "/holds").send().ok();
    assert_eq!(holds[0]["reason"], "court", "the act of a hold on who came back can be opened");
    let erased = erase(&merchant, "c_one");
    assert_eq!((&erased["keys"], &erased["records"], &erased["tickets_held"]), (&json!(1), &json!(2), &json!(1)), "{erased}");
    assert_eq!(replay(&merchant, &two)["identical"], true, "what is held can be read");
    assert_eq!(replay(&merchant, &one)["identical"], true, "it is sealed with the same key");
    assert_eq!(replay(&merchant, &alone)["divergence"], "erased");
    assert_eq!((mentions(&merchant, "c_one"), merchant.decisions("customer=c_two").len()), (0, 1));
    assert_eq!(findings(&server.data, &merchant.id), [""; 0]);
    // The host finishes it, but not as long as the hold stands.
    assert_eq!(retain(1), (0, 0));
    assert_eq!(replay(&merchant, &two)["identical"], true);
    lift(&merchant, &hold);
    assert_eq!(retain(1), (0, 1));
    assert_eq!(retain(1), (0, 0));
    assert_eq!((&replay(&merchant, &one)["divergence"], &replay(&merchant, &two)["divergence"]), (&json!("erased"), &json!("erased")));
    assert_eq!(findings(&server.data, &merchant.id), [""; 0]);
    ledger::gap_free(&server.data, &merchant.id);

    // By retention: the ticket of the one alone is due, and takes the customer along.
    let (one, alone, two, hold) = decided(&kept);
    assert_eq!(retain(31), (0, 1));
    assert_eq!(replay(&kept, &alone)["divergence"], "erased");
    assert_eq!((&replay(&kept, &one)["identical"], &replay(&kept, &two)["identical"]), (&json!(true), &json!(true)));
    assert_eq!(mentions(&kept, "c_one"), 0);
    lift(&kept, &hold);
    assert_eq!(retain(32), (0, 1));
    assert_eq!(replay(&kept, &two)["divergence"], "erased");
    assert_eq!(findings(&server.data, &kept.id), [""; 0]);
}

/// The act of a hold on a ticket of several customers lists one of them and may be sealed with the ticket's key; that of a hold on
/// somebody who came back is, too. Whichever of them is erased then, nothing whole is accused.
#[test]
fn acts_of_holds_on_tickets_of_several_customers_are_accused_of_nothing() {
    let server = Server::start(tempfile::tempdir().unwrap(), &root().join("policies"));
    let merchant = server.merchant(json!({}));
    let hold = |about: Value| {
        let held = merchant.call(Role::Compliance, "POST", "/holds").json(&about).send().with(201);
        move |merchant: &Merchant<'_>| {
            let call = merchant.call(Role::Compliance, "POST", &format!("/holds/{}/lift", held["id"].as_str().unwrap()));
            assert_eq!(call.json(&json!({"reason": "settled"})).send().status, 204);
        }
    };
    for customer in ["c_back", "c_held"] {
        merchant.decide(&refund_in(&format!("first-{customer}"), customer, "t_before", 100));
        erase(&merchant, customer);
    }
    merchant.decide(&refund_in("live", "c_alive", "t_both", 100));
    merchant.decide(&refund_in("back", "c_back", "t_both", 100));
    hold(json!({"ticket": "t_both", "reason": "court"}))(&merchant);
    assert_eq!(findings(&server.data, &merchant.id), [""; 0]);
    // The ticket's key goes with the one who came back; the act lists the other one, whose key is there.
    erase(&merchant, "c_back");
    assert_eq!(findings(&server.data, &merchant.id), [""; 0]);
    // The act names who was erased, and the ticket's key stays for another customer.
    merchant.decide(&refund_in("again", "c_back", "t_kept", 100));
    merchant.decide(&refund_in("held", "c_held", "t_kept", 100));
    hold(json!({"customer": "c_back", "reason": "court"}))(&merchant);
    let lift = hold(json!({"customer": "c_held", "reason": "court"}));
    erase(&merchant, "c_back");
    assert_eq!(findings(&server.data, &merchant.id), [""; 0]);
    lift(&merchant);
    assert_eq!(findings(&server.data, &merchant.id), [""; 0]);
}

/// A hold and an erasure at the same moment: whichever comes first, nobody is told that data are held which are gone.
#[test]
fn nobody_who_is_erased_is_held() {
    let merchant = shared().merchant(json!({}));
    for round in 0..12 {
        let customer = format!("c_race_{round}");
        merchant.decide(&refund(&format!("race-{round}"), &customer, 100));
        let hold = || {
            let request = json!({"customer": customer, "reason": "a claim"});
            merchant.call(Role::Compliance, "POST", "/holds").json(&request).send().status
        };
        let (erased, held) = std::thread::scope(|scope| {
            let holds: Vec<_> = (0..3).map(|_| scope.spawn(hold)).collect();
            let request = json!({"customer": customer, "reason": "the person asked for it"});
            let erased = merchant.call(Role::MerchantAdmin, "POST", "/erasures").json(&request).send().status;
            (erased, holds.into_iter().map(|hold| hold.join().unwrap()).collect::<Vec<_>>())
        });
        let held_at_all = held.contains(&201);
        assert!((erased, held_at_all) == (201, false) || (erased, held_at_all) == (409, true), "round {round}: {erased} {held:?}");
        assert_eq!(mentions(&merchant, &customer) > 0, held_at_all, "round {round}");
    }
}
