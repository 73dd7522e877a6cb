//! Decisions that are run together are told of as each alone is: damage, faults, versions beside and what is no decision do not rub
//! off on their neighbours. Where somebody waits they are run one by one.

use ombud::replay::{Counts, Tally};
use ombud_tests::events::set;
use ombud_tests::ledger;
use ombud_tests::server::Merchant;
use serde_json::Value;

use super::*;

/// Guests that end in a fault each.
const HOSTILE: [&str; 5] = ["endless-loop", "deep-recursion", "memory-hog", "trap", "ill-formed-ruling"];

/// A folder of packages with them, and what its links lead to.
fn hostile() -> (TempDir, TempDir, PathBuf) {
    let made = tempfile::tempdir().unwrap();
    let packages = HOSTILE.map(|name| guests::package(made.path(), name, &guests::component(name, "delay-policy")));
    let (folder, policies) = policies_with(&packages.each_ref().map(PathBuf::as_path));
    (made, folder, policies)
}

/// Has a policy decide delays.
fn bind(merchant: &Merchant<'_>, delay: &Value) {
    let mut config = merchant.call(Role::MerchantAdmin, "GET", "").send().ok()["config"].take();
    config["policies"] = json!({ "delay": delay });
    merchant.call(Role::MerchantAdmin, "PUT", "").json(&config).send().ok();
}

fn pays(fen: i64) -> Value {
    json!({"policy": "delay", "settings": {"ship_slight_value": fen}})
}

/// A delay of an order at some hour.
fn delay(order: &str, hour: u32) -> Value {
    let mut event = event("delay.detected", order);
    event["id"] = format!("{order}-{hour}").into();
    event["time"] = format!("2026-11-04T{hour:02}:00:00+08:00").into();
    set(&mut event, "/data/delay/already", json!([]));
    event
}

fn seq(decision: &Value) -> u64 {
    decision["seq"].as_u64().unwrap()
}

/// A directory with everything that a log can have, damage included; the merchants.
fn mixed(policies: &Path) -> (TempDir, Vec<MerchantId>) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::on(data.path(), policies);
    let (merchant, other) = (server.merchant(json!({})), server.merchant(json!({})));
    let mut refunds = Vec::new();
    let mut usual = |merchant: &Merchant<'_>| {
        let own = refunds.len();
        refunds.push(seq(&merchant.decide(&refund(&format!("mixed-{own}"), &format!("c_mixed_{own}"), 1_000))));
    };
    usual(&merchant);
    merchant.decide(&event("reply.drafted", "mixed"));
    other.decide(&event("reply.drafted", "others"));
    bind(&merchant, &pays(3_000));
    merchant.decide(&delay("beside", 18));
    let mut faulted = Vec::new();
    for name in HOSTILE {
        bind(&merchant, &json!({"policy": name}));
        for again in 0..2 {
            faulted.push(seq(&merchant.decide(&delay(&format!("{name}-{again}"), 18))));
            usual(&merchant);
        }
        // The case that a sound version opened, under one that gives no ruling.
        let beside = merchant.decide(&delay("beside", 19 + u32::from(name == "trap")));
        assert!(beside["rollout"]["beside"].is_object(), "{beside}");
        other.decide(&refund(&format!("others-{name}"), "c_other", 2_000));
    }
    bind(&merchant, &pays(5_000));
    merchant.decide(&delay("beside", 21));
    merchant.post(&event("order.paid", "mixed"));
    let pause = |what: &str| {
        let path = format!("/policies/delay/rollout/{what}");
        merchant.call(Role::MerchantAdmin, "POST", &path).json(&json!({"reason": "sale"})).send().ok();
    };
    pause("pause");
    merchant.decide(&delay("paused", 18));
    pause("resume");
    merchant.post(&event("blacklist.requested", "mixed"));
    let paid = merchant.decide(&refund("overridden", "c_overridden", 1_500));
    let path = format!("/decisions/{}/override", paid["id"].as_str().unwrap());
    merchant.call(Role::Supervisor, "POST", &path).json(&json!({"action": "cancel", "reason": "withdrawn"})).send().with(201);
    merchant.decide(&refund("erased", "c_erased", 1_500));
    (0..6).for_each(|_| usual(&merchant));
    merchant.call(Role::MerchantAdmin, "POST", "/erasures").json(&json!({"customer": "c_erased", "reason": "asked"})).send().with(201);
    let (id, others) = (merchant.id.clone(), other.id.clone());
    server.stop();

    let forge = Forge::on(data.path());
    let of = format!("seq = ?1 AND merchant_no = (SELECT merchant_no FROM merchants WHERE id = '{id}')");
    let mut victims = refunds.iter().skip(1).copied();
    let mut next = || victims.next().unwrap();
    forge.flip(&id, next(), "header", |bits| bits / 2);
    forge.flip(&id, next(), "sealed", |bits| bits / 2);
    forge.run(1, &format!("DELETE FROM records WHERE record_no = (SELECT record_no FROM entries WHERE {of})"), [next().cast_signed()]);
    forge.rewrite(&id, next(), |entry, _| entry.policy.as_mut().unwrap().call.component = Digest::of(b"nothing"));
    forge.rewrite(&id, next(), |entry, _| entry.policy.as_mut().unwrap().call.settings = Digest::of(b"nothing"));
    forge.rewrite(&id, next(), |entry, _| entry.policy.as_mut().unwrap().call.fuel += 1);
    forge.rewrite(&id, next(), |_, bodies| bodies.replace(BodyKind::Ruling, "\"refund\":1000", "\"refund\":1001"));
    forge.rewrite(&id, next(), |_, bodies| bodies.replace(BodyKind::Decision, "\"adverse\":false", "\"adverse\":true"));
    forge.rewrite(&id, next(), |_, bodies| bodies.remove(BodyKind::Case));
    forge.run(1, &format!("DELETE FROM entries WHERE {of}"), [next().cast_signed()]);
    // How deep a guest came before its stack ended is a matter of the build that ran it.
    forge.rewrite(&id, faulted[2], |entry, _| entry.policy.as_mut().unwrap().call.fuel += 36);
    // Of two that faulted alike one is of another engine, and one met the clock.
    forge.rewrite(&id, faulted[0], |entry, _| entry.engine.profile = Digest::of(b"another profile"));
    forge.rewrite(&id, faulted[6], |entry, bodies| bodies.fault(entry, FaultCode::Deadline));
    (data, [id, others].map(|id| MerchantId::new(id).unwrap()).into())
}

