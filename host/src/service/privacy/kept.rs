//! Erasures are kept outside the database as well, as marks that name nobody: a backup that is put back does not bring back whoever
//! was erased since.
//!
//! One line for each customer: merchant, mark, when (epoch milliseconds). Only the merchant's own key tells whose mark it is, and a
//! start holds the file against the database.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use ombud_core::ids::MerchantId;
use ombud_ledger::keys::Subject;
use ombud_store::{Group, Inspection, MARK, Reads, Store as _};

use super::holds::lift_before;
use super::retention::came_back;
use crate::service::error::ServiceError;
use crate::service::ledger::replace_private;
use crate::service::listing::rfc3339;
use crate::service::snapshot::Tenant;
use crate::service::vault::SubjectId;
use crate::service::{Service, owner};

/// The file in the data directory.
pub const ERASURES: &str = "erasures";
/// Keys looked at together.
const KEYS_OF_A_LOOK: u32 = 1_000;

/// Who was erased, and when last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erasures(BTreeMap<(String, String), i64>);

/// What a start erased again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErasedAgain {
    /// Customers.
    pub customers: u64,
    /// Why others were not: each by its merchant and mark.
    pub left: Vec<String>,
}

impl Erasures {
    /// Those of a data directory: of its database, as far as it can be read, and of its file; or of such a file alone.
    ///
    /// # Errors
    /// There is neither.
    pub fn of(path: &Path) -> Result<Self> {
        if path.is_file() {
            let all = Self::read(path)?;
            // The file is written with the first erasure: one that names nobody was not copied to its end.
            if all.count() == 0 {
                bail!("`{}` names nobody: it does not say who was erased", path.display());
            }
            return Ok(all);
        }
        let kept = path.join(ERASURES);
        let mut all = if kept.exists() { Self::read(&kept)? } else { Self::default() };
        // A database that is lost or damaged is why there is the file.
        match Inspection::open(path).and_then(|inspection| inspection.read(Self::in_store)) {
            Ok(in_store) => all.add(in_store),
            Err(error) if all.count() == 0 => bail!("`{}` does not say who was erased: {error}", path.display()),
            Err(_) => {}
        }
        Ok(all)
    }

    /// A file of them; a last line that was not written to its end is left out.
    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let mut all = Self::default();
        for (at, line) in text.split_inclusive('\n').enumerate().filter(|(_, line)| line.ends_with('\n')) {
            let mut words = line.split_whitespace();
            let (Some(merchant), Some(mark), Some(at_ms), None) = (words.next(), words.next(), words.next(), words.next()) else {
                bail!("`{}`, line {}: is no erasure: `MERCHANT MARK TIME`", path.display(), at + 1);
            };
            let at_ms = at_ms.parse().with_context(|| format!("`{}`, line {}: the time is no number", path.display(), at + 1))?;
            all.note(merchant, mark, at_ms);
        }
        Ok(all)
    }

    fn in_store(reads: &dyn Reads) -> Result<Self, ombud_store::StoreError> {
        let mut all = Self::default();
        for merchant in reads.with_erased()? {
            for (mark, at_ms) in reads.erased_marks(&merchant)? {
                all.note(merchant.as_str(), &mark, at_ms);
            }
        }
        Ok(all)
    }

    fn note(&mut self, merchant: &str, mark: &str, at_ms: i64) {
        let last = self.0.entry((merchant.to_owned(), mark.to_owned())).or_insert(at_ms);
        *last = at_ms.max(*last);
    }

    /// Adds others; the later time counts.
    pub fn add(&mut self, other: Self) {
        for ((merchant, mark), at_ms) in other.0 {
            self.note(&merchant, &mark, at_ms);
        }
    }

    /// Writes the file of a data directory.
    ///
    /// # Errors
    /// The disk fails.
    pub fn put(&self, data: &Path) -> Result<()> {
        let lines: Vec<String> = self.0.iter().map(|((merchant, mark), at_ms)| format!("{merchant} {mark} {at_ms}\n")).collect();
        replace_private(&data.join(ERASURES), &lines.concat())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Those that another has not, or has from before.
    fn beyond(&self, other: &Self) -> BTreeMap<&str, BTreeMap<&str, i64>> {
        let mut beyond: BTreeMap<&str, BTreeMap<&str, i64>> = BTreeMap::new();
        for (key, at_ms) in self.0.iter().filter(|(key, at_ms)| other.0.get(*key).is_none_or(|known| known < at_ms)) {
            beyond.entry(&key.0).or_default().insert(&key.1, *at_ms);
        }
        beyond
    }
}

