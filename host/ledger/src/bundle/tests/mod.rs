//! A log with every kind of record, bundles of it, and what checking them finds.

mod damage;
mod forgery;
mod whole;

use std::convert::Infallible;
use std::ops::Range;

use ombud_core::fault::{FaultCode, FaultOf};
use ombud_core::ids::{Currency, DecisionId, EventKey, MerchantId};
use ombud_core::kind::Kind;

use super::*;
use crate::keys::DataKey;
use crate::log::proof::prove_consistency;
use crate::log::{Checkpoint, Frontier, HashReader, KeyName, RangeProof, SigningKey, Subtree, VerifierKeys};
use crate::seal::{Of, seal};
use crate::{
    ActEntry, Amounts, BodyKind, Call, Caps, DecisionEntry, Digest, Engine, Entry, EventEntry, Fault, Header, PolicyCall, leaf_hash,
};

const OPERATOR: &str = "ombud.example.com";
/// Records are received a second after each other from here.
const BEGAN_MS: i64 = 1_790_000_000_000;
/// What all decisions name.
const COMPONENT: &[u8] = b"\0asm, a component";
const SETTINGS: &[u8] = b"{}";

/// A merchant's log as a store has it.
struct Log {
    merchant: MerchantId,
    key: SigningKey,
    rows: Vec<Row>,
    /// Signed checkpoints by their size.
    published: Vec<(u64, String)>,
}

#[derive(Clone)]
struct Row {
    header: Vec<u8>,
    sealed: Vec<u8>,
    key: Option<[u8; 32]>,
}

struct Leaves(Vec<Digest>);

impl HashReader for Leaves {
    type Error = Infallible;

    fn hash(&self, subtree: Subtree) -> Result<Digest, Infallible> {
        let width = 1_usize << subtree.height;
        let start = usize::try_from(subtree.index).unwrap() * width;
        Ok(Frontier::of(self.0[start..start + width].iter().copied()).root())
    }
}

fn operator_key(seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(OPERATOR).unwrap(), crate::log::key::Algorithm::Note, &[seed; 32])
}

fn keys(key: &SigningKey) -> VerifierKeys {
    VerifierKeys::new(vec![key.verifier().clone()]).unwrap()
}

impl Log {
    /// A log of so many records, with a checkpoint after every third one and after the last.
    fn of(records: u64) -> Self {
        let mut log = Self { merchant: MerchantId::new("m-1").unwrap(), key: operator_key(7), rows: Vec::new(), published: Vec::new() };
        for seq in 0..records {
            log.append(seq);
            if seq % 3 == 2 || seq + 1 == records {
                log.publish();
            }
        }
        log
    }

    fn append(&mut self, seq: u64) {
        let own = format!("record {seq}");
        // Customers have several records each.
        let key = [u8::try_from(seq % 4).unwrap() + 1; 32];
        let event = EventEntry { key: Digest::of(own.as_bytes()), event_type: "delay.detected".into(), time_ms: BEGAN_MS };
        let (entry, bodies): (Entry, Vec<(BodyKind, &[u8])>) = match seq % 3 {
            0 => (
                Entry::Decision(Box::new(decision(&self.merchant, event, seq))),
                vec![(BodyKind::Event, b"{}"), (BodyKind::Case, b"{\"facts\":1}")],
            ),
            1 => (Entry::Event(event), vec![(BodyKind::Event, own.as_bytes())]),
            _ => (
                Entry::Act(ActEntry { id: [u8::try_from(seq).unwrap(); 16], act: "decision.approved".into(), actor: "k_1".into() }),
                vec![],
            ),
        };
        let mut sealed = Vec::new();
        let header = Header {
            merchant: self.merchant.clone(),
            seq,
            entry,
            received_at_ms: BEGAN_MS + i64::try_from(seq).unwrap() * 1_000,
            trace_id: None,
            detached: None,
        };
        let detached = match bodies.is_empty() {
            true => None,
            false => Some(seal(&DataKey::from_bytes(key), &self.merchant, header.of(), &bodies, &mut sealed).unwrap()),
        };
        let header = Header { detached, ..header }.encode().unwrap();
        self.rows.push(Row { header, sealed, key: Some(key) });
    }

