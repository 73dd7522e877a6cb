//! Backtests over HTTP: what a candidate would have changed in known decisions, to the fen; who may, who is recorded, how many.

mod records;
mod running;

use std::sync::OnceLock;

use ombud::service::{BACKTESTS_KEPT_MAX, BACKTESTS_UNDER_WAY_MAX, Role};
use ombud_tests::events::{event, refund};
use ombud_tests::guests;
use ombud_tests::server::{Merchant, Server, policies_with, wait_for};
use serde_json::{Value, json};

/// A server with a policy that traps and one that loops beside the usual ones.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let made = tempfile::tempdir().unwrap();
        let traps = guests::package(made.path(), "trap", &guests::component("trap", "delay-policy"));
        let lavish = guests::root().join("tests/policies/lavish");
        let unfair = guests::root().join("tests/policies/unfair");
        let (_folder, policies) = policies_with(&[&traps, &lavish, &unfair]);
        Server::start(tempfile::tempdir().unwrap(), &policies)
    })
}

/// A shipping delay of an order, of so many hours, for which nothing was granted yet.
fn delay(own: &str, customer: &str, hours: i64) -> Value {
    let mut event = event("delay.detected", own);
    let data = &mut event["data"];
    data["customer_ref"] = customer.into();
    data["delay"]["already"] = json!([]);
    let episode = &mut data["delay"]["episodes"][0];
    episode["merchant_marked_done"] = Value::Null;
    // The event's time, 2026-11-06T14:00:00+08:00.
    let due = 1_793_944_800_000 - hours * 3_600_000;
    episode["due"] = due.into();
    episode["basis_at"] = (due - 172_800_000).into();
    event
}

fn begin(merchant: &Merchant<'_>, request: &Value) -> Value {
    merchant.call(Role::MerchantAdmin, "POST", "/backtests").json(request).send().with(202)
}

/// The report of a backtest that was begun.
fn report_of(merchant: &Merchant<'_>, begun: &Value) -> Value {
    let path = format!("/backtests/{}", begun["id"].as_str().unwrap());
    let mut last = Value::Null;
    wait_for(|| {
        last = merchant.call(Role::MerchantAdmin, "GET", &path).send().ok();
        !matches!(last["state"].as_str(), Some("queued" | "running"))
    });
    assert_eq!((&last["state"], &last["done"]), (&json!("done"), &last["total"]), "{last}");
    last["report"].clone()
}

fn backtest(merchant: &Merchant<'_>, request: &Value) -> Value {
    report_of(merchant, &begin(merchant, request))
}

/// Decisions, flips, money alone, rule alone.
fn counts(report: &Value) -> [u64; 4] {
    ["decisions", "flips", "money_only", "rule_only"].map(|name| report["impact"]["total"][name].as_u64().unwrap())
}

/// Refund, cash and coupon that are paid, on one side.
fn paid(report: &Value, side: &str) -> [i64; 3] {
    ["refund", "cash", "coupon"].map(|sort| report["impact"]["total"]["money"][side]["paid"][sort].as_i64().unwrap())
}

#[test]
fn the_version_in_force_changes_nothing() {
    let merchant = server().merchant(json!({}));
    for (own, fen) in [("same-1", 10_000), ("same-2", 20_000), ("same-3", 30_000)] {
        merchant.decide(&refund(own, &format!("c_{own}"), fen));
    }
    merchant.decide(&delay("same-late", "c_late", 30));
    let report = backtest(&merchant, &json!({"kind": "after-sale"}));
    assert_eq!(counts(&report), [3, 0, 0, 0], "{report}");
    assert_eq!((paid(&report, "before"), paid(&report, "after")), ([60_000, 0, 0], [60_000, 0, 0]));
    assert_eq!(
        (&report["impact"]["outcomes"], &report["impact"]["rules"], &report["impact"]["examples"]),
        (&json!([]), &json!([]), &json!([]))
    );
    let fuel = &report["impact"]["fuel"];
    assert_eq!((&fuel["comparable"], &fuel["recorded_mean"]), (&json!(3), &fuel["candidate_mean"]));
    assert_eq!(report["kinds"], json!(["after-sale"]));
    // By its name, which decides the kind it decides.
    let by_name = backtest(&merchant, &json!({"policy": "delay"}));
    assert_eq!((counts(&by_name), &by_name["kinds"]), ([1, 0, 0, 0], &json!(["delay"])));
    // By the component's digest.
    let component = report["candidate"]["component"].as_str().unwrap();
    let by_component = backtest(&merchant, &json!({"component": component}));
    assert_eq!((counts(&by_component), &by_component["candidate"]), ([3, 0, 0, 0], &report["candidate"]));
}

