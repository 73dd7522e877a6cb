//! Replays through a server: it runs them, this counts them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use super::{Tally, Which, lanes};
use crate::service::wire::ReplayReport;

/// Requests under way at the same time.
const LANES: usize = 8;
/// Lines of one page of the list of decisions.
const PAGE: &str = "200";
/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// How often a full server is asked again.
const TRIES_MAX: u32 = 10;

/// A merchant on a server.
pub(super) struct Remote {
    agent: Agent,
    /// Up to the merchant, without a slash at the end.
    base: String,
    authorization: String,
}

/// The part of the list that is needed.
#[derive(Deserialize)]
struct Page {
    decisions: Vec<Line>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Line {
    id: String,
}

/// The part of a problem document that people read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: String,
    detail: Option<String>,
}

impl Remote {
    /// Nothing is sent yet.
    pub(super) fn new(url: &str, key: &str, merchant: &str) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(ANSWER_MAX)).build();
        Self {
            agent: config.into(),
            base: format!("{}/v1/merchants/{merchant}", url.trim_end_matches('/')),
            authorization: format!("Bearer {key}"),
        }
    }

    /// Replays what was asked for.
    pub(super) fn run(&self, which: &Which) -> Result<Tally> {
        let began = Instant::now();
        let ids = match &which.decision {
            Some(decision) => vec![decision.clone()],
            None => self.list(which)?,
        };
        let mut tally = lanes::run(&ids, LANES, |id| self.replay(id).map(Some))?;
        tally.elapsed = began.elapsed();
        Ok(tally)
    }

    fn list(&self, which: &Which) -> Result<Vec<String>> {
        let url = format!("{}/decisions", self.base);
        let mut ids = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page: Page = self.answer(|| {
                let mut request = self.agent.get(&url).header("authorization", &self.authorization).query("limit", PAGE);
                for (name, value) in [("from", &which.from), ("to", &which.to), ("cursor", &cursor)] {
                    if let Some(value) = value {
                        request = request.query(name, value);
                    }
                }
                request.call()
            })?;
            ids.extend(page.decisions.into_iter().map(|line| line.id));
            match page.cursor {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        ids.reverse();
        Ok(ids)
    }

    fn replay(&self, id: &str) -> Result<ReplayReport> {
        let url = format!("{}/decisions/{id}/replay", self.base);
        self.answer(|| self.agent.post(&url).header("authorization", &self.authorization).send_empty())
    }

    /// The answer to a request, which is repeated while the server says that it is full.
    fn answer<T: DeserializeOwned>(&self, request: impl Fn() -> Result<Response<Body>, ureq::Error>) -> Result<T> {
        for _ in 0..TRIES_MAX {
            let mut response =
                request().with_context(|| format!("no answer from `{}`: is the server running, and the address right?", self.base))?;
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
}

fn retry_after(response: &Response<Body>) -> Duration {
    let seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok()).and_then(|value| value.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1).min(10))
}

fn refusal(status: StatusCode, text: &str) -> anyhow::Error {
    let problem: Problem = serde_json::from_str(text).unwrap_or_default();
    let said = problem.detail.unwrap_or(problem.title);
    anyhow!("the server refused: {status}{}{said}", if said.is_empty() { "" } else { ": " })
}
