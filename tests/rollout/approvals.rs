//! Two persons, where the merchant asks for two: one proposes, another approves; stopping never waits.

use ombud::service::{Options, Role};
use ombud_tests::client::Call;
use ombud_tests::guests::root;
use ombud_tests::server::{Merchant, Server, shared};
use ombud_tests::uploads::{ended, guest, upload};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{bind, coupon, decide, plan, step, whole};

/// A call on a proposal with somebody's key.
fn word(merchant: &Merchant<'_>, key: &str, proposal: &Value, word: &str) -> Call {
    let id = proposal["id"].as_str().unwrap();
    let path = format!("/v1/merchants/{}/rollout/proposals/{id}/{word}", merchant.id);
    merchant.server.call("POST", &path).key(key).json(&json!({}))
}

fn ask_for_two(merchant: &Merchant<'_>) {
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].take();
    config["approvals"] = json!({"rollout": 2});
    merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().ok();
}

#[test]
fn what_changes_the_answers_waits_for_another_person() {
    let merchant = shared().merchant(json!({}));
    let (new, old) = (bind(&merchant, 4_900), bind(&merchant, 3_050));
    let second = merchant.new_key(Role::MerchantAdmin, "the second");
    ask_for_two(&merchant);
    let asked = step(&merchant, "activate", json!({"version": new, "reason": "better"})).send().ok();
    assert_eq!((&asked["changed"], &asked["proposal"]["by"]), (&json!(false), &json!("the-merchant-admin")));
    let proposal = asked["proposal"].clone();
    assert_eq!(proposal["step"], "activate");
    assert_eq!(coupon(&decide(&merchant, "ap-1")), 3_050, "it waits");
    assert_eq!(step(&merchant, "activate", json!({"version": new})).send().ok()["proposal"]["id"], proposal["id"], "the same again");
    let list = || merchant.call(Role::Auditor, "GET", "/rollout/proposals").send().ok();
    assert_eq!(list().as_array().unwrap().len(), 1);
    // Not by the same person, nor by a role without the right; then by another one.
    let own = word(&merchant, merchant.key(Role::MerchantAdmin), &proposal, "approve").send().problem(409);
    assert!(own["detail"].as_str().unwrap().contains("another person"), "{own}");
    for role in [Role::Agent, Role::Supervisor, Role::Auditor] {
        word(&merchant, merchant.key(role), &proposal, "approve").send().problem(403);
    }
    let other = shared().merchant(json!({}));
    word(&merchant, other.key(Role::MerchantAdmin), &proposal, "approve").send().problem(404);
    assert_eq!(word(&merchant, &second, &proposal, "approve").send().ok()["changed"], true);
    assert_eq!(coupon(&decide(&merchant, "ap-2")), 4_900);
    assert_eq!(list(), json!([]));
    word(&merchant, &second, &proposal, "approve").send().problem(404);
    // Canary and rollback wait as well, one is withdrawn; stopping never waits.
    let canary = step(&merchant, "canary", json!({"version": old, "share_bp": 10_000})).send().ok()["proposal"].clone();
    word(&merchant, merchant.key(Role::MerchantAdmin), &canary, "withdraw").send().ok();
    word(&merchant, &second, &canary, "approve").send().problem(404);
    let back = step(&merchant, "rollback", json!({"reason": "complaints"})).send().ok()["proposal"].clone();
    let paused = step(&merchant, "pause", json!({"reason": "now"})).send().ok();
    assert_eq!((&paused["changed"], paused.get("proposal")), (&json!(true), None));
    assert_eq!(decide(&merchant, "ap-3")["fault"]["code"], "paused");
    let resumed = step(&merchant, "resume", json!({"reason": "now"})).send().ok()["proposal"].clone();
    word(&merchant, &shared().operator, &resumed, "approve").send().problem(409);
    word(&merchant, &second, &resumed, "approve").send().ok();
    word(&merchant, &shared().operator, &back, "approve").send().ok();
    assert_eq!(plan(&merchant)["active"]["version"], json!(old));
    let acts = merchant.call(Role::Auditor, "GET", "/acts?act=rollout.approved").send().ok();
    let approved: Vec<&Value> = acts["acts"].as_array().unwrap().iter().collect();
    assert_eq!(approved.len(), 3);
    assert_eq!((&approved[2]["by"], &approved[2]["body"]["proposed_by"]), (&json!("the second"), &json!("the-merchant-admin")));
    whole(&merchant);
}

