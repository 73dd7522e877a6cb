//! One merchant's key sees nothing of another's, on any route; each role may what its role may; a revoked key nothing.

use ombud::service::Role;
use ombud_tests::client::Reply;
use ombud_tests::events::{event, refund};
use ombud_tests::server::{Merchant, shared};
use ombud_tests::uploads::{ended, guest, upload};
use serde_json::{Value, json};

/// A route of the interface with the values of a merchant put into its path.
struct Route {
    method: String,
    template: String,
    path: String,
    open: bool,
}

/// Every route below a merchant, and every other one, from the interface's own description.
fn routes(merchant: &Merchant<'_>, decision: &str, key: &str) -> Vec<Route> {
    let document = shared().call("GET", "/openapi.json").send().ok();
    let backtests = merchant.call(Role::Compliance, "GET", "/backtests").send().ok();
    let backtest = backtests["backtests"][0]["id"].as_str().unwrap();
    let mut routes = Vec::new();
    for (template, methods) in document["paths"].as_object().unwrap() {
        let values = [
            ("{merchant}", merchant.id.as_str()),
            ("{decision}", decision),
            ("{key}", key),
            ("{upload}", "u_iso"),
            ("{policy}", "iso-policy"),
            ("{version}", VERSION),
            ("{signing_key}", "0123456789ABCDEF"),
            ("{request}", "bl-iso"),
            ("{proposal}", "p_iso"),
            ("{hold}", "h_iso"),
            ("{backtest}", backtest),
            ("{schema}", "merchant-config"),
            ("{tile}", "0/000.p/1"),
            ("{seq}", "0"),
        ];
        let path = values.iter().fold(template.clone(), |path, (name, value)| path.replace(name, value));
        assert!(!path.contains('{'), "`{template}` has a parameter that this test does not know: add it, with another merchant's value");
        for (method, operation) in methods.as_object().unwrap() {
            if ["get", "put", "post", "delete", "patch"].contains(&method.as_str()) {
                let open = operation["security"] == json!([]) || operation["security"] == json!([{}]);
                routes.push(Route { method: method.to_uppercase(), template: template.clone(), path: path.clone(), open });
            }
        }
    }
    assert!(routes.len() >= 20, "{} routes", routes.len());
    routes
}

/// A body that the route would take, so that nothing but the key stands in the way.
fn body(merchant: &Merchant<'_>, route: &Route) -> (&'static str, Value) {
    let json = "application/json";
    match (route.method.as_str(), route.template.as_str()) {
        (_, path) if path.ends_with("/events") || path.ends_with("/preview") => {
            ("application/cloudevents+json", event("aftersale.requested", "intruder"))
        }
        (_, path) if path.ends_with("/events:batch") => {
            ("application/cloudevents-batch+json", json!([event("aftersale.requested", "intruder")]))
        }
        (_, path) if path.ends_with("/backtests") => (json, json!({"kind": "after-sale", "last": "1d"})),
        (_, path) if path.ends_with("/erasures") => (json, json!({"customer": "c_secret", "reason": "mine"})),
        (_, path) if path.ends_with("/holds") || path.ends_with("/lift") => (json, json!({"reason": "mine"})),
        (_, path) if path.ends_with("/override") => (json, json!({"action": "cancel", "reason": "mine"})),
        ("POST", path) if path.ends_with("/policies/{policy}/versions") => (json, json!({"settings": {"intruder": 1}})),
        (_, path) if path.ends_with("/signing-keys") => (json, json!({"public_key": SIGNING_KEY, "label": "intruder"})),
        (_, "/v1/backups") => (json, json!({"master_key": false})),
        // Nobody's tests are to meet a key that is replaced meanwhile.
        ("POST", "/v1/master-key") => (json, json!({"no such member": true})),
        (_, "/v1/keys") => (json, json!({"role": "operator", "label": "intruder"})),
        (_, path) if path.ends_with("/keys") => (json, json!({"role": "agent", "label": "intruder"})),
        (_, path) if path.contains("/rollout/") => (json, rollout_step(path)),
        ("PUT", _) => (json, json!({"id": merchant.id, "shop_id": "stolen", "platform": "douyin"})),
        (_, path) if path.contains("/blacklist/") => {
            let mut submission = event("blacklist.requested", "iso")["data"]["blacklist"].take();
            if path.contains("{request}") {
                submission = json!({"verdict": "approve"});
            }
            (json, json!({"event_id": "intruder", "customer_ref": "c_iso", "ticket_id": "t", "blacklist": submission}))
        }
        _ => (json, json!({})),
    }
}

