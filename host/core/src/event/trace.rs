//! The trace an event belongs to, as W3C Trace Context writes it.

/// The trace id of a `traceparent`, if it is one: 32 hexadecimal digits.
pub fn trace_id(traceparent: &str) -> Option<&str> {
    let (version, rest) = traceparent.split_once('-')?;
    let (trace, rest) = rest.split_once('-')?;
    let (span, flags) = rest.split_once('-')?;
    let flags = flags.split('-').next()?;
    let hex = |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let valid = hex(version, 2) && version != "ff" && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
    (valid && trace.bytes().any(|byte| byte != b'0') && span.bytes().any(|byte| byte != b'0')).then_some(trace)
}

/// Its 16 bytes, as a record keeps them.
pub(super) fn trace_bytes(traceparent: &str) -> Option<[u8; 16]> {
    trace_id(traceparent).and_then(|trace| u128::from_str_radix(trace, 16).ok()).map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_taken_only_as_w3c_writes_it() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        for good in [format!("00-{trace}-00f067aa0ba902b7-01"), format!("01-{trace}-00f067aa0ba902b7-01-more")] {
            assert_eq!(trace_id(&good), Some(trace));
            assert_eq!(trace_bytes(&good).map(|bytes| (bytes[0], bytes[15])), Some((0x4b, 0x36)));
        }
        for bad in [
            "".to_owned(),
            "00-4bf9-00f067aa0ba902b7-01".to_owned(),
            format!("ff-{trace}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{trace}-0000000000000000-01"),
            format!("00-{trace}-00f067aa0ba902b7"),
        ] {
            assert_eq!(trace_id(&bad), None, "{bad}");
        }
    }
}
