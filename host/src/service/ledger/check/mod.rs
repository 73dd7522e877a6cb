//! The check of a data directory: the store against itself and against what was published, then every sealed body, where the
//! master key is there. It needs no running service, and changes nothing.

mod acts;
mod derived;
mod listing;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use ombud_core::ids::{DecisionId, MerchantId};
use ombud_ledger::keys::DigestKey;
use ombud_ledger::log::{Checkpoint, Note, VerifierKey, VerifierKeys};
use ombud_ledger::{Entry, Header};
use ombud_store::{
    CheckReport, Checked, Inspection, ListedEntry, MerchantRow, Place, Publication, Reads, Scratch, StoreError, StoredRecord, SubjectKey,
    TICKETS,
};

use super::keys;
use super::published::Published;
use crate::replay::{Bodies, Damage, Record};
use crate::service::acts::{HOLD_LIFTED, HOLD_SET};
use crate::service::admin::{IN_FORCE, MasterKeyFrom, fitting_masters, is_noted, present_master_key};
use crate::service::error::ServiceError;
use crate::service::owner;
use crate::service::privacy::Erasures;
use crate::service::vault::{SubjectId, Vault};

/// Records of one read.
const PAGE: u32 = 256;
/// How often a file that a running server may be writing is read.
const READS: u32 = 3;
/// How long after that.
const READ_AGAIN: Duration = Duration::from_millis(30);

/// What a check found, and what it could not look at.
#[derive(Debug)]
pub struct Checks {
    /// What was found.
    pub report: CheckReport,
    /// Records whose bodies were opened and compared.
    pub opened: u64,
    /// Records whose bodies were erased.
    pub erased: u64,
    /// Logs whose payments, counters, cases and measures were computed again and compared.
    pub derived: u64,
    /// Logs of which that cannot be said, for a record of theirs is damaged.
    pub not_derived: u64,
    /// Why bodies were not opened, and what is computed from them was not compared; none where both was done.
    pub closed: Option<Closed>,
}

/// Why bodies were left closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Nobody wanted them opened.
    Unwanted,
    /// The master key is not there.
    NoMasterKey,
}

impl Checks {
    /// Whether everything that was asked for was looked at, and is well. What could not be looked at is not well.
    pub fn is_well(&self) -> bool {
        self.report.is_well() && self.closed != Some(Closed::NoMasterKey)
    }
}

/// Checks a data directory, beside a running server too.
///
/// # Errors
/// There is no database, or its schema is another release's; the keys' files cannot be read; the master key is another one.
pub fn check(data: &Path, from: &MasterKeyFrom, merchant: Option<&MerchantId>, bodies: bool, progress: &dyn Fn(u64)) -> Result<Checks> {
    let mut checks = check_copy(data, from, merchant, bodies, progress)?;
    match erasures(data, &Inspection::open(data)?) {
        Ok(differences) => {
            for (of, problem) in differences {
                if merchant.is_none_or(|asked| of.as_ref().is_none_or(|of| of == asked.as_str())) {
                    checks.report.found(of.as_deref(), Place::Erasures, problem);
                }
            }
        }
        // What keeps the database from being read is told already.
        Err(error) => checks.report.found(None, Place::Erasures, format!("it cannot be held against the database: {error:#}")),
    }
    Ok(checks)
}

/// What is not as it should be in the file that says who was erased. A running server notes an erasure there once it stands: it is read
/// again some times before it is accused.
fn erasures(data: &Path, inspection: &Inspection) -> Result<Vec<(Option<String>, String)>> {
    for _ in 1..READS {
        match Erasures::differences(data, inspection)?.is_empty() {
            true => return Ok(Vec::new()),
            false => std::thread::sleep(READ_AGAIN),
        }
    }
    Erasures::differences(data, inspection)
}

