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
use crate::unread::told;
use crate::{Digest, id};

pub(super) fn header(bytes: &[u8]) -> Result<Header, HeaderError> {
    if bytes.len() > HEADER_BYTES_MAX {
        return Err(HeaderError::TooLarge { bytes: bytes.len() });
    }
    let mut fields = Fields::read(bytes)?;
    let header = fields.take_header()?;
    if let Some(field) = fields.left() {
        return Err(HeaderError::Unexpected { field });
    }
    // The one check for every rule of the encoding: the same value, written again, gives the same bytes.
    if encode::is_written_as(&header, bytes)? { Ok(header) } else { Err(HeaderError::NotCanonical { field: differing(&header, bytes)? }) }
}

/// The field at which other bytes stand than would be written.
fn differing(header: &Header, bytes: &[u8]) -> Result<&'static str, HeaderError> {
    let canonical = encode::header(header)?;
    let Some(at) = canonical.iter().zip(bytes).position(|(written, read)| written != read) else { return Ok("header") };
    let mut field = "header";
    each_field(bytes, |key, start, _| {
        if start <= at {
            field = name(key);
        }
        Ok(())
    })?;
    Ok(field)
}

fn name(key: u64) -> &'static str {
    field::name(key).unwrap_or("header")
}

/// The fields' values as they stand in the bytes, by their keys, taken out one by one.
struct Fields<'b> {
    found: [Option<&'b [u8]>; field::COUNT],
}

/// Calls `each` with the key of every field, where it begins and the bytes of its value.
fn each_field<'b>(bytes: &'b [u8], mut each: impl FnMut(u64, usize, &'b [u8]) -> Result<(), HeaderError>) -> Result<(), HeaderError> {
    let malformed = |error: minicbor::decode::Error| HeaderError::Malformed { field: "header", detail: told(&error) };
    let mut decoder = Decoder::new(bytes);
    let count = decoder.map().map_err(malformed)?.ok_or(HeaderError::NotCanonical { field: "header" })?;
    let mut before = None;
    for _ in 0..count {
        let start = decoder.position();
        let key = decoder.u64().map_err(malformed)?;
        let field = field::name(key).ok_or(HeaderError::UnknownKey(key))?;
        if before.is_some_and(|before| before >= key) {
            return Err(HeaderError::NotCanonical { field });
        }
        before = Some(key);
        let value = decoder.position();
        decoder.skip().map_err(|error| HeaderError::Malformed { field, detail: told(&error) })?;
        each(key, start, bytes.get(value..decoder.position()).unwrap_or_default())?;
    }
    match bytes.len().saturating_sub(decoder.position()) {
        0 => Ok(()),
        trailing => Err(HeaderError::Trailing(trailing)),
    }
}

impl<'b> Fields<'b> {
    fn read(bytes: &'b [u8]) -> Result<Self, HeaderError> {
        let mut fields = Self { found: [None; field::COUNT] };
        let mut first = true;
        each_field(bytes, |key, _, value| {
            // The format says how to read the rest, so it is looked at before the rest.
            if std::mem::take(&mut first) {
                return format(key, value);
            }
            if let Some(place) = usize::try_from(key).ok().and_then(|key| fields.found.get_mut(key)) {
                *place = Some(value);
            }
            Ok(())
        })?;
        Ok(fields)
    }

