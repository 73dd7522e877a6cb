//! Events: CloudEvents 1.0 in structured, binary and batched mode, read into typed data with every problem named.
//!
//! Reading is pure and needs no merchant: what an event may say of its merchant is compared afterwards
//! ([`crate::merchant::MerchantConfig::contradicted_by`]), and what is semantically wrong with a case is the policy's to rule on (AS-001),
//! unless no policy could.

pub mod data;
pub mod input;
pub mod notes;
pub mod schemas;
pub mod types;

mod canonical;
mod envelope;
mod read;
mod references;
mod time;
mod trace;

use ombud_rules::contract::types::InstantMs;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::ids::DecisionId;
use crate::ids::MerchantId;
use crate::kind::Kind;

pub use data::Data;
pub use envelope::{Envelope, Extension};
pub use read::{Mode, batch, binary, mode, recorded, structured};
pub use schemas::{data_schema_for, schema_for};
pub use trace::trace_id;
pub use types::EventType;

/// An event that may be decided on: attributes and data are within every bound.
#[derive(Clone, Debug)]
pub struct Event {
    /// The CloudEvents attributes.
    pub envelope: Envelope,
    /// The typed data.
    pub data: Data,
    /// The data as it was posted.
    data_json: Box<RawValue>,
    /// Where the data stood in the posted body.
    data_pointer: String,
    /// The trace of the request that brought the event.
    request_trace: Option<[u8; 16]>,
}

impl Event {
    /// When it happened, epoch milliseconds: the `now` of its cases.
    pub fn now(&self) -> InstantMs {
        self.envelope.time
    }

    /// The kinds that decide on this event: those bound to its type whose object is in its data. None: the event is only
    /// recorded.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        self.envelope.event_type.kinds().iter().copied().filter(|kind| match kind {
            Kind::AfterSale => self.data.after_sale.is_some() && self.data.order.is_some(),
            Kind::Delay => self.data.delay.is_some(),
            Kind::Blacklist => self.data.blacklist.is_some(),
            Kind::Reply => self.data.reply.is_some(),
        })
    }

    /// The id of the decision of `kind` on this event.
    pub fn decision_id(&self, merchant: &MerchantId, kind: Kind) -> DecisionId {
        DecisionId::derive(merchant, &self.envelope.key, kind)
    }

    /// The data as it was posted, as JSON text.
    pub fn data_json(&self) -> &str {
        self.data_json.get()
    }

    /// Where the data stood in the posted body, as a JSON pointer.
    pub fn data_pointer(&self) -> &str {
        &self.data_pointer
    }

    /// The event as a request with this `traceparent` brought it.
    pub fn brought_by(mut self, traceparent: Option<&str>) -> Self {
        self.request_trace = traceparent.and_then(trace::trace_bytes);
        self
    }

    /// The W3C trace the event belongs to: its own extension `traceparent`, or the trace of the request that brought it.
    pub fn trace_id(&self) -> Option<[u8; 16]> {
        self.envelope.extension("traceparent").and_then(trace::trace_bytes).or(self.request_trace)
    }

    /// The bytes by which two deliveries of one event are compared: `type`, `time` and `data` in canonical JSON, whatever
    /// the transport mode, the order of members, white space and escapes. Extension attributes do not count: a redelivery
    /// may carry another trace.
    pub fn canonical(&self) -> Vec<u8> {
        canonical::bytes(self.envelope.event_type, self.envelope.time, self.data_json())
    }

    /// The event as a structured CloudEvent, however it came: what the record keeps.
    pub fn to_structured(&self) -> String {
        let envelope = &self.envelope;
        let event = Structured {
            specversion: "1.0",
            id: envelope.key.id(),
            source: envelope.key.source(),
            event_type: envelope.event_type.as_str(),
            time: &envelope.time_text,
            subject: envelope.subject.as_deref(),
            dataschema: envelope.dataschema.as_deref(),
            datacontenttype: "application/json",
            extensions: envelope.extensions.iter().map(|(name, value)| (name.as_str(), value)).collect(),
            data: &self.data_json,
        };
        let mut text = Vec::with_capacity(self.data_json.get().len() + ENVELOPE_BYTES);
        match serde_json::to_writer(&mut text, &event) {
            // A serializer writes text.
            Ok(()) => String::from_utf8(text).unwrap_or_default(),
            // Strings, integers and JSON that was read before: there is nothing in it that could fail to be written.
            Err(_) => String::new(),
        }
    }
}

/// Bytes of an envelope with its usual attributes.
const ENVELOPE_BYTES: usize = 512;

/// An event in structured mode, as it is written.
#[derive(Serialize)]
struct Structured<'a> {
    specversion: &'a str,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    time: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataschema: Option<&'a str>,
    datacontenttype: &'a str,
    #[serde(flatten)]
    extensions: std::collections::BTreeMap<&'a str, &'a Extension>,
    data: &'a RawValue,
}

#[cfg(test)]
pub(crate) mod tests;
