//! A store with every kind of record, signed and cosigned, in a database that a test may damage.

use std::collections::HashMap;

use ombud_core::ids::{Currency, DecisionId, EventKey, MerchantId};
use ombud_core::kind::Kind;
use ombud_ledger::keys::DataKey;
use ombud_ledger::log::key::Algorithm;
use ombud_ledger::log::{Checkpoint, Frontier, KeyName, SigningKey, VerifierKeys, cosignature};
use ombud_ledger::seal::{Of, seal};
use ombud_ledger::{
    ActEntry, Amounts, BodyKind, Call, Caps, DecisionEntry, Detached, Digest, Engine, Entry, EventEntry, Header, PolicyCall, id, leaf_hash,
};
use rusqlite::Connection;

use crate::{
    CheckpointRow, CosignatureRow, EntryKind, EventSeen, Group, Listing, MerchantRow, NewRecord, SqliteStore, StoreError, Transactions,
};

/// Records of the second merchant; the third has none.
const OTHERS: u64 = 5;

pub struct Fixture {
    pub db: Connection,
    pub keys: VerifierKeys,
    /// What stands in the files beside the database.
    pub published: HashMap<MerchantId, String>,
    operator: SigningKey,
    trees: HashMap<MerchantId, Vec<Digest>>,
    _directory: tempfile::TempDir,
}

impl Fixture {
    /// With so many records of the first merchant.
    pub fn new(records: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let operator = SigningKey::from_seed(KeyName::new("ombud.test").unwrap(), Algorithm::Note, &[3; 32]);
        let keys = VerifierKeys::new(vec![operator.verifier().clone()]).unwrap();
        let (store, mut writer) = SqliteStore::open(directory.path()).unwrap();
        let (component, settings) = (b"\0asm component".to_vec(), b"{\"a\":1}".to_vec());
        let mut made = Self {
            db: Connection::open_in_memory().unwrap(),
            keys,
            published: HashMap::new(),
            operator,
            trees: HashMap::new(),
            _directory: directory,
        };
        writer.begin().unwrap();
        let group: &mut dyn Group = &mut writer;
        for (media, bytes) in [("application/wasm", &component), ("application/json", &settings), ("application/json", &b"{}".to_vec())] {
            group.put_blob(media, bytes, 1).unwrap();
        }
        let call = Call { component: Digest::of(&component), settings: Digest::of(&settings), fuel: 7 };
        for (number, count) in [(1, records), (2, OTHERS), (3, 0)] {
            let merchant = made.merchant(number);
            group.put_merchant(&MerchantRow { id: merchant.clone(), config: "{}".into(), created_at_ms: 1 }).unwrap();
            for seq in 0..count {
                let leaf = append(group, &merchant, seq, call).unwrap();
                made.trees.entry(merchant.clone()).or_default().push(leaf);
            }
        }
        for (number, size) in [(1, records / 4), (1, records / 2), (1, records), (2, OTHERS)] {
            made.signed(group, number, size);
        }
        writer.commit().unwrap();
        drop((writer, store));
        made.db = Connection::open(made._directory.path().join("ombud.db")).unwrap();
        made
    }

    /// The merchant with this number in the database.
    pub fn merchant(&self, number: i64) -> MerchantId {
        MerchantId::new(format!("m-{number}")).unwrap()
    }

    /// A signed checkpoint of the log at a size; beyond the log's end some other tree's.
    pub fn sign(&self, number: i64, size: u64) -> String {
        let merchant = self.merchant(number);
        let root = Frontier::of(self.trees[&merchant].iter().copied().cycle().take(size as usize)).root();
        self.note(&merchant, size, root)
    }

    /// A signed checkpoint of other records.
    pub fn other_root(&self, number: i64, size: u64) -> String {
        self.note(&self.merchant(number), size, Digest([5; 32]))
    }

    fn note(&self, merchant: &MerchantId, size: u64, root: Digest) -> String {
        let key = self.operator.of_merchant(merchant);
        Checkpoint { origin: key.verifier().name().clone(), size, root }.sign(&[key]).unwrap().to_string()
    }

    fn signed(&mut self, group: &mut dyn Group, number: i64, size: u64) {
        let merchant = self.merchant(number);
        let note = self.sign(number, size);
        let checkpoint = Checkpoint::open(&note, self.keys.of_merchant(&merchant).as_slice()).unwrap();
        group.put_checkpoint(&merchant, &CheckpointRow { size, root: checkpoint.root, note: note.clone() }).unwrap();
        let witness = SigningKey::from_seed(KeyName::new("w1.test").unwrap(), Algorithm::CosignatureV1, &[4; 32]);
        let line = cosignature::sign(&witness, 1_800_000_000, &checkpoint).unwrap().to_string();
        self.published.insert(merchant.clone(), format!("{note}{line}\n"));
        assert!(group.put_cosignature(&merchant, &CosignatureRow { size, witness: witness.verifier().to_string(), line }).unwrap());
    }
}

