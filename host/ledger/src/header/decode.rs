//! Reads a header strictly: what is accepted is what would be written.

use minicbor::Decoder;
use minicbor::data::Type;
use ombud_core::fault::{FaultCode, FaultOf};
use ombud_core::ids::{Currency, MerchantId};
use ombud_core::kind::Kind;

use super::fields as field;
use super::{
    ActEntry, Amounts, BesideCall, BodyCommitment, BodyKind, Call, Caps, DecisionEntry, Detached, Engine, Entry, EventEntry,
    FORMAT_VERSION, Fault, HEADER_BYTES_MAX, Header, HeaderError, PolicyCall, Windows, encode,
};
use crate::{Digest, id};

pub(super) fn header(bytes: &[u8]) -> Result<Header, HeaderError> {
    if bytes.len() > HEADER_BYTES_MAX {
        return Err(HeaderError::TooLarge { bytes: bytes.len() });
    }
    let (mut fields, starts) = Fields::read(bytes)?;
    let header = fields.take_header()?;
    if let Some((key, _)) = fields.found.into_iter().next() {
        return Err(HeaderError::Unexpected { field: name(key) });
    }
    // The one check for every rule of the encoding: the same value, written again, gives the same bytes.
    let canonical = encode::header(&header)?;
    if let Some(at) = canonical.iter().zip(bytes).position(|(written, read)| written != read) {
        let key = starts.iter().take_while(|(_, start)| *start <= at).last();
        return Err(HeaderError::NotCanonical { field: key.map_or("header", |(key, _)| name(*key)) });
    }
    if canonical.len() != bytes.len() {
        return Err(HeaderError::NotCanonical { field: "header" });
    }
    Ok(header)
}

fn name(key: u64) -> &'static str {
    field::name(key).unwrap_or("header")
}