#[test]
fn other_settings_change_what_they_say_to_the_fen() {
    let merchant = server().merchant(json!({}));
    let slight = merchant.decide(&delay("money-slight", "c_slight", 30));
    let severe = merchant.decide(&delay("money-severe", "c_severe", 100));
    assert_eq!((&slight["amounts"]["coupon"], &severe["amounts"]["cash"]), (&json!(3_000), &json!(3_790)), "{slight} {severe}");
    let report = backtest(&merchant, &json!({"kind": "delay", "settings": {"ship_slight_value": 4_500}}));
    assert_eq!((paid(&report, "before"), paid(&report, "after")), ([0, 3_790, 3_000], [0, 3_790, 4_500]), "{report}");
    assert_eq!(counts(&report), [2, 0, 1, 0]);
    let [flip] = report["impact"]["outcomes"].as_array().unwrap().as_slice() else { panic!("{report}") };
    assert_eq!(
        (&flip["from"], &flip["to"], &flip["decisions"], &flip["first"]),
        (&json!("compensate"), &json!("compensate"), &json!(1), &slight["id"])
    );
    let [example] = report["impact"]["examples"].as_array().unwrap().as_slice() else { panic!("{report}") };
    assert_eq!((&example["id"], &example["seq"], &example["ticket"]), (&slight["id"], &slight["seq"], &json!("ticket-money-slight")));
    // The readable version says that the settings are others.
    let candidate = &report["candidate"];
    let bound = slight["policy"]["version"].as_str().unwrap();
    assert_ne!(candidate["version"].as_str().unwrap(), bound);
    assert_eq!(candidate["version"].as_str().unwrap().split('+').next(), bound.split('+').next());
    // Segments: the tier of each, and that nobody was known before.
    let segment = |dimension: &str, value: &str| {
        let segments = report["impact"]["segments"].as_array().unwrap();
        segments.iter().find(|own| own["dimension"] == dimension && own["value"] == value).map(|own| own["decisions"].as_u64().unwrap())
    };
    assert_eq!((segment("customer", "new"), segment("customer", "known"), segment("month", "2026-11")), (Some(2), None, Some(2)));
    assert_eq!((segment("delay-tier", "slight"), segment("outcome", "compensate")), (Some(1), Some(2)));
    // The live settings are as they were.
    assert_eq!(merchant.decide(&delay("money-again", "c_again", 30))["amounts"]["coupon"], 3_000);
}

#[test]
fn a_case_that_is_decided_twice_is_paid_once() {
    let merchant = server().merchant(json!({}));
    let asked = merchant.decide(&event("aftersale.requested", "once"));
    let mut returned = event("aftersale.return_received", "once");
    returned["data"]["order"] = event("aftersale.requested", "once")["data"]["order"].clone();
    returned["data"]["after_sale"]["lines"] = event("aftersale.requested", "once")["data"]["after_sale"]["lines"].clone();
    let received = merchant.decide(&returned);
    let refund_of = |decision: &Value| decision["amounts"]["refund"].as_i64().unwrap();
    assert_eq!((&asked["due"], &received["due"]), (&json!("later"), &json!("now")), "{asked} {received}");
    assert_eq!(refund_of(&asked), refund_of(&received));
    let report = backtest(&merchant, &json!({"kind": "after-sale"}));
    let standing = |money: &Value| ["paid", "promised"].map(|due| money["before"][due]["refund"].as_i64().unwrap());
    // Each decision has its money.
    assert_eq!(standing(&report["impact"]["total"]["money"]), [refund_of(&received), refund_of(&asked)]);
    // The case is paid once, in the sum of all and in that of its kind.
    for (line, kind) in [(0, Value::Null), (1, json!("after-sale"))] {
        let cases = &report["impact"]["cases"][line];
        assert_eq!((&cases["kind"], &cases["cases"], standing(&cases["money"])), (&kind, &json!(1), [refund_of(&received), 0]), "{report}");
        assert_eq!(cases["money"]["before"], cases["money"]["after"]);
    }
}

