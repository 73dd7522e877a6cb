//! From posted bytes to events: the three modes of the CloudEvents HTTP binding.

use std::fmt;

use ombud_rules::contract::types::InstantMs;
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Event;
use super::envelope::{Carrier, Loose, LooseEvent};
use super::references;
use super::schemas::read_or_explain;
use crate::ids::{is_on_record, on_record};
use crate::limits::{BATCH_BYTES_MAX, BATCH_ITEMS_MAX, EVENT_BYTES_MAX};
use crate::problem::{Problem, tidy};
use crate::schema::text::{charset, malformed, too_long, utf8};

/// How a request carries its event or events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The body is the event.
    Structured,
    /// The body is the data, the attributes are `ce-` headers.
    Binary,
    /// The body is a list of events.
    Batch,
}

/// The mode of a request. A plain JSON body without `ce-` headers is read as structured, as people post it by hand.
pub fn mode(content_type: Option<&str>, has_ce_headers: bool) -> Result<Mode, Problem> {
    let content_type = content_type.unwrap_or("application/json");
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let mode = match essence.as_str() {
        "application/cloudevents+json" => Ok(Mode::Structured),
        "application/cloudevents-batch+json" => Ok(Mode::Batch),
        other if other.starts_with("application/cloudevents") || !super::envelope::is_json(other) => {
            Err(Problem::in_header("content-type", "is not taken")
                .allowed("application/cloudevents+json, application/cloudevents-batch+json, application/json"))
        }
        _ if has_ce_headers => Ok(Mode::Binary),
        _ => Ok(Mode::Structured),
    }?;
    charset(content_type).map(|()| mode)
}

/// Reads an event in structured mode. `received_at` is the host's clock, in epoch milliseconds.
pub fn structured(body: &[u8], received_at: InstantMs) -> Result<Event, Vec<Problem>> {
    let text = utf8(body, EVENT_BYTES_MAX).map_err(|problem| vec![problem])?;
    one(text, text, Carrier::Body(String::new()), received_at)
}

/// Reads an event that is on record, or that the host makes of what is: what this version asks of new ones beyond their schema is not asked of
/// it, and ids that an earlier release took are taken.
pub fn recorded(body: &[u8], received_at: InstantMs) -> Result<Event, Vec<Problem>> {
    let text = utf8(body, EVENT_BYTES_MAX).map_err(|problem| vec![problem])?;
    on_record(|| one(text, text, Carrier::Body(String::new()), received_at))
}

/// Reads an event in binary mode: its attributes from the `ce-` headers (name and value as they came; others are passed
/// over), its data from the body.
pub fn binary<'h>(
    headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
    body: &[u8],
    received_at: InstantMs,
) -> Result<Event, Vec<Problem>> {
    let text = utf8(body, EVENT_BYTES_MAX).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let mut loose = LooseEvent::default();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        let attribute = match name.strip_prefix("ce-") {
            Some(attribute) => attribute.to_owned(),
            None if name == "content-type" => "datacontenttype".to_owned(),
            None => continue,
        };
        match percent_decoded(value) {
            Some(value) => loose.add(attribute.into(), Loose::Text(value.into())),
            None => problems.push(Problem::in_header(name, "is not UTF-8, percent-encoded where it is not ASCII")),
        }
    }
    // An unreadable header is reported as such, not as a missing attribute too.
    let unreadable = problems.len();
    let data: Result<&RawValue, _> = if text.trim().is_empty() { Ok(RawValue::NULL) } else { serde_json::from_str(text) };
    match data {
        Ok(data) => loose.data = Some(data),
        Err(error) => problems.push(malformed(text, text, &error, "")),
    }
    match event(loose, Carrier::Headers, text, received_at) {
        Ok(event) if problems.is_empty() => Ok(event),
        Ok(_) => Err(tidy(problems)),
        Err(found) => {
            let reported = |problem: &Problem| problem.message != "is missing" || unreadable == 0 || problem.header.is_none();
            problems.extend(found.into_iter().filter(reported));
            Err(tidy(problems))
        }
    }
}

