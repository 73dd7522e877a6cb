//! The servers under load: the whole service on a directory of its own, and the bare route that is the floor.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use ombud_core::golden::{self, Given};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::decision;
use super::load::{MARK, Request};
use crate::http::{HttpLimits, serve};
use crate::service::ledger::SIGN_EVERY;
use crate::service::{Options, Role, Service, ServiceError, runtime_threads};

/// Merchants with the secret of their key.
pub(super) type Keys = Vec<(String, String)>;

/// A server on a loopback port, stopped when dropped.
pub(super) struct Running {
    pub(super) address: SocketAddr,
    _runtime: Runtime,
}

/// How the service is opened.
pub(super) fn options(policies: &Path) -> Options {
    Options { policies: Some(policies.to_path_buf()), ..Options::default() }
}

/// A service with merchants `m0` … and an agent's key for each. Caps are out of the way: it is the speed of decisions that
/// is measured, AS-G01 pays nothing at once.
pub(super) fn open(data: &Path, policies: &Path, merchants: usize) -> Result<(Arc<Service>, Keys)> {
    let service = Service::open(data, options(policies))?;
    // Its checkpoints are signed as a server's are.
    service.check_published(false)?;
    filled(service, merchants)
}

/// A service with one merchant that keeps no Merkle logs and signs nothing.
pub(super) fn open_without_trees(data: &Path, policies: &Path) -> Result<(Arc<Service>, Keys)> {
    filled(Service::open_without_trees(data, options(policies))?, 1)
}

fn filled(service: Arc<Service>, merchants: usize) -> Result<(Arc<Service>, Keys)> {
    let owner = Service::owner()?;
    let mut keys = Vec::with_capacity(merchants);
    for at in 0..merchants {
        let id = format!("m{at}");
        let config = json!({"id": id, "shop_id": "s1", "platform": "douyin"}).to_string();
        service.put_merchant_now(&owner, &id, config.as_bytes()).map_err(said)?;
        let key = service.create_key_now(&owner, Some(&id), Role::Agent, "bench").map_err(said)?;
        keys.push((id, key.secret));
    }
    Ok((service, keys))
}

/// An error of the service with all it knows.
pub(super) fn said(error: ServiceError) -> anyhow::Error {
    anyhow!("{error}: {error:?}")
}

/// One request for each merchant.
pub(super) fn requests(event: &Value, keys: &[(String, String)]) -> Vec<Arc<Request>> {
    let body = event.to_string();
    keys.iter().map(|(id, key)| Arc::new(Request::post(&format!("/v1/merchants/{id}/events"), key, &body))).collect()
}

/// AS-G01 with so many lines as an event, with its own id, customer and order each time.
pub(super) fn event(lines: usize) -> Result<Value> {
    let cases = golden::load(include_str!("../../../tests/cases/golden.yaml"))?;
    let case = cases.iter().find(|case| case.id == "AS-G01").context("no case AS-G01")?;
    let Given::AfterSale(_, facts) = &case.given else { return Err(anyhow!("AS-G01 is no after-sale case")) };
    let mut facts = serde_json::to_value(decision::with_lines(facts.clone(), lines)?)?;
    let members = facts.as_object_mut().context("a case is an object")?;
    let mut order = members.remove("order").context("a case has an order")?;
    members.remove("customer");
    if let Some(order) = order.as_object_mut() {
        order.insert("order_id".into(), json!(format!("o{MARK}")));
    }
    members.insert("after_sale_id".into(), json!(format!("a{MARK}")));
    Ok(json!({
        "specversion": "1.0", "id": format!("e{MARK}"), "source": "/bench", "type": "aftersale.requested",
        "time": "2026-11-06T10:00:00+08:00", "datacontenttype": "application/json",
        "data": {"ticket_id": format!("t{MARK}"), "customer_ref": format!("c_{MARK}"), "after_sale": facts, "order": order},
    }))
}

fn server_runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(runtime_threads()).thread_name("server").enable_all().build()?)
}

/// Serves the whole service, and signs its checkpoints.
pub(super) fn run_service(service: &Arc<Service>) -> Result<Running> {
    let runtime = server_runtime()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let service = Arc::clone(service);
    runtime.spawn(Arc::clone(&service).sign_for_ever(SIGN_EVERY));
    runtime.spawn(async move { serve(listener, service, HttpLimits::default(), std::future::pending()).await });
    Ok(Running { address, _runtime: runtime })
}

/// The floor: a bare route that parses the same JSON and answers a fixed one of the same size.
pub(super) fn run_bare(answer_bytes: usize) -> Result<Running> {
    let runtime = server_runtime()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let text = format!("{{\"fixed\":\"{}\"}}", "x".repeat(answer_bytes.saturating_sub(12)));
    let fixed: Bytes = text.into();
    let handler = move |body: Bytes| {
        let fixed = fixed.clone();
        async move {
            let parsed: Result<Value, _> = serde_json::from_slice(&body);
            match parsed {
                Ok(_) => Ok(([("content-type", "application/json")], fixed)),
                Err(error) => Err((axum::http::StatusCode::BAD_REQUEST, error.to_string())),
            }
        }
    };
    let router = Router::new().route("/v1/merchants/{m}/events", post(handler));
    runtime.spawn(async move { axum::serve(listener, router).await });
    Ok(Running { address, _runtime: runtime })
}