/// Checks the copy of a data directory that nobody has opened yet, such as a backup: it has no file that says who was erased.
///
/// # Errors
/// As [`check`].
pub fn check_copy(
    data: &Path,
    from: &MasterKeyFrom,
    merchant: Option<&MerchantId>,
    bodies: bool,
    progress: &dyn Fn(u64),
) -> Result<Checks> {
    let inspection = Inspection::open(data)?;
    let verifiers = keys::verifiers(data)?;
    let published = Published::of(data);
    // A file that cannot be read is no checkpoint.
    let read = |merchant: &MerchantId| published.get(merchant).unwrap_or_else(|error| Some(format!("{error:#}")));
    // A server that runs stores a checkpoint and publishes it then: what was published before the snapshot begins is in it. Only of a log that had
    // published nothing is the file of now asked for.
    let before: HashMap<MerchantId, Option<String>> = published.merchants()?.into_iter().map(|of| (of.clone(), read(&of))).collect();
    let note = |merchant: &MerchantId| match before.get(merchant).cloned().flatten() {
        Some(note) => Some(Publication { note, before: true }),
        None => read(merchant).map(|note| Publication { note, before: false }),
    };
    let report = inspection.check(&Checked { merchant, keys: verifiers.as_ref(), published: &note, progress });
    let mut checks = Checks { report, opened: 0, erased: 0, derived: 0, not_derived: 0, closed: Some(Closed::Unwanted) };
    if let Err(error) = again_if_not(|| keys::LogKeys::read(data)) {
        checks.report.found(None, Place::Key("the operator".into()), format!("{error:#}"));
    }
    for of in published.merchants()? {
        let known = inspection.read(|reads| reads.merchant(&of))?.is_some();
        if !known && merchant.is_none_or(|asked| *asked == of) {
            checks.report.found(Some(of.as_str()), Place::Published, "the database does not have this merchant");
        }
        if merchant.is_none_or(|asked| *asked == of)
            && let Some(problem) = trouble_before(&inspection, &published, &of, verifiers.as_ref())
        {
            checks.report.found(Some(of.as_str()), Place::Published, format!("the one before it: {problem}"));
        }
    }
    if !bodies {
        return Ok(checks);
    }
    checks.closed = Some(Closed::NoMasterKey);
    if let Some((_, is_noted)) = vault(&inspection, data, from)? {
        checks.closed = None;
        if !is_noted && merchant.is_none() {
            let place = Place::Row { table: "operator_values", key: IN_FORCE.to_owned() };
            checks.report.found(
                None,
                place,
                "it does not name the master key that opens the data keys; the next start of a server notes it",
            );
        }
        let merchants = inspection.read(|reads| reads.merchants())?;
        let mut place = derived::Place::new()?;
        for row in merchants.into_iter().filter(|row| merchant.is_none_or(|asked| *asked == row.id)) {
            // Read anew for each, for a server may replace the master key meanwhile.
            let Some((vault, _)) = vault(&inspection, data, from)? else { continue };
            bodies_of(&inspection, &vault, &row, &mut place, &mut checks, progress)?;
        }
    }
    Ok(checks)
}

/// Reads what a running server may be writing: some times before it is accused.
fn again_if_not<T>(read: impl Fn() -> Result<T>) -> Result<T> {
    for _ in 1..READS {
        match read() {
            Ok(read) => return Ok(read),
            Err(_) => std::thread::sleep(READ_AGAIN),
        }
    }
    read()
}

/// The keys of a directory whose master key a running server may be replacing: the one that its file has is the one in force, or
/// a rotation is under way. And whether that is so.
///
/// # Errors
/// It is another one.
fn vault(inspection: &Inspection, data: &Path, from: &MasterKeyFrom) -> Result<Option<(Vault, bool)>> {
    let mut found = Ok(None);
    for _ in 0..READS {
        let Some(master) = present_master_key(data, from)? else { return Ok(None) };
        let fitting = inspection.read(|reads| {
            let masters = fitting_masters(reads, data, from, master)?;
            Ok::<_, anyhow::Error>((is_noted(reads, &masters)?, masters))
        });
        let is_in_force = matches!(fitting, Ok((true, _)));
        found = fitting.map(|(is_noted, masters)| Some((Vault::new(masters, []), is_noted)));
        if is_in_force {
            break;
        }
        std::thread::sleep(READ_AGAIN);
    }
    found
}

/// What is wrong with the checkpoint that was published before the last. A running server writes the file it stands in: it is read
/// again some times before it is accused, and the cosignatures that are kept after it, which are stored before they are published.
fn trouble_before(inspection: &Inspection, published: &Published, merchant: &MerchantId, keys: Option<&VerifierKeys>) -> Option<String> {
    let look = || -> Result<()> {
        let Some(note) = published.before(merchant)? else { return Ok(()) };
        // A turn that was interrupted has made the file and not written it.
        if note.is_empty() {
            return Ok(());
        }
        let keys = keys.context("there is no key to check it with")?.of_merchant(merchant);
        let size = Checkpoint::open(&note, keys.as_slice())?.size;
        // A database that was set back does not know who signed since; the checkpoint that was published last says so.
        let head = published.get(merchant)?.and_then(|note| Checkpoint::open(&note, keys.as_slice()).ok());
        let newest = inspection.read(|reads| reads.checkpoint(merchant))?.map_or(0, |row| row.size);
        if head.is_some_and(|head| head.size > newest) {
            return Ok(());
        }
        let kept = inspection.read(|reads| reads.cosignatures(merchant, size))?;
        let witnesses: Vec<VerifierKey> = kept.iter().filter_map(|row| row.witness.parse().ok()).collect();
        Note::published(&note, keys.as_slice(), &witnesses)?;
        Ok(())
    };
    let mut trouble = None;
    for _ in 0..READS {
        trouble = look().err().map(|error| format!("{error:#}"));
        if trouble.is_none() {
            break;
        }
        std::thread::sleep(READ_AGAIN);
    }
    trouble
}

