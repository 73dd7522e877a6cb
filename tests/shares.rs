//! One merchant's decisions beside another's: what is long runs elsewhere, who takes too much is answered 429, and others notice nothing.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ombud::service::{Options, Role, cores};
use ombud_core::call_limits::{FIRST_FUEL, OperatorLimits};
use ombud_tests::client::{Reply, pointers};
use ombud_tests::events::event;
use ombud_tests::guests;
use ombud_tests::server::{Merchant, Server, only, policies_with, wait_for};
use serde_json::{Value, json};

/// How long the endless guest runs, in milliseconds: until the clock ends it.
const LONG_MS: u64 = 1_500;

/// A server with the policy `endless`, which never ends.
fn server(data: &Path, share: Value) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let package = guests::package(folder.path(), "endless", &guests::component("endless-loop", "delay-policy"));
    let (links, policies) = policies_with(&[&package]);
    let limits = json!({"default": {"deadline_ms": 10_000}, "most": {"fuel_base": 10_000_000_000_u64}, "share": share});
    let limits = Some(OperatorLimits::parse(limits.to_string().as_bytes()).unwrap());
    // Packages are read when the service starts; the folders may go then.
    let server = Server::with(data, Options { policies: Some(policies), limits, ..Options::default() });
    (server, links)
}

/// A merchant whose delays run until the clock ends them.
fn slow(server: &Server, share: Value) -> Merchant<'_> {
    let config = json!({"policies": {"delay": {"policy": "endless"}}, "share": share,
        "limits": {"fuel_base": 10_000_000_000_u64, "deadline_ms": LONG_MS}});
    let merchant = server.merchant(config);
    // From now on its delays are known to be long.
    assert_eq!(fault(&send(&merchant, "first")), "deadline");
    merchant
}

fn send(merchant: &Merchant<'_>, id: &str) -> Reply {
    let mut event = event("delay.detected", id);
    event["data"]["delay"]["order_id"] = format!("o-{id}").into();
    merchant.call(Role::Agent, "POST", "/events").event(&event).send()
}

fn fault(reply: &Reply) -> String {
    only(&reply.ok())["fault"]["code"].as_str().unwrap_or_default().to_owned()
}

/// So many at the same moment: what each was answered.
fn at_once(merchant: &Merchant<'_>, round: &str, count: usize) -> Vec<Reply> {
    let ready = std::sync::Barrier::new(count);
    std::thread::scope(|scope| {
        let send = |at: usize| {
            ready.wait();
            send(merchant, &format!("{round}-{at}"))
        };
        let sent: Vec<_> = (0..count).map(|at| scope.spawn(move || send(at))).collect();
        sent.into_iter().map(|sent| sent.join().unwrap()).collect()
    })
}

/// The one that was turned away, and nobody else was.
#[track_caller]
fn one_refused(replies: &[Reply], limit: &str) -> Reply {
    let (refused, taken): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 429);
    assert_eq!(refused.len(), 1, "{:?}", replies.iter().map(Reply::text).collect::<Vec<_>>());
    taken.iter().for_each(|reply| drop(reply.ok()));
    let problem = refused[0].problem(429);
    assert!(problem["detail"].as_str().unwrap().contains(limit), "{problem}");
    refused[0].clone()
}

#[test]
fn what_runs_in_shadow_has_what_answers_leave_of_the_fuel() {
    let data = tempfile::tempdir().unwrap();
    let (server, _links) = server(data.path(), json!({}));
    // Enough for every answer, and a fraction of what the version in shadow uses for a single case: it owes more than half a minute.
    let merchant = server.merchant(json!({"share": {"fuel_per_s": 1_000_000}, "policies": {"delay": {"policy": "endless"}}}));
    let version = merchant.call(Role::Agent, "GET", "/policies").send().ok();
    let version = version.as_array().unwrap().iter().find(|own| own["kind"] == "delay").unwrap()["version"].clone();
    merchant
        .call(Role::MerchantAdmin, "POST", "/policies/delay/rollout/activate")
        .json(&json!({"version": default_version(&merchant)}))
        .send()
        .ok();
    merchant.call(Role::MerchantAdmin, "POST", "/policies/endless/rollout/shadow").json(&json!({"version": version})).send().ok();
    let ran = |how: &str| {
        let metrics = server.call("GET", "/metrics").key(&server.operator).send().text();
        let name = format!("ombud_shadow_runs_total{{result=\"{how}\"}} ");
        metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse::<u32>().ok()).unwrap_or_else(|| panic!("no {name} in {metrics}"))
    };
    for (at, (faults, left_out)) in [(1, 0), (1, 1), (1, 2)].into_iter().enumerate() {
        assert_eq!(fault(&send(&merchant, &format!("shadowed-{at}"))), "");
        wait_for(|| (ran("fault"), ran("left-out")) == (faults, left_out));
    }
}

