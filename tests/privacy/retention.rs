//! What is kept too long is erased by the host: what is due, nothing else, and nothing that is held.

use super::*;

/// Retention looks at what is due, and at nothing else, however much there is.
#[test]
fn retention_looks_at_what_is_due_only() {
    let server = Server::start(tempfile::tempdir().unwrap(), &root().join("policies"));
    let merchant = server.merchant(json!({"retention_days": 30}));
    for number in 0..60 {
        merchant.decide(&refund_in(&format!("r{number}"), &format!("c_{number}"), &format!("t_{number}"), 100));
    }
    merchant.call(Role::Compliance, "POST", "/holds").json(&json!({"customer": "c_0", "reason": "court"})).send().with(201);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let now = ombud::clock::now_ms();
    let retain = |days: i64| {
        let retained = runtime.block_on(server.service.retain(now + days * DAY_MS)).unwrap();
        (retained.looked_at, retained.customers)
    };
    assert_eq!(retain(29), (0, 0), "nothing is due");
    // One of them is heard of later than the others: it is looked at once more and then left alone.
    let later = refund_in("later", "c_1", "t_later", 100);
    merchant.decide(&later);
    let sql = format!(
        "UPDATE entries SET received_at_ms = received_at_ms + {} WHERE order_id = 'order-later' AND entry = 'decision'",
        20 * DAY_MS
    );
    ledger::change(&server.data, &sql);
    // The merchant's own key, which is never erased, is looked at once a day, as what is held is.
    assert_eq!(retain(31), (61, 58));
    assert_eq!(retain(31), (0, 0), "what is kept is not looked at again at once");
    assert_eq!(retain(33), (2, 0), "what is held, and the merchant's own key");
    assert_eq!(retain(52), (3, 1), "who was heard of later");
}

/// A merchant whose rows cannot be read keeps no other merchant's data longer than that one keeps them.
#[test]
fn a_merchant_that_cannot_be_looked_at_hinders_no_other() {
    let server = Server::start(tempfile::tempdir().unwrap(), &root().join("policies"));
    let merchants: Vec<_> = (0..4).map(|_| server.merchant(json!({"retention_days": 30}))).collect();
    for merchant in &merchants {
        merchant.decide(&refund_in("one", "c_one", "t_one", 100));
        merchant.decide(&refund_in("two", "c_two", "t_two", 100));
    }
    // One in the middle, whatever their order.
    let damaged = &merchants[1];
    damaged.call(Role::Compliance, "POST", "/holds").json(&json!({"customer": "c_one", "reason": "court"})).send().with(201);
    ledger::change(&server.data, "UPDATE holds SET scope = 'moon'");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let retained = runtime.block_on(server.service.retain(ombud::clock::now_ms() + 31 * DAY_MS)).unwrap();
    assert_eq!(retained.customers, 6, "two of each of the others");
    for merchant in &merchants {
        assert_eq!(mentions(merchant, "c_one") == 0, merchant.id != damaged.id, "{}", merchant.id);
    }
}

/// Whoever was erased and came back is known by the tickets' keys alone: with the last of these nothing names the person any more.
#[test]
fn retention_erases_again_who_was_erased_and_came_back() {
    let server = Server::start(tempfile::tempdir().unwrap(), &root().join("policies"));
    let merchant = server.merchant(json!({"retention_days": 30}));
    let customer = "c_back_again";
    merchant.decide(&refund_in("first", customer, "t_first", 1_000));
    erase(&merchant, customer);
    merchant.decide(&refund_in("second", customer, "t_second", 1_000));
    merchant.decide(&refund_in("third", customer, "t_third", 1_000));
    assert!(mentions(&merchant, customer) >= 6);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let now = ombud::clock::now_ms();
    let retain = |days: i64| {
        let retained = runtime.block_on(server.service.retain(now + days * DAY_MS)).unwrap();
        (retained.customers, retained.tickets)
    };
    // One ticket is heard of later: the other one waits for it.
    let sql = format!("UPDATE entries SET received_at_ms = received_at_ms + {} WHERE ticket = 't_third'", 20 * DAY_MS);
    ledger::change(&server.data, &sql);
    assert_eq!(retain(31), (0, 0));
    ledger::change(&server.data, &sql.replace(" + ", " - "));
    assert_eq!(findings(&server.data, &merchant.id), [""; 0]);
    assert_eq!(retain(52), (0, 2));
    assert_eq!(mentions(&merchant, customer), 0);
    assert_eq!(findings(&server.data, &merchant.id), [""; 0]);
}