/// Opens every record of a log, compares what is listed of it with what its bodies say, and then what was written beside the
/// records with the same computed again; all of it on one snapshot.
fn bodies_of(
    inspection: &Inspection,
    vault: &Vault,
    row: &MerchantRow,
    place: &mut derived::Place,
    checks: &mut Checks,
    progress: &dyn Fn(u64),
) -> Result<()> {
    let (merchant, name) = (&row.id, Some(row.id.as_str()));
    let digest_key = match inspection.read(|reads| vault.open(merchant, &SubjectId::Merchant, reads)) {
        Ok(key) => key.map(|key| key.digest_key()),
        Err(error) => {
            checks.report.found(name, Place::Key("the merchant".into()), error.to_string());
            None
        }
    };
    let mut again = derived::Again::new(row, vault);
    let mut why = None;
    let mut administered = acts::Administered::new(derived::zone(row));
    let mut told = Vec::new();
    let mut acted = BTreeSet::new();
    let mark = |customer: &str| digest_key.as_ref().map(|key| owner::mark_by(key, customer));
    let compared = inspection.derived(row, &mut place.scratch, &mark, |reads, scratch| {
        let mut next = 0;
        loop {
            // A damaged row breaks the page off: what is wrong with it is told already, and the page after it is looked at.
            let Ok(page) = reads.records(merchant, next, PAGE) else {
                again.damaged();
                next += u64::from(PAGE);
                if next > reads.log_size(merchant).unwrap_or(0) {
                    break;
                }
                continue;
            };
            let Some(last) = page.last() else { break };
            next = last.seq + 1;
            for record in &page {
                let mut one = One {
                    reads,
                    vault,
                    merchant,
                    digest_key: digest_key.as_ref(),
                    checks: &mut *checks,
                    administered: &mut administered,
                    acted: &mut acted,
                };
                if !one.record(record, &mut again, scratch)? {
                    again.damaged();
                }
            }
            progress(checks.opened + checks.erased);
        }
        if administered.lack_records(reads, row)? {
            again.damaged();
        } else {
            // As it is in the same state of the database as its acts: a server may have changed it since it was listed.
            let now = reads.merchants()?.into_iter().find(|now| now.id == row.id);
            told = std::mem::take(&mut administered).differences(reads, now.as_ref().unwrap_or(row))?;
        }
        let (rebuilt, broken) = again.finish(scratch)?;
        why = broken;
        Ok::<_, ServiceError>(rebuilt)
    });
    told.into_iter().for_each(|(place, problem)| checks.report.found(name, place, problem));
    let problem = match compared {
        Ok(Some(findings)) => {
            checks.derived += 1;
            findings.into_iter().for_each(|found| checks.report.found(name, found.place, found.problem));
            return Ok(());
        }
        Ok(None) => why,
        Err(ServiceError::Internal(cause)) => Some(format!("{cause:#}")),
        Err(other) => Some(other.to_string()),
    };
    checks.not_derived += 1;
    if let Some(problem) = problem {
        let problem = format!("payments, counters, cases and measures cannot be computed again from the records: {problem}");
        checks.report.found(name, Place::Database, problem);
    }
    Ok(())
}

/// Where one record is looked at.
struct One<'a> {
    reads: &'a dyn Reads,
    vault: &'a Vault,
    merchant: &'a MerchantId,
    digest_key: Option<&'a DigestKey>,
    checks: &'a mut Checks,
    administered: &'a mut acts::Administered,
    /// Decisions that persons acted on.
    acted: &'a mut BTreeSet<DecisionId>,
}