/// One value in the subset of CBOR that headers use.
#[derive(Debug)]
enum Value<'b> {
    Integer(i128),
    Text(&'b str),
    Bytes(&'b [u8]),
    Array(Vec<Value<'b>>),
    Null,
}

/// The map's fields in the order read, taken out one by one.
struct Fields<'b> {
    found: Vec<(u64, Value<'b>)>,
}

/// Fields of a decision's header, reserved at once: growing to them would copy them several times.
const USUAL_FIELDS: usize = 32;
/// Deeper than any field of a header nests.
const DEPTH_MAX: usize = 4;

impl<'b> Fields<'b> {
    /// The fields, and where each begins in the bytes.
    fn read(bytes: &'b [u8]) -> Result<(Self, Vec<(u64, usize)>), HeaderError> {
        let malformed = |error: minicbor::decode::Error| HeaderError::Malformed { field: "header", detail: error.to_string() };
        let mut decoder = Decoder::new(bytes);
        let count = decoder.map().map_err(malformed)?.ok_or(HeaderError::NotCanonical { field: "header" })?;
        let mut found = Vec::with_capacity(USUAL_FIELDS);
        let mut starts: Vec<(u64, usize)> = Vec::with_capacity(USUAL_FIELDS);
        for _ in 0..count {
            let start = decoder.position();
            let key = decoder.u64().map_err(malformed)?;
            let field = field::name(key).ok_or(HeaderError::UnknownKey(key))?;
            if starts.last().is_some_and(|(before, _)| *before >= key) {
                return Err(HeaderError::NotCanonical { field });
            }
            starts.push((key, start));
            let value = value(&mut decoder, DEPTH_MAX).map_err(|error| HeaderError::Malformed { field, detail: error.to_string() })?;
            // The format says how to read the rest, so it is looked at before the rest.
            match (key, &value) {
                (field::FORMAT, Value::Integer(format)) if *format == i128::from(FORMAT_VERSION) => {}
                (field::FORMAT, Value::Integer(format)) => return Err(HeaderError::Format(u64::try_from(*format).unwrap_or(u64::MAX))),
                (field::FORMAT, _) => return Err(HeaderError::Malformed { field, detail: "not an integer".to_owned() }),
                _ if starts.first().is_some_and(|(first, _)| *first != field::FORMAT) => {
                    return Err(HeaderError::Missing { field: "format" });
                }
                _ => found.push((key, value)),
            }
        }
        match bytes.len().saturating_sub(decoder.position()) {
            0 => Ok((Self { found }, starts)),
            trailing => Err(HeaderError::Trailing(trailing)),
        }
    }

    fn optional(&mut self, key: u64) -> Option<Value<'b>> {
        let at = self.found.iter().position(|(found, _)| *found == key)?;
        Some(self.found.remove(at).1)
    }

    /// Takes a field and reads it; `read` answers none where the value has another type or range.
    fn optional_as<T>(&mut self, key: u64, expected: &str, read: impl FnOnce(Value<'b>) -> Option<T>) -> Result<Option<T>, HeaderError> {
        let Some(value) = self.optional(key) else { return Ok(None) };
        match read(value) {
            Some(value) => Ok(Some(value)),
            None => Err(HeaderError::Malformed { field: name(key), detail: format!("expected {expected}") }),
        }
    }

    fn required_as<T>(&mut self, key: u64, expected: &str, read: impl FnOnce(Value<'b>) -> Option<T>) -> Result<T, HeaderError> {
        self.optional_as(key, expected, read)?.ok_or(HeaderError::Missing { field: name(key) })
    }

    fn text(&mut self, key: u64) -> Result<String, HeaderError> {
        self.required_as(key, "a text", |value| value.text().map(str::to_owned))
    }

    fn digest(&mut self, key: u64) -> Result<Digest, HeaderError> {
        self.required_as(key, "32 bytes", |value| value.array().map(Digest))
    }

    fn take_header(&mut self) -> Result<Header, HeaderError> {
        Ok(Header {
            merchant: self.required_as(field::MERCHANT, MerchantId::ALLOWED, |value| MerchantId::new(value.text()?).ok())?,
            seq: self.required_as(field::SEQ, "an unsigned integer of 64 bits", |value| value.integer())?,
            received_at_ms: self.required_as(field::RECEIVED_AT, "an integer of 64 bits", |value| value.integer())?,
            trace_id: self.optional_as(field::TRACE_ID, "16 bytes", |value| value.array())?,
            entry: match self.required_as(field::ENTRY, "an entry kind, 0 to 2", |value| value.integer::<u64>())? {
                field::DECISION => Entry::Decision(Box::new(self.take_decision()?)),
                field::EVENT => Entry::Event(self.take_event()?),
                field::ADMINISTRATIVE_ACT => Entry::Act(ActEntry {
                    id: self.required_as(field::ACT_ID, "16 bytes", |value| value.array())?,
                    act: self.text(field::ACT)?,
                    actor: self.text(field::ACTOR)?,
                }),
                other => return Err(HeaderError::Malformed { field: name(field::ENTRY), detail: format!("{other} is no entry kind") }),
            },
            detached: self.optional_as(field::DETACHED, "(length, digest, list of (kind, length, digest))", detached)?,
        })
    }

    fn take_event(&mut self) -> Result<EventEntry, HeaderError> {
        Ok(EventEntry {
            key: self.digest(field::EVENT_KEY)?,
            event_type: self.text(field::EVENT_TYPE)?,
            time_ms: self.required_as(field::EVENT_TIME, "an integer of 64 bits", |value| value.integer())?,
        })
    }

    fn take_decision(&mut self) -> Result<DecisionEntry, HeaderError> {
        const CALL: &str = "(component digest, settings digest, fuel)";
        let policy = match self.optional_as(field::POLICY_CALL, CALL, call)? {
            None => None,
            Some(call) => Some(PolicyCall {
                name: self.text(field::POLICY_NAME)?,
                version: self.text(field::POLICY_VERSION)?,
                contract: self.text(field::CONTRACT)?,
                call,
            }),
        };
        Ok(DecisionEntry {
            event: self.take_event()?,
            id: self.required_as(field::DECISION_ID, "16 bytes", |value| id::decision_id(&value.array()?).ok())?,
            kind: self.required_as(field::KIND, "a kind", |value| Kind::parse(value.text()?))?,
            policy,
            guardrail: self.optional_as(field::GUARDRAIL_CALL, CALL, call)?,
            beside: self.optional_as(
                field::BESIDE,
                "(name, version, contract, component, settings, fuel, guardrail's call or null)",
                beside,
            )?,
            engine: Engine { profile: self.digest(field::ENGINE_PROFILE)?, wasmtime: self.text(field::WASMTIME)? },
            fault: self.optional_as(field::FAULT, "(of, code, limit or null)", fault)?,
            outcome: self.text(field::OUTCOME)?,
            amounts: self.required_as(field::AMOUNTS, "(refund, cash, coupon, currency)", amounts)?,
            caps: self.required_as(field::CAPS, "(used, limits, breaches), six windows each", caps)?,
        })
    }
}

fn value<'b>(decoder: &mut Decoder<'b>, depth: usize) -> Result<Value<'b>, minicbor::decode::Error> {
    Ok(match decoder.datatype()? {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
            Value::Integer(decoder.int()?.into())
        }
        Type::String => Value::Text(decoder.str()?),
        Type::Bytes => Value::Bytes(decoder.bytes()?),
        Type::Null => {
            decoder.null()?;
            Value::Null
        }
        Type::Array if depth > 0 => {
            let count = decoder.array()?.ok_or_else(|| minicbor::decode::Error::message("length not given"))?;
            Value::Array((0..count).map(|_| value(decoder, depth - 1)).collect::<Result<_, _>>()?)
        }
        other => return Err(minicbor::decode::Error::message(format!("{other} is not used in headers"))),
    })
}

