//! Acts over HTTP: everything administrative is a record of the ledger, made with the change that it stands for.

use ombud::service::{Role, ServiceError};
use ombud_tests::events::{event, refund};
use ombud_tests::guests::root;
use ombud_tests::ledger;
use ombud_tests::server::{Merchant, Server, only, shared};
use serde_json::{Value, json};

/// A merchant's acts, oldest first, as its administrator sees them.
fn acts(merchant: &Merchant<'_>) -> Vec<Value> {
    let mut acts = merchant.call(Role::MerchantAdmin, "GET", "/acts?limit=200").send().ok()["acts"].as_array().unwrap().clone();
    acts.reverse();
    acts
}

fn names(acts: &[Value]) -> Vec<&str> {
    acts.iter().map(|act| act["name"].as_str().unwrap()).collect()
}

/// What of the acts is new since there were so many.
fn since(merchant: &Merchant<'_>, known: usize) -> Vec<Value> {
    acts(merchant).split_off(known)
}

fn put(merchant: &Merchant<'_>, config: &Value) -> Value {
    merchant.call(Role::MerchantAdmin, "PUT", "").json(config).send().ok()
}

#[test]
fn a_merchants_log_begins_with_its_making() {
    let merchant = shared().merchant(json!({"caps": {"order_refund_auto_fen_max": 1_000}}));
    let acts = acts(&merchant);
    let made = ["merchant.created", "caps.changed", "policy.bound", "policy.bound", "policy.bound", "policy.bound"];
    assert_eq!(names(&acts), made.into_iter().chain(["key.created"; 6]).collect::<Vec<_>>());
    for (at, act) in acts.iter().enumerate() {
        assert_eq!(act["seq"], at, "the making is what the ledger begins with");
        assert_eq!((&act["body"]["act"], &act["body"]["actor"]), (&act["name"], &act["by"]));
        assert_eq!(act["body"]["role"], "operator");
    }
    assert_eq!(
        (&acts[1]["body"]["from"]["order_refund_auto_fen_max"], &acts[1]["body"]["to"]["order_refund_auto_fen_max"]),
        (&json!(500_000), &json!(1_000))
    );
    let policies = merchant.call(Role::MerchantAdmin, "GET", "/policies").send().ok();
    for (act, policy) in acts[2..6].iter().zip(policies.as_array().unwrap()) {
        let body = &act["body"];
        assert_eq!((&body["kind"], &body["policy"], &body["version"]), (&policy["kind"], &policy["name"], &policy["version"]));
        assert_eq!((&body["before"], &body["after"], &body["settings"]), (&Value::Null, &policy["component"], &policy["settings"]));
    }
    let agent = acts.iter().find(|act| act["body"]["key_role"] == "agent").unwrap();
    assert_eq!(agent["body"]["label"], "the-agent");
    // They are records like all others.
    let entries = ledger::gap_free(&shared().data, &merchant.id);
    for act in &acts {
        let entry = &entries[act["seq"].as_u64().unwrap() as usize];
        assert_eq!(
            (entry.entry.as_str(), &entry.event_type, &entry.leaf),
            ("act", &act["name"].as_str().unwrap().to_owned(), &act["leaf"].as_str().unwrap().to_owned())
        );
        let header = ledger::header(&shared().data, &merchant.id, entry.seq);
        assert!(matches!(&header.entry, ombud_ledger::Entry::Act(own) if own.act == act["name"] && own.actor == act["by"]));
    }
}

