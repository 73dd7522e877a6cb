//! Writes a header.

use minicbor::Encoder;
use minicbor::encode::{Error, Write};

use super::fields as field;
use super::{
    BODIES_MAX, BREACHES_MAX, BesideCall, Call, Entry, EventEntry, FORMAT_VERSION, HEADER_BYTES_MAX, Header, HeaderError, PolicyCall,
    Windows,
};
use crate::id;

/// The usual header; one allocation is enough for it.
const USUAL_BYTES: usize = 1024;

pub(super) fn header(header: &Header) -> Result<Vec<u8>, HeaderError> {
    check(header)?;
    let mut out = Fields { encoder: Encoder::new(Vec::with_capacity(USUAL_BYTES)), count: 0 };
    // A writer that cannot fail leaves minicbor nothing to report.
    write(header, &mut out).map_err(|error| HeaderError::Malformed { field: "header", detail: error.to_string() })?;
    let fields = out.encoder.writer();
    let mut bytes = Vec::with_capacity(fields.len() + 2);
    bytes.extend(head(out.count));
    bytes.extend(fields);
    if bytes.len() > HEADER_BYTES_MAX {
        return Err(HeaderError::TooLarge { bytes: bytes.len() });
    }
    Ok(bytes)
}

/// Whether [`header`] would give exactly these bytes, without writing them.
///
/// # Errors
/// The header cannot be written at all.
pub(super) fn is_written_as(header: &Header, bytes: &[u8]) -> Result<bool, HeaderError> {
    check(header)?;
    // Which of the two it is shows when the fields are counted.
    let head_bytes = if bytes.first() == Some(&LONG_HEAD) { 2 } else { 1 };
    let (given, fields) = bytes.split_at_checked(head_bytes).unwrap_or((bytes, &[]));
    let mut out = Fields { encoder: Encoder::new(Same { rest: fields }), count: 0 };
    let same = write(header, &mut out).is_ok() && out.encoder.writer().rest.is_empty();
    Ok(same && given.iter().copied().eq(head(out.count)))
}

/// The head of a map with its number of fields in a byte of its own.
const LONG_HEAD: u8 = 0xb8;

/// The head of a map (major type 5) with its number of fields, which are never more than 255.
fn head(count: u8) -> impl Iterator<Item = u8> {
    let (head, bytes) = match count {
        0..=23 => ([0xa0 | count, 0], 1),
        _ => ([LONG_HEAD, count], 2),
    };
    head.into_iter().take(bytes)
}

/// Takes what is written only where the same bytes come next.
struct Same<'b> {
    rest: &'b [u8],
}

/// Others come next.
struct Differs;

impl Write for Same<'_> {
    type Error = Differs;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Differs> {
        self.rest = self.rest.strip_prefix(bytes).ok_or(Differs)?;
        Ok(())
    }
}

/// Counts the fields while they are written.
struct Fields<W> {
    encoder: Encoder<W>,
    count: u8,
}

type Written<W> = Result<(), Error<<W as Write>::Error>>;

impl<W: Write> Fields<W> {
    fn key(&mut self, key: u64) -> Result<&mut Encoder<W>, Error<W::Error>> {
        self.count += 1;
        self.encoder.u64(key)
    }

    fn text(&mut self, key: u64, text: &str) -> Written<W> {
        self.key(key)?.str(text)?;
        Ok(())
    }

    fn bytes(&mut self, key: u64, bytes: &[u8]) -> Written<W> {
        self.key(key)?.bytes(bytes)?;
        Ok(())
    }

    fn call(&mut self, key: u64, call: &Call) -> Written<W> {
        self.key(key)?.array(3)?.bytes(&call.component.0)?.bytes(&call.settings.0)?.u64(call.fuel)?;
        Ok(())
    }
}