impl Service {
    /// Keeps an erasure outside the database. It stands already: where the file cannot be written, the next start writes it.
    pub(super) fn keep_erasures(&self, merchant: &MerchantId, marks: &[String]) {
        let path = self.store.directory().join(ERASURES);
        let append = || -> Result<()> {
            let mut lines = Vec::with_capacity(marks.len());
            for mark in marks {
                if let Some(at_ms) = self.store.read(|reads| reads.erased_at(merchant, mark))? {
                    lines.push(format!("{merchant} {mark} {at_ms}\n"));
                }
            }
            let mut file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
            file.write_all(lines.concat().as_bytes())?;
            Ok(file.sync_all()?)
        };
        if let Err(error) = append() {
            tracing::error!(%error, "an erasure could not be noted in `erasures`; the next start does");
        }
    }

    /// Holds the file against the database: erases again whoever is in the database although it says that they were erased, as in
    /// a backup from before.
    pub(in crate::service) fn erase_again(self: &Arc<Self>) -> Result<ErasedAgain> {
        self.tell_unknown_erasures()?;
        let data = self.store.directory().to_path_buf();
        let path = data.join(ERASURES);
        let kept = if path.exists() { Erasures::read(&path)? } else { Erasures::default() };
        let mut in_store = self.store.read(Erasures::in_store)?;
        let mut again = ErasedAgain::default();
        for (merchant, marks) in kept.beyond(&in_store) {
            let tenant = MerchantId::new(merchant).ok().and_then(|id| self.snapshot.load().tenants.get(&id).cloned());
            let Some(tenant) = tenant else {
                again.left.push(format!("`{merchant}` is not there"));
                continue;
            };
            self.erase_marked(&tenant, &marks, &mut again)?;
        }
        if again.customers > 0 {
            tracing::warn!(customers = again.customers, "customers were erased again: the database is from before their erasure");
            self.store.empty_log()?;
            in_store = self.store.read(Erasures::in_store)?;
        }
        for left in &again.left {
            tracing::error!("a customer was not erased again: {left}");
        }
        in_store.add(kept.clone());
        if in_store != kept {
            in_store.put(&data)?;
        }
        Ok(again)
    }

    /// Erases the customers of a merchant who have one of these marks.
    fn erase_marked(self: &Arc<Self>, tenant: &Arc<Tenant>, marks: &BTreeMap<&str, i64>, again: &mut ErasedAgain) -> Result<()> {
        let merchant = &tenant.config.id;
        let who = Self::owner()?;
        let mut after = Subject::Customer("").to_string();
        // Whoever came back is met with each of their tickets: the first time erases everything.
        let mut met = BTreeSet::new();
        loop {
            let page = self.store.read(|reads| reads.wrapped_keys(merchant, &after, KEYS_OF_A_LOOK))?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after.clone_from(last);
            let mut customers = Vec::new();
            for subject in page.iter().filter_map(|(text, _)| SubjectId::parse(text)) {
                match subject {
                    SubjectId::Customer(customer) => customers.push(customer),
                    // Whoever was erased and came back has no key: their later records are the ticket's.
                    SubjectId::Ticket(ticket) => {
                        let back = self.store.read(|reads| came_back(reads, merchant, &ticket)).map_err(|error| anyhow!("{error}"))?;
                        customers.extend(back);
                    }
                    SubjectId::Merchant => {}
                }
            }
            for customer in customers {
                let mark = owner::mark(tenant, &customer);
                let Some(at_ms) = marks.get(mark.as_str()).filter(|_| met.insert(mark.clone())) else { continue };
                let reason = format!("erased before, at {}; the database is a copy from before that", rfc3339(*at_ms));
                let (service, of, who, customer, at_ms) = (Arc::clone(self), Arc::clone(tenant), who.clone(), customer.clone(), *at_ms);
                // Nobody is erased who is held: what held them in this copy had been lifted by then.
                let job = move |group: &mut dyn Group| {
                    lift_before(group, &service.vault, &of.config.id, &who, &customer, (at_ms, &reason))?;
                    service.erase_in(group, &of, &who, &customer, (&reason, at_ms))
                };
                match self.writer.wait(job).map_err(ServiceError::from) {
                    Ok((_, subjects)) => {
                        self.vault.forget(merchant, subjects);
                        again.customers += 1;
                    }
                    // Held since then: somebody has to decide which of the two stands.
                    Err(error) => again.left.push(format!("`{}` of `{merchant}`: {error}", mark.trim_start_matches(MARK))),
                }
            }
        }
    }
}