impl One<'_> {
    fn found(&mut self, seq: u64, problem: impl Into<String>) {
        self.checks.report.found(Some(self.merchant.as_str()), Place::Record(seq), problem);
    }

    /// Looks at a record, and hands it on to be written again; false where it is damaged.
    fn record(&mut self, record: &StoredRecord, again: &mut derived::Again<'_>, scratch: &mut Scratch) -> Result<bool, ServiceError> {
        let (reads, merchant) = (self.reads, self.merchant);
        let listed = match reads.listed(merchant, record.seq) {
            Ok(Some(listed)) => listed,
            // Told already.
            Ok(None) => return Ok(false),
            // Ticket, customer and order stand in no header: nobody else notices a cell of theirs that cannot be read.
            Err(error) => {
                self.found(record.seq, format!("its listing cannot be read: {error}"));
                return Ok(false);
            }
        };
        let opened = match recorded(reads, self.vault, merchant, record, &subjects(&listed)) {
            Ok(Ok(opened)) => opened,
            Ok(Err(damage)) => {
                // What its bytes show without a key is told already.
                if !self.checks.report.tells_of(merchant.as_str(), record.seq) {
                    self.found(record.seq, damage.to_string());
                }
                return Ok(false);
            }
            Err(error) => {
                self.found(record.seq, error.to_string());
                return Ok(false);
            }
        };
        self.administered.record(&opened, listed.ticket.as_deref());
        if matches!(opened.bodies, Bodies::Erased) {
            self.checks.erased += 1;
            // Whose record it was is erased with the key. Where nobody was erased, the key is lost or the listing is damaged.
            if reads.erased_subjects(merchant)? == 0 {
                self.found(record.seq, "its bodies open with no key that is there, although nobody was erased");
                return Ok(false);
            }
            again.erased(scratch, &opened.header, &listed)?;
            return Ok(true);
        }
        self.checks.opened += 1;
        match listing::read(&opened, &listed) {
            Ok(readable) => {
                for problem in listing::differences(reads, merchant, &readable, self.digest_key)? {
                    self.found(record.seq, problem);
                }
                for problem in listing::differences_of_override(reads, merchant, &opened, self.acted)? {
                    self.found(record.seq, problem);
                }
                again.readable(scratch, reads, readable)?;
                Ok(true)
            }
            Err(problem) => {
                self.found(record.seq, problem);
                Ok(false)
            }
        }
    }
}

/// Opens a record with the keys of its subjects, and reports damage instead of failing.
fn recorded(
    reads: &dyn Reads,
    vault: &Vault,
    merchant: &MerchantId,
    record: &StoredRecord,
    subjects: &[SubjectId],
) -> Result<Result<Record, Damage>, StoreError> {
    let mut keys = Vec::with_capacity(1);
    for subject in subjects {
        match vault.open(merchant, subject, reads) {
            Ok(Some(key)) => keys.push(key),
            Ok(None) => {}
            Err(StoreError::Damaged(detail)) => return Ok(Err(Damage::Key(detail))),
            Err(error) => return Err(error),
        }
    }
    // A record that lists its customer was sealed under that customer's key, or under the ticket's after an erasure: who is
    // erased is not listed any more. But a hold on a ticket is the ticket's first, and lists one of several customers.
    let kept = matches!(subjects.first(), Some(SubjectId::Customer(_))) && !is_of_lost_ticket(reads, merchant, record, subjects)?;
    Ok(Record::open(merchant, record.seq, &record.header, &record.sealed, keys.iter().map(|key| &**key), kept, Bodies::opened))
}

/// Whether it is the act of a hold on a ticket whose own key was destroyed, with another customer of the ticket.
fn is_of_lost_ticket(reads: &dyn Reads, merchant: &MerchantId, record: &StoredRecord, subjects: &[SubjectId]) -> Result<bool, StoreError> {
    let [_, ticket @ SubjectId::Ticket(_), ..] = subjects else { return Ok(false) };
    let header = Header::decode(&record.header).ok();
    let is_hold =
        header.is_some_and(|header| matches!(header.entry, Entry::Act(act) if [HOLD_SET, HOLD_LIFTED].contains(&act.act.as_str())));
    Ok(is_hold && reads.subject_key(merchant, ticket.as_subject())? == SubjectKey::None && reads.erased_at(merchant, TICKETS)?.is_some())
}

/// Under whose keys a record may be sealed, by its listing.
fn subjects(listed: &ListedEntry) -> Vec<SubjectId> {
    let customer = listed.customer.clone().map(SubjectId::Customer);
    let ticket = listed.ticket.clone().map(SubjectId::Ticket);
    customer.into_iter().chain(ticket).chain([SubjectId::Merchant]).collect()
}