/// A version of the platform's policy for delays, made known to the merchant by binding it once.
fn default_version(merchant: &Merchant<'_>) -> Value {
    let config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].clone();
    let mut config = config;
    config["policies"] = json!({"delay": {"policy": "delay"}});
    let bound = merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().ok();
    bound["policies"].as_array().unwrap().iter().find(|own| own["kind"] == "delay").unwrap()["version"].clone()
}

#[test]
fn one_merchants_replays_do_not_go_before_anothers() {
    const MANY: usize = 12;
    let data = tempfile::tempdir().unwrap();
    let (server, _links) = server(data.path(), json!({}));
    let long = server.merchant(json!({"policies": {"delay": {"policy": "endless"}}, "limits": {"fuel_base": 300_000_000}}));
    let usual = server.merchant(json!({}));
    let replay = |merchant: &Merchant<'_>, id: &str| merchant.call(Role::Auditor, "POST", &format!("/decisions/{id}/replay")).send().ok();
    let id = |decision: Value| decision["id"].as_str().unwrap().to_owned();
    let (slow, quick) = (id(only(&send(&long, "replayed").ok())), id(only(&send(&usual, "replayed").ok())));
    let done = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..MANY {
            scope.spawn(|| {
                replay(&long, &slow);
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        // The first one runs, and the others have come.
        wait_for(|| done.load(Ordering::SeqCst) > 0);
        replay(&usual, &quick);
        assert!(done.load(Ordering::SeqCst) < MANY / 2, "it waited for {} of the other's", done.load(Ordering::SeqCst));
    });
}

#[test]
fn what_runs_long_is_decided_as_ever_and_holds_up_nobody() {
    let data = tempfile::tempdir().unwrap();
    let (server, _links) = server(data.path(), json!({}));
    let long = server.merchant(json!({"policies": {"delay": {"policy": "endless"}}}));
    // More fuel than there is at first: run again with all of it, and on record as if there had been nothing else.
    let decision = only(&send(&long, "long").ok());
    assert_eq!(decision["fault"]["code"], "fuel");
    let replay = long.call(Role::Auditor, "POST", &format!("/decisions/{}/replay", decision["id"].as_str().unwrap())).send().ok();
    assert_eq!(replay["identical"], true, "{replay}");
    assert!(replay["fuel_recorded"].as_u64().unwrap() > FIRST_FUEL, "{replay}");
    let metrics = server.call("GET", "/metrics").key(&server.operator).send().text();
    assert!(metrics.contains("ombud_decisions_long_total 1\n"), "{metrics}");

    let (hostile, good) = (slow(&server, json!({"queue_ms": 20_000})), server.merchant(json!({})));
    std::thread::scope(|scope| {
        let blast = scope.spawn(|| at_once(&hostile, "blast", 3 * cores()));
        std::thread::sleep(Duration::from_millis(200));
        for number in 0..20 {
            let began = Instant::now();
            good.decide(&event("aftersale.requested", &format!("good-{number}")));
            let took = began.elapsed();
            assert!(took < Duration::from_millis(LONG_MS), "{took:?} beside what takes {LONG_MS} ms each");
        }
        // Another's long ones find a thread, too.
        let began = Instant::now();
        assert_eq!(fault(&send(&long, "beside")), "fuel");
        assert!(began.elapsed() < Duration::from_millis(2 * LONG_MS), "{:?}", began.elapsed());
        blast.join().unwrap().iter().for_each(|reply| assert_eq!(fault(reply), "deadline"));
    });
}

#[test]
fn so_many_decisions_are_under_way_and_no_more() {
    let data = tempfile::tempdir().unwrap();
    let (server, _links) = server(data.path(), json!({"decisions_max": 2}));
    let (merchant, other) = (slow(&server, json!({})), server.merchant(json!({})));
    at_once(&merchant, "two", 2).iter().for_each(|reply| assert_eq!(fault(reply), "deadline"));
    std::thread::scope(|scope| {
        let three = scope.spawn(|| at_once(&merchant, "three", 3));
        std::thread::sleep(Duration::from_millis(LONG_MS / 3));
        other.decide(&event("aftersale.requested", "other"));
        let refused = one_refused(&three.join().unwrap(), "decisions_max");
        assert_eq!(refused.headers["retry-after"], "1");
    });
    // The operator gives this one more, and the merchant's own hand does not change it.
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].clone();
    config["share"] = json!({"decisions_max": 3});
    let put = |key: &str, config: &Value| server.call("PUT", &format!("/v1/merchants/{}", merchant.id)).key(key).json(config).send();
    assert_eq!(pointers(&put(merchant.key(Role::MerchantAdmin), &config).problem(422)), ["/share"]);
    let view = put(&server.operator, &config).ok();
    assert_eq!((&view["limits"]["share"]["decisions_max"], &view["limits"]["share"]["weight"]), (&json!(3), &json!(100)));
    config.as_object_mut().unwrap().remove("share");
    let view = put(merchant.key(Role::MerchantAdmin), &config).ok();
    assert_eq!(view["limits"]["share"]["decisions_max"], 3, "what it leaves out stays");
    at_once(&merchant, "again", 3).iter().for_each(|reply| assert_eq!(fault(reply), "deadline"));
    config["share"] = json!({"decisions_max": 0, "weight": 10_001});
    assert_eq!(pointers(&put(&server.operator, &config).problem(422)), ["/share/decisions_max", "/share/weight"]);
}

