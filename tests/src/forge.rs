//! Records altered behind the service's back: by someone who may write to the database, and by someone who has the keys as
//! well and makes every hash inside a record right again.

use std::path::Path;

use ombud_core::fault::FaultCode;
use ombud_core::ids::MerchantId;
use ombud_ledger::keys::{DataKey, MasterKey, Subject};
use ombud_ledger::seal::seal;
use ombud_ledger::{BodyKind, DecisionEntry, Entry, Header, leaf_hash};
use rusqlite::types::Value;
use rusqlite::{Connection, Params, params};

/// The database of a data directory that no server holds.
pub struct Forge {
    database: Connection,
    master: MasterKey,
}

/// The bodies of a record, to be changed.
pub struct Bodies(Vec<(BodyKind, Vec<u8>)>);

impl Bodies {
    /// Replaces a text in a body.
    #[track_caller]
    pub fn replace(&mut self, kind: BodyKind, old: &str, new: &str) {
        let body = self.0.iter_mut().find(|(own, _)| *own == kind).map(|(_, body)| body).expect("the body");
        let text = std::str::from_utf8(body).expect("JSON");
        assert!(text.contains(old), "no `{old}` in {text}");
        *body = text.replacen(old, new, 1).into_bytes();
    }

    /// Has the fault on record be another one, wherever the record says it.
    #[track_caller]
    pub fn fault(&mut self, entry: &mut DecisionEntry, code: FaultCode) {
        let fault = entry.fault.as_mut().expect("a fault");
        let [old, new] = [fault.code, code].map(|code| format!(":\"{}\"", code.as_str()));
        fault.code = code;
        for (_, body) in self.0.iter_mut().filter(|(kind, _)| [BodyKind::Ruling, BodyKind::Decision].contains(kind)) {
            let mut text = std::str::from_utf8(body).expect("JSON").to_owned();
            for member in ["\"code\"", "\"value\""] {
                text = text.replace(&format!("{member}{old}"), &format!("{member}{new}"));
            }
            assert!(text.as_bytes() != body, "no `{old}` in {text}");
            *body = text.into_bytes();
        }
    }

    /// Puts a body in.
    pub fn put(&mut self, kind: BodyKind, body: &str) {
        self.0.push((kind, body.as_bytes().to_vec()));
        self.0.sort_by_key(|(own, _)| *own);
    }

    /// Takes a body out.
    pub fn remove(&mut self, kind: BodyKind) {
        self.0.retain(|(own, _)| *own != kind);
    }
}

impl Forge {
    /// Opens it.
    pub fn on(data: &Path) -> Self {
        let database = Connection::open(data.join("ombud.db")).expect("the database");
        let master = std::fs::read(data.join("master.key")).expect("the master key").try_into().expect("32 bytes");
        Self { database, master: MasterKey::from_bytes(master) }
    }

    /// Runs a statement, which must change so many rows.
    #[track_caller]
    pub fn run(&self, rows: usize, sql: &str, parameters: impl Params) {
        let changed = self.database.execute(sql, parameters).unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(changed, rows, "{sql}");
    }

    /// Two places of a log change what stands in a column of their listing.
    pub fn swap(&self, merchant: &str, column: &str, one: u64, other: u64) {
        let of = "merchant_no = (SELECT merchant_no FROM merchants WHERE id = ?1) AND seq = ?2";
        let read = |seq: u64| -> Value {
            let sql = format!("SELECT {column} FROM entries WHERE {of}");
            self.database.query_row(&sql, params![merchant, seq.cast_signed()], |row| row.get(0)).expect("a record")
        };
        let values = [(one, read(other)), (other, read(one))];
        for (seq, value) in values {
            self.run(1, &format!("UPDATE entries SET {column} = ?3 WHERE {of}"), params![merchant, seq.cast_signed(), value]);
        }
    }

    /// Changes a bit of a column of a record, header or sealed part.
    pub fn flip(&self, merchant: &str, seq: u64, column: &str, bit: impl FnOnce(usize) -> usize) {
        let (number, mut bytes): (i64, Vec<u8>) = self
            .database
            .query_row(
                &format!("SELECT record_no, {column} FROM entries JOIN records USING (record_no) JOIN merchants USING (merchant_no) WHERE id = ?1 AND seq = ?2"),
                params![merchant, seq.cast_signed()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .expect("a record");
        let bit = bit(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        self.run(1, &format!("UPDATE records SET {column} = ?1 WHERE record_no = ?2"), params![bytes, number]);
    }

    /// Changes a decision's record, seals its bodies anew and lists the new leaf.
    pub fn rewrite(&self, merchant: &str, seq: u64, change: impl FnOnce(&mut DecisionEntry, &mut Bodies)) {
        self.rewrite_any(merchant, seq, |entry, bodies| {
            let Entry::Decision(entry) = entry else { panic!("record {seq} is no decision") };
            change(entry, bodies);
        });
    }

    /// The same of any record.
    pub fn rewrite_any(&self, merchant: &str, seq: u64, change: impl FnOnce(&mut Entry, &mut Bodies)) {
        let sql = "SELECT record_no, header, sealed, customer, ticket FROM entries JOIN records USING (record_no) JOIN merchants USING (merchant_no)
            WHERE id = ?1 AND seq = ?2";
        let (number, header, sealed, customer, ticket): (i64, Vec<u8>, Vec<u8>, Option<String>, Option<String>) = self
            .database
            .query_row(sql, params![merchant, seq.cast_signed()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })
            .expect("a record");
        let key = match (&customer, &ticket) {
            (Some(customer), _) => self.key(merchant, Subject::Customer(customer)),
            (None, Some(ticket)) => self.key(merchant, Subject::Ticket(ticket)),
            (None, None) => self.key(merchant, Subject::Merchant),
        };
        let mut header = Header::decode(&header).expect("a header");
        let mut bodies = Bodies(header.open(Some(&key), &sealed).expect("its bodies"));
        change(&mut header.entry, &mut bodies);
        let mut sealed = Vec::new();
        let parts: Vec<(BodyKind, &[u8])> = bodies.0.iter().map(|(kind, bytes)| (*kind, bytes.as_slice())).collect();
        header.detached = Some(seal(&key, &header.merchant, header.of(), &parts, &mut sealed).expect("sealed"));
        let header = header.encode().expect("encoded");
        self.run(1, "UPDATE records SET header = ?1, sealed = ?2 WHERE record_no = ?3", params![header, sealed, number]);
        self.run(1, "UPDATE entries SET leaf = ?1 WHERE record_no = ?2", params![leaf_hash(&header).0, number]);
    }

    fn key(&self, merchant: &str, subject: Subject<'_>) -> DataKey {
        let sql = "SELECT wrapped FROM subject_keys JOIN merchants USING (merchant_no) WHERE id = ?1 AND subject = ?2";
        let wrapped: Vec<u8> =
            self.database.query_row(sql, params![merchant, subject.to_string()], |row| row.get(0)).expect("the subject's key");
        self.master.unwrap(&wrapped, &MerchantId::new(merchant).expect("an id"), subject).expect("it opens")
    }
}
