//! The document describes the router, no more and no less.

use std::collections::BTreeSet;

use ombud_core::event::EventType;
use ombud_core::schema::Checker;
use serde_json::Value;

use super::world::{MERCHANT, at, call, event, world};
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