#[test]
fn each_verdict_is_that_of_the_decision_alone() {
    let (_made, _folder, policies) = hostile();
    let (data, merchants) = mixed(&policies);
    let service = service(data.path());
    let mut alone = Tally::default();
    for merchant in &merchants {
        let of = format!("SELECT max(seq) + 1 FROM entries JOIN merchants USING (merchant_no) WHERE id = '{merchant}'");
        for seq in 0..ledger::count(data.path(), &of).cast_unsigned() {
            if let Some(report) = service.own_replays().at(merchant, seq).unwrap() {
                alone.add(merchant.as_str(), report);
            }
        }
    }
    let total = alone.total();
    let faults: Vec<FaultCode> = total.faults.keys().copied().collect();
    let met = [FaultCode::Fuel, FaultCode::Stack, FaultCode::Memory, FaultCode::Trap, FaultCode::Output, FaultCode::Paused];
    assert!(met.iter().all(|code| faults.contains(code)), "{total:?}");
    let each = |of: &std::collections::BTreeMap<Divergence, u64>| of.keys().copied().collect::<Vec<_>>();
    let causes = [
        Divergence::Guest,
        Divergence::Fuel,
        Divergence::Host,
        Divergence::Settings,
        Divergence::ComponentMissing,
        Divergence::RecordDamaged,
    ];
    assert_eq!((each(&total.divergences), total.divergences[&Divergence::RecordDamaged]), (causes.into(), 5), "{total:?}");
    assert_eq!((total.divergences[&Divergence::Fuel], total.faults[&FaultCode::Stack]), (1, 2), "{total:?}");
    assert_eq!(each(&total.not_compared), [Divergence::Erased, Divergence::Environmental, Divergence::OtherEngine]);

    let scope = Scope { merchants: merchants.clone(), ..Scope::default() };
    let parts = service.own_replays().parts(&scope).unwrap();
    for lanes in [1, 4] {
        let mut together = service.own_replays().run(&parts, lanes, |_| ()).unwrap();
        alone.merge(Tally::default());
        together.merge(Tally::default());
        assert_eq!(together, alone, "{lanes} lanes");
    }
    drop(service);

    // Through a server, so many in each request.
    let server = Server::on(data.path(), &policies);
    for limit in [1_000, 7] {
        let merchant = server.known(merchants[0].as_str());
        let (mut counts, mut cursor) = (Counts::default(), Value::Null);
        loop {
            let mut answer = merchant.call(Role::Auditor, "POST", "/replays").json(&json!({"limit": limit, "cursor": cursor})).send().ok();
            cursor = answer["cursor"].take();
            let part: Counts = serde_json::from_value(answer).unwrap();
            assert!(part.replayed() <= limit + 1, "one that is missing is no decision: {part:?}");
            counts.merge(&part);
            if cursor.is_null() {
                break;
            }
        }
        assert_eq!(counts, alone.merchants[merchants[0].as_str()], "{limit} in a request");
    }
}

