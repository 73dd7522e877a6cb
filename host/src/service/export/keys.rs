//! The data key that goes with an exported record.

use ombud_ledger::bundle::Key;
use ombud_ledger::keys::DataKey;
use ombud_ledger::seal::UnsealError;
use ombud_ledger::{Header, bundle::Manifest};
use ombud_store::{ExportRow, Reads};

use crate::service::vault::{SubjectId, Vault};

/// The key of a record's bodies, or why there is none.
pub(super) fn key_of(reads: &dyn Reads, vault: &Vault, manifest: &Manifest, row: &ExportRow, header: Option<&Header>) -> Key {
    if row.sealed.as_ref().is_none_or(Vec::is_empty) {
        return Key::None;
    }
    if manifest.masked {
        return Key::Masked;
    }
    let sealed = row.sealed.as_deref().unwrap_or_default();
    let customer = row.customer.clone().map(SubjectId::Customer);
    let ticket = row.ticket.clone().map(SubjectId::Ticket);
    let mut missing = false;
    let mut listed = None;
    for subject in customer.clone().into_iter().chain(ticket).chain([SubjectId::Merchant]) {
        let key = match vault.open(&manifest.merchant, &subject, reads) {
            Ok(Some(key)) => key,
            Ok(None) => {
                // A listed customer has a key, or the ticket's has: erased ones are not listed any more.
                missing |= Some(&subject) == customer.as_ref();
                continue;
            }
            Err(_) => {
                missing = true;
                continue;
            }
        };
        let own = || Key::Data(DataKey::from_bytes(*key.bytes()));
        match header.map(|header| header.open(Some(&key), sealed)) {
            Some(Err(UnsealError::WrongKey)) if Some(&subject) == customer.as_ref() => listed = Some(own()),
            Some(Err(UnsealError::WrongKey)) => {}
            // Damage is not the key's: it goes along, so that the damage is what is named.
            Some(_) | None => return own(),
        }
    }
    // A listed customer's key that does not open is given, so that this is what is named.
    listed.unwrap_or(if missing { Key::Missing } else { Key::Erased })
}
