//! Why CBOR could not be read, in words: the decoder's own are for whoever writes one.

use minicbor::decode::Error;

/// What is wrong with bytes that are not what they should be.
pub(crate) fn told(error: &Error) -> String {
    let at = error.position().map(|position| format!(" at its byte {position}")).unwrap_or_default();
    if error.is_message() {
        let text = error.to_string();
        return text.split_once(": ").map_or(text.clone(), |(_, message)| message.to_owned());
    }
    if error.is_end_of_input() {
        return "it is cut off".to_owned();
    }
    if error.is_type_mismatch() || error.is_tag_mismatch() {
        return format!("another type of value stands{at} than belongs there");
    }
    format!("no value of CBOR that belongs there stands{at}")
}

#[cfg(test)]
mod tests {
    use minicbor::Decoder;

    use super::*;

    #[test]
    fn what_is_wrong_is_said_in_words() {
        let of = |bytes: &[u8]| told(&Decoder::new(bytes).str().unwrap_err());
        assert_eq!(of(&[0x01]), "another type of value stands at its byte 0 than belongs there");
        assert_eq!(of(&[]), "it is cut off");
        assert_eq!(of(&[0x63, b'a']), "it is cut off");
        assert_eq!(of(&[0x61, 0xff]), "no value of CBOR that belongs there stands at its byte 0");
        assert_eq!(told(&Error::message("item 1: of two")), "item 1: of two");
        assert_eq!(told(&Error::message("item 1").at(3)), "item 1");
    }
}
