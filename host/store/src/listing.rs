//! Lists of entries: filters, pages and their cursors.

use ombud_core::ids::MerchantId;
use ombud_ledger::Digest;

use crate::StoreError;
use crate::ledger::EntryKind;

/// Entries of one page.
pub const PAGE_ENTRIES_MAX: u32 = 1000;

/// Which entries are wanted; an absent field fits every entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    pub entry: Option<EntryKind>,
    pub ticket: Option<String>,
    pub customer: Option<String>,
    pub kind: Option<String>,
    pub outcome: Option<String>,
    pub policy: Option<String>,
    /// CloudEvents `type`, or the act.
    pub event_type: Option<String>,
    /// Received at or after, epoch milliseconds.
    pub from_ms: Option<i64>,
    /// Received before, epoch milliseconds.
    pub to_ms: Option<i64>,
}

impl std::hash::Hash for EntryKind {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

/// One entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedEntry {
    pub seq: u64,
    pub entry: EntryKind,
    pub decision: Option<[u8; 16]>,
    pub kind: Option<String>,
    pub outcome: Option<String>,
    pub policy: Option<String>,
    pub version: Option<String>,
    pub event_type: String,
    pub ticket: Option<String>,
    /// None where the customer was erased, too.
    pub customer: Option<String>,
    pub order: Option<String>,
    pub event_at_ms: Option<i64>,
    pub received_at_ms: i64,
    pub leaf: Digest,
}

/// One page of a list, newest first. A page may be short, even empty, and still have a next one: a rare filter is not
/// searched through the whole ledger at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub entries: Vec<ListedEntry>,
    /// Opaque: where the next page begins; none at the end.
    pub next: Option<String>,
}

/// Where a page begins: below this sequence number. Opaque outside, and bound to merchant and filter, so that a cursor of
/// another list is refused instead of giving a wrong page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub below: u64,
}

impl Cursor {
    pub(crate) fn write(self, merchant: &MerchantId, filter: &Filter) -> String {
        format!("{:016x}{:08x}", self.below, mark(merchant, filter))
    }

    pub(crate) fn read(text: &str, merchant: &MerchantId, filter: &Filter) -> Result<Self, StoreError> {
        let (below, mark_of) = text.split_at_checked(16).ok_or(StoreError::Cursor)?;
        let hex = |text: &str| u64::from_str_radix(text, 16).map_err(|_| StoreError::Cursor);
        let cursor = Self { below: hex(below)? };
        // Only the spelling that `write` gives, sign and case included.
        if hex(mark_of)? == u64::from(mark(merchant, filter)) && cursor.write(merchant, filter) == text {
            return Ok(cursor);
        }
        Err(StoreError::Cursor)
    }
}

fn mark(merchant: &MerchantId, filter: &Filter) -> u32 {
    let digest = Digest::of_parts(b"ombud cursor v1\0", &[merchant.as_str().as_bytes(), format!("{filter:?}").as_bytes()]);
    let [a, b, c, d, ..] = digest.0;
    u32::from_be_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_its_list() {
        let merchant = |text: &str| MerchantId::new(text).unwrap();
        let filter = Filter { ticket: Some("t1".into()), ..Filter::default() };
        let text = Cursor { below: 77 }.write(&merchant("m"), &filter);
        assert_eq!(Cursor::read(&text, &merchant("m"), &filter).unwrap(), Cursor { below: 77 });
        assert!(Cursor::read(&text, &merchant("n"), &filter).is_err());
        assert!(Cursor::read(&text, &merchant("m"), &Filter::default()).is_err());
        for bad in ["", "x", "退货退货退货退货", &text[1..], &format!("{text}0"), &text.to_uppercase()] {
            assert!(Cursor::read(bad, &merchant("m"), &filter).is_err(), "{bad}");
        }
    }
}
