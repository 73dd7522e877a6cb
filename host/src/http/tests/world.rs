//! One service for all tests, with two merchants and keys of every role.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use ombud_core::event::EventType;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::http::{HttpLimits, router};
use crate::service::{Options, Role, Service};

/// The merchant of the example events.
pub const MERCHANT: &str = "m_001";
/// Another one.
pub const OTHER: &str = "m_002";

pub struct World {
    pub service: Arc<Service>,
    pub operator: String,
    keys: HashMap<(&'static str, Role), String>,
    /// Kept as long as the service.
    _data: tempfile::TempDir,
}

/// A service with the repository's policies and both merchants.
pub fn open(data: tempfile::TempDir) -> World {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies");
    let service = Service::open(data.path(), Options { policies: Some(policies), ..Options::default() }).unwrap();
    assert_eq!(service.readiness().reasons, [""; 0]);
    let owner = Service::owner().unwrap();
    let operator = service.create_key_now(&owner, None, Role::Operator, "operator").unwrap().secret;
    let mut keys = HashMap::new();
    for (merchant, shop) in [(MERCHANT, "10437917"), (OTHER, "20000001")] {
        let config = json!({"id": merchant, "shop_id": shop, "platform": "douyin"});
        service.put_merchant_now(&owner, merchant, config.to_string().as_bytes()).unwrap();
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Operator) {
            let key = service.create_key_now(&owner, Some(merchant), role, &format!("{merchant}-{role}")).unwrap();
            keys.insert((merchant, role), key.secret);
        }
    }
    World { service, operator, keys, _data: data }
}

/// The service that tests share; those that stop theirs open their own.
pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| open(tempfile::tempdir().unwrap()))
}

impl World {
    pub fn key(&self, merchant: &'static str, role: Role) -> &str {
        &self.keys[&(merchant, role)]
    }

    pub fn router(&self) -> Router {
        self.limited(HttpLimits::default())
    }

    pub fn limited(&self, limits: HttpLimits) -> Router {
        router(self.service.clone(), limits)
    }

    /// A request with an agent's key.
    pub fn agent(&self, method: &str, path: &str) -> Call {
        call(method, path).key(self.key(MERCHANT, Role::Agent))
    }
}

/// A request being made.
pub struct Call {
    builder: axum::http::request::Builder,
    body: Body,
}

pub fn call(method: &str, path: &str) -> Call {
    Call { builder: Request::builder().method(method).uri(path), body: Body::empty() }
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Call {
    pub fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub fn header(self, name: &str, value: &str) -> Self {
        Self { builder: self.builder.header(name, value), ..self }
    }

    pub fn body(self, body: impl Into<Body>) -> Self {
        Self { body: body.into(), ..self }
    }

    pub fn json(self, value: &Value) -> Self {
        self.header("content-type", "application/json").body(value.to_string())
    }

    pub fn event(self, value: &Value) -> Self {
        self.header("content-type", "application/cloudevents+json").body(value.to_string())
    }

    pub async fn send(self, router: &Router) -> Reply {
        let response = router.clone().oneshot(self.builder.body(self.body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        Reply { status: parts.status, headers: parts.headers, bytes: body.collect().await.unwrap().to_bytes().to_vec() }
    }
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }

    /// The document of a refusal, checked for what every one has.
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        assert!(self.headers.contains_key("x-request-id"));
        let document = self.json();
        assert_eq!(document["status"], status, "{document}");
        for member in ["type", "title", "detail"] {
            assert!(document[member].as_str().is_some_and(|text| !text.is_empty()), "{document}");
        }
        document
    }

    /// The answer of what is well.
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/json");
        self.json()
    }
}

/// The pointers of a document's problems.
pub fn pointers(document: &Value) -> Vec<&str> {
    document["problems"].as_array().unwrap().iter().map(|problem| problem["pointer"].as_str().unwrap()).collect()
}

/// The example of an event type under an id of its own, about a customer, an order and a case of its own.
pub fn event(event_type: EventType) -> Value {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/events/{event_type}.json"));
    let mut event: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    event["id"] = format!("event-{count}").into();
    let data = &mut event["data"];
    if data.get("customer_ref").is_some() {
        data["customer_ref"] = format!("customer-{count}").into();
        if let Some(customer) = data.pointer_mut("/customer/customer_ref") {
            *customer = format!("customer-{count}").into();
        }
    }
    if data.get("order").is_some() {
        data["order"]["order_id"] = format!("order-{count}").into();
    }
    if data.get("after_sale").is_some() {
        data["after_sale"]["after_sale_id"] = format!("case-{count}").into();
    }
    if let Some(request) = data.pointer_mut("/blacklist/request_id") {
        *request = format!("request-{count}").into();
    }
    event
}

/// The path below the merchant of the examples.
pub fn at(path: &str) -> String {
    format!("/v1/merchants/{MERCHANT}{path}")
}