impl<'b> Value<'b> {
    fn text(&self) -> Option<&'b str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    fn integer<T: TryFrom<i128>>(&self) -> Option<T> {
        if let Self::Integer(integer) = self { T::try_from(*integer).ok() } else { None }
    }

    fn array<const N: usize>(&self) -> Option<[u8; N]> {
        if let Self::Bytes(bytes) = self { (*bytes).try_into().ok() } else { None }
    }

    fn list(self) -> Option<Vec<Value<'b>>> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    fn items<const N: usize>(self) -> Option<[Value<'b>; N]> {
        self.list()?.try_into().ok()
    }
}

fn detached(value: Value<'_>) -> Option<Detached> {
    let [sealed_len, sealed, bodies] = value.items()?;
    let bodies = bodies.list()?.into_iter().map(body).collect::<Option<_>>()?;
    Some(Detached { sealed_len: sealed_len.integer()?, sealed: Digest(sealed.array()?), bodies })
}

fn body(value: Value<'_>) -> Option<BodyCommitment> {
    let [kind, len, plain] = value.items()?;
    let kind: u8 = kind.integer()?;
    let kind = BodyKind::ALL.into_iter().find(|known| *known as u8 == kind)?;
    Some(BodyCommitment { kind, len: len.integer()?, plain: Digest(plain.array()?) })
}

fn call(value: Value<'_>) -> Option<Call> {
    let [component, settings, fuel] = value.items()?;
    Some(Call { component: Digest(component.array()?), settings: Digest(settings.array()?), fuel: fuel.integer()? })
}

fn beside(value: Value<'_>) -> Option<BesideCall> {
    let [name, version, contract, component, settings, fuel, guardrail] = value.items()?;
    Some(BesideCall {
        policy: PolicyCall {
            name: name.text()?.to_owned(),
            version: version.text()?.to_owned(),
            contract: contract.text()?.to_owned(),
            call: Call { component: Digest(component.array()?), settings: Digest(settings.array()?), fuel: fuel.integer()? },
        },
        guardrail: match guardrail {
            Value::Null => None,
            guardrail => Some(call(guardrail)?),
        },
    })
}

fn fault(value: Value<'_>) -> Option<Fault> {
    let [of, code, limit] = value.items()?;
    let (of, code) = (of.text()?, code.text()?);
    Some(Fault {
        of: match of {
            "policy" => FaultOf::Policy,
            "guardrail" => FaultOf::Guardrail,
            _ => return None,
        },
        code: FaultCode::ALL.into_iter().find(|known| known.as_str() == code)?,
        limit: match limit {
            Value::Null => None,
            limit => Some(limit.text()?.to_owned()),
        },
    })
}

fn amounts(value: Value<'_>) -> Option<Amounts> {
    let [refund, cash, coupon, currency] = value.items()?;
    Some(Amounts {
        refund: refund.integer()?,
        cash: cash.integer()?,
        coupon: coupon.integer()?,
        currency: Currency::new(currency.text()?).ok()?,
    })
}

fn caps(value: Value<'_>) -> Option<Caps> {
    let [used, limits, breaches] = value.items()?;
    let breaches = breaches.list()?.into_iter().map(|cap| Some(cap.text()?.to_owned())).collect::<Option<_>>()?;
    Some(Caps { used: windows(used)?, limits: windows(limits)?, breaches })
}

fn windows(value: Value<'_>) -> Option<Windows> {
    let amounts: [Value<'_>; 6] = value.items()?;
    let mut read = [0_i64; 6];
    for (into, amount) in read.iter_mut().zip(amounts) {
        *into = amount.integer()?;
    }
    let [order_refund, order_goodwill, customer_24h_refund, customer_24h_goodwill, merchant_day_refund, merchant_day_goodwill] = read;
    Some(Windows { order_refund, order_goodwill, customer_24h_refund, customer_24h_goodwill, merchant_day_refund, merchant_day_goodwill })
}