#[test]
fn a_change_of_a_merchant_is_recorded_part_by_part() {
    let merchant = shared().merchant(json!({}));
    let known = acts(&merchant).len();
    let config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].clone();
    put(&merchant, &config);
    assert_eq!(since(&merchant, known), [] as [Value; 0], "nothing was changed");

    let mut changed = config.clone();
    changed["shop_id"] = "another".into();
    changed["caps"]["order_goodwill_fen_max"] = 5_000.into();
    changed["policies"] = json!({"delay": {"policy": "delay", "settings": {"ship_slight_value": 2_000}}});
    put(&merchant, &changed);
    let acts = since(&merchant, known);
    assert_eq!(names(&acts), ["merchant.changed", "caps.changed", "settings.changed"]);
    for act in &acts {
        let body = &act["body"];
        assert_eq!((&body["actor"], &body["role"]), (&json!("the-merchant-admin"), &json!("merchant-admin")));
        assert!(body["before"].is_string() && body["after"].is_string() && body["before"] != body["after"], "{act}");
    }
    assert_eq!(acts[0]["body"]["members"], json!(["shop_id"]));
    assert_eq!(acts[1]["body"]["to"]["order_goodwill_fen_max"], 5_000);
    assert_eq!((&acts[2]["body"]["kind"], &acts[2]["body"]["policy"]), (&json!("delay"), &json!("delay")));
    let policies = merchant.call(Role::MerchantAdmin, "GET", "/policies").send().ok();
    assert_eq!(acts[2]["body"]["after"], policies[1]["settings"]);

    // What is refused is no act.
    changed["policies"]["delay"]["settings"]["ship_slight_value"] = (-1).into();
    merchant.call(Role::MerchantAdmin, "PUT", "").json(&changed).send().problem(422);
    assert_eq!(since(&merchant, known).len(), 3);
}

#[test]
fn keys_are_made_and_revoked_on_record() {
    let merchant = shared().merchant(json!({}));
    let known = acts(&merchant).len();
    let created = merchant.call(Role::MerchantAdmin, "POST", "/keys").json(&json!({"role": "agent", "label": "li"})).send().with(201);
    let id = created["id"].as_str().unwrap();
    merchant.call(Role::MerchantAdmin, "DELETE", &format!("/keys/{id}")).send();
    merchant.call(Role::MerchantAdmin, "DELETE", &format!("/keys/{id}")).send().problem(404);
    merchant.call(Role::MerchantAdmin, "DELETE", "/keys/k_none").send().problem(404);
    let acts = since(&merchant, known);
    assert_eq!(names(&acts), ["key.created", "key.revoked"]);
    for act in &acts {
        assert_eq!((&act["body"]["key"], &act["body"]["label"], &act["body"]["key_role"]), (&json!(id), &json!("li"), &json!("agent")));
    }
    assert!(!acts.iter().any(|act| act.to_string().contains(created["secret"].as_str().unwrap())));
}

#[test]
fn what_waits_while_its_key_is_revoked_is_not_done() {
    let server = shared();
    let merchant = server.merchant(json!({}));
    let new = json!({"role": "merchant-admin", "label": "li"});
    let created = merchant.call(Role::MerchantAdmin, "POST", "/keys").json(&new).send().with(201);
    // As it stands in a request that waits for its turn.
    let who = server.service.authenticate(created["secret"].as_str().unwrap()).unwrap();
    let (service, id) = (&server.service, merchant.id.as_str());
    assert!(service.create_key_now(&who, Some(id), Role::Agent, "one").is_ok());
    let config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].to_string();
    assert!(service.put_merchant_now(&who, id, config.as_bytes()).is_ok());
    merchant.call(Role::MerchantAdmin, "DELETE", &format!("/keys/{}", created["id"].as_str().unwrap())).send();
    let known = acts(&merchant).len();
    assert!(matches!(service.create_key_now(&who, Some(id), Role::Agent, "two"), Err(ServiceError::Unauthenticated)));
    assert!(matches!(service.put_merchant_now(&who, id, config.as_bytes()), Err(ServiceError::Unauthenticated)));
    assert_eq!(acts(&merchant).len(), known);
}

