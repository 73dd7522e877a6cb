//! Decisions in detail, their replay and overrides; blacklist requests; merchants, policies and keys; health and metrics.

use ombud_core::event::EventType;
use serde_json::{Value, json};

use super::world::{Call, MERCHANT, OTHER, at, call, event, pointers, world};
use crate::http::HttpLimits;
use crate::service::Role;

fn as_role(role: Role, method: &str, path: &str) -> Call {
    call(method, path).key(world().key(MERCHANT, role))
}

#[tokio::test]
async fn a_decision_is_listed_read_and_replayed() {
    let (world, event) = (world(), event(EventType::AftersaleRequested));
    let router = world.router();
    let answer = world.agent("POST", &at("/events")).event(&event).send(&router).await.ok();
    let (decision, id) = (&answer["decisions"][0], answer["decisions"][0]["id"].as_str().unwrap());
    let customer = event["data"]["customer_ref"].as_str().unwrap();
    let page = world.agent("GET", &at(&format!("/decisions?customer={customer}&kind=after-sale&limit=5"))).send(&router).await.ok();
    assert_eq!((page["decisions"].as_array().unwrap().len(), &page["decisions"][0]["id"]), (1, &decision["id"]));
    let detail = world.agent("GET", &at(&format!("/decisions/{id}"))).send(&router).await.ok();
    assert_eq!(&detail["outcome"], &decision["outcome"]);
    let replay = format!("/decisions/{id}/replay");
    world.agent("POST", &at(&replay)).send(&router).await.problem(403);
    let report = as_role(Role::Auditor, "POST", &at(&replay)).send(&router).await.ok();
    assert_eq!(report["identical"], true, "{report}");
    world.agent("GET", &at("/decisions/d_unknown")).send(&router).await.problem(404);
}

#[tokio::test]
async fn a_person_overrides_with_a_reason() {
    let (world, event) = (world(), event(EventType::AftersaleRequested));
    let router = world.router();
    let answer = world.agent("POST", &at("/events")).event(&event).send(&router).await.ok();
    let path = at(&format!("/decisions/{}/override", answer["decisions"][0]["id"].as_str().unwrap()));
    let cancel = json!({"action": "cancel", "reason": "the customer withdrew"});
    world.agent("POST", &path).json(&cancel).send(&router).await.problem(403);
    let nothing = json!({"action": "cancel", "reason": "x".repeat(2001)});
    as_role(Role::Supervisor, "POST", &path).json(&nothing).send(&router).await.problem(422);
    let recorded = as_role(Role::Supervisor, "POST", &path).json(&cancel).send(&router).await;
    assert!(recorded.status == 201 || recorded.status == 409, "{}", recorded.text());
    if recorded.status == 201 {
        assert_eq!(recorded.json()["decision"], answer["decisions"][0]["id"]);
    }
}

#[tokio::test]
async fn merchants_and_keys_are_made_and_unmade() {
    let world = world();
    let router = world.router();
    let config = json!({"id": "m_new", "shop_id": "1", "platform": "douyin"});
    let put = |key: &str| call("PUT", "/v1/merchants/m_new").key(key);
    put(world.key(MERCHANT, Role::MerchantAdmin)).json(&config).send(&router).await.problem(404);
    put(&world.operator).json(&json!({"id": "m_new", "platform": "?"})).send(&router).await.problem(422);
    let made = put(&world.operator).json(&config).send(&router).await.ok();
    assert_eq!((&made["config"]["id"], made["policies"].as_array().unwrap().len()), (&json!("m_new"), 4));
    let policies = call("GET", "/v1/merchants/m_new/policies").key(&world.operator).send(&router).await.ok();
    assert!(policies.as_array().unwrap().iter().all(|policy| policy["status"] == "loaded"), "{policies}");
    let listed = call("GET", "/v1/merchants").key(&world.operator).send(&router).await.ok();
    assert!(listed.as_array().unwrap().iter().any(|merchant| merchant["config"]["id"] == "m_new"));

    let asked = json!({"role": "merchant-admin", "label": "li"});
    let key = call("POST", "/v1/merchants/m_new/keys").key(&world.operator).json(&asked).send(&router).await;
    assert_eq!(key.status, 201);
    let (secret, id) = (key.json()["secret"].as_str().unwrap().to_owned(), key.json()["id"].as_str().unwrap().to_owned());
    call("GET", "/v1/merchants/m_new").key(&secret).send(&router).await.ok();
    let revoke = format!("/v1/merchants/m_new/keys/{id}");
    call("DELETE", &revoke).key(world.key(OTHER, Role::MerchantAdmin)).send(&router).await.problem(404);
    assert_eq!(call("DELETE", &revoke).key(&world.operator).send(&router).await.status, 204);
    call("GET", "/v1/merchants/m_new").key(&secret).send(&router).await.problem(401);
    call("DELETE", &revoke).key(&world.operator).send(&router).await.problem(404);
    call("POST", "/v1/keys").key(&world.operator).json(&json!({"role": "agent", "label": "a"})).send(&router).await.problem(422);
}

