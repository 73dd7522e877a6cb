//! A posted body as text, and where in it the JSON is malformed.

use crate::problem::Problem;

/// The body's text.
pub fn utf8(body: &[u8], bytes_max: usize) -> Result<&str, Problem> {
    if body.len() > bytes_max {
        return Err(too_long("", bytes_max));
    }
    std::str::from_utf8(body).map_err(|error| {
        let good = body.get(..error.valid_up_to()).unwrap_or_default();
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = good.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        Problem::at("", format!("is not UTF-8 at line {line} column {column}")).allowed("JSON in UTF-8")
    })
}

/// Refuses a media type that names a charset which is not that of JSON: its bytes may be UTF-8 by chance, and say something else.
///
/// # Errors
/// It names another one.
pub fn charset(media_type: &str) -> Result<(), Problem> {
    let is_other = |parameter: &str| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("charset") && !["utf-8", "utf8"].iter().any(|own| value.eq_ignore_ascii_case(own))
    };
    if media_type.split(';').skip(1).any(is_other) {
        return Err(Problem::in_header("content-type", "names a charset that is not taken").allowed("utf-8"));
    }
    Ok(())
}

/// A body or item beyond its bound.
pub fn too_long(pointer: &str, bytes_max: usize) -> Problem {
    Problem::at(pointer, "is too long").allowed(format!("at most {bytes_max} bytes"))
}

/// Malformed JSON, with its line and column in the posted body.
pub fn malformed(text: &str, part: &str, error: &serde_json::Error, pointer: &str) -> Problem {
    // Where the part begins in the body it was cut from.
    let start = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize).filter(|start| *start <= text.len()).unwrap_or(0);
    let before = text.get(..start).unwrap_or_default();
    let line = before.matches('\n').count() + error.line().max(1);
    let column = if error.line() > 1 { error.column() } else { before.len() - before.rfind('\n').map_or(0, |at| at + 1) + error.column() };
    if error.is_data() {
        // The library's words would repeat the caller's value.
        return Problem::at(pointer, "has the wrong type").allowed("an object; in a batch a list of objects");
    }
    let message = error.to_string();
    let what = message.split(" at line ").next().unwrap_or_default();
    Problem::at(pointer, format!("is not well-formed JSON: {what} at line {line} column {column}"))
}