/// What one item of a batch is: an event, or every problem of it.
pub type Item = Result<Event, Vec<Problem>>;

/// The items of a batch; none where there are more than [`BATCH_ITEMS_MAX`]: the rest is read over, not kept.
struct Few<'a>(Option<Vec<&'a RawValue>>);

impl<'de: 'a, 'a> Deserialize<'de> for Few<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;
        impl<'de> Visitor<'de> for Items {
            type Value = Few<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of events")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while items.len() < BATCH_ITEMS_MAX {
                    match list.next_element()? {
                        Some(item) => items.push(item),
                        None => return Ok(Few(Some(items))),
                    }
                }
                let mut more = false;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    more = true;
                }
                Ok(Few((!more).then_some(items)))
            }
        }
        deserializer.deserialize_seq(Items)
    }
}

/// Reads a batch, item by item: a bad item does not hurt the others. Problems point into the posted list.
pub fn batch(body: &[u8], received_at: InstantMs) -> Result<Vec<Item>, Vec<Problem>> {
    let text = utf8(body, BATCH_BYTES_MAX).map_err(|problem| vec![problem])?;
    let items: Few<'_> = serde_json::from_str(text).map_err(|error| vec![malformed(text, text, &error, "")])?;
    let Few(Some(items)) = items else {
        return Err(vec![Problem::at("", "has too many events").allowed(format!("at most {BATCH_ITEMS_MAX} in one batch"))]);
    };
    let read = |(at, item): (usize, &&RawValue)| {
        let base = format!("/{at}");
        if item.get().len() > EVENT_BYTES_MAX {
            return Err(vec![too_long(&base, EVENT_BYTES_MAX)]);
        }
        one(text, item.get(), Carrier::Body(base), received_at)
    };
    Ok(items.iter().enumerate().map(read).collect())
}

/// Reads one event that is an object, `part` of the posted `text`.
fn one(text: &str, part: &str, carrier: Carrier, received_at: InstantMs) -> Item {
    let base = match &carrier {
        Carrier::Body(base) => base.clone(),
        Carrier::Headers => String::new(),
    };
    let loose: LooseEvent<'_> = serde_json::from_str(part).map_err(|error| vec![malformed(text, part, &error, &base)])?;
    event(loose, carrier, text, received_at)
}

/// Checks attributes and data; all problems of both.
fn event(loose: LooseEvent<'_>, carrier: Carrier, text: &str, received_at: InstantMs) -> Item {
    let (event_type, envelope) = loose.check(&carrier, received_at);
    let data_pointer = carrier.data_pointer();
    let mut problems = Vec::new();
    if loose.data_twice {
        problems.push(Problem::at(&data_pointer, "stands more than once"));
    }
    let data = match (event_type, loose.data) {
        (_, None) => {
            problems.push(Problem::at(&data_pointer, "is missing").allowed("an object"));
            None
        }
        (None, Some(_)) => None,
        (Some(event_type), Some(data)) => match read_or_explain(event_type, data.get(), &data_pointer) {
            Ok(Ok(read)) => {
                if !is_on_record() {
                    problems.extend(references::broken(&read, &data_pointer));
                }
                Some((read, data.to_owned()))
            }
            Ok(Err(found)) => {
                problems.extend(found);
                None
            }
            Err(error) => {
                problems.push(malformed(text, data.get(), &error, &data_pointer));
                None
            }
        },
    };
    match (envelope, data) {
        (Ok(envelope), Some((data, data_json))) if problems.is_empty() => {
            Ok(Event { envelope, data, data_json, data_pointer, request_trace: None })
        }
        (envelope, _) => {
            problems.extend(envelope.err().into_iter().flatten());
            Err(tidy(problems))
        }
    }
}

/// The text of a header: percent-encoded UTF-8, as the CloudEvents HTTP binding writes it.
fn percent_decoded(value: &[u8]) -> Option<String> {
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((first, after)) = rest.split_first() {
        let hex = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).ok()?);
                rest = after.get(2..)?;
            }
            _ => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(decoded).ok()
}
