//! How a record is listed, against its header. Ticket, customer and order are not in the header: the sealed bodies have them.

use ombud_core::ids::MerchantId;
use ombud_ledger::{Entry, Header, id};
use rusqlite::Row;

use super::cells::{bytes, number, text};

/// The columns that [`differences`] reads, from the second on; the first is the leaf's index.
pub(super) const COLUMNS: &str =
    "e.entry, e.decision_id, e.kind, e.outcome, e.policy, e.version, e.event_type, e.event_at_ms, e.received_at_ms";

/// What of a listing contradicts the header.
pub(super) fn differences(row: &Row<'_>, from: usize, header: &Header) -> rusqlite::Result<Vec<&'static str>> {
    let mut differences = Vec::new();
    let mut differs = |name: &'static str, differs: bool| differs.then(|| differences.push(name));
    let listed = |at: usize| text(row, from + at);
    let (entry, event_type, event_at_ms) = match &header.entry {
        Entry::Decision(decision) => ("decision", &decision.event.event_type, Some(decision.event.time_ms)),
        Entry::Event(event) => ("event", &event.event_type, Some(event.time_ms)),
        Entry::Act(act) => ("act", &act.act, None),
    };
    differs("entry", listed(0)?.as_deref() != Some(entry));
    differs("event type", listed(6)?.as_deref() != Some(event_type));
    differs("event time", number(row, from + 7)? != event_at_ms);
    differs("time of receipt", number(row, from + 8)? != Some(header.received_at_ms));
    match &header.entry {
        Entry::Decision(decision) => {
            differs("decision id", bytes(row, from + 1)? != Some(&id::decision_bytes(&decision.id)[..]));
            differs("kind", listed(2)?.as_deref() != Some(decision.kind.as_str()));
            differs("outcome", listed(3)?.as_deref() != Some(&decision.outcome));
            let policy = decision.policy.as_ref();
            differs("policy", listed(4)?.as_deref() != policy.map(|policy| policy.name.as_str()));
            differs("version", listed(5)?.as_deref() != policy.map(|policy| policy.version.as_str()));
        }
        Entry::Event(_) => {
            for (at, name) in [(2, "kind"), (3, "outcome"), (4, "policy"), (5, "version")] {
                differs(name, listed(at)?.is_some());
            }
            differs("decision id", bytes(row, from + 1)?.is_some());
        }
        // An act is found by kind and outcome of what it is on; its body says more.
        Entry::Act(_) => {
            for (at, name) in [(4, "policy"), (5, "version")] {
                differs(name, listed(at)?.is_some());
            }
            differs("decision id", bytes(row, from + 1)?.is_some());
        }
    }
    Ok(differences)
}

/// Whether a header stands at its place.
pub(super) fn is_at(header: &Header, merchant: &MerchantId, seq: u64) -> bool {
    header.merchant == *merchant && header.seq == seq
}
