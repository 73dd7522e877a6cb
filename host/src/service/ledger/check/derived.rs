//! What records mean for later cases, written once more from nothing but the records: payments, counters, after-sale cases,
//! grants, incidents, blacklist requests and measures.

use anyhow::{Context as _, Result};
use ombud_core::decision;
use ombud_core::event::{Event, EventType};
use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_core::merchant::MerchantConfig;
use ombud_core::money::{self, Due};
use ombud_ledger::{BodyKind, DecisionEntry, Digest, Entry, Header};
use ombud_store::{Gone, ListedEntry, MerchantRow, Reads, Rebuilt, Scratch};

use crate::replay::{Record, RecordedCase};
use crate::service::acts::{ActBody, By, ERASURE, MERCHANT_CHANGED, OVERRIDE, What};
use crate::service::error::ServiceError;
use crate::service::overrides::ActsAgain;
use crate::service::project::{self, Occasion};
use crate::service::snapshot::MerchantDocument;
use crate::service::vault::Vault;
use crate::service::{blacklist, platform, read};
use crate::temporary::Folder;

/// Records after which what was written is kept.
const TURN_RECORDS: u64 = 4096;

/// A scratch store with the folder it stands in.
pub(super) struct Place {
    pub(super) scratch: Scratch,
    // Removed after the store is closed.
    _folder: Folder,
}

impl Place {
    pub(super) fn new() -> Result<Self> {
        let folder = Folder::new().context("no folder for temporary files can be made: name another with TMPDIR")?;
        Ok(Self { scratch: Scratch::new(folder.path())?, _folder: folder })
    }
}

/// The records of one merchant, whose rows are written once more.
pub(super) struct Again<'a> {
    merchant: &'a MerchantId,
    vault: &'a Vault,
    /// The merchant's zone of now.
    tz_offset_min: i32,
    zone_changed: bool,
    acts: ActsAgain,
    /// The event whose decisions are under way: it bears on cases once they are written.
    event: Option<Ongoing>,
    records: u64,
    /// What keeps the rows from being compared.
    broken: Option<String>,
}

struct Ongoing {
    key: Digest,
    event: Event,
    received_at_ms: i64,
    tz_offset_min: i32,
    first_seq: u64,
}

/// A record that could be read.
pub(super) struct Readable<'a> {
    pub(super) record: &'a Record,
    pub(super) listed: &'a ListedEntry,
    /// The event of a decision or an event.
    pub(super) event: Option<Event>,
    /// The case of a decision.
    pub(super) case: Option<RecordedCase<'a>>,
}

impl<'a> Again<'a> {
    pub(super) fn new(row: &'a MerchantRow, vault: &'a Vault) -> Self {
        Self {
            merchant: &row.id,
            vault,
            tz_offset_min: zone(row),
            zone_changed: false,
            acts: ActsAgain::default(),
            event: None,
            records: 0,
            broken: None,
        }
    }

    /// A record is damaged, and so is what follows from it.
    pub(super) fn damaged(&mut self) {
        self.broken.get_or_insert_default();
    }

    /// Writes what a readable record means.
    pub(super) fn readable(&mut self, scratch: &mut Scratch, reads: &dyn Reads, read: Readable<'_>) -> Result<(), ServiceError> {
        if self.broken.is_some() {
            return Ok(());
        }
        let (seq, order) = (read.listed.seq, read.listed.order.clone());
        match self.write(scratch, reads, read) {
            Ok(()) => {}
            Err(error @ (ServiceError::Internal(_) | ServiceError::Damaged(_))) => return Err(error),
            // What an act pays may hang on records of the order that were erased.
            Err(error) if scratch.has_erased(self.merchant, order.as_deref())? => tracing::debug!(%error, seq, "not computed again"),
            Err(error) => self.broken = Some(format!("record {seq}: {error}")),
        }
        self.turn(scratch)
    }

