//! The operator's webhook: what the protection did and what the self-audit met, as a CloudEvent, signed as Standard Webhooks has it. Only the operator names
//! its address, so that no merchant can make the host call into the operator's network.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::protect::Finding;
use ombud_core::rollout::VersionId;
use serde_json::{Value, json};
use sha2::Sha256;
use ureq::Agent;
use ureq::http::Request;

use super::protect::Measure;
use crate::clock::now_ms;
use crate::metrics::{Announced, Metrics};
use crate::service::listing::rfc3339;
use crate::service::wire::Alarm;

/// Announcements that wait to be sent; more are left out, and stay in the ledger.
const WAITING_MAX: usize = 256;
/// How long one attempt may take.
const ATTEMPT_MAX: Duration = Duration::from_secs(5);
/// Attempts of one announcement.
const ATTEMPTS_MAX: u32 = 5;
/// The wait after the first attempt; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Sends announcements, one after the other, beside everything else.
pub struct Webhook {
    sender: SyncSender<Announcement>,
    metrics: Arc<Metrics>,
}

struct Announcement {
    id: String,
    at_ms: i64,
    body: String,
}

impl Webhook {
    /// Starts sending to an address, signed with a secret.
    ///
    /// # Errors
    /// It is no HTTP address, or no thread can be started.
    pub fn start(url: &str, secret: [u8; 32], metrics: Arc<Metrics>) -> Result<Self> {
        let uri: ureq::http::Uri = url.parse().with_context(|| format!("`{url}` is no address"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            return Err(anyhow!("`{url}` is no address of a webhook: https://HOST/PATH"));
        }
        let agent = agent();
        let (sender, waiting) = sync_channel::<Announcement>(WAITING_MAX);
        let (url, counts) = (url.to_owned(), Arc::clone(&metrics));
        let send = move || {
            for announcement in waiting {
                match deliver(&agent, &url, &secret, &announcement) {
                    Ok(()) => counts.announced(Announced::Taken),
                    Err(error) => {
                        counts.announced(Announced::NotTaken);
                        tracing::error!(id = announcement.id, error = format!("{error:#}"), "an announcement was not taken by the webhook");
                    }
                }
            }
        };
        std::thread::Builder::new().name("webhook".into()).spawn(send).context("no thread for the webhook")?;
        Ok(Self { sender, metrics })
    }

    /// Announces what the protection did.
    pub(super) fn announce(&self, merchant: &MerchantId, kind: Kind, id: &VersionId, found: &Finding, measure: Measure) {
        let data = json!({
            "merchant": merchant.as_str(), "kind": kind, "policy": id.policy, "version": id.version,
            "measure": measure, "finding": found, "reason": found.to_string(),
        });
        self.send("ombud.protection", "/ombud/protection", merchant.as_str(), &data);
    }

    /// Announces an alarm of the self-audit: where, not what.
    pub(in crate::service) fn alarm(&self, alarm: &Alarm) {
        self.send("ombud.self-audit.diverged", "/ombud/self-audit", &alarm.merchant, &json!(alarm));
    }

    fn send(&self, of: &str, source: &str, merchant: &str, data: &Value) {
        let at_ms = now_ms();
        let mut bits = [0_u8; 16];
        if getrandom::fill(&mut bits).is_err() {
            tracing::error!("no random bytes: an announcement is left out");
            return;
        }
        let event = format!("msg_{}", hex::encode(bits));
        let body = json!({
            "specversion": "1.0",
            "id": event,
            "source": source,
            "type": of,
            "time": rfc3339(at_ms),
            "subject": merchant,
            "datacontenttype": "application/json",
            "data": data,
        });
        match self.sender.try_send(Announcement { id: event, at_ms, body: body.to_string() }) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.metrics.announced(Announced::LeftOut);
                tracing::error!("too many announcements wait for the webhook: one is left out");
            }
        }
    }
}

fn agent() -> Agent {
    // A redirect would go where the operator did not say.
    Agent::config_builder().timeout_global(Some(ATTEMPT_MAX)).max_redirects(0).build().into()
}

fn deliver(agent: &Agent, url: &str, secret: &[u8; 32], announcement: &Announcement) -> Result<()> {
    let mut wait = FIRST_WAIT;
    for attempt in 1..=ATTEMPTS_MAX {
        match attempt_to(agent, url, secret, announcement) {
            Ok(()) => return Ok(()),
            Err(error) if attempt == ATTEMPTS_MAX => return Err(error),
            Err(_) => std::thread::sleep(wait),
        }
        wait *= 2;
    }
    Ok(())
}

fn attempt_to(agent: &Agent, url: &str, secret: &[u8; 32], announcement: &Announcement) -> Result<()> {
    let Announcement { id, at_ms, body } = announcement;
    let seconds = at_ms.div_euclid(1_000);
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).context("the webhook's secret")?;
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    let request = Request::builder()
        .method("POST")
        .uri(url)
        .header("content-type", "application/cloudevents+json")
        .header("webhook-id", id)
        .header("webhook-timestamp", seconds.to_string())
        .header("webhook-signature", format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
        .body(body.clone())?;
    let answer = agent.run(request).with_context(|| format!("`{url}`"))?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status if status.is_redirection() => bail!("`{url}`: it answers {status}, and redirects are not followed: give the address itself"),
        status => bail!("`{url}`: it answers {status}"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// What comes of an announcement where these statuses are answered one after the other.
    fn delivered(answers: &'static [&str]) -> Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let answering = std::thread::spawn(move || {
            for status in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let (mut request, mut buffer) = (Vec::new(), [0; 4_096]);
                while !request.ends_with(b"{}") {
                    let read = stream.read(&mut buffer).unwrap();
                    assert!(read > 0, "the request is whole");
                    request.extend_from_slice(&buffer[..read]);
                }
                let more = "location: /elsewhere\r\ncontent-length: 0\r\nconnection: close";
                stream.write_all(format!("HTTP/1.1 {status}\r\n{more}\r\n\r\n").as_bytes()).unwrap();
            }
        });
        let announcement = Announcement { id: "msg_1".into(), at_ms: 0, body: "{}".into() };
        let delivered = deliver(&agent(), &url, &[0; 32], &announcement);
        // Every answer was asked for.
        answering.join().unwrap();
        delivered
    }

    #[test]
    fn a_redirect_is_no_delivery() {
        delivered(&["302 Found", "307 Temporary Redirect", "204 No Content"]).unwrap();
        let error = delivered(&["503 Busy", "302 Found", "302 Found", "302 Found", "308 Permanent Redirect"]).unwrap_err();
        assert!(error.to_string().contains("it answers 308 Permanent Redirect"), "{error:#}");
    }
}