#[test]
fn no_way_around_the_second_person_is_open() {
    let merchant = shared().merchant(json!({}));
    bind(&merchant, 3_060);
    let second = merchant.new_key(Role::MerchantAdmin, "the second");
    ask_for_two(&merchant);
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].take();
    let put = |config: &Value| merchant.call(Role::MerchantAdmin, "PUT", "").json(config).send();
    config["policies"] = json!({"delay": {"policy": "delay", "settings": {"ship_slight_value": 9_000}}});
    assert!(put(&config).problem(409)["detail"].as_str().unwrap().contains("takes two persons to activate"));
    config.as_object_mut().unwrap().remove("policies");
    put(&config).ok();
    config.as_object_mut().unwrap().remove("approvals");
    assert!(put(&config).problem(409)["detail"].as_str().unwrap().contains("/rollout/approvals/off"));
    // Nor by making a second person of oneself.
    let made = merchant.call(Role::MerchantAdmin, "POST", "/keys").json(&json!({"role": "merchant-admin", "label": "me too"})).send();
    made.problem(409);
    merchant.call(Role::MerchantAdmin, "POST", "/keys").json(&json!({"role": "agent", "label": "helper"})).send().with(201);
    // With two it is turned off.
    let asked = merchant.call(Role::MerchantAdmin, "POST", "/rollout/approvals/off").json(&json!({"reason": "alone now"})).send().ok();
    let proposal = asked["proposal"].clone();
    word(&merchant, merchant.key(Role::MerchantAdmin), &proposal, "approve").send().problem(409);
    word(&merchant, &second, &proposal, "approve").send().ok();
    let now = merchant.call(Role::MerchantAdmin, "GET", "").send().ok();
    assert!(now["config"].get("approvals").is_none(), "{now}");
    assert_eq!(put(&config).status, 200);
    assert_eq!(coupon(&decide(&merchant, "aw-1")), 3_060);
    merchant.call(Role::MerchantAdmin, "POST", "/rollout/approvals/off").json(&json!({})).send().problem(409);
    whole(&merchant);
}

#[test]
fn what_was_overtaken_since_it_was_proposed_is_not_carried_out() {
    let merchant = shared().merchant(json!({}));
    let (newest, old, bad) = (bind(&merchant, 3_070), bind(&merchant, 3_080), bind(&merchant, 4_080));
    let second = merchant.new_key(Role::MerchantAdmin, "the second");
    ask_for_two(&merchant);
    let proposed = |name: &str, body: Value| step(&merchant, name, body).send().ok()["proposal"].clone();
    let back = proposed("rollback", json!({"reason": "complaints"}));
    assert_eq!(back["takes"], json!([{"policy": "delay", "version": bad}]), "{back}");
    assert_eq!(back["to"]["version"], json!(old), "it says to what");
    let onward = proposed("activate", json!({"version": newest}));
    word(&merchant, &second, &onward, "approve").send().ok();
    // The version that it was about answers no more: nobody meant the one that does.
    let refused = word(&merchant, &second, &back, "approve").send().problem(409);
    assert!(refused["detail"].as_str().unwrap().contains("withdraw the proposal"), "{refused}");
    assert_eq!(plan(&merchant)["active"]["version"], json!(newest));
    word(&merchant, &second, &back, "withdraw").send().ok();
    // One that was taken back since is not placed by an older word.
    let canary = proposed("canary", json!({"version": bad, "share_bp": 500}));
    let other = proposed("rollback", json!({"to": old, "reason": "further back"}));
    let again = proposed("canary", json!({"version": old, "share_bp": 500}));
    word(&merchant, &second, &canary, "approve").send().ok();
    let refused = word(&merchant, &second, &other, "approve").send().problem(409);
    assert!(refused["detail"].as_str().unwrap().contains("would take back"), "{refused}");
    let end = proposed("rollback", json!({"reason": "the canary alone"}));
    word(&merchant, &second, &end, "approve").send().ok();
    assert_eq!((plan(&merchant)["canary"].clone(), plan(&merchant)["active"]["version"].clone()), (Value::Null, json!(newest)));
    word(&merchant, &second, &again, "approve").send().ok();
    assert_eq!(plan(&merchant)["canary"]["version"], json!(old));
}

