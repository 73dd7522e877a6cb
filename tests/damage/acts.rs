//! What is administered follows from its acts: keys that were destroyed, holds, API keys, caps and the guardrail, and what else
//! somebody with a database shell changes is named.

use ombud::service::Role;
use ombud_tests::command::{on, path};
use ombud_tests::events::refund;
use ombud_tests::guests::root;
use ombud_tests::ledger::findings;
use ombud_tests::server::Server;
use rusqlite::Connection;
use serde_json::json;

/// Tables that are changed here.
const CHANGED: [&str; 9] =
    ["entries", "subject_keys", "holds", "api_keys", "merchants", "operator_values", "counted", "rollouts", "versions"];

/// What somebody does by hand, whose check tells it, and what must be said. `M` is the merchant's number.
const BY_HAND: [(&str, bool, &str); 19] = [
    // A key destroyed in the way of an erasure, without its act.
    (
        "UPDATE entries SET customer = NULL WHERE merchant_no = M AND customer = 'c_2';
         UPDATE counted SET customer = 'erased:00' WHERE merchant_no = M AND customer = 'c_2';
         UPDATE subject_keys SET subject = 'erased:00', wrapped = NULL, erased_at_ms = 1 WHERE merchant_no = M AND subject = 'customer:c_2'",
        false,
        "no act says that a customer was erased",
    ),
    // The same without a trace: there is an act, of another customer.
    (
        "UPDATE entries SET customer = NULL WHERE merchant_no = M AND customer = 'c_2';
         DELETE FROM subject_keys WHERE merchant_no = M AND subject = 'customer:c_2'",
        false,
        "4 records can be opened by nobody, and the acts that erased account for 3",
    ),
    (
        "DELETE FROM subject_keys WHERE merchant_no = M AND subject >= 'erased:' AND subject < 'erased;'",
        false,
        "an act says that this customer was erased, and the mark is not there",
    ),
    ("DELETE FROM holds WHERE merchant_no = M", false, "of `holds`: an act set it and none lifted it, and it is not there"),
    ("UPDATE holds SET subject = 'c_9' WHERE merchant_no = M", false, "of `holds`: it holds something else than the act that set it says"),
    (
        "INSERT INTO holds (merchant_no, hold_id, scope, subject, set_by, set_at_ms) VALUES (M, 'h_0', 'merchant', NULL, 'me', 1)",
        false,
        "row `h_0` of `holds`: no act set it, or one lifted it",
    ),
    ("UPDATE api_keys SET role = 'merchant-admin' WHERE merchant_no = M AND role = 'agent'", false, "its role or label is another"),
    ("DELETE FROM api_keys WHERE merchant_no = M AND role = 'agent'", false, "of `api_keys`: an act created it, and it is not there"),
    ("UPDATE api_keys SET revoked_at_ms = 1 WHERE merchant_no = M AND role = 'agent'", false, "of `api_keys`: it is revoked, and no act did"),
    ("UPDATE api_keys SET hash = zeroblob(32) WHERE merchant_no = M AND role = 'agent'", false, "of `api_keys`: its secret is another one's"),
    (
        "INSERT INTO api_keys (hash, key_id, merchant_no, role, actor, created_at_ms) VALUES (zeroblob(32), 'k_000000000000', NULL, 'operator', 'me', 1)",
        true,
        "row `k_000000000000` of `api_keys`: no act created it",
    ),
    // Times, by a millisecond.
    ("UPDATE api_keys SET created_at_ms = created_at_ms + 1 WHERE merchant_no = M", false, "it was created at another time than the act says"),
    ("UPDATE merchants SET created_at_ms = created_at_ms + 1 WHERE merchant_no = M", false, "its time of creation is another than the act's"),
    (
        "UPDATE rollouts SET changed_at_ms = changed_at_ms - 1 WHERE merchant_no = M",
        false,
        "of `rollouts`: it was changed last at another time than the act says",
    ),
    (
        "UPDATE versions SET changed_at_ms = changed_at_ms - 1 WHERE merchant_no = M",
        false,
        "of `versions`: it stands where it stands since another time than the acts say",
    ),
    (
        "UPDATE subject_keys SET created_at_ms = created_at_ms + 1 WHERE merchant_no = M AND subject = 'customer:c_2'",
        false,
        "key of `customer:c_2`: it was made at another time than the customer's first record",
    ),
    (
        "UPDATE merchants SET config = replace(config, '\"order_refund_auto_fen_max\":30000', '\"order_refund_auto_fen_max\":30001') WHERE merchant_no = M",
        false,
        "of `merchants`: its caps are others than the acts set last",
    ),
    (
        "UPDATE merchants SET config = replace(config, '\"retention_days\":400', '\"retention_days\":401') WHERE merchant_no = M",
        false,
        "of `merchants`: its days of retention are others",
    ),
    ("UPDATE operator_values SET value = zeroblob(32) WHERE key = 'guardrail'", true, "row `guardrail` of `operator_values`: it is another guardrail"),
];

