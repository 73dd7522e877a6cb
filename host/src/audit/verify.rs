//! The line of a verification: one thread follows the file with its order, proofs and signatures; the others open the
//! records it hands out and run their decisions again. No more of the file is in memory than they are at work on.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use ombud_ledger::Entry;
use ombud_ledger::bundle::{Bodies, Manifest, Part, Problem, Problems, Record, Step, Verified, Verifier, Witnessed};
use ombud_ledger::log::VerifierKey;

use super::carried::Carried;
use super::late::{LATE_MAX, Late};
use super::report::{AuditReport, BundleClaims, Found, ProblemLine, Proved, WitnessLine, rfc3339};
use crate::replay::{self, RecordedCase, Replayer};
use crate::service::{ACT_LOST, ErasureProof};

/// Records handed over at once: so many that the threads seldom wait for each other.
const BATCH_RECORDS: usize = 32;
/// Bytes of records handed over at once, unless a single one has more: usual ones have some thousand.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// Batches that wait for each thread.
const BATCHES_WAITING: usize = 2;

/// What is checked beyond the file itself.
pub struct Checks<'a> {
    /// Runs decisions again; none where they are not to be run.
    pub replayer: Option<&'a Replayer>,
    /// Threads that open and run records, at least one.
    pub lanes: usize,
    /// Witnesses that must have signed a checkpoint of the log, each with its keys, of which one is enough.
    pub witnesses: &'a [Vec<VerifierKey>],
    /// Records of acts by which somebody went on although published records were lost, of which whoever checks knows: others are problems. None
    /// where all are known.
    pub accepted_losses: Option<&'a [u64]>,
    /// Bytes of components and settings that are kept; what goes beyond is a problem. [`CARRIED_BYTES_MAX`].
    pub carried_bytes_max: u64,
    /// Called with the number of records that were just finished.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// Checks a bundle that was opened.
pub fn verify<R: Read>(mut verifier: Verifier<R>, checks: &Checks<'_>) -> AuditReport {
    let began = Instant::now();
    let manifest = verifier.manifest().clone();
    // What nobody signed is not run, whatever it carries: that would only cost time.
    let runs = checks.replayer.is_some() && verifier.is_signed();
    let asked = checks;
    let checks = &Checks { replayer: checks.replayer.filter(|_| runs), ..*asked };
    let late = Late::default();
    let carried = Carried::up_to(checks.carried_bytes_max);
    let mut found = Found::default();
    let lanes = checks.lanes.max(1);
    let (hand_out, handed) = sync_channel(lanes * BATCHES_WAITING);
    let handed = Mutex::new(handed);
    std::thread::scope(|scope| {
        let work = || lane(&manifest, &handed, &carried, &late, checks);
        let workers: Vec<_> = (0..lanes).map(|_| scope.spawn(work)).collect();
        found.problems.merge(follow(&mut verifier, hand_out, &carried));
        for worker in workers {
            match worker.join() {
                Ok(part) => found.merge(part),
                // A defect of this program, which must not look like a sound bundle.
                Err(_) => {
                    found.problems.add(Problem::of(Part::File, "checking some of the records did not end: this is a defect of the program"))
                }
            }
        }
    });
    carried.lacking(&mut found.problems);
    if asked.replayer.is_some() && !runs && !manifest.masked {
        let problem = "no decision was run again: the latest checkpoint is signed by none of the keys that were given";
        found.problems.add(Problem::of(Part::Checkpoint, problem));
    }
    report(verifier.finish(), found, checks, began)
}