#[test]
fn what_both_persons_say_is_on_record_and_in_the_answer() {
    let merchant = shared().merchant(json!({}));
    let (new, old) = (bind(&merchant, 4_910), bind(&merchant, 3_090));
    let second = merchant.new_key(Role::MerchantAdmin, "the second");
    ask_for_two(&merchant);
    let proposal = step(&merchant, "activate", json!({"version": new, "reason": "better"})).send().ok()["proposal"].clone();
    assert_eq!(proposal["hand"], "merchant");
    let said = word(&merchant, &second, &proposal, "approve").json(&json!({"reason": "I looked at the shadow run"})).send().ok();
    let approved = json!({"proposal": proposal, "by": "the second", "reason": "I looked at the shadow run"});
    assert_eq!((&said["changed"], &said["approved"]), (&json!(true), &approved));
    let acts = merchant.call(Role::MerchantAdmin, "GET", "/acts?limit=2").send().ok();
    let body = |at: usize| (acts["acts"][at]["name"].clone(), acts["acts"][at]["body"]["reason"].clone(), acts["acts"][at]["by"].clone());
    assert_eq!(body(0), (json!("rollout.approved"), json!("I looked at the shadow run"), json!("the second")), "{acts}");
    assert_eq!(body(1), (json!("rollout.activated"), json!("better"), json!("the second")), "{acts}");
    // What is taken back is on behalf of who proposed it, whoever approves it.
    let back = step(&merchant, "rollback", json!({"reason": "dear"})).send().ok()["proposal"].clone();
    word(&merchant, &shared().operator, &back, "approve").send().ok();
    assert_eq!((&plan(&merchant)["active"]["version"], &plan(&merchant)["taken_back"][0]["by"]), (&json!(old), &json!("merchant")));
    whole(&merchant);
}

#[test]
fn what_one_hand_paused_takes_two_of_that_hand() {
    let merchant = shared().merchant(json!({}));
    bind(&merchant, 3_095);
    let second = merchant.new_key(Role::MerchantAdmin, "the second");
    let made = shared().call("POST", "/v1/keys").key(&shared().operator).json(&json!({"role": "operator", "label": "op-two"})).send();
    let operators = made.with(201)["secret"].as_str().unwrap().to_owned();
    ask_for_two(&merchant);
    let switch = |key: &str, name: &str| {
        let path = format!("/v1/merchants/{}/policies/delay/rollout/{name}", merchant.id);
        shared().call("POST", &path).key(key).json(&json!({"reason": name})).send().ok()
    };
    let hands = || {
        let all = merchant.call(Role::Auditor, "GET", "/rollout").send().ok();
        all["paused"].as_array().unwrap().iter().map(|stop| stop["by"].clone()).collect::<Vec<_>>()
    };
    let own = merchant.key(Role::MerchantAdmin);
    switch(own, "pause");
    switch(&shared().operator, "pause");
    assert_eq!(hands(), ["merchant", "operator"]);
    // Each is resumed by two persons of its hand, and neither of them lifts the other one.
    let merchants = switch(own, "resume")["proposal"].clone();
    let refused = word(&merchant, &shared().operator, &merchants, "approve").send().problem(409);
    assert!(refused["detail"].as_str().unwrap().contains("another person of the merchant"), "{refused}");
    assert_eq!(hands(), ["merchant", "operator"]);
    word(&merchant, &second, &merchants, "approve").send().ok();
    assert_eq!(hands(), ["operator"]);
    let proposal = switch(&shared().operator, "resume")["proposal"].clone();
    let refused = word(&merchant, &second, &proposal, "approve").send().problem(409);
    assert!(refused["detail"].as_str().unwrap().contains("another person of the operator"), "{refused}");
    word(&merchant, &operators, &proposal, "approve").send().ok();
    assert_eq!(hands(), [json!(null); 0]);
    whole(&merchant);
}

