//! The check of a data directory: the store against itself and against what was published, then every sealed body, where the
//! master key is there. It needs no running service, and changes nothing.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use ombud_core::case::Case;
use ombud_core::event;
use ombud_core::ids::{DecisionId, MerchantId};
use ombud_core::kind::Kind;
use ombud_core::money;
use ombud_ledger::keys::DigestKey;
use ombud_ledger::log::{Checkpoint, VerifierKeys};
use ombud_ledger::{BodyKind, Entry, Header};
use ombud_store::{CheckReport, Checked, Inspection, ListedEntry, Place, Reads, StoreError, StoredRecord};

use serde_json::Value;

use super::keys;
use super::published::Published;
use crate::bodies::CaseBodyBack;
use crate::replay::{Bodies, Damage, Record};
use crate::service::admin::{MasterKeyFrom, present_master_key};
use crate::service::decide::{digest_of, is_persons_act};
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
    /// Bodies were not opened: the master key is not there, or nobody wanted it.
    pub without_bodies: bool,
}

/// Checks a data directory, beside a running server too.
///
/// # Errors
/// There is no database, or its schema is another release's; the keys' files cannot be read.
pub fn check(data: &Path, from: &MasterKeyFrom, merchant: Option<&MerchantId>, bodies: bool, progress: &dyn Fn(u64)) -> Result<Checks> {
    let inspection = Inspection::open(data)?;
    let verifiers = keys::verifiers(data)?;
    let published = Published::of(data);
    // A file that cannot be read is no checkpoint.
    let note = |merchant: &MerchantId| published.get(merchant).unwrap_or_else(|error| Some(format!("{error:#}")));
    let report = inspection.check(&Checked { merchant, keys: verifiers.as_ref(), published: &note, progress });
    let mut checks = Checks { report, opened: 0, erased: 0, without_bodies: true };
    if let Err(error) = keys::LogKeys::read(data) {
        checks.report.found(None, Place::Key("the operator".into()), format!("{error:#}"));
    }
    for of in published.merchants()? {
        let known = inspection.read(|reads| reads.merchant(&of))?.is_some();
        if !known && merchant.is_none_or(|asked| *asked == of) {
            checks.report.found(Some(of.as_str()), Place::Published, "the database does not have this merchant");
        }
        if merchant.is_none_or(|asked| *asked == of)
            && let Some(problem) = trouble_before(&published, &of, verifiers.as_ref())
        {
            checks.report.found(Some(of.as_str()), Place::Published, format!("the one before it: {problem}"));
        }
    }
    let master = if bodies { present_master_key(data, from)? } else { None };
    if let Some(master) = master {
        checks.without_bodies = false;
        let vault = Vault::new(master, []);
        let merchants = inspection.read(|reads| reads.merchants())?;
        for row in merchants.into_iter().filter(|row| merchant.is_none_or(|asked| *asked == row.id)) {
            bodies_of(&inspection, &vault, &row.id, &mut checks, progress)?;
        }
    }
    Ok(checks)
}

/// What is wrong with the checkpoint that was published before the last. A running server writes the file it stands in: it is read
/// again some times before it is accused.
fn trouble_before(published: &Published, merchant: &MerchantId, keys: Option<&VerifierKeys>) -> Option<String> {
    let mut trouble = None;
    for _ in 0..READS {
        trouble = match (published.before(merchant), keys) {
            (Ok(None), _) => None,
            (Ok(Some(_)), None) => Some("there is no key to check it with".to_owned()),
            (Ok(Some(note)), Some(keys)) => {
                Checkpoint::open(&note, keys.of_merchant(merchant).as_slice()).err().map(|error| error.to_string())
            }
            (Err(error), _) => Some(format!("{error:#}")),
        };
        if trouble.is_none() {
            break;
        }
        std::thread::sleep(READ_AGAIN);
    }
    trouble
}

/// Opens every record of a log and compares what is listed of it with what its bodies say.
fn bodies_of(inspection: &Inspection, vault: &Vault, merchant: &MerchantId, checks: &mut Checks, progress: &dyn Fn(u64)) -> Result<()> {
    let name = Some(merchant.as_str());
    let digest_key = match inspection.read(|reads| vault.open(merchant, &SubjectId::Merchant, reads)) {
        Ok(key) => key.map(|key| key.digest_key()),
        Err(error) => {
            checks.report.found(name, Place::Key("the merchant".into()), error.to_string());
            None
        }
    };
    let mut next = 0;
    loop {
        // A damaged row breaks the page off: what is wrong with it is told already, and the page after it is looked at.
        let Ok(page) = inspection.read(|reads| reads.records(merchant, next, PAGE)) else {
            next += u64::from(PAGE);
            if next > inspection.read(|reads| reads.log_size(merchant)).unwrap_or(0) {
                return Ok(());
            }
            continue;
        };
        let Some(last) = page.last() else { return Ok(()) };
        next = last.seq + 1;
        inspection.read(|reads| {
            for record in &page {
                bodies_of_record(reads, vault, merchant, record, digest_key.as_ref(), checks);
            }
            Ok::<_, StoreError>(())
        })?;
        progress(checks.opened + checks.erased);
    }
}