/// What a step of a rollout takes.
fn rollout_step(path: &str) -> Value {
    match path.rsplit('/').next() {
        Some("approve" | "withdraw" | "off" | "pause" | "resume" | "rollback") => json!({"reason": "mine"}),
        Some("canary") => json!({"version": "1", "share_bp": 500}),
        Some("windows") => json!({"version": "1", "from": "2026-11-11", "to": "2026-11-11"}),
        _ => json!({"version": "1"}),
    }
}

fn send(merchant: &Merchant<'_>, route: &Route, key: Option<&str>) -> Reply {
    let mut call = shared().call(&route.method, &route.path);
    if let Some(key) = key {
        call = call.key(key);
    }
    if matches!(route.method.as_str(), "POST" | "PUT") {
        if route.method == "POST" && route.template.ends_with("/policies") {
            return call.header("content-type", "application/wasm").body(guest("intruder", "1")).send();
        }
        let (media, body) = body(merchant, route);
        call = call.header("content-type", media).body(if route.template.ends_with("/replay") { String::new() } else { body.to_string() });
    }
    call.send()
}

/// The version of the policy that [`furnished`] uploads: its settings are `{}`.
const VERSION: &str = "1+44136fa3";
/// A public key of minisign, from its documentation.
const SIGNING_KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

/// A merchant with something of everything.
fn furnished() -> (Merchant<'static>, String, String) {
    let merchant = shared().merchant(json!({"shop_id": "shop-of-the-victim"}));
    let mut event = refund("iso", "c_secret", 12_345);
    event["data"]["ticket_id"] = "t_secret".into();
    let decision = merchant.decide(&event)["id"].as_str().unwrap().to_owned();
    let mut request = ombud_tests::events::event("blacklist.requested", "iso");
    request["data"]["blacklist"]["request_id"] = "bl-iso".into();
    request["data"]["customer_ref"] = "c_secret".into();
    merchant.decide(&request);
    merchant.call(Role::Compliance, "POST", "/backtests").json(&json!({"kind": "after-sale"})).send().with(202);
    let (status, uploaded) = ended(&merchant, &upload(&merchant, guest("iso-policy", "1")).send());
    assert_eq!((status, &uploaded["version"]), (201, &json!(VERSION)), "{uploaded}");
    let created = shared().call("POST", &format!("/v1/merchants/{}/keys", merchant.id)).key(&shared().operator);
    let key = created.json(&json!({"role": "auditor", "label": "victim"})).send().with(201)["id"].as_str().unwrap().to_owned();
    (merchant, decision, key)
}

#[test]
fn another_merchants_key_opens_nothing_on_any_route() {
    let (victim, decision, key) = furnished();
    let intruder = shared().merchant(json!({}));
    let records = victim.records();
    let before = victim.call(Role::Auditor, "GET", "").send().ok();
    for route in routes(&victim, &decision, &key) {
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Operator) {
            let reply = send(&victim, &route, Some(intruder.key(role)));
            let (text, about) = (reply.text(), format!("{} {} as {role}: {}", route.method, route.path, reply.status));
            if route.template.contains("{merchant}") {
                // Who may not do it at all learns that, and nothing about the merchant.
                assert!(matches!(reply.status, 404 | 403), "{about} {text}");
                assert!(reply.status == 404 || !matches!(role, Role::MerchantAdmin), "{about} {text}");
            } else if (route.method.as_str(), route.template.as_str()) == ("GET", "/v1/ledger/keys") {
                // Whoever checks a proof needs the operator's verifier keys, and they tell nothing else.
                assert_eq!(reply.status, 200, "{about} {text}");
            } else if !route.open {
                assert_eq!(reply.status, 403, "{about} {text}");
            }
            for secret in ["c_secret", "t_secret", "12345", "shop-of-the-victim", &decision, "bl-iso", "iso-policy", VERSION] {
                assert!(!text.contains(secret), "{about} tells `{secret}`: {text}");
            }
        }
    }
    assert_eq!(victim.records(), records, "nothing was written");
    assert_eq!(victim.call(Role::Auditor, "GET", "").send().ok(), before, "nothing was changed");
    // Nor under one's own path with the other's names.
    for path in [format!("/decisions/{decision}"), format!("/decisions/{decision}/replay"), "/blacklist/requests/bl-iso".to_owned()] {
        let method = if path.ends_with("replay") { "POST" } else { "GET" };
        intruder.call(Role::Auditor, method, &path).send().problem(404);
    }
    let theirs = intruder.call(Role::MerchantAdmin, "DELETE", &format!("/keys/{key}")).send();
    theirs.problem(404);
    assert_eq!(intruder.decisions("customer=c_secret").len(), 0);
    // What does not exist looks the same as what is another's.
    let unknown = shared().call("GET", "/v1/merchants/m-unknown/decisions").key(intruder.key(Role::Auditor)).send().problem(404);
    let theirs =
        intruder.server.call("GET", &format!("/v1/merchants/{}/decisions", victim.id)).key(intruder.key(Role::Auditor)).send().problem(404);
    assert_eq!(unknown, theirs);
}