#[test]
fn so_many_wait_and_no_more_and_for_so_long() {
    let data = tempfile::tempdir().unwrap();
    let (server, _links) = server(data.path(), json!({}));
    // As many as run at the same time, and one more that has to wait.
    let places = cores();
    let queueless = slow(&server, json!({"queue_max": 0}));
    at_once(&queueless, "all", places).iter().for_each(|reply| assert_eq!(fault(reply), "deadline"));
    one_refused(&at_once(&queueless, "more", places + 1), "queue_max");

    let patient = slow(&server, json!({"queue_max": 1, "queue_ms": 20_000}));
    at_once(&patient, "all", places + 1).iter().for_each(|reply| assert_eq!(fault(reply), "deadline"));

    let hasty = slow(&server, json!({"queue_ms": LONG_MS / 3}));
    at_once(&hasty, "all", places).iter().for_each(|reply| assert_eq!(fault(reply), "deadline"));
    one_refused(&at_once(&hasty, "more", places + 1), "queue_ms");

    let metrics = server.call("GET", "/metrics").key(&server.operator).send().text();
    for series in [
        r#"ombud_decisions_refused_total{limit="queue_max"} 1"#,
        r#"ombud_decisions_refused_total{limit="queue_ms"} 1"#,
        r#"ombud_decisions_refused_total{limit="decisions_max"} 0"#,
        r#"ombud_decisions_waiting{queue="long"} 0"#,
    ] {
        assert!(metrics.contains(series), "{series} is not in {metrics}");
    }
}

#[test]
fn fuel_is_for_the_second_and_a_debt_is_waited_for() {
    let data = tempfile::tempdir().unwrap();
    let (server, _links) = server(data.path(), json!({"fuel_per_s": 2_000_000}));
    let (thirsty, modest) = (server.merchant(json!({"policies": {"delay": {"policy": "endless"}}})), server.merchant(json!({})));
    for number in 0..3 {
        modest.decide(&event("aftersale.requested", &format!("modest-{number}")));
    }
    // It may use what it has at once, and more: what was begun is finished.
    assert_eq!(fault(&send(&thirsty, "much")), "fuel");
    let refused = send(&thirsty, "more");
    assert!(refused.problem(429)["detail"].as_str().unwrap().contains("fuel_per_s"), "{}", refused.text());
    // Over 60 million were used, with those of the first run; four million were there, and two million come each second.
    let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((20..=40).contains(&seconds), "{seconds} s");
    modest.decide(&event("aftersale.requested", "others-go-on"));
    assert_eq!(thirsty.records(), 1, "what was refused is not on record");
}