/// The event of a record: records 1 and 2 are two decisions of one.
fn event_of(seq: u64) -> EventKey {
    let event = match seq {
        0 => "first".to_owned(),
        1 | 2 => "0".to_owned(),
        _ => (seq - 1).to_string(),
    };
    EventKey::new("/test", event).unwrap()
}

/// Records 5, 10 … are acts; of the others every third is an event without decision, the rest decisions.
fn append(group: &mut dyn Group, merchant: &MerchantId, seq: u64, call: Call) -> Result<Digest, StoreError> {
    let key = event_of(seq);
    let entry = EventEntry { key: id::event_key(merchant, &key), event_type: "reply.drafted".into(), time_ms: 1_800_000_000_000 };
    let kind = if seq == 2 { Kind::Delay } else { Kind::Reply };
    let decision = DecisionId::derive(merchant, &key, kind);
    let act_id = [seq as u8; 16];
    let (of, body, entry_kind) = match seq {
        _ if seq > 0 && seq.is_multiple_of(5) => (Of::Act(&act_id), BodyKind::Act, EntryKind::Act),
        _ if seq > 2 && seq.is_multiple_of(3) => (Of::Event(&entry.key), BodyKind::Event, EntryKind::Event),
        _ => (Of::Decision(&decision, kind), BodyKind::Decision, EntryKind::Decision),
    };
    let mut sealed = Vec::new();
    let body = [(body, &b"{\"some\":\"body\"}"[..])];
    let detached = Some(seal(&DataKey::from_bytes([1; 32]), merchant, of, &body, &mut sealed).unwrap());
    let header = header(merchant, seq, entry_kind, &entry, kind, call, detached);
    let header_bytes = header.encode().unwrap();
    let leaf = leaf_hash(&header_bytes);
    let decided = entry_kind == EntryKind::Decision;
    let acted = entry_kind == EntryKind::Act;
    let listing = Listing {
        entry: entry_kind,
        decision: decided.then_some(&decision),
        kind: decided.then_some(kind.as_str()),
        outcome: decided.then_some("allow"),
        policy: decided.then_some("reply"),
        version: decided.then_some("1.0.0"),
        event_type: if acted { "key.created" } else { "reply.drafted" },
        ticket: Some("t"),
        customer: None,
        order: None,
        event_at_ms: (!acted).then_some(entry.time_ms),
        received_at_ms: header.received_at_ms,
    };
    group.append(&NewRecord { merchant, seq, header: &header_bytes, leaf, sealed: &sealed, listing })?;
    if !acted && seq != 2 {
        let records = if seq == 1 { 2 } else { 1 };
        group.insert_event(merchant, &key, &EventSeen { body: Digest::of(b"body"), first_seq: seq, records })?;
    }
    Ok(leaf)
}

fn header(
    merchant: &MerchantId,
    seq: u64,
    entry_kind: EntryKind,
    event: &EventEntry,
    kind: Kind,
    call: Call,
    detached: Option<Detached>,
) -> Header {
    let entry = match entry_kind {
        EntryKind::Act => Entry::Act(ActEntry { id: [seq as u8; 16], act: "key.created".into(), actor: "me".into() }),
        EntryKind::Event => Entry::Event(event.clone()),
        EntryKind::Decision => {
            let key = event_of(seq);
            Entry::Decision(Box::new(DecisionEntry {
                event: event.clone(),
                id: DecisionId::derive(merchant, &key, kind),
                kind,
                policy: Some(PolicyCall { name: "reply".into(), version: "1.0.0".into(), contract: "ombud:policy@1.0.0".into(), call }),
                guardrail: Some(call),
                beside: None,
                engine: Engine { profile: Digest([2; 32]), wasmtime: "48.0.8".into() },
                fault: None,
                outcome: "allow".into(),
                amounts: Amounts { refund: 1, cash: 2, coupon: 3, currency: Currency::new("CNY").unwrap() },
                caps: Caps::default(),
            }))
        }
    };
    Header { merchant: merchant.clone(), seq, entry, received_at_ms: 1_800_000_000_000 + seq as i64, trace_id: None, detached }
}
