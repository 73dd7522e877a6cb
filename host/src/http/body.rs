//! Bodies: read within their limits, and JSON with every problem named.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use ombud_core::problem::{Problem, tidy};
use ombud_core::schema::{Checker, text};
use serde::de::{DeserializeOwned, IgnoredAny};

use tokio::sync::OwnedSemaphorePermit;

use super::app::{Reserved, Shared};
use super::limits::ms;
use super::problem::{Code, Refused};
use crate::metrics::Refusal;

/// Bodies beyond this size, in bytes, are parsed on a thread where they hold up no other request.
const OFFLOAD_BYTES_MIN: usize = 64 << 10;

/// Bodies beyond this size, in bytes, are parsed one after the other for each merchant: until an event is read it is in no queue that is fair.
const TURN_BYTES_MIN: usize = 8 << 10;

/// A body in memory, with its place among the bytes in flight.
pub struct Posted {
    /// The bytes.
    pub bytes: Bytes,
    /// Given back when the request is done.
    pub reserved: Reserved,
}

/// Reads a request's body of at most `bytes_max`.
pub async fn read(app: &Shared, request: Request, bytes_max: usize) -> Result<(HeaderMap, Posted), Refused> {
    read_within(app, request, bytes_max, app.limits.body_ms).await
}

/// The same for a body that takes at most so many milliseconds to come. Every body is read here.
pub async fn read_within(app: &Shared, request: Request, bytes_max: usize, time_ms: u64) -> Result<(HeaderMap, Posted), Refused> {
    let (parts, body) = request.into_parts();
    not_encoded(&parts.headers)?;
    let declared = body.size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
    // What is announced takes no place, only what has come.
    let mut reserved = app.reserve(parts.extensions.get());
    let bytes = match tokio::time::timeout(ms(time_ms), collect(body, declared, bytes_max, &mut reserved)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(refused)) => {
            if refused.code() == Code::BodyTooLarge {
                app.metrics().http_refused(Refusal::Body);
            }
            return Err(refused);
        }
        Err(_) => {
            app.metrics().http_refused(Refusal::BodyTimeout);
            return Err(Refused::new(Code::BodyTimeout, format!("the body did not come within {time_ms} ms")));
        }
    };
    Ok((parts.headers, Posted { bytes, reserved }))
}

/// Refuses a body that is compressed: its bytes are not what they would be read as.
fn not_encoded(headers: &HeaderMap) -> Result<(), Refused> {
    let is_identity = |value: &HeaderValue| {
        let codings = value.to_str().unwrap_or("?").split(',').map(str::trim);
        codings.filter(|coding| !coding.is_empty()).all(|coding| coding.eq_ignore_ascii_case("identity"))
    };
    if headers.get_all(header::CONTENT_ENCODING).iter().all(is_identity) {
        return Ok(());
    }
    let problem =
        Problem::in_header("content-encoding", "is not taken").allowed("identity: send the body uncompressed, without Content-Encoding");
    Err(Refused::with(Code::MediaType, vec![problem]))
}

