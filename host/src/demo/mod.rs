//! The demonstration: three merchants with settings of their own, and example tickets of all four kinds with the outcome that
//! each must have. In reading order: the merchants and their keys, the tickets, sending one.

mod bad;
mod keys;
mod tickets;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use ombud_core::event;
use serde_json::{Value, json};

pub use bad::{BAD_POLICIES, write_packages};
pub use keys::{DemoKeys, KEYS_FILE};
pub use tickets::{Expected, Ticket, tickets};

use crate::cli::{Shown, explain};
use crate::clock::{self, now_ms};
use crate::service::wire::EventAnswer;
use crate::service::{Role, Service, ServiceError};

/// A merchant of the demonstration.
#[derive(Clone, Copy, Debug)]
pub struct DemoMerchant {
    /// Its id.
    pub id: &'static str,
    /// What it sells.
    pub sells: &'static str,
    /// Its configuration with its policies' settings, JSON.
    pub config: &'static str,
}

/// The merchants.
pub const MERCHANTS: [DemoMerchant; 3] = [
    DemoMerchant { id: "m-cosmetics", sells: "cosmetics", config: include_str!("merchants/m-cosmetics.json") },
    DemoMerchant { id: "m-fresh", sells: "fresh food", config: include_str!("merchants/m-fresh.json") },
    DemoMerchant { id: "m-electronics", sells: "electronics", config: include_str!("merchants/m-electronics.json") },
];

/// An event to try by hand: small enough for a command line.
pub const TRY_EVENT: &str = include_str!("try.json");

/// Behind the last of the example events, those of `tests/events` included: 2026-11-17 in Beijing.
const EXAMPLES_END_MS: i64 = 1_794_844_800_000;

/// Moves the clock of a demonstration behind its tickets, where the machine's stands before them.
pub fn set_clock() {
    let ahead_ms = clock::not_before(EXAMPLES_END_MS);
    if ahead_ms > 0 {
        let hours = ahead_ms / 3_600_000;
        tracing::warn!(hours, "the machine's clock stands before the example tickets: this demonstration's clock is ahead of it");
    }
}

/// Creates the merchants that are not there yet; those that are keep what they have, unless an interrupted demonstration
/// left a bad policy with them.
pub fn create_merchants(service: &Arc<Service>) -> Result<()> {
    let owner = Service::owner()?;
    for merchant in MERCHANTS {
        match service.merchant(&owner, merchant.id) {
            Ok(view) if view.policies.iter().any(|policy| BAD_POLICIES.contains(&policy.name.as_str())) => {
                bind(service, merchant.id, None)?
            }
            Ok(_) => {}
            Err(ServiceError::NotFound(_)) => {
                service
                    .put_merchant_now(&owner, merchant.id, merchant.config.as_bytes())
                    .map_err(|error| anyhow!("merchant `{}` cannot be created: {}", merchant.id, explain(&error)))?;
            }
            Err(error) => return Err(anyhow!("merchant `{}`: {}", merchant.id, explain(&error))),
        }
    }
    Ok(())
}

/// Binds a policy to a merchant's after-sale kind; its own again where none is named.
pub fn bind(service: &Arc<Service>, merchant: &str, policy: Option<&str>) -> Result<()> {
    let known = MERCHANTS.iter().find(|known| known.id == merchant).with_context(|| format!("`{merchant}` is not of the demonstration"))?;
    let mut config: Value = serde_json::from_str(known.config)?;
    if let Some(policy) = policy {
        config["policies"]["after-sale"] = json!({"policy": policy, "settings": {}});
    }
    service
        .put_merchant_now(&Service::owner()?, merchant, config.to_string().as_bytes())
        .map_err(|error| anyhow!("merchant `{merchant}` cannot be changed: {}", explain(&error)))?;
    Ok(())
}

/// What came of a ticket.
#[derive(Debug)]
pub struct Sent {
    /// The service's answer.
    pub answer: EventAnswer,
    /// Its decisions.
    pub decisions: Vec<Shown>,
    /// From the call to the durable answer.
    pub took: Duration,
}

/// Sends a ticket's event under the key of its role.
pub async fn send(service: &Arc<Service>, keys: &DemoKeys, ticket: &Ticket) -> Result<Sent> {
    let secret = keys.of(&ticket.merchant, ticket.role).with_context(|| format!("no key of {} for `{}`", ticket.role, ticket.merchant))?;
    let refused = |error: ServiceError| {
        let remedy = if matches!(error, ServiceError::Conflict(_)) { "; name an empty data directory with --data" } else { "" };
        anyhow!("ticket `{}` was refused: {}{remedy}", ticket.name, explain(&error))
    };
    let who = service.authenticate(secret).map_err(refused)?;
    let began = Instant::now();
    let event = event::structured(ticket.event.as_bytes(), now_ms()).map_err(|problems| refused(ServiceError::Invalid(problems)))?;
    let answer = service.decide(&who, &ticket.merchant, event).await.map_err(refused)?;
    let took = began.elapsed();
    let decisions = answer.decisions.iter().map(|decision| Shown::read(decision.get())).collect::<Result<_>>()?;
    Ok(Sent { answer, decisions, took })
}

/// The roles of a merchant's keys, in the order in which they are shown.
pub const ROLES: [Role; 6] = [Role::MerchantAdmin, Role::Agent, Role::Supervisor, Role::DepartmentHead, Role::Compliance, Role::Auditor];
