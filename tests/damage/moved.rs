//! Versions, the keys that sign them, what answers which case and the configuration follow from their acts, and what somebody with a
//! database shell changes of them is named.

use ombud::service::{Options, Role};
use ombud::signature::{SecretKey, Statement};
use ombud_core::call_limits::OperatorLimits;
use ombud_ledger::Digest;
use ombud_tests::guests::root;
use ombud_tests::ledger::findings;
use ombud_tests::server::{Merchant, Server};
use ombud_tests::uploads::{ended, form, guest};
use rusqlite::Connection;
use serde_json::{Value, json};

/// Tables that are changed here.
const CHANGED: [&str; 6] = ["merchants", "rollouts", "versions", "signing_keys", "operator_values", "api_keys"];

/// What somebody does by hand, whose check tells it, and what must be said. `M` is the merchant's number.
const BY_HAND: [(&str, bool, &str); 25] = [
    // Another version answers, or to another share.
    (
        "UPDATE rollouts SET plans = replace(plans, '\"share_bp\":2500', '\"share_bp\":9000') WHERE merchant_no = M",
        false,
        "of `rollouts`: `plans.delay.canary.share_bp` is 9000, and the acts give 2500",
    ),
    (
        "UPDATE rollouts SET plans = json_set(plans, '$.plans.reply.active.version', 'x') WHERE merchant_no = M",
        false,
        "of `rollouts`: `plans.reply.active.version` is \"x\", and the acts give",
    ),
    (
        "UPDATE rollouts SET plans = json_remove(plans, '$.stops') WHERE merchant_no = M",
        false,
        "of `rollouts`: `stops` is nothing, and the acts give [",
    ),
    ("UPDATE rollouts SET plans = json_remove(plans, '$.proposals') WHERE merchant_no = M", false, "of `rollouts`: `proposals` is nothing"),
    (
        "UPDATE rollouts SET plans = json_remove(plans, '$.plans.delay.taken') WHERE merchant_no = M",
        false,
        "`plans.delay.taken` is nothing",
    ),
    (
        "UPDATE rollouts SET plans = json_remove(plans, '$.plans.delay.windows') WHERE merchant_no = M",
        false,
        "`plans.delay.windows` is nothing",
    ),
    ("UPDATE rollouts SET plans = '{}' WHERE merchant_no = M", false, "of `rollouts`: `plans."),
    ("UPDATE rollouts SET plans = '{' WHERE merchant_no = M", false, "of `rollouts`: it cannot be read"),
    (
        "UPDATE rollouts SET plans = json_set(plans, '$.more', 1) WHERE merchant_no = M",
        false,
        "it is another document than the last act that moved plans left",
    ),
    ("DELETE FROM rollouts WHERE merchant_no = M", false, "of `rollouts`: it is missing"),
    // Versions.
    (
        "UPDATE versions SET component = (SELECT component FROM versions WHERE policy = 'reply' LIMIT 1) WHERE merchant_no = M AND policy = 'signed'",
        false,
        "its component is `",
    ),
    (
        "UPDATE versions SET signing_key = NULL, signature = NULL WHERE merchant_no = M AND policy = 'signed'",
        false,
        "its signing key is ``",
    ),
    (
        "UPDATE versions SET signature = replace(signature, 'RU', 'RV') WHERE merchant_no = M AND policy = 'signed'",
        false,
        "of `versions`: its signature does not hold",
    ),
    ("UPDATE versions SET created_by = 'nobody' WHERE merchant_no = M AND policy = 'signed'", false, "its author is `nobody`"),
    ("UPDATE versions SET created_role = 'operator' WHERE merchant_no = M AND policy = 'signed'", false, "its author's role is `operator`"),
    ("UPDATE versions SET note = 'other' WHERE merchant_no = M AND policy = 'signed'", false, "its kind, contract, size, note, package,"),
    ("UPDATE versions SET report = '[]' WHERE merchant_no = M AND policy = 'signed'", false, "its kind, contract, size, note, package,"),
    ("UPDATE versions SET state = 'active' WHERE merchant_no = M AND policy = 'signed'", false, "it is active, and the acts have it draft"),
    ("DELETE FROM versions WHERE merchant_no = M AND policy = 'signed'", false, "of `versions`: an act made it, and it is not there"),
    // Keys that sign.
    (
        "UPDATE signing_keys SET revoked_at_ms = NULL WHERE merchant_no = M AND label = 'gone'",
        false,
        "of `signing_keys`: it is in force, and an act",
    ),
    (
        "UPDATE signing_keys SET public_key = (SELECT public_key FROM signing_keys WHERE label = 'gone') WHERE merchant_no = M AND label = 'dev'",
        false,
        "of `signing_keys`: it is another public key than the act registered",
    ),
    // The rest of the configuration, how high the caps may be, and the operator's limits.
    (
        "UPDATE merchants SET config = json_set(config, '$.caps_bound.order_refund_auto_fen_max', 90000000) WHERE merchant_no = M",
        false,
        "of `merchants`: its bounds of caps are others than the operator's acts set last",
    ),
    (
        "UPDATE merchants SET config = json_set(config, '$.config.approvals.rollout', 1) WHERE merchant_no = M",
        false,
        "of `merchants`: its configuration, what it has beside caps, limits and retention, is another",
    ),
    (
        "UPDATE operator_values SET value = CAST(replace(CAST(value AS TEXT), '300000', '900000') AS BLOB) WHERE key = 'limits'",
        true,
        "row `limits` of `operator_values`: they are other limits than the acts set last",
    ),
    (
        "UPDATE api_keys SET hash = CAST(substr(hash, 1, 31) || x'00' AS BLOB) WHERE merchant_no = M AND role = 'agent'",
        false,
        "its secret is another one's",
    ),
];