/// With the merchant's number.
fn by_hand(sql: &str, number: i64) -> String {
    sql.replace("= M", &format!("= {number}")).replace("(M,", &format!("({number},"))
}

fn database(server: &Server) -> Connection {
    let database = Connection::open(server.data.join("ombud.db")).unwrap();
    database.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    database
}

#[test]
fn what_is_administered_follows_from_the_acts() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::on(folder.path(), &root().join("policies"));
    let merchant = server.merchant(json!({"caps": {"order_refund_auto_fen_max": 30_000}, "retention_days": 400}));
    for (own, customer) in [("one", "c_1"), ("two", "c_2"), ("three", "c_3")] {
        merchant.decide(&refund(own, customer, 1_000));
    }
    let hold = |body: serde_json::Value| merchant.call(Role::Compliance, "POST", "/holds").json(&body).send().with(201);
    hold(json!({"customer": "c_3", "reason": "court"}));
    // One that was lifted before its customer was erased: its acts can be read by nobody.
    let lifted = hold(json!({"customer": "c_1", "reason": "court"}));
    let path_of = format!("/holds/{}/lift", lifted["hold"].as_str().or(lifted["id"].as_str()).unwrap());
    assert_eq!(merchant.call(Role::Compliance, "POST", &path_of).json(&json!({"reason": "over"})).send().status, 204);
    let request = json!({"customer": "c_1", "reason": "the person asked for it"});
    assert_eq!(merchant.call(Role::MerchantAdmin, "POST", "/erasures").json(&request).send().status, 201);
    let all = || [findings(&server.data, &merchant.id), findings(&server.data, "operator")];
    assert_eq!(all(), [[""; 0], [""; 0]]);

    let good = tempfile::tempdir().unwrap();
    let kept = good.path().join("good.db");
    database(&server).execute("VACUUM INTO ?1", [path(&kept)]).unwrap();
    let number: i64 =
        database(&server).query_row("SELECT merchant_no FROM merchants WHERE id = ?1", [&merchant.id], |row| row.get(0)).unwrap();
    let restore = || {
        let database = database(&server);
        database.execute("ATTACH ?1 AS good", [path(&kept)]).unwrap();
        for table in CHANGED {
            database.execute_batch(&format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM good.{table}")).unwrap();
        }
    };
    for (sql, of_operator, said) in BY_HAND {
        database(&server).execute_batch(&by_hand(sql, number)).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let found = &all()[usize::from(of_operator)];
        assert!(found.iter().any(|one| one.contains(said)), "{sql}: {found:#?}");
        restore();
    }
    assert_eq!(all(), [[""; 0], [""; 0]]);

    // What runs beside every write and what stands for a table are compared with what this program makes.
    server.service.sign_now().unwrap();
    on(&server.data, &["audit", "check"]).exits(0).says("not on record, not checked").says("results of shadow runs");
    for (sql, back, said) in [
        (
            "CREATE TRIGGER more AFTER INSERT ON intents BEGIN UPDATE intents SET amount = amount + 1; END",
            "DROP TRIGGER more",
            "the schema has trigger `more` on `intents`",
        ),
        ("CREATE VIEW every AS SELECT 1", "DROP VIEW every", "the schema has view `every`"),
    ] {
        database(&server).execute_batch(sql).unwrap();
        on(&server.data, &["audit", "check"]).exits(1).says(said);
        database(&server).execute_batch(back).unwrap();
    }
    let view: String = database(&server).query_row("SELECT sql FROM sqlite_schema WHERE name = 'payments'", [], |row| row.get(0)).unwrap();
    database(&server).execute_batch("DROP VIEW payments; CREATE VIEW payments AS SELECT 1 AS amount").unwrap();
    on(&server.data, &["audit", "check"]).exits(1).says("the schema lacks view `payments`");
    database(&server).execute_batch(&format!("DROP VIEW payments; {view}")).unwrap();
    on(&server.data, &["audit", "check"]).exits(0);

    // Bundles: what is erased stands against the acts as well, as far as they are in the window.
    let id = merchant.id.clone();
    let data = server.data.clone();
    server.stop();
    let bundle = good.path().join("whole.ombud");
    let key = data.join("ledger.vkey");
    let export = |rest: &[&str]| on(&data, &[&["audit", "export", "--merchant", &id, "-o", path(&bundle)], rest].concat());
    let verify = |rest: &[&str]| {
        ombud_tests::command::run(&[&["audit", "verify", path(&bundle), "--key", path(&key), "--no-replay"], rest].concat())
    };
    export(&[]).exits(0);
    verify(&[]).exits(0).says("acts after them erased as many");
    export(&["--masked"]).exits(0);
    verify(&[]).exits(0);
    let database = Connection::open(data.join("ombud.db")).unwrap();
    database.execute_batch(&by_hand(BY_HAND[1].0, number)).unwrap();
    export(&[]).exits(1).complains("4 records can be opened by nobody");
    verify(&[]).exits(1).says("4 records can be opened by nobody, and the acts that erased account for 3");
}