/// Collects the frames. A body that is somewhat too large is read and dropped, so that a client that sends all of it before
/// it listens hears why; one that is much too large is not read at all.
async fn collect(mut body: Body, declared: Option<usize>, bytes_max: usize, reserved: &mut Reserved) -> Result<Bytes, Refused> {
    let too_large = || Refused::new(Code::BodyTooLarge, format!("the body is larger than {bytes_max} bytes"));
    let drained_max = bytes_max.saturating_mul(2);
    if declared.is_some_and(|bytes| bytes > drained_max) {
        return Err(too_large());
    }
    let (mut first, mut rest, mut length) = (Bytes::new(), Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refused::new(Code::Malformed, "the body broke off"))?;
        let Ok(data) = frame.into_data() else { continue };
        let (before, after) = (length, length.saturating_add(data.len()));
        length = after;
        if length > bytes_max {
            (first, rest) = (Bytes::new(), Vec::new());
            if length > drained_max {
                break;
            }
            continue;
        }
        reserved.grow(data.len())?;
        if before == 0 {
            // Nearly every body is one frame: it is taken as it is.
            first = data;
        } else {
            if rest.is_empty() {
                rest.reserve(declared.unwrap_or(0).clamp(length, bytes_max));
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    match length {
        length if length > bytes_max => Err(too_large()),
        _ if rest.is_empty() => Ok(first),
        _ => Ok(rest.into()),
    }
}

/// Something that is posted as JSON, with its schema.
pub trait PostedJson: DeserializeOwned + Send + 'static {
    /// The checker of its schema; none only if the schema is broken, which the tests exclude.
    fn checker() -> Option<&'static Checker>;
}

/// Makes types postable, each with the bounds of its members.
macro_rules! posted_json {
    ($($name:ident { $($field:ident: $bound:expr),* $(,)? })+) => {$(
        impl $crate::http::body::PostedJson for $name {
            fn checker() -> Option<&'static ombud_core::schema::Checker> {
                use ombud_core::schema::{Checker, check};
                static CHECKER: std::sync::OnceLock<Option<Checker>> = std::sync::OnceLock::new();
                const BOUNDS: &check::Bounds = &[(stringify!($name), &[$((stringify!($field), { use ombud_core::schema::Bound; $bound })),*])];
                CHECKER.get_or_init(|| Checker::new(check::schema_of::<Self>(BOUNDS), ombud_core::limits::LINES_MAX)).as_ref()
            }
        }
    )+};
}
pub(super) use posted_json;

/// Reads a small JSON body: every problem of it by its JSON pointer.
pub async fn json<T: PostedJson>(app: &Shared, request: Request) -> Result<T, Refused> {
    json_media_type(request.headers())?;
    let (_, posted) = read(app, request, app.limits.json_bytes_max).await?;
    let _turn = turn(&posted.reserved, posted.bytes.len()).await;
    let text = text::utf8(&posted.bytes, app.limits.json_bytes_max).map_err(|problem| Refused::with(Code::Malformed, vec![problem]))?;
    let malformed = |error: &serde_json::Error| Refused::with(Code::Malformed, vec![text::malformed(text, text, error, "")]);
    let mut problems = match T::checker() {
        Some(checker) => checker.check(text, "").map_err(|error| malformed(&error))?.1,
        None => Vec::new(),
    };
    if problems.is_empty() {
        match serde_json::from_str(text) {
            Ok(value) => return Ok(value),
            // The schema says what the type takes, which the tests show. The type is the one that decides.
            Err(_) => problems.push(Problem::at("", "does not fit")),
        }
    }
    Err(Refused::with(Code::Invalid, tidy(problems)))
}

/// Whether a body is JSON; without a media type it is taken as such.
pub fn json_media_type(headers: &HeaderMap) -> Result<(), Refused> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let text = value.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let problem = if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        text::charset(text).err()
    } else {
        Some(Problem::in_header("content-type", "is not taken").allowed("application/json"))
    };
    problem.map_or(Ok(()), |problem| Err(Refused::with(Code::MediaType, vec![problem])))
}

/// Problems of a body that could not be read: 400 where it is not JSON at all, 422 where it breaks schema or bounds.
pub fn unreadable(body: &[u8], problems: Vec<Problem>) -> Refused {
    let is_json = std::str::from_utf8(body).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
    Refused::with(if is_json { Code::Invalid } else { Code::Malformed }, problems)
}

/// The merchant's turn to have a body of so many bytes parsed.
async fn turn(reserved: &Reserved, bytes: usize) -> Option<OwnedSemaphorePermit> {
    if bytes > TURN_BYTES_MIN { reserved.turn_to_parse().await } else { None }
}

/// Runs work on a body: at once if the body is small, elsewhere if it is large, and then only so many at a time.
pub async fn parse<T, F>(app: &Shared, reserved: &Reserved, bytes: usize, work: F) -> Result<T, Refused>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Refused> + Send + 'static,
{
    let _turn = turn(reserved, bytes).await;
    if bytes < OFFLOAD_BYTES_MIN {
        return work();
    }
    // The semaphore is never closed.
    let permit = app.parses.clone().acquire_owned().await;
    let work = move || {
        let _permit = permit;
        work()
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        tracing::error!("parsing a body did not end");
        Err(Refused::new(Code::Internal, "internal error"))
    })
}
