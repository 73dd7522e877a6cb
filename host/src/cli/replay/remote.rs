//! Replays through a server: it runs them, this adds them up.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use super::super::api::{self, Refusal};
use super::super::progress::Progress;
use super::{Replayed, Which, timed};
use crate::replay::Tally;
use crate::service::wire::{ReplayReport, ReplaysAnswer, ReplaysRequest};

/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// How often a full server is asked again.
const TRIES_MAX: u32 = 10;

/// Replays what was asked for, of one merchant or of all that the caller may see.
pub(super) fn run(server: &Remote, merchant: Option<&str>, which: &Which) -> Result<Replayed> {
    let merchants = match merchant {
        Some(merchant) => vec![merchant.to_owned()],
        None => all(server)?,
    };
    timed(|| {
        let mut tally = Tally::default();
        let progress = Progress::new(0, "records");
        let mut absent = None;
        for merchant in &merchants {
            match of(server, merchant, which, &progress) {
                Ok(replayed) => tally.merge(replayed),
                // Of several merchants one has the ticket.
                Err(error) if which.ticket.is_some() && error.is::<Absent>() => absent = Some(error),
                Err(error) => return Err(error),
            }
        }
        match absent {
            Some(absent) if tally.merchants.is_empty() => Err(absent),
            _ => Ok(tally),
        }
    })
}

fn all(server: &Remote) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Known {
        config: Id,
    }
    #[derive(Deserialize)]
    struct Id {
        id: String,
    }
    let known: Vec<Known> = server.get("/v1/merchants").context("the merchants are not listed: name one with --merchant")?;
    Ok(known.into_iter().map(|known| known.config.id).collect())
}

fn of(server: &Remote, merchant: &str, which: &Which, progress: &Progress) -> Result<Tally> {
    let base = format!("/v1/merchants/{}", api::plain(merchant));
    let mut tally = Tally::default();
    if let Some(decision) = &which.decision {
        let report: ReplayReport = server.post(&format!("{base}/decisions/{}/replay", api::plain(decision)), Vec::new())?;
        tally.add(merchant, report);
        return Ok(tally);
    }
    let mut request = ReplaysRequest { ticket: which.ticket.clone(), from: which.from.clone(), to: which.to.clone(), ..Default::default() };
    let mut known = 0;
    loop {
        let answer: ReplaysAnswer = server.post(&format!("{base}/replays"), serde_json::to_vec(&request)?)?;
        let reached = answer.cursor.unwrap_or(answer.log_size);
        progress.more(answer.log_size.saturating_sub(known));
        progress.steps(reached.saturating_sub(request.cursor.unwrap_or(0)));
        known = answer.log_size;
        request.cursor = answer.cursor;
        tally.merge(answer.into_tally(merchant));
        if request.cursor.is_none() {
            return Ok(tally);
        }
    }
}

/// A server by its address, with a key.
pub(super) struct Remote {
    agent: Agent,
    /// Without a slash at the end.
    url: String,
    authorization: String,
}

impl Remote {
    /// Nothing is sent yet.
    pub(super) fn new(url: &str, key: &str) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(ANSWER_MAX)).build();
        Self { agent: config.into(), url: url.trim_end_matches('/').to_owned(), authorization: format!("Bearer {key}") }
    }

    /// The answer to a request, which is repeated while the server says that it is full.
    fn answer<T: DeserializeOwned>(&self, request: impl Fn() -> Result<Response<Body>, ureq::Error>) -> Result<T> {
        for _ in 0..TRIES_MAX {
            let mut response =
                request().with_context(|| format!("no answer from `{}`: is the server running, and the address right?", self.url))?;
            let status = response.status();
            if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
                std::thread::sleep(retry_after(&response));
                continue;
            }
            let text = response.body_mut().read_to_string().context("the answer could not be read")?;
            if status.is_success() {
                return serde_json::from_str(&text).context("the answer is not what this version knows");
            }
            return Err(refusal(status, &text));
        }
        bail!("the server was full {TRIES_MAX} times: try again later")
    }

    /// What stands at a path.
    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let url = format!("{}{path}", self.url);
        self.answer(|| self.agent.get(&url).header("authorization", &self.authorization).call())
    }

    /// Posts JSON, or nothing.
    fn post<T: DeserializeOwned>(&self, path: &str, json: Vec<u8>) -> Result<T> {
        let url = format!("{}{path}", self.url);
        self.answer(|| {
            let request = self.agent.post(&url).header("authorization", &self.authorization);
            if json.is_empty() { request.send_empty() } else { request.content_type("application/json").send(&json) }
        })
    }
}

/// What is asked for is not there.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Absent(String);

fn retry_after(response: &Response<Body>) -> Duration {
    let seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok()).and_then(|value| value.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1).min(10))
}

fn refusal(status: StatusCode, text: &str) -> anyhow::Error {
    let said = serde_json::from_str::<Refusal>(text).unwrap_or_default().to_string();
    let said = format!("the server refused: {status}{}{said}", if said.is_empty() { "" } else { ": " });
    if status == StatusCode::NOT_FOUND { Absent(said).into() } else { anyhow!(said) }
}