#[test]
fn flips_are_counted_by_outcome_and_by_rule() {
    let merchant = server().merchant(json!({}));
    for (own, fen) in [("flip-1", 10_000), ("flip-2", 20_000)] {
        merchant.decide(&refund(own, "c_flip", fen));
    }
    let report = backtest(&merchant, &json!({"policy": "unfair"}));
    // An unfair candidate refuses both; the guardrail on record gives the customer the refund back, by its own rule.
    assert_eq!(counts(&report), [2, 0, 0, 2], "{report}");
    assert_eq!((paid(&report, "before"), paid(&report, "after")), ([30_000, 0, 0], [30_000, 0, 0]));
    let rules = report["impact"]["rules"].as_array().unwrap();
    assert_eq!(
        (rules.len(), &rules[0]["from"], &rules[0]["to"], &rules[0]["decisions"]),
        (1, &json!("AS-205"), &json!("GR-113"), &json!(2))
    );
    let guardrail = json!([{"result": "uphold", "before": 2, "after": 0}, {"result": "amend", "before": 0, "after": 2}]);
    assert_eq!(report["impact"]["guardrail"], guardrail);
    // The second refund of the same customer is one of a customer who was known.
    let customers: Vec<_> = report["impact"]["segments"].as_array().unwrap().iter().filter(|own| own["dimension"] == "customer").collect();
    let values: Vec<_> = customers.iter().map(|own| (own["value"].as_str().unwrap(), own["decisions"].as_u64().unwrap())).collect();
    assert_eq!(values, [("known", 1), ("new", 1)]);

    // A delay of twenty hours is one where delays begin sooner: another outcome, by another rule, with a coupon.
    let slight = merchant.decide(&delay("flip-soon", "c_flip_soon", 20));
    merchant.decide(&delay("flip-late", "c_flip_late", 100));
    let report = backtest(&merchant, &json!({"kind": "delay", "settings": {"ship_min_hours": 12}}));
    assert_eq!(counts(&report), [2, 1, 0, 0], "{report}");
    assert_eq!((paid(&report, "before"), paid(&report, "after")), ([0, 3_790, 0], [0, 3_790, 3_000]));
    for (view, from, to) in [("outcomes", "care-only", "compensate"), ("rules", "DC-010", "DC-011")] {
        let [line] = report["impact"][view].as_array().unwrap().as_slice() else { panic!("{report}") };
        assert_eq!((&line["from"], &line["to"], &line["first"]), (&json!(from), &json!(to), &slight["id"]));
    }
}

#[test]
fn a_candidate_that_faults_has_the_fallback_and_its_faults_are_counted() {
    let merchant = server().merchant(json!({}));
    let granted = merchant.decide(&delay("faults-1", "c_faults", 30));
    merchant.decide(&delay("faults-2", "c_faults2", 30));
    let report = backtest(&merchant, &json!({"policy": "trap", "kind": "delay"}));
    assert_eq!(counts(&report), [2, 2, 0, 0]);
    assert_eq!(report["impact"]["faults"], json!([{"code": "trap", "before": 0, "after": 2}]));
    assert_eq!((paid(&report, "before"), paid(&report, "after")), ([0, 0, 6_000], [0, 0, 0]));
    let [flip] = report["impact"]["outcomes"].as_array().unwrap().as_slice() else { panic!("{report}") };
    assert_eq!((&flip["from"], &flip["to"], &flip["decisions"]), (&granted["outcome"], &json!("human-review"), &json!(2)));
}

