//! The document describes the router, no more and no less.

use std::collections::BTreeSet;

use ombud_core::event::EventType;
use ombud_core::schema::Checker;
use serde_json::Value;

use super::world::{MERCHANT, OTHER, Reply, at, call, event, open, world};
use crate::http::HttpLimits;
use crate::http::openapi::document;
use crate::http::routes::endpoints;
use crate::service::Role;

/// Method and path of every operation.
fn operations(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, operations)| operations.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone())))
        .collect()
}

/// Every `$ref`.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_route_is_described_and_every_description_is_a_route() {
    let router = world().router();
    let served: Value = call("GET", "/openapi.json").send(&router).await.ok();
    assert_eq!(served, document());
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1."));
    let described = operations(&served);
    let table: BTreeSet<_> = endpoints().iter().map(|endpoint| (endpoint.method.to_owned(), endpoint.described_path())).collect();
    assert_eq!(described, table);
    // The router itself: a described route is found, and no other method of its path is.
    for (_, path) in &described {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let reply = call(method, &path.replace(['{', '}'], "x")).send(&router).await;
            let known = described.contains(&(method.to_owned(), path.clone()));
            assert_eq!(reply.status.as_u16() != 405, known, "{method} {path}: {}", reply.status);
            assert!(reply.status != 404 || !reply.text().contains("no such path"), "{method} {path}");
        }
    }
}

#[test]
fn the_document_is_whole() {
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50);
    for reference in found {
        match reference.strip_prefix('#') {
            Some(pointer) => assert!(document.pointer(pointer).is_some(), "{reference}"),
            None => assert!(EventType::ALL.iter().any(|event| reference == format!("/v1/schemas/{event}")), "{reference}"),
        }
    }
    let mut ids = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{method} {path}");
            assert!(document["tags"].as_array().unwrap().iter().any(|tag| tag["name"] == operation["tags"][0]), "{method} {path}");
            let parameters = operation["parameters"].as_array().into_iter().flatten().filter(|parameter| parameter["in"] == "path").count();
            let query = operation["parameters"].as_array().into_iter().flatten().filter(|parameter| parameter["in"] == "query");
            query.for_each(|parameter| assert!(!parameter["schema"].to_string().contains("null"), "{parameter}"));
            assert_eq!(parameters, path.matches('{').count(), "{method} {path}");
            assert!(operation["responses"].as_object().unwrap().keys().any(|status| status.starts_with('2')), "{method} {path}");
        }
    }
}

#[test]
fn what_an_act_does_to_an_appeal_is_said_beforehand() {
    let document = document();
    for operation in
        ["/v1/merchants/{merchant}/decisions/{decision}/override", "/v1/merchants/{merchant}/blacklist/requests/{request}/appeal"]
    {
        let said = document["paths"][operation]["post"]["description"].as_str().unwrap();
        for (action, does) in [("`approve`", "confirms the measure"), ("`closed`", "lifts"), ("`cancel`", "takes the appeal back")] {
            assert!(said.contains(action) && said.contains(does), "{operation}: {said}");
        }
    }
    let actions = document["components"]["schemas"].to_string();
    assert!(actions.contains("`appeal-dismissed`"));
}

#[tokio::test]
async fn answers_are_what_the_document_says() {
    let (router, mut schema) = (world().router(), document());
    schema["$ref"] = "#/components/schemas/EventAnswer".into();
    let checker = Checker::new(schema.clone(), 1000).unwrap();
    schema["$ref"] = "#/components/schemas/DecisionDetail".into();
    let detail_checker = Checker::new(schema, 1000).unwrap();
    for event_type in [EventType::AftersaleRequested, EventType::DelayDetected, EventType::BlacklistRequested, EventType::ReplyDrafted] {
        for path in ["/preview", "/events"] {
            let event = event(event_type);
            let answer = world().agent("POST", &at(path)).event(&event).send(&router).await.ok();
            assert_eq!(answer["decisions"].as_array().unwrap().len(), 1, "{answer}");
            assert_eq!(checker.check(&answer.to_string(), "").unwrap().1, [], "{answer:#}");
            if let Some(id) = answer["decisions"][0]["id"].as_str() {
                // Masked and in full.
                for role in [Role::Agent, Role::Auditor] {
                    let detail = call("GET", &at(&format!("/decisions/{id}"))).key(world().key(MERCHANT, role)).send(&router).await.ok();
                    assert_eq!(detail["masked"], role == Role::Agent);
                    assert_eq!(detail_checker.check(&detail.to_string(), "").unwrap().1, [], "{detail:#}");
                }
            }
        }
    }
}