#[test]
fn without_a_key_or_with_a_wrong_one_every_route_is_closed() {
    let (victim, decision, key) = furnished();
    let wrong = format!("ombud_{}", "0".repeat(64));
    for route in routes(&victim, &decision, &key) {
        for presented in [None, Some(""), Some("wrong"), Some(wrong.as_str())] {
            let reply = send(&victim, &route, presented);
            if route.open && presented.is_none() {
                assert!(reply.status < 400, "{} {}: {}", route.method, route.path, reply.text());
            } else if !route.open {
                reply.problem(401);
                assert_eq!(reply.headers["www-authenticate"], "Bearer");
            }
        }
        if !route.open {
            // No other scheme than the one that is documented.
            let basic =
                shared().call(&route.method, &route.path).header("authorization", &format!("Basic {}", victim.key(Role::MerchantAdmin)));
            basic.send().problem(401);
        }
    }
}

#[test]
fn each_role_may_what_its_role_may() {
    use Role::{Agent, Auditor, Compliance, DepartmentHead, MerchantAdmin, Operator, Supervisor};
    let (merchant, decision, key) = furnished();
    let people: &[Role] = &[MerchantAdmin, Agent, Supervisor, DepartmentHead, Compliance];
    let everybody: &[Role] = &Role::ALL;
    let table: &[(&str, &str, &[Role])] = &[
        ("POST", "/v1/merchants/{merchant}/events", people),
        ("POST", "/v1/merchants/{merchant}/events:batch", people),
        ("POST", "/v1/merchants/{merchant}/preview", people),
        ("GET", "/v1/merchants/{merchant}/decisions", everybody),
        ("GET", "/v1/merchants/{merchant}/decisions/{decision}", everybody),
        (
            "POST",
            "/v1/merchants/{merchant}/decisions/{decision}/replay",
            &[Operator, MerchantAdmin, Supervisor, DepartmentHead, Compliance, Auditor],
        ),
        ("POST", "/v1/merchants/{merchant}/decisions/{decision}/override", &[Supervisor, DepartmentHead, Compliance]),
        ("GET", "/v1/merchants/{merchant}/blacklist/requests", everybody),
        ("POST", "/v1/merchants/{merchant}/blacklist/requests", people),
        ("GET", "/v1/merchants/{merchant}/blacklist/requests/{request}", everybody),
        ("GET", "/v1/merchants/{merchant}/blacklist/measures", everybody),
        ("GET", "/v1/merchants/{merchant}", everybody),
        ("PUT", "/v1/merchants/{merchant}", &[Operator, MerchantAdmin]),
        ("GET", "/v1/merchants/{merchant}/policies", everybody),
        ("GET", "/v1/merchants/{merchant}/backtests", &[Operator, MerchantAdmin, Compliance, Auditor]),
        ("POST", "/v1/merchants/{merchant}/backtests", &[Operator, MerchantAdmin, Compliance, Auditor]),
        ("GET", "/v1/merchants/{merchant}/backtests/{backtest}", &[Operator, MerchantAdmin, Compliance, Auditor]),
        ("POST", "/v1/merchants/{merchant}/policies", &[Operator, MerchantAdmin]),
        ("GET", "/v1/merchants/{merchant}/uploads/{upload}", &[Operator, MerchantAdmin]),
        ("GET", "/v1/merchants/{merchant}/versions", everybody),
        ("GET", "/v1/merchants/{merchant}/policies/{policy}/versions", everybody),
        ("POST", "/v1/merchants/{merchant}/policies/{policy}/versions", &[Operator, MerchantAdmin]),
        ("GET", "/v1/merchants/{merchant}/policies/{policy}/versions/{version}", everybody),
        ("GET", "/v1/merchants/{merchant}/policies/{policy}/versions/{version}/component", &[Operator, MerchantAdmin, Compliance, Auditor]),
        ("GET", "/v1/merchants/{merchant}/signing-keys", &[Operator, MerchantAdmin, Compliance, Auditor]),
        ("POST", "/v1/merchants/{merchant}/signing-keys", &[Operator, MerchantAdmin]),
        ("GET", "/v1/merchants/{merchant}/rollout", everybody),
        ("GET", "/v1/merchants/{merchant}/policies/{policy}/rollout", everybody),
        ("POST", "/v1/merchants/{merchant}/policies/{policy}/rollout/activate", &[Operator, MerchantAdmin]),
        ("POST", "/v1/merchants/{merchant}/policies/{policy}/rollout/canary", &[Operator, MerchantAdmin]),
        ("POST", "/v1/merchants/{merchant}/policies/{policy}/rollout/shadow", &[Operator, MerchantAdmin]),
        ("POST", "/v1/merchants/{merchant}/policies/{policy}/rollout/rollback", &[Operator, MerchantAdmin]),
        ("POST", "/v1/merchants/{merchant}/policies/{policy}/rollout/windows", &[Operator, MerchantAdmin]),
        ("POST", "/v1/merchants/{merchant}/policies/{policy}/rollout/windows/remove", &[Operator, MerchantAdmin]),
        ("POST", "/v1/merchants/{merchant}/policies/{policy}/rollout/pause", &[Operator, MerchantAdmin]),
        ("POST", "/v1/merchants/{merchant}/policies/{policy}/rollout/resume", &[Operator, MerchantAdmin]),
        ("POST", "/v1/merchants/{merchant}/rollout/pause", &[Operator, MerchantAdmin]),
        ("POST", "/v1/merchants/{merchant}/rollout/resume", &[Operator, MerchantAdmin]),
        ("GET", "/v1/merchants/{merchant}/rollout/proposals", everybody),
        ("POST", "/v1/merchants/{merchant}/rollout/proposals/{proposal}/approve", &[Operator, MerchantAdmin]),
        ("POST", "/v1/merchants/{merchant}/rollout/proposals/{proposal}/withdraw", &[Operator, MerchantAdmin]),
        ("POST", "/v1/merchants/{merchant}/rollout/approvals/off", &[Operator, MerchantAdmin]),
        ("GET", "/v1/merchants/{merchant}/acts", &[Operator, MerchantAdmin, Compliance, Auditor]),
        ("GET", "/v1/acts", &[Operator]),
        ("POST", "/v1/merchants/{merchant}/replays", &[Operator, MerchantAdmin, Supervisor, DepartmentHead, Compliance, Auditor]),
        ("GET", "/v1/merchants/{merchant}/decisions/{decision}/explanation", everybody),
        ("GET", "/v1/merchants/{merchant}/decisions/{decision}/receipt", &[Operator, MerchantAdmin, Auditor]),
        ("GET", "/v1/merchants/{merchant}/ledger/checkpoint", &[Operator, MerchantAdmin, Auditor]),
        ("GET", "/v1/merchants/{merchant}/ledger/tile/{tile}", &[Operator, MerchantAdmin, Auditor]),
        ("GET", "/v1/merchants/{merchant}/ledger/receipts/{seq}", &[Operator, MerchantAdmin, Auditor]),
        // With the keys of the text; a masked one is tested with the exports.
        ("GET", "/v1/merchants/{merchant}/ledger/export", &[Operator, Compliance, Auditor]),
        ("GET", "/v1/ledger/checkpoint", &[Operator]),
        ("GET", "/v1/ledger/tile/{tile}", &[Operator]),
        ("GET", "/v1/ledger/keys", everybody),
        ("POST", "/v1/ledger/keys", &[Operator]),
        ("POST", "/v1/merchants/{merchant}/erasures", &[Operator, MerchantAdmin]),
        ("GET", "/v1/merchants/{merchant}/holds", &[Operator, MerchantAdmin, Compliance, Auditor]),
        ("POST", "/v1/merchants/{merchant}/holds", &[Operator, Compliance]),
        ("POST", "/v1/merchants/{merchant}/holds/{hold}/lift", &[Operator, Compliance]),
        ("POST", "/v1/backups", &[Operator]),
        ("GET", "/v1/master-key", &[Operator]),
        ("POST", "/v1/master-key", &[Operator]),
        ("GET", "/v1/merchants/{merchant}/keys", &[Operator, MerchantAdmin]),
        ("POST", "/v1/merchants/{merchant}/keys", &[Operator, MerchantAdmin]),
        ("GET", "/v1/keys", &[Operator]),
        ("GET", "/v1/merchants", &[Operator]),
        ("GET", "/v1/contracts", &[Operator]),
        ("POST", "/v1/keys", &[Operator]),
        ("GET", "/metrics", &[Operator]),
    ];
    for route in routes(&merchant, &decision, &key) {
        let Some((_, _, may)) = table.iter().find(|(method, template, _)| route.method == *method && route.template == *template) else {
            // Deleting is tested below, steps and appeals with the blacklist; what is open has no roles.
            assert!(
                route.open || route.method == "DELETE" || route.path.ends_with("/steps") || route.path.ends_with("/appeal"),
                "{} {} is not in the table of roles",
                route.method,
                route.template
            );
            continue;
        };
        for role in Role::ALL {
            let presented = if role == Operator { &shared().operator } else { merchant.key(role) };
            let status = send(&merchant, &route, Some(presented)).status;
            let refused = status == 403;
            assert_eq!(refused, !may.contains(&role), "{} {} as {role}: {status}", route.method, route.template);
            // A checkpoint is signed a moment after its records; until then proofs are not there yet.
            let unsigned = status == 404 && (route.template.contains("/ledger/") || route.template.ends_with("/receipt"));
            // No such hold is set, and nothing is rolled out.
            let none =
                ["/lift", "/uploads/{upload}"].iter().any(|end| route.template.ends_with(end)) || route.template.contains("/rollout/");
            let unset = status == 404 && none;
            // Two wait or run already.
            let full = status == 429 && route.template.ends_with("/backtests");
            let taken = status < 300 || full || matches!(status, 409 | 422) || unsigned || unset;
            assert!(refused || taken, "{} {} as {role}: {status}", route.method, route.template);
        }
    }
}

