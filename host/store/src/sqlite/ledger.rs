//! Records, entries, events and lists.

use std::fmt::Write as _;
use std::ops::Range;

use ombud_core::ids::{DecisionId, EventKey, MerchantId};
use ombud_ledger::{Digest, id};
use rusqlite::types::Value;
use rusqlite::{Row, params, params_from_iter};

use super::connection::{Database, SqliteWriter};
use super::known::KeyOf;
use crate::StoreError;
use crate::ledger::{DecisionRecord, EntryKind, EventSeen, Extent, ListedHeader, NewRecord, ReadLedger, StoredRecord, Wanted, WriteLedger};
use crate::listing::{Cursor, Filter, ListedEntry, PAGE_ENTRIES_MAX, Page};

/// Entries looked at for one page where no index leads to the wanted ones.
const SCANNED_ENTRIES_MAX: u64 = 100_000;

/// By how much records may lie in another order than they were received in: one that takes long is recorded behind later ones.
const DISORDER_MS: i64 = 60_000;

/// The columns of a listed entry, in the order in which [`listed`] reads them.
const LISTED: &str = "seq, entry, decision_id, kind, outcome, policy, version, event_type, ticket, customer, order_id, event_at_ms,
        received_at_ms, leaf";

impl<T: Database> ReadLedger for T {
    fn log_size(&self, merchant: &MerchantId) -> Result<u64, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(0) };
        match self.known_log(merchant) {
            Some(log) => Ok(log.tree.size()),
            None => self.entries_of(merchant),
        }
    }

    fn record(&self, merchant: &MerchantId, seq: u64) -> Result<Option<StoredRecord>, StoreError> {
        let Some(number) = self.merchant_no(merchant)? else { return Ok(None) };
        let sql = "SELECT seq, header, sealed FROM entries LEFT JOIN records USING (record_no) WHERE merchant_no = ?1 AND seq = ?2";
        self.one("read a record", sql, params![number, signed(seq)], there)?
            .map(|record| record.ok_or_else(|| gone(merchant, seq)))
            .transpose()
    }

    fn missing(&self, merchant: &MerchantId, seqs: Range<u64>, count: usize) -> Result<Vec<Range<u64>>, StoreError> {
        let Some(number) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let bounds = params![number, signed(seqs.start), signed(seqs.end)];
        let sql = "SELECT count(*) FROM entries WHERE merchant_no = ?1 AND seq >= ?2 AND seq < ?3";
        let listed = self.one("count entries", sql, bounds, |row| unsigned(row, 0))?.unwrap_or(0);
        if listed == seqs.end.saturating_sub(seqs.start) {
            return Ok(Vec::new());
        }
        let sql = "SELECT seq FROM entries WHERE merchant_no = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY seq";
        let listed = self.all("look for entries that are missing", sql, bounds, |row| unsigned(row, 0))?;
        let (mut missing, mut next) = (Vec::new(), seqs.start);
        for seq in listed.into_iter().chain([seqs.end]) {
            if seq > next {
                missing.push(next..seq);
            }
            next = seq.saturating_add(1);
        }
        missing.truncate(count);
        Ok(missing)
    }

    fn claimed_size(&self, merchant: &MerchantId) -> Result<u64, StoreError> {
        let Some(number) = self.merchant_no(merchant)? else { return Ok(0) };
        let Extent { listed, claimed } = extent(self, number)?;
        Ok(claimed.max(listed))
    }

    fn extent(&self, merchant: &MerchantId) -> Result<Extent, StoreError> {
        match self.merchant_no(merchant)? {
            Some(number) => extent(self, number),
            None => Ok(Extent { listed: 0, claimed: 0 }),
        }
    }

    fn nameless_logs(&self) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM logs WHERE merchant_no NOT IN (SELECT merchant_no FROM merchants)";
        Ok(self.one("look for logs without a merchant", sql, [], |row| unsigned(row, 0))?.unwrap_or(0))
    }

    fn listed_from(&self, merchant: &MerchantId, from: u64) -> Result<Option<u64>, StoreError> {
        let Some(number) = self.merchant_no(merchant)? else { return Ok(None) };
        let sql = "SELECT seq FROM entries WHERE merchant_no = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1";
        self.one("look for the next entry", sql, params![number, signed(from)], |row| unsigned(row, 0))
    }

    fn records(&self, merchant: &MerchantId, from: u64, count: u32) -> Result<Vec<StoredRecord>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT seq, header, sealed FROM entries JOIN records USING (record_no) WHERE merchant_no = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
        self.all("read records", sql, params![merchant, signed(from), count], stored)
    }

    fn headers(&self, merchant: &MerchantId, from: u64, count: u32) -> Result<Vec<Vec<u8>>, StoreError> {
        let Some(number) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT seq, header FROM entries LEFT JOIN records USING (record_no) WHERE merchant_no = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
        let headers = self.all("read headers", sql, params![number, signed(from), count], |row| Ok((unsigned(row, 0)?, row.get(1)?)))?;
        let header = |(at, (seq, header)): (u64, (u64, Option<Vec<u8>>))| match header {
            Some(header) if seq == at => Ok(header),
            _ => Err(gone(merchant, at)),
        };
        (from..).zip(headers).map(header).collect()
    }

    fn decisions(&self, merchant: &MerchantId, wanted: &Wanted, count: u32) -> Result<Vec<DecisionRecord>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let mut sql = "SELECT seq, header, sealed, leaf, customer, ticket, decision_id, kind, received_at_ms FROM entries LEFT JOIN records USING (record_no)
            WHERE merchant_no = ?1 AND seq >= ?2 AND seq < ?3 AND entry = 'decision'"
            .to_owned();
        let mut parameters: Vec<Value> =
            vec![merchant.into(), signed(wanted.seqs.start).into(), signed(wanted.seqs.end).into(), i64::from(count).into()];
        let conditions = [
            ("ticket =", wanted.ticket.clone().map(Value::from)),
            ("policy =", wanted.policy.clone().map(Value::from)),
            ("received_at_ms >=", wanted.from_ms.map(Value::from)),
            ("received_at_ms <", wanted.to_ms.map(Value::from)),
        ];
        for (column, value) in conditions.into_iter().filter_map(|(column, value)| Some((column, value?))) {
            parameters.push(value);
            // Writing into a string cannot fail.
            _ = write!(sql, " AND {column} ?{}", parameters.len());
        }
        if !wanted.kinds.is_empty() {
            let places: Vec<String> = (1..=wanted.kinds.len()).map(|at| format!("?{}", parameters.len() + at)).collect();
            parameters.extend(wanted.kinds.iter().map(|kind| Value::from(kind.as_str().to_owned())));
            _ = write!(sql, " AND kind IN ({})", places.join(", "));
        }
        sql.push_str(" ORDER BY seq LIMIT ?4");
        self.all("read decisions", &sql, params_from_iter(parameters), |row| {
            Ok(DecisionRecord {
                seq: unsigned(row, 0)?,
                record: there(row)?,
                leaf: digest(row, 3)?,
                customer: row.get(4)?,
                ticket: row.get(5)?,
                decision: row.get(6)?,
                kind: row.get(7)?,
                received_at_ms: row.get(8)?,
            })
        })
    }

    fn left_out(&self, merchant: &MerchantId, wanted: &Wanted) -> Result<Vec<ListedHeader>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT seq, header, leaf, entry = 'decision' FROM entries LEFT JOIN records USING (record_no)
            WHERE merchant_no = ?1 AND seq >= ?2 AND seq < ?3 AND (entry <> 'decision' OR received_at_ms < ?4 OR received_at_ms >= ?5) ORDER BY seq";
        let bounds = params![merchant, signed(wanted.seqs.start), signed(wanted.seqs.end), wanted.from_ms, wanted.to_ms];
        self.all("read headers that are listed as others", sql, bounds, listed_header)
    }

    fn headers_from(&self, merchant: &MerchantId, from: u64, count: u32) -> Result<Vec<ListedHeader>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT seq, header, leaf, entry = 'decision' FROM entries LEFT JOIN records USING (record_no)
            WHERE merchant_no = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
        self.all("read headers from a place on", sql, params![merchant, signed(from), count], listed_header)
    }

    fn headers_before(&self, merchant: &MerchantId, end: u64, count: u32) -> Result<Vec<ListedHeader>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT seq, header, leaf, entry = 'decision' FROM entries LEFT JOIN records USING (record_no)
            WHERE merchant_no = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";
        self.all("read headers before a place", sql, params![merchant, signed(end), count], listed_header)
    }

    fn first_of_customer(&self, merchant: &MerchantId, customer: &str) -> Result<Option<u64>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(None) };
        // The index by customer and merchant ends with the place: the first is found without looking at the others.
        let sql = "SELECT seq FROM entries WHERE merchant_no = ?1 AND customer = ?2 ORDER BY seq LIMIT 1";
        self.one("find a customer's first record", sql, params![merchant, customer], |row| unsigned(row, 0))
    }

    fn decision_of_policy(&self, merchant: &MerchantId, policy: &str, version: Option<&str>) -> Result<Option<StoredRecord>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(None) };
        let sql = "SELECT seq, header, sealed FROM entries JOIN records USING (record_no)
            WHERE merchant_no = ?1 AND policy = ?2 AND version = coalesce(?3, version) ORDER BY seq DESC LIMIT 1";
        self.one("find a policy's newest decision", sql, params![merchant, policy, version], stored)
    }

    fn leaves(&self, merchant: &MerchantId, from: u64, count: u32) -> Result<Vec<Digest>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(Vec::new()) };
        let sql = "SELECT leaf FROM entries WHERE merchant_no = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
        self.all("read leaves", sql, params![merchant, signed(from), count], |row| digest(row, 0))
    }

    fn place(&self, merchant: &MerchantId, decision: &DecisionId) -> Result<Option<u64>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(None) };
        let sql = "SELECT seq FROM entries WHERE decision_id = ?1 AND merchant_no = ?2";
        self.one("look for a decision", sql, params![id::decision_bytes(decision), merchant], |row| unsigned(row, 0))
    }

    fn decision(&self, merchant: &MerchantId, decision: &DecisionId) -> Result<Option<StoredRecord>, StoreError> {
        let Some(seq) = self.place(merchant, decision)? else { return Ok(None) };
        self.record(merchant, seq)
    }

    fn event(&self, merchant: &MerchantId, event: &EventKey) -> Result<Option<EventSeen>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(None) };
        if !self.may_hold(KeyOf::Event, merchant, &[event.source(), event.id()]) {
            return Ok(None);
        }
        let sql = "SELECT body, first_seq, records FROM events
            WHERE merchant_no = ?1 AND source_no = (SELECT source_no FROM sources WHERE source = ?2) AND event_id = ?3";
        self.one("look for an event", sql, params![merchant, event.source(), event.id()], |row| {
            Ok(EventSeen { body: digest(row, 0)?, first_seq: unsigned(row, 1)?, records: row.get(2)? })
        })
    }

    fn listed(&self, merchant: &MerchantId, seq: u64) -> Result<Option<ListedEntry>, StoreError> {
        let Some(merchant) = self.merchant_no(merchant)? else { return Ok(None) };
        let sql = format!("SELECT {LISTED} FROM entries WHERE merchant_no = ?1 AND seq = ?2");
        self.one("read how a record is listed", &sql, params![merchant, signed(seq)], listed)
    }

    fn list(&self, merchant: &MerchantId, filter: &Filter, cursor: Option<&str>, entries_max: u32) -> Result<Page, StoreError> {
        let cursor = cursor.map(|text| Cursor::read(text, merchant, filter)).transpose()?;
        let Some(number) = self.merchant_no(merchant)? else { return Ok(Page { entries: Vec::new(), next: None }) };
        let below = match cursor {
            Some(cursor) => cursor.below,
            None => self.log_size(merchant)?,
        };
        let indexed = filter.ticket.is_some() || filter.customer.is_some();
        let from = if indexed { 0 } else { below.saturating_sub(SCANNED_ENTRIES_MAX) };
        let limit = entries_max.clamp(1, PAGE_ENTRIES_MAX);
        let (sql, parameters) = list_query(filter, [number, signed(below), signed(from), i64::from(limit)]);
        let entries = self.all("list entries", &sql, params_from_iter(parameters), listed)?;
        // A full page ends at its last entry; a short one has been looked through down to `from`, and to what is listed next below it.
        let rest = match entries.last() {
            Some(last) if entries.len() == limit as usize => last.seq,
            _ if from == 0 => 0,
            _ => {
                let sql = "SELECT seq FROM entries WHERE merchant_no = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT 1";
                let next = self.one("look for the entry before", sql, params![number, signed(from)], |row| unsigned(row, 0))?;
                next.map_or(0, |seq| seq.saturating_add(1))
            }
        };
        Ok(Page { entries, next: (rest > 0).then(|| Cursor { below: rest }.write(merchant, filter)) })
    }

    fn acts_at(&self, merchant: &MerchantId, act: &str, at_ms: i64) -> Result<Vec<u64>, StoreError> {
        let (Some(number), size) = (self.merchant_no(merchant)?, self.log_size(merchant)?) else { return Ok(Vec::new()) };
        // The first place from which on entries were received since a moment: they lie in the order of time, but for moments.
        let since = |moment_ms: i64| {
            let (mut low, mut high) = (0, size);
            while low < high {
                let middle = low + (high - low) / 2;
                let sql = "SELECT received_at_ms FROM entries WHERE merchant_no = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1";
                let received: Option<i64> =
                    self.one("read when a record was received", sql, params![number, signed(middle)], |row| row.get(0))?;
                if received.is_some_and(|received| received < moment_ms) { low = middle + 1 } else { high = middle }
            }
            Ok::<_, StoreError>(low)
        };
        let (from, to) = (since(at_ms.saturating_sub(DISORDER_MS))?, since(at_ms.saturating_add(DISORDER_MS))?);
        let sql = "SELECT seq FROM entries WHERE merchant_no = ?1 AND seq >= ?2 AND seq < ?3 AND received_at_ms = ?4 AND event_type = ?5
            AND entry = 'act' ORDER BY seq";
        self.all("look for acts", sql, params![number, signed(from), signed(to), at_ms, act], |row| unsigned(row, 0))
    }
}

