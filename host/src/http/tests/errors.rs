//! One body for every error, and no route that does not exist.

use std::sync::Arc;

use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::get;
use http_body_util::BodyExt as _;
use ombud_core::problem::Problem;
use serde_json::{Value, json};

use super::world::{MERCHANT, OTHER, at, call, world};
use crate::http::HttpLimits;
use crate::http::app::App;
use crate::http::edge::{EdgeLayer, Guard};
use crate::http::problem::{Code, Refused};
use crate::service::error::Saturation;
use crate::service::{Role, ServiceError};

#[tokio::test]
async fn unknown_paths_and_methods_have_documents_too() {
    let world = world();
    let router = world.router();
    for path in ["/", "/v1", "/v2/merchants", "/v1/merchants/m_001/", "/v1/merchants/m_001/nothing", "/v1/merchants/%ff/policies"] {
        let document = world.agent("GET", path).send(&router).await.problem(404);
        assert_eq!(document["type"], "urn:ombud:problem:not-found", "{path}");
    }
    let reply = world.agent("DELETE", &at("/events")).send(&router).await;
    assert_eq!(reply.problem(405)["type"], "urn:ombud:problem:method");
    assert_eq!(reply.headers["allow"], "POST");
    call("TRACE", "/healthz").send(&router).await.problem(405);
}

#[tokio::test]
async fn a_posted_object_is_checked_by_its_schema() {
    let world = world();
    let router = world.router();
    let post = || call("POST", &at("/keys")).key(world.key(MERCHANT, Role::MerchantAdmin));
    let document = post().json(&json!({"role": "king", "label": 7, "more": 1})).send(&router).await.problem(422);
    assert_eq!(super::world::pointers(&document), ["/label", "/more", "/role"]);
    assert!(document["problems"][2]["allowed"].as_str().unwrap().contains("supervisor"), "{document}");
    post().json(&json!([])).send(&router).await.problem(422);
    let twice = post().header("content-type", "application/json").body(r#"{"role": "agent", "role": "auditor", "label": "a"}"#);
    assert_eq!(super::world::pointers(&twice.send(&router).await.problem(422)), ["/role"]);
    post().header("content-type", "application/json").body("{").send(&router).await.problem(400);
    post().header("content-type", "text/plain").body("{}").send(&router).await.problem(415);
}

#[tokio::test]
async fn a_query_is_checked_too() {
    let world = world();
    let router = world.router();
    for query in ["kind=ops", "limit=many", "colour=red", "kind"] {
        let reply = world.agent("GET", &at(&format!("/decisions?{query}"))).send(&router).await;
        assert_eq!(reply.problem(422)["type"], "urn:ombud:problem:invalid", "{query}");
    }
}

#[tokio::test]
async fn what_belongs_to_others_does_not_exist() {
    let world = world();
    let router = world.router();
    let paths = ["", "/policies", "/decisions", "/decisions/d_1", "/blacklist/requests", "/blacklist/requests/r_1", "/blacklist/measures"];
    for path in paths {
        let theirs = call("GET", &at(path)).key(world.key(OTHER, Role::MerchantAdmin)).send(&router).await.problem(404);
        let nobodys = call("GET", &format!("/v1/merchants/m_404{path}")).key(world.key(OTHER, Role::MerchantAdmin)).send(&router).await;
        assert_eq!(theirs, nobodys.problem(404), "{path}");
    }
    call("GET", "/v1/merchants").key(world.key(OTHER, Role::MerchantAdmin)).send(&router).await.problem(403);
    let key = call("POST", &at("/keys")).key(world.key(OTHER, Role::MerchantAdmin)).json(&json!({"role": "agent", "label": "spy"}));
    key.send(&router).await.problem(404);
}

#[tokio::test]
async fn every_error_of_the_service_has_its_status() {
    let cases = [
        (ServiceError::Unauthenticated, 401, Some("www-authenticate")),
        (ServiceError::Forbidden { role: "agent", what: "approve" }, 403, None),
        (ServiceError::NotFound("merchant"), 404, None),
        (ServiceError::Invalid(vec![Problem::at("/a", "is bad")]), 422, None),
        (ServiceError::Malformed("not JSON".into()), 400, None),
        (ServiceError::Conflict("another body".into()), 409, None),
        (ServiceError::Saturated(Saturation::now("m")), 429, Some("retry-after")),
        (ServiceError::Unavailable("draining"), 503, Some("retry-after")),
        (ServiceError::Damaged("record 3 of `m` is missing".into()), 500, None),
        (ServiceError::Internal(anyhow::anyhow!("disk `/secret/path` is full")), 500, None),
    ];
    for (error, status, header) in cases {
        let (headers, body) = {
            let response = Refused::from(error).into_response();
            assert_eq!(response.status().as_u16(), status);
            let (parts, body) = response.into_parts();
            (parts.headers, body.collect().await.unwrap().to_bytes())
        };
        assert!(header.is_none_or(|header| headers.contains_key(header)), "{status}");
        let document: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&document["status"], document.get("problems").is_some()), (&json!(status), status == 422));
        assert!(!document.to_string().contains("secret"), "{document}");
    }
    assert!(Code::ALL.iter().all(|code| code.type_uri().starts_with("urn:ombud:problem:")));
}

#[tokio::test]
async fn a_handler_that_panics_is_an_internal_error() {
    let app = App::new(world().service.clone(), HttpLimits::default());
    let metrics = app.metrics().http_route("GET", "/panic");
    let guard = Guard { app, method: "GET", route: "/panic", time_ms: 1000, always: false, metrics };
    #[expect(unreachable_code, reason = "the handler's type")]
    let handler = || async {
        panic!("secret");
        "never"
    };
    let router = Router::new().route("/panic", get(handler).layer(EdgeLayer(Arc::new(guard))));
    let document = call("GET", "/panic").send(&router).await.problem(500);
    assert!(!document.to_string().contains("secret"));
}