#[test]
fn persons_acts_on_decisions_and_requests_are_acts_too() {
    let merchant = shared().merchant(json!({}));
    let known = acts(&merchant).len();
    let paid = merchant.decide(&refund("acts", "c_acts", 1_000));
    let path = format!("/decisions/{}/override", paid["id"].as_str().unwrap());
    let amend = json!({"action": "amend", "reason": "less was agreed", "amounts": {"refund": 500, "cash": 0, "coupon": 0}});
    let first = merchant.call(Role::Supervisor, "POST", &path).json(&amend).send().with(201);
    merchant.call(Role::Supervisor, "POST", &path).json(&json!({"action": "cancel", "reason": "withdrawn"})).send().with(201);
    let mut request = event("blacklist.requested", "acts");
    request["data"]["customer_ref"] = "c_acts".into();
    let submitted = only(&merchant.post(&request));
    let acts = since(&merchant, known);
    assert_eq!(names(&acts), ["decision.override", "decision.override", "blacklist.step"]);
    let body = &acts[0]["body"];
    assert_eq!((&body["decision"], &body["action"], &body["amounts"]["refund"]), (&paid["id"], &json!("amend"), &json!(500)));
    assert_eq!((&body["reason"], &body["before"], &body["role"]), (&json!("***"), &paid["leaf"], &json!("supervisor")));
    let seen = merchant.call(Role::Auditor, "GET", "/acts?limit=200").send().ok();
    let whole = seen["acts"].as_array().unwrap().iter().find(|act| act["seq"] == acts[0]["seq"]).unwrap();
    assert_eq!(whole["body"]["reason"], "less was agreed", "what a person wrote is shown to auditors");
    assert_eq!(acts[1]["body"]["before"], first["leaf"], "an act follows from the last one");
    let step = &acts[2]["body"];
    assert_eq!((&step["request"], &step["stage"], &step["actor"]), (&json!("request-acts"), &json!("submitted"), &json!("the-agent")));
    assert_eq!((&step["decision"], &step["after"]), (&submitted["id"], &submitted["leaf"]));
    // The decision shows the acts on it.
    let detail = merchant.call(Role::Supervisor, "GET", &path.replace("/override", "")).send().ok();
    assert_eq!(detail["acts"].as_array().unwrap().iter().collect::<Vec<_>>(), [&acts[0]["body"], &acts[1]["body"]]);
    // The same event again is no act again.
    let before = since(&merchant, known).len();
    merchant.post(&request);
    assert_eq!(since(&merchant, known).len(), before);
}

#[test]
fn auditors_looks_are_recorded_once_an_hour_and_kind() {
    let merchant = shared().merchant(json!({}));
    let decision = merchant.decide(&refund("look", "c_look", 1_000));
    let detail = format!("/decisions/{}", decision["id"].as_str().unwrap());
    let known = acts(&merchant).len();
    let looks = |role: Role| {
        merchant.call(role, "GET", "/decisions").send().ok();
        merchant.call(role, "GET", "/decisions?kind=reply").send().ok();
        merchant.call(role, "GET", &detail).send().ok();
        merchant.call(role, "GET", "/blacklist/measures").send().ok();
        merchant.call(role, "GET", "/blacklist/requests").send().ok();
        for configuration in ["", "/policies", "/versions", "/rollout", "/rollout/proposals"] {
            merchant.call(role, "GET", configuration).send().ok();
        }
    };
    looks(Role::Supervisor);
    assert_eq!(since(&merchant, known).len(), 0, "others read in the course of their work");
    let began = ombud::clock::now_ms() / 3_600_000;
    std::thread::scope(|scope| (0..4).for_each(|_| _ = scope.spawn(|| looks(Role::Auditor))));
    merchant.call(Role::Auditor, "POST", &format!("{detail}/replay")).send().ok();
    merchant.call(Role::Auditor, "GET", "/acts").send().ok();
    merchant.call(Role::Auditor, "GET", "/holds").send().ok();
    let acts = since(&merchant, known);
    if ombud::clock::now_ms() / 3_600_000 == began {
        let mut seen: Vec<&str> = acts.iter().map(|act| act["body"]["look"].as_str().unwrap()).collect();
        seen.sort_unstable();
        assert_eq!(seen, ["acts", "blacklist", "configuration", "decision", "decisions", "holds", "replay"]);
    }
    assert!(acts.iter().all(|act| act["name"] == "audit.viewed" && act["by"] == "the-auditor"));
    // Another auditor's looks are others.
    let second = merchant.new_key(Role::Auditor, "second-auditor");
    let url = format!("/v1/merchants/{}{detail}", merchant.id);
    merchant.server.call("GET", &url).key(&second).send().ok();
    assert_eq!(since(&merchant, known).last().unwrap()["by"], "second-auditor");
    // What is refused was not seen.
    let looked = acts.len();
    shared().merchant(json!({})).call(Role::Auditor, "GET", &detail).send().problem(404);
    assert!(since(&merchant, known).len() <= looked + 2);
}