/// What a request runs and has no time for it would run again in the next one.
#[test]
fn a_request_counts_what_it_ran_however_long_that_took() {
    let (_made, _folder, policies) = hostile();
    let data = tempfile::tempdir().unwrap();
    let server = Server::on(data.path(), &policies);
    let merchant = server.merchant(json!({"policies": {"delay": {"policy": "endless-loop"}}}));
    let seqs: Vec<u64> = (0..20).map(|own| seq(&merchant.decide(&delay(&format!("loops-{own}"), 18)))).collect();
    let id = merchant.id.clone();
    server.stop();
    let forge = Forge::on(data.path());
    for seq in seqs {
        let limits = r#""terms":{"limits":{"policy":{"fuel_base":400000000},"guardrail":{}},"#;
        forge.rewrite(&id, seq, |_, bodies| bodies.replace(BodyKind::Case, r#""terms":{"#, limits));
    }
    let server = Server::on(data.path(), &policies);
    let answer = server.known(&id).call(Role::Auditor, "POST", "/replays").json(&json!({})).send().ok();
    let counts: Counts = serde_json::from_value(answer.clone()).unwrap();
    assert!(counts.replayed() > 1, "{answer}");
    assert!(counts.replayed() == 20 || answer["cursor"].is_u64(), "{answer}");
}

/// What cannot be met again of one version is no excuse for the other.
#[test]
fn a_fault_of_one_version_that_cannot_be_met_again_excuses_that_one_only() {
    let (_made, _folder, policies) = hostile();
    let data = tempfile::tempdir().unwrap();
    let server = Server::on(data.path(), &policies);
    let merchant = server.merchant(json!({}));
    bind(&merchant, &pays(3_000));
    merchant.decide(&delay("both", 18));
    bind(&merchant, &json!({"policy": "trap"}));
    let decided = merchant.decide(&delay("both", 19));
    let (id, seq) = (MerchantId::new(&merchant.id).unwrap(), seq(&decided));
    server.stop();
    // The one whose ruling stands gave one, or none: what is on record of the other is compared all the same.
    let stands = decided["fault"].is_null();
    let met = |lie: Option<(BodyKind, &str, &str)>| {
        let copy = tempfile::tempdir().unwrap();
        copy_folder(data.path(), copy.path());
        Forge::on(copy.path()).rewrite(id.as_str(), seq, |entry, bodies| {
            let [trap, deadline] = ["\"code\":\"trap\"", "\"code\":\"deadline\""];
            if stands {
                bodies.replace(BodyKind::Beside, trap, deadline);
                bodies.replace(BodyKind::Decision, trap, deadline);
            } else {
                bodies.fault(entry, FaultCode::Deadline);
            }
            if let Some((kind, old, new)) = lie {
                bodies.replace(kind, old, new);
            }
        });
        service(copy.path()).own_replays().at(&id, seq).unwrap().unwrap()
    };
    let honest = met(None);
    assert_eq!((honest.divergence, honest.compared), (Some(Divergence::Environmental), false), "{honest:?}");
    let (of, name) = if stands { (BodyKind::Ruling, "ruling") } else { (BodyKind::Beside, "beside") };
    let lie = met(Some((of, "\"rule\":\"", "\"rule\":\"X")));
    assert_eq!(lie.divergence, Some(Divergence::Guest), "{lie:?}");
    assert!(lie.compared && lie.differences.iter().any(|difference| difference.body == name), "{lie:?}");
}
