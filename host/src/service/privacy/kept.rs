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
use ombud_store::{EntryKind, Filter, Group, Inspection, MARK, Reads, Store as _, StoreError};

use super::erasure::LOG_WAIT;
use super::holds::lift_before;
use super::retention::came_back;
use crate::service::acts::{BACKUP_RESTORED, LOSS_ACCEPTED, OPERATOR};
use crate::service::error::ServiceError;
use crate::service::ledger::replace_private;
use crate::service::listing::rfc3339;
use crate::service::snapshot::Tenant;
use crate::service::vault::SubjectId;
use crate::service::{Service, owner};

/// The file in the data directory.
pub const ERASURES: &str = "erasures";
/// What to do about a file that cannot be read.
const REMEDY: &str = "put a copy of it back, or take the line out: the next start of a server adds who is missing";
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
    /// Marks that are nobody's here, each with its merchant: the database does not know the customer yet, or the mark was changed.
    pub nobodys: Vec<String>,
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
        match Self::of_database(path) {
            Ok(in_store) => all.add(in_store),
            Err(error) if all.count() == 0 => bail!("`{}` does not say who was erased: {error}", path.display()),
            Err(_) => {}
        }
        Ok(all)
    }

    /// Those of the database of a data directory alone.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn of_database(data: &Path) -> Result<Self, StoreError> {
        Inspection::open(data).and_then(|inspection| inspection.read(Self::in_store))
    }

    /// What is not as it should be in the file of a data directory: each with its merchant, where it is one's. Marks that the database does
    /// not have are those of customers whom a copy from before does not know, where one was put back.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(in crate::service) fn differences(data: &Path, inspection: &Inspection) -> Result<Vec<(Option<String>, String)>> {
        let has = |reads: &dyn Reads, log: &str, act: &str| -> Result<bool> {
            let filter = Filter { entry: Some(EntryKind::Act), event_type: Some(act.to_owned()), ..Filter::default() };
            let Ok(log) = MerchantId::new(log) else { return Ok(false) };
            Ok(!reads.list(&log, &filter, None, 1)?.entries.is_empty())
        };
        let in_store = inspection.read(Self::in_store)?;
        let path = data.join(ERASURES);
        let text = if path.exists() { std::fs::read_to_string(&path).map_err(anyhow::Error::from) } else { Ok(String::new()) };
        let kept = match text.and_then(|text| Ok((Self::parse(&text, &path)?, text))) {
            Ok((kept, text)) if is_whole(&text) => kept,
            Ok(_) => return Ok(vec![(None, "its last line is cut off: the next start of a server writes it anew".to_owned())]),
            Err(error) => {
                return Ok(vec![(None, format!("{error:#}; {REMEDY}"))]);
            }
        };
        let mut found = Vec::new();
        for ((merchant, mark), at_ms) in &in_store.0 {
            let problem = match kept.0.get(&(merchant.clone(), mark.clone())) {
                None => format!(
                    "the mark `{mark}` of a customer who was erased at {} is not in it, and a backup that is put back would bring the customer back: the \
                     next start of a server writes it",
                    rfc3339(*at_ms)
                ),
                Some(own) if own < at_ms => format!(
                    "it has `{mark}` as erased at {}, and the customer was erased last at {}: the next start of a server writes it",
                    rfc3339(*own),
                    rfc3339(*at_ms)
                ),
                Some(_) => continue,
            };
            found.push((Some(merchant.clone()), problem));
        }
        for (merchant, marks) in kept.beyond(&in_store) {
            let is_copy =
                |reads: &dyn Reads| Ok::<_, anyhow::Error>(has(reads, OPERATOR, BACKUP_RESTORED)? || has(reads, merchant, LOSS_ACCEPTED)?);
            if inspection.read(is_copy)? {
                continue;
            }
            found.extend(marks.keys().map(|mark| {
                let problem = format!(
                    "it has `{mark}` as erased when the database has not: the line was changed, or the database is a copy from before; put a copy of the \
                     file back, or start a server, which erases whoever has this mark"
                );
                (Some(merchant.to_owned()), problem)
            }));
        }
        Ok(found)
    }

    /// A file of them; a last line that was not written to its end is left out.
    fn read(path: &Path) -> Result<Self> {
        Self::parse(&std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self> {
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

    fn in_store(reads: &dyn Reads) -> Result<Self, StoreError> {
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

/// Whether the last line of a file was written to its end.
fn is_whole(text: &str) -> bool {
    text.is_empty() || text.ends_with('\n')
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
            // Where files cannot be locked, two at once are as rare as that.
            _ = file.lock();
            let before = file.metadata()?.len();
            let written = file.write_all(lines.concat().as_bytes()).and_then(|()| file.sync_all());
            if written.is_err() {
                // What comes next would be appended to half a line.
                file.set_len(before)?;
            }
            Ok(written?)
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
        let text = if path.exists() {
            std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?
        } else {
            String::new()
        };
        let kept = Erasures::parse(&text, &path).map_err(|error| anyhow!("{error:#}; {REMEDY}"))?;
        let mut in_store = self.store.read(Erasures::in_store)?;
        let mut again = ErasedAgain::default();
        for (merchant, marks) in kept.beyond(&in_store) {
            let tenant = MerchantId::new(merchant).ok().and_then(|id| self.snapshot.load().tenants.get(&id).cloned());
            let Some(tenant) = tenant else {
                again.left.push(format!("`{merchant}` is not there"));
                continue;
            };
            let matched = self.erase_marked(&tenant, &marks, &mut again)?;
            let is_known = |mark: &str| matched.contains(mark) || in_store.0.contains_key(&(merchant.to_owned(), mark.to_owned()));
            again.nobodys.extend(marks.keys().filter(|mark| !is_known(mark)).map(|mark| format!("`{mark}` of `{merchant}`")));
        }
        if again.customers > 0 {
            tracing::warn!(customers = again.customers, "customers were erased again: the database is from before their erasure");
            self.store.empty_log().wait(LOG_WAIT)?;
            in_store = self.store.read(Erasures::in_store)?;
        }
        for left in &again.left {
            tracing::error!("a customer was not erased again: {left}");
        }
        if !again.nobodys.is_empty() {
            tracing::info!(marks = again.nobodys.len(), "marks in `erasures` are nobody's in this database");
        }
        in_store.add(kept.clone());
        if in_store != kept || !is_whole(&text) {
            in_store.put(&data)?;
        }
        Ok(again)
    }

    /// Erases the customers of a merchant who have one of these marks. Answers the marks that are somebody's.
    fn erase_marked(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        marks: &BTreeMap<&str, i64>,
        again: &mut ErasedAgain,
    ) -> Result<BTreeSet<String>> {
        let merchant = &tenant.config.id;
        let who = Self::owner()?;
        let mut after = Subject::Customer("").to_string();
        // Whoever came back is met with each of their tickets: the first time erases everything.
        let mut met = BTreeSet::new();
        loop {
            let page = self.store.read(|reads| reads.wrapped_keys(merchant, &after, KEYS_OF_A_LOOK))?;
            let Some((last, _)) = page.last() else { return Ok(met) };
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
