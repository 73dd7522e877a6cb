//! Batches: every event answers for itself, in the order in which they were posted.
//!
//! Events of one customer are decided one after the other, as they stand in the batch: a later one may build on an earlier
//! one. Customers are decided side by side, in a few lanes, so that one commit takes many records. An item that is bad, slow
//! or refused is that item's answer and no other's; what was not begun when the batch's time is up is 503 and may be posted
//! again, like everything here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Extension;
use axum::extract::{Request, State};
use ombud_core::event::{self, Event, Mode};
use ombud_core::problem::Problem;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::answer::Json;
use super::app::{Shared, Slot};
use super::body::{self, Posted};
use super::caller::{Caller, Params};
use super::edge::traceparent;
use super::events::mode_of;
use super::limits::ms;
use super::problem::{Code, ProblemDocument, Refused};
use super::routes::{Endpoint, RequestBody};
use super::unsent::Growing;
use crate::clock::now_ms;
use crate::metrics::Refusal;
use crate::service::Principal;
use crate::service::wire::EventAnswer;

/// How much earlier than its time limit a batch stops waiting, in milliseconds: the answer must still be written.
const ANSWER_MS: u64 = 1_000;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/v1/merchants/{merchant}/events:batch", "postEvents", post)
            .tag("events")
            .summary("Decide a batch of events")
            .describe(
                "A list of CloudEvents (`application/cloudevents-batch+json`). The answer is a list of the same length and order; each \
                 item has its own status. Events of one customer are decided in the order of the list.",
            )
            .body(RequestBody::Batch)
            .answer::<Vec<BatchItem>>("Every item's own answer, in order")
            .errors(&[Code::Malformed, Code::MediaType, Code::Invalid])
            .batch(),
    ]
}

/// One event's answer within a batch.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BatchItem {
    /// The HTTP status that the event alone would have had.
    pub status: u16,
    /// The answer, where the status is 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<EventAnswer>,
    /// Why there is none, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<ProblemDocument>,
}

impl From<Result<EventAnswer, Refused>> for BatchItem {
    fn from(result: Result<EventAnswer, Refused>) -> Self {
        match result {
            Ok(answer) => Self { status: 200, answer: Some(answer), problem: None },
            Err(refused) => Self { status: refused.code().status().as_u16(), answer: None, problem: Some(refused.document()) },
        }
    }
}

/// Events of one customer with their places in the batch.
type Lane = Vec<(usize, Event)>;

async fn post(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    request: Request,
) -> Result<(Extension<Arc<Growing>>, Json<Vec<BatchItem>>), Refused> {
    let deadline = Instant::now() + ms(app.limits.batch_ms.saturating_sub(ANSWER_MS).max(app.limits.batch_ms / 2));
    app.service.may_send(&who, &merchant)?;
    if mode_of(request.headers())? == Mode::Binary {
        let problem = Problem::in_header("ce-*", "are of one event").allowed("a list of events without `ce-` headers");
        return Err(Refused::with(Code::MediaType, vec![problem]));
    }
    let mut growing = Growing::new(request.extensions().get().and_then(Slot::share).cloned());
    let (headers, Posted { bytes, reserved }) = body::read(&app, request, app.limits.batch_bytes_max).await?;
    let traceparent = traceparent(&headers);
    let received_at = now_ms();
    let items = body::parse(&app, &reserved, bytes.len(), move || {
        event::batch(&bytes, received_at).map_err(|problems| body::unreadable(&bytes, problems))
    });
    let mut answers: Vec<Option<BatchItem>> = Vec::new();
    let mut lanes: HashMap<String, Lane> = HashMap::new();
    for (at, item) in items.await?.into_iter().enumerate() {
        answers.push(match item {
            Ok(event) => {
                lanes.entry(lane_of(&event)).or_default().push((at, event.brought_by(traceparent)));
                None
            }
            Err(problems) => Some(BatchItem::from(Err(Refused::with(Code::Invalid, problems)))),
        });
    }
    let mut left = app.limits.batch_answer_bytes_max;
    let mut decided = decide(&app, &who, &merchant, lanes.into_values().collect());
    // The time is looked at first: an answer that is there already would else be taken after it was up.
    while Instant::now() < deadline
        && let Ok(Some((at, item))) = timeout_at(deadline, decided.recv()).await
    {
        let bytes = item.answer.as_ref().map_or(0, EventAnswer::bytes);
        let item = match left.checked_sub(bytes) {
            None => too_much(),
            Some(_) if !growing.grow(bytes, app.limits.merchant_answer_bytes_max) => {
                app.metrics().http_refused(Refusal::MerchantAnswerBytes);
                unread()
            }
            Some(rest) => {
                left = rest;
                item
            }
        };
        if let Some(answer) = answers.get_mut(at) {
            *answer = Some(item);
        }
    }
    drop(reserved);
    let late = || BatchItem::from(Err(Refused::new(Code::Unavailable, "the batch's time is up: post this event again")));
    let answers = answers.into_iter().map(|answer| answer.unwrap_or_else(late)).collect();
    Ok((Extension(Arc::new(growing)), Json(answers)))
}

fn too_much() -> BatchItem {
    BatchItem::from(Err(Refused::new(Code::Unavailable, "the batch's answer is too large: post this event again, in a smaller batch")))
}

fn unread() -> BatchItem {
    let detail = "too many bytes of this merchant's answers wait to be read: read them, and post this event again";
    BatchItem::from(Err(Refused::new(Code::Saturated, detail)))
}

/// Decides the lanes, some at a time, each in its order. Work goes on in tasks of their own: when nobody listens any more,
/// what was begun is finished and nothing else is begun.
fn decide(app: &Shared, who: &Principal, merchant: &str, mut lanes: Vec<Lane>) -> mpsc::Receiver<(usize, BatchItem)> {
    // Taken from the end: the events that stand first are begun first.
    lanes.sort_by_key(|lane| std::cmp::Reverse(lane.first().map(|(at, _)| *at)));
    let workers = lanes.len().min(app.limits.batch_lanes_max.max(1));
    let lanes = Arc::new(Mutex::new(lanes));
    let (answered, answers) = mpsc::channel(workers.max(1));
    for _ in 0..workers {
        let (app, who, merchant) = (app.clone(), who.clone(), merchant.to_owned());
        let (lanes, answered) = (lanes.clone(), answered.clone());
        tokio::spawn(async move {
            let next = || lanes.lock().unwrap_or_else(PoisonError::into_inner).pop();
            while let Some(lane) = next() {
                for (at, event) in lane {
                    if answered.is_closed() {
                        return;
                    }
                    let item = app.service.decide(&who, &merchant, event).await.map_err(Refused::from);
                    if answered.send((at, item.into())).await.is_err() {
                        return;
                    }
                }
            }
        });
    }
    answers
}

/// Whose events keep their order: the customer's, or the ticket's where there is none.
fn lane_of(event: &Event) -> String {
    let data = &event.data;
    match (&data.customer_ref, &data.ticket_id) {
        (Some(customer), _) => customer.to_string(),
        (None, Some(ticket)) => format!("\n{ticket}"),
        (None, None) => String::new(),
    }
}