#[test]
fn the_operator_has_a_log_of_its_own() {
    let server = Server::start(tempfile::tempdir().unwrap(), &root().join("policies"));
    let list = |query: &str| server.call("GET", &format!("/v1/acts{query}")).key(&server.operator).send().ok();
    let acts = list("")["acts"].as_array().unwrap().clone();
    assert_eq!(names(&acts), ["key.created", "guardrail.bound"], "newest first");
    assert_eq!((&acts[1]["by"], &acts[1]["body"]["role"]), (&json!("ombud"), &Value::Null));
    let created =
        server.call("POST", "/v1/keys").key(&server.operator).json(&json!({"role": "operator", "label": "second"})).send().with(201);
    server.call("DELETE", &format!("/v1/keys/{}", created["id"].as_str().unwrap())).key(&server.operator).send();
    assert_eq!(names(list("?limit=2")["acts"].as_array().unwrap()), ["key.revoked", "key.created"]);
    assert_eq!(names(list("?act=guardrail.bound")["acts"].as_array().unwrap()), ["guardrail.bound"]);
    ledger::gap_free(&server.data, "operator");
    // A merchant has nothing to do there, and none may have the name.
    let merchant = server.merchant(json!({}));
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Operator) {
        server.call("GET", "/v1/acts").key(merchant.key(role)).send().problem(403);
    }
    let config = json!({"id": "operator", "shop_id": "1", "platform": "douyin"});
    server.call("PUT", "/v1/merchants/operator").key(&server.operator).json(&config).send().problem(422);
    server.call("GET", "/v1/merchants/operator").key(&server.operator).send().problem(404);
    assert!(server.call("GET", "/v1/merchants").key(&server.operator).send().ok().to_string().contains(&merchant.id));
    assert!(!server.call("GET", "/v1/merchants").key(&server.operator).send().text().contains("\"operator\""));
    // Pages lead to the very first act.
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = list(&format!("?limit=1{cursor}"));
        seen.extend(page["acts"].as_array().unwrap().clone());
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(names(&seen), ["key.revoked", "key.created", "key.created", "guardrail.bound"]);
    for bad in ["limit=0", "from=yesterday", "color=red", "cursor=x"] {
        server.call("GET", &format!("/v1/acts?{bad}")).key(&server.operator).send().problem(422);
    }
}