#[test]
fn what_is_kept_too_long_is_erased_by_the_host() {
    let server = Server::start(tempfile::tempdir().unwrap(), &root().join("policies"));
    let merchant = server.merchant(json!({"retention_days": 30}));
    let keeps = server.merchant(json!({}));
    for merchant in [&merchant, &keeps] {
        merchant.decide(&refund_in("old", "c_old", "t_old", 100));
        merchant.decide(&refund_in("held", "c_held", "t_held", 100));
        let mut alone = event("reply.drafted", "alone");
        alone["data"]["ticket_id"] = "t_alone".into();
        alone["data"].as_object_mut().unwrap().remove("customer_ref");
        merchant.decide(&alone);
    }
    merchant.call(Role::Compliance, "POST", "/holds").json(&json!({"ticket": "t_held", "reason": "court"})).send().with(201);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let now = ombud::clock::now_ms();
    let retain = |days: i64| {
        let retained = runtime.block_on(server.service.retain(now + days * DAY_MS)).unwrap();
        (retained.customers, retained.tickets)
    };
    assert_eq!(retain(29), (0, 0));
    assert_eq!(retain(31), (1, 1));
    assert_eq!(retain(31), (0, 0), "nothing is left to be erased");
    assert_eq!((mentions(&merchant, "c_old"), mentions(&merchant, "t_alone")), (0, 0));
    assert!(mentions(&merchant, "c_held") > 0 && mentions(&keeps, "c_old") > 0);
    let acts = merchant.call(Role::MerchantAdmin, "GET", "/acts?act=retention.applied").send().ok();
    let body = &acts["acts"][0]["body"];
    assert_eq!((&body["actor"], &body["customers"], &body["tickets"]), (&json!("ombud-retention"), &json!(1), &json!(1)));
    assert_eq!(acts["acts"].as_array().unwrap().len(), 1);
    ledger::gap_free(&server.data, &merchant.id);

    // Set, changed and taken back on record; out of bounds it is refused.
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].clone();
    assert_eq!(config["retention_days"], 30);
    for (days, status) in [(json!(0), 422), (json!(36_501), 422), (json!(1), 200), (json!(36_500), 200), (Value::Null, 200)] {
        config["retention_days"] = days.clone();
        assert_eq!(merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().status, status, "{days}");
    }
    let set = merchant.call(Role::MerchantAdmin, "GET", "/acts?act=retention.set").send().ok();
    let days: Vec<(&Value, &Value)> =
        set["acts"].as_array().unwrap().iter().map(|act| (&act["body"]["from_days"], &act["body"]["to_days"])).collect();
    assert_eq!(days, [(&json!(36_500), &Value::Null), (&json!(1), &json!(36_500)), (&json!(30), &json!(1)), (&Value::Null, &json!(30))]);
    assert_eq!(retain(40_000), (0, 0));
    // And a server does it by itself.
    config["retention_days"] = 1.into();
    merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().ok();
    let timer = runtime.spawn(server.service.clone().retain_for_ever(std::time::Duration::from_millis(50)));
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(mentions(&merchant, "c_held") > 0 && !timer.is_finished(), "what came today stays");
    timer.abort();
}

/// What is erased is gone: each page of a look asks again for how many days the merchant keeps data.
#[test]
fn a_look_ends_where_the_days_are_changed_meanwhile() {
    let server = Server::start(tempfile::tempdir().unwrap(), &root().join("policies"));
    let merchant = server.merchant(json!({"retention_days": 30}));
    // More than one page of a look.
    for batch in 0..5 {
        let events: Vec<Value> = (0..50).map(|number| event("ticket.created", &format!("{batch}-{number}"))).collect();
        let call = merchant.call(Role::Agent, "POST", "/events:batch").header("content-type", "application/cloudevents-batch+json");
        let answers = call.body(Value::from(events).to_string()).send().ok();
        assert!(answers.as_array().unwrap().iter().all(|answer| answer["status"] == 200), "{answers}");
    }
    let customers = || {
        let query =
            "SELECT count(DISTINCT customer) FROM entries JOIN merchants USING (merchant_no) WHERE id = '{}' AND customer IS NOT NULL";
        ledger::count(&server.data, &query.replace("{}", &merchant.id))
    };
    assert_eq!(customers(), 250);
    // As soon as the first page is on record, somebody keeps them for longer.
    let changed = format!(
        "CREATE TRIGGER longer AFTER INSERT ON entries WHEN NEW.event_type = 'retention.applied' BEGIN
           UPDATE merchants SET config = json_set(config, '$.config.retention_days', 3650) WHERE id = '{}';
         END",
        merchant.id
    );
    rusqlite::Connection::open(server.data.join("ombud.db")).unwrap().execute_batch(&changed).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let retained = runtime.block_on(server.service.retain(ombud::clock::now_ms() + 31 * DAY_MS)).unwrap();
    assert!((1..250).contains(&retained.customers), "{retained:?}");
    assert_eq!(customers(), 250 - retained.customers.cast_signed());
    let acts = merchant.call(Role::MerchantAdmin, "GET", "/acts?act=retention.applied").send().ok();
    assert_eq!(acts["acts"].as_array().unwrap().len(), 1, "{acts}");
}

#[test]
fn a_server_that_is_stopped_erases_nothing_more() {
    let server = Server::start(tempfile::tempdir().unwrap(), &root().join("policies"));
    let merchant = server.merchant(json!({"retention_days": 30}));
    merchant.decide(&refund_in("one", "c_one", "t_one", 100));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    server.service.drain();
    let retained = runtime.block_on(server.service.retain(ombud::clock::now_ms() + 31 * DAY_MS)).unwrap();
    assert_eq!((retained.looked_at, retained.customers), (0, 0));
    assert!(mentions(&merchant, "c_one") > 0);
}