#[test]
fn who_is_erased_is_counted_apart_and_a_window_may_be_empty() {
    let merchant = server().merchant(json!({}));
    merchant.decide(&refund("erased-1", "c_gone", 10_000));
    merchant.decide(&refund("erased-2", "c_stays", 20_000));
    let erase = json!({"customer": "c_gone", "reason": "the person asked for it"});
    merchant.call(Role::MerchantAdmin, "POST", "/erasures").json(&erase).send().with(201);
    let report = backtest(&merchant, &json!({"kind": "after-sale", "last": "90d"}));
    assert_eq!((counts(&report), paid(&report, "before")), ([1, 0, 0, 0], [20_000, 0, 0]));
    assert_eq!(report["impact"]["skipped"], json!([{"why": "erased", "records": 1}]));
    for window in
        [json!({"to": "2020-01-01"}), json!({"from": "2020-01-01", "to": "2020-01-01T00:00:00+08:00"}), json!({"from": "2099-12-31"})]
    {
        let mut request = window;
        request["kind"] = "after-sale".into();
        let report = backtest(&merchant, &request);
        assert_eq!((counts(&report), &report["impact"]["skipped"]), ([0; 4], &json!([])), "{report}");
    }
}

#[test]
fn what_cannot_be_backtested_is_refused_with_its_place() {
    let merchant = server().merchant(json!({}));
    let none = "0".repeat(64);
    let before = merchant.records();
    for (request, place, said) in [
        (json!({}), "/policy", "name a policy"),
        (json!({"policy": "nope"}), "/policy", "no version that the merchant has or had"),
        (json!({"policy": "delay", "version": "9.9.9"}), "/policy", "delay@"),
        (json!({"version": "1"}), "/version", "of no policy"),
        (json!({"policy": "delay", "component": none}), "/component", "beside a policy"),
        (json!({"component": none}), "/component", "no version that the merchant has"),
        (json!({"component": "delay"}), "/component", "no SHA-256"),
        (json!({"policy": "guardrail"}), "/policy", "a guardrail has no backtest"),
        (json!({"policy": "delay", "kind": "reply"}), "/kind", "not decided by the candidate"),
        (json!({"kind": "refunds"}), "/kind", ""),
        (json!({"kind": "delay", "settings": {"ship_slight_value": -1}}), "/settings/ship_slight_value", ""),
        (json!({"kind": "delay", "settings": 7}), "/settings", ""),
        (json!({"kind": "delay", "last": "90 days"}), "/last", "90d"),
        (json!({"kind": "delay", "last": "9d", "to": "2026-01-01"}), "/last", "neither"),
        (json!({"kind": "delay", "from": "yesterday"}), "/from", "RFC 3339"),
        (json!({"kind": "delay", "from": "2026-02-01", "to": "2026-01-01"}), "/to", "before `from`"),
        (json!({"kind": "delay", "colour": "red"}), "/colour", ""),
    ] {
        let reply = merchant.call(Role::MerchantAdmin, "POST", "/backtests").json(&request).send();
        let problem = reply.problem(422);
        assert!(ombud_tests::client::pointers(&problem).contains(&place.to_owned()), "{request}: {problem}");
        assert!(problem.to_string().contains(said), "{request}: {problem}");
    }
    assert_eq!(merchant.records(), before, "nothing was begun, and nothing is on record");
    merchant.call(Role::MerchantAdmin, "GET", "/backtests/bt_0000000000000000").send().problem(404);
    merchant.call(Role::MerchantAdmin, "DELETE", "/backtests/bt_0000000000000000").send().problem(404);
}

