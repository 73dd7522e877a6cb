//! The numbers of the fields and their bounds; the table of the format is in the folder's `mod.rs`. Numbers are never used again for
//! something else.

pub(super) const FORMAT: u64 = 0;
pub(super) const MERCHANT: u64 = 1;
pub(super) const SEQ: u64 = 2;
pub(super) const ENTRY: u64 = 3;
pub(super) const RECEIVED_AT: u64 = 4;
pub(super) const TRACE_ID: u64 = 5;
pub(super) const EVENT_KEY: u64 = 6;
pub(super) const EVENT_TYPE: u64 = 7;
pub(super) const EVENT_TIME: u64 = 8;
pub(super) const DECISION_ID: u64 = 9;
pub(super) const KIND: u64 = 10;
pub(super) const POLICY_NAME: u64 = 11;
pub(super) const POLICY_VERSION: u64 = 12;
pub(super) const CONTRACT: u64 = 13;
pub(super) const POLICY_CALL: u64 = 14;
pub(super) const GUARDRAIL_CALL: u64 = 15;
pub(super) const ENGINE_PROFILE: u64 = 16;
pub(super) const WASMTIME: u64 = 17;
pub(super) const FAULT: u64 = 18;
pub(super) const OUTCOME: u64 = 19;
pub(super) const AMOUNTS: u64 = 20;
pub(super) const CAPS: u64 = 21;
pub(super) const ACT_ID: u64 = 22;
pub(super) const ACT: u64 = 23;
pub(super) const ACTOR: u64 = 24;
pub(super) const DETACHED: u64 = 25;
pub(super) const BESIDE: u64 = 26;
/// How many numbers there are.
pub(super) const COUNT: usize = 27;

/// Numbers of the entry kinds.
pub(super) const DECISION: u64 = 0;
pub(super) const EVENT: u64 = 1;
pub(super) const ADMINISTRATIVE_ACT: u64 = 2;

/// Bytes of names, types and ids.
pub(super) const TEXT_MAX: usize = 256;
/// Bytes of outcomes, versions of software and names of limits.
pub(super) const SHORT_TEXT_MAX: usize = 64;
/// Bytes of a cap's name.
pub(super) const CAP_MAX: usize = 16;

/// The name of a field in errors; none where the number is unknown.
pub(super) const fn name(key: u64) -> Option<&'static str> {
    Some(match key {
        FORMAT => "format",
        MERCHANT => "merchant",
        SEQ => "seq",
        ENTRY => "entry",
        RECEIVED_AT => "received_at_ms",
        TRACE_ID => "trace_id",
        EVENT_KEY => "event.key",
        EVENT_TYPE => "event.event_type",
        EVENT_TIME => "event.time_ms",
        DECISION_ID => "id",
        KIND => "kind",
        POLICY_NAME => "policy.name",
        POLICY_VERSION => "policy.version",
        CONTRACT => "policy.contract",
        POLICY_CALL => "policy.call",
        GUARDRAIL_CALL => "guardrail",
        ENGINE_PROFILE => "engine.profile",
        WASMTIME => "engine.wasmtime",
        FAULT => "fault",
        OUTCOME => "outcome",
        AMOUNTS => "amounts",
        CAPS => "caps",
        ACT_ID => "act.id",
        ACT => "act.act",
        ACTOR => "act.actor",
        DETACHED => "detached",
        BESIDE => "beside",
        _ => return None,
    })
}