#[tokio::test]
async fn health_is_everybodys_and_metrics_are_the_operators() {
    let world = world();
    let router = world.router();
    assert_eq!(call("GET", "/healthz").send(&router).await.ok(), json!({"alarms": 0, "status": "ok"}));
    let head = call("HEAD", "/healthz").send(&router).await;
    assert_eq!((head.status.as_u16(), head.bytes.len()), (200, 0));
    assert_eq!(call("GET", "/readyz").send(&router).await.ok()["ready"], true);
    call("GET", "/readyz").key("wrong").send(&router).await.problem(401);
    call("GET", "/metrics").send(&router).await.problem(401);
    world.agent("GET", "/metrics").send(&router).await.problem(403);
    let text = call("GET", "/metrics").key(&world.operator).send(&router).await;
    assert!(text.headers["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    assert!(text.text().contains(r#"ombud_http_requests_total{method="GET",route="/healthz",status="2xx"}"#), "{}", text.text());
    let open = world.limited(HttpLimits { metrics_open: true, ..HttpLimits::default() });
    assert_eq!(call("GET", "/metrics").send(&open).await.status, 200);
}

#[tokio::test]
async fn a_request_keeps_its_id() {
    let router = world().router();
    let reply = call("GET", "/healthz").header("x-request-id", "mine-1").send(&router).await;
    assert_eq!(reply.headers["x-request-id"], "mine-1");
    let (one, two) = (call("GET", "/healthz").send(&router).await, call("GET", "/healthz").send(&router).await);
    assert_ne!(one.headers["x-request-id"], two.headers["x-request-id"]);
}

#[tokio::test]
async fn a_blacklist_request_goes_its_way() {
    let world = world();
    let router = world.router();
    let data = event(EventType::BlacklistRequested)["data"].clone();
    let (request, customer) = (data["blacklist"]["request_id"].as_str().unwrap(), data["customer_ref"].as_str().unwrap());
    let post = |id: &str, blacklist: &Value| json!({"event_id": id, "customer_ref": customer, "ticket_id": "t1", "blacklist": blacklist});
    let requests = at("/blacklist/requests");
    let submitted = post(&format!("{request}-1"), &data["blacklist"]);
    let answer = world.agent("POST", &requests).json(&submitted).send(&router).await.ok();
    assert_eq!((&answer["decisions"][0]["kind"], &answer["duplicate"]), (&json!("blacklist"), &json!(false)));
    let again = world.agent("POST", &requests).json(&submitted).send(&router).await.ok();
    assert_eq!(again["duplicate"], true);

    let listed = world.agent("GET", &requests).send(&router).await.ok();
    assert!(listed["requests"].as_array().unwrap().iter().any(|one| one["request_id"] == request), "{listed}");
    let path = format!("{requests}/{request}");
    let before = world.agent("GET", &path).send(&router).await.ok();

    // A verdict names no person and no role, and the request of the path only.
    let verdict = json!({"verdict": "approve", "note": "聊天记录属实"});
    let steps = format!("{path}/steps");
    let other = post("s-0", &json!({"request_id": "another", "verdict": "approve"}));
    let document = as_role(Role::Supervisor, "POST", &steps).json(&other).send(&router).await.problem(422);
    assert_eq!(pointers(&document), ["/blacklist/request_id"]);
    let mut claimed = verdict.clone();
    claimed["role"] = json!("dept-head");
    let document = as_role(Role::Supervisor, "POST", &steps).json(&post("s-1", &claimed)).send(&router).await.problem(422);
    assert_eq!(pointers(&document), ["/blacklist/role"]);
    let step = post(&format!("{request}-2"), &verdict);
    let answer = as_role(Role::Supervisor, "POST", &steps).json(&step).send(&router).await.ok();
    assert_eq!(answer["decisions"][0]["kind"], "blacklist", "{answer}");
    let after = world.agent("GET", &path).send(&router).await.ok();
    assert_ne!(before["state"], after["state"]);

    world.agent("GET", &format!("{requests}/unheard-of")).send(&router).await.problem(404);
    let measures = at(&format!("/blacklist/measures?customer={customer}"));
    assert!(world.agent("GET", &measures).send(&router).await.ok().is_array());
    world.agent("GET", &at("/blacklist/measures?who=me")).send(&router).await.problem(422);
}