#[test]
fn a_revoked_key_opens_nothing_any_more() {
    let merchant = shared().merchant(json!({}));
    let created = merchant.call(Role::MerchantAdmin, "POST", "/keys").json(&json!({"role": "agent", "label": "temp"})).send().with(201);
    let (id, secret) = (created["id"].as_str().unwrap(), created["secret"].as_str().unwrap());
    let read = || shared().call("GET", &format!("/v1/merchants/{}/decisions", merchant.id)).key(secret).send();
    read().ok();
    for role in [Role::Agent, Role::Supervisor, Role::DepartmentHead, Role::Compliance, Role::Auditor] {
        merchant.call(role, "DELETE", &format!("/keys/{id}")).send().problem(403);
    }
    read().ok();
    assert_eq!(merchant.call(Role::MerchantAdmin, "DELETE", &format!("/keys/{id}")).send().status, 204);
    read().problem(401);
    merchant.call(Role::MerchantAdmin, "DELETE", &format!("/keys/{id}")).send().problem(404);
    // A merchant's admin makes no operator, and nobody for another merchant.
    merchant.call(Role::MerchantAdmin, "POST", "/keys").json(&json!({"role": "operator", "label": "me"})).send().problem(422);
    let other = shared().merchant(json!({}));
    let theirs = shared().call("POST", &format!("/v1/merchants/{}/keys", other.id)).key(merchant.key(Role::MerchantAdmin));
    theirs.json(&json!({"role": "agent", "label": "spy"})).send().problem(404);
    // Secrets are not kept: neither the database nor its log holds one.
    for file in ["ombud.db", "ombud.db-wal"] {
        let bytes = std::fs::read(shared().data.join(file)).unwrap_or_default();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{file} holds a secret");
    }
}
