//! A data directory as commands use it: through the local socket of the server that holds it, or through the same interface
//! in this process, which then holds the directory itself. Either way the caller is the directory's owner, and a command
//! knows one way to do a thing. A server elsewhere is reached by its URL with an API key, in the same way.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use axum::Router;
use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ombud_core::problem::Problem;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;
use ureq::Agent;

use super::data;
use crate::http::{self, HttpLimits};
use crate::service::Service;
use crate::telemetry::{self, LogFormat};

/// How often a full server is asked, where asking again changes nothing.
const TRIES_MAX: u32 = 10;
/// How long to wait in between, where it does not say.
const PAUSE: Duration = Duration::from_millis(500);
/// How long at most.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How long the interface in this process may take for one answer, in milliseconds: nobody else waits for it.
const OWN_REQUEST_MS: u64 = 3_600_000;

/// How long a server elsewhere may take for one answer.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(60);
/// Bytes of one answer from elsewhere.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// What stands for itself in a segment of a path and in a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The HTTP interface of a data directory, with its owner as the caller.
pub(super) struct Api {
    runtime: Runtime,
    via: Via,
}

enum Via {
    /// A server holds the directory.
    Socket(PathBuf),
    /// This process holds it.
    Here(Router),
    /// A server elsewhere.
    Url { agent: Agent, base: String, authorization: String },
}

/// Who holds a data directory.
pub(super) enum Reached {
    /// A server, which is asked through its local socket.
    Server(Api),
    /// This process.
    Here(Arc<Service>),
}

/// A refusal of the interface: its problem document.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    /// The HTTP status.
    pub status: u16,
    title: String,
    detail: String,
    problems: Vec<Problem>,
    /// When to ask again, where it says so.
    #[serde(skip)]
    retry_after: Option<Duration>,
}

