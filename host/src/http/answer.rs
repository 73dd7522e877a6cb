//! Answers as JSON.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::problem::{Code, Refused};
use crate::service::wire::EventAnswer;

/// An answer's usual size, in bytes, reserved at once.
const USUAL_BYTES: usize = 4 << 10;

/// A JSON answer with status 200.
pub struct Json<T>(pub T);

/// A JSON answer with status 201.
pub struct Created<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        json(StatusCode::CREATED, &self.0)
    }
}

impl IntoResponse for EventAnswer {
    fn into_response(self) -> Response {
        written(StatusCode::OK, self.to_json())
    }
}

/// A JSON answer.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    if let Err(error) = serde_json::to_writer(&mut bytes, value) {
        tracing::error!(cause = %error, "an answer could not be written");
        return Refused::new(Code::Internal, "internal error").into_response();
    }
    written(status, bytes)
}

fn written(status: StatusCode, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Whether the caller would rather have a media type than JSON: the one with the higher quality, JSON of equals (RFC 9110,
/// section 12.5.1).
pub fn prefers(headers: &HeaderMap, media_type: &str) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    let quality = |wanted: &[&str]| {
        let mut best = (0_usize, 0_u32);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let thousandths = parts
                .find_map(|part| part.strip_prefix("q="))
                .and_then(|text| text.trim().parse::<f32>().ok())
                .map_or(1000, |quality| (quality.clamp(0.0, 1.0) * 1000.0) as u32);
            // The most specific range that fits counts.
            if let Some(specific) = wanted.iter().position(|own| *own == media) {
                best = best.max((specific + 1, thousandths));
            }
        }
        best.1
    };
    let of_its_sort = media_type.split('/').next().map(|sort| format!("{sort}/*")).unwrap_or_default();
    quality(&["*/*", &of_its_sort, media_type]) > quality(&["*/*", "application/*", "application/json"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_type_of_the_higher_quality_is_answered() {
        let prefers = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
            super::prefers(&headers, "text/plain")
        };
        assert!(!super::prefers(&HeaderMap::new(), "text/plain"));
        for text in
            ["text/plain", "text/*", "Text/Plain; charset=utf-8", "application/json;q=0.5, text/plain", "text/plain;q=0.9, */*;q=0.1"]
        {
            assert!(prefers(text), "{text}");
        }
        for json in ["*/*", "application/json", "text/html", "text/plain;q=0.5, application/json", "text/plain, application/json", "", "x"]
        {
            assert!(!prefers(json), "{json}");
        }
    }
}