#[test]
fn windows_that_were_set_since_and_persons_who_left_are_not_meant() {
    let merchant = shared().merchant(json!({}));
    let (other, _) = (bind(&merchant, 3_110), bind(&merchant, 3_111));
    let second = merchant.new_key(Role::MerchantAdmin, "the second");
    let leaves = merchant.new_key(Role::MerchantAdmin, "who leaves");
    ask_for_two(&merchant);
    let window = |from: &str| {
        let asked = step(&merchant, "windows", json!({"version": other, "from": from, "to": from})).send().ok()["proposal"].clone();
        word(&merchant, &second, &asked, "approve").send().ok();
    };
    window("2027-11-11");
    let every = step(&merchant, "windows/remove", json!({"version": other})).send().ok()["proposal"].clone();
    window("2027-12-12");
    let refused = word(&merchant, &second, &every, "approve").send().problem(409);
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("2027-12-12T00:00:00") && detail.contains("set since: withdraw the proposal"), "{refused}");
    assert_eq!(plan(&merchant)["windows"].as_array().unwrap().len(), 2);
    // The same again is a new proposal then, which means both windows.
    let again = step(&merchant, "windows/remove", json!({"version": other})).send().ok()["proposal"].clone();
    assert_ne!(again["id"], every["id"]);
    word(&merchant, &second, &every, "approve").send().problem(404);
    let every = again;
    word(&merchant, &second, &every, "approve").send().ok();
    assert_eq!(plan(&merchant)["windows"], json!([]));
    // Who proposed and has no key any more stands for nothing.
    let path = format!("/v1/merchants/{}/policies/delay/rollout/activate", merchant.id);
    let asked = shared().call("POST", &path).key(&leaves).json(&json!({"version": other})).send().ok()["proposal"].clone();
    let keys = merchant.call(Role::MerchantAdmin, "GET", "/keys").send().ok();
    let key = keys.as_array().unwrap().iter().find(|key| key["label"] == "who leaves").unwrap();
    let gone = merchant.call(Role::MerchantAdmin, "DELETE", &format!("/keys/{}", key["id"].as_str().unwrap())).send();
    assert_eq!(gone.status, 204);
    let refused = word(&merchant, &second, &asked, "approve").send().problem(409);
    assert!(refused["detail"].as_str().unwrap().contains("`who leaves`, who proposed it, has no valid key"), "{refused}");
    word(&merchant, &second, &asked, "withdraw").send().ok();
    whole(&merchant);
}

#[test]
fn one_person_is_enough_by_one_word_and_not_by_what_waited_before() {
    let merchant = shared().merchant(json!({}));
    let second = merchant.new_key(Role::MerchantAdmin, "the second");
    ask_for_two(&merchant);
    let path = format!("/v1/merchants/{}/rollout/approvals/off", merchant.id);
    let off = |key: &str| shared().call("POST", &path).key(key).json(&json!({})).send().ok()["proposal"].clone();
    let (own, others) = (off(merchant.key(Role::MerchantAdmin)), off(&second));
    word(&merchant, &second, &own, "approve").send().ok();
    ask_for_two(&merchant);
    word(&merchant, merchant.key(Role::MerchantAdmin), &others, "approve").send().problem(404);
    whole(&merchant);
}

