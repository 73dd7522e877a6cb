//! Cells as they are, damaged or not: text that is not UTF-8 is read with its bad bytes replaced, and so differs from what it
//! is compared with; bytes of another length are no digest.

use ombud_ledger::Digest;
use rusqlite::Row;
use rusqlite::types::ValueRef;

/// A text, or none.
pub(super) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => None,
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
    })
}

/// Bytes; none where there are none.
pub(super) fn bytes<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<Option<&'r [u8]>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => Some(bytes),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => None,
    })
}

/// A digest; none where the cell has not the bytes of one.
pub(super) fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Digest>> {
    Ok(bytes(row, column)?.and_then(|bytes| bytes.try_into().ok()).map(Digest))
}

/// A number that cannot be negative; none where the cell has no such number.
pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Integer(number) => u64::try_from(number).ok(),
        _ => None,
    })
}

/// A number, or none.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<i64>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Integer(number) => Some(number),
        _ => None,
    })
}
