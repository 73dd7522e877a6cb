//! What is logged says nothing about persons.

use std::io;
use std::sync::{Arc, Mutex};

use ombud_core::event::EventType;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, Registry};

use super::world::{MERCHANT, at, event, world};
use crate::telemetry::{LogFormat, layer};

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_body_no_customer_no_query_no_key_is_logged() {
    // With only one subscriber known, a thread that comes first to a place that logs asks its own, which in other tests is none, and the place
    // is silent for all threads. With a second one every thread asks both.
    let _second = tracing::Dispatch::new(Registry::default().with(LevelFilter::OFF));
    for format in [LogFormat::Json, LogFormat::Pretty] {
        let sink = Sink::default();
        let writer = sink.clone();
        let subscriber = Registry::default().with(layer(format, move || writer.clone()).with_filter(LevelFilter::TRACE));
        let guard = tracing::subscriber::set_default(subscriber);
        let world = world();
        let router = world.router();
        let mut decided = event(EventType::ReplyDrafted);
        decided["data"]["customer_ref"] = "c_secretive".into();
        decided["data"]["ticket_id"] = "t_secretive".into();
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let post = || world.agent("POST", &at("/events")).header("traceparent", trace).header("x-request-id", "request-7");
        post().event(&decided).send(&router).await.ok();
        decided["data"]["reply"]["draft"] = 7.into();
        post().event(&decided).send(&router).await.problem(422);
        world.agent("GET", &at("/decisions?customer=c_secretive")).send(&router).await.ok();
        drop(guard);
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("request-7") && text.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "{text}");
        assert!(text.contains("/v1/merchants/{merchant}/events"), "{text}");
        for secret in ["secretive", "customer=", "Bearer", "ombud_"] {
            assert!(!text.contains(secret), "`{secret}` in\n{text}");
        }
        if format == LogFormat::Json {
            let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let decided = lines.iter().find(|line| line["message"] == "decided").unwrap_or_else(|| panic!("no decision in\n{text}"));
            let span = decided["spans"].as_array().unwrap().iter().find(|span| span["name"] == "decision").unwrap();
            assert_eq!((&span["merchant"], &span["kind"]), (&MERCHANT.into(), &"reply".into()), "{span}");
            for field in ["version", "outcome", "fuel", "policy_us", "guardrail_us", "commit_us"] {
                assert!(span.get(field).is_some(), "`{field}` is missing in {span}");
            }
        }
    }
}