fn database(server: &Server) -> Connection {
    let database = Connection::open(server.data.join("ombud.db")).unwrap();
    database.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    database
}

/// Uploads `signed` 1, signed, with a note.
fn upload_signed(merchant: &Merchant<'_>) -> String {
    let (dev, gone) = (SecretKey::draw().unwrap(), SecretKey::draw().unwrap());
    for (key, label) in [(&dev, "dev"), (&gone, "gone")] {
        let body = json!({"public_key": key.public().file(), "label": label});
        merchant.call(Role::MerchantAdmin, "POST", "/signing-keys").json(&body).send().with(201);
    }
    let revoke = merchant.call(Role::MerchantAdmin, "DELETE", &format!("/signing-keys/{}", gone.public().id())).send();
    assert_eq!(revoke.status, 204);
    let component = guest("signed", "1");
    let settings = Digest::of(b"{}").to_string();
    let statement = Statement {
        merchant: merchant.id.clone(),
        policy: "signed".into(),
        version: format!("1+{}", &settings[..8]),
        component: Digest::of(&component).to_string(),
        settings,
    };
    let signature = dev.sign(&component, &statement);
    let (status, view) =
        ended(merchant, &form(merchant, &[("component", &component), ("signature", signature.as_bytes()), ("note", b"first")]).send());
    assert_eq!(status, 201, "{view}");
    statement.version
}

fn put(merchant: &Merchant<'_>, more: &Value) -> Value {
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].take();
    for (name, value) in more.as_object().unwrap() {
        config[name] = value.clone();
    }
    merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().ok()
}

fn version_of(bound: &Value, kind: &str) -> String {
    let policy = bound["policies"].as_array().unwrap().iter().find(|policy| policy["kind"] == kind).unwrap();
    policy["version"].as_str().unwrap().to_owned()
}

