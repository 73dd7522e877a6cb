//! The CloudEvents 1.0 attributes: read loosely, whatever carries them, then checked once with every problem found.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use ombud_rules::contract::types::InstantMs;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::time;
use super::types::EventType;
use crate::ids::{EventKey, ID_ALLOWED, SOURCE_ALLOWED, is_id, is_uri_reference};
use crate::limits::{EVENT_AHEAD_MS_MAX, EXTENSION_NAME_BYTES_MAX, EXTENSION_VALUE_BYTES_MAX, EXTENSIONS_MAX, ID_BYTES_MAX};
use crate::problem::{Problem, below};

/// The checked attributes of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// `source` and `id`: what makes two deliveries the same event.
    pub key: EventKey,
    /// `type`.
    pub event_type: EventType,
    /// `time` in epoch milliseconds: the case's `now`.
    pub time: InstantMs,
    /// `time` as it was written.
    pub time_text: String,
    /// `subject`.
    pub subject: Option<String>,
    /// `dataschema`.
    pub dataschema: Option<String>,
    /// Extension attributes in the order they came, `traceparent` among them.
    pub extensions: Vec<(String, Extension)>,
}

impl Envelope {
    /// An extension attribute that is a string, such as `traceparent`.
    pub fn extension(&self, name: &str) -> Option<&str> {
        self.extensions.iter().find(|(known, _)| known == name).and_then(|(_, value)| match value {
            Extension::Text(text) => Some(text.as_str()),
            Extension::Whole(_) | Extension::Flag(_) => None,
        })
    }
}

/// The value of an extension attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Extension {
    /// A string.
    Text(String),
    /// A 32-bit integer.
    Whole(i32),
    /// A boolean.
    Flag(bool),
}

/// An attribute's value before it is checked.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Loose<'a> {
    Text(Cow<'a, str>),
    Whole(i64),
    Flag(bool),
    /// Unset, says the CloudEvents JSON format.
    Null,
    /// A list, an object or a fraction.
    Other,
}

/// Attributes before they are checked, and the data's JSON text.
#[derive(Debug, Default)]
pub(super) struct LooseEvent<'a> {
    pub attributes: Vec<(Cow<'a, str>, Loose<'a>)>,
    pub data: Option<&'a RawValue>,
    pub data_twice: bool,
    too_many: bool,
}

/// CloudEvents' own attributes.
const DEFINED: [&str; 9] = ["specversion", "id", "source", "type", "time", "subject", "dataschema", "datacontenttype", "data_base64"];
/// Attributes read before the rest is only counted as too many.
const ATTRIBUTES_READ: usize = DEFINED.len() + EXTENSIONS_MAX;

impl<'a> LooseEvent<'a> {
    /// Adds an attribute, up to what an event may have.
    pub(super) fn add(&mut self, name: Cow<'a, str>, value: Loose<'a>) {
        if self.attributes.len() < ATTRIBUTES_READ {
            self.attributes.push((name, value));
        } else {
            self.too_many = true;
        }
    }
}

/// What carries the attributes: it decides how a problem's place is named.
#[derive(Clone, Debug)]
pub(super) enum Carrier {
    /// Members of an object at this pointer of the posted body.
    Body(String),
    /// HTTP headers; the posted body is the data.
    Headers,
}

impl Carrier {
    /// The data's pointer in the posted body.
    pub(super) fn data_pointer(&self) -> String {
        match self {
            Self::Body(base) => below(base, "data"),
            Self::Headers => String::new(),
        }
    }

    fn problem(&self, attribute: &str, message: impl Into<String>) -> Problem {
        match self {
            Self::Body(base) => Problem::at(below(base, attribute), message),
            Self::Headers if attribute == "datacontenttype" => Problem::in_header("content-type", message),
            Self::Headers => Problem::in_header(format!("ce-{attribute}"), message),
        }
    }
}