fn write<W: Write>(header: &Header, out: &mut Fields<W>) -> Written<W> {
    out.key(field::FORMAT)?.u64(FORMAT_VERSION)?;
    out.text(field::MERCHANT, header.merchant.as_str())?;
    out.key(field::SEQ)?.u64(header.seq)?;
    out.key(field::ENTRY)?.u64(match header.entry {
        Entry::Decision(_) => field::DECISION,
        Entry::Event(_) => field::EVENT,
        Entry::Act(_) => field::ADMINISTRATIVE_ACT,
    })?;
    out.key(field::RECEIVED_AT)?.i64(header.received_at_ms)?;
    if let Some(trace) = &header.trace_id {
        out.bytes(field::TRACE_ID, trace)?;
    }
    write_entry(&header.entry, out)?;
    if let Some(detached) = &header.detached {
        let encoder = out.key(field::DETACHED)?;
        encoder.array(3)?.u32(detached.sealed_len)?.bytes(&detached.sealed.0)?.array(detached.bodies.len() as u64)?;
        for body in &detached.bodies {
            encoder.array(3)?.u8(body.kind as u8)?.u32(body.len)?.bytes(&body.plain.0)?;
        }
    }
    match &header.entry {
        Entry::Decision(decision) => decision.beside.as_ref().map_or(Ok(()), |beside| write_beside(beside, out)),
        Entry::Event(_) | Entry::Act(_) => Ok(()),
    }
}

fn write_beside<W: Write>(beside: &BesideCall, out: &mut Fields<W>) -> Written<W> {
    let PolicyCall { name, version, contract, call } = &beside.policy;
    let encoder = out.key(field::BESIDE)?.array(7)?.str(name)?.str(version)?.str(contract)?;
    encoder.bytes(&call.component.0)?.bytes(&call.settings.0)?.u64(call.fuel)?;
    match &beside.guardrail {
        Some(call) => encoder.array(3)?.bytes(&call.component.0)?.bytes(&call.settings.0)?.u64(call.fuel)?,
        None => encoder.null()?,
    };
    Ok(())
}

fn write_entry<W: Write>(entry: &Entry, out: &mut Fields<W>) -> Written<W> {
    let decision = match entry {
        Entry::Event(event) => return write_event(event, out),
        Entry::Act(act) => {
            out.bytes(field::ACT_ID, &act.id)?;
            out.text(field::ACT, &act.act)?;
            return out.text(field::ACTOR, &act.actor);
        }
        Entry::Decision(decision) => decision,
    };
    write_event(&decision.event, out)?;
    out.bytes(field::DECISION_ID, &id::decision_bytes(&decision.id))?;
    out.text(field::KIND, decision.kind.as_str())?;
    if let Some(policy) = &decision.policy {
        out.text(field::POLICY_NAME, &policy.name)?;
        out.text(field::POLICY_VERSION, &policy.version)?;
        out.text(field::CONTRACT, &policy.contract)?;
        out.call(field::POLICY_CALL, &policy.call)?;
    }
    if let Some(call) = &decision.guardrail {
        out.call(field::GUARDRAIL_CALL, call)?;
    }
    out.bytes(field::ENGINE_PROFILE, &decision.engine.profile.0)?;
    out.text(field::WASMTIME, &decision.engine.wasmtime)?;
    if let Some(fault) = &decision.fault {
        let of = match fault.of {
            ombud_core::fault::FaultOf::Policy => "policy",
            ombud_core::fault::FaultOf::Guardrail => "guardrail",
        };
        let encoder = out.key(field::FAULT)?.array(3)?.str(of)?.str(fault.code.as_str())?;
        match &fault.limit {
            Some(limit) => encoder.str(limit)?,
            None => encoder.null()?,
        };
    }
    out.text(field::OUTCOME, &decision.outcome)?;
    let amounts = &decision.amounts;
    out.key(field::AMOUNTS)?.array(4)?.i64(amounts.refund)?.i64(amounts.cash)?.i64(amounts.coupon)?.str(amounts.currency.as_str())?;
    let encoder = out.key(field::CAPS)?;
    encoder.array(3)?;
    windows(encoder, &decision.caps.used)?;
    windows(encoder, &decision.caps.limits)?;
    encoder.array(decision.caps.breaches.len() as u64)?;
    for cap in &decision.caps.breaches {
        encoder.str(cap)?;
    }
    Ok(())
}

