//! Ids, each its own type, each built by a constructor that refuses bad values.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::kind::Kind;
use crate::limits::{ID_BYTES_MAX, MERCHANT_ID_BYTES_MAX};

/// The schema's own keyword for what is allowed, in words.
pub const ALLOWED: &str = "x-allowed";

/// A text is not a valid id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {what}: {allowed}")]
pub struct BadId {
    /// Which id.
    pub what: &'static str,
    /// What is allowed.
    pub allowed: &'static str,
}

/// Declares an id type over a string with its rule, the rule's words and its JSON Schema.
macro_rules! id {
    ($(#[$meta:meta])* $name:ident, $what:literal, $allowed:literal, $valid:expr, $schema:tt) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// What is allowed, in words.
            pub const ALLOWED: &'static str = $allowed;

            /// The id with this text, if it is allowed.
            pub fn new(text: impl Into<String>) -> Result<Self, BadId> {
                let text: String = text.into();
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) { Ok(Self(text)) } else { Err(BadId { what: $what, allowed: $allowed }) }
            }

            /// The id's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut schema = schemars::json_schema!($schema);
                schema.insert(ALLOWED.to_owned(), $allowed.into());
                schema
            }
        }
    };
}

id!(
    /// A merchant's id; it stands in paths, in checkpoint origins and in file names.
    MerchantId,
    "merchant id",
    "1 to 64 ASCII letters, digits, `-`, `_` or `.`, the first a letter or digit",
    |text| text.len() <= MERCHANT_ID_BYTES_MAX
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')),
    {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"}
);

id!(
    /// The helpdesk's ticket.
    TicketId,
    "ticket id",
    "1 to 256 bytes without control or invisible characters and without space at its ends",
    is_id,
    {"type": "string", "minLength": 1, "maxLength": 256, "x-max-bytes": 256, "pattern": ID_PATTERN}
);

id!(
    /// A pseudonymous customer, scoped to one merchant. A telephone number, resident number or e-mail address in clear is
    /// refused (design, invariant 8; PIPL 6).
    CustomerRef,
    "customer reference",
    "1 to 256 bytes without control or invisible characters and without space at its ends; a pseudonym: not a telephone number, resident number or e-mail address",
    |text| is_id(text) && !is_mobile_number(text) && !is_resident_number(text) && !is_mail_address(text),
    {
        "type": "string", "minLength": 1, "maxLength": 256, "x-max-bytes": 256, "pattern": ID_PATTERN,
        "not": {"pattern": NOT_A_PSEUDONYM}
    }
);

id!(
    /// The person behind an API key, as the ledger names them.
    ActorId,
    "actor id",
    "1 to 256 bytes without control or invisible characters and without space at its ends",
    is_id,
    {"type": "string", "minLength": 1, "maxLength": 256, "x-max-bytes": 256, "pattern": ID_PATTERN}
);

id!(
    /// A currency by its ISO 4217 letters. Amounts are minor units of it.
    Currency,
    "currency",
    "three capital letters of ISO 4217, such as CNY",
    |text| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()),
    {"type": "string", "pattern": "^[A-Z]{3}$"}
);

id!(
    /// One decision: 32 hexadecimal digits, derived from what it decides.
    DecisionId,
    "decision id",
    "32 lower-case hexadecimal digits",
    |text| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f')),
    {"type": "string", "pattern": "^[0-9a-f]{32}$"}
);

impl Default for Currency {
    /// The currency of the sources: yuan, in fen.
    fn default() -> Self {
        Self("CNY".to_owned())
    }
}

impl DecisionId {
    /// The id of the decision of `kind` on this event. The same event always gives the same id, on every machine and
    /// after every restart, so that a redelivery finds its decision: the first 128 bits of SHA-256 over the label
    /// `ombud decision v1` with a zero byte behind it, then merchant, `source`, `id` and the kind's name, each behind its number of bytes as
    /// 8 bytes, big-endian, so that no two different tuples share a preimage.
    pub fn derive(merchant: &MerchantId, event: &EventKey, kind: Kind) -> Self {
        let mut hash = Sha256::new_with_prefix(b"ombud decision v1\0");
        for part in [merchant.as_str(), &event.source, &event.id, kind.as_str()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hash.finalize().iter().take(16).fold(String::with_capacity(32), |mut text, byte| {
            for digit in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(u32::from(digit), 16));
            }
            text
        }))
    }
}

/// What makes two deliveries the same event of one merchant: the CloudEvents attributes `source` and `id`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "EventKeyParts")]
pub struct EventKey {
    source: String,
    id: String,
}

/// A key as it is read, before its parts are checked.
#[derive(Deserialize)]
struct EventKeyParts {
    source: String,
    id: String,
}

impl TryFrom<EventKeyParts> for EventKey {
    type Error = BadId;
    fn try_from(parts: EventKeyParts) -> Result<Self, BadId> {
        Self::new(parts.source, parts.id)
    }
}

impl EventKey {
    /// The key, if both parts are allowed: `source` a URI reference, `id` any text, 1 to 256 bytes each.
    pub fn new(source: impl Into<String>, id: impl Into<String>) -> Result<Self, BadId> {
        let (source, id) = (source.into(), id.into());
        if !is_uri_reference(&source) {
            return Err(BadId { what: "event source", allowed: SOURCE_ALLOWED });
        }
        if !is_id(&id) {
            return Err(BadId { what: "event id", allowed: ID_ALLOWED });
        }
        Ok(Self { source, id })
    }

