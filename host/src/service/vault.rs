//! Data keys of customers and tickets: drawn at the first record, kept wrapped, remembered for a while.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use ombud_core::ids::MerchantId;
use ombud_ledger::keys::{DataKey, KeyError, MasterKey, Subject};
use ombud_store::{Group, Reads, StoreError, SubjectKey};

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

    /// The subject of a stored text ([`Subject`]'s display); none for the mark of an erased customer.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some(("customer", customer)) => Some(Self::Customer(customer.to_owned())),
            Some(("ticket", ticket)) => Some(Self::Ticket(ticket.to_owned())),
            None if text == "merchant" => Some(Self::Merchant),
            _ => None,
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

/// How many erasures there have been: a key that was read in an earlier epoch may be destroyed by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(u64);

/// The master key in force; beside it the one that is being replaced, which some data keys are wrapped with still.
#[derive(Clone)]
pub struct Masters {
    /// What data keys are wrapped with from now on.
    pub current: MasterKey,
    /// What others may be wrapped with.
    pub before: Option<MasterKey>,
}

impl Masters {
    /// The master key that a data key says it is wrapped with; the one in force where it names neither.
    fn of(&self, wrapped: &[u8]) -> &MasterKey {
        self.before.as_ref().filter(|before| before.has_wrapped(wrapped)).unwrap_or(&self.current)
    }
}

impl From<MasterKey> for Masters {
    fn from(current: MasterKey) -> Self {
        Self { current, before: None }
    }
}

/// Opens and draws keys.
pub struct Vault {
    masters: RwLock<Masters>,
    remembered: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    keys: HashMap<(MerchantId, SubjectId), Arc<DataKey>>,
    /// Merchants with an erased customer: for all others nobody needs to look for one.
    erased: HashSet<MerchantId>,
    epoch: u64,
}

impl Vault {
    /// A vault under a master key, for merchants some of which have erased customers.
    pub fn new(masters: impl Into<Masters>, erased: impl IntoIterator<Item = MerchantId>) -> Self {
        let remembered = Remembered { erased: erased.into_iter().collect(), ..Remembered::default() };
        Self { masters: RwLock::new(masters.into()), remembered: Mutex::new(remembered) }
    }

    /// The epoch now. Ask before reading: a key read in it is good for as long as the epoch lasts.
    pub fn epoch(&self) -> Epoch {
        Epoch(self.remembered().epoch)
    }

    /// Whether any customer of the merchant was ever erased.
    pub fn has_erased(&self, merchant: &MerchantId) -> bool {
        self.remembered().erased.contains(merchant)
    }

    /// Begins a new epoch in which the subjects' keys are not remembered. Called when their erasure is written, and again once
    /// it is durable: what was read in between saw them still.
    pub fn forget(&self, merchant: &MerchantId, subjects: impl IntoIterator<Item = SubjectId>) {
        let mut remembered = self.remembered();
        for subject in subjects {
            remembered.keys.remove(&(merchant.clone(), subject));
        }
        remembered.erased.insert(merchant.clone());
        remembered.epoch += 1;
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
        if let Some(key) = self.remembered().keys.get(&id) {
            return Ok(Some(key.clone()));
        }
        match reads.subject_key(merchant, subject.as_subject())? {
            SubjectKey::None => Ok(None),
            SubjectKey::Wrapped(wrapped) => {
                self.unwrap(merchant, subject, &wrapped).map(Some).map_err(|error| damaged(&error, merchant, subject))
            }
        }
    }