/// The same of everything else that may wait: for a lock, for the writer, or for the events of a batch before it.
#[test]
fn a_revoked_key_does_nothing_that_it_had_begun() {
    let server = shared();
    let merchant = server.merchant(json!({}));
    let (service, id) = (&server.service, merchant.id.as_str());
    let paid = merchant.decide(&refund("revoked", "c_revoked", 1_000));
    let hold = json!({"customer": "c_revoked", "reason": "court"});
    let held = merchant.call(Role::Compliance, "POST", "/holds").json(&hold).send().with(201);
    let key = ombud::signature::SecretKey::draw().unwrap().public().file();
    let other = ombud::signature::SecretKey::draw().unwrap().public();
    let signing = json!({"public_key": other.file(), "label": "dev"});
    merchant.call(Role::MerchantAdmin, "POST", "/signing-keys").json(&signing).send().with(201);
    let who = |role: Role| {
        let new = json!({"role": role, "label": format!("li-{role}")});
        let created = merchant.call(Role::MerchantAdmin, "POST", "/keys").json(&new).send().with(201);
        let who = service.authenticate(created["secret"].as_str().unwrap()).unwrap();
        let path = format!("/keys/{}", created["id"].as_str().unwrap());
        assert_eq!(merchant.call(Role::MerchantAdmin, "DELETE", &path).send().status, 204);
        who
    };
    let (admin, agent) = (who(Role::MerchantAdmin), who(Role::Agent));
    let (supervisor, compliance) = (who(Role::Supervisor), who(Role::Compliance));
    let one = ombud_core::event::recorded(event("delay.detected", "revoked").to_string().as_bytes(), ombud::clock::now_ms()).unwrap();
    let cancel = serde_json::from_value(json!({"action": "cancel", "reason": "withdrawn"})).unwrap();
    let lift = serde_json::from_value(json!({"reason": "over"})).unwrap();
    let erase = serde_json::from_value(json!({"customer": "c_revoked", "reason": "asked for"})).unwrap();
    let hold = serde_json::from_value(hold).unwrap();
    let known = ledger::read(&server.data, id).len();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let refused = runtime.block_on(async {
        let decision = paid["id"].as_str().unwrap();
        [
            ("decide", service.decide(&agent, id, one).await.err()),
            ("override", service.override_decision(&supervisor, id, decision, cancel).await.err()),
            ("hold", service.set_hold(&compliance, id, hold).await.err()),
            ("lift", service.lift_hold(&compliance, id, held["id"].as_str().unwrap(), lift).await.err()),
            ("erase", service.erase(&admin, id, erase).await.err()),
            ("add", service.add_signing_key(&admin, id, &key, "dev").await.err()),
            ("revoke", service.revoke_signing_key(&admin, id, &other.id()).await.err()),
            ("key", service.revoke_key(&admin, Some(id), "k_none").await.err()),
        ]
    });
    for (what, error) in refused {
        assert!(matches!(error, Some(ServiceError::Unauthenticated)), "{what}: {error:?}");
    }
    assert_eq!(ledger::read(&server.data, id).len(), known);
}

/// What is on record of a merchant is in force: where the merchant cannot be loaded as it would be then, it is not changed.
#[test]
fn a_change_of_a_merchant_that_fails_is_not_on_record() {
    let server = shared();
    let merchant = server.merchant(json!({}));
    let known = acts(&merchant).len();
    let change = |sql: &str| rusqlite::Connection::open(server.data.join("ombud.db")).unwrap().execute_batch(sql).unwrap();
    // Its versions cannot be read from the moment on at which the act is written.
    change(&format!(
        "CREATE TRIGGER unreadable AFTER INSERT ON entries
           WHEN NEW.event_type = 'caps.changed' AND NEW.merchant_no = (SELECT merchant_no FROM merchants WHERE id = '{}') BEGIN
             UPDATE versions SET state = 'moon' WHERE merchant_no = NEW.merchant_no AND kind = 'delay';
         END",
        merchant.id
    ));
    let read = || merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].clone();
    let before = read();
    let mut config = before.clone();
    config["caps"]["order_goodwill_fen_max"] = 1_234.into();
    merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().problem(500);
    assert_eq!((read(), since(&merchant, known)), (before.clone(), Vec::new()));
    change("DROP TRIGGER unreadable");
    config["caps"]["order_goodwill_fen_max"] = 1_500.into();
    put(&merchant, &config);
    let acts = since(&merchant, known);
    assert_eq!(names(&acts), ["caps.changed"]);
    let cap = "order_goodwill_fen_max";
    assert_eq!((&acts[0]["body"]["from"][cap], &acts[0]["body"]["to"][cap]), (&before["caps"][cap], &json!(1_500)));
    assert_eq!(ledger::findings(&server.data, &merchant.id), [""; 0]);
}