/// Follows the file, and hands out its records in batches; what it carries too much.
fn follow<R: Read>(verifier: &mut Verifier<R>, hand_out: SyncSender<Vec<Record>>, carried: &Carried) -> Problems {
    let mut problems = Problems::default();
    let mut batch = Batch::default();
    while let Some(step) = verifier.step() {
        match step {
            Step::Blob(digest, bytes) => {
                if !carried.keep(digest, bytes) {
                    let what = format!("{digest} is beyond the {} bytes that a bundle may carry", carried.bytes_max());
                    problems.add(Problem::of(Part::Blob, what));
                }
            }
            Step::NoBlob(digest) => carried.is_told(digest),
            Step::Record(record) => batch.add(record),
        }
        // Nobody is there to take them only where every thread has panicked, which its end shows.
        if batch.is_full() && hand_out.send(std::mem::take(&mut batch).records).is_err() {
            break;
        }
    }
    _ = hand_out.send(batch.records);
    problems
}

/// Records that are handed over together.
#[derive(Default)]
struct Batch {
    records: Vec<Record>,
    bytes: usize,
}

impl Batch {
    fn add(&mut self, record: Record) {
        self.bytes += record.header.len() + record.sealed.len();
        self.records.push(record);
    }

    /// Whether no more is waited for: a record is as large as the bundle's maker likes.
    fn is_full(&self) -> bool {
        self.records.len() >= BATCH_RECORDS || self.bytes >= BATCH_BYTES_MAX
    }
}

/// Opens records and runs their decisions again until there are no more.
fn lane(manifest: &Manifest, handed: &Mutex<Receiver<Vec<Record>>>, carried: &Carried, late: &Late, checks: &Checks<'_>) -> Found {
    let mut found = Found::default();
    loop {
        let batch = handed.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = batch else { return found };
        let finished = batch.len() as u64;
        batch.into_iter().for_each(|record| one(&record, manifest, carried, late, checks, &mut found));
        (checks.progress)(finished);
    }
}

fn one(record: &Record, manifest: &Manifest, carried: &Carried, late: &Late, checks: &Checks<'_>, found: &mut Found) {
    found.records += 1;
    let opened = match record.open(manifest) {
        Ok(opened) => opened,
        Err(problem) => return found.problems.add(problem),
    };
    found.opened(&opened);
    if !manifest.masked {
        carried.named_by(&opened.header);
    }
    let bodies = match opened.bodies {
        Bodies::Opened(bodies) => replay::Bodies::Opened(bodies),
        Bodies::Erased | Bodies::Masked => {
            // What is there of them, the header says as well.
            let stray = opened.header.stray().map(|stray| Problem::at(record.seq, Part::Body, stray));
            return stray.into_iter().for_each(|problem| found.problems.add(problem));
        }
    };
    let record = replay::Record { header: opened.header, bodies };
    let mut problem = |what: String| found.problems.add(Problem::at(record.header.seq, Part::Body, what));
    let event = replay::event_of(&record);
    match &event {
        Ok(event) => replay::contradictions(&record, event.as_ref()).into_iter().for_each(&mut problem),
        Err(what) => problem(what.clone()),
    }
    if let (Ok(Some(event)), Entry::Decision(entry)) = (&event, &record.header.entry) {
        match RecordedCase::read(entry, &record) {
            Ok(case) => replay::of_case(&record, event, &case).into_iter().for_each(&mut problem),
            // Whoever runs it again says so.
            Err(damage) if checks.replayer.is_none() => problem(damage.to_string()),
            Err(_) => {}
        }
    }
    let too_late = match &record.header.entry {
        Entry::Decision(entry) if checks.replayer.is_some() => late.is_stopped(entry),
        _ => false,
    };
    if too_late {
        problem(format!("not run: the component exceeded the replay deadline {LATE_MAX} times"));
    }
    let replayed =
        checks.replayer.filter(|_| !too_late).and_then(|replayer| replayer.replay(&record, carried).unwrap_or_else(|never| match never {}));
    // A replay holds the header against the decision, where it comes so far.
    let is_compared = replayed.as_ref().is_some_and(|report| report.identical || !report.differences.is_empty());
    if let Entry::Decision(entry) = &record.header.entry
        && !is_compared
    {
        replay::of_decision(&record, entry).into_iter().for_each(problem);
    }
    if too_late {
        found.not_run();
    }
    if let Some(report) = replayed {
        late.add(&report.late);
        found.replayed(report);
    }
}