    /// Notes a record whose bodies were erased.
    pub(super) fn erased(&mut self, scratch: &mut Scratch, header: &Header, listed: &ListedEntry) -> Result<(), ServiceError> {
        if self.broken.is_some() {
            return Ok(());
        }
        let closes = |name: &str| EventType::parse(name).is_some_and(platform::closes);
        let mut gone = Gone::default();
        match &header.entry {
            Entry::Decision(entry) => {
                self.end_event(scratch, Some(&entry.event.key))?;
                (gone.kind, gone.closes) = (Some(entry.kind), closes(&entry.event.event_type));
                (gone.refund, gone.goodwill) = counted_by(entry);
            }
            Entry::Event(entry) => {
                self.end_event(scratch, None)?;
                gone.closes = closes(&entry.event_type);
            }
            Entry::Act(entry) => {
                self.end_event(scratch, None)?;
                gone.is_override = entry.act == OVERRIDE;
            }
        }
        scratch.erased(self.merchant, listed, &gone)?;
        self.turn(scratch)
    }

    /// Ends the log. Answers none where not every record could be read; then what is wrong is told already, or in the text.
    pub(super) fn finish(mut self, scratch: &mut Scratch) -> Result<(Option<Rebuilt>, Option<String>), ServiceError> {
        if self.broken.is_none() {
            self.end_event(scratch, None)?;
        }
        let rebuilt = self.broken.is_none().then_some(Rebuilt { zone_changed: self.zone_changed });
        Ok((rebuilt, self.broken.filter(|text| !text.is_empty())))
    }

    fn turn(&mut self, scratch: &mut Scratch) -> Result<(), ServiceError> {
        self.records += 1;
        if self.records.is_multiple_of(TURN_RECORDS) {
            scratch.turn()?;
        }
        Ok(())
    }

    fn write(&mut self, scratch: &mut Scratch, reads: &dyn Reads, read: Readable<'_>) -> Result<(), ServiceError> {
        let Readable { record, listed, event, case } = read;
        let (seq, received_at_ms) = (listed.seq, record.header.received_at_ms);
        match (&record.header.entry, event) {
            (Entry::Act(act), _) => {
                self.end_event(scratch, None)?;
                scratch.list(self.merchant, listed)?;
                match act.act.as_str() {
                    ERASURE => self.erasure(scratch, record)?,
                    OVERRIDE => self.acts.again(scratch.group(), reads, self.vault, self.merchant, self.tz_offset_min, record)?,
                    MERCHANT_CHANGED => self.zone_changed |= changes_zone(record),
                    _ => {}
                }
                Ok(())
            }
            (Entry::Event(entry), Some(event)) => {
                self.end_event(scratch, None)?;
                let now = Ongoing { key: entry.key, event, received_at_ms, tz_offset_min: self.tz_offset_min, first_seq: seq };
                let on = now.occasion(self.merchant);
                conclude(scratch, &on, seq)?;
                blacklist::flag(scratch.group(), &on, seq)
            }
            (Entry::Decision(entry), Some(event)) => {
                let Some(case) = case else { return Ok(()) };
                scratch.list(self.merchant, listed)?;
                // Whoever is taken out of the listing was erased; acts on the decision name nobody either.
                if let (None, Some(customer), Some(order)) = (&listed.customer, &event.data.customer_ref, &listed.order) {
                    scratch.unlisted(self.merchant, order, customer.as_str())?;
                }
                self.decision(scratch, record, entry, event, &case)
            }
            (Entry::Event(_) | Entry::Decision(_), None) => Ok(()),
        }
    }

