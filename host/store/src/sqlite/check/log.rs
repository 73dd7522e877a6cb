//! One log, record by record: bytes, leaf, header, listing, event index, tiles, and the root at each signed size.

use ombud_core::ids::{EventKey, MerchantId, on_record};
use ombud_ledger::log::{Frontier, FullTile};
use ombud_ledger::{Call, Digest, Entry, Header, id, leaf_hash};
use rusqlite::{Row, Rows};

use super::Check;
use super::cells::{bytes, count, digest, text};
use super::heads::Heads;
use super::listing;
use crate::check::Place;
use crate::sqlite::ledger::signed;

/// Missing records after which a log is taken to have ended.
const GAP_MAX: u64 = 1 << 16;
/// Records after which progress is told.
const PROGRESS: u64 = 1 << 12;

/// One row of the event index.
struct Seen {
    source: String,
    event: String,
    /// The digest under which headers name it; none where source and id are no event's.
    key: Option<Digest>,
    first: Option<u64>,
    records: Option<u64>,
    /// The digest of its body has the bytes of one.
    is_digest: bool,
}

impl Seen {
    fn place(&self) -> Place {
        Place::Event { source: self.source.clone(), id: self.event.clone() }
    }
}

/// The event index of one log, in the order of its records.
struct Index<'r> {
    rows: Rows<'r>,
    merchant: &'r MerchantId,
    next: Option<Seen>,
    /// The digest of the event whose records are being read, and the end of them.
    open: Option<(Digest, u64)>,
}

impl Index<'_> {
    fn advance(&mut self) -> rusqlite::Result<Option<Seen>> {
        let row = self.rows.next()?.map(|row| seen(row, self.merchant)).transpose()?;
        Ok(std::mem::replace(&mut self.next, row))
    }

    /// Passes a record by that cannot be read, which is told of it: that the index leads to it is no other damage.
    fn pass(&mut self, seq: u64) -> rusqlite::Result<()> {
        if self.open.is_some_and(|(_, end)| seq < end) {
            return Ok(());
        }
        if let Some(next) = self.next.as_ref().filter(|next| next.first == Some(seq)) {
            self.open = next.key.zip(next.records).map(|(key, records)| (key, seq.saturating_add(records)));
            self.advance()?;
        }
        Ok(())
    }
}

fn seen(row: &Row<'_>, merchant: &MerchantId) -> rusqlite::Result<Seen> {
    let (source, event) = (text(row, 0)?.unwrap_or_default(), text(row, 1)?.unwrap_or_default());
    let key = on_record(|| EventKey::new(source.as_str(), event.as_str())).ok().map(|key| id::event_key(merchant, &key));
    Ok(Seen { key, source, event, first: count(row, 2)?, records: count(row, 3)?, is_digest: digest(row, 4)?.is_some() })
}

