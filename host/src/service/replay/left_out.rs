//! What a replay would not meet because of how it is listed. The listing finds records quickly, and nobody has signed it: whoever changes
//! one word of it takes a decision out of every list. So the headers that are left out for what their listing says are looked at as well, and
//! a decision among them is damage. That costs some microseconds for each record that is no decision, and nothing for the others.

use std::ops::Range;

use ombud_core::ids::MerchantId;
use ombud_ledger::{Entry, Header, leaf_hash};
use ombud_store::{ListedHeader, Reads, Store as _, StoreError, Wanted};

use super::lanes::Replays;
use crate::replay::{Damage, ReplayReport};

/// For so long before and after a window headers are looked at: records stand in the log in the order in which they became durable, and no
/// request is under way for nearly as long.
const BESIDE_MS: i64 = 10 * 60_000;
/// Headers read at once on the way out of a window.
const HEADERS: u32 = 64;

impl Replays<'_> {
    /// The records between two places that are no decisions of the wanted time by their listing, and are by their header; and those of which
    /// that cannot be told. A ticket is sealed, so that nothing can be said of one.
    ///
    /// # Errors
    /// The store fails.
    pub fn left_out(self, merchant: &MerchantId, wanted: &Wanted) -> Result<Vec<ReplayReport>, StoreError> {
        if wanted.ticket.is_some() || wanted.seqs.is_empty() {
            return Ok(Vec::new());
        }
        let headers = self.store.read(|reads| reads.left_out(merchant, wanted))?;
        Ok(headers.iter().filter_map(|listed| report(merchant, wanted, listed)).collect())
    }
}

/// The report of a record that should have been met, or cannot be read.
fn report(merchant: &MerchantId, wanted: &Wanted, listed: &ListedHeader) -> Option<ReplayReport> {
    let header = match read(merchant, listed) {
        Ok(header) => header,
        Err(damage) => return Some(ReplayReport::damaged(String::new(), listed.seq, damage)),
    };
    let Entry::Decision(decision) = &header.entry else { return None };
    let at_ms = header.received_at_ms;
    let in_time = wanted.from_ms.is_none_or(|from| at_ms >= from) && wanted.to_ms.is_none_or(|to| at_ms < to);
    let is_wanted = in_time && (wanted.kinds.is_empty() || wanted.kinds.contains(&decision.kind));
    let what = if listed.is_decision { "time of receipt" } else { "entry" };
    is_wanted.then(|| ReplayReport::damaged(decision.id.to_string(), listed.seq, Damage::Listed(what)))
}

/// The header of a place of the log.
fn read(merchant: &MerchantId, listed: &ListedHeader) -> Result<Header, Damage> {
    let bytes = listed.header.as_deref().ok_or(Damage::Missing(listed.seq))?;
    if leaf_hash(bytes) != listed.leaf {
        return Err(Damage::Leaf);
    }
    let header = Header::decode(bytes)?;
    if header.merchant != *merchant || header.seq != listed.seq {
        return Err(Damage::Place { merchant: header.merchant, seq: header.seq });
    }
    Ok(header)
}

/// The places at which a window's records may stand: those that the listing gives, and from there on outwards until a header was received long
/// before or after it. Without an end in time it is the log's.
pub(super) fn places_of_window(
    reads: &dyn Reads,
    merchant: &MerchantId,
    (from_ms, to_ms): (Option<i64>, Option<i64>),
    records: u64,
) -> Result<Range<u64>, StoreError> {
    let listed = reads.received_in(merchant, from_ms, to_ms)?;
    let (mut start, mut end) = (listed.start.min(records), listed.end.min(records));
    let is = |header: &ListedHeader, is: &dyn Fn(i64) -> bool| read(merchant, header).is_ok_and(|header| is(header.received_at_ms));
    if let Some(from_ms) = from_ms {
        let is_outside = |at_ms| at_ms < from_ms.saturating_sub(BESIDE_MS);
        while start > 0 {
            let headers = reads.headers_before(merchant, start, HEADERS)?;
            let outside = headers.iter().find(|header| is(header, &is_outside));
            start = outside.map(|header| header.seq + 1).or(headers.last().map(|header| header.seq)).unwrap_or(0);
            if outside.is_some() {
                break;
            }
        }
    }
    if let Some(to_ms) = to_ms {
        let is_outside = |at_ms| at_ms >= to_ms.saturating_add(BESIDE_MS);
        while end < records {
            let headers = reads.headers_from(merchant, end, HEADERS)?;
            let outside = headers.iter().find(|header| is(header, &is_outside));
            let passed = outside.map(|header| header.seq).or(headers.last().map(|header| header.seq.saturating_add(1)));
            end = passed.unwrap_or(records).min(records);
            if outside.is_some() {
                break;
            }
        }
    }
    Ok(start..end.max(start))
}
