//! Batches.

use std::time::{Duration, Instant};

use ombud_core::event::EventType;
use serde_json::{Value, json};

use super::world::{Call, Reply, at, event, world};
use crate::http::HttpLimits;

fn post(body: String) -> Call {
    world().agent("POST", &at("/events:batch")).header("content-type", "application/cloudevents-batch+json").body(body)
}

fn statuses(reply: &Reply) -> Vec<u64> {
    reply.ok().as_array().unwrap().iter().map(|item| item["status"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn every_item_answers_for_itself_in_order() {
    let router = world().router();
    let (good, mut bad, other) = (event(EventType::AftersaleRequested), event(EventType::DelayDetected), event(EventType::ReplyDrafted));
    bad["time"] = json!("yesterday");
    let mut changed = good.clone();
    changed["data"]["ticket_id"] = json!("changed");
    let items = [good.clone(), bad, other.clone(), good.clone(), changed, json!(7)];
    let reply = post(json!(items).to_string()).send(&router).await;
    assert_eq!(statuses(&reply), [200, 422, 200, 200, 409, 422]);
    let answers = reply.ok();
    assert_eq!(answers[0]["answer"]["event"], good["id"]);
    assert_eq!(answers[1]["problem"]["problems"][0]["pointer"], "/1/time");
    assert_eq!(answers[2]["answer"]["event"], other["id"]);
    assert_eq!((&answers[0]["answer"]["duplicate"], &answers[3]["answer"]["duplicate"]), (&json!(false), &json!(true)));
    assert_eq!(answers[4]["problem"]["type"], "urn:ombud:problem:conflict");
    assert!(answers[0].get("problem").is_none() && answers[1].get("answer").is_none());
}

#[tokio::test]
async fn events_of_one_customer_are_decided_in_the_order_of_the_list() {
    let router = world().router();
    let mut items: Vec<Value> = (0..60).map(|_| event(EventType::TicketCreated)).collect();
    for (at, item) in items.iter_mut().enumerate() {
        item["data"]["customer_ref"] = format!("in-order-{}", at % 3).into();
    }
    let before = statuses(&post(json!(items).to_string()).send(&router).await);
    assert_eq!(before, [200; 60]);
    // Told again from the back, each is known already: nothing was lost on the way.
    items.reverse();
    let again = post(json!(items).to_string()).send(&router).await.ok();
    assert!(again.as_array().unwrap().iter().all(|item| item["answer"]["duplicate"] == true));
}

#[tokio::test]
async fn what_is_no_batch_says_so() {
    let router = world().router();
    assert_eq!(post("[]".into()).send(&router).await.ok(), json!([]));
    post("[{]".into()).send(&router).await.problem(400);
    post("{}".into()).send(&router).await.problem(422);
    let many = format!("[{}]", vec!["{}"; 1001].join(","));
    assert_eq!(post(many).send(&router).await.problem(422)["problems"][0]["pointer"], "");
    world().agent("POST", &at("/events:batch")).header("ce-id", "x").json(&json!([])).send(&router).await.problem(415);
}

#[tokio::test]
async fn a_batch_whose_time_is_up_says_which_items_were_not_begun() {
    // No time at all: every item that is an event is late, and one that is bad is still told so.
    let router = world().limited(HttpLimits { batch_ms: 0, ..HttpLimits::default() });
    let reply = post(json!([event(EventType::TicketCreated), {}]).to_string()).send(&router).await;
    // The request's own limit may be the faster one.
    if reply.status == 200 {
        assert_eq!(statuses(&reply), [503, 422]);
    } else {
        reply.problem(503);
    }
}

/// The largest batch of the worst events: how long it takes, and that others are answered meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_batch_does_not_hold_up_others() {
    let world = world();
    let router = world.router();
    let mut bad = event(EventType::AftersaleRequested);
    let line = bad["data"]["order"]["lines"][0].clone();
    let lines: Vec<Value> = (0..200)
        .map(|at| {
            let mut line = line.clone();
            line["line_id"] = json!(at);
            line["qty"] = json!("many");
            line
        })
        .collect();
    bad["data"]["order"]["lines"] = json!(lines);
    let item = bad.to_string();
    let count = ((16 << 20) / (item.len() + 1)).min(1000);
    let body = format!("[{}]", vec![item; count].join(","));
    let (hostile, began) = (router.clone(), Instant::now());
    let batch = tokio::spawn(async move { post(body).send(&hostile).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    let mut slowest = Duration::ZERO;
    let mut answered = 0;
    while !batch.is_finished() {
        let asked = Instant::now();
        world.agent("POST", &at("/events")).event(&event(EventType::TicketCreated)).send(&router).await.ok();
        slowest = slowest.max(asked.elapsed());
        answered += 1;
    }
    let reply = batch.await.unwrap();
    assert!(reply.status == 200 || reply.status == 503);
    // Held up, one would be answered, after the batch.
    assert!(answered > 5, "{answered} others answered in {:?}, the slowest in {slowest:?}", began.elapsed());
}