impl Check<'_> {
    pub(super) fn log(&mut self, number: i64, merchant: &MerchantId) -> rusqlite::Result<()> {
        let name = Some(merchant.as_str());
        let mut heads = Heads::read(self, number, merchant)?;
        let sql = format!(
            "SELECT e.seq, e.record_no, e.leaf, r.header, r.sealed, {} FROM entries e LEFT JOIN records r USING (record_no)
             WHERE e.merchant_no = ?1 ORDER BY e.seq",
            listing::COLUMNS
        );
        let db = self.db;
        let mut records = db.prepare(&sql)?;
        let mut records = records.query([number])?;
        let mut events = db.prepare(
            "SELECT s.source, e.event_id, e.first_seq, e.records, e.body FROM events e LEFT JOIN sources s USING (source_no)
             WHERE e.merchant_no = ?1 ORDER BY e.first_seq, s.source, e.event_id",
        )?;
        let mut index = Index { rows: events.query([number])?, merchant, next: None, open: None };
        index.advance()?;
        let mut tree = Frontier::new();
        let mut tiles = 0;
        while let Some(row) = records.next()? {
            let Some(seq) = count(row, 0)? else {
                self.report.found(name, Place::Database, "a record has no sequence number");
                continue;
            };
            // The rows come in order, unless the table itself is damaged.
            if seq.checked_sub(tree.size()).is_none_or(|gap| gap > GAP_MAX) {
                let problem = format!("it does not follow: the log before it has {} records", tree.size());
                self.report.found(name, Place::Record(seq), problem);
                continue;
            }
            // What follows a gap is looked at in its own place.
            while tree.size() < seq {
                self.report.found(name, Place::Record(tree.size()), "it is missing");
                index.pass(tree.size())?;
                tiles += tree.append(Digest([0; 32])).len() as u64;
            }
            self.report.records += 1;
            if self.report.records.is_multiple_of(PROGRESS) {
                (self.asked.progress)(self.report.records);
            }
            let leaf = self.record(row, merchant, seq, &mut index)?;
            for full in tree.append(leaf) {
                tiles += 1;
                self.tile(number, merchant, &full)?;
            }
            heads.reached(&tree);
        }
        if index.open.is_some_and(|(_, end)| end > tree.size()) {
            self.report.found(
                name,
                Place::Record(tree.size().saturating_sub(1)),
                "the event index counts records after it, but the log ends with it",
            );
        }
        while let Some(event) = index.advance()? {
            self.report.found(name, event.place(), "the records that it names are not there, or are another event's");
        }
        self.report.tiles += tiles;
        let stored: u64 =
            db.query_row("SELECT count(*) FROM tiles WHERE merchant_no = ?1", [number], |row| Ok(count(row, 0)?.unwrap_or(0)))?;
        if stored > tiles {
            self.report.found(name, Place::Tree, format!("{stored} tiles are stored, but {} records fill only {tiles}", tree.size()));
        }
        heads.conclude(self, number, &tree)
    }

    /// Checks one record and returns the leaf that its bytes have.
    fn record(&mut self, row: &Row<'_>, merchant: &MerchantId, seq: u64, index: &mut Index<'_>) -> rusqlite::Result<Digest> {
        let (name, place) = (Some(merchant.as_str()), Place::Record(seq));
        let (stored, record_no) = (digest(row, 2)?, row.get::<_, i64>(1)?);
        if !self.used.insert(record_no) {
            self.report.found(name, place.clone(), "its bytes stand for another record as well");
        }
        let Some(header) = bytes(row, 3)? else {
            self.report.found(name, place, "its bytes are missing");
            index.pass(seq)?;
            // The rest of the log is checked with the leaf that was stored.
            return Ok(stored.unwrap_or(Digest([0; 32])));
        };
        let leaf = leaf_hash(header);
        if stored != Some(leaf) {
            self.report.found(name, place.clone(), "its header is not the one of its leaf");
        }
        let header = match Header::decode(header) {
            Ok(header) => header,
            Err(error) => {
                self.report.found(name, place, format!("its header is damaged: {error}"));
                index.pass(seq)?;
                return Ok(leaf);
            }
        };
        if !listing::is_at(&header, merchant, seq) {
            let problem = format!("its header is that of record {} of `{}`", header.seq, header.merchant);
            self.report.found(name, place.clone(), problem);
        }
        if let Err(error) = header.intact(bytes(row, 4)?.unwrap_or_default()) {
            self.report.found(name, place.clone(), error.to_string());
        }
        for difference in listing::differences(row, 5, &header)? {
            self.report.found(name, place.clone(), format!("its {difference} is listed otherwise than the header has it"));
        }
        self.names(&header);
        let event = match &header.entry {
            Entry::Decision(decision) => Some(decision.event.key),
            Entry::Event(event) => Some(event.key),
            Entry::Act(_) => None,
        };
        self.indexed(merchant, seq, event, index)?;
        Ok(leaf)
    }

    /// Notes the stored bytes that a record names.
    fn names(&mut self, header: &Header) {
        let Entry::Decision(decision) = &header.entry else { return };
        // A policy that could not be loaded may have no component.
        let ran = |call: &&Call| call.component != Digest([0; 32]);
        for call in decision.calls().filter(ran) {
            self.named.extend([call.component, call.settings]);
        }
    }

    /// Checks that the event index leads to this record, where it is an event's.
    fn indexed(&mut self, merchant: &MerchantId, seq: u64, event: Option<Digest>, index: &mut Index<'_>) -> rusqlite::Result<()> {
        let (name, place) = (Some(merchant.as_str()), Place::Record(seq));
        if let Some((key, end)) = index.open {
            if seq < end {
                if event != Some(key) {
                    self.report.found(name, place, "the event index counts it to another event");
                }
                return Ok(());
            }
            index.open = None;
        }
        let Some(event) = event else { return Ok(()) };
        // Rows that lead elsewhere are told and passed over.
        while index.next.as_ref().is_some_and(|next| next.first.is_none_or(|first| first < seq)) {
            if let Some(wrong) = index.advance()? {
                self.report.found(name, wrong.place(), "the records that it names are not there, or are another event's");
            }
        }
        match index.next.as_ref().filter(|next| next.first == Some(seq) && next.key == Some(event)) {
            Some(next) if next.records.is_some_and(|records| records > 0) => {
                self.report.events += 1;
                index.open = next.records.map(|records| (event, seq.saturating_add(records)));
                if let Some(event) = index.advance()?.filter(|event| !event.is_digest) {
                    self.report.found(name, event.place(), "its digest is damaged: who sends it again gets no answer");
                }
            }
            _ => self.report.found(name, place, "the event index does not lead to it"),
        }
        Ok(())
    }

    fn tile(&mut self, number: i64, merchant: &MerchantId, full: &FullTile) -> rusqlite::Result<()> {
        let mut query = self.db.prepare_cached("SELECT hash FROM tiles WHERE merchant_no = ?1 AND level = ?2 AND tile = ?3")?;
        let mut rows = query.query((number, full.level, signed(full.index)))?;
        let stored = rows.next()?.map(|row| digest(row, 0)).transpose()?;
        let problem = match stored {
            Some(stored) if stored == Some(full.hash) => return Ok(()),
            Some(_) => "its hash is not that of its records",
            None => "it is missing",
        };
        drop(rows);
        self.report.found(Some(merchant.as_str()), Place::Tile { level: full.level, tile: full.index }, problem);
        Ok(())
    }
}
