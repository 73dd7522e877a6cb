//! The timer: what is due ends by itself, not before its time, and after a restart too.

use std::time::Duration;

use ombud::service::{MEASURES_OF_A_TURN, Role};
use ombud_tests::guests::root;
use ombud_tests::process::{Process, demo_keys};
use ombud_tests::server::{Merchant, Server, shared, wait_for};
use serde_json::json;

use super::{DAY_MS, T0, blacklisted, decided, measures, outcome, request, state, step};

#[test]
fn the_hosts_timer_ends_what_is_due() {
    let merchant = shared().merchant(json!({}));
    let (id, customer) = ("bl-9", "c_timer");
    decided(&merchant, Role::Agent, &request(id, customer, T0, "extortion", &[1, 20]));
    decided(&merchant, Role::Supervisor, &step(id, customer, T0 + 1, "approve"));
    decided(&merchant, Role::DepartmentHead, &step(id, customer, T0 + 2, "approve"));
    assert_eq!(measures(&merchant, customer)[0]["measure"], "blacklisted");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let look = |until: i64| runtime.block_on(shared().service.expire_due(until)).unwrap();
    look(T0 + 180 * DAY_MS + 1);
    assert_eq!(measures(&merchant, customer)[0]["measure"], "blacklisted", "one millisecond early");
    look(T0 + 180 * DAY_MS + 2);
    assert_eq!(measures(&merchant, customer), json!([]));
    assert_eq!(state(&merchant, id)["state"]["stage"], "archived");
    let last = merchant.decisions("kind=blacklist").remove(0);
    assert_eq!(last["outcome"], "closed");
}

#[test]
fn measures_that_stay_due_hold_up_nobody_elses() {
    // A server of its own: a look is at the measures of all merchants.
    let server = Server::start(tempfile::tempdir().unwrap(), &root().join("policies"));
    let (stuck, other) = (server.merchant(json!({})), server.merchant(json!({})));
    let restricted = |merchant: &Merchant<'_>, id: &str, at: i64| {
        let customer = format!("c_{id}");
        let requested = request(id, &customer, at, "malicious-returns", &[10, 30]);
        let approved = step(id, &customer, at + 1, "approve");
        for (role, mut event) in [(Role::Agent, requested), (Role::Supervisor, approved)] {
            let own = event["id"].as_str().unwrap();
            event["id"] = own[own.len().saturating_sub(100)..].into();
            event["data"]["ticket_id"] = "t-restricted".into();
            assert_eq!(outcome(&decided(merchant, role, &event)), ("recommend-restrict", "service-restricted"));
        }
    };
    // More than a look asks of one merchant, and older than the other's.
    let own = MEASURES_OF_A_TURN as usize + 2;
    for at in 0..own {
        restricted(&stuck, &format!("stuck-{at}"), T0);
    }
    // So long an id that the event which asks about it has no room for it.
    let long = "l".repeat(254);
    restricted(&other, &long, T0 + 1_000);
    let in_force =
        |merchant: &Merchant<'_>| merchant.call(Role::Auditor, "GET", "/blacklist/measures").send().ok().as_array().unwrap().len();
    assert_eq!((in_force(&stuck), in_force(&other)), (own, 1));
    let pause = json!({"kind": "blacklist", "reason": "later"});
    stuck.call(Role::MerchantAdmin, "POST", "/rollout/pause").json(&pause).send().ok();

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let look = || runtime.block_on(server.service.expire_due(T0 + 181 * DAY_MS)).unwrap();
    let before = stuck.records();
    assert_eq!((look(), in_force(&stuck), in_force(&other)), (own + 1, own, 0));
    assert_eq!(stuck.records() - before, MEASURES_OF_A_TURN as usize, "a look asks of no merchant about more");
    // The next one goes on, and then each was asked about today.
    assert_eq!((look(), stuck.records() - before), (own, own));
    assert_eq!((look(), stuck.records() - before), (own, own));
    let asked = stuck.decisions("kind=blacklist&limit=200").remove(0);
    let asked = stuck.call(Role::Auditor, "GET", &format!("/decisions/{}", asked["id"].as_str().unwrap())).send().ok();
    assert_eq!(asked["fault"]["code"], "paused", "{asked}");
}

#[test]
fn the_timer_of_a_server_comes_by_itself() {
    // While it runs: a measure of thirty days that ends in a moment.
    let server = Server::start(tempfile::tempdir().unwrap(), &root().join("policies"));
    let settings = json!({"policies": {"blacklist": {"policy": "blacklist", "settings": {"review_after_days": 30}}}});
    let merchant = server.merchant(settings);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let timer = runtime.spawn(server.service.clone().expire_for_ever(Duration::from_millis(50)));
    let (id, customer) = ("bl-10", "c_by_itself");
    // So long that it is seen in force before it ends, which is found out.
    let mut moment_ms = 1_000;
    let ends = loop {
        let ends = ombud::clock::now_ms() + moment_ms;
        let (id, customer) = (format!("{id}-{moment_ms}"), format!("{customer}_{moment_ms}"));
        blacklisted(&merchant, &id, &customer, ends - 30 * DAY_MS - 2);
        let seen = measures(&merchant, &customer);
        wait_for(|| measures(&merchant, &customer) == json!([]));
        if seen != json!([]) {
            assert_eq!(seen[0]["measure"], "blacklisted");
            break ends;
        }
        moment_ms *= 2;
        assert!(moment_ms < 60_000, "no measure was seen in force");
    };
    assert!(ombud::clock::now_ms() >= ends, "not before its time");
    timer.abort();
    // And `serve` runs it: a measure that ended while nothing ran is lifted when the process starts.
    let folder = tempfile::tempdir().unwrap();
    let process = Process::serve(folder.path());
    let (keys, agent) = (demo_keys(folder.path()), ombud_tests::client::agent());
    let call = |process: &Process, role: &str, method: &str, path: &str| {
        let key = keys["merchants"]["m-cosmetics"][role].as_str().unwrap();
        process.call(&agent, method, &format!("/v1/merchants/m-cosmetics{path}")).key(key)
    };
    call(&process, "agent", "POST", "/events").event(&request(id, customer, T0, "extortion", &[1, 20])).send().ok();
    call(&process, "supervisor", "POST", "/events").event(&step(id, customer, T0 + 1, "approve")).send().ok();
    call(&process, "department-head", "POST", "/events").event(&step(id, customer, T0 + 2, "approve")).send().ok();
    let in_force = |process: &Process| call(process, "auditor", "GET", "/blacklist/measures").send().ok();
    assert_eq!(in_force(&process)[0]["measure"], "blacklisted");
    process.kill();
    let process = Process::serve(folder.path());
    wait_for(|| in_force(&process) == json!([]));
    let last = call(&process, "auditor", "GET", "/decisions?kind=blacklist&limit=1").send().ok();
    assert_eq!(last["decisions"][0]["outcome"], "closed");
}
