//! How strong the evidence is (E of domain policies 5.1.1). An item whose chain is broken counts for nothing, for either side.

use crate::contract::types::{Evidence, EvidenceKind, InstantMs, Strength};

/// E: the strongest item that is intact; `None` without one.
pub fn strength(evidence: &[Evidence]) -> Option<Strength> {
    evidence.iter().filter(|item| item.intact).map(|item| item.strength).max()
}

/// E is moderate or strong.
pub fn convincing(evidence: &[Evidence]) -> bool {
    strength(evidence) >= Some(Strength::Moderate)
}

/// A strong and intact item of one of these kinds.
pub fn strong(evidence: &[Evidence], kinds: &[EvidenceKind]) -> bool {
    evidence.iter().any(|item| item.intact && item.strength == Strength::Strong && kinds.contains(&item.kind))
}

/// When the first item of at least moderate strength was captured, if any says so (AS-311b).
pub fn first_convincing_capture(evidence: &[Evidence]) -> Option<InstantMs> {
    evidence.iter().filter(|item| item.intact && item.strength >= Strength::Moderate).filter_map(|item| item.captured_at).min()
}