impl LooseEvent<'_> {
    /// Checks the attributes. Whatever is wrong, the event type is given if it is known, so that the data can be checked too.
    pub(super) fn check(&self, carrier: &Carrier, received_at: InstantMs) -> (Option<EventType>, Result<Envelope, Vec<Problem>>) {
        let mut problems = Vec::new();
        for (at, (name, _)) in self.attributes.iter().enumerate() {
            if self.attributes.iter().take(at).any(|(earlier, _)| earlier == name) {
                problems.push(carrier.problem(name, "stands more than once"));
            }
        }
        let mut text = |name: &str, required: bool, valid: fn(&str) -> bool, allowed: &str| -> Option<&str> {
            match self.attribute(name) {
                Some(Loose::Text(text)) if valid(text) => return Some(text),
                Some(_) => problems.push(carrier.problem(name, "is not allowed").allowed(allowed)),
                None if required => problems.push(carrier.problem(name, "is missing").allowed(allowed)),
                None => {}
            }
            None
        };
        text("specversion", true, |version| version == "1.0", "1.0");
        let id = text("id", true, is_id, ID_ALLOWED);
        let source = text("source", true, is_uri_reference, SOURCE_ALLOWED);
        let type_text = text("type", true, |name| EventType::parse(name).is_some(), &TYPE_NAMES);
        let time_text = text("time", true, |text| time::parse(text).is_some(), time::ALLOWED);
        let subject = text("subject", false, is_id, ID_ALLOWED);
        let dataschema = text("dataschema", false, is_uri_reference, "a URI of at most 256 bytes");
        text("datacontenttype", false, is_json, "a JSON media type, such as application/json");

        let event_type = type_text.and_then(EventType::parse);
        let time = time_text.and_then(time::parse);
        if time.is_some_and(|time| time.saturating_sub(received_at) > EVENT_AHEAD_MS_MAX) {
            let allowed = format!("at most {} minutes ahead of receipt", EVENT_AHEAD_MS_MAX / 60_000);
            problems.push(carrier.problem("time", "lies in the future").allowed(allowed));
        }
        if self.attribute("data_base64").is_some() {
            problems.push(carrier.problem("data_base64", "is not taken").allowed("`data`, as JSON"));
        }
        let extensions = self.extensions(carrier, &mut problems);
        let key = source.zip(id).and_then(|(source, id)| EventKey::new(source, id).ok());
        let envelope = match (key, event_type, time, time_text) {
            (Some(key), Some(event_type), Some(time), Some(time_text)) if problems.is_empty() => Ok(Envelope {
                key,
                event_type,
                time,
                time_text: time_text.to_owned(),
                subject: subject.map(str::to_owned),
                dataschema: dataschema.map(str::to_owned),
                extensions,
            }),
            _ => Err(problems),
        };
        (event_type, envelope)
    }

    /// An attribute that is set.
    fn attribute(&self, name: &str) -> Option<&Loose<'_>> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value).filter(|value| **value != Loose::Null)
    }

    /// Every attribute that CloudEvents does not define.
    fn extensions(&self, carrier: &Carrier, problems: &mut Vec<Problem>) -> Vec<(String, Extension)> {
        const DEFINED: [&str; 9] =
            ["specversion", "id", "source", "type", "time", "subject", "dataschema", "datacontenttype", "data_base64"];
        let mut extensions = Vec::new();
        for (name, value) in self.attributes.iter().filter(|(name, _)| !DEFINED.contains(&name.as_ref())) {
            // `ce-data` would take the place of the data.
            let reserved = name == "data";
            if reserved
                || !(1..=EXTENSION_NAME_BYTES_MAX).contains(&name.len())
                || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            {
                problems.push(carrier.problem(name, "is not an attribute's name").allowed("1 to 64 lower-case letters and digits"));
                continue;
            }
            let value = match value {
                Loose::Null => continue,
                Loose::Text(text) if text.len() <= EXTENSION_VALUE_BYTES_MAX => Some(Extension::Text(text.clone().into_owned())),
                Loose::Whole(number) => i32::try_from(*number).ok().map(Extension::Whole),
                Loose::Flag(flag) => Some(Extension::Flag(*flag)),
                Loose::Text(_) | Loose::Other => None,
            };
            match value {
                Some(value) => extensions.push((name.clone().into_owned(), value)),
                None => problems.push(
                    carrier
                        .problem(name, "is not an attribute's value")
                        .allowed("a string of at most 512 bytes, a 32-bit integer or a boolean"),
                ),
            }
        }
        if self.too_many || extensions.len() > EXTENSIONS_MAX {
            let place = match carrier {
                Carrier::Body(base) => Problem::at(base.clone(), "has too many extension attributes"),
                Carrier::Headers => Problem::in_header("ce-*", "has too many extension attributes"),
            };
            problems.push(place.allowed(format!("at most {EXTENSIONS_MAX}")));
        }
        extensions
    }
}

/// Every event type's name.
static TYPE_NAMES: LazyLock<String> =
    LazyLock::new(|| EventType::ALL.iter().map(|event_type| event_type.as_str()).collect::<Vec<_>>().join(", "));

/// Whether a media type is JSON's: `application/json`, `text/json` or any `+json`, whatever its parameters.
pub(super) fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type.len() <= ID_BYTES_MAX
        && (matches!(essence.as_str(), "application/json" | "text/json") || (essence.ends_with("+json") && essence.contains('/')))
}

impl<'de: 'a, 'a> Deserialize<'de> for LooseEvent<'a> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = LooseEvent<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a CloudEvent, a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<LooseEvent<'de>, A::Error> {
                let mut event = LooseEvent::default();
                while let Some(Text(name)) = members.next_key()? {
                    if name == "data" {
                        event.data_twice |= event.data.replace(members.next_value()?).is_some();
                    } else {
                        let value = members.next_value()?;
                        event.add(name, value);
                    }
                }
                Ok(event)
            }
        }

        input.deserialize_map(Members)
    }
}

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Loose<'a> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Value;

        impl<'de> Visitor<'de> for Value {
            type Value = Loose<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an attribute's value")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Loose<'de>, E> {
                Ok(Loose::Text(text.into()))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Loose<'de>, E> {
                Ok(Loose::Text(text.to_owned().into()))
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Loose<'de>, E> {
                Ok(Loose::Whole(number))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Loose<'de>, E> {
                Ok(i64::try_from(number).map_or(Loose::Other, Loose::Whole))
            }
            fn visit_f64<E: Error>(self, _: f64) -> Result<Loose<'de>, E> {
                Ok(Loose::Other)
            }
            fn visit_bool<E: Error>(self, flag: bool) -> Result<Loose<'de>, E> {
                Ok(Loose::Flag(flag))
            }
            fn visit_unit<E: Error>(self) -> Result<Loose<'de>, E> {
                Ok(Loose::Null)
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<Loose<'de>, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Loose::Other)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Loose<'de>, A::Error> {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Loose::Other)
            }
        }

        input.deserialize_any(Value)
    }
}