fn bodies_of_record(
    reads: &dyn Reads,
    vault: &Vault,
    merchant: &MerchantId,
    record: &StoredRecord,
    digest_key: Option<&DigestKey>,
    checks: &mut Checks,
) {
    let (name, place) = (Some(merchant.as_str()), Place::Record(record.seq));
    let mut found = |problem: String| checks.report.found(name, place.clone(), problem);
    let listed = match reads.listed(merchant, record.seq) {
        Ok(Some(listed)) => listed,
        // Told already.
        Ok(None) => return,
        // Ticket, customer and order stand in no header: nobody else notices a cell of theirs that cannot be read.
        Err(error) => return found(format!("its listing cannot be read: {error}")),
    };
    let subjects = subjects(&listed);
    match recorded(reads, vault, merchant, record, &subjects) {
        Ok(Ok(Record { bodies: Bodies::Erased, .. })) => {
            // Whose record it was is erased with the key. Where nobody was erased, the key is lost or the listing is damaged.
            if reads.erased_subjects(merchant).is_ok_and(|erased| erased == 0) {
                found("its bodies open with no key that is there, although nobody was erased".into());
            }
            checks.erased += 1;
        }
        Ok(Ok(opened)) => {
            for problem in differences(reads, merchant, &opened, &listed, digest_key) {
                found(problem);
            }
            checks.opened += 1;
        }
        Ok(Err(damage)) => found(damage.to_string()),
        Err(error) => found(error.to_string()),
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
    // erased is not listed any more.
    let kept = matches!(subjects.first(), Some(SubjectId::Customer(_)));
    Ok(Record::open(merchant, record.seq, &record.header, &record.sealed, keys.iter().map(|key| &**key), kept, Bodies::opened))
}

/// Under whose keys a record may be sealed, by its listing.
fn subjects(listed: &ListedEntry) -> Vec<SubjectId> {
    let customer = listed.customer.clone().map(SubjectId::Customer);
    let ticket = listed.ticket.clone().map(SubjectId::Ticket);
    customer.into_iter().chain(ticket).chain([SubjectId::Merchant]).collect()
}

/// What is listed otherwise than the bodies say.
fn differences(
    reads: &dyn Reads,
    merchant: &MerchantId,
    record: &Record,
    listed: &ListedEntry,
    digest_key: Option<&DigestKey>,
) -> Vec<String> {
    let mut differences = Vec::new();
    if let Some(body) = record.body(BodyKind::Act) {
        return differences_of_act(reads, merchant, body, listed);
    }
    let Some(body) = record.body(BodyKind::Event) else { return differences };
    let event = match event::structured(body.as_bytes(), record.header.received_at_ms) {
        Ok(event) => event,
        Err(problems) => {
            let problem = problems.first().map(ToString::to_string).unwrap_or_default();
            return vec![format!("its event is none that this version takes: {problem}")];
        }
    };
    let data = &event.data;
    let order = match &record.header.entry {
        Entry::Decision(decision) => record.body(BodyKind::Case).and_then(|body| order_of(body, decision.kind)),
        _ => data.order.as_ref().map(|order| order.order_id.to_string()),
    };
    let customer = data.customer_ref.as_ref().map(ToString::to_string);
    // An erasure takes the customer out of the listing.
    let erased = listed.customer.is_none() && customer.is_some() && reads.erased_subjects(merchant).is_ok_and(|erased| erased > 0);
    for (name, is, says) in [
        ("ticket", &listed.ticket, data.ticket_id.as_ref().map(ToString::to_string)),
        ("customer", &listed.customer, customer.filter(|_| !erased)),
        ("order", &listed.order, order),
    ] {
        if *is != says {
            differences.push(format!("its {name} is listed otherwise than its event has it"));
        }
    }
    if let Some(key) = digest_key {
        let seen = reads.event(merchant, &event.envelope.key);
        let actor = if is_persons_act(&event) { actor_after(reads, merchant, record.header.seq) } else { String::new() };
        let digest = digest_of(key, &actor, &event);
        if seen.is_ok_and(|seen| seen.is_some_and(|seen| seen.body != digest)) {
            differences.push("the event index has another digest of its event".into());
        }
    }
    differences
}

/// What an act is listed by otherwise than the decision that it is on; an act on no decision is listed by its name alone.
fn differences_of_act(reads: &dyn Reads, merchant: &MerchantId, body: &str, listed: &ListedEntry) -> Vec<String> {
    let Ok(body) = serde_json::from_str::<Value>(body) else { return vec!["its act is no JSON".into()] };
    let named = |name: &str| body.get(name).and_then(Value::as_str);
    let of = named("decision").and_then(|id| DecisionId::new(id).ok());
    let on =
        of.and_then(|id| reads.decision(merchant, &id).ok().flatten()).and_then(|record| reads.listed(merchant, record.seq).ok().flatten());
    let on = on.as_ref();
    let outcome = on.and_then(|on| named("outcome").map(str::to_owned).or_else(|| on.outcome.clone()));
    [
        ("kind", &listed.kind, on.and_then(|on| on.kind.clone())),
        ("outcome", &listed.outcome, outcome),
        ("ticket", &listed.ticket, on.and_then(|on| on.ticket.clone())),
        ("customer", &listed.customer, on.and_then(|on| on.customer.clone())),
        ("order", &listed.order, on.and_then(|on| on.order.clone())),
    ]
    .into_iter()
    .filter(|(_, is, says)| **is != *says)
    .map(|(name, ..)| format!("its {name} is listed otherwise than that of the decision it is on"))
    .collect()
}

/// Whose act stands behind a record; nobody's where none does, which no digest fits.
fn actor_after(reads: &dyn Reads, merchant: &MerchantId, seq: u64) -> String {
    let act = reads.record(merchant, seq + 1).ok().flatten().and_then(|record| Header::decode(&record.header).ok());
    match act.map(|header| header.entry) {
        Some(Entry::Act(act)) => act.actor,
        _ => String::new(),
    }
}

/// The order of a case body.
fn order_of(body: &str, kind: Kind) -> Option<String> {
    let body: CaseBodyBack = serde_json::from_str(body).ok()?;
    let case = Case::from_json(kind, body.case.get()).ok()?;
    money::order_id(&case).map(str::to_owned)
}