impl std::fmt::Display for Refusal {
    /// What was said, and every single problem with its place.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.detail.is_empty() { &self.title } else { &self.detail })?;
        if self.problems.len() > 1 {
            for problem in &self.problems {
                write!(f, "\n  {problem}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

impl Api {
    /// Reaches a data directory: the server that holds it, or the service opened here with a folder of policies.
    pub(super) fn on(directory: &Path, policies: Option<&Path>) -> Result<Self> {
        match reach(directory, |directory| data::open(directory, policies))? {
            Reached::Server(api) => Ok(api),
            Reached::Here(service) => Self::over(service),
        }
    }

    /// The same for a directory that must be there: a mistyped name shall not create one.
    pub(super) fn on_existing(directory: &Path, policies: Option<&Path>) -> Result<Self> {
        data::must_exist(directory)?;
        Self::on(directory, policies)
    }

    /// The interface over a service that this process holds.
    pub(super) fn over(service: Arc<Service>) -> Result<Self> {
        // What the interface keeps from its callers is told here: nobody else reads this process's log.
        _ = telemetry::init(LogFormat::Pretty, "error");
        let limits = HttpLimits { request_ms: OWN_REQUEST_MS, batch_ms: OWN_REQUEST_MS, ..HttpLimits::default() };
        Ok(Self { runtime: data::runtime()?, via: Via::Here(http::owners_router(service, limits)) })
    }

    /// The interface of a server elsewhere.
    pub(super) fn at(url: &str, key: &str) -> Result<Self> {
        Self::at_within(url, key, ANSWER_MAX)
    }

    /// The same where one answer may take that long: for what is sent slowly.
    pub(super) fn at_within(url: &str, key: &str, answer_max: Duration) -> Result<Self> {
        let agent = Agent::config_builder().http_status_as_error(false).timeout_global(Some(answer_max)).build().into();
        let base = url.trim_end_matches('/').to_owned();
        Ok(Self { runtime: data::runtime()?, via: Via::Url { agent, base, authorization: format!("Bearer {key}") } })
    }

    /// What stands at a path, as plain text.
    ///
    /// # Errors
    /// A [`Refusal`], or no answer.
    pub(super) fn get_text(&self, path: &str) -> Result<String> {
        self.text(self.ask(request(Method::GET, path).header(header::ACCEPT, "text/plain"), Vec::new())?)
    }

    /// What stands at a path.
    ///
    /// # Errors
    /// A [`Refusal`], or no answer.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        patiently(|| read(&self.text(self.ask(request(Method::GET, path), Vec::new())?)?))
    }

    /// Posts JSON, or nothing, to what only reads: a full server is asked again.
    ///
    /// # Errors
    /// A [`Refusal`], or no answer.
    pub(super) fn look<T: DeserializeOwned>(&self, path: &str, json: &[u8]) -> Result<T> {
        patiently(|| {
            let plain = request(Method::POST, path);
            let request = if json.is_empty() { plain } else { plain.header(header::CONTENT_TYPE, "application/json") };
            read(&self.text(self.ask(request, json.to_vec())?)?)
        })
    }

    /// Posts JSON.
    ///
    /// # Errors
    /// A [`Refusal`], or no answer.
    pub(super) fn post<T: DeserializeOwned>(&self, path: &str, json: Vec<u8>) -> Result<T> {
        self.post_as(path, "application/json", json)
    }

    /// Posts bytes of a media type.
    ///
    /// # Errors
    /// A [`Refusal`], or no answer.
    pub(super) fn post_as<T: DeserializeOwned>(&self, path: &str, media_type: &str, bytes: Vec<u8>) -> Result<T> {
        let request = request(Method::POST, path).header(header::CONTENT_TYPE, media_type);
        read(&self.text(self.ask(request, bytes)?)?)
    }

    /// Posts bytes of a media type to what goes on when it has answered.
    ///
    /// # Errors
    /// A [`Refusal`], or no answer.
    pub(super) fn begin<T: DeserializeOwned>(&self, path: &str, media_type: &str, bytes: Vec<u8>) -> Result<T> {
        let request = request(Method::POST, path).header(header::CONTENT_TYPE, media_type).header("prefer", "respond-async");
        read(&self.text(self.ask(request, bytes)?)?)
    }

    /// Posts JSON to what answers with nothing.
    ///
    /// # Errors
    /// A [`Refusal`], or no answer.
    pub(super) fn tell(&self, path: &str, json: Vec<u8>) -> Result<()> {
        let request = request(Method::POST, path).header(header::CONTENT_TYPE, "application/json");
        self.text(self.ask(request, json)?).map(|_| ())
    }

    /// Puts JSON.
    ///
    /// # Errors
    /// A [`Refusal`], or no answer.
    pub(super) fn put<T: DeserializeOwned>(&self, path: &str, json: Vec<u8>) -> Result<T> {
        let request = request(Method::PUT, path).header(header::CONTENT_TYPE, "application/json");
        read(&self.text(self.ask(request, json)?)?)
    }

    /// Deletes what stands at a path, and reads what is left.
    ///
    /// # Errors
    /// A [`Refusal`], or no answer.
    pub(super) fn delete_for<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        read(&self.text(self.ask(request(Method::DELETE, path), Vec::new())?)?)
    }

    /// Deletes what stands at a path.
    ///
    /// # Errors
    /// A [`Refusal`], or no answer.
    pub(super) fn delete(&self, path: &str) -> Result<()> {
        self.text(self.ask(request(Method::DELETE, path), Vec::new())?).map(|_| ())
    }

    /// Writes what stands at a path as it comes, however much it is; its size in bytes.
    ///
    /// # Errors
    /// A [`Refusal`], no answer, or the file cannot be written.
    pub(super) fn download(&self, path: &str, into: &mut impl Write) -> Result<u64> {
        let response = self.ask(request(Method::GET, path), Vec::new())?;
        if !response.status().is_success() {
            return Err(self.text(response).err().unwrap_or_else(|| anyhow!("the answer is no answer")));
        }
        let mut body = response.into_body();
        let mut bytes = 0;
        while let Some(frame) = self.runtime.block_on(body.frame()) {
            let frame = frame.context("the answer broke off")?;
            if let Ok(data) = frame.into_data() {
                into.write_all(&data)?;
                bytes += data.len() as u64;
            }
        }
        Ok(bytes)
    }

    /// Every merchant, by its id.
    ///
    /// # Errors
    /// A [`Refusal`], as most roles get one, or no answer.
    pub(super) fn merchants(&self) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Known {
            config: Id,
        }
        #[derive(Deserialize)]
        struct Id {
            id: String,
        }
        let known: Vec<Known> = self.get("/v1/merchants")?;
        Ok(known.into_iter().map(|known| known.config.id).collect())
    }

    /// A refusal for a merchant that is not there names it, with those that are.
    pub(super) fn explained(&self, merchant: &str, error: anyhow::Error) -> anyhow::Error {
        if refused_with(&error) != Some(StatusCode::NOT_FOUND) {
            return error;
        }
        // What is missing may be something of the merchant: a key of its own sees the merchant itself.
        if self.get::<serde::de::IgnoredAny>(&format!("/v1/merchants/{}", plain(merchant))).is_ok() {
            return error;
        }
        let Ok(known) = self.merchants() else {
            // Who may not list the merchants is told by the answer itself what is not there.
            let is_merchant = error.downcast_ref::<Refusal>().is_some_and(|refusal| refusal.detail == "no such merchant");
            return if is_merchant { anyhow!("no merchant `{merchant}` that this key is for") } else { error };
        };
        match known.join(", ") {
            _ if known.iter().any(|known| known == merchant) => error,
            known if known.is_empty() => anyhow!("no merchant `{merchant}`: there is none yet"),
            known => anyhow!("no merchant `{merchant}`: there are {known}"),
        }
    }

    fn ask(&self, request: Builder, body: Vec<u8>) -> Result<Response<Body>> {
        if let Via::Url { agent, base, authorization } = &self.via {
            return elsewhere(agent, base, authorization, request, body);
        }
        let request = request.body(Body::from(body))?;
        self.runtime.block_on(async {
            match &self.via {
                Via::Url { .. } => bail!("a server elsewhere is asked by its URL"),
                // A router never fails: what went wrong is an answer.
                Via::Here(router) => router.clone().oneshot(request).await.map_err(|never| match never {}),
                Via::Socket(directory) => {
                    let stream = http::connect(directory).await?.context("the server has ended: give the command again")?;
                    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
                    tokio::spawn(connection);
                    let answer = sender.send_request(request).await.context("the server gave no answer: it may have been stopped")?;
                    Ok(answer.map(Body::new))
                }
            }
        })
    }

    /// The whole answer, if it is none of a refusal.
    fn text(&self, response: Response<Body>) -> Result<String> {
        let status = response.status();
        let seconds = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let bytes = self.runtime.block_on(response.into_body().collect()).context("the answer broke off")?.to_bytes();
        if status.is_success() {
            return String::from_utf8(bytes.to_vec()).context("the answer is no text");
        }
        let refusal: Refusal = serde_json::from_slice(&bytes).unwrap_or_default();
        let retry_after = seconds.map(Duration::from_secs);
        Err(Refusal { status: status.as_u16(), title: status.to_string(), retry_after, ..refusal }.into())
    }
}

/// Reaches a data directory: through the server that holds it, or by opening it with `open`.
pub(super) fn reach(directory: &Path, open: impl FnOnce(&Path) -> Result<Arc<Service>>) -> Result<Reached> {
    let runtime = data::runtime()?;
    let found = runtime.block_on(http::connect(directory));
    match found.with_context(|| format!("the server that holds `{}` cannot be reached", directory.display()))? {
        Some(_) => Ok(Reached::Server(Api { runtime, via: Via::Socket(directory.to_path_buf()) })),
        None => open(directory).map(Reached::Here),
    }
}

fn request(method: Method, path: &str) -> Builder {
    Request::builder().method(method).uri(path).header(header::HOST, "localhost")
}

/// Asks a server elsewhere.
fn elsewhere(agent: &Agent, base: &str, authorization: &str, request: Builder, body: Vec<u8>) -> Result<Response<Body>> {
    let (mut parts, ()) = request.body(())?.into_parts();
    let url = format!("{base}{}", parts.uri);
    parts.uri = url.parse().with_context(|| format!("`{url}` is no URL"))?;
    parts.headers.remove(header::HOST);
    parts.headers.insert(header::AUTHORIZATION, authorization.parse().context("the key is no API key")?);
    // A request without a body says so; one with an empty body would ask for its length.
    let answer = if body.is_empty() { agent.run(Request::from_parts(parts, ())) } else { agent.run(Request::from_parts(parts, body)) };
    let (parts, mut body) = answer.with_context(|| format!("no answer from `{base}`"))?.into_parts();
    let bytes = body.with_config().limit(ANSWER_BYTES_MAX).read_to_vec().context("the answer broke off")?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

/// The status of a refusal; none for other errors.
pub(super) fn refused_with(error: &anyhow::Error) -> Option<StatusCode> {
    error.downcast_ref::<Refusal>().and_then(|refusal| StatusCode::from_u16(refusal.status).ok())
}

/// The members of a request are a command's options.
pub(super) fn as_options(text: &str) -> String {
    text.replace("`/", "`--")
}

/// A refusal of what was asked for, in terms of a command that has an option for each member.
pub(super) fn in_options(error: anyhow::Error) -> anyhow::Error {
    match refused_with(&error) {
        Some(StatusCode::UNPROCESSABLE_ENTITY) => anyhow!(as_options(&error.to_string())),
        _ => error,
    }
}

/// Asks again while the answer is that the server is full, when it says to: for what changes nothing.
fn patiently<T>(ask: impl Fn() -> Result<T>) -> Result<T> {
    for _ in 1..TRIES_MAX {
        match ask() {
            Err(error) if is_full(&error) => {
                let said = error.downcast_ref::<Refusal>().and_then(|refusal| refusal.retry_after);
                std::thread::sleep(said.unwrap_or(PAUSE).min(PAUSE_MAX));
            }
            answer => return answer,
        }
    }
    ask()
}

fn is_full(error: &anyhow::Error) -> bool {
    matches!(refused_with(error), Some(StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE))
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).context("the answer is not what this version knows: the server runs another release")
}

/// A text as a segment of a path, or as a value in a query.
pub(super) fn plain(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}