#[test]
fn versions_rollouts_and_configuration_follow_from_the_acts() {
    let folder = tempfile::tempdir().unwrap();
    let limits = OperatorLimits {
        upload: ombud_core::upload_limits::UploadLimits { settings_bytes_max: 300_000, ..Default::default() },
        ..Default::default()
    };
    let options = Options { policies: Some(root().join("policies")), limits: Some(limits), ..Options::default() };
    let server = Server::with(folder.path(), options);
    let merchant = server.merchant(json!({"caps": {"order_refund_auto_fen_max": 30_000}}));
    let all = || [findings(&server.data, &merchant.id), findings(&server.data, "operator")];
    assert_eq!(all(), [[""; 0], [""; 0]]);
    put(&merchant, &json!({"caps": {"order_refund_auto_fen_max": 20_000}, "shop_id": "10437918"}));
    // A member that is given up is an act as well.
    for on in [false, true] {
        put(&merchant, &json!({"protection": {"on": on}}));
        assert_eq!(all(), [[""; 0], [""; 0]]);
    }
    let acts = merchant.call(Role::Auditor, "GET", "/acts?act=merchant.changed&limit=2").send().ok();
    let members = |at: usize| &acts["acts"][at]["body"]["members"];
    assert_eq!([members(0), members(1)], [&json!(["protection"]); 2], "{acts}");
    upload_signed(&merchant);
    let bind = |value: i64| {
        let policies = json!({"delay": {"policy": "delay", "settings": {"ship_slight_value": value}}});
        version_of(&put(&merchant, &json!({"policies": policies})), "delay")
    };
    // As fast as they come: some of these changes have the same moment.
    (0..20).for_each(|at| _ = bind(6_000 + at));
    assert_eq!(all(), [[""; 0], [""; 0]]);
    let (one, two, three) = (bind(3_100), bind(4_200), bind(5_300));
    let step = |name: &str, body: Value| {
        let path = format!("/policies/delay/rollout/{name}");
        let answer = merchant.call(Role::MerchantAdmin, "POST", &path).json(&body).send().ok();
        assert_eq!(findings(&server.data, &merchant.id), [""; 0], "{name} {body}");
        answer
    };
    step("rollback", json!({"reason": "too dear"}));
    step("activate", json!({"version": three}));
    step("rollback", json!({"to": one, "reason": "far back"}));
    step("shadow", json!({"version": two}));
    step("shadow", json!({"version": two, "on": false}));
    for (from, to) in [("2027-11-11", "2027-11-11"), ("2027-12-01T08:00:30", "2027-12-02T09:00:00Z"), ("2028-01-01", "2028-01-02")] {
        step("windows", json!({"version": two, "from": from, "to": to}));
    }
    merchant
        .call(Role::MerchantAdmin, "POST", "/policies/delay/rollout/windows/remove")
        .json(&json!({"version": two, "from": "2028-01-01"}))
        .send()
        .ok();
    step("canary", json!({"version": two, "share_bp": 500}));
    step("canary", json!({"version": two, "share_bp": 2_500, "reason": "no complaints"}));
    step("pause", json!({"version": one, "reason": "look"}));
    server
        .call("POST", &format!("/v1/merchants/{}/rollout/pause", merchant.id))
        .key(&server.operator)
        .json(&json!({"kind": "reply", "reason": "op"}))
        .send()
        .ok();
    put(&merchant, &json!({"approvals": {"rollout": 2}}));
    step("resume", json!({"version": one, "reason": "looked"}));
    let proposal = step("activate", json!({"version": two}))["proposal"]["id"].clone();
    let second = merchant.new_key(Role::MerchantAdmin, "the second");
    let word = |id: &Value, word: &str, key: &str| {
        let path = format!("/v1/merchants/{}/rollout/proposals/{}/{word}", merchant.id, id.as_str().unwrap());
        server.call("POST", &path).key(key).json(&json!({})).send().ok();
        assert_eq!(findings(&server.data, &merchant.id), [""; 0], "{word}");
    };
    word(&proposal, "withdraw", &second);
    let off = merchant.call(Role::MerchantAdmin, "POST", "/rollout/approvals/off").json(&json!({})).send().ok();
    word(&off["proposal"]["id"], "approve", &second);
    put(&merchant, &json!({"approvals": {"rollout": 2}}));
    assert_eq!(all(), [[""; 0], [""; 0]]);

    let good = tempfile::tempdir().unwrap();
    let kept = good.path().join("good.db");
    database(&server).execute("VACUUM INTO ?1", [kept.to_str().unwrap()]).unwrap();
    let number: i64 =
        database(&server).query_row("SELECT merchant_no FROM merchants WHERE id = ?1", [&merchant.id], |row| row.get(0)).unwrap();
    for (sql, of_operator, said) in BY_HAND {
        let changed =
            database(&server).execute(&sql.replace("= M", &format!("= {number}")), []).unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert!(changed > 0, "{sql}");
        let found = &all()[usize::from(of_operator)];
        assert!(found.iter().any(|one| one.contains(said)), "{sql}: {found:#?}");
        // What is whole is not accused beside it.
        let table =
            CHANGED.into_iter().find(|table| sql.contains(&format!(" {table} ")) || sql.contains(&format!("UPDATE {table}"))).unwrap();
        assert!(
            found.iter().all(|one| one.contains(&format!("of `{table}`")) || one.contains("its signature does not hold")),
            "{sql}: {found:#?}"
        );
        let database = database(&server);
        database.execute("ATTACH ?1 AS good", [kept.to_str().unwrap()]).unwrap();
        for table in CHANGED {
            database.execute_batch(&format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM good.{table}")).unwrap();
        }
    }
    assert_eq!(all(), [[""; 0], [""; 0]]);
}

#[test]
fn a_cap_that_was_moved_and_moved_back_is_named_at_the_act_that_found_it() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Server::with(folder.path(), Options { policies: Some(root().join("policies")), ..Options::default() });
    let server = open();
    let id = server.merchant(json!({"caps": {"order_refund_auto_fen_max": 30_000}})).id.clone();
    drop(server);
    let moved = Connection::open(folder.path().join("ombud.db")).unwrap();
    let sql = "UPDATE merchants SET config = replace(config, '\"order_refund_auto_fen_max\":30000', '\"order_refund_auto_fen_max\":90000') WHERE id = ?1";
    assert_eq!(moved.execute(sql, [&id]).unwrap(), 1);
    drop(moved);
    let server = open();
    let path = format!("/v1/merchants/{id}");
    let mut config = server.call("GET", &path).key(&server.operator).send().ok()["config"].take();
    assert_eq!(config["caps"]["order_refund_auto_fen_max"], 90_000);
    config["caps"]["order_refund_auto_fen_max"] = 30_000.into();
    server.call("PUT", &path).key(&server.operator).json(&config).send().ok();
    let found = findings(&server.data, &id);
    assert!(matches!(&found[..], [one] if one.contains("the caps that it found are others than the acts before it had left")), "{found:?}");
}