    fn leaves(&self) -> Leaves {
        Leaves(self.rows.iter().map(|row| leaf_hash(&row.header)).collect())
    }

    fn signing(&self) -> SigningKey {
        self.key.of_merchant(&self.merchant)
    }

    fn publish(&mut self) {
        let checkpoint = self.checkpoint(self.rows.len());
        let note = checkpoint.sign(&[self.signing()]).unwrap().to_string();
        self.published.push((checkpoint.size, note));
    }

    /// The head of the tree of the first records.
    fn checkpoint(&self, size: usize) -> Checkpoint {
        let root = Frontier::of(self.leaves().0.into_iter().take(size)).root();
        Checkpoint { origin: self.signing().verifier().name().clone(), size: size as u64, root }
    }

    /// The bundle of a window given by its records; the whole log's window is open.
    fn bundle(&self, records: Range<u64>, masked: bool) -> Vec<u8> {
        self.bundle_with(records, masked, &[], |manifest| manifest)
    }

    fn bundle_with(&self, records: Range<u64>, masked: bool, old_sizes: &[u64], claim: impl Fn(Manifest) -> Manifest) -> Vec<u8> {
        let leaves = self.leaves();
        let size = leaves.0.len() as u64;
        let at = |seq: u64| BEGAN_MS + i64::try_from(seq).unwrap() * 1_000;
        let manifest = claim(Manifest {
            format: FORMAT,
            origin: self.signing().verifier().name().clone(),
            merchant: self.merchant.clone(),
            window: Window {
                from_ms: (records.start > 0).then(|| at(records.start)),
                to_ms: (records.end < size).then(|| at(records.end)),
            },
            records: records.clone(),
            tree_size: size,
            masked,
            made_at_ms: BEGAN_MS + 86_400_000,
            made_by: "a test".into(),
        });
        let proven = manifest.proven();
        let proof = RangeProof::of(&leaves, proven.clone(), size).unwrap();
        let latest = &self.published.last().unwrap().1;
        let mut writer = Writer::begin(Vec::new(), &manifest, latest, &proof).unwrap();
        for old_size in old_sizes {
            let proof = prove_consistency(&leaves, *old_size, size).unwrap();
            let checkpoint = self.published.iter().find(|(size, _)| size == old_size).map(|(_, note)| note.clone());
            writer.growth(&Growth { old_size: *old_size, proof, checkpoint }).unwrap();
        }
        for seq in proven {
            let row = &self.rows[usize::try_from(seq).unwrap()];
            let leaf = leaf_hash(&row.header);
            if !manifest.records.contains(&seq) {
                writer.neighbour(seq, &leaf, &row.header).unwrap();
                continue;
            }
            if seq == manifest.records.start && !masked {
                writer.blob(&Digest::of(COMPONENT), Some(COMPONENT)).unwrap();
                writer.blob(&Digest::of(SETTINGS), Some(SETTINGS)).unwrap();
            }
            let key = match row.key {
                _ if row.sealed.is_empty() => Key::None,
                _ if masked => Key::Masked,
                None => Key::Erased,
                Some(key) => Key::Data(DataKey::from_bytes(key)),
            };
            writer.record(seq, &leaf, &row.header, &row.sealed, &key).unwrap();
            if let Some((_, note)) = self.published.iter().find(|(size, _)| *size == seq + 1)
                && seq + 1 < size
            {
                writer.checkpoint(note).unwrap();
            }
        }
        writer.finish(&[self.signing()]).unwrap()
    }

    /// The signed head of the first records, as an auditor keeps it.
    fn kept(&self, size: usize) -> String {
        self.checkpoint(size).sign(&[self.signing()]).unwrap().to_string()
    }