    /// The CloudEvents `source`.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The CloudEvents `id`.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// What is allowed of an id without rules of its own.
pub const ID_ALLOWED: &str = "1 to 256 bytes without control or invisible characters and without space at its ends";
/// What is allowed of a `source`.
pub const SOURCE_ALLOWED: &str = "a URI reference of 1 to 256 bytes, such as /helpdesk/douyin";

/// 1 to 256 bytes without control or invisible characters and without space at its ends.
pub fn is_id(text: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&text.len())
        && !text.starts_with(is_space)
        && !text.ends_with(is_space)
        && !text.bytes().any(|byte| byte < 0x20 || byte == 0x7f)
        && (text.is_ascii() || !text.chars().any(|character| is_refused(character, is_invisible, was_invisible)))
}

thread_local! {
    /// Whether this thread reads what is on record.
    static ON_RECORD: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread reads what is on record: what was taken once stays readable, whatever is asked of new ones.
pub fn is_on_record() -> bool {
    ON_RECORD.get()
}

/// Reads what is on record: an id that an earlier release took stays one, however little of it is seen.
pub fn on_record<T>(read: impl FnOnce() -> T) -> T {
    /// Restores what was, also when the reader panics.
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            ON_RECORD.set(self.0);
        }
    }
    let _before = Before(ON_RECORD.replace(true));
    read()
}

/// Whether a character is refused now; of what is on record, whether it always was.
fn is_refused(character: char, now: fn(char) -> bool, always: fn(char) -> bool) -> bool {
    now(character) && (!is_on_record() || always(character))
}

/// A space, of whatever width.
fn is_space(character: char) -> bool {
    is_refused(character, char::is_whitespace, |character| matches!(character, ' ' | '\u{a0}' | '\u{3000}'))
}

/// The characters that nobody sees, as a class of a pattern; [`is_invisible`] has the same.
macro_rules! invisible {
    () => {
        concat!(
            "\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u2800\\u3164",
            "\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffc\\u{13430}-\\u{1343f}\\u{16fe4}\\u{1bca0}-\\u{1bca3}\\u{1d159}\\u{1d173}-\\u{1d17a}",
            "\\u{e0000}-\\u{e0fff}",
        )
    };
}

/// What [`is_id`] takes, as a pattern: two ids that look alike would be two orders to the caps.
pub const ID_PATTERN: &str = concat!(
    "^[^\\u0000-\\u0020\\u007f-\\u00a0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000",
    invisible!(),
    "]([^\\u0000-\\u001f\\u007f-\\u009f",
    invisible!(),
    "]*[^\\u0000-\\u0020\\u007f-\\u00a0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000",
    invisible!(),
    "])?$",
);

/// What no [`CustomerRef`] is, as a pattern.
const NOT_A_PSEUDONYM: &str = concat!(
    "^(\\+?86)?1[3-9][0-9]{9}$",
    "|^[1-9][0-9]{5}(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]$",
    "|^[^@]+@[^@.]+\\.[^@]+$",
);

/// Controls of the second block, and what draws nothing: the code points of Unicode's `Default_Ignorable_Code_Point` (version 17,
/// `DerivedCoreProperties.txt`: joiners, fillers of Hangul, variation selectors, tags), the separators of lines, the empty pattern of Braille, the
/// marks of annotations, and the fillers and controls of scripts and of musical notation.
pub const fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffc}' | '\u{13430}'..='\u{1343f}' | '\u{16fe4}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// What of that was refused before, and is in no record.
const fn was_invisible(character: char) -> bool {
    matches!(character, '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A non-empty URI reference: no spaces, controls or characters that RFC 3986 (with RFC 3987's letters) excludes.
pub fn is_uri_reference(text: &str) -> bool {
    is_id(text) && !text.bytes().any(|byte| matches!(byte, b' ' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'))
}

/// A mainland mobile number in clear, with or without the country code.
fn is_mobile_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').filter(|rest| rest.starts_with("86")).unwrap_or(text);
    let digits = digits.strip_prefix("86").filter(|rest| rest.len() == 11).unwrap_or(digits);
    digits.len() == 11
        && digits.starts_with('1')
        && matches!(digits.as_bytes().get(1), Some(b'3'..=b'9'))
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A resident's number of 18 places with a date of birth in it (GB 11643).
fn is_resident_number(text: &str) -> bool {
    let digits = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<u32>().ok()).unwrap_or_default();
    text.len() == 18
        && text.bytes().take(17).all(|byte| byte.is_ascii_digit())
        && text.bytes().last().is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'X' | b'x'))
        && !text.starts_with('0')
        && (1900..2100).contains(&digits(6, 10))
        && (1..=12).contains(&digits(10, 12))
        && (1..=31).contains(&digits(12, 14))
}

/// An e-mail address, as far as one can tell: one `@`, and a dot within what follows it.
fn is_mail_address(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    !name.is_empty() && !host.contains('@') && host.split_once('.').is_some_and(|(first, rest)| !first.is_empty() && !rest.is_empty())
}

#[cfg(test)]
mod tests;