#[test]
fn what_was_moved_by_hand_is_named_after_lawful_acts_too() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Server::with(folder.path(), Options { policies: Some(root().join("policies")), ..Options::default() });
    let by_hand = |set: &str| {
        let database = Connection::open(folder.path().join("ombud.db")).unwrap();
        database.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        let plans: String = database.query_row("SELECT plans FROM rollouts", [], |row| row.get(0)).unwrap();
        assert_eq!(database.execute(&format!("UPDATE rollouts SET plans = {set}"), []).unwrap(), 1);
        plans
    };
    // A second share, an approval that nobody asks for; what one does beside the server, or while it is stopped, or both.
    let share = "json_set(plans, '$.plans.delay.canary.share_bp', 9000)";
    let said = "the rollouts that it found are others than the acts before it had left";
    let mut server = open();
    let id = server.merchant(json!({})).id.clone();
    let path = format!("/v1/merchants/{id}");
    let call = |server: &Server, method: &str, rest: &str, body: &Value| {
        server.call(method, &format!("{path}{rest}")).key(&server.operator).json(body).send().ok()
    };
    let config = |server: &Server| server.call("GET", &path).key(&server.operator).send().ok()["config"].take();
    let bound = |server: &Server, value: i64| {
        let mut config = config(server);
        config["policies"] = json!({"delay": {"policy": "delay", "settings": {"ship_slight_value": value}}});
        version_of(&call(server, "PUT", "", &config), "delay")
    };
    let (one, _two) = (bound(&server, 3_000), bound(&server, 4_000));
    let canary = |server: &Server, share_bp: u16| {
        call(server, "POST", "/policies/delay/rollout/canary", &json!({"version": one, "share_bp": share_bp}));
    };
    canary(&server, 500);
    let mut named = 0;
    let mut is_named = |server: &Server, when: &str| {
        let found = findings(&server.data, &id);
        let all = found.iter().filter(|one| one.contains(said)).count();
        assert_eq!((all, found.len()), (named + 1, all), "{when}: {found:#?}");
        named = all;
    };
    let reopened = |server: Server| {
        drop(server);
        open()
    };

    // Beside the server: the act undoes it, and it is named nevertheless.
    assert_eq!(findings(&server.data, &id), [""; 0]);
    by_hand(share);
    canary(&server, 600);
    is_named(&server, "beside the server");
    // While it is stopped: the server starts with it.
    drop(server);
    by_hand(share);
    server = open();
    canary(&server, 700);
    is_named(&server, "while it is stopped");
    // And put back beside the server, which goes on with what it had read.
    drop(server);
    let good = by_hand(share);
    server = open();
    by_hand(&format!("'{good}'"));
    canary(&server, 800);
    is_named(&server, "put back beside the server");
    // A change of the merchant that binds another version.
    server = reopened(server);
    by_hand("json_remove(plans, '$.plans.reply')");
    bound(&server, 5_000);
    is_named(&server, "by a binding");
    // The act of a proposal that nobody made.
    let proposal = json!({"id": "p_0", "kind": null, "step": "approvals-off", "by": "me", "reason": null, "at_ms": 4_000_000_000_000_i64});
    drop(server);
    by_hand(&format!("json_set(plans, '$.proposals', json('[{proposal}]'))"));
    server = open();
    call(&server, "POST", "/rollout/proposals/p_0/withdraw", &json!({}));
    is_named(&server, "a proposal that is gone again");

    // A change of the merchant that moves nothing swallows nothing, and one that changes nothing writes nothing.
    drop(server);
    by_hand(share.replace("9000", "9500").as_str());
    server = open();
    let own = config(&server);
    call(&server, "PUT", "", &own);
    let row = "`plans.delay.canary.share_bp` is 9500, and the acts give";
    let found = findings(&server.data, &id);
    assert!(found.iter().any(|one| one.contains(row)), "{found:#?}");
    let mut own = config(&server);
    own["caps"]["order_refund_auto_fen_max"] = 400_000.into();
    call(&server, "PUT", "", &own);
    let found = findings(&server.data, &id);
    assert!(found.iter().any(|one| one.contains(row)), "{found:#?}");
    assert_eq!(found.iter().filter(|one| one.contains(said)).count(), 6, "{found:#?}");
    canary(&server, 900);
    let found = findings(&server.data, &id);
    assert!(found.iter().all(|one| one.contains(said)) && found.len() == 7, "{found:#?}");
}

#[test]
fn settings_that_were_moved_and_moved_back_are_named_at_the_act_that_found_them() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Server::with(folder.path(), Options { policies: Some(root().join("policies")), ..Options::default() });
    let server = open();
    let id = server.merchant(json!({"approvals": {"rollout": 2}})).id.clone();
    drop(server);
    let moved = Connection::open(folder.path().join("ombud.db")).unwrap();
    let sql = "UPDATE merchants SET config = json_remove(config, '$.config.approvals') WHERE id = ?1";
    assert_eq!(moved.execute(sql, [&id]).unwrap(), 1);
    drop(moved);
    let server = open();
    let path = format!("/v1/merchants/{id}");
    let mut config = server.call("GET", &path).key(&server.operator).send().ok()["config"].take();
    assert_eq!(config.get("approvals"), None);
    config["approvals"] = json!({"rollout": 2});
    server.call("PUT", &path).key(&server.operator).json(&config).send().ok();
    let found = findings(&server.data, &id);
    let said = "the settings beside caps, limits and retention that it found are others than the acts before it had left";
    assert!(matches!(&found[..], [one] if one.contains(said)), "{found:?}");
}