fn extent(db: &(impl Database + ?Sized), number: i64) -> Result<Extent, StoreError> {
    let listed = db.entries_of(number)?;
    let tree = db.one("read the log's size", "SELECT size FROM logs WHERE merchant_no = ?1", [number], |row| unsigned(row, 0))?;
    let sql = "SELECT size FROM checkpoints WHERE merchant_no = ?1 ORDER BY size DESC LIMIT 1";
    let signed = db.one("read what was signed", sql, [number], |row| unsigned(row, 0))?;
    Ok(Extent { listed, claimed: tree.unwrap_or(listed).max(signed.unwrap_or(0)) })
}

/// The query of a list with its parameters: only the conditions that the filter has. The index is named: left to itself SQLite goes through
/// the whole log for the entries of one ticket.
fn list_query(filter: &Filter, fixed: [i64; 4]) -> (String, Vec<Value>) {
    let index = match (&filter.ticket, &filter.customer) {
        (Some(_), _) => "INDEXED BY entries_by_ticket",
        (None, Some(_)) => "INDEXED BY entries_by_customer",
        (None, None) => "",
    };
    let mut sql = format!("SELECT {LISTED} FROM entries {index} WHERE merchant_no = ?1 AND seq < ?2 AND seq >= ?3");
    let mut parameters: Vec<Value> = fixed.into_iter().map(Value::from).collect();
    let mut condition = |column: &str, value: Value| {
        parameters.push(value);
        // Writing into a string cannot fail.
        _ = write!(sql, " AND {column} ?{}", parameters.len());
    };
    let texts = [
        ("ticket =", &filter.ticket),
        ("customer =", &filter.customer),
        ("kind =", &filter.kind),
        ("outcome =", &filter.outcome),
        ("policy =", &filter.policy),
        ("event_type =", &filter.event_type),
    ];
    for (column, text) in texts {
        if let Some(text) = text {
            condition(column, text.clone().into());
        }
    }
    if let Some(entry) = filter.entry {
        condition("entry =", entry.as_str().to_owned().into());
    }
    for (column, time) in [("received_at_ms >=", filter.from_ms), ("received_at_ms <", filter.to_ms)] {
        if let Some(time) = time {
            condition(column, time.into());
        }
    }
    sql.push_str(" ORDER BY seq DESC LIMIT ?4");
    (sql, parameters)
}

