//! The one body of every error: a problem document (RFC 9457).

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ombud_core::problem::Problem;
use schemars::JsonSchema;
use serde::Serialize;

use crate::gate::Step;
use crate::service::{ServiceError, causes};

/// The media type of a problem document.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Seconds after which a caller that was turned away may come again, where nothing better is known.
pub(super) const RETRY_AFTER_S: u64 = 1;

/// What went wrong, as programs tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The body is not JSON.
    Malformed,
    /// No key, or an unknown one.
    Unauthenticated,
    /// The key's role lacks the right.
    Forbidden,
    /// It does not exist, or belongs to another merchant.
    NotFound,
    /// The path exists, with other methods.
    MethodNotAllowed,
    /// The body did not come in time.
    BodyTimeout,
    /// It contradicts what is on record.
    Conflict,
    /// It will be there in a moment.
    NotYet,
    /// The body is too large.
    BodyTooLarge,
    /// Path and query are too long.
    UriTooLong,
    /// The body's media type, its charset or its coding is not taken.
    MediaType,
    /// The body breaks its schema or bounds.
    Invalid,
    /// The gate refused a policy.
    PolicyRefused,
    /// The merchant has too many requests under way.
    Saturated,
    /// The headers are too many or too large.
    HeaderTooLarge,
    /// What is on record is damaged or gone.
    Damaged,
    /// The service failed.
    Internal,
    /// The service is full, draining or too slow just now.
    Unavailable,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 18] = [
        Self::Malformed,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::BodyTimeout,
        Self::Conflict,
        Self::NotYet,
        Self::BodyTooLarge,
        Self::UriTooLong,
        Self::MediaType,
        Self::Invalid,
        Self::PolicyRefused,
        Self::Saturated,
        Self::HeaderTooLarge,
        Self::Damaged,
        Self::Internal,
        Self::Unavailable,
    ];

    /// The HTTP status.
    pub const fn status(self) -> StatusCode {
        self.row().0
    }

    /// The `type`: a name that stays.
    pub const fn type_uri(self) -> &'static str {
        self.row().1
    }

    /// The `title`.
    pub const fn title(self) -> &'static str {
        self.row().2
    }

    const fn row(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, "urn:ombud:problem:malformed", "The body is not well-formed"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "urn:ombud:problem:unauthenticated", "An API key is needed"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "urn:ombud:problem:forbidden", "The key's role may not do this"),
            Self::NotFound => (StatusCode::NOT_FOUND, "urn:ombud:problem:not-found", "There is no such thing"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "urn:ombud:problem:method", "The method is not taken here"),
            Self::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, "urn:ombud:problem:body-timeout", "The body did not come in time"),
            Self::Conflict => (StatusCode::CONFLICT, "urn:ombud:problem:conflict", "It contradicts what is on record"),
            Self::NotYet => (StatusCode::CONFLICT, "urn:ombud:problem:not-yet", "It will be there in a moment"),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "urn:ombud:problem:body-too-large", "The body is too large"),
            Self::UriTooLong => (StatusCode::URI_TOO_LONG, "urn:ombud:problem:uri-too-long", "Path and query are too long"),
            Self::MediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "urn:ombud:problem:media-type", "The media type or coding is not taken")
            }
            Self::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "urn:ombud:problem:invalid", "The request has problems"),
            Self::PolicyRefused => (StatusCode::UNPROCESSABLE_ENTITY, "urn:ombud:problem:policy-refused", "The policy is refused"),
            Self::Saturated => {
                (StatusCode::TOO_MANY_REQUESTS, "urn:ombud:problem:saturated", "The merchant has too many requests under way")
            }
            Self::HeaderTooLarge => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "urn:ombud:problem:header-too-large", "The headers are too large")
            }
            Self::Damaged => (StatusCode::INTERNAL_SERVER_ERROR, "urn:ombud:problem:damaged", "What is on record is damaged"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "urn:ombud:problem:internal", "The service failed"),
            Self::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "urn:ombud:problem:unavailable", "The service cannot take this at the moment")
            }
        }
    }
}

/// A problem document (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProblemDocument {
    /// What kind of problem, for programs: `urn:ombud:problem:…`.
    #[serde(rename = "type")]
    pub type_uri: &'static str,
    /// The kind of problem, for people.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// This problem, for people. It never repeats what the caller sent.
    pub detail: String,
    /// Every single problem of the body or its headers, each with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// What the gate found of a policy, step by step.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub report: Vec<Step>,
}

/// A request that is not granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    code: Code,
    detail: String,
    problems: Vec<Problem>,
    report: Vec<Step>,
    retry_after_s: u64,
}

impl Refused {
    /// With words for people.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), problems: Vec::new(), report: Vec::new(), retry_after_s: RETRY_AFTER_S }
    }

    /// With the single problems.
    pub fn with(code: Code, problems: Vec<Problem>) -> Self {
        let detail = match problems.as_slice() {
            [one] => one.to_string(),
            many => format!("{} problems in the request", many.len()),
        };
        Self { code, detail, problems, report: Vec::new(), retry_after_s: RETRY_AFTER_S }
    }

    /// The document.
    pub fn document(self) -> ProblemDocument {
        ProblemDocument {
            type_uri: self.code.type_uri(),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: self.detail,
            problems: self.problems,
            report: self.report,
        }
    }

    /// The code.
    pub const fn code(&self) -> Code {
        self.code
    }
}

impl From<ServiceError> for Refused {
    fn from(error: ServiceError) -> Self {
        let detail = error.to_string();
        let code = match error {
            ServiceError::Unauthenticated => Code::Unauthenticated,
            ServiceError::Forbidden { .. } => Code::Forbidden,
            ServiceError::NotFound(_) => Code::NotFound,
            ServiceError::Invalid(problems) => return Self::with(Code::Invalid, problems),
            ServiceError::Refused { conflict, report, .. } => {
                return Self {
                    code: if conflict { Code::Conflict } else { Code::PolicyRefused },
                    detail,
                    problems: Vec::new(),
                    report,
                    retry_after_s: RETRY_AFTER_S,
                };
            }
            ServiceError::Malformed(_) => Code::Malformed,
            ServiceError::Conflict(_) => Code::Conflict,
            ServiceError::NotYet(_) => Code::NotYet,
            ServiceError::Uploading(_) => Code::Saturated,
            ServiceError::Saturated(saturation) => {
                return Self { retry_after_s: saturation.retry_after_s, ..Self::new(Code::Saturated, detail) };
            }
            ServiceError::Unavailable(_) => Code::Unavailable,
            ServiceError::Damaged(what) => {
                tracing::error!(what, "what is on record is damaged");
                Code::Damaged
            }
            ServiceError::Internal(cause) => {
                // The detail is for whoever runs the service; the request's span names the request.
                tracing::error!(cause = causes(&cause), "internal error");
                Code::Internal
            }
        };
        Self::new(code, detail)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (code, retry_after_s) = (self.code, self.retry_after_s);
        let json = serde_json::to_vec(&self.document()).unwrap_or_default();
        let mut response = Response::new(Body::from(json));
        *response.status_mut() = code.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        match code {
            Code::Unauthenticated => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Code::NotYet | Code::Saturated | Code::Unavailable => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
            }
            // The rest of the body is still under way: the connection cannot carry another request.
            Code::BodyTooLarge | Code::BodyTimeout => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}