    /// A field that nobody took.
    fn left(&self) -> Option<&'static str> {
        (0_u64..).zip(&self.found).find_map(|(key, value)| value.is_some().then(|| name(key)))
    }

    /// Takes a field and reads it; `read` answers none where the value has another type or range.
    fn optional_as<T>(
        &mut self,
        key: u64,
        expected: &str,
        read: impl FnOnce(&mut Decoder<'b>) -> Option<T>,
    ) -> Result<Option<T>, HeaderError> {
        let Some(value) = usize::try_from(key).ok().and_then(|key| self.found.get_mut(key)).and_then(Option::take) else {
            return Ok(None);
        };
        let mut decoder = Decoder::new(value);
        match read(&mut decoder) {
            Some(read) if decoder.position() == value.len() => Ok(Some(read)),
            _ => Err(HeaderError::Malformed { field: name(key), detail: format!("expected {expected}") }),
        }
    }

    fn required_as<T>(&mut self, key: u64, expected: &str, read: impl FnOnce(&mut Decoder<'b>) -> Option<T>) -> Result<T, HeaderError> {
        self.optional_as(key, expected, read)?.ok_or(HeaderError::Missing { field: name(key) })
    }

    fn text(&mut self, key: u64) -> Result<String, HeaderError> {
        self.required_as(key, "a text", owned)
    }

    fn digest(&mut self, key: u64) -> Result<Digest, HeaderError> {
        self.required_as(key, "32 bytes", digest)
    }

    fn take_header(&mut self) -> Result<Header, HeaderError> {
        Ok(Header {
            merchant: self.required_as(field::MERCHANT, MerchantId::ALLOWED, |from| MerchantId::new(text(from)?).ok())?,
            seq: self.required_as(field::SEQ, "an unsigned integer of 64 bits", unsigned)?,
            received_at_ms: self.required_as(field::RECEIVED_AT, "an integer of 64 bits", signed)?,
            trace_id: self.optional_as(field::TRACE_ID, "16 bytes", array)?,
            entry: match self.required_as(field::ENTRY, "an entry kind, 0 to 2", unsigned)? {
                field::DECISION => Entry::Decision(Box::new(self.take_decision()?)),
                field::EVENT => Entry::Event(self.take_event()?),
                field::ADMINISTRATIVE_ACT => Entry::Act(ActEntry {
                    id: self.required_as(field::ACT_ID, "16 bytes", array)?,
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
            time_ms: self.required_as(field::EVENT_TIME, "an integer of 64 bits", signed)?,
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
            id: self.required_as(field::DECISION_ID, "16 bytes", |from| id::decision_id(&array(from)?).ok())?,
            kind: self.required_as(field::KIND, "a kind", |from| Kind::parse(text(from)?))?,
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

/// The first field: the format that this version reads.
fn format(key: u64, value: &[u8]) -> Result<(), HeaderError> {
    if key != field::FORMAT {
        return Err(HeaderError::Missing { field: "format" });
    }
    match Decoder::new(value).u64() {
        Ok(FORMAT_VERSION) => Ok(()),
        Ok(other) => Err(HeaderError::Format(other)),
        Err(_) => Err(HeaderError::Malformed { field: "format", detail: "not an unsigned integer".to_owned() }),
    }
}

fn text<'b>(from: &mut Decoder<'b>) -> Option<&'b str> {
    from.str().ok()
}

fn owned(from: &mut Decoder<'_>) -> Option<String> {
    text(from).map(str::to_owned)
}

fn array<const N: usize>(from: &mut Decoder<'_>) -> Option<[u8; N]> {
    from.bytes().ok()?.try_into().ok()
}

fn digest(from: &mut Decoder<'_>) -> Option<Digest> {
    array(from).map(Digest)
}

fn unsigned(from: &mut Decoder<'_>) -> Option<u64> {
    from.u64().ok()
}

fn signed(from: &mut Decoder<'_>) -> Option<i64> {
    from.i64().ok()
}

/// The head of a list of so many items.
fn list_of(from: &mut Decoder<'_>, count: u64) -> Option<()> {
    (from.array().ok()?? == count).then_some(())
}

/// Null, or what `read` reads.
fn or_null<'b, T>(from: &mut Decoder<'b>, read: impl FnOnce(&mut Decoder<'b>) -> Option<T>) -> Option<Option<T>> {
    if from.datatype().ok()? == Type::Null {
        from.null().ok()?;
        return Some(None);
    }
    read(from).map(Some)
}

/// A list of any number of items.
fn list<'b, T>(from: &mut Decoder<'b>, read: impl Fn(&mut Decoder<'b>) -> Option<T>) -> Option<Vec<T>> {
    let count = from.array().ok()??;
    (0..count).map(|_| read(from)).collect()
}

fn detached(from: &mut Decoder<'_>) -> Option<Detached> {
    list_of(from, 3)?;
    Some(Detached { sealed_len: from.u32().ok()?, sealed: digest(from)?, bodies: list(from, body)? })
}

fn body(from: &mut Decoder<'_>) -> Option<BodyCommitment> {
    list_of(from, 3)?;
    let kind = from.u8().ok()?;
    let kind = BodyKind::ALL.into_iter().find(|known| *known as u8 == kind)?;
    Some(BodyCommitment { kind, len: from.u32().ok()?, plain: digest(from)? })
}

fn call(from: &mut Decoder<'_>) -> Option<Call> {
    list_of(from, 3)?;
    bare_call(from)
}

fn bare_call(from: &mut Decoder<'_>) -> Option<Call> {
    Some(Call { component: digest(from)?, settings: digest(from)?, fuel: unsigned(from)? })
}

fn beside(from: &mut Decoder<'_>) -> Option<BesideCall> {
    list_of(from, 7)?;
    let policy = PolicyCall { name: owned(from)?, version: owned(from)?, contract: owned(from)?, call: bare_call(from)? };
    Some(BesideCall { policy, guardrail: or_null(from, call)? })
}

fn fault(from: &mut Decoder<'_>) -> Option<Fault> {
    list_of(from, 3)?;
    Some(Fault {
        of: match text(from)? {
            "policy" => FaultOf::Policy,
            "guardrail" => FaultOf::Guardrail,
            _ => return None,
        },
        code: {
            let code = text(from)?;
            FaultCode::ALL.into_iter().find(|known| known.as_str() == code)?
        },
        limit: or_null(from, owned)?,
    })
}

fn amounts(from: &mut Decoder<'_>) -> Option<Amounts> {
    list_of(from, 4)?;
    Some(Amounts { refund: signed(from)?, cash: signed(from)?, coupon: signed(from)?, currency: Currency::new(text(from)?).ok()? })
}

fn caps(from: &mut Decoder<'_>) -> Option<Caps> {
    list_of(from, 3)?;
    Some(Caps { used: windows(from)?, limits: windows(from)?, breaches: list(from, owned)? })
}

fn windows(from: &mut Decoder<'_>) -> Option<Windows> {
    list_of(from, 6)?;
    Some(Windows {
        order_refund: signed(from)?,
        order_goodwill: signed(from)?,
        customer_24h_refund: signed(from)?,
        customer_24h_goodwill: signed(from)?,
        merchant_day_refund: signed(from)?,
        merchant_day_goodwill: signed(from)?,
    })
}
