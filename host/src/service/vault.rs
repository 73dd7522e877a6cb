//! Data keys of customers and tickets: drawn at the first record, kept wrapped, remembered for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ombud_core::ids::MerchantId;
use ombud_ledger::keys::{DataKey, KeyError, MasterKey, Subject};
use ombud_store::{Reads, StoreError, SubjectKey};

/// Keys remembered at the same time.
const REMEMBERED_KEYS_MAX: usize = 10_000;

/// Whose key it is, owned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SubjectId {
    /// A customer.
    Customer(String),
    /// A ticket without a customer.
    Ticket(String),
    /// The merchant itself.
    Merchant,
}

impl SubjectId {
    /// As the ledger names it.
    pub fn as_subject(&self) -> Subject<'_> {
        match self {
            Self::Customer(customer) => Subject::Customer(customer),
            Self::Ticket(ticket) => Subject::Ticket(ticket),
            Self::Merchant => Subject::Merchant,
        }
    }
}

/// Under whose keys a record may be sealed, by its listing, in the order in which they are chosen when it is made.
pub fn subjects(customer: Option<String>, ticket: Option<String>) -> impl Iterator<Item = SubjectId> {
    customer.map(SubjectId::Customer).into_iter().chain(ticket.map(SubjectId::Ticket)).chain([SubjectId::Merchant])
}

/// A subject's key, and whether the store has it yet.
#[derive(Clone)]
pub struct SubjectSecret {
    /// The key.
    pub key: Arc<DataKey>,
    /// Its wrapped form, to be stored with the first record; none where the store has it.
    pub wrapped: Option<Vec<u8>>,
}

/// Opens and draws keys.
pub struct Vault {
    master: MasterKey,
    remembered: Mutex<HashMap<(MerchantId, SubjectId), Arc<DataKey>>>,
}

impl Vault {
    /// A vault under a master key.
    pub fn new(master: MasterKey) -> Self {
        Self { master, remembered: Mutex::default() }
    }

    /// The subject's key; none where it was erased and nothing of the subject can be opened again. What is read here is not
    /// remembered: within a group it may be a key of that group, which can still be rolled back.
    pub fn open(
        &self,
        merchant: &MerchantId,
        subject: &SubjectId,
        reads: &(impl Reads + ?Sized),
    ) -> Result<Option<Arc<DataKey>>, StoreError> {
        let id = (merchant.clone(), subject.clone());
        if let Some(key) = self.remembered().get(&id) {
            return Ok(Some(key.clone()));
        }
        match reads.subject_key(merchant, subject.as_subject())? {
            SubjectKey::None | SubjectKey::Erased { .. } => Ok(None),
            SubjectKey::Wrapped(wrapped) => self.opened(&wrapped, &id).map(Some),
        }
    }

    /// A subject's key from its wrapped form.
    pub fn unwrap(&self, merchant: &MerchantId, subject: &SubjectId, wrapped: &[u8]) -> Result<Arc<DataKey>, KeyError> {
        self.master.unwrap(wrapped, merchant, subject.as_subject()).map(Arc::new)
    }

    /// The subject's key, drawn if there is none yet; none where it was erased, for there is never a second one. `reads` sees
    /// committed groups only, so that a key found is remembered.
    pub fn open_or_draw(
        &self,
        merchant: &MerchantId,
        subject: &SubjectId,
        reads: &(impl Reads + ?Sized),
    ) -> Result<Option<SubjectSecret>, StoreError> {
        match reads.subject_key(merchant, subject.as_subject())? {
            SubjectKey::Erased { .. } => Ok(None),
            SubjectKey::Wrapped(wrapped) => {
                let id = (merchant.clone(), subject.clone());
                let remembered = self.remembered().get(&id).cloned();
                let key = match remembered {
                    Some(key) => key,
                    None => self.remember(id.clone(), self.opened(&wrapped, &id)?),
                };
                Ok(Some(SubjectSecret { key, wrapped: None }))
            }
            SubjectKey::None => {
                let key = DataKey::generate();
                let wrapped = self.master.wrap(&key, merchant, subject.as_subject());
                let wrapped = wrapped.map_err(|error| StoreError::Damaged(error.to_string()))?;
                Ok(Some(SubjectSecret { key: Arc::new(key), wrapped: Some(wrapped) }))
            }
        }
    }

    /// The key of the merchant itself, which is never erased, drawn if there is none yet.
    pub fn of_merchant(&self, merchant: &MerchantId, reads: &(impl Reads + ?Sized)) -> Result<SubjectSecret, StoreError> {
        let erased = || StoreError::Damaged(format!("the key of `{merchant}` itself was erased"));
        self.open_or_draw(merchant, &SubjectId::Merchant, reads)?.ok_or_else(erased)
    }

    fn opened(&self, wrapped: &[u8], (merchant, subject): &(MerchantId, SubjectId)) -> Result<Arc<DataKey>, StoreError> {
        self.unwrap(merchant, subject, wrapped).map_err(|error| StoreError::Damaged(error.to_string()))
    }

    /// Remembers a key that is durable.
    fn remember(&self, id: (MerchantId, SubjectId), key: Arc<DataKey>) -> Arc<DataKey> {
        let mut remembered = self.remembered();
        if remembered.len() >= REMEMBERED_KEYS_MAX {
            remembered.clear();
        }
        remembered.insert(id, key.clone());
        key
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<(MerchantId, SubjectId), Arc<DataKey>>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use ombud_store::{MerchantRow, SqliteStore, Store as _, Writer, WriterLimits};

    use super::*;

    #[test]
    fn a_key_is_remembered_only_once_it_is_durable() {
        let directory = tempfile::tempdir().unwrap();
        let (store, transactions) = SqliteStore::open(directory.path()).unwrap();
        let writer = Writer::start(transactions, WriterLimits::default(), |_| ()).unwrap();
        let (merchant, subject) = (MerchantId::new("m").unwrap(), SubjectId::Customer("c_1".into()));
        let row = MerchantRow { id: merchant.clone(), config: "{}".into(), created_at_ms: 1 };
        writer.wait(move |group| group.put_merchant(&row)).unwrap();
        let vault = Arc::new(Vault::new(MasterKey::generate()));
        let drawn = || store.read(|reads| vault.open_or_draw(&merchant, &subject, reads)).unwrap().unwrap();
        // Opens the key in the group that stores it, as a second event of a new customer does, and then fails or not.
        let stored = |secret: &SubjectSecret, fails: bool| {
            let (vault, merchant, subject, secret) = (vault.clone(), merchant.clone(), subject.clone(), secret.clone());
            let job = move |group: &mut dyn ombud_store::Group| {
                group.insert_subject_key(&merchant, subject.as_subject(), secret.wrapped.as_deref().unwrap(), 1)?;
                let opened = vault.open(&merchant, &subject, group)?.unwrap();
                assert_eq!(opened.bytes(), secret.key.bytes());
                if fails { Err(StoreError::Closed) } else { Ok(()) }
            };
            writer.wait(job)
        };
        let first = drawn();
        stored(&first, true).unwrap_err();
        let second = drawn();
        assert!(second.wrapped.is_some(), "the store has no key: what was rolled back must not be taken for it");
        assert_ne!(first.key.bytes(), second.key.bytes());
        stored(&second, false).unwrap();
        let third = drawn();
        assert_eq!((third.key.bytes(), &third.wrapped), (second.key.bytes(), &None));
        // From now on it is remembered.
        assert!(Arc::ptr_eq(&third.key, &drawn().key));
    }
}