    /// The master keys.
    pub fn masters(&self) -> Masters {
        self.masters.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on data keys are wrapped with the first of these.
    pub fn turn(&self, masters: Masters) {
        *self.masters.write().unwrap_or_else(PoisonError::into_inner) = masters;
    }

    /// A subject's key from its wrapped form.
    pub fn unwrap(&self, merchant: &MerchantId, subject: &SubjectId, wrapped: &[u8]) -> Result<Arc<DataKey>, KeyError> {
        let masters = self.masters.read().unwrap_or_else(PoisonError::into_inner);
        masters.of(wrapped).unwrap(wrapped, merchant, subject.as_subject()).map(Arc::new)
    }

    /// Keeps a key that was drawn, wrapped with the master key that is in force now: it may have been replaced since.
    pub fn keep(
        &self,
        group: &mut dyn Group,
        merchant: &MerchantId,
        subject: &SubjectId,
        wrapped: &[u8],
        at_ms: i64,
    ) -> Result<(), StoreError> {
        let masters = self.masters();
        let current = match masters.current.has_wrapped(wrapped) {
            true => Cow::Borrowed(wrapped),
            false => Cow::Owned(rewrapped(&masters, merchant, subject, wrapped).map_err(|error| damaged(&error, merchant, subject))?),
        };
        group.insert_subject_key(merchant, subject.as_subject(), &current, at_ms)
    }

    /// The subject's key, drawn if there is none yet. `reads` sees committed groups only, so that a key found is remembered,
    /// unless it was erased since the epoch `reads` began in.
    pub fn open_or_draw(
        &self,
        merchant: &MerchantId,
        subject: &SubjectId,
        reads: &(impl Reads + ?Sized),
        epoch: Epoch,
    ) -> Result<SubjectSecret, StoreError> {
        if let Some(key) = self.open(merchant, subject, reads)? {
            let mut remembered = self.remembered();
            if remembered.keys.len() >= REMEMBERED_KEYS_MAX {
                remembered.keys.clear();
            }
            if epoch == Epoch(remembered.epoch) {
                remembered.keys.insert((merchant.clone(), subject.clone()), key.clone());
            }
            return Ok(SubjectSecret { key, wrapped: None });
        }
        let key = DataKey::generate();
        let wrapped =
            self.masters().current.wrap(&key, merchant, subject.as_subject()).map_err(|error| damaged(&error, merchant, subject))?;
        Ok(SubjectSecret { key: Arc::new(key), wrapped: Some(wrapped) })
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A data key wrapped with the master key in force.
///
/// # Errors
/// It is damaged.
pub fn rewrapped(masters: &Masters, merchant: &MerchantId, subject: &SubjectId, wrapped: &[u8]) -> Result<Vec<u8>, KeyError> {
    let key = masters.of(wrapped).unwrap(wrapped, merchant, subject.as_subject())?;
    masters.current.wrap(&key, merchant, subject.as_subject())
}

/// A data key that cannot be opened, with its place. The master key was found to be the right one when the directory was opened: a
/// data key that names another is damaged. Whose key it is goes into logs, the person does not.
fn damaged(error: &KeyError, merchant: &MerchantId, subject: &SubjectId) -> StoreError {
    let whose = match subject {
        SubjectId::Customer(_) => "a customer of",
        SubjectId::Ticket(_) => "a ticket of",
        SubjectId::Merchant => "the merchant",
    };
    StoreError::Damaged(match error {
        KeyError::OtherMaster { wrapped_by, given } => format!(
            "the wrapped data key of {whose} `{merchant}` is damaged: it names a master key `{wrapped_by}`, and this directory's is `{given}`"
        ),
        KeyError::Damaged => format!("the wrapped data key of {whose} `{merchant}` is damaged, or it is another subject's"),
    })
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
        let vault = Arc::new(Vault::new(MasterKey::generate(), []));
        let drawn = || store.read(|reads| vault.open_or_draw(&merchant, &subject, reads, vault.epoch())).unwrap();
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

    #[test]
    fn a_stored_text_names_its_subject() {
        for subject in [SubjectId::Customer("c:1".into()), SubjectId::Ticket("t".into()), SubjectId::Merchant] {
            assert_eq!(SubjectId::parse(&subject.as_subject().to_string()), Some(subject));
        }
        assert_eq!((SubjectId::parse("erased:00"), SubjectId::parse("anything")), (None, None));
    }
}