    fn decision(
        &mut self,
        scratch: &mut Scratch,
        record: &Record,
        entry: &DecisionEntry,
        event: Event,
        case: &RecordedCase<'_>,
    ) -> Result<(), ServiceError> {
        let (seq, received_at_ms) = (record.header.seq, record.header.received_at_ms);
        self.end_event(scratch, Some(&entry.event.key))?;
        let (merchant, group) = (self.merchant, scratch.group());
        let ongoing = match &self.event {
            Some(ongoing) => ongoing,
            // Its decisions stand one behind the other.
            None => {
                let new =
                    Ongoing { key: entry.event.key, event, received_at_ms, tz_offset_min: case.context.tz_offset_min, first_seq: seq };
                blacklist::flag(group, &new.occasion(merchant), seq)?;
                self.event.insert(new)
            }
        };
        let on = ongoing.occasion(merchant);
        let ruling = read::ruling_of(case.decision, entry.kind)?;
        let made = project::Made {
            id: &entry.id,
            case: &case.case,
            ruling: &ruling,
            edition: case.terms.edition,
            policy: entry.policy.as_ref().map(|policy| (policy.name.as_str(), policy.version.as_str())),
            paid: &decision::paid(&case.case, &ruling, &case.counted, case.terms.edition),
            counts: &case.counts,
            seq,
            leaf: Digest([0; 32]),
        };
        project::money(group, &on, &made)?;
        project::decision(group, &on, &made).map(|_| ())
    }

    /// Writes what the event under way says of cases, unless the next record is of the same one.
    fn end_event(&mut self, scratch: &mut Scratch, next: Option<&Digest>) -> Result<(), ServiceError> {
        match self.event.take_if(|event| next != Some(&event.key)) {
            Some(event) => conclude(scratch, &event.occasion(self.merchant), event.first_seq),
            None => Ok(()),
        }
    }

    /// Notes an act that erased a customer.
    fn erasure(&self, scratch: &mut Scratch, record: &Record) -> Result<(), ServiceError> {
        let body = record.body(BodyKind::Act).and_then(|body| serde_json::from_str::<ActBody>(body).ok());
        if let Some(What::Erasure { mark, .. }) = body.map(|body| body.what) {
            scratch.erasure(self.merchant, &mark, record.header.received_at_ms, record.header.seq)?;
        }
        Ok(())
    }
}

impl Ongoing {
    fn occasion<'o>(&'o self, merchant: &'o MerchantId) -> Occasion<'o> {
        Occasion { merchant, tz_offset_min: self.tz_offset_min, by: By::nobody(), event: &self.event, received_at_ms: self.received_at_ms }
    }
}

/// Writes what an event says of cases beside its decisions.
fn conclude(scratch: &mut Scratch, on: &Occasion<'_>, seq: u64) -> Result<(), ServiceError> {
    if platform::closes(on.event.envelope.event_type) {
        scratch.closing(on.merchant, seq)?;
    }
    platform::event(scratch.group(), on, seq)
}

/// What an erased decision counts, by its header: refunds from and to, and goodwill, in fen. Of a delayed refund some may have
/// been stated before.
fn counted_by(entry: &DecisionEntry) -> ((i64, i64), i64) {
    if money::due_of(entry.kind, &entry.outcome) != Due::Now {
        return ((0, 0), 0);
    }
    let amounts = &entry.amounts;
    let least = if entry.kind == Kind::Delay { 0 } else { amounts.refund };
    ((least, amounts.refund), amounts.cash.saturating_add(amounts.coupon))
}

/// The merchant's zone of now, minutes east of UTC; none is the operator's own log, where nothing counts.
pub(super) fn zone(row: &MerchantRow) -> i32 {
    let document: Option<MerchantDocument> = serde_json::from_str(&row.config).ok();
    let config = document.and_then(|document| MerchantConfig::parse(document.config.to_string().as_bytes()).ok());
    config.map_or(0, |config| config.tz_offset_min)
}

/// Whether an act changed where the merchant's day begins.
fn changes_zone(record: &Record) -> bool {
    let body = record.body(BodyKind::Act).and_then(|body| serde_json::from_str::<ActBody>(body).ok());
    matches!(body.map(|body| body.what), Some(What::MerchantChanged { members }) if members.iter().any(|member| member == "tz_offset_min"))
}