impl WriteLedger for SqliteWriter {
    fn append(&mut self, record: &NewRecord<'_>) -> Result<(), StoreError> {
        let merchant = self.known_merchant(record.merchant)?;
        let next = self.log_of(merchant, record.merchant)?;
        if record.seq != next {
            return Err(StoreError::Sequence { merchant: record.merchant.to_string(), given: record.seq, next });
        }
        let sql = "INSERT INTO records (header, sealed) VALUES (?1, ?2)";
        self.run("append a record", sql, params![record.header, record.sealed])?;
        let record_no = self.db().connection.last_insert_rowid();
        let listing = &record.listing;
        let sql = "INSERT INTO entries (merchant_no, seq, record_no, entry, decision_id, kind, outcome, policy, version, event_type, ticket,
            customer, order_id, event_at_ms, received_at_ms, leaf) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
        let parameters = params![
            merchant,
            signed(record.seq),
            record_no,
            listing.entry.as_str(),
            listing.decision.map(id::decision_bytes),
            listing.kind,
            listing.outcome,
            listing.policy,
            listing.version,
            listing.event_type,
            listing.ticket,
            listing.customer,
            listing.order,
            listing.event_at_ms,
            listing.received_at_ms,
            record.leaf.0,
        ];
        self.run("list a record", sql, parameters)?;
        self.appended += 1;
        self.grow(merchant, record.leaf)
    }

    fn insert_event(&mut self, merchant: &MerchantId, event: &EventKey, seen: &EventSeen) -> Result<(), StoreError> {
        let merchant = self.known_merchant(merchant)?;
        self.now_known(KeyOf::Event, merchant, &[event.source(), event.id()]);
        let source = self.source_no(event.source())?;
        let sql = "INSERT INTO events (merchant_no, source_no, event_id, body, first_seq, records) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT DO NOTHING";
        self.insert("the event", sql, params![merchant, source, event.id(), seen.body.0, signed(seen.first_seq), seen.records])
    }
}