#[test]
fn what_no_longer_loads_is_not_placed_and_is_taken_out() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Server::with(folder.path(), Options { policies: Some(root().join("policies")), ..Options::default() });
    let server = open();
    let merchant = server.merchant(json!({}));
    for version in ["1", "2"] {
        let (status, view) = ended(&merchant, &upload(&merchant, guest("lost", version)).send());
        assert_eq!(status, 201, "{view}");
    }
    let versions = merchant.call(Role::Auditor, "GET", "/policies/lost/versions").send().ok();
    let version = |at: usize| versions["versions"][at]["version"].as_str().unwrap().to_owned();
    let (placed, drafted) = (version(0), version(1));
    let call = |merchant: &Merchant<'_>, name: &str, body: &Value| {
        merchant.call(Role::MerchantAdmin, "POST", &format!("/policies/lost/rollout/{name}")).json(body)
    };
    call(&merchant, "shadow", &json!({"version": placed})).send().ok();
    for from in ["2027-11-11", "2027-12-12"] {
        call(&merchant, "windows", &json!({"version": placed, "from": from, "to": from})).send().ok();
    }
    ask_for_two(&merchant);
    let asked = call(&merchant, "activate", &json!({"version": drafted})).send().ok()["proposal"].clone();
    let (id, digest) = (merchant.id.clone(), versions["versions"][0]["component"].as_str().unwrap().to_owned());
    drop(server);
    // Their component is lost; both versions have the same code.
    let database = Connection::open(folder.path().join("ombud.db")).unwrap();
    let lost = "DELETE FROM blobs WHERE digest IN (SELECT component FROM versions WHERE policy = 'lost')";
    assert!(database.execute(lost, []).unwrap() >= 1, "{digest}");
    drop(database);
    let server = open();
    let merchant = server.known(&id);
    let second = merchant.new_key(Role::MerchantAdmin, "the second");
    let refused = word(&merchant, &second, &asked, "approve").send().problem(409);
    let detail = refused["detail"].as_str().unwrap();
    assert!(
        detail.contains("cannot be rolled out: its component is not stored") && detail.ends_with("mend that, or withdraw the proposal"),
        "{refused}"
    );
    word(&merchant, &second, &asked, "withdraw").send().ok();
    // It is taken out nevertheless, by one person or two, and is not put back.
    call(&merchant, "shadow", &json!({"version": placed, "on": false})).send().ok();
    assert_eq!(plan(&merchant)["shadows"], json!([]));
    call(&merchant, "shadow", &json!({"version": placed})).send().problem(409);
    let every = call(&merchant, "windows/remove", &json!({"version": placed})).send().ok()["proposal"].clone();
    word(&merchant, &second, &every, "approve").send().ok();
    assert_eq!(plan(&merchant)["windows"], json!([]));
    for (name, body) in [("shadow", json!({"version": placed, "on": false})), ("windows/remove", json!({"version": placed}))] {
        call(&merchant, name, &body).send().problem(409);
    }
    call(&merchant, "shadow", &json!({"version": "9", "on": false})).send().problem(422);
    merchant
        .call(Role::MerchantAdmin, "POST", "/policies/none/rollout/shadow")
        .json(&json!({"version": "9", "on": false}))
        .send()
        .problem(404);
}

#[test]
fn what_waited_for_seven_days_waits_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Server::with(folder.path(), Options { policies: Some(root().join("policies")), ..Options::default() });
    let server = open();
    let merchant = server.merchant(json!({}));
    let (new, old) = (bind(&merchant, 4_920), bind(&merchant, 3_120));
    ask_for_two(&merchant);
    let asked = step(&merchant, "activate", json!({"version": new})).send().ok()["proposal"].clone();
    let id = merchant.id.clone();
    drop(server);
    // Nobody waits for seven days here.
    let database = Connection::open(folder.path().join("ombud.db")).unwrap();
    let moment = "json_extract(plans, '$.proposals[0].at_ms') - 7 * 24 * 3600000";
    let sql = format!("UPDATE rollouts SET plans = json_set(plans, '$.proposals[0].at_ms', {moment})");
    assert_eq!(database.execute(&sql, []).unwrap(), 1);
    drop(database);
    let server = open();
    let merchant = server.known(&id);
    let second = merchant.new_key(Role::MerchantAdmin, "the second");
    assert_eq!(merchant.call(Role::Auditor, "GET", "/rollout/proposals").send().ok(), json!([]));
    for name in ["approve", "withdraw"] {
        let refused = word(&merchant, &second, &asked, name).send().problem(409);
        assert!(refused["detail"].as_str().unwrap().contains("it waited until 20"), "{refused}");
    }
    assert_eq!(plan(&merchant)["active"]["version"], json!(old));
    let again = step(&merchant, "activate", json!({"version": new})).send().ok()["proposal"].clone();
    word(&merchant, &second, &asked, "approve").send().problem(404);
    word(&merchant, &second, &again, "approve").send().ok();
    assert_eq!(plan(&merchant)["active"]["version"], json!(new));
}