/// Asserts that a reply's status and media type are among those that an operation is described with.
#[track_caller]
fn is_described(document: &Value, method: &str, path: &str, reply: &Reply) {
    let responses = &document["paths"][path][method.to_ascii_lowercase()]["responses"];
    let answer = &responses[reply.status.as_str()];
    assert!(answer.is_object(), "{method} {path} is answered {}, which is not described: {responses}", reply.status);
    let answer = answer["$ref"].as_str().map_or(answer, |reference| document.pointer(reference.trim_start_matches('#')).unwrap());
    let media_type = reply.headers.get("content-type").map(|value| value.to_str().unwrap().split(';').next().unwrap());
    let described = answer.get("content").and_then(Value::as_object);
    match (media_type, described) {
        (None, None) => {}
        (Some(media_type), Some(described)) if described.contains_key(media_type) => {}
        (media_type, described) => panic!("{method} {path} {}: {media_type:?}, described are {described:?}", reply.status),
    }
}

/// What every route may answer it is described with: to a merchant with too much under way, to two keys at once, to a compressed body.
#[tokio::test]
async fn what_is_refused_before_a_route_is_reached_is_described() {
    let (world, document) = (world(), document());
    let full = world.limited(HttpLimits { merchant_requests_max: 0, ..HttpLimits::default() });
    let router = world.router();
    for endpoint in endpoints() {
        let (method, path) = (endpoint.method, endpoint.described_path());
        let asked = || world.agent(method, &path.replace("{merchant}", MERCHANT).replace(['{', '}'], "x"));
        let refused = asked().send(&full).await;
        is_described(&document, method, &path, &refused);
        let two = asked().key(world.key(OTHER, Role::Agent)).send(&router).await;
        is_described(&document, method, &path, &two);
        if !endpoint.open {
            assert_eq!((refused.status.as_u16(), two.status.as_u16()), (429, 400), "{method} {path}");
        }
        if endpoint.body.is_some() {
            let compressed = asked().header("content-encoding", "gzip").send(&router).await;
            is_described(&document, method, &path, &compressed);
            // Or the caller has no right, and is told that first.
            assert!(matches!(compressed.status.as_u16(), 403 | 404 | 415), "{method} {path}: {}", compressed.status);
            for status in ["400", "413", "415", "422"] {
                assert!(document["paths"][&path][method.to_ascii_lowercase()]["responses"][status].is_object(), "{method} {path} {status}");
            }
        }
    }
}

/// What is read is answered as it is described, with its media type, and so is a query that is not taken.
#[tokio::test]
async fn what_is_read_is_described() {
    // Its own service: looks of auditors are on record.
    let (world, document) = (open(tempfile::tempdir().unwrap()), document());
    let router = world.router();
    let event = event(EventType::DelayDetected);
    let decided = world.agent("POST", &at("/events")).event(&event).send(&router).await.ok();
    let decision = decided["decisions"][0]["id"].as_str().unwrap();
    let named = [
        ("merchant", MERCHANT),
        ("decision", decision),
        ("policy", "delay"),
        ("schema", "merchant-config"),
        ("seq", "0"),
        ("tile", "0/000"),
    ];
    let mut well = 0;
    for endpoint in endpoints().into_iter().filter(|endpoint| endpoint.method == "GET") {
        let path = endpoint.described_path();
        let real = named.iter().fold(path.clone(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value));
        let real = real.replace(['{', '}'], "x");
        let key = if path.contains("{merchant}") { world.key(MERCHANT, Role::Auditor) } else { world.operator.as_str() };
        for accept in ["application/json", "text/plain"] {
            let reply = call("GET", &real).key(key).header("accept", accept).send(&router).await;
            is_described(&document, "GET", &path, &reply);
            well += usize::from(reply.status == 200);
        }
        if endpoint.query.is_some() {
            let reply = call("GET", &format!("{real}?colour=red")).key(key).send(&router).await;
            is_described(&document, "GET", &path, &reply);
            assert_eq!(reply.problem(422)["problems"][0]["pointer"], "/colour", "{path}");
        }
    }
    assert!(well > 30, "{well} were answered");
}

#[tokio::test]
async fn schemas_are_served_to_everybody() {
    let router = world().router();
    let list = call("GET", "/v1/schemas").send(&router).await.ok();
    assert_eq!(list.as_array().unwrap().len(), EventType::ALL.len() + 1);
    for line in list.as_array().unwrap() {
        let reply = call("GET", line["href"].as_str().unwrap()).send(&router).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.headers["content-type"], "application/schema+json");
        assert_eq!(reply.json()["$schema"], "https://json-schema.org/draft/2020-12/schema", "{line}");
    }
    call("GET", "/v1/schemas/order.unheard_of").send(&router).await.problem(404);
}