    fn keys(&self) -> VerifierKeys {
        keys(&self.key)
    }
}

/// A log whose key was replaced before its latest checkpoint, which the new key has signed.
fn rotated(records: u64) -> Log {
    let mut log = Log { key: operator_key(9), ..Log::of(records) };
    let head = log.kept(log.rows.len());
    log.published.last_mut().unwrap().1 = head;
    log
}

fn decision(merchant: &MerchantId, event: EventEntry, seq: u64) -> DecisionEntry {
    let call = Call { component: Digest::of(COMPONENT), settings: Digest::of(SETTINGS), fuel: 1_000 + seq };
    DecisionEntry {
        event,
        id: DecisionId::derive(merchant, &EventKey::new("/test", format!("{seq}")).unwrap(), Kind::Delay),
        kind: Kind::Delay,
        policy: Some(PolicyCall { name: "delay".into(), version: "1".into(), contract: "ombud:policy@1.0.0".into(), call }),
        guardrail: Some(call),
        beside: None,
        engine: Engine { profile: Digest([1; 32]), wasmtime: "48".into() },
        fault: (seq % 2 == 1).then(|| Fault { of: FaultOf::Policy, code: FaultCode::ALL[0], limit: None }),
        outcome: "grant".into(),
        amounts: Amounts { refund: 0, cash: 2_000, coupon: 0, currency: Currency::new("CNY").unwrap() },
        caps: Caps::default(),
    }
}

/// What checking a bundle found: the problems, and how many records opened.
struct Found {
    problems: Vec<Problem>,
    opened: usize,
    erased: usize,
    masked: usize,
    verified: Option<Verified>,
}

/// Checks a bundle with everything that can be checked without a sandbox.
fn check(bundle: &[u8], keys: &VerifierKeys, kept: Option<&str>) -> Found {
    check_with(bundle, Trust { keys, kept, witnesses: &[] })
}

fn check_with(bundle: &[u8], trust: Trust<'_>) -> Found {
    let mut found = Found { problems: Vec::new(), opened: 0, erased: 0, masked: 0, verified: None };
    let mut verifier = match Verifier::open(bundle, trust) {
        Ok(verifier) => verifier,
        Err(error) => {
            found.problems.push(Problem::of(Part::Manifest, error));
            return found;
        }
    };
    while let Some(step) = verifier.step() {
        let Step::Record(record) = step else { continue };
        match record.open(verifier.manifest()).map(|opened| opened.bodies) {
            Ok(Bodies::Opened(_)) => found.opened += 1,
            Ok(Bodies::Erased) => found.erased += 1,
            Ok(Bodies::Masked) => found.masked += 1,
            Err(problem) => found.problems.push(problem),
        }
    }
    let verified = verifier.finish();
    found.problems.extend(verified.problems.clone().sorted());
    found.problems.sort();
    found.verified = Some(verified);
    found
}

impl Found {
    #[track_caller]
    fn clean(self) -> Self {
        assert_eq!(self.problems, []);
        self
    }

    /// Asserts that a problem of this part and record says this.
    #[track_caller]
    fn names(&self, seq: Option<u64>, part: Part, what: &str) -> &Self {
        let named = |problem: &&Problem| problem.seq == seq && problem.part == part && problem.what.contains(what);
        assert!(self.problems.iter().any(|problem| named(&problem)), "no `{what}` of {part:?} at {seq:?} in {:#?}", self.problems);
        self
    }
}

/// The items of a bundle: where each frame begins and ends, and which record it is.
fn frames(bundle: &[u8]) -> Vec<(Range<usize>, Item)> {
    let mut reader = Reader::new(bundle);
    let mut frames = Vec::new();
    while let Some(found) = reader.next().unwrap() {
        let start = usize::try_from(found.offset).unwrap();
        frames.push((start..usize::try_from(reader.offset()).unwrap(), found.item.unwrap()));
    }
    frames
}