fn report(verified: Verified, found: Found, checks: &Checks<'_>, began: Instant) -> AuditReport {
    let mut problems = verified.problems;
    let mut found = found;
    problems.merge(std::mem::take(&mut found.problems));
    let repeats = std::mem::take(&mut found.repeats);
    if verified.manifest.records.start == 0 && !verified.manifest.masked {
        std::mem::take(&mut found.overrides).tell(&repeats, &mut problems);
        std::mem::take(&mut found.bindings).tell(&mut problems);
        std::mem::take(&mut found.caps).tell(&mut problems);
    }
    repeats.tell(&mut problems);
    for loss in &mut found.losses {
        loss.accepted = checks.accepted_losses.is_none_or(|known| known.contains(&loss.seq));
        if !loss.accepted {
            problems.add(loss.problem());
        }
    }
    found.erasures_proved = erasures(&found.erasures, &verified.manifest, &mut problems);
    let mut witnesses = BTreeMap::new();
    for keys in checks.witnesses {
        let by = |witnessed: &&Witnessed| keys.iter().any(|key| key.name().as_str() == witnessed.witness && key.id() == witnessed.id);
        // Two witnesses may have one name: their keys tell them apart.
        let named = |name: &str, id: u32| {
            let others = checks.witnesses.iter().filter(|others| others.iter().any(|key| key.name().as_str() == name));
            if others.count() > 1 { format!("{name}+{id:08x}") } else { name.to_owned() }
        };
        // The empty tree says nothing of any record.
        match verified.witnessed.iter().filter(by).filter(|witnessed| witnessed.size > 0).max_by_key(|witnessed| witnessed.size) {
            Some(Witnessed { witness, id, size, time_s }) => {
                let at_ms = i64::try_from(*time_s).unwrap_or_default().saturating_mul(1_000);
                witnesses.insert(named(witness, *id), WitnessLine { records: *size, at: rfc3339(at_ms) });
            }
            None => {
                let mut names: Vec<String> = keys.iter().map(|key| named(key.name().as_str(), key.id())).collect();
                names.dedup();
                let problem = format!("the witness `{}` has signed none of those in the bundle", names.join("`, `"));
                problems.add(Problem::of(Part::Checkpoint, problem));
            }
        }
    }
    let (signed_records, signed_root) = AuditReport::signed(verified.head.as_ref());
    let problem_count = problems.count() + found.diverged();
    let lines = problems.sorted().into_iter().map(ProblemLine::from).chain(found.diverging.iter().map(ProblemLine::from));
    AuditReport {
        well: problem_count == 0,
        bundle: BundleClaims::of(&verified.manifest),
        signed_records,
        signed_root,
        signed_by_newest_key: verified.head.is_some().then_some(verified.by_newest_key),
        checkpoint: verified.head_note,
        witnesses,
        proofs: verified.proofs,
        checkpoints_by_other_keys: verified.by_other_keys,
        replayed: checks.replayer.is_some() && !verified.manifest.masked,
        problem_count,
        problems: lines.collect(),
        found,
        wrong_key: verified.wrong_key,
        elapsed_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

/// Holds what is erased against the acts that erased, as far as the bundle has them.
fn erasures(erasures: &ErasureProof, manifest: &Manifest, problems: &mut Problems) -> Proved {
    if erasures.is_empty() {
        return Proved::NothingErased;
    }
    for seq in erasures.acts_lost() {
        problems.add(Problem::at(seq, Part::Key, ACT_LOST));
    }
    if manifest.records.end < manifest.tree_size {
        return Proved::NotInThisWindow;
    }
    for seq in erasures.unaccounted() {
        problems.add(Problem::at(seq, Part::Key, "it is said to be erased, and no act after it erased anything"));
    }
    // An act accounts for records before the window as well.
    if manifest.records.start > 0 || manifest.masked {
        return Proved::Named;
    }
    match erasures.too_many() {
        Some(problem) => problems.add(Problem::of(Part::Key, problem)),
        None if !erasures.counts() => return Proved::Named,
        None => {}
    }
    Proved::Counted
}

#[cfg(test)]
mod tests {
    use ombud_ledger::Digest;
    use ombud_ledger::bundle::Key;
    use ombud_ledger::log::key::Algorithm;
    use ombud_ledger::log::{KeyName, SigningKey};

    use super::*;
    use crate::audit::CARRIED_BYTES_MAX;

    #[test]
    fn a_witness_is_its_name_and_its_key() {
        let named = |name: &str, seed: u8| {
            let name = KeyName::new(name).unwrap();
            SigningKey::from_seed(name, Algorithm::CosignatureV1, &[seed; 32]).verifier().clone()
        };
        let (signed, other, alone) = (named("w.test/1", 1), named("w.test/1", 2), named("w.test/2", 3));
        let origin = KeyName::new("ombud.test/m-1").unwrap();
        let told = |witnesses: &[Vec<VerifierKey>]| {
            let witnessed = Witnessed { witness: "w.test/1".into(), id: signed.id(), size: 7, time_s: 1_800_000_000 };
            let verified = Verified {
                manifest: Manifest {
                    format: ombud_ledger::bundle::FORMAT,
                    origin: origin.clone(),
                    merchant: ombud_core::ids::MerchantId::new("m-1").unwrap(),
                    window: ombud_ledger::bundle::Window::default(),
                    records: 0..7,
                    tree_size: 7,
                    masked: true,
                    made_at_ms: 0,
                    made_by: "a test".into(),
                },
                head: None,
                head_note: String::new(),
                by_newest_key: false,
                witnessed: vec![witnessed],
                counts: Default::default(),
                proofs: 0,
                by_other_keys: 0,
                wrong_key: false,
                problems: Problems::default(),
            };
            let checks = Checks {
                replayer: None,
                lanes: 1,
                witnesses,
                accepted_losses: None,
                carried_bytes_max: CARRIED_BYTES_MAX,
                progress: &|_| (),
            };
            let report = report(verified, Found::default(), &checks, Instant::now());
            let lacks: Vec<String> = report.problems.iter().map(|line| line.problem.clone()).collect();
            (report.witnesses.keys().cloned().collect::<Vec<_>>(), lacks)
        };
        assert_eq!(told(&[vec![signed.clone()]]), (vec!["w.test/1".to_owned()], vec![]));
        // Two keys of one witness, and two witnesses of one name.
        assert_eq!(told(&[vec![other.clone(), signed.clone()]]), (vec!["w.test/1".to_owned()], vec![]));
        let (has, lacks) = told(&[vec![other.clone()], vec![signed.clone()], vec![alone]]);
        assert_eq!(has, [format!("w.test/1+{:08x}", signed.id())]);
        let lack = |name: &str| format!("the witness `{name}` has signed none of those in the bundle");
        assert_eq!(lacks, [lack(&format!("w.test/1+{:08x}", other.id())), lack("w.test/2")]);
    }

    #[test]
    fn a_batch_has_so_many_records_and_so_many_bytes() {
        let full_with = |sealed: usize| {
            let mut batch = Batch::default();
            let record = |seq| Record { seq, leaf: Digest([0; 32]), header: vec![0; 8], sealed: vec![0; sealed], key: Key::None };
            (0..).take_while(|seq| !batch.is_full() && (batch.add(record(*seq)), true).1).count()
        };
        assert_eq!(full_with(0), BATCH_RECORDS);
        assert_eq!((full_with(BATCH_BYTES_MAX / 2 - 8), full_with(BATCH_BYTES_MAX / 2 - 9)), (2, 3));
        assert_eq!(full_with(BATCH_BYTES_MAX * 2), 1);
    }
}