impl SqliteWriter {
    /// The number of an event source; a new source gets one.
    fn source_no(&mut self, source: &str) -> Result<i64, StoreError> {
        if let Some(known) = self.sources.get(source) {
            return Ok(*known);
        }
        self.run("name a source", "INSERT INTO sources (source) VALUES (?1) ON CONFLICT DO NOTHING", [source])?;
        let number = self.one("find a source", "SELECT source_no FROM sources WHERE source = ?1", [source], |row| row.get(0))?;
        let number = number.ok_or_else(|| StoreError::Damaged("a source just named is not there".to_owned()))?;
        self.sources.insert(source.to_owned(), number);
        Ok(number)
    }
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredRecord> {
    Ok(StoredRecord { seq: unsigned(row, 0)?, header: row.get(1)?, sealed: row.get(2)? })
}

fn listed_header(row: &Row<'_>) -> rusqlite::Result<ListedHeader> {
    Ok(ListedHeader { seq: unsigned(row, 0)?, header: row.get(1)?, leaf: digest(row, 2)?, is_decision: row.get(3)? })
}

/// A record; none where it is listed and its bytes are gone.
fn there(row: &Row<'_>) -> rusqlite::Result<Option<StoredRecord>> {
    let (header, sealed): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.get(1)?, row.get(2)?);
    let seq = unsigned(row, 0)?;
    Ok(header.zip(sealed).map(|(header, sealed)| StoredRecord { seq, header, sealed }))
}

fn gone(merchant: &MerchantId, seq: u64) -> StoreError {
    StoreError::Damaged(format!("record {seq} of `{merchant}` is missing: `ombud audit check` says more"))
}

fn listed(row: &Row<'_>) -> rusqlite::Result<ListedEntry> {
    let entry: String = row.get(1)?;
    Ok(ListedEntry {
        seq: unsigned(row, 0)?,
        entry: EntryKind::parse(&entry).ok_or_else(|| unknown(1, &entry))?,
        decision: row.get(2)?,
        kind: row.get(3)?,
        outcome: row.get(4)?,
        policy: row.get(5)?,
        version: row.get(6)?,
        event_type: row.get(7)?,
        ticket: row.get(8)?,
        customer: row.get(9)?,
        order: row.get(10)?,
        event_at_ms: row.get(11)?,
        received_at_ms: row.get(12)?,
        leaf: digest(row, 13)?,
    })
}

/// A word that this version does not know.
pub(super) fn unknown(column: usize, word: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, format!("`{word}` is not known here").into())
}

pub(super) fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Digest> {
    Ok(Digest(row.get(column)?))
}

/// SQLite's integers are signed; sequence numbers stay far below their end.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}