#[test]
fn who_backtests_what_is_an_act_and_so_is_an_auditors_look() {
    let merchant = server().merchant(json!({}));
    let begun = begin(&merchant, &json!({"policy": "delay", "last": "90d"}));
    let acts = merchant.call(Role::MerchantAdmin, "GET", "/acts?act=backtest.begun").send().ok();
    let body = &acts["acts"][0]["body"];
    assert_eq!((&body["backtest"], &body["policy"], &body["kinds"]), (&begun["id"], &json!("delay"), &json!(["delay"])));
    assert_eq!((&body["component"], &body["after"]), (&begun["candidate"]["component"], &begun["candidate"]["settings"]));
    assert_eq!((&body["role"], &body["to"]), (&json!("merchant-admin"), &Value::Null));
    assert!(body["from"].is_string(), "{body}");
    report_of(&merchant, &begun);
    let path = format!("/backtests/{}", begun["id"].as_str().unwrap());
    merchant.call(Role::Auditor, "GET", &path).send().ok();
    let looks = merchant.call(Role::MerchantAdmin, "GET", "/acts?act=audit.viewed").send().ok();
    assert!(looks["acts"].as_array().unwrap().iter().any(|act| act["body"]["look"] == "backtests"), "{looks}");
    // Agents and those who approve have no part in it.
    for role in [Role::Agent, Role::Supervisor, Role::DepartmentHead] {
        merchant.call(role, "DELETE", &path).send().problem(403);
    }
}

#[test]
fn a_report_is_a_page_for_who_asks_for_one() {
    let merchant = server().merchant(json!({}));
    merchant.decide(&delay("page", "c_page", 30));
    let begun = merchant
        .call(Role::MerchantAdmin, "POST", "/backtests")
        .json(&json!({"kind": "delay", "settings": {"ship_slight_value": 4_500}}))
        .send();
    let place = begun.headers["location"].to_str().unwrap().to_owned();
    let begun = begun.with(202);
    assert!(place.ends_with(begun["id"].as_str().unwrap()), "{place}");
    report_of(&merchant, &begun);
    let page = server().call("GET", &place).key(merchant.key(Role::MerchantAdmin)).header("accept", "text/html").send();
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let text = page.text();
    assert!(text.contains("<svg") && text.contains("¥45.00") && text.contains("¥30.00"), "{text}");
    for foreign in ["<script", "src=", "href=", "@import", "url("] {
        assert!(!text.contains(foreign), "nothing from anywhere else: {foreign}");
    }
}

#[test]
fn a_merchant_has_so_many_under_way_and_so_many_kept() {
    let merchant = server().merchant(json!({}));
    for at in 0..3 {
        merchant.decide(&delay(&format!("many-{at}"), &format!("c_many{at}"), 30));
    }
    // More than there is room for, at once: some are refused, none is lost.
    let ask = || merchant.call(Role::MerchantAdmin, "POST", "/backtests").json(&json!({"kind": "delay"})).send();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..24).map(|_| scope.spawn(|| ask().status)).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|status| matches!(status, 202 | 429)), "{statuses:?}");
    assert!(statuses.iter().filter(|status| **status == 202).count() >= BACKTESTS_UNDER_WAY_MAX, "{statuses:?}");
    let list = || merchant.call(Role::MerchantAdmin, "GET", "/backtests").send().ok()["backtests"].as_array().unwrap().clone();
    let under_way = |own: &Value| matches!(own["state"].as_str(), Some("queued" | "running"));
    for _ in 0..BACKTESTS_KEPT_MAX + 2 {
        wait_for(|| !list().iter().any(under_way));
        assert_eq!(ask().status, 202);
    }
    wait_for(|| !list().iter().any(under_way));
    let kept = list();
    assert_eq!(kept.len(), BACKTESTS_KEPT_MAX);
    assert!(kept.iter().all(|own| own["state"] == "done"), "{kept:?}");
    // One that has ended is forgotten when it is cancelled.
    let path = format!("/backtests/{}", kept[0]["id"].as_str().unwrap());
    assert_eq!(merchant.call(Role::MerchantAdmin, "DELETE", &path).send().status, 204);
    merchant.call(Role::MerchantAdmin, "GET", &path).send().problem(404);
}