fn write_event<W: Write>(event: &EventEntry, out: &mut Fields<W>) -> Written<W> {
    out.bytes(field::EVENT_KEY, &event.key.0)?;
    out.text(field::EVENT_TYPE, &event.event_type)?;
    out.key(field::EVENT_TIME)?.i64(event.time_ms)?;
    Ok(())
}

fn windows<W: Write>(encoder: &mut Encoder<W>, windows: &Windows) -> Written<W> {
    encoder.array(6)?;
    for amount in [
        windows.order_refund,
        windows.order_goodwill,
        windows.customer_24h_refund,
        windows.customer_24h_goodwill,
        windows.merchant_day_refund,
        windows.merchant_day_goodwill,
    ] {
        encoder.i64(amount)?;
    }
    Ok(())
}

/// Refuses fields beyond their bounds and bodies that are not in ascending order of their kind. The decoder ends with the
/// same check, so that nothing can be read that could not be written.
pub(super) fn check(header: &Header) -> Result<(), HeaderError> {
    match &header.entry {
        Entry::Event(event) => text(field::EVENT_TYPE, &event.event_type, field::TEXT_MAX)?,
        Entry::Act(act) => {
            text(field::ACT, &act.act, field::TEXT_MAX)?;
            text(field::ACTOR, &act.actor, field::TEXT_MAX)?;
        }
        Entry::Decision(decision) => {
            text(field::EVENT_TYPE, &decision.event.event_type, field::TEXT_MAX)?;
            if let Some(policy) = &decision.policy {
                text(field::POLICY_NAME, &policy.name, field::TEXT_MAX)?;
                text(field::POLICY_VERSION, &policy.version, field::TEXT_MAX)?;
                text(field::CONTRACT, &policy.contract, field::SHORT_TEXT_MAX)?;
            }
            if let Some(BesideCall { policy, .. }) = &decision.beside {
                text(field::BESIDE, &policy.name, field::TEXT_MAX)?;
                text(field::BESIDE, &policy.version, field::TEXT_MAX)?;
                text(field::BESIDE, &policy.contract, field::SHORT_TEXT_MAX)?;
            }
            text(field::WASMTIME, &decision.engine.wasmtime, field::SHORT_TEXT_MAX)?;
            if let Some(limit) = decision.fault.as_ref().and_then(|fault| fault.limit.as_ref()) {
                text(field::FAULT, limit, field::SHORT_TEXT_MAX)?;
            }
            text(field::OUTCOME, &decision.outcome, field::SHORT_TEXT_MAX)?;
            items(field::CAPS, decision.caps.breaches.len(), BREACHES_MAX)?;
            for cap in &decision.caps.breaches {
                text(field::CAPS, cap, field::CAP_MAX)?;
            }
        }
    }
    let Some(detached) = &header.detached else { return Ok(()) };
    items(field::DETACHED, detached.bodies.len(), BODIES_MAX)?;
    if detached.bodies.is_sorted_by(|one, next| one.kind < next.kind) {
        return Ok(());
    }
    Err(HeaderError::Malformed { field: "detached", detail: "the bodies are not in ascending order of their kinds".to_owned() })
}

fn text(key: u64, text: &str, max: usize) -> Result<(), HeaderError> {
    if text.len() <= max {
        return Ok(());
    }
    Err(HeaderError::TooLong { field: field::name(key).unwrap_or("header"), bytes: text.len(), max })
}

fn items(key: u64, count: usize, max: usize) -> Result<(), HeaderError> {
    if count <= max {
        return Ok(());
    }
    Err(HeaderError::TooMany { field: field::name(key).unwrap_or("header"), count, max })
}
