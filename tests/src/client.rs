//! An HTTP client for tests: one request, its answer with everything that is checked of it.

use std::time::Duration;

use serde_json::Value;
use ureq::http::{HeaderMap, Request};

/// A request being made.
#[derive(Clone, Debug)]
pub struct Call {
    agent: ureq::Agent,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Headers of the answer.
    pub headers: HeaderMap,
    /// The body.
    pub bytes: Vec<u8>,
}

/// A client with connections of its own, which are kept alive.
pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60))).max_redirects(0).build().into()
}

impl Call {
    /// A request over the connections of `agent`.
    pub fn new(agent: &ureq::Agent, method: &str, url: String) -> Self {
        Self { agent: agent.clone(), method: method.to_owned(), url, headers: Vec::new(), body: Vec::new() }
    }

    /// With an API key.
    pub fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    /// With a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// With a JSON body.
    pub fn json(self, value: &Value) -> Self {
        self.header("content-type", "application/json").body(value.to_string())
    }

    /// With an event in structured mode.
    pub fn event(self, value: &Value) -> Self {
        self.header("content-type", "application/cloudevents+json").body(value.to_string())
    }

    /// Sends it; an error is a broken connection, never a status.
    pub fn try_send(self) -> Result<Reply, ureq::Error> {
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        // A GET has no body, not an empty one.
        let mut response = if matches!(self.method.as_str(), "GET" | "DELETE") && self.body.is_empty() {
            self.agent.run(request.body(())?)?
        } else {
            self.agent.run(request.body(self.body)?)?
        };
        let bytes = response.body_mut().with_config().limit(256 << 20).read_to_vec()?;
        Ok(Reply { status: response.status().as_u16(), headers: response.headers().clone(), bytes })
    }

    /// Sends it.
    pub fn send(self) -> Reply {
        let (method, url) = (self.method.clone(), self.url.clone());
        self.try_send().unwrap_or_else(|error| panic!("{method} {url}: {error}"))
    }
}

impl Reply {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }

    /// The JSON of an answer with this status.
    #[track_caller]
    pub fn with(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// The JSON of what is well.
    #[track_caller]
    pub fn ok(&self) -> Value {
        self.with(200)
    }

    /// The decisions of an event's answer, each with its very bytes.
    #[track_caller]
    pub fn decisions(&self) -> Vec<String> {
        #[derive(serde::Deserialize)]
        struct Answer<'a> {
            #[serde(borrow)]
            decisions: Vec<&'a serde_json::value::RawValue>,
        }
        assert_eq!(self.status, 200, "{}", self.text());
        let answer: Answer<'_> = serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {}", self.text()));
        answer.decisions.into_iter().map(|decision| decision.get().to_owned()).collect()
    }

    /// The problem document of a refusal, checked for what each has.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Value {
        let document = self.with(status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(document["status"], status, "{document}");
        for member in ["type", "title", "detail"] {
            assert!(document[member].as_str().is_some_and(|text| !text.is_empty()), "{document}");
        }
        document
    }
}

/// Where the problems of a document are, in its order: JSON pointers, or headers by their names.
pub fn pointers(document: &Value) -> Vec<String> {
    let problems = document["problems"].as_array().map(Vec::as_slice).unwrap_or_default();
    problems.iter().map(|problem| problem["header"].as_str().or(problem["pointer"].as_str()).unwrap_or("?").to_owned()).collect()
}
